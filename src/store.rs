//! The history: SQLite in WAL mode, one writer thread, roll-ups, retention.

mod query;
mod queue;
mod retention;
mod rollup;
mod schema;
mod writer;

use crate::model::{Bucket, CheckRow, Incident, IntegrationId, Metrics, Outcome, Series};
use jiff::Timestamp;
use queue::{Message, Queue};
use rusqlite::Connection;
use schema::Unusable;
use std::{
    collections::HashMap,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

/// How the history stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// Rows are being kept.
    Recording,
    /// They are not: why, and what to do. Monitoring goes on.
    Paused(String),
}

/// How long rows are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Retention {
    pub raw: Duration,
    pub minutes: Duration,
    pub hours: Duration,
}

/// What one integration looked like when the program last ran.
#[derive(Debug, Clone, Default)]
pub struct Remembered {
    /// Latest outcome in full.
    pub outcome: Option<Outcome>,
    /// Since when its present status lasts.
    pub since: Option<Timestamp>,
    /// Latest rows, oldest first, at most 30.
    pub recent: Vec<CheckRow>,
    /// Totals.
    pub metrics: Metrics,
    /// The open incident.
    pub incident: Option<Incident>,
    /// Consecutive failed (negative) or good (positive) checks.
    pub streak: i32,
}

/// The history. Cheap to clone; the last clone dropped finishes the writing.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    queue: Arc<Queue>,
    health: Arc<Mutex<Health>>,
    place: String,
    reader: Mutex<Option<Connection>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    /// Keeps a database in memory alive while nobody else has it open.
    _anchor: Mutex<Option<Connection>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.queue.stop();
        let writer = self.writer.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if writer.is_some_and(|w| w.join().is_err()) {
            tracing::error!("the history's writer panicked");
        }
    }
}

impl Store {
    /// Opens or makes the file. A corrupt or newer database is set aside (never deleted) and told of in the returned
    /// messages. A place that cannot be written yields a store in memory and a message.
    pub fn open(file: &Path, retention: Retention) -> (Store, Vec<String>) {
        let shown = file.display();
        let (why, message) = match schema::open(file) {
            Ok(connection) => return (Store::over(connection, uri(file), retention, None), Vec::new()),
            Err(Unusable::Inaccessible(why)) => {
                return (
                    Store::memory(retention),
                    vec![format!("the history '{shown}' cannot be opened ({why}): it stays in memory until you quit")],
                );
            }
            Err(Unusable::Damaged(why)) => ("damaged", format!("the history '{shown}' is damaged ({why})")),
            Err(Unusable::Newer(version)) => {
                ("newer", format!("the history '{shown}' was made by a newer Lampboard (format {version})"))
            }
        };
        let aside = match schema::set_aside(file, why) {
            Ok(aside) => aside,
            Err(error) => {
                return (
                    Store::memory(retention),
                    vec![format!(
                        "{message} and cannot be set aside ({error}): the history stays in memory until you quit"
                    )],
                );
            }
        };
        let message = format!("{message}: it is kept as '{}', and a new one begins", aside.display());
        match schema::open(file) {
            Ok(connection) => (Store::over(connection, uri(file), retention, None), vec![message]),
            Err(_) => (
                Store::memory(retention),
                vec![message, "the new history cannot be made: it stays in memory until you quit".to_owned()],
            ),
        }
    }

