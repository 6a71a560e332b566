//! What the board looks like at one instant: immutable, shared by every reader.

use crate::model::{Cause, CheckRow, Incident, Integration, IntegrationId, Metrics, Outcome, Status};
use indexmap::IndexMap;
use jiff::Timestamp;
use std::sync::Arc;

/// One word for the whole board.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BoardHealth {
    /// Every integration that is checked is active.
    Healthy,
    /// At least one is not.
    Degraded,
}

/// One integration as the board knows it.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its configuration.
    pub integration: Arc<Integration>,
    /// The provider's name for people.
    pub provider_name: Arc<str>,
    /// The provider's shelf, in its file spelling (`dev-tool`).
    pub category: &'static str,
    /// Why it stands as it stands now (may differ from the last outcome's: paused, locked).
    pub cause: Cause,
    /// Since when it has had this status.
    pub since: Option<Timestamp>,
    /// The last check. May come from before the last restart.
    pub outcome: Option<Arc<Outcome>>,
    /// Latest rows, oldest first, at most 30.
    pub recent: Arc<[CheckRow]>,
    /// Totals.
    pub metrics: Metrics,
    /// The open incident.
    pub incident: Option<Arc<Incident>>,
    /// A check is running.
    pub checking: bool,
    /// When the next is due. `None`: paused.
    pub next: Option<Timestamp>,
    /// What to do about it: one or two sentences of advice. Empty when active.
    pub advice: Arc<str>,
}

impl Entry {
    /// The status of the cause.
    pub fn status(&self) -> Status {
        self.cause.status()
    }

    /// Its id.
    pub fn id(&self) -> &IntegrationId {
        &self.integration.id
    }
}

/// The whole board at one instant.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Grows by one with every publication.
    pub version: u64,
    /// When it was made.
    pub at: Timestamp,
    /// In the order of the configuration.
    pub entries: IndexMap<IntegrationId, Arc<Entry>>,
    /// One word.
    pub health: BoardHealth,
    /// Whether this machine has a way out.
    pub online: bool,
    /// When the next check is due.
    pub next: Option<Timestamp>,
    /// Complaints about files (config.toml, definitions), as printable text, and about the history. Shown as a banner.
    pub problems: Arc<[String]>,
}

impl Snapshot {
    /// A board with nothing on it.
    pub fn empty(at: Timestamp) -> Self {
        Snapshot {
            version: 0,
            at,
            entries: IndexMap::new(),
            health: BoardHealth::Healthy,
            online: true,
            next: None,
            problems: Arc::new([]),
        }
    }

    /// How many integrations have this status.
    pub fn count(&self, status: Status) -> usize {
        self.entries.values().filter(|e| e.status() == status).count()
    }
}
