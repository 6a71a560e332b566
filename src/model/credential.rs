//! What is known of a stored credential beside its value.

use jiff::Timestamp;

/// Facts about one entry of the vault. Never the value.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct CredentialFacts {
    /// When it was first stored.
    pub stored: Timestamp,
    /// When its value was last replaced.
    pub rotated: Option<Timestamp>,
    /// When it dies, as the user or its sign-in says.
    pub expires: Option<Timestamp>,
    /// The hosts it may go to (`api.example.org:443`). Empty: none bound yet.
    pub hosts: Vec<String>,
    /// Whose it is, as last proved.
    pub account: Option<String>,
    /// The value before the last rotation is still kept.
    pub can_roll_back: bool,
    /// It came from a sign-in and renews itself.
    pub renews: bool,
}

impl CredentialFacts {
    /// Since when it has the value it has: what was proved before was another one.
    pub fn valued(&self) -> Timestamp {
        self.rotated.unwrap_or(self.stored)
    }

    /// Whether the entry may be sent to all of these (none: to no host). One that is bound to no host yet may go anywhere.
    pub fn may_go_to(&self, destinations: &[String]) -> bool {
        let bound = |d: &String| self.hosts.iter().any(|h| h.eq_ignore_ascii_case(d));
        self.hosts.is_empty() || (!destinations.is_empty() && destinations.iter().all(bound))
    }

    /// Those of these it is not stored for, in words.
    pub fn strangers(&self, destinations: &[String]) -> String {
        let strange = |d: &&String| !self.hosts.iter().any(|h| h.eq_ignore_ascii_case(d));
        let found: Vec<&str> = destinations.iter().filter(strange).map(String::as_str).collect();
        if found.is_empty() { "no host at all".to_owned() } else { found.join(" ") }
    }
}
