//! A proxy on loopback that keeps back what a real server says, for a given time. It takes a fixed number of connections and
//! ends with the test.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UdpSocket},
    task::{JoinHandle, JoinSet},
};

/// Connections or datagrams passed on at most.
const MOST: usize = 64;

/// A running one.
pub struct Proxy {
    /// Where it listens.
    pub port: String,
    passing: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.passing.abort();
    }
}

impl Proxy {
    /// In front of a server's TCP port. Connecting takes no time; each piece that the server sends comes so much later.
    pub async fn tcp(server: &str, delay: Duration) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port().to_string();
        let server = format!("127.0.0.1:{server}");
        let passing = tokio::spawn(async move {
            let mut open = JoinSet::new();
            for _ in 0..MOST {
                let Ok((client, _)) = listener.accept().await else { return };
                open.spawn(pass(client, server.clone(), delay));
            }
            // No further ones: what is open is passed on to its end.
            drop(listener);
            open.join_all().await;
        });
        Proxy { port, passing }
    }

    /// In front of a server's UDP port: each answer comes so much later.
    pub async fn udp(server: &str, delay: Duration) -> Proxy {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let port = socket.local_addr().unwrap().port().to_string();
        let server = format!("127.0.0.1:{server}");
        let passing = tokio::spawn(async move {
            let mut datagram = [0; 4096];
            for _ in 0..MOST {
                let Ok((length, client)) = socket.recv_from(&mut datagram).await else { return };
                let own = UdpSocket::bind("127.0.0.1:0").await.unwrap();
                own.send_to(&datagram[..length], &server).await.unwrap();
                let Ok(length) = own.recv(&mut datagram).await else { return };
                tokio::time::sleep(delay).await;
                let _ = socket.send_to(&datagram[..length], client).await;
            }
        });
        Proxy { port, passing }
    }
}

/// One connection, until either side ends it.
async fn pass(client: TcpStream, server: String, delay: Duration) {
    let Ok(server) = TcpStream::connect(server).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let there = async {
        let _ = tokio::io::copy(&mut from_client, &mut to_server).await;
        let _ = to_server.shutdown().await;
    };
    let back = async {
        let mut piece = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from_server.read(&mut piece).await {
            tokio::time::sleep(delay).await;
            if to_client.write_all(&piece[..length]).await.is_err() {
                break;
            }
        }
        let _ = to_client.shutdown().await;
    };
    tokio::join!(there, back);
}
