//! The table `[action.NAME]` as TOML has it.

use crate::{model::Cause, providers::source::Response};
use indexmap::IndexMap;
use serde::Deserialize;
use toml::Spanned;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::providers) struct Action {
    pub label: Spanned<String>,
    #[serde(default)]
    pub help: String,
    #[serde(default)]
    pub dangerous: bool,
    pub timeout: Option<Spanned<String>>,
    #[serde(default)]
    pub params: IndexMap<String, Param>,
    #[serde(default)]
    pub columns: IndexMap<String, String>,
    pub coded: Option<Spanned<String>>,
    pub base_url: Option<Spanned<String>>,
    pub auth: Option<crate::providers::source::OneOrMany>,
    pub request: Option<Spanned<String>>,
    #[serde(default)]
    pub headers: IndexMap<String, Spanned<String>>,
    pub body: Option<toml::Value>,
    pub form: Option<IndexMap<String, Spanned<String>>>,
    pub xml: Option<Spanned<String>>,
    pub upload: Option<Spanned<String>>,
    pub prepare: Option<Prepare>,
    pub ok: Option<Spanned<String>>,
    pub result: Option<Spanned<String>>,
    #[serde(default)]
    pub rule: Vec<Rule>,
    #[serde(default)]
    pub example: Vec<Example>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::providers) enum Kind {
    #[default]
    Text,
    Int,
    Number,
    Bool,
    Json,
    Path,
    Base64,
    File,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::providers) struct Param {
    pub label: String,
    #[serde(default)]
    pub help: String,
    #[serde(default)]
    pub kind: Kind,
    #[serde(default)]
    pub required: bool,
    #[serde(default)]
    pub list: bool,
    pub default: Option<Spanned<String>>,
    #[serde(default)]
    pub choices: Vec<String>,
    pub pattern: Option<Spanned<String>>,
    pub example: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::providers) struct Prepare {
    pub request: Spanned<String>,
    #[serde(default)]
    pub headers: IndexMap<String, Spanned<String>>,
    pub ok: Option<Spanned<String>>,
    pub take: IndexMap<String, Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::providers) struct Rule {
    pub when: Spanned<String>,
    pub cause: Option<Cause>,
    pub until: Option<Spanned<String>>,
    pub message: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::providers) struct Example {
    pub name: String,
    #[serde(default)]
    pub params: IndexMap<String, OneOrMany>,
    pub prepared: Option<Response>,
    pub sends: Option<Sends>,
    pub response: Response,
    pub control: Option<String>,
    pub expect: Expect,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(in crate::providers) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::providers) struct Sends {
    pub request: String,
    pub body: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::providers) struct Expect {
    /// `done`, `refused` or a cause.
    pub ending: String,
    pub seen: Option<String>,
    pub result: Option<String>,
}
