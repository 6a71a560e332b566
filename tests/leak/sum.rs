//! What journeys come to: counted, added up, told, and asked for what must be in it.

use super::{canaries::Canaries, home::Journey};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::{self, Display, Formatter},
    panic::{AssertUnwindSafe, catch_unwind},
};

/// Every kind of secret that journeys know.
pub const KINDS: [&str; 25] = [
    "access",
    "auth-code",
    "bare",
    "client-secret",
    "cmd",
    "credential",
    "device-code",
    "env",
    "file",
    "identity",
    "ini",
    "key-file",
    "new",
    "passphrase",
    "pasted",
    "piped",
    "refresh",
    "refused",
    "rotated",
    "session",
    "stdin",
    "typed",
    "vault",
    "verifier",
    "wrong passphrase",
];

/// Those of them that no server is ever sent.
const STAYING: [&str; 5] = ["bare", "identity", "passphrase", "refused", "wrong passphrase"];

/// Kinds that the server must have been sent: a secret that never travelled proves nothing by its absence.
pub fn travelling() -> impl Iterator<Item = &'static str> {
    KINDS.into_iter().filter(|kind| !STAYING.contains(kind))
}

/// Places that must have been searched, with something in them.
pub const SINKS: [&str; 16] = [
    "--json",
    "/proc/PID/cmdline",
    "/proc/PID/environ",
    "WAL",
    "audit",
    "config",
    "core pattern",
    "database",
    "diagnostics bundle",
    "log",
    "saved results",
    "stderr",
    "stdout",
    "terminal",
    "the browser's page",
    "vault file",
];

/// Of one journey or several.
#[derive(Default)]
pub struct Sum {
    pub journeys: usize,
    pub steps: usize,
    pub panics: usize,
    pub full: usize,
    pub read_only: usize,
    pub cores: usize,
    pub samples: usize,
    /// How many of each kind were planted.
    pub kinds: BTreeMap<String, usize>,
    pub travelled: BTreeSet<String>,
    pub sinks: BTreeMap<&'static str, (usize, usize)>,
    pub problems: Vec<String>,
}

impl Sum {
    /// Of one journey: `travel` through the home, and what came of it.
    pub fn of(name: &str, mut journey: Journey, travel: impl FnOnce(&mut Journey)) -> Sum {
        let mut sum = Sum { journeys: 1, ..Sum::default() };
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| travel(&mut journey))) {
            let why = panic.downcast_ref::<String>().cloned().unwrap_or_else(|| "no text".to_owned());
            sum.problems.push(format!("{name}: {why}\nafter {:#?}", journey.steps));
        }
        sum.problems.extend(journey.leaks.iter().map(|leak| format!("{name}: {leak:?}")));
        if !journey.leaks.is_empty() {
            sum.problems.push(format!("{:#?}", journey.steps));
        }
        sum.steps = journey.steps.len();
        (sum.panics, sum.full, sum.read_only) = (journey.panics, journey.full, journey.read_only);
        (sum.cores, sum.samples) = (journey.cores, journey.samples);
        let heard = journey.server.heard.lock().unwrap().clone();
        for (kind, value) in &journey.canaries.all {
            *sum.kinds.entry(kind.clone()).or_default() += 1;
            if heard.contains(value.as_str()) {
                sum.travelled.insert(kind.clone());
            }
        }
        let Canaries { sinks, .. } = std::mem::take(&mut journey.canaries);
        sum.sinks = sinks;
        sum
    }

    pub fn add(&mut self, other: Sum) {
        self.journeys += other.journeys;
        self.steps += other.steps;
        self.panics += other.panics;
        self.full += other.full;
        self.read_only += other.read_only;
        self.cores += other.cores;
        self.samples += other.samples;
        for (kind, count) in other.kinds {
            *self.kinds.entry(kind).or_default() += count;
        }
        self.travelled.extend(other.travelled);
        for (sink, (times, bytes)) in other.sinks {
            let sum = self.sinks.entry(sink).or_default();
            *sum = (sum.0 + times, sum.1 + bytes);
        }
        self.problems.extend(other.problems);
    }
}

impl Display for Sum {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let searched: usize = self.sinks.values().map(|(times, _)| times).sum();
        let bytes: usize = self.sinks.values().map(|(_, bytes)| bytes).sum();
        let kinds: Vec<String> = self.kinds.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        let sinks: Vec<String> = self.sinks.iter().map(|(sink, (times, _))| format!("{sink} {times}")).collect();
        writeln!(f, "{} journeys, {} steps, {} panics provoked", self.journeys, self.steps, self.panics)?;
        writeln!(f, "disk full seen {} times, read-only {} times", self.full, self.read_only)?;
        writeln!(f, "{} programs killed where a core could be, {} looks from programs", self.cores, self.samples)?;
        writeln!(f, "{} secrets: {}", self.kinds.values().sum::<usize>(), kinds.join(", "))?;
        write!(f, "{searched} searches of {} KiB: {}", bytes >> 10, sinks.join(", "))
    }
}
