//! What the monitor knows of one integration, and the entry readers see of it.

use super::{Entry, incidents, limits::Limiter, schedule};
use crate::{
    checks::advice::{advice, of_outcome},
    model::{Cause, CheckRow, Incident, Integration, Metrics, Outcome, Status},
    providers::Definition,
    store::Remembered,
};
use jiff::Timestamp;
use std::{collections::VecDeque, sync::Arc, time::Duration};
use tokio::time::Instant;

/// Latest rows kept in memory.
const RECENT: usize = 30;

/// One integration.
pub struct State {
    /// Its configuration.
    pub integration: Arc<Integration>,
    /// Its definition; `None`: the configuration is wrong.
    pub definition: Option<Arc<Definition>>,
    /// What is wrong with its configuration.
    pub complaint: Option<String>,
    /// The user paused it.
    pub paused: bool,
    /// A check is running.
    pub checking: bool,
    /// When the next is due.
    pub due: Option<Instant>,
    /// Checks in a row that ended unauthorized.
    pub refused: u32,
    /// The user asked; tell when done.
    pub asked: bool,
    /// Client-side limits.
    pub limiter: Limiter,
    outcome: Option<Arc<Outcome>>,
    since: Option<Timestamp>,
    run: incidents::Run,
    recent: VecDeque<CheckRow>,
    metrics: Metrics,
    incident: Option<Arc<Incident>>,
    seen: Option<Arc<Entry>>,
}

impl State {
    /// From configuration and memory.
    pub fn new(
        integration: Integration,
        definition: Option<Arc<Definition>>,
        complaint: Option<String>,
        remembered: Remembered,
    ) -> State {
        let limits = definition.as_ref().map(|d| d.limits).unwrap_or_default();
        let refused = remembered.outcome.as_ref().is_some_and(|o| o.status() == Status::Unauthorized);
        State {
            paused: !integration.enabled,
            integration: Arc::new(integration),
            definition,
            complaint,
            checking: false,
            due: None,
            refused: u32::from(refused),
            asked: false,
            limiter: Limiter::new(limits),
            run: incidents::Run { streak: remembered.streak, began: remembered.since },
            outcome: remembered.outcome.map(Arc::new),
            since: remembered.since,
            recent: remembered.recent.into(),
            metrics: remembered.metrics,
            incident: remembered.incident.map(Arc::new),
            seen: None,
        }
    }

    /// Takes configuration and definition anew; what is known of the past stays.
    pub fn renew(&mut self, integration: Integration, definition: Option<Arc<Definition>>, complaint: Option<String>) {
        self.paused = !integration.enabled;
        self.limiter = Limiter::new(definition.as_ref().map(|d| d.limits).unwrap_or_default());
        self.integration = Arc::new(integration);
        self.definition = definition;
        self.complaint = complaint;
        self.refused = 0;
        self.seen = None;
    }

    /// Time between two checks when all is well.
    pub fn interval(&self) -> Duration {
        schedule::interval(&self.integration, self.definition.as_ref().map(|d| d.min_interval).unwrap_or_default())
    }

    /// Whether it may be checked at all.
    pub fn runs(&self) -> bool {
        !self.paused && self.complaint.is_none() && self.definition.is_some()
    }

    /// Why it stands as it stands.
    pub fn cause(&self) -> Cause {
        match &self.outcome {
            _ if self.complaint.is_some() => Cause::Misconfigured,
            _ if self.paused => Cause::Paused,
            None => Cause::NeverChecked,
            Some(outcome) => outcome.cause,
        }
    }

    /// Its status.
    pub fn status(&self) -> Status {
        self.cause().status()
    }

    /// The last outcome.
    pub fn outcome(&self) -> Option<&Arc<Outcome>> {
        self.outcome.as_ref()
    }

