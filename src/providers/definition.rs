//! The compiled form of a provider definition: what the rest of the program reads.

use crate::model::{Cause, Status};
use indexmap::IndexMap;
use std::{path::PathBuf, time::Duration};

/// Where a definition came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Compiled in.
    BuiltIn,
    /// The user's folder.
    User(PathBuf),
}

/// The shelf it stands on in the picker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Category {
    Ai,
    AiCli,
    DevTool,
    Cloud,
    Database,
    Messaging,
    Observability,
    Platform,
    Generic,
}

impl Category {
    /// The word of a definition's `category`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Category::Ai => "ai",
            Category::AiCli => "ai-cli",
            Category::DevTool => "dev-tool",
            Category::Cloud => "cloud",
            Category::Database => "database",
            Category::Messaging => "messaging",
            Category::Observability => "observability",
            Category::Platform => "platform",
            Category::Generic => "generic",
        }
    }
}

/// One input of the provider's form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Field {
    /// Key in the configuration.
    pub name: String,
    /// Shown beside the input.
    pub label: String,
    /// Masked, stored as a reference.
    pub secret: bool,
    /// The form refuses to do without.
    pub required: bool,
    /// A list of strings (arguments, conditions) instead of one.
    pub list: bool,
    /// Used when the user gives nothing.
    pub default: Option<String>,
    /// Environment variables in which it is usually found.
    pub env: Vec<String>,
    /// `ini:` references to files of other programs in which it is usually found.
    pub files: Vec<String>,
    /// A regular expression the value should match: a hint, never a refusal.
    pub pattern: Option<String>,
    /// The only values allowed, if any are listed.
    pub choices: Vec<String>,
    /// One sentence.
    pub help: String,
    /// A value for examples, tests and the demo; never used for a real check.
    pub example: Option<String>,
}

impl Field {
    /// Where it is usually found: names of variables, then `ini:` references.
    pub fn usual(&self) -> impl Iterator<Item = &String> {
        self.env.iter().chain(&self.files)
    }
}

/// Client-side limits: at most so many checks in each window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Limits {
    pub second: Option<u32>,
    pub minute: Option<u32>,
    pub hour: Option<u32>,
    pub day: Option<u32>,
}

/// A recorded answer.
#[derive(Debug, Clone, Default)]
pub struct Recorded {
    /// HTTP status.
    pub status: u16,
    /// Headers. `{{now+3600}}` in a value or the body stands for the epoch second one hour from now.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: String,
}

/// Answers with their right verdict: executable documentation.
#[derive(Debug, Clone)]
pub struct Example {
    /// What it shows.
    pub name: String,
    /// What the sign-in before the check was answered. `None`: as in another example, well.
    pub login: Option<Recorded>,
    /// What the check was answered. `None`: it was never asked, the sign-in failed.
    pub response: Option<Recorded>,
    /// Field values beside the fields' own examples.
    pub fields: IndexMap<String, String>,
    /// The body with which it must not be active; `{}` where none is named.
    pub control: Option<String>,
    /// The status expected.
    pub expect_status: Status,
    /// The cause expected.
    pub expect_cause: Cause,
    /// The identity expected.
    pub expect_identity: Option<String>,
    /// What the first quota has left.
    pub expect_quota_left: Option<f64>,
    /// Whether an end of the limit is told.
    pub expect_until: Option<bool>,
    /// The missing scope expected.
    pub expect_missing_scope: Option<String>,
}

/// How a check of this provider is made.
#[derive(Debug, Clone)]
pub enum Probe {
    /// One HTTP request judged by rules.
    Http(Box<super::http::HttpProbe>),
    /// A coded kind that `checks` implements; its parameters are the integration's fields.
    Coded(CodedKind),
}

/// The coded probe kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum CodedKind {
    /// Any URL with conditions given by the user's own fields.
    HttpAny,
    Tcp,
    Tls,
    Dns,
    Command,
    Redis,
    Postgres,
    Smtp,
    Nats,
    Mqtt,
    Sqlite,
    Ping,
    Mysql,
    Mongodb,
    Kafka,
}

impl CodedKind {
    /// Reads the word of a definition's `kind`.
    pub fn parse(word: &str) -> Option<CodedKind> {
        Some(match word {
            "http_any" => CodedKind::HttpAny,
            "tcp" => CodedKind::Tcp,
            "tls" => CodedKind::Tls,
            "dns" => CodedKind::Dns,
            "command" => CodedKind::Command,
            "redis" => CodedKind::Redis,
            "postgres" => CodedKind::Postgres,
            "smtp" => CodedKind::Smtp,
            "nats" => CodedKind::Nats,
            "mqtt" => CodedKind::Mqtt,
            "sqlite" => CodedKind::Sqlite,
            "ping" => CodedKind::Ping,
            "mysql" => CodedKind::Mysql,
            "mongodb" => CodedKind::Mongodb,
            "kafka" => CodedKind::Kafka,
            _ => return None,
        })
    }

    /// The word of a definition's `kind`.
    pub const fn as_str(self) -> &'static str {
        match self {
            CodedKind::HttpAny => "http_any",
            CodedKind::Tcp => "tcp",
            CodedKind::Tls => "tls",
            CodedKind::Dns => "dns",
            CodedKind::Command => "command",
            CodedKind::Redis => "redis",
            CodedKind::Postgres => "postgres",
            CodedKind::Smtp => "smtp",
            CodedKind::Nats => "nats",
            CodedKind::Mqtt => "mqtt",
            CodedKind::Sqlite => "sqlite",
            CodedKind::Ping => "ping",
            CodedKind::Mysql => "mysql",
            CodedKind::Mongodb => "mongodb",
            CodedKind::Kafka => "kafka",
        }
    }
}

/// Everything Lampboard knows about a provider.
#[derive(Debug, Clone)]
pub struct Definition {
    /// `github`.
    pub id: String,
    /// `GitHub`.
    pub name: String,
    /// Shelf.
    pub category: Category,
    /// Its documentation.
    pub docs: Option<String>,
    /// Where a key is made.
    pub key_url: Option<String>,
    /// One sentence: what one check costs.
    pub cost: String,
    /// The form.
    pub fields: IndexMap<String, Field>,
    /// The check.
    pub probe: Probe,
    /// How a person signs in instead of pasting a token.
    pub oauth: Option<super::oauth::OAuth>,
    /// Client-side limits, per integration.
    pub limits: Limits,
    /// No integration of this provider is checked more often than this.
    pub min_interval: Duration,
    /// What the service does not tell, of `level::UNTOLD`.
    pub untold: Vec<String>,
    /// Against what real server `.ci/run` proves it.
    pub proved: Option<String>,
    /// Public status page, for a person to open.
    pub status_page: Option<String>,
    /// Advice per cause, shown as the next step (falls back to general advice).
    pub advice: IndexMap<Cause, String>,
    /// Recorded answers.
    pub examples: Vec<Example>,
    /// What it offers to do.
    pub actions: IndexMap<String, super::action::Action>,
    /// Where the definition came from.
    pub origin: Origin,
}
