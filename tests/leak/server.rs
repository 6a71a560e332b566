//! A server that throws back what it was sent, in a manner that the first part of the path chooses.

use base64::{Engine, prelude::BASE64_STANDARD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// The manners. `slow` never answers.
pub const ANSWERS: [&str; 10] = ["200", "401", "403", "429", "500", "503", "page", "garbage", "turned", "slow"];

/// What a journey knows of it.
#[derive(Clone, Default)]
pub struct Server {
    pub port: u16,
    /// All it was sent.
    pub heard: Arc<Mutex<String>>,
    /// Requests so far.
    pub asked: Arc<AtomicUsize>,
}

impl Server {
    /// Serves until the test's process ends.
    pub fn start() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Server { port: listener.local_addr().unwrap().port(), ..Server::default() };
        let shared = server.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = shared.clone();
                std::thread::spawn(move || shared.answer(stream));
            }
        });
        server
    }

    fn answer(&self, mut stream: TcpStream) -> Option<()> {
        stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
        let mut head = Vec::new();
        let mut buffer = [0; 4096];
        while !head.windows(4).any(|w| w == b"\r\n\r\n") {
            match stream.read(&mut buffer).ok()? {
                0 => return None,
                n => head.extend(&buffer[..n]),
            }
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        self.heard.lock().unwrap().push_str(&head);
        self.asked.fetch_add(1, Ordering::SeqCst);
        let manner = head.split_whitespace().nth(1)?.split(['/', '?']).nth(1)?.to_owned();
        let query = head.split_whitespace().nth(1)?.split('?').nth(1).unwrap_or_default();
        let sent = head.lines().find_map(|l| l.strip_prefix("authorization: ").or(l.strip_prefix("x-key: ")));
        let sent = sent.unwrap_or(query).to_owned();
        let all = serde_json::json!({
            "ok": true, "name": sent, "message": format!("{} {sent}", "not known here ".repeat(9)), "all": head,
            "percent": utf8_percent_encode(&sent, NON_ALPHANUMERIC).to_string(),
            "base64": BASE64_STANDARD.encode(&sent), "json": serde_json::to_string(&sent).unwrap(),
        })
        .to_string();
        let (status, body) = match manner.as_str() {
            "200" => ("200 OK", all),
            "401" => ("401 Unauthorized", all),
            "403" => ("403 Forbidden", all),
            "429" => ("429 Too Many Requests", all),
            "500" => ("500 Internal Server Error", format!("{sent}\n{}", BASE64_STANDARD.encode(&head))),
            "503" => ("503 Service Unavailable", all),
            "page" => ("200 OK", format!("<html><title>{sent}</title>{head}</html>")),
            "turned" => ("302 Found", String::new()),
            "slow" => {
                // Until the other side gives up.
                let _ = stream.read(&mut buffer);
                return None;
            }
            _ => {
                let garbage =
                    format!("HTTP/1.1 200 OK\r\nx-note: {sent}\r\ncontent-length: 90000\r\n\r\n{{\"ok\":\"{sent}");
                return stream.write_all(garbage.as_bytes()).ok();
            }
        };
        let place = utf8_percent_encode(&sent, NON_ALPHANUMERIC);
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status}\r\nx-note: {sent}\r\nlocation: http://127.0.0.1:1/{place}?{sent}\r\nretry-after: {sent}\r\n\
             www-authenticate: Bearer error=\"{sent}\"\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
        stream.write_all(answer.as_bytes()).ok()
    }
}
