//! Runs one check: waits its turn, makes attempts, tells our own network's failure from theirs.

use super::{probe::Probe, retry};
use crate::{
    model::{Cause, Integration, Outcome},
    providers::Definition,
};
use jiff::Timestamp;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::Semaphore;

/// How long a running check keeps others from starting. A hanging one then gives its place back, so that a thousand of
/// them make nobody else late.
const TURN: Duration = Duration::from_secs(1);
/// Checks under way at most, hanging ones included: each may hold a connection.
const MOST: usize = 4096;

/// The places for checks.
pub struct Lanes {
    starting: Arc<Semaphore>,
    under_way: Arc<Semaphore>,
    hosts: Mutex<HashMap<String, Arc<Semaphore>>>,
    per_host: usize,
}

impl Lanes {
    /// `concurrency` at once, `per_host` to one host.
    pub fn new(concurrency: usize, per_host: usize) -> Lanes {
        Lanes {
            starting: Arc::new(Semaphore::new(concurrency.max(1))),
            under_way: Arc::new(Semaphore::new(MOST)),
            hosts: Mutex::default(),
            per_host: per_host.max(1),
        }
    }

    fn host(&self, host: &str) -> Arc<Semaphore> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        hosts.entry(host.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(self.per_host))).clone()
    }
}

/// Runs a check to its outcome.
pub async fn check(
    probe: Arc<dyn Probe>,
    lanes: Arc<Lanes>,
    integration: Arc<Integration>,
    definition: Arc<Definition>,
) -> Outcome {
    let host = probe.host(&integration, &definition);
    // The host first: who waits for a busy host must not hold a place that others could use.
    let own = host.as_deref().map(|h| lanes.host(h));
    let _own = match &own {
        Some(places) => places.acquire().await.ok(),
        None => None,
    };
    let _place = lanes.under_way.acquire().await.ok();
    let mut made = 0;
    loop {
        made += 1;
        let turn = lanes.starting.acquire().await.ok();
        let attempt = probe.attempt(&integration, &definition);
        tokio::pin!(attempt);
        let mut outcome = match tokio::time::timeout(TURN, &mut attempt).await {
            Ok(outcome) => outcome,
            Err(_) => {
                drop(turn);
                attempt.await
            }
        };
        outcome.attempts = made;
        if let Some(wait) = retry::wait(&outcome, made, integration.attempts, fastrand::f64()) {
            tokio::time::sleep(wait).await;
            continue;
        }
        if is_transport(outcome.cause) && !host.as_deref().is_some_and(is_loopback) && !probe.online().await {
            let seen = format!("{}: {}", outcome.cause.label(), outcome.evidence.seen);
            let mut own = Outcome::of(Cause::OwnNetwork, Timestamp::now(), "this machine has no route out", &seen);
            own.attempts = made;
            return own;
        }
        return outcome;
    }
}

fn is_transport(cause: Cause) -> bool {
    matches!(cause, Cause::Dns | Cause::Connect | Cause::Timeout)
}

/// A target on this machine: reached without any route out.
fn is_loopback(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name).trim_matches(['[', ']']);
    name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
