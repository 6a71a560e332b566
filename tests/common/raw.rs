//! Hand-written servers on loopback, and a checker to send against them.

#![allow(dead_code, reason = "each test file uses a part of it")]

use indexmap::IndexMap;
use lampboard::{
    checks::{Checker, Network},
    model::{FieldValue, Integration, IntegrationId, Outcome, SecretRef},
    providers::{Definition, Origin, compile::compile},
    secrets::{Resolver, Vault},
};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// The most a flood sends before it gives up waiting to be cut off, in bytes.
pub const FLOOD: u64 = 1 << 30;
/// The credential of every integration made here.
pub const TOKEN: &str = "tok-7f3a9c51e8d2b604";

/// What a server does with a connection, one after the other; then it closes and reads to the end.
#[derive(Clone)]
pub enum Step {
    /// Reads a request's head.
    Read,
    /// Sends these bytes.
    Send(Vec<u8>),
    /// Sends these bytes again and again until the other side hangs up.
    Flood(Vec<u8>),
    /// Sends these bytes over and over, one each tenth of a second.
    Drip(Vec<u8>),
    /// Does nothing until the other side hangs up.
    Wait,
    /// Ends the connection with a reset.
    Reset,
}

/// A running server and what it saw.
#[derive(Clone)]
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    sent: Arc<AtomicU64>,
    cut: Arc<AtomicBool>,
}

impl Server {
    /// Starts one that follows these steps on every connection.
    pub async fn start(steps: Vec<Step>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Server {
            address: listener.local_addr().unwrap(),
            heads: Arc::default(),
            sent: Arc::default(),
            cut: Arc::default(),
        };
        let own = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (own, steps) = (own.clone(), steps.clone());
                tokio::spawn(async move { own.follow(stream, &steps).await });
            }
        });
        server
    }

    /// Starts one that reads a request and sends this answer.
    pub async fn answering(answer: impl Into<Vec<u8>>) -> Server {
        Server::start(vec![Step::Read, Step::Send(answer.into())]).await
    }

    async fn follow(&self, mut stream: TcpStream, steps: &[Step]) {
        for step in steps {
            match step {
                Step::Read => match head(&mut stream).await {
                    Some(head) => self.heads.lock().unwrap().push(head),
                    None => return,
                },
                Step::Send(bytes) => {
                    if stream.write_all(bytes).await.is_err() {
                        return self.cut.store(true, Ordering::SeqCst);
                    }
                }
                Step::Flood(bytes) => {
                    while self.sent.load(Ordering::SeqCst) < FLOOD {
                        if stream.write_all(bytes).await.is_err() {
                            return self.cut.store(true, Ordering::SeqCst);
                        }
                        self.sent.fetch_add(bytes.len() as u64, Ordering::SeqCst);
                    }
                }
                Step::Drip(bytes) => {
                    for byte in bytes.iter().cycle() {
                        if stream.write_all(&[*byte]).await.is_err() {
                            return self.cut.store(true, Ordering::SeqCst);
                        }
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                }
                Step::Wait => {
                    let _ = drain(&mut stream).await;
                    return self.cut.store(true, Ordering::SeqCst);
                }
                Step::Reset => {
                    let _ = stream.set_zero_linger();
                    return;
                }
            }
        }
        let _ = stream.shutdown().await;
        let _ = drain(&mut stream).await;
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The heads of the requests so far.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    /// What a flood has sent so far, in bytes.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::SeqCst)
    }

    /// Waits until the server has noticed that the other side hung up.
    pub async fn noticed(&self) {
        until("the server is told that nobody reads any more", || self.cut.load(Ordering::SeqCst)).await;
    }
}

/// Reads a request's head. `None`: the other side hung up before its end.
pub async fn head(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> Option<String> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).await.ok()? == 0 {
            return None;
        }
        bytes.push(byte[0]);
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

async fn drain(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut buffer = [0; 4096];
    while stream.read(&mut buffer).await? > 0 {}
    Ok(())
}

/// Polls a condition for twenty seconds.
pub async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < Duration::from_secs(20), "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// An answer with a correct length.
pub fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let mut out = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n", body.len()).into_bytes();
    out.extend(body);
    out
}

