//! What is known of a stored credential beside its value.

use jiff::Timestamp;

/// Facts about one entry of the vault. Never the value.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct CredentialFacts {
    /// When it was first stored.
    pub stored: Timestamp,
    /// When its value was last replaced.
    pub rotated: Option<Timestamp>,
    /// When it dies, as the user says.
    pub expires: Option<Timestamp>,
    /// The hosts it may go to (`api.example.org:443`). Empty: none bound yet.
    pub hosts: Vec<String>,
    /// Whose it is, as last proved.
    pub account: Option<String>,
    /// The value before the last rotation is still kept.
    pub can_roll_back: bool,
}

impl CredentialFacts {
    /// Whether the entry may be sent there. One that is bound to no host yet may go anywhere.
    pub fn may_go_to(&self, destination: Option<&str>) -> bool {
        self.hosts.is_empty() || destination.is_some_and(|d| self.hosts.iter().any(|h| h.eq_ignore_ascii_case(d)))
    }
}
