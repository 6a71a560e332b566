//! What the call of an action yields: how it ended, and its result as JSON, as a table, as CSV.

mod table;

pub use table::Table;

use super::Cause;
use jiff::Timestamp;
use serde_json::Value;
use std::time::Duration;

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// The service did it.
    Done,
    /// The service refuses this very request: a parameter, not the credential.
    Refused {
        /// In its words.
        seen: String,
    },
    /// As a check would have failed.
    Failed {
        /// Why.
        cause: Cause,
        /// Until when a limit lasts.
        until: Option<Timestamp>,
        /// What was seen.
        seen: String,
        /// What to do next; empty: nothing to say.
        advice: String,
    },
}

impl Ending {
    /// One word: `done`, `refused`, or the cause's.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Ending::Done => "done",
            Ending::Refused { .. } => "refused",
            Ending::Failed { cause, .. } => cause.as_str(),
        }
    }

    /// The words shown to a person.
    pub const fn label(&self) -> &'static str {
        match self {
            Ending::Done => "done",
            Ending::Refused { .. } => "refused",
            Ending::Failed { cause, .. } => cause.label(),
        }
    }

    /// What was seen; empty where it went well.
    pub fn seen(&self) -> &str {
        match self {
            Ending::Done => "",
            Ending::Refused { seen } | Ending::Failed { seen, .. } => seen,
        }
    }

    /// What to do next; empty: nothing to say.
    pub fn advice(&self) -> &str {
        match self {
            Ending::Failed { advice, .. } => advice,
            _ => "",
        }
    }
}

/// A finished call. Every text in it is harmless for a terminal and free of the integration's secrets.
#[derive(Debug, Clone, PartialEq)]
pub struct Called {
    /// How it ended.
    pub ending: Ending,
    /// The protocol's own status code, if it has one.
    pub code: Option<u16>,
    /// From the first byte sent to the last one read. `None`: nothing was sent.
    pub latency: Option<Duration>,
    /// The result, or on failure the service's whole answer; null: there was none.
    pub result: Value,
    /// Which members of each row a table shows: header and dotted path.
    pub columns: Vec<(String, String)>,
    /// Something worth saying beside the result: `cut off after 100 rows`.
    pub note: Option<String>,
}

impl Called {
    /// One that ended before anything was answered.
    pub fn ended(ending: Ending) -> Called {
        Called { ending, code: None, latency: None, result: Value::Null, columns: Vec::new(), note: None }
    }

    /// Whether the service did it.
    pub fn is_done(&self) -> bool {
        self.ending == Ending::Done
    }

    /// The result as a table, where it is a list.
    pub fn table(&self) -> Option<Table> {
        let columns = if self.is_done() { &self.columns[..] } else { &[] };
        Table::of(&self.result, columns)
    }

    /// The result as CSV (RFC 4180): a list row by row, one object as one row, anything else as one value. A text that a
    /// spreadsheet would run as a formula gets an apostrophe in front.
    pub fn csv(&self) -> String {
        let one = || Table::of(&Value::Array(vec![self.result.clone()]), &[]).unwrap_or_default();
        self.table().unwrap_or_else(one).csv()
    }

    /// The result as indented JSON with a line break at its end.
    pub fn json(&self) -> String {
        format!("{:#}\n", self.result)
    }
}
