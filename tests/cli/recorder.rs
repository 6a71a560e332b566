//! A loopback server that keeps every request whole and answers by method and path.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    time::Duration,
};

/// One request as it came.
#[derive(Debug, Clone)]
pub struct Request {
    /// `POST /items?x=1`.
    pub line: String,
    /// The head in lower case.
    pub head: String,
    pub body: Vec<u8>,
}

impl Request {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// What the server says: status line, more headers, body. `None`: nothing at all, until the other side hangs up.
pub type Reply = Option<(&'static str, &'static str, Vec<u8>)>;

/// The server.
pub struct Recorder {
    pub url: String,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Recorder {
    pub fn new(reply: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Recorder {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen: Arc<Mutex<Vec<Request>>> = Arc::default();
        let (kept, reply) = (seen.clone(), Arc::new(reply));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (kept, reply) = (kept.clone(), reply.clone());
                std::thread::spawn(move || serve(stream, &kept, &*reply));
            }
        });
        Recorder { url, seen }
    }

    /// Always the same answer.
    pub fn saying(status: &'static str, headers: &'static str, body: &str) -> Recorder {
        let body = body.as_bytes().to_vec();
        Recorder::new(move |_| Some((status, headers, body.clone())))
    }

    /// Every request so far.
    pub fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }
}

fn serve(mut stream: TcpStream, kept: &Mutex<Vec<Request>>, reply: &dyn Fn(&Request) -> Reply) -> Option<()> {
    stream.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && head.len() < 64 * 1024 {
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let line = head.lines().next()?.rsplit_once(' ')?.0.to_owned();
    let lower = head.to_ascii_lowercase();
    let length = lower.lines().find_map(|l| l.strip_prefix("content-length:")).and_then(|l| l.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).ok()?;
    let request = Request { line, head, body };
    let answer = reply(&request);
    kept.lock().unwrap().push(request);
    let Some((status, headers, body)) = answer else {
        return stream.read_exact(&mut byte).ok();
    };
    let length = if status.starts_with("204") { String::new() } else { format!("content-length: {}\r\n", body.len()) };
    stream.write_all(format!("HTTP/1.1 {status}\r\n{length}{headers}connection: close\r\n\r\n").as_bytes()).ok()?;
    stream.write_all(&body).ok()
}
