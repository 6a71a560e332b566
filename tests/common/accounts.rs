//! A server on this machine that knows tokens and whose they are, in the manner of GitHub's `/user`.
#![allow(dead_code, reason = "every test file uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::{
    collections::HashMap,
    io::{Read, Write},
    net::TcpListener,
    sync::{Arc, Mutex},
};

/// What a test sees and changes of a running server.
#[derive(Clone, Default)]
pub struct Accounts {
    /// Its port.
    pub port: u16,
    /// Token to account. Empty the map and nobody is known.
    pub known: Arc<Mutex<HashMap<String, String>>>,
    /// The whole of every request, as it came.
    pub requests: Arc<Mutex<Vec<String>>>,
    /// It fails by its own account while this is set.
    pub down: Arc<Mutex<bool>>,
}

impl Accounts {
    /// Serves until the test's process ends.
    pub fn serve(known: &[(&str, &str)]) -> Accounts {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut server = Accounts { port: listener.local_addr().unwrap().port(), ..Accounts::default() };
        server.known = Arc::new(Mutex::new(known.iter().map(|(t, a)| ((*t).to_owned(), (*a).to_owned())).collect()));
        let shared = server.clone();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut request = Vec::new();
                let mut buffer = [0; 4096];
                while !request.windows(4).any(|w| w == b"\r\n\r\n") {
                    match stream.read(&mut buffer) {
                        Ok(n @ 1..) => request.extend(&buffer[..n]),
                        _ => break,
                    }
                }
                let request = String::from_utf8_lossy(&request).into_owned();
                let account =
                    shared.known.lock().unwrap().iter().find(|(t, _)| request.contains(*t)).map(|(_, a)| a.clone());
                shared.requests.lock().unwrap().push(request);
                let (status, body) = match (*shared.down.lock().unwrap(), account) {
                    (true, _) => ("503 Service Unavailable", "{}".to_owned()),
                    (_, Some(account)) => ("200 OK", format!("{{\"login\":\"{account}\",\"id\":7}}")),
                    (_, None) => ("401 Unauthorized", "{\"message\":\"Bad credentials\"}".to_owned()),
                };
                let length = body.len();
                let answer = format!(
                    "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
                );
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        server
    }

    /// How often it was asked.
    pub fn count(&self) -> usize {
        self.requests.lock().unwrap().len()
    }
}
