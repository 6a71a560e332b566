//! What one check yields: verdict, evidence, latency, quotas, facts.

use super::{Cause, Quota, Status};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What decided the verdict, in words a person can check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The rule that matched: `HTTP 401`, `body.error.code == 'invalid_api_key'`, `rule 3: status == 429`.
    pub rule: String,
    /// What was seen (sanitised, at most 200 bytes): a status line, a header, a message. Empty if nothing.
    pub seen: String,
}

/// Something worth saying beside an active status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Warning {
    /// A quota is nearly used up.
    QuotaLow {
        /// The quota's name.
        quota: String,
        /// Whole percent left.
        percent_left: u8,
    },
    /// The credential dies soon (or did, while it still works).
    CredentialExpires {
        /// When.
        at: Timestamp,
    },
    /// The server's certificate dies soon.
    CertificateExpires {
        /// When.
        at: Timestamp,
    },
    /// The answer took longer than the integration's `slow` limit.
    Slow,
    /// The service says that it works only in part.
    Degraded {
        /// In its words, sanitised.
        message: String,
    },
    /// The credential works but lacks a permission.
    MissingScope {
        /// Its name.
        scope: String,
    },
    /// The provider's status page tells of an incident.
    Incident {
        /// Its title, sanitised.
        title: String,
    },
    /// Certificates are not verified for this integration.
    Insecure,
    /// Our clock and the server's differ by more than five minutes (seconds; positive: ours is ahead).
    ClockSkew {
        /// Ours minus theirs, in seconds.
        seconds: i64,
    },
}

impl Warning {
    /// A short sentence; `now` turns instants into time left.
    pub fn sentence(&self, now: Timestamp) -> String {
        let days = |at: &Timestamp| {
            let hours = (at.as_second() - now.as_second()).div_euclid(3600);
            match hours {
                h if h < 0 => "has expired".to_owned(),
                h if h < 48 => format!("expires in {h} h"),
                h => format!("expires in {} days", h / 24),
            }
        };
        match self {
            Warning::QuotaLow { quota, percent_left } => format!("quota {quota}: {percent_left}% left"),
            Warning::CredentialExpires { at } => format!("credential {}", days(at)),
            Warning::CertificateExpires { at } => format!("certificate {}", days(at)),
            Warning::Slow => "slow".to_owned(),
            Warning::Degraded { message } => format!("degraded: {message}"),
            Warning::MissingScope { scope } => format!("lacks the scope '{scope}'"),
            Warning::Incident { title } => format!("incident: {title}"),
            Warning::Insecure => "certificate not verified".to_owned(),
            Warning::ClockSkew { seconds } => format!("clock differs by {seconds} s"),
        }
    }
}

/// A labelled value worth showing. Only what a definition declares is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// What it is.
    pub label: String,
    /// Sanitised, at most 200 bytes.
    pub value: String,
}

/// A number that a check measured and that is worth a curve: performance data of a plugin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// What it is.
    pub name: String,
    /// Finite.
    pub value: f64,
    /// As the plugin writes it: `MB`, `%`, `s`; empty for a plain number.
    pub unit: String,
}

/// Where the time of a check went. `None`: cannot be told (a kept connection has no DNS phase).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phases {
    /// Name look-up.
    pub dns: Option<Duration>,
    /// TCP connection.
    pub connect: Option<Duration>,
    /// TLS handshake.
    pub tls: Option<Duration>,
    /// From the request sent to the first byte of the answer.
    pub first_byte: Option<Duration>,
}

/// What one check yielded. A failed check is data, not an error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// When the check ended (UTC).
    pub at: Timestamp,
    /// The reason; the status follows from it.
    pub cause: Cause,
    /// Until when it will last, for `rate_limited` causes.
    pub until: Option<Timestamp>,
    /// What decided it.
    pub evidence: Evidence,
    /// From the first byte sent to the verdict's proof read; queueing excluded. `None`: nothing was sent.
    pub latency: Option<Duration>,
    /// Where that time went.
    pub phases: Phases,
    /// The protocol's own status code, if it has one.
    pub code: Option<u16>,
    /// Attempts made (≥ 1).
    pub attempts: u32,
    /// Budgets told of.
    pub quotas: Vec<Quota>,
    /// Declared facts.
    pub facts: Vec<Fact>,
    /// Measured numbers.
    #[serde(default)]
    pub samples: Vec<Sample>,
    /// Who the credential is, as the service says.
    pub identity: Option<String>,
    /// When the credential dies, as the service says.
    pub credential_expires: Option<Timestamp>,
    /// When the server's certificate dies.
    pub certificate_expires: Option<Timestamp>,
    /// Beside the status.
    pub warnings: Vec<Warning>,
}

impl Outcome {
    /// An outcome with nothing but a cause and what decided it.
    pub fn of(cause: Cause, at: Timestamp, rule: impl Into<String>, seen: &str) -> Self {
        Outcome {
            at,
            cause,
            until: None,
            evidence: Evidence { rule: rule.into(), seen: super::text::sanitize(seen, 200) },
            latency: None,
            phases: Phases::default(),
            code: None,
            attempts: 1,
            quotas: Vec::new(),
            facts: Vec::new(),
            samples: Vec::new(),
            identity: None,
            credential_expires: None,
            certificate_expires: None,
            warnings: Vec::new(),
        }
    }

    /// The status of the cause.
    pub const fn status(&self) -> Status {
        self.cause.status()
    }
}