    /// Counts a finished check.
    pub fn take(&mut self, outcome: Arc<Outcome>) -> Taken {
        let before = self.status();
        let known = self.outcome.is_some();
        let change = incidents::count(
            &mut self.run,
            self.incident.as_deref(),
            &self.integration.id,
            &outcome,
            self.integration.failures_to_open,
            self.integration.successes_to_close,
        );
        match &change {
            incidents::Change::None => {}
            incidents::Change::Opened(incident) => self.incident = Some(Arc::new(incident.clone())),
            incidents::Change::Closed(_) => self.incident = None,
        }
        let status = outcome.status();
        if !known || before != status || self.since.is_none() {
            self.since = Some(outcome.at);
        }
        self.refused = if status == Status::Unauthorized { self.refused.saturating_add(1) } else { 0 };
        self.recent.push_back(CheckRow {
            at: outcome.at,
            cause: outcome.cause,
            latency: outcome.latency,
            code: outcome.code,
        });
        if self.recent.len() > RECENT {
            self.recent.pop_front();
        }
        self.count(&outcome);
        self.outcome = Some(outcome.clone());
        Taken {
            from: known.then_some(before).filter(|b| *b != status),
            since: self.since.unwrap_or(outcome.at),
            streak: self.run.streak,
            change,
        }
    }

    fn count(&mut self, outcome: &Outcome) {
        if outcome.cause == Cause::OwnNetwork {
            return;
        }
        let m = &mut self.metrics;
        m.total += 1;
        m.last = Some(outcome.at);
        match outcome.status() {
            Status::Active => {
                m.successful += 1;
                if let Some(latency) = outcome.latency {
                    let count = u32::try_from(m.successful).unwrap_or(u32::MAX);
                    m.average =
                        Some(m.average.map_or(latency, |a| a.mul_f64(1.0 - 1.0 / f64::from(count)) + latency / count));
                }
            }
            status => {
                m.failed += 1;
                m.rate_limit_hits += u64::from(status == Status::RateLimited);
            }
        }
        let mut latencies: Vec<Duration> =
            self.recent.iter().filter(|r| r.status() == Status::Active).filter_map(|r| r.latency).collect();
        latencies.sort_unstable();
        let rank = |share: f64| {
            let at = (latencies.len() as f64 * share).ceil() as usize;
            latencies.get(at.saturating_sub(1)).copied()
        };
        (m.p50, m.p95, m.p99) = (rank(0.5), rank(0.95), rank(0.99));
    }

    /// The entry changed.
    pub fn touch(&mut self) {
        self.seen = None;
    }

    /// What readers see. Made anew only after a change.
    pub fn entry(&mut self, now: Timestamp, clock: Instant) -> Arc<Entry> {
        if let Some(entry) = &self.seen {
            return entry.clone();
        }
        let cause = self.cause();
        let next = self.due.filter(|_| self.runs()).and_then(|due| {
            let wait = jiff::SignedDuration::try_from(due.saturating_duration_since(clock)).ok()?;
            now.checked_add(wait).ok()
        });
        let advice: Arc<str> = match (&self.complaint, &self.definition) {
            (Some(complaint), _) => complaint.as_str().into(),
            (None, Some(definition)) => match self.outcome.as_ref().filter(|o| o.cause == cause) {
                Some(outcome) => of_outcome(definition, outcome).into(),
                None => advice(definition, cause).into(),
            },
            (None, None) => "".into(),
        };
        let entry = Arc::new(Entry {
            integration: self.integration.clone(),
            provider_name: self.definition.as_ref().map_or(self.integration.provider.as_str(), |d| &d.name).into(),
            category: self.definition.as_ref().map_or("generic", |d| d.category.as_str()),
            cause,
            since: self.since,
            outcome: self.outcome.clone(),
            recent: self.recent.iter().copied().collect(),
            metrics: self.metrics,
            incident: self.incident.clone(),
            checking: self.checking,
            next,
            advice,
        });
        self.seen = Some(entry.clone());
        entry
    }
}

/// What taking an outcome changed.
pub struct Taken {
    /// The status before, if it is another now.
    pub from: Option<Status>,
    /// Since when the present status lasts.
    pub since: Timestamp,
    /// Good ones counted up, failed ones down.
    pub streak: i32,
    /// What happened to incidents.
    pub change: incidents::Change,
}
