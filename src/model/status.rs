//! The five statuses, the causes beneath them and whom each cause blames.

use serde::{Deserialize, Serialize};

/// What the board says of an integration. Exactly five, and no sixth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It answered, and the answer proves that the credential works.
    Active,
    /// It is not being checked, or has not been yet.
    Inactive,
    /// Something failed that is neither the credential nor a budget.
    Error,
    /// The service refuses for now; it says (or we guess) until when.
    RateLimited,
    /// The credential does not open the door.
    Unauthorized,
}

impl Status {
    /// Every status, in the order the board counts them.
    pub const ALL: [Status; 5] =
        [Status::Active, Status::RateLimited, Status::Unauthorized, Status::Error, Status::Inactive];

    /// The word used in files, filters and `--json`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Status::Active => "active",
            Status::Inactive => "inactive",
            Status::Error => "error",
            Status::RateLimited => "rate_limited",
            Status::Unauthorized => "unauthorized",
        }
    }

    /// The words shown to a person.
    pub const fn label(self) -> &'static str {
        match self {
            Status::RateLimited => "rate limited",
            other => other.as_str(),
        }
    }

    /// Reads [`Status::as_str`] back; `None` for any other word.
    pub fn parse(word: &str) -> Option<Status> {
        Status::ALL.into_iter().find(|s| s.as_str() == word)
    }
}

/// Whose fault it is, derived from the [`Cause`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Blame {
    /// The credential or the configuration.
    You,
    /// The network between here and there, on this side.
    Network,
    /// The service.
    Provider,
    /// Nobody can tell from what was seen.
    Unknown,
}

impl Blame {
    /// The word used in `--json` and on the screen.
    pub const fn as_str(self) -> &'static str {
        match self {
            Blame::You => "you",
            Blame::Network => "network",
            Blame::Provider => "provider",
            Blame::Unknown => "unknown",
        }
    }

    /// One short sentence for a person.
    pub const fn sentence(self) -> &'static str {
        match self {
            Blame::You => "your credential, budget or configuration",
            Blame::Network => "your own network",
            Blame::Provider => "the provider",
            Blame::Unknown => "cannot be told",
        }
    }
}

macro_rules! causes {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $label:literal, $status:ident, $blame:ident;)*) => {
        /// The typed reason under a status.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Cause { $($(#[$doc])* $name,)* }

        impl Cause {
            /// Every cause.
            pub const ALL: &'static [Cause] = &[$(Cause::$name,)*];

            /// The word used in definitions, files and `--json`.
            pub const fn as_str(self) -> &'static str { match self { $(Cause::$name => $word,)* } }

            /// The words shown to a person.
            pub const fn label(self) -> &'static str { match self { $(Cause::$name => $label,)* } }

            /// The status this cause stands under.
            pub const fn status(self) -> Status { match self { $(Cause::$name => Status::$status,)* } }

            /// Whose fault it is.
            pub const fn blame(self) -> Blame { match self { $(Cause::$name => Blame::$blame,)* } }
        }
    };
}

causes! {
    /// The expected status and the expected content.
    Ok = "ok", "ok", Active, Unknown;
    /// The user paused it.
    Paused = "paused", "paused", Inactive, You;
    /// No check has finished yet.
    NeverChecked = "never_checked", "not checked yet", Inactive, Unknown;
    /// A maintenance window is on.
    Maintenance = "maintenance", "maintenance", Inactive, Unknown;
    /// Its credential lies in a locked vault.
    Locked = "locked", "vault locked", Inactive, You;
    /// The program to ask is not on this machine.
    NotInstalled = "not_installed", "not installed", Inactive, You;
    /// The tool is there but nobody is signed in.
    SignedOut = "signed_out", "signed out", Inactive, You;
    /// Too many requests for now.
    Throttled = "throttled", "throttled", RateLimited, You;
    /// A budget is used up.
    QuotaExhausted = "quota_exhausted", "quota used up", RateLimited, You;
    /// No credential was found where the reference points.
    MissingCredential = "missing_credential", "credential missing", Unauthorized, You;
    /// The service does not accept the credential.
    InvalidCredential = "invalid_credential", "credential refused", Unauthorized, You;
    /// The credential was good once.
    ExpiredCredential = "expired_credential", "credential expired", Unauthorized, You;
    /// The credential lacks a scope the user declared as needed.
    MissingScope = "missing_scope", "scope missing", Unauthorized, You;
    /// The account is suspended, unpaid or disabled.
    AccountProblem = "account_problem", "account problem", Unauthorized, You;
    /// This machine has no way out.
    OwnNetwork = "own_network", "own network down", Error, Network;
    /// The name does not resolve.
    Dns = "dns", "name not found", Error, Unknown;
    /// No connection.
    Connect = "connect", "cannot connect", Error, Unknown;
    /// TLS failed.
    Tls = "tls", "TLS failed", Error, Unknown;
    /// No answer in time.
    Timeout = "timeout", "timed out", Error, Unknown;
    /// The answer is not of the protocol.
    Protocol = "protocol", "protocol error", Error, Provider;
    /// The service says that it failed.
    ServerError = "server_error", "server error", Error, Provider;
    /// The service's status page tells of an incident.
    ProviderIncident = "provider_incident", "provider incident", Error, Provider;
    /// The configuration cannot work.
    Misconfigured = "misconfigured", "misconfigured", Error, You;
    /// An answer without the proof: a captive portal, a firewall, another service.
    UnexpectedResponse = "unexpected_response", "unexpected answer", Error, Unknown;
    /// Lampboard itself failed.
    Internal = "internal", "internal error", Error, Unknown;
}

impl Cause {
    /// Reads [`Cause::as_str`] back; `None` for any other word.
    pub fn parse(word: &str) -> Option<Cause> {
        Cause::ALL.iter().copied().find(|c| c.as_str() == word)
    }

    /// Whether trying again at once could help: transport errors and 5xx, nothing else.
    pub const fn is_transient(self) -> bool {
        matches!(self, Cause::Dns | Cause::Connect | Cause::Timeout | Cause::Protocol | Cause::ServerError)
    }
}