/// A definition that looks at everything an answer can hold.
pub const NOSY: &str = r#"
id = "nosy"
name = "Nosy"
category = "generic"
base_url = "{{ base_url }}"
[fields.base_url]
label = "Address"
required = true
[fields.token]
label = "Token"
secret = true
required = true
[auth]
scheme = "bearer"
token = "{{ token }}"
[check]
kind = "http"
request = "GET /me"
cost = "nothing"
active = "status == 200 and body.ok == true"
identity = "body.name"
degraded = "body.degraded"
[[check.rule]]
when = "status == 418"
cause = "server_error"
message = "headers['x-message']"
[[check.rule]]
when = "status == 409"
cause = "ok"
missing_scope = "headers['x-message']"
[[quota]]
name = "core"
unit = "requests"
limit = "headers['x-limit'] | int"
left = "headers['x-left'] | int"
[facts]
Header = "headers['x-message']"
Name = "body.name"
"#;

/// Compiles a definition.
pub fn definition(text: &str) -> Arc<Definition> {
    let id = text.split('"').nth(1).unwrap();
    let file = PathBuf::from(format!("{id}.toml"));
    Arc::new(compile(&file, text, Origin::BuiltIn).unwrap())
}

/// A checker without a proxy, over an empty vault, with [`TOKEN`] in the environment; one more root if given.
pub fn checker(root: Option<&Path>) -> Checker {
    checker_knowing(TOKEN, root)
}

/// The same with another credential.
pub fn checker_knowing(token: &'static str, root: Option<&Path>) -> Checker {
    let vault = Arc::new(Vault::new(Path::new("/nonexistent/vault"), Path::new("/nonexistent/identity")));
    let resolver = Resolver::new(vault).with_env(|name| (name == "TOKEN").then(|| token.to_owned()));
    let network = Network {
        proxy: "none".to_owned(),
        ca_file: root.map(Path::to_owned),
        idle: Duration::from_secs(30),
        ..Network::default()
    };
    Checker::new(&network, resolver).unwrap()
}

/// An integration of the nosy provider at this address.
pub fn integration(url: &str) -> Integration {
    Integration {
        id: IntegrationId::new("hostile").unwrap(),
        provider: "nosy".to_owned(),
        name: "hostile".to_owned(),
        tags: Vec::new(),
        fields: IndexMap::from([
            ("base_url".to_owned(), FieldValue::Text(url.to_owned())),
            ("token".to_owned(), FieldValue::Secret(SecretRef::Env("TOKEN".into()))),
        ]),
        enabled: true,
        interval: Duration::from_secs(300),
        timeout: Duration::from_secs(60),
        attempts: 1,
        failures_to_open: 1,
        successes_to_close: 1,
        expires: None,
        ca_file: None,
        insecure: false,
        slow: None,
        needs_scopes: Vec::new(),
    }
}

/// One attempt against this address.
pub async fn check(url: &str) -> Outcome {
    checker(None).attempt(&integration(url), &definition(NOSY)).await
}

/// One attempt with this limit.
pub async fn check_within(url: &str, limit: Duration) -> Outcome {
    let integration = Integration { timeout: limit, ..integration(url) };
    checker(None).attempt(&integration, &definition(NOSY)).await
}

/// Every text of an outcome as a person would see it.
pub fn texts(outcome: &Outcome) -> Vec<String> {
    let mut all = vec![outcome.evidence.rule.clone(), outcome.evidence.seen.clone()];
    all.extend(outcome.identity.clone());
    all.extend(outcome.facts.iter().flat_map(|f| [f.label.clone(), f.value.clone()]));
    all.extend(outcome.quotas.iter().flat_map(|q| [q.name.clone(), q.unit.clone()]));
    all.extend(outcome.warnings.iter().map(|w| w.sentence(outcome.at)));
    all
}

/// Panics when a text could drive a terminal or turn the reading direction, or is longer than a line of evidence.
pub fn assert_harmless(outcome: &Outcome) {
    for text in texts(outcome) {
        let bad = |c: char| {
            c.is_control()
                || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}')
        };
        assert!(!text.contains(bad), "{text:?} in {outcome:?}");
        assert!(text.len() <= 260, "{} bytes: {text:?}", text.len());
    }
}