    /// In memory only.
    pub fn memory(retention: Retention) -> Store {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let place = format!(
            "file:lampboard-{}-{}?mode=memory&cache=shared",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        match (schema::memory(&place), schema::memory(&place)) {
            (Ok(connection), Ok(anchor)) => Store::over(connection, place, retention, Some(anchor)),
            _ => Store(Arc::new(Inner {
                queue: Arc::default(),
                health: Arc::new(Mutex::new(Health::Paused("history paused: no memory for it".to_owned()))),
                place,
                reader: Mutex::new(None),
                writer: Mutex::new(None),
                _anchor: Mutex::new(None),
            })),
        }
    }

    fn over(connection: Connection, place: String, retention: Retention, anchor: Option<Connection>) -> Store {
        let queue: Arc<Queue> = Arc::default();
        let health = Arc::new(Mutex::new(Health::Recording));
        let (theirs, told) = (queue.clone(), health.clone());
        let writer = std::thread::Builder::new()
            .name("history".into())
            .spawn(move || writer::run(connection, &theirs, &told, retention));
        if let Err(error) = &writer {
            *health.lock().unwrap_or_else(PoisonError::into_inner) =
                Health::Paused(format!("history paused: no thread for it ({error})"));
        }
        let writer = Mutex::new(writer.ok());
        Store(Arc::new(Inner { queue, health, place, reader: Mutex::new(None), writer, _anchor: Mutex::new(anchor) }))
    }

    /// Queues one finished check. Never blocks; a full queue gives up its oldest rows and says so in [`Store::health`].
    pub fn record(&self, id: &IntegrationId, outcome: Arc<Outcome>, since: Timestamp, streak: i32) {
        self.0.queue.push(Message::Check { id: id.clone(), outcome, since, streak });
    }

    /// Queues an opened, or closed (`closed` set), incident.
    pub fn record_incident(&self, incident: Incident) {
        self.0.queue.push(Message::Incident(incident));
    }

    /// Renames an integration's rows.
    pub fn rename(&self, from: &IntegrationId, to: &IntegrationId) {
        self.0.queue.push(Message::Rename(from.clone(), to.clone()));
    }

    /// Everything remembered, in one read. Blocks: call it at start.
    pub fn remembered(&self) -> HashMap<IntegrationId, Remembered> {
        self.0.read(query::remembered).unwrap_or_else(|error| {
            tracing::warn!(error, "the history cannot be read");
            HashMap::new()
        })
    }

    /// Buckets of at least `step` over a span; `id` `None`: all integrations together. Spans without checks are absent.
    pub async fn buckets(
        &self,
        id: Option<IntegrationId>,
        from: Timestamp,
        to: Timestamp,
        step: Duration,
    ) -> Result<Vec<Bucket>, String> {
        self.query(move |c| query::buckets(c, id.as_ref(), from, to, step)).await
    }

    /// Latest rows, newest first.
    pub async fn rows(&self, id: IntegrationId, limit: usize) -> Result<Vec<CheckRow>, String> {
        self.query(move |c| query::rows(c, &id, limit)).await
    }

    /// The latest `points` of every number measured since then, oldest first, by name.
    pub async fn series(&self, id: IntegrationId, since: Timestamp, points: usize) -> Result<Vec<Series>, String> {
        self.query(move |c| query::series(c, &id, since, points)).await
    }

    /// Incidents, newest first.
    pub async fn incidents(&self, id: Option<IntegrationId>, limit: usize) -> Result<Vec<Incident>, String> {
        self.query(move |c| query::incidents(c, id.as_ref(), limit)).await
    }

    /// p50, p95 and p99 of the last 24 h.
    pub async fn percentiles(&self, id: IntegrationId) -> Result<[Option<Duration>; 3], String> {
        self.query(move |c| query::percentiles(c, &id, Timestamp::now())).await
    }

    /// How it stands.
    pub fn health(&self) -> Health {
        self.0.health.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until everything queued so far is on disk; at most `limit`.
    pub async fn flush(&self, limit: Duration) {
        let (done, written) = tokio::sync::oneshot::channel();
        self.0.queue.push(Message::Flush(done));
        let _ = tokio::time::timeout(limit, written).await;
    }

    async fn query<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, String> {
        let inner = self.0.clone();
        tokio::task::spawn_blocking(move || inner.read(ask))
            .await
            .map_err(|_| "the history cannot be read: the read was cut off".to_owned())?
    }
}

impl Inner {
    fn read<T>(&self, ask: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, String> {
        let say = |e: rusqlite::Error| format!("the history cannot be read: {e}");
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        if reader.is_none() {
            *reader = Some(schema::reader(&self.place).map_err(say)?);
        }
        let Some(connection) = reader.as_ref() else { return Err("the history cannot be read".to_owned()) };
        ask(connection).map_err(say)
    }
}

/// The file's name as SQLite's URI.
fn uri(file: &Path) -> String {
    let path = file.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    format!("file:{path}")
}
