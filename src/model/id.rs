//! The name of an integration, of a provider and of a vault entry: one safe alphabet.

use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc};

/// An integration's id: its table key in the configuration. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IntegrationId(Arc<str>);

/// A name outside `[a-z0-9][a-z0-9_-]{0,63}`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is not a valid name: use 1 to 64 lower-case letters, digits, '-' and '_', starting with a letter or digit"
)]
pub struct InvalidName(pub String);

/// Whether `name` may name an integration, a provider or a vault entry: it can then never be a path.
pub fn is_valid_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
        && name.as_bytes()[0].is_ascii_alphanumeric()
}

impl IntegrationId {
    /// Checks the alphabet. Errors with the offending name (made safe to print).
    pub fn new(name: &str) -> Result<Self, InvalidName> {
        if is_valid_name(name) {
            Ok(IntegrationId(name.into()))
        } else {
            Err(InvalidName(super::text::sanitize(name, 80)))
        }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IntegrationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl TryFrom<String> for IntegrationId {
    type Error = InvalidName;
    fn try_from(name: String) -> Result<Self, InvalidName> {
        IntegrationId::new(&name)
    }
}

impl From<IntegrationId> for String {
    fn from(id: IntegrationId) -> String {
        id.0.to_string()
    }
}

impl std::borrow::Borrow<str> for IntegrationId {
    fn borrow(&self) -> &str {
        &self.0
    }
}
