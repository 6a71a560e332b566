//! A loopback server that answers by path, and GitHub's part played by the demo's server.

use lampboard::{
    demo::{
        script::Script,
        server::{Service, serve},
    },
    providers::Registry,
};
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    time::Duration,
};

/// The token the servers accept.
pub const TOKEN: &str = "ghp_hunter2hunter2hunter2hunter2hunter2h";

/// Answers `/ok` with 200, `/guarded` with 200 to [`TOKEN`] and else 401, `/limited` with 429, `/escape` with an escape
/// code in its text; anything else with 500. Serves until the test ends.
pub fn by_path() -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer(stream));
        }
    });
    format!("http://{address}")
}

fn answer(mut stream: TcpStream) -> Option<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && head.len() < 64 * 1024 {
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let (status, body) = match head.split_whitespace().nth(1)? {
        "/ok" => ("200 OK", "{\"status\":\"ok\"}"),
        "/guarded" if head.contains(TOKEN) => ("200 OK", "{\"status\":\"ok\"}"),
        "/guarded" => ("401 Unauthorized", "{\"message\":\"who are you?\"}"),
        "/limited" => ("429 Too Many Requests", "{}"),
        "/escape" => ("503 Service Unavailable", "\x1b[31mred\x1b[0m alert"),
        _ => ("500 Internal Server Error", "{}"),
    };
    let reply = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(reply.as_bytes()).ok()
}

/// GitHub on loopback: takes [`TOKEN`], answers with the definition's own examples. It lives as long as the value.
pub struct GitHub {
    address: SocketAddr,
    _runtime: tokio::runtime::Runtime,
}

impl GitHub {
    pub fn new() -> GitHub {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let definition = Registry::load(None, None).0.get("github").unwrap().clone();
        let service = Service { definition, script: Script::Good, credentials: vec![TOKEN.to_owned()] };
        let address = runtime.block_on(serve(service)).unwrap();
        GitHub { address, _runtime: runtime }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}
