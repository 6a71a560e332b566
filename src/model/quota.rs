//! Budgets: what is left of them, until when, and how we know.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How a quota's numbers came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provenance {
    /// The service said so.
    Reported,
    /// Computed from what the service said.
    Derived,
    /// A guess from our own counting.
    Estimated,
}

/// Any budget. Unknown numbers are `None`, never zero.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Quota {
    /// What it is a budget of: `core`, `requests per minute`.
    pub name: String,
    /// `requests`, `tokens`, `USD`, `bytes`; empty if untold.
    pub unit: String,
    /// The whole budget.
    pub limit: Option<f64>,
    /// What is left of it.
    pub left: Option<f64>,
    /// When it fills up again.
    pub resets: Option<Timestamp>,
    /// How we know.
    pub provenance: Provenance,
    /// When we learnt it.
    pub at: Timestamp,
}

impl Quota {
    /// The share left, 0 to 1, where limit and rest are known.
    pub fn share_left(&self) -> Option<f64> {
        let (limit, left) = (self.limit?, self.left?);
        (limit > 0.0).then(|| (left / limit).clamp(0.0, 1.0))
    }
}
