//! What every probe is given.

use crate::model::{Integration, Secret};
use indexmap::IndexMap;
use std::time::Duration;

/// One attempt's input: everything resolved, nothing left to look up.
pub struct Input<'a> {
    /// The integration.
    pub integration: &'a Integration,
    /// Plain fields with the definition's defaults filled in.
    pub fields: &'a IndexMap<String, String>,
    /// List fields.
    pub lists: &'a IndexMap<String, Vec<String>>,
    /// Secret fields, resolved.
    pub secrets: &'a IndexMap<String, Secret>,
    /// Time this attempt may take in all.
    pub timeout: Duration,
    /// The client TLS configuration to use for raw TLS (platform roots, own CA, or unverified when the user said so).
    pub tls: std::sync::Arc<rustls::ClientConfig>,
}

impl Input<'_> {
    /// A plain field, if it has a value.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str).filter(|v| !v.is_empty())
    }
}
