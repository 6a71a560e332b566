//! CPU seconds of 1,000 HTTP checks beside a bare reqwest loop on the same server in the same run, and how true the
//! reported latency is.

#![allow(clippy::print_stdout, reason = "a bench prints its figures")]
#![allow(clippy::unwrap_used, reason = "a bench that panics has failed")]

#[path = "support.rs"]
mod support;

use futures_util::{StreamExt, stream};
use lampboard::{
    checks::{Checker, Network},
    config::Config,
    model::{Integration, Status},
    monitor::bind,
    providers::{Definition, Registry},
    secrets::{Resolver, Vault},
};
use std::{path::Path, sync::Arc, time::Duration};
use support::{Server, cpu, rank};

const CHECKS: usize = 10_000;
const AT_ONCE: usize = 48;
/// As many as keep every connection open: the checker keeps four to a host.
const HOSTS: usize = 12;
const ROUNDS: usize = 5;

fn main() {
    if std::env::args().any(|a| a == "--serve") {
        support::serve();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let server = Server::start();
        println!("CPU-seconds per 1,000 checks, {AT_ONCE} at once, median of {ROUNDS} runs of {CHECKS}");
        println!(
            "{:<12} {:>14} {:>22} {:>8} {:>22} {:>8}",
            "connection", "bare reqwest", "provider http", "ratio", "provider github", "ratio"
        );
        for kind in ["kept", "cold"] {
            let urls: Vec<String> =
                (1..=HOSTS).map(|host| format!("http://127.0.0.{host}:{}/{kind}", server.port)).collect();
            let (mut bare, mut http, mut github) = (Vec::new(), Vec::new(), Vec::new());
            // In turns, so that a busy moment of the machine is shared.
            for _ in 0..ROUNDS {
                bare.push(bare_loop(&urls).await);
                http.push(checks("http", &urls).await);
                github.push(checks("github", &urls).await);
            }
            let median = |times: &mut Vec<f64>| {
                times.sort_by(f64::total_cmp);
                rank(times, 0.5)
            };
            let (bare, http, github) = (median(&mut bare), median(&mut http), median(&mut github));
            println!("{kind:<12} {bare:>14.4} {http:>22.4} {:>8.2} {github:>22.4} {:>8.2}", http / bare, github / bare);
        }
        latency(&server).await;
    });
}

async fn bare_loop(urls: &[String]) -> f64 {
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(30))
        .tls_backend_rustls()
        .build()
        .unwrap();
    let (start, client) = (cpu(), &client);
    stream::iter(0..CHECKS)
        .for_each_concurrent(AT_ONCE, |n| async move {
            let answer = client.get(&urls[n % HOSTS]).send().await.unwrap();
            assert!(answer.status().is_success());
            assert!(!answer.bytes().await.unwrap().is_empty());
        })
        .await;
    (cpu() - start) * 1000.0 / CHECKS as f64
}

fn prepared(provider: &str, url: &str) -> (Checker, Integration, Arc<Definition>) {
    let fields = match provider {
        "http" => format!("{{ url = \"{url}\" }}"),
        _ => format!("{{ base_url = \"{url}\", token = \"env:TOKEN\" }}"),
    };
    let text = format!("[integrations.a]\nprovider = \"{provider}\"\nfields = {fields}\n");
    let config = Config::parse(Path::new("config.toml"), &text).unwrap();
    let registry = Registry::built_in();
    let (mut integrations, complaints) = bind::bind(&config, &registry);
    assert!(complaints.is_empty(), "{complaints:?}");
    let vault = Arc::new(Vault::new(Path::new("none"), Path::new("none")));
    let resolver = Resolver::new(vault).with_env(|_| Some("ghp_0123456789".to_owned()));
    let checker = Checker::new(&Network::default(), resolver).unwrap();
    let integration = integrations.pop().unwrap();
    let definition = registry.get(&integration.provider).unwrap().clone();
    (checker, integration, definition)
}

async fn checks(provider: &str, urls: &[String]) -> f64 {
    let (checker, _, definition) = prepared(provider, &urls[0]);
    let integrations: Vec<Integration> = urls.iter().map(|url| prepared(provider, url).1).collect();
    let (start, checker, integrations, definition) = (cpu(), &checker, &integrations, &definition);
    stream::iter(0..CHECKS)
        .for_each_concurrent(AT_ONCE, |n| async move {
            let outcome = checker.attempt(&integrations[n % HOSTS], definition).await;
            assert_eq!(outcome.status(), Status::Active, "{outcome:?}");
        })
        .await;
    (cpu() - start) * 1000.0 / CHECKS as f64
}

async fn latency(server: &Server) {
    let (checker, integration, definition) = prepared("http", &format!("http://127.0.0.1:{}/late", server.port));
    let mut errors = Vec::new();
    for _ in 0..200 {
        let outcome = checker.attempt(&integration, &definition).await;
        errors.push((outcome.latency.unwrap().as_secs_f64() * 1000.0 - 50.0).abs());
    }
    errors.sort_by(f64::total_cmp);
    println!(
        "reported latency of a server that answers after 50 ms: off by {:.2} ms at the median, {:.2} ms at the 95th percentile",
        rank(&errors, 0.5),
        rank(&errors, 0.95)
    );
}
