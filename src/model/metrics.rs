//! Running totals of one integration since its history began.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Requests counted, and how long the good ones took. Checks while our own network
/// was down are not counted: they say nothing about the integration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Checks made.
    pub total: u64,
    /// Of these, active.
    pub successful: u64,
    /// Of these, not active.
    pub failed: u64,
    /// Of the failed, rate limited.
    pub rate_limit_hits: u64,
    /// Mean latency of the successful ones.
    pub average: Option<Duration>,
    /// Median latency of the latest checks (at most 30); the history knows more.
    pub p50: Option<Duration>,
    /// 95th percentile of the same.
    pub p95: Option<Duration>,
    /// 99th percentile of the same.
    pub p99: Option<Duration>,
    /// When the last request ended.
    pub last: Option<Timestamp>,
}

impl Metrics {
    /// The share of successful requests, 0 to 1; `None` before the first.
    pub fn success_rate(&self) -> Option<f64> {
        (self.total > 0).then(|| self.successful as f64 / self.total as f64)
    }
}
