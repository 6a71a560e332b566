//! The opened integration: whose, how far scrolled, what the history said.

use crate::model::{Bucket, CheckRow, CredentialFacts, Incident, IntegrationId, Series};
use jiff::Timestamp;

/// The opened integration.
#[derive(Debug, Clone)]
pub struct Detail {
    /// Whose.
    pub id: IntegrationId,
    /// First line shown; draw brings it back into range.
    pub scroll: usize,
    /// Latest rows, newest first; `None` until the history answered.
    pub rows: Option<Result<Vec<CheckRow>, String>>,
    /// Its incidents, newest first.
    pub incidents: Vec<Incident>,
    /// The last 24 hours in one.
    pub day: Option<Box<Bucket>>,
    /// What is known of its credentials, by field.
    pub credentials: Vec<(String, CredentialFacts)>,
    /// What its checks measured lately.
    pub series: Vec<Series>,
    /// The check for which the history was last asked.
    pub asked_for: Option<Timestamp>,
}

impl Detail {
    /// Nothing fetched yet.
    pub fn new(id: IntegrationId, asked_for: Option<Timestamp>) -> Detail {
        Detail {
            id,
            scroll: 0,
            rows: None,
            incidents: Vec::new(),
            day: None,
            credentials: Vec::new(),
            series: Vec::new(),
            asked_for,
        }
    }
}
