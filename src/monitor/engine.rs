//! The monitor's one task: owns every state, starts what is due, takes results, answers commands, publishes.

use super::{
    BoardHealth, Notice, Snapshot, bind,
    expiry::Expiry,
    incidents, paused,
    probe::Probe,
    runner::{self, Lanes},
    schedule,
    state::State,
};
use crate::{
    config::{Config, Diagnostic, Paths},
    model::{IntegrationId, Outcome, Status},
    providers::Registry,
    store::{Health, Remembered, Store},
};
use indexmap::IndexMap;
use jiff::Timestamp;
use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap, HashMap},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::{broadcast, mpsc, oneshot, watch},
    task::JoinSet,
    time::{Instant, sleep_until},
};

/// Snapshots are published at most this often.
const PUBLISH: Duration = Duration::from_millis(50);
/// Checks due within this time share a wake-up.
const TOGETHER: Duration = Duration::from_millis(5);
/// The user's own "now" comes at most this often for one integration.
const IMPATIENCE: Duration = Duration::from_secs(2);
/// Difference between wall clock and steady clock that counts as a jump.
const JUMP: i64 = 5;
/// Span over which everything is spread when all are asked for at once.
const ALL: Duration = Duration::from_secs(3);

/// What the handle asks.
pub enum Command {
    /// Check one now.
    Check(IntegrationId),
    /// Check all now.
    CheckAll,
    /// Check these (all: `None`) and tell when all are done.
    Round(Option<Vec<IntegrationId>>, oneshot::Sender<()>),
    /// Pause or resume.
    Pause(IntegrationId, bool, oneshot::Sender<Result<(), String>>),
    /// Use this configuration and these definitions from now on.
    Renew(Box<Config>, Registry, Vec<String>, oneshot::Sender<()>),
    /// Show these complaints beside the last good configuration.
    Complain(Vec<String>),
    /// Stop.
    Stop(oneshot::Sender<()>),
}

/// The task.
pub struct Engine {
    /// Makes the attempts.
    pub probe: Arc<dyn Probe>,
    /// The history.
    pub store: Store,
    /// Where files lie.
    pub paths: Paths,
    /// Snapshots go here.
    pub snapshots: watch::Sender<Arc<Snapshot>>,
    /// Notices go here.
    pub notices: broadcast::Sender<Notice>,
    /// Check on a schedule, not only when asked.
    pub scheduled: bool,
    states: IndexMap<IntegrationId, State>,
    due: BinaryHeap<Reverse<(Instant, IntegrationId)>>,
    running: JoinSet<(IntegrationId, Outcome)>,
    lanes: Arc<Lanes>,
    paused: BTreeSet<IntegrationId>,
    complaints: Vec<String>,
    rounds: Vec<(BTreeSet<IntegrationId>, oneshot::Sender<()>)>,
    news: Vec<Notice>,
    expiry: Expiry,
    version: u64,
    dirty: bool,
    online: bool,
    refresh: Duration,
}

impl Engine {
    /// Over these parts; nothing runs yet.
    pub fn new(
        probe: Arc<dyn Probe>,
        store: Store,
        paths: Paths,
        snapshots: watch::Sender<Arc<Snapshot>>,
        notices: broadcast::Sender<Notice>,
        scheduled: bool,
    ) -> Engine {
        let paused = paused::read(&paths.state);
        let expiry = Expiry::read(&paths.state);
        Engine {
            probe,
            store,
            paths,
            snapshots,
            notices,
            scheduled,
            states: IndexMap::new(),
            due: BinaryHeap::new(),
            running: JoinSet::new(),
            lanes: Arc::new(Lanes::new(64, 4)),
            paused,
            complaints: Vec::new(),
            rounds: Vec::new(),
            news: Vec::new(),
            expiry,
            version: 0,
            dirty: true,
            online: true,
            refresh: Duration::from_secs(30),
        }
    }

