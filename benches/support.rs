//! What the benches share: CPU time, memory, a server in a process of its own, a monitor over many integrations.
#![allow(dead_code, reason = "every bench uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a bench that panics has failed")]

use http_body_util::Full;
use hyper::{Request, Response, body::Bytes, body::Incoming, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use lampboard::{
    config::{Config, Paths},
    monitor::{Handle, Started, probe::Probe},
    providers::Registry,
    secrets::{Resolver, Vault},
    store::{Retention, Store},
};
use std::{
    convert::Infallible,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

/// User and system time of this process so far, in seconds (a hundredth at best).
pub fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    ticks as f64 / 100.0
}

/// Resident memory of this process, in MiB.
pub fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

/// The share's place in a sorted list.
pub fn rank(sorted: &[f64], share: f64) -> f64 {
    sorted[((sorted.len() as f64 * share).ceil() as usize).clamp(1, sorted.len()) - 1]
}

/// A server in a process of its own, gone when dropped.
pub struct Server {
    child: Child,
    pub port: u16,
}

impl Server {
    /// This program again, with the argument that makes it [`serve`].
    pub fn start() -> Server {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg("--serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        Server { port: line.trim().parse().unwrap(), child }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves until killed: `/cold/…` closes the connection, `/late/…` answers after exactly 50 ms. Prints its port.
#[allow(clippy::print_stdout, reason = "the parent reads it")]
pub fn serve() -> ! {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("0.0.0.0:0").await.unwrap();
        println!("{}", listener.local_addr().unwrap().port());
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            let _ = stream.set_nodelay(true);
            tokio::spawn(async move {
                let _ = hyper::server::conn::http1::Builder::new()
                    .timer(TokioTimer::new())
                    .serve_connection(TokioIo::new(stream), service_fn(answer))
                    .await;
            });
        }
    })
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path();
    if path.starts_with("/late") {
        let until = std::time::Instant::now() + Duration::from_millis(50);
        // The timer's wheel turns in milliseconds: the last stretch is waited for awake.
        tokio::time::sleep(Duration::from_millis(48)).await;
        while std::time::Instant::now() < until {
            std::hint::spin_loop();
        }
    }
    let mut response = Response::new(Full::new(Bytes::from_static(b"{\"login\":\"ada\",\"id\":7,\"name\":\"Ada\"}")));
    let headers = response.headers_mut();
    headers.insert("content-type", "application/json".parse().unwrap());
    headers.insert("x-ratelimit-limit", "5000".parse().unwrap());
    headers.insert("x-ratelimit-remaining", "4999".parse().unwrap());
    if path.starts_with("/cold") {
        headers.insert("connection", "close".parse().unwrap());
    }
    Ok(response)
}

const DAY: Duration = Duration::from_secs(86_400);

/// A monitor over a configuration in this folder.
pub fn monitor(home: &Path, config: &str, probe: Option<Arc<dyn Probe>>, scheduled: bool) -> Handle {
    let paths = Paths::under(home);
    paths.create().unwrap();
    std::fs::write(&paths.config, config).unwrap();
    let config = Config::load(&paths.config).unwrap();
    let (store, messages) = Store::open(&paths.history, Retention { raw: DAY, minutes: DAY, hours: DAY });
    assert!(messages.is_empty(), "{messages:?}");
    let resolver = Resolver::new(Arc::new(Vault::new(&paths.vault, &paths.identity))).with_env(|_| None);
    let registry = Registry::built_in();
    let started = Started { config, registry, paths, resolver, store, problems: Vec::new(), watch_files: false };
    match probe {
        Some(probe) => Handle::start_with(started, probe, None, scheduled).unwrap(),
        None if scheduled => Handle::start(started).unwrap(),
        None => Handle::start_idle(started).unwrap(),
    }
}

/// `count` integrations of the provider `http`, each at an address of its own on this port.
pub fn integrations(count: usize, port: u16, interval: &str) -> String {
    let mut text = format!("[board]\ninterval = \"{interval}\"\nattempts = 1\nconcurrency = 64\nper_host = 50\n");
    for n in 0..count {
        text.push_str(&format!(
            "[integrations.s{n}]\nprovider = \"http\"\nfields = {{ url = \"http://127.0.0.1:{port}/{n}\" }}\n"
        ));
    }
    text
}
