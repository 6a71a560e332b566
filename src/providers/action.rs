//! Actions: what a provider offers to do, compiled. A definition's `[action.NAME]` tables say how.

pub mod arguments;
mod ask;
pub(super) mod compile;
mod example;
mod payload;
mod read;
pub(super) mod source;

pub use arguments::{BadArgument, Given, Values, Wrong};
pub use ask::{HttpAction, Means, under};
pub use example::ActionExample;
pub use read::{Told, read_free};

use super::{CodedKind, Definition, Probe};
use http::Method;
use indexmap::IndexMap;
use std::time::Duration;

/// Longest time an action may take, whatever its definition says.
pub const LONGEST: Duration = Duration::from_secs(3600);
/// The word that stands for a free request where an action's name is expected.
pub const FREE: &str = "request";

/// What a parameter holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParamKind {
    /// Any text.
    Text,
    /// A whole number.
    Int,
    /// A number.
    Number,
    /// `true` or `false`.
    Bool,
    /// JSON of any shape.
    Json,
    /// Segments of a path: the slashes between them stay.
    Path,
    /// Any bytes, sent as base64.
    Base64,
    /// The path of a file that is streamed from disk.
    File,
}

impl ParamKind {
    /// The word of a definition's `kind`.
    pub const fn as_str(self) -> &'static str {
        match self {
            ParamKind::Text => "text",
            ParamKind::Int => "int",
            ParamKind::Number => "number",
            ParamKind::Bool => "bool",
            ParamKind::Json => "json",
            ParamKind::Path => "path",
            ParamKind::Base64 => "base64",
            ParamKind::File => "file",
        }
    }
}

/// One input of an action's form.
#[derive(Debug, Clone)]
pub struct Param {
    /// Its key.
    pub name: String,
    /// Shown beside the input.
    pub label: String,
    /// One sentence.
    pub help: String,
    /// What it holds.
    pub kind: ParamKind,
    /// The action refuses to do without.
    pub required: bool,
    /// May be given several times.
    pub list: bool,
    /// Used when nothing is given.
    pub default: Option<String>,
    /// The only values allowed, if any are listed.
    pub choices: Vec<String>,
    /// A regular expression each value must match.
    pub pattern: Option<regex_lite::Regex>,
    /// A value for the documentation and the form.
    pub example: Option<String>,
}

/// One operation of a provider.
#[derive(Debug, Clone)]
pub struct Action {
    /// `create_issue`.
    pub name: String,
    /// A few words for a person.
    pub label: String,
    /// One sentence.
    pub help: String,
    /// It changes or costs something that cannot be had back: asked first.
    pub dangerous: bool,
    /// How long it may take; `None`: the integration's own limit.
    pub timeout: Option<Duration>,
    /// The form.
    pub params: IndexMap<String, Param>,
    /// Which members of each row a table shows: header and dotted path. Empty: whatever is there.
    pub columns: Vec<(String, String)>,
    /// How it is done.
    pub way: Way,
    /// Recorded answers with what they mean.
    pub examples: Vec<ActionExample>,
}

impl Action {
    /// Whether asking again could do something twice.
    pub fn changes(&self) -> bool {
        match &self.way {
            Way::Http(http) => http.changes(),
            Way::Coded(coded) => matches!(coded, CodedAction::RedisSet),
        }
    }
}

/// How an action is done.
#[derive(Debug, Clone)]
pub enum Way {
    /// One HTTP request, perhaps with another before it.
    Http(Box<HttpAction>),
    /// By the code of a coded kind.
    Coded(CodedAction),
}

/// What coded kinds can do. Each belongs to one kind, and to no provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum CodedAction {
    RedisGet,
    RedisSet,
    PostgresQuery,
}

/// What is called.
#[derive(Debug, Clone)]
pub enum Call {
    /// One of the definition's actions.
    Action {
        /// Its name.
        name: String,
        /// Its parameters, judged by [`Action::values`].
        values: Values,
    },
    /// A request of the user's own, under the integration's address.
    Free {
        /// `GET`, `POST`.
        method: Method,
        /// With its query; begins with `/`.
        path: String,
        /// Sent as JSON.
        body: Option<String>,
    },
}

impl Call {
    /// The name under which the audit log knows it.
    pub fn name(&self) -> &str {
        match self {
            Call::Action { name, .. } => name,
            Call::Free { .. } => FREE,
        }
    }
}

impl CodedAction {
    const ALL: [CodedAction; 3] = [CodedAction::RedisGet, CodedAction::RedisSet, CodedAction::PostgresQuery];

    /// The kind it belongs to, its word in a definition, and the parameters it reads.
    const fn told(self) -> (CodedKind, &'static str, &'static [&'static str]) {
        match self {
            CodedAction::RedisGet => (CodedKind::Redis, "get", &["key"]),
            CodedAction::RedisSet => (CodedKind::Redis, "set", &["key", "value", "ttl"]),
            CodedAction::PostgresQuery => (CodedKind::Postgres, "query", &["sql", "rows"]),
        }
    }

    /// Reads the word of a definition's `coded`.
    pub fn parse(kind: CodedKind, word: &str) -> Option<CodedAction> {
        CodedAction::ALL.into_iter().find(|a| a.told().0 == kind && a.told().1 == word)
    }

    /// The words a kind knows.
    pub fn of(kind: CodedKind) -> Vec<&'static str> {
        CodedAction::ALL.into_iter().filter(|a| a.told().0 == kind).map(|a| a.told().1).collect()
    }

    /// The parameters it reads.
    pub const fn params(self) -> &'static [&'static str] {
        self.told().2
    }
}

impl Definition {
    /// Whether free requests can be made: the provider speaks HTTP.
    pub fn takes_free(&self) -> bool {
        matches!(self.probe, Probe::Http(_) | Probe::Coded(CodedKind::HttpAny))
    }
}

/// The methods of free requests.
pub const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// The form of a free request, where a form is wanted.
pub fn free_params() -> IndexMap<String, Param> {
    let param = |name: &str, label: &str, help: &str, kind, required| Param {
        name: name.to_owned(),
        label: label.to_owned(),
        help: help.to_owned(),
        kind,
        required,
        list: false,
        default: None,
        choices: Vec::new(),
        pattern: None,
        example: None,
    };
    let method = Param {
        default: Some("GET".to_owned()),
        choices: METHODS.map(str::to_owned).to_vec(),
        ..param("method", "Method", "What to do", ParamKind::Text, true)
    };
    let path = Param {
        example: Some("/".to_owned()),
        ..param("path", "Path", "Under its address; begins with /", ParamKind::Text, true)
    };
    let data = param("data", "Data", "JSON to send", ParamKind::Json, false);
    [method, path, data].into_iter().map(|p| (p.name.clone(), p)).collect()
}

/// The free request that these values of [`free_params`] mean.
pub fn free_call(values: &Values) -> Option<Call> {
    let method = values.text("method")?.parse().ok()?;
    Some(Call::Free { method, path: values.text("path")?.to_owned(), body: values.text("data").map(str::to_owned) })
}
