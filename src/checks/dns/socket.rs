//! Datagrams to one name server alone, so that the system tells when nobody listens there instead of leaving us to wait.

use hickory_resolver::net::runtime::{DnsUdpSocket, RuntimeProvider, TokioRuntimeProvider};
use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{Interest, ReadBuf},
    net::UdpSocket,
};

/// Tokio's part of everything but the datagrams. Remembers the last failure, for the resolver forgets it.
#[derive(Clone, Default)]
pub struct Runtime {
    tokio: TokioRuntimeProvider,
    failure: Failure,
}

/// What the system said last, shared by all sockets of a query.
type Failure = Arc<Mutex<Option<String>>>;

impl Runtime {
    /// Why the last datagram did not arrive, if the system told.
    pub fn failure(&self) -> Option<String> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Keeps an error's text.
fn keep(failure: &Failure, error: io::Error) -> io::Error {
    *failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
    error
}

/// A socket that sends to one server and hears nobody else.
pub struct Datagrams {
    socket: UdpSocket,
    server: SocketAddr,
    failure: Failure,
}

/// What the system gives after a while.
type Soon<T> = Pin<Box<dyn Send + Future<Output = io::Result<T>>>>;
/// A datagram's length and whose it is.
type Heard<'f> = Pin<Box<dyn Future<Output = io::Result<(usize, SocketAddr)>> + Send + 'f>>;

impl RuntimeProvider for Runtime {
    type Handle = <TokioRuntimeProvider as RuntimeProvider>::Handle;
    type Timer = <TokioRuntimeProvider as RuntimeProvider>::Timer;
    type Udp = Datagrams;
    type Tcp = <TokioRuntimeProvider as RuntimeProvider>::Tcp;

    fn create_handle(&self) -> Self::Handle {
        self.tokio.create_handle()
    }

    fn connect_tcp(&self, server: SocketAddr, from: Option<SocketAddr>, limit: Option<Duration>) -> Soon<Self::Tcp> {
        self.tokio.connect_tcp(server, from, limit)
    }

    fn bind_udp(&self, from: SocketAddr, server: SocketAddr) -> Soon<Self::Udp> {
        let failure = self.failure.clone();
        Box::pin(async move {
            let socket = UdpSocket::bind(from).await?;
            socket.connect(server).await.map_err(|error| keep(&failure, error))?;
            Ok(Datagrams { socket, server, failure })
        })
    }
}

impl Datagrams {
    /// Waits until the system reports an error.
    async fn failed(&self) -> io::Error {
        let told = || self.socket.take_error()?.ok_or_else(|| io::ErrorKind::WouldBlock.into());
        self.socket.async_io(Interest::ERROR, told).await.unwrap_or_else(|error| error)
    }
}

impl DnsUdpSocket for Datagrams {
    type Time = <TokioRuntimeProvider as RuntimeProvider>::Timer;

    fn poll_recv_from(&self, context: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<(usize, SocketAddr)>> {
        let mut buffer = ReadBuf::new(into);
        self.socket.poll_recv(context, &mut buffer).map_ok(|()| (buffer.filled().len(), self.server))
    }

    /// Waits for an error as well: a datagram that nobody took is told as one, and alone does not make a socket readable.
    fn recv_from<'s, 'i, 'f>(&'s self, into: &'i mut [u8]) -> Heard<'f>
    where
        's: 'f,
        'i: 'f,
        Self: 'f,
    {
        Box::pin(async move {
            tokio::select! {
                heard = self.socket.recv(into) => heard.map(|length| (length, self.server)).map_err(|e| keep(&self.failure, e)),
                error = self.failed() => Err(keep(&self.failure, error)),
            }
        })
    }

    /// The target is the server: connected sockets take no other on some systems, and not even its name.
    fn poll_send_to(&self, context: &mut Context<'_>, bytes: &[u8], _target: SocketAddr) -> Poll<io::Result<usize>> {
        self.socket.poll_send(context, bytes)
    }
}
