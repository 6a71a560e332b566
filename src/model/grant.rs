//! What an OAuth 2.0 sign-in left behind: an access token, and how the next one is had.

use super::Secret;
use jiff::{SignedDuration, Timestamp};

/// Seconds before its end at which an access token is renewed.
const AHEAD: i64 = 60;

/// How the next access token is had. `Debug` shows no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The token endpoint; nothing of this goes anywhere else.
    pub token_url: String,
    /// The application's id.
    pub client_id: String,
    /// Its secret, if it has one.
    pub client_secret: Option<Secret>,
    /// The secret travels in a `Basic` header instead of the form.
    pub basic: bool,
    /// The application signed in for itself: it does so again instead of refreshing.
    pub of_client: bool,
    /// The refresh token; a rotating one dies with its use.
    pub refresh: Option<Secret>,
    /// What was asked for, separated by blanks.
    pub scope: String,
    /// More members of each request to the token endpoint.
    pub params: Vec<(String, String)>,
    /// When the access token dies; `None`: it does not, or nobody tells.
    pub expires: Option<Timestamp>,
    /// From when on it is to be renewed.
    pub renew: Option<Timestamp>,
    /// When the refresh token dies.
    pub ends: Option<Timestamp>,
}

impl Grant {
    /// Whether the next access token can be had without a person.
    pub const fn renewable(&self) -> bool {
        self.of_client || self.refresh.is_some()
    }

    /// Whether it is time to renew.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.renewable() && self.renew.is_some_and(|at| at <= now)
    }

    /// When a person has to sign in again; `None`: nobody knows.
    pub fn dies(&self) -> Option<Timestamp> {
        if self.renewable() { self.ends } else { self.expires }
    }

    /// Notes the end of an access token that came at `now`. A short life is used for three quarters.
    pub fn lives(&mut self, now: Timestamp, seconds: Option<i64>) {
        let after = |seconds: i64| now.saturating_add(SignedDuration::from_secs(seconds)).ok();
        self.expires = seconds.and_then(after);
        self.renew = seconds.and_then(|s| after(s - AHEAD.min(s / 4)));
    }
}

/// An access token with its grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    /// What a check sends.
    pub access: Secret,
    /// How the next one is had.
    pub grant: Grant,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant() -> Grant {
        Grant {
            token_url: "https://id.example/token".into(),
            client_id: "board".into(),
            client_secret: None,
            basic: false,
            of_client: false,
            refresh: Some(Secret::new("canary-refresh".into())),
            scope: String::new(),
            params: Vec::new(),
            expires: None,
            renew: None,
            ends: None,
        }
    }

    #[test]
    fn a_token_is_renewed_shortly_before_its_end() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let in_seconds = |s: i64| now + SignedDuration::from_secs(s);
        let mut grant = grant();
        assert!(!grant.is_due(in_seconds(1 << 30)), "one that never ends is never renewed");
        grant.lives(now, Some(3600));
        assert!(!grant.is_due(in_seconds(3539)) && grant.is_due(in_seconds(3540)));
        grant.lives(now, Some(8));
        assert!(!grant.is_due(in_seconds(5)) && grant.is_due(in_seconds(6)), "a short one is of use for a while");
        grant.refresh = None;
        assert!(!grant.is_due(in_seconds(10)), "nothing to renew it with");
        assert_eq!(grant.dies(), Some(in_seconds(8)));
    }

    #[test]
    fn debug_shows_no_secret() {
        assert!(!format!("{:?}", grant()).contains("canary"));
    }
}