    /// Takes a configuration: what was known of an integration stays, what is gone goes.
    pub fn renew(
        &mut self,
        config: &Config,
        registry: &Registry,
        mut complaints: Vec<String>,
        mut remembered: HashMap<IntegrationId, Remembered>,
    ) {
        self.lanes = Arc::new(Lanes::new(config.settings.concurrency, config.settings.per_host));
        self.refresh = config.settings.refresh.max(Duration::from_secs(1));
        let mut old = std::mem::take(&mut self.states);
        let count = config.entries.len();
        let now = Instant::now();
        for entry in &config.entries {
            let id = entry.integration.id.clone();
            let (integration, definition, complaint) = match bind::one(entry, registry, &config.file) {
                Ok((integration, definition)) => (integration, Some(definition), None),
                Err(found) => {
                    complaints.extend(found.iter().map(Diagnostic::to_string));
                    let messages: Vec<&str> = found.iter().map(|d| d.message.as_str()).collect();
                    (
                        entry.integration.clone(),
                        registry.get(&entry.integration.provider).cloned(),
                        Some(messages.join("; ")),
                    )
                }
            };
            let mut state = match old.swap_remove(&id) {
                Some(mut state) => {
                    let same = *state.integration == integration && state.complaint == complaint;
                    if !same || state.definition.as_ref().map(Arc::as_ptr) != definition.as_ref().map(Arc::as_ptr) {
                        state.renew(integration, definition, complaint);
                        state.due = None;
                    }
                    state
                }
                None => State::new(integration, definition, complaint, remembered.remove(&id).unwrap_or_default()),
            };
            state.paused = !state.integration.enabled || self.paused.contains(&id);
            if state.due.is_none() {
                state.due = Some(now + schedule::first(id.as_str(), state.interval(), count));
            }
            self.states.insert(id, state);
        }
        self.complaints = complaints;
        self.due = self.states.iter().filter_map(|(id, s)| Some(Reverse((s.due?, id.clone())))).collect();
        self.dirty = true;
    }

