//! An HTTP server on loopback whose answers a test makes from the request; it keeps what it was asked.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::sync::{Arc, Mutex};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// One request.
#[derive(Debug, Clone)]
pub struct Asked {
    /// `GET`.
    pub method: String,
    /// Path and query as sent.
    pub path: String,
    /// Lower-case names.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Asked {
    /// A header's value, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v)
    }

    /// A member of the form in the body, decoded.
    pub fn form(&self, name: &str) -> String {
        let pairs = reqwest::Url::parse(&format!("http://x/?{}", self.body)).unwrap();
        pairs.query_pairs().find(|(n, _)| n == name).map(|(_, v)| v.into_owned()).unwrap_or_default()
    }
}

/// What to answer: status line (`200 OK`), header lines, body.
pub type Reply = (&'static str, String, String);

/// An answer without headers of its own.
pub fn reply(status: &'static str, body: &str) -> Reply {
    (status, String::new(), body.to_owned())
}

/// A running server.
#[derive(Clone)]
pub struct Web {
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Web {
    /// Serves on a free port until the runtime ends. `None` from `answer`: hangs until the other side does.
    pub async fn start(answer: impl Fn(&Asked) -> Option<Reply> + Send + Sync + 'static) -> Web {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let web = Web { url, asked: Arc::default() };
        let (own, answer) = (web.clone(), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (own, answer) = (own.clone(), answer.clone());
                tokio::spawn(async move { own.serve(stream, &*answer).await });
            }
        });
        web
    }

    async fn serve(
        &self,
        mut stream: TcpStream,
        answer: &(dyn Fn(&Asked) -> Option<Reply> + Send + Sync),
    ) -> Option<()> {
        let asked = read(&mut stream).await?;
        let head = asked.method == "HEAD";
        self.asked.lock().unwrap().push(asked.clone());
        let Some((status, headers, body)) = answer(&asked) else {
            let _ = stream.read(&mut [0; 16]).await;
            return None;
        };
        let (length, sent) = (body.len(), if head { "" } else { &*body });
        let text = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{sent}");
        stream.write_all(text.as_bytes()).await.ok()?;
        stream.shutdown().await.ok()
    }

    /// Everything asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// How often a path that begins so was asked for.
    pub fn count(&self, path: &str) -> usize {
        self.asked().iter().filter(|a| a.path.starts_with(path)).count()
    }
}

async fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ').map(str::to_owned);
    let headers: Vec<(String, String)> =
        lines.filter_map(|l| l.split_once(':')).map(|(n, v)| (n.to_lowercase(), v.trim().to_owned())).collect();
    let length: usize = headers.iter().find(|(n, _)| n == "content-length").map_or(0, |(_, v)| v.parse().unwrap());
    while bytes.len() < end + 4 + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let body = String::from_utf8_lossy(&bytes[end + 4..]).into_owned();
    Some(Asked { method: first.next()?, path: first.next()?, headers, body })
}
