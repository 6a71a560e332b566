//! A made-up world for the monitor: what each integration's checks give, and when they were made.
#![allow(dead_code, reason = "every test file uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use lampboard::{
    config::{Config, Paths},
    model::{Cause, Integration, IntegrationId, Outcome},
    monitor::{
        Entry, Handle, Started,
        probe::{Pending, Probe},
    },
    providers::{Definition, Registry},
    secrets::{Resolver, Vault},
    store::{Retention, Store},
};
use std::{
    collections::HashMap,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;

const DAY: Duration = Duration::from_secs(86_400);

/// What a check does.
#[derive(Debug, Clone)]
pub enum Fate {
    /// Ends with this cause after this long.
    After(Cause, Duration),
    /// Ends rate limited until so many seconds from now.
    Until(i64),
    /// Never ends.
    Hang,
    /// Panics.
    Panic,
}

pub const FINE: Fate = Fate::After(Cause::Ok, Duration::from_millis(20));

/// The world. The word before the first `-` of an integration's id chooses its fate.
pub struct World {
    fates: Mutex<HashMap<String, Vec<Fate>>>,
    attempts: Mutex<Vec<(String, Instant)>>,
    pub online: AtomicBool,
    running: Mutex<HashMap<String, usize>>,
    pub most: AtomicUsize,
    pub most_to_one_host: AtomicUsize,
    /// Every integration talks to this host; `None`: each to its own.
    pub host: Option<String>,
}

impl World {
    pub fn new(fates: &[(&str, Fate)]) -> Arc<World> {
        World::with_host(fates, None)
    }

    pub fn with_host(fates: &[(&str, Fate)], host: Option<&str>) -> Arc<World> {
        Arc::new(World {
            fates: Mutex::new(fates.iter().map(|(n, f)| ((*n).to_owned(), vec![f.clone()])).collect()),
            attempts: Mutex::default(),
            online: AtomicBool::new(true),
            running: Mutex::default(),
            most: AtomicUsize::new(0),
            most_to_one_host: AtomicUsize::new(0),
            host: host.map(ToOwned::to_owned),
        })
    }

    /// From now on: these one after the other, the last for ever.
    pub fn set(&self, kind: &str, fates: Vec<Fate>) {
        self.fates.lock().unwrap().insert(kind.to_owned(), fates);
    }

    fn fate(&self, id: &str) -> Fate {
        let mut fates = self.fates.lock().unwrap();
        let Some(list) = fates.get_mut(id.split('-').next().unwrap()) else { return FINE };
        if list.len() > 1 { list.remove(0) } else { list[0].clone() }
    }

    /// When attempts of this integration began.
    pub fn times(&self, id: &str) -> Vec<Instant> {
        self.attempts.lock().unwrap().iter().filter(|(i, _)| i == id).map(|(_, at)| *at).collect()
    }

    pub fn all_times(&self) -> Vec<Instant> {
        self.attempts.lock().unwrap().iter().map(|(_, at)| *at).collect()
    }

    /// Time between attempts of this integration.
    pub fn gaps(&self, id: &str) -> Vec<Duration> {
        self.times(id).windows(2).map(|w| w[1] - w[0]).collect()
    }
}

impl Probe for World {
    fn attempt<'a>(&'a self, integration: &'a Integration, definition: &'a Arc<Definition>) -> Pending<'a, Outcome> {
        let id = integration.id.to_string();
        self.attempts.lock().unwrap().push((id.clone(), Instant::now()));
        let host = self.host(integration, definition).unwrap();
        let fate = self.fate(&id);
        let limit = integration.timeout;
        Box::pin(async move {
            {
                let mut running = self.running.lock().unwrap();
                *running.entry(host.clone()).or_default() += 1;
                self.most.fetch_max(running.values().sum(), Ordering::SeqCst);
                self.most_to_one_host.fetch_max(running[&host], Ordering::SeqCst);
            }
            let now = jiff::Timestamp::now();
            let outcome = match fate {
                Fate::After(cause, time) => {
                    tokio::time::sleep(time).await;
                    let mut outcome = Outcome::of(cause, now, "made up", "");
                    outcome.latency = Some(time);
                    outcome
                }
                Fate::Until(seconds) => {
                    let mut outcome = Outcome::of(Cause::Throttled, now, "made up", "");
                    outcome.until = Some(now + jiff::SignedDuration::from_secs(seconds));
                    outcome
                }
                Fate::Hang => {
                    tokio::time::sleep(limit).await;
                    Outcome::of(Cause::Timeout, now, "made up", "")
                }
                Fate::Panic => panic!("the probe broke"),
            };
            *self.running.lock().unwrap().get_mut(&host).unwrap() -= 1;
            outcome
        })
    }

    fn host(&self, integration: &Integration, _: &Definition) -> Option<String> {
        Some(self.host.clone().unwrap_or_else(|| format!("{}.example:443", integration.id)))
    }

    fn online(&self) -> Pending<'_, bool> {
        Box::pin(std::future::ready(self.online.load(Ordering::SeqCst)))
    }
}

/// What a monitor over this home starts from. Complaints about config.toml are a failed test.
pub fn started(home: &Path, config: &str, watch_files: bool) -> Started {
    let paths = Paths::under(home);
    paths.create().unwrap();
    std::fs::write(&paths.config, config).unwrap();
    let config = Config::load(&paths.config).unwrap();
    let (store, _) = Store::open(&paths.history, Retention { raw: DAY, minutes: DAY, hours: DAY });
    let resolver = Resolver::new(Arc::new(Vault::new(&paths.vault, &paths.identity))).with_env(|_| None);
    let (registry, _) = Registry::load(Some(&paths.providers), None);
    Started { config, registry, paths, resolver, store, problems: Vec::new(), watch_files }
}

/// A monitor that checks by its schedule.
pub fn monitor(home: &Path, config: &str, world: &Arc<World>) -> Handle {
    Handle::start_with(started(home, config, false), world.clone(), None, true).unwrap()
}

/// Integrations of the provider `http` under these board settings.
pub fn config(board: &str, names: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let mut text = format!("[board]\n{board}\n");
    for name in names {
        let name = name.as_ref();
        text.push_str(&format!(
            "[integrations.{name}]\nprovider = \"http\"\nfields = {{ url = \"http://{name}.example\" }}\n"
        ));
    }
    text
}

pub fn entry(handle: &Handle, name: &str) -> Arc<Entry> {
    handle.snapshots().borrow().entries[&IntegrationId::new(name).unwrap()].clone()
}

/// Waits until it holds, in the runtime's time: at once where that is paused.
pub async fn until(what: &str, holds: impl Fn() -> bool) {
    let start = std::time::Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(30), "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Asks until the answer is good, in real time.
pub async fn eventually<T, F: Future<Output = T>>(what: &str, ask: impl Fn() -> F, good: impl Fn(&T) -> bool) -> T {
    let start = std::time::Instant::now();
    loop {
        let answer = ask().await;
        if good(&answer) {
            return answer;
        }
        assert!(start.elapsed() < Duration::from_secs(30), "waited in vain: {what}");
        tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_millis(5))).await.unwrap();
    }
}
