//! Rows of the history: single checks, roll-ups and incidents.

use super::{Cause, IntegrationId, Status};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// One past check, as little of it as charts and lists need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckRow {
    /// When it ended.
    pub at: Timestamp,
    /// Why.
    pub cause: Cause,
    /// How long it took.
    pub latency: Option<Duration>,
    /// The protocol's status code.
    pub code: Option<u16>,
}

impl CheckRow {
    /// The status of the cause.
    pub const fn status(&self) -> Status {
        self.cause.status()
    }
}

/// Everything that happened in one span of time. A span without a check has no bucket: a gap.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bucket {
    /// Where the span begins.
    pub start: Timestamp,
    /// How long it is.
    pub span: Duration,
    /// Checks in it.
    pub total: u64,
    /// Of these, active.
    pub successful: u64,
    /// Of these, rate limited.
    pub rate_limited: u64,
    /// Of these, unauthorized.
    pub unauthorized: u64,
    /// Median latency of the successful ones.
    pub p50: Option<Duration>,
    /// 95th percentile.
    pub p95: Option<Duration>,
    /// 99th percentile.
    pub p99: Option<Duration>,
    /// Sum of the successful ones' latencies.
    pub latency_sum: Duration,
}

/// What one measured number was over time, oldest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// What it is.
    pub name: String,
    /// Its unit when last measured.
    pub unit: String,
    /// When, and how much.
    pub points: Vec<(Timestamp, f64)>,
}

/// A span in which an integration was not active.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Whose.
    pub integration: IntegrationId,
    /// The first failed check of the run that opened it.
    pub opened: Timestamp,
    /// The first good check of the run that closed it.
    pub closed: Option<Timestamp>,
    /// The cause of the check that opened it.
    pub cause: Cause,
    /// What decided that check.
    pub evidence: String,
}
