//! A server that throws back what it was sent, in a manner that the first part of the path chooses. Below `/id` it is a
//! token service, and whatever `…/200/session` is sent is worth a session.

use super::{canaries::fresh, tokens::Turn};
use base64::{Engine, prelude::BASE64_STANDARD};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::{
    collections::VecDeque,
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
#[derive(Clone)]
pub struct Server {
    pub port: u16,
    /// All it was sent, forms decoded too.
    pub heard: Arc<Mutex<String>>,
    /// Requests so far.
    pub asked: Arc<AtomicUsize>,
    /// Secrets it made up: kind, value, and what only it has. A journey takes them out.
    pub given: Arc<Mutex<Vec<(String, String, String)>>>,
    /// What the token service does next; then it gives tokens.
    pub turns: Arc<Mutex<VecDeque<Turn>>>,
    rng: Arc<Mutex<fastrand::Rng>>,
}

impl Server {
    /// Serves until the test's process ends.
    pub fn start(seed: u64) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Server {
            port: listener.local_addr().unwrap().port(),
            heard: Arc::default(),
            asked: Arc::default(),
            given: Arc::default(),
            turns: Arc::default(),
            rng: Arc::new(Mutex::new(fastrand::Rng::with_seed(seed))),
        };
        let shared = server.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = shared.clone();
                std::thread::spawn(move || shared.answer(stream));
            }
        });
        server
    }

    /// A secret made up here.
    pub fn make_up(&self, kind: &str) -> String {
        let (value, body) = fresh(kind, &mut self.rng.lock().unwrap());
        self.given.lock().unwrap().push((kind.to_owned(), value.clone(), body));
        value
    }

    fn answer(&self, mut stream: TcpStream) -> Option<()> {
        stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
        let mut bytes = Vec::new();
        let mut buffer = [0; 4096];
        let (head, body) = loop {
            match stream.read(&mut buffer).ok()? {
                0 => return None,
                n => bytes.extend(&buffer[..n]),
            }
            let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") else { continue };
            let (head, body) = (String::from_utf8_lossy(&bytes[..end + 4]), String::from_utf8_lossy(&bytes[end + 4..]));
            let length =
                head.lines().find_map(|l| l.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                break (head.into_owned(), body.into_owned());
            }
        };
        let plain = percent_decode_str(&body).decode_utf8_lossy().into_owned();
        let plain_head = percent_decode_str(&head).decode_utf8_lossy();
        self.heard.lock().unwrap().push_str(&format!("{head}{plain_head}{body}\n{plain}\n"));
        self.asked.fetch_add(1, Ordering::SeqCst);
        let (path, query) = head.split_whitespace().nth(1).map(|t| t.split_once('?').unwrap_or((t, "")))?;
        let manner = path.split('/').nth(1)?.to_owned();
        let carried = head.lines().find_map(|l| l.strip_prefix("authorization: ").or(l.strip_prefix("x-key: ")));
        let sent = carried.or(Some(&*plain)).filter(|b| !b.is_empty());
        // Else it stands in the address.
        let sent = sent.unwrap_or(if query.is_empty() { path } else { query }).to_owned();
        if manner == "id" {
            let (status, body) = self.of_tokens(path, &plain, &sent);
            return reply(&mut stream, status, &sent, &body);
        }
        let all = echo(&sent, &format!("{head}{body}"));
        let (status, body) = match manner.as_str() {
            "200" if path.ends_with("/session") => {
                let token = self.make_up("session");
                // Short ones are made anew with each check.
                let lives = if self.rng.lock().unwrap().bool() { 3600 } else { 1 };
                ("200 OK", serde_json::json!({ "access_token": token, "expires_in": lives, "note": sent }).to_string())
            }
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
        reply(&mut stream, status, &sent, &body)
    }
}

/// What was sent, in every form.
pub fn echo(sent: &str, all: &str) -> String {
    let percent = utf8_percent_encode(sent, NON_ALPHANUMERIC).to_string();
    let (base64, json) = (BASE64_STANDARD.encode(sent), serde_json::to_string(sent).unwrap());
    let row = |n: u32, name: &str| serde_json::json!({ "id": n, "name": name, "deep": { "note": sent } });
    let rows = [row(1, sent), row(2, &percent), row(3, &base64), row(4, &json), row(5, &format!("={sent}"))];
    serde_json::json!({
        "ok": true, "name": sent, "message": format!("{} {sent}", "not known here ".repeat(9)), "all": all,
        "percent": percent, "base64": base64, "json": json, "rows": rows, sent: "as a name",
    })
    .to_string()
}

fn reply(stream: &mut TcpStream, status: &str, sent: &str, body: &str) -> Option<()> {
    let sent = sent.lines().next().unwrap_or_default();
    let place = utf8_percent_encode(sent, NON_ALPHANUMERIC);
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status}\r\nx-note: {sent}\r\nlocation: http://127.0.0.1:1/{place}?{sent}\r\nretry-after: {sent}\r\n\
         www-authenticate: Bearer error=\"{sent}\"\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    stream.write_all(answer.as_bytes()).ok()
}
