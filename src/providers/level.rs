//! How far a definition goes: computed, so that nobody has to believe it.

use super::{CodedKind, Definition, Probe};
use crate::model::Status;

/// What a definition may say that its service does not tell.
pub const UNTOLD: [&str; 6] = ["quota", "facts", "identity", "expiry", "key_url", "status_page"];

/// The levels, each with all of the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Less than bronze.
    Plain,
    /// A form, a test before saving, positive proof, four examples.
    Bronze,
    /// Refused, rate limited and failing services are told apart by examples, and there is a floor between checks.
    Silver,
    /// Quota, facts, identity, expiry, key link and status page, or the definition says that the service tells none.
    Gold,
    /// Proved against the real thing by `.ci/run`.
    Platinum,
}

impl Level {
    /// What it promises, in a few words.
    pub const fn promise(self) -> &'static str {
        match self {
            Level::Plain => "checks, and promises nothing more",
            Level::Bronze => "positive proof, tried by examples",
            Level::Silver => "tells refusals, limits and outages apart",
            Level::Gold => "also quota, facts, identity and expiry, where the service tells them",
            Level::Platinum => "all of that, proved against a real server",
        }
    }

    /// One word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Level::Plain => "plain",
            Level::Bronze => "bronze",
            Level::Silver => "silver",
            Level::Gold => "gold",
            Level::Platinum => "platinum",
        }
    }
}

impl Definition {
    /// Its level.
    pub fn level(&self) -> Level {
        let mut level = Level::Plain;
        for (next, reached) in [
            (Level::Bronze, self.is_bronze()),
            (Level::Silver, self.is_silver()),
            (Level::Gold, self.lacks().is_empty()),
            (Level::Platinum, self.proved.is_some()),
        ] {
            if !reached {
                break;
            }
            level = next;
        }
        level
    }

    // A kind in code has its examples in its tests.
    fn coded(&self) -> Option<CodedKind> {
        match self.probe {
            Probe::Coded(kind) => Some(kind),
            Probe::Http(_) => None,
        }
    }

    fn is_bronze(&self) -> bool {
        !self.fields.is_empty() && (self.coded().is_some() || self.examples.len() >= 4)
    }

    fn is_silver(&self) -> bool {
        let shown = |status: Status| self.examples.iter().any(|e| e.expect_status == status);
        // Where there is no credential nobody can be refused.
        let refusable = self.fields.values().any(|f| f.secret);
        let told_apart = shown(Status::Active)
            && shown(Status::RateLimited)
            && shown(Status::Error)
            && (!refusable || shown(Status::Unauthorized));
        self.coded().is_some() || told_apart
    }

    /// What gold wants and is neither there nor said to be untold.
    pub fn lacks(&self) -> Vec<&'static str> {
        let told = |what: &str| match &self.probe {
            _ if self.untold.iter().any(|u| u == what) => true,
            Probe::Http(probe) => match what {
                "quota" => probe.tells_quota(),
                "facts" => probe.tells_facts(),
                "identity" => probe.tells_identity(),
                "expiry" => probe.tells_expiry(),
                "key_url" => self.key_url.is_some(),
                _ => self.status_page.is_some(),
            },
            // Facts, identity and the like of a coded kind are the code's.
            Probe::Coded(_) => !matches!(what, "key_url" | "status_page") || self.key_url.is_some(),
        };
        UNTOLD.into_iter().filter(|what| !told(what)).collect()
    }
}