    /// Runs until stopped or nobody listens any more.
    pub async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let mut published = Instant::now() - PUBLISH;
        let mut clock = tokio::time::interval(Duration::from_secs(1));
        clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let mut skew = Skew::new();
        let mut refreshed = Instant::now();
        loop {
            if self.dirty && published.elapsed() >= PUBLISH {
                self.publish();
                published = Instant::now();
            }
            let due = self.due.peek().map(|Reverse((at, _))| *at).filter(|_| self.scheduled);
            tokio::select! {
                biased;
                command = commands.recv() => match command {
                    None => break,
                    Some(Command::Stop(done)) => {
                        self.running.shutdown().await;
                        let _ = done.send(());
                        break;
                    }
                    Some(command) => self.obey(command),
                },
                Some(result) = self.running.join_next() => self.finished(result),
                () = sleep_until(published + PUBLISH), if self.dirty => {}
                () = sleep_until(due.unwrap_or_else(|| Instant::now() + Duration::from_secs(3600))), if due.is_some() => self.start_due(),
                _ = clock.tick() => {
                    if let Some(seconds) = skew.jumped() {
                        self.jumped(seconds);
                    }
                    self.online().await;
                    if refreshed.elapsed() >= self.refresh {
                        refreshed = Instant::now();
                        self.dirty = true;
                    }
                }
            }
        }
        self.publish();
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Check(id) => self.ask(&id, Duration::ZERO),
            Command::CheckAll => {
                let ids: Vec<IntegrationId> = self.states.keys().cloned().collect();
                for id in ids {
                    self.ask(
                        &id,
                        schedule::phase(id.as_str(), ALL.min(Duration::from_millis(20) * self.states.len() as u32)),
                    );
                }
            }
            Command::Round(ids, done) => self.round(ids, done),
            Command::Pause(id, paused, reply) => {
                let result = self.pause(&id, paused);
                // Who is told that it is done finds it done.
                self.publish();
                let _ = reply.send(result);
            }
            Command::Renew(config, registry, complaints, done) => {
                self.renew(&config, &registry, complaints, HashMap::new());
                self.notify(Notice::Reloaded);
                self.publish();
                let _ = done.send(());
            }
            Command::Complain(complaints) => {
                self.complaints = complaints;
                self.dirty = true;
            }
            Command::Stop(done) => {
                let _ = done.send(());
            }
        }
    }

    /// Brings a check forward, whatever the back-off says; not sooner than [`IMPATIENCE`] after the last.
    fn ask(&mut self, id: &IntegrationId, wait: Duration) {
        let Some(state) = self.states.get_mut(id) else { return };
        if !state.runs() || state.checking {
            return;
        }
        let now = Instant::now();
        let last = state.outcome().map(|o| schedule::span(o.at, Timestamp::now())).unwrap_or(IMPATIENCE);
        let at = now + wait.max(IMPATIENCE.saturating_sub(last));
        state.asked = true;
        state.due = Some(at);
        state.touch();
        self.due.push(Reverse((at, id.clone())));
        self.dirty = true;
        if at <= now {
            self.start_due();
        }
    }

    fn round(&mut self, ids: Option<Vec<IntegrationId>>, done: oneshot::Sender<()>) {
        let ids = ids.unwrap_or_else(|| self.states.keys().cloned().collect());
        let wanted: BTreeSet<IntegrationId> =
            ids.into_iter().filter(|id| self.states.get(id).is_some_and(State::runs)).collect();
        if wanted.is_empty() {
            self.publish();
            let _ = done.send(());
            return;
        }
        for id in &wanted {
            self.start(id);
        }
        self.rounds.push((wanted, done));
    }

    fn pause(&mut self, id: &IntegrationId, paused: bool) -> Result<(), String> {
        let state = self.states.get_mut(id).ok_or_else(|| format!("no integration '{id}'"))?;
        if !paused && !state.integration.enabled {
            return Err(format!("'{id}' is switched off in config.toml (enabled = false)"));
        }
        let mut list = self.paused.clone();
        if paused {
            list.insert(id.clone())
        } else {
            list.remove(id)
        };
        paused::write(&self.paths.state, &list)?;
        self.paused = list;
        state.paused = paused;
        state.refused = 0;
        let at = Instant::now();
        state.due = Some(at);
        state.touch();
        self.due.push(Reverse((at, id.clone())));
        self.dirty = true;
        Ok(())
    }

    fn start_due(&mut self) {
        let now = Instant::now() + TOGETHER;
        while self.due.peek().is_some_and(|Reverse((at, _))| *at <= now) {
            let Some(Reverse((at, id))) = self.due.pop() else { break };
            // An entry of the heap is a hint: the state knows.
            if self.states.get(&id).is_some_and(|s| s.due == Some(at)) {
                self.start(&id);
            }
        }
    }

    fn start(&mut self, id: &IntegrationId) {
        let Some(state) = self.states.get_mut(id) else { return };
        if state.checking || !state.runs() {
            return;
        }
        let Some(definition) = state.definition.clone() else { return };
        let now = Instant::now();
        let wait = state.limiter.wait(now);
        if !wait.is_zero() && self.scheduled {
            let at = now + wait;
            state.due = Some(at);
            self.due.push(Reverse((at, id.clone())));
            return;
        }
        state.limiter.spend(now);
        state.checking = true;
        state.due = None;
        state.touch();
        self.dirty = true;
        let (probe, lanes, integration, id) =
            (self.probe.clone(), self.lanes.clone(), state.integration.clone(), id.clone());
        self.running.spawn(async move {
            let check = tokio::spawn(runner::check(probe, lanes, integration, definition));
            let _ends = check.abort_handle().on_drop();
            let outcome = check.await.unwrap_or_else(|error| {
                // The error itself repeats the panic's text, which may quote a secret.
                tracing::error!(integration = %id, panicked = error.is_panic(), "a check ended by itself");
                Outcome::of(
                    crate::model::Cause::Internal,
                    Timestamp::now(),
                    "the check panicked",
                    "the log tells where",
                )
            });
            (id, outcome)
        });
    }

    fn finished(&mut self, result: Result<(IntegrationId, Outcome), tokio::task::JoinError>) {
        let Ok((id, outcome)) = result else { return };
        let waiting = &mut self.rounds;
        for (wanted, _) in waiting.iter_mut() {
            wanted.remove(&id);
        }
        let Some(state) = self.states.get_mut(&id) else {
            self.end_rounds();
            return;
        };
        state.checking = false;
        let outcome = Arc::new(outcome);
        let taken = state.take(outcome.clone());
        let wait = schedule::next(state.interval(), &outcome, state.refused, outcome.at);
        let at = Instant::now() + wait;
        state.due = Some(at);
        state.touch();
        let asked = std::mem::take(&mut state.asked);
        let integration = state.integration.clone();
        let to = state.status();
        self.due.push(Reverse((at, id.clone())));
        let last = outcome.clone();
        self.store.record(&id, outcome, taken.since, taken.streak);
        if let Some(text) = self.expiry.news(&integration, &last, Timestamp::now()) {
            self.notify(Notice::Message(text));
        }
        if let Some(from) = taken.from {
            self.notify(Notice::Changed { id: id.clone(), from, to });
        }
        if let incidents::Change::Opened(incident) | incidents::Change::Closed(incident) = taken.change {
            self.store.record_incident(incident.clone());
            self.notify(Notice::Incident(incident));
        }
        if asked {
            self.notify(Notice::Checked(id));
        }
        self.dirty = true;
        self.end_rounds();
    }

    fn end_rounds(&mut self) {
        if !self.rounds.iter().any(|(wanted, _)| wanted.is_empty()) {
            return;
        }
        self.publish();
        let (done, open): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.rounds).into_iter().partition(|(wanted, _)| wanted.is_empty());
        self.rounds = open;
        for (_, done) in done {
            let _ = done.send(());
        }
    }

    /// Told with the next publication: a notice must not run ahead of the snapshot that shows what it tells.
    fn notify(&mut self, notice: Notice) {
        self.news.push(notice);
        self.dirty = true;
    }

    /// After a sleep or a change of the clock everything may be overdue at once: it is spread anew.
    fn jumped(&mut self, seconds: i64) {
        self.notify(Notice::ClockJump(seconds));
        let now = Instant::now();
        let count = self.states.len();
        for (id, state) in &mut self.states {
            if state.due.is_some_and(|due| due <= now) || seconds > 0 {
                let at = now + schedule::first(id.as_str(), state.interval(), count);
                let at = state.due.map_or(at, |due| due.min(at));
                state.due = Some(at.max(now));
                state.touch();
                self.due.push(Reverse((at.max(now), id.clone())));
            }
        }
        self.dirty = true;
    }

    async fn online(&mut self) {
        let lost =
            self.states.values().any(|s| s.outcome().is_some_and(|o| o.cause == crate::model::Cause::OwnNetwork));
        let online = !lost || self.probe.online().await;
        if online != self.online {
            self.online = online;
            self.dirty = true;
        }
        if online && lost {
            let ids: Vec<IntegrationId> = self
                .states
                .iter()
                .filter(|(_, s)| s.outcome().is_some_and(|o| o.cause == crate::model::Cause::OwnNetwork))
                .map(|(i, _)| i.clone())
                .collect();
            for id in ids {
                self.ask(&id, schedule::phase(id.as_str(), ALL));
            }
        }
    }

    /// Publishes the board as it is now.
    pub fn publish(&mut self) {
        self.dirty = false;
        self.version += 1;
        let (now, clock) = (Timestamp::now(), Instant::now());
        let entries: IndexMap<_, _> =
            self.states.iter_mut().map(|(id, state)| (id.clone(), state.entry(now, clock))).collect();
        let bad = entries.values().any(|e| !matches!(e.status(), Status::Active | Status::Inactive));
        let next = entries.values().filter_map(|e| e.next).min().filter(|_| self.scheduled);
        let mut problems = self.complaints.clone();
        if let Health::Paused(why) = self.store.health() {
            problems.push(why);
        }
        self.snapshots.send_replace(Arc::new(Snapshot {
            version: self.version,
            at: now,
            entries,
            health: if bad { BoardHealth::Degraded } else { BoardHealth::Healthy },
            online: self.online,
            next,
            problems: problems.into(),
        }));
        for notice in self.news.drain(..) {
            // Nobody listening is no error.
            let _ = self.notices.send(notice);
        }
    }
}

/// Compares the wall clock with the steady one.
struct Skew {
    wall: Timestamp,
    steady: Instant,
}

impl Skew {
    fn new() -> Skew {
        Skew { wall: Timestamp::now(), steady: Instant::now() }
    }

    /// By how many seconds the wall clock ran ahead (a sleep) or back since the last call, if that is a jump.
    fn jumped(&mut self) -> Option<i64> {
        let wall = Timestamp::now().as_millisecond() - self.wall.as_millisecond();
        let steady = i64::try_from(self.steady.elapsed().as_millis()).unwrap_or(i64::MAX);
        *self = Skew::new();
        let seconds = (wall - steady) / 1000;
        (seconds.abs() > JUMP).then_some(seconds)
    }
}

trait EndsWithOwner {
    fn on_drop(self) -> AbortOnDrop;
}

impl EndsWithOwner for tokio::task::AbortHandle {
    fn on_drop(self) -> AbortOnDrop {
        AbortOnDrop(self)
    }
}

/// Ends a task when its owner is dropped.
struct AbortOnDrop(tokio::task::AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
