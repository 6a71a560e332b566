//! A definition file as TOML has it: the keys allowed, before anything is compiled.

use indexmap::IndexMap;
use serde::Deserialize;
use toml::Spanned;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub id: Spanned<String>,
    pub name: String,
    pub category: super::Category,
    pub docs: Option<String>,
    pub key_url: Option<String>,
    pub status_page: Option<String>,
    #[serde(default)]
    pub untold: Vec<Spanned<String>>,
    pub proved: Option<String>,
    pub base_url: Option<Spanned<String>>,
    pub min_interval: Option<Spanned<String>>,
    #[serde(default)]
    pub fields: IndexMap<String, Field>,
    #[serde(default)]
    pub auth: OneOrMany,
    pub login: Option<Login>,
    pub check: Check,
    pub oauth: Option<OAuth>,
    #[serde(default)]
    pub limits: Limits,
    #[serde(default)]
    pub quota: Vec<Quota>,
    #[serde(default)]
    pub facts: IndexMap<String, Spanned<String>>,
    #[serde(default)]
    pub expiry: Expiry,
    #[serde(default)]
    pub also: Vec<Also>,
    #[serde(default)]
    pub advice: IndexMap<crate::model::Cause, String>,
    #[serde(default)]
    pub example: Vec<Example>,
    #[serde(default)]
    pub action: IndexMap<String, super::action::source::Action>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Field {
    pub label: String,
    #[serde(default)]
    pub secret: bool,
    #[serde(default)]
    pub required: bool,
    #[serde(default)]
    pub list: bool,
    pub default: Option<String>,
    #[serde(default)]
    pub env: Vec<String>,
    #[serde(default)]
    pub files: Vec<Spanned<String>>,
    pub pattern: Option<Spanned<String>>,
    #[serde(default)]
    pub choices: Vec<String>,
    #[serde(default)]
    pub help: String,
    pub example: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum OneOrMany {
    Many(Vec<Auth>),
    One(Box<Auth>),
}

impl Default for OneOrMany {
    fn default() -> Self {
        OneOrMany::Many(Vec::new())
    }
}

impl OneOrMany {
    pub fn into_vec(self) -> Vec<Auth> {
        match self {
            OneOrMany::Many(all) => all,
            OneOrMany::One(one) => vec![*one],
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Auth {
    pub scheme: String,
    pub path: Option<String>,
    pub token: Option<String>,
    #[serde(default)]
    pub headers: IndexMap<String, String>,
    pub username: Option<String>,
    pub password: Option<String>,
    #[serde(default)]
    pub query: IndexMap<String, String>,
    #[serde(default)]
    pub body: IndexMap<String, String>,
    pub service: Option<String>,
    pub region: Option<String>,
    pub access_key: Option<String>,
    pub secret_key: Option<String>,
    pub session_token: Option<String>,
    #[serde(default)]
    pub form: IndexMap<String, String>,
    pub scope: Option<String>,
    #[serde(default)]
    pub trusted: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OAuth {
    pub field: Spanned<String>,
    pub client_id: Spanned<String>,
    pub client_secret: Option<Spanned<String>>,
    #[serde(default)]
    pub secret_for: Vec<super::oauth::Way>,
    #[serde(default)]
    pub client_auth: ClientAuth,
    pub app_url: Option<String>,
    #[serde(default)]
    pub help: String,
    pub base_url: Option<Spanned<String>>,
    pub device: Option<Spanned<String>>,
    pub authorize: Option<Spanned<String>>,
    pub token: Spanned<String>,
    #[serde(default)]
    pub client_credentials: bool,
    pub scopes: Option<Spanned<String>>,
    #[serde(default)]
    pub params: IndexMap<String, Spanned<String>>,
    #[serde(default)]
    pub authorize_params: IndexMap<String, Spanned<String>>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ClientAuth {
    #[default]
    Form,
    Basic,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Check {
    pub kind: Spanned<String>,
    pub request: Option<Spanned<String>>,
    #[serde(default)]
    pub headers: IndexMap<String, Spanned<String>>,
    #[serde(default)]
    pub form: IndexMap<String, Spanned<String>>,
    pub body: Option<toml::Value>,
    #[serde(default)]
    pub cost: String,
    pub active: Option<Spanned<String>>,
    pub identity: Option<Spanned<String>>,
    pub degraded: Option<Spanned<String>>,
    #[serde(default)]
    pub rule: Vec<Rule>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Login {
    pub base_url: Option<Spanned<String>>,
    pub request: Option<Spanned<String>>,
    #[serde(default)]
    pub challenge: bool,
    #[serde(default)]
    pub trusted: Vec<Spanned<String>>,
    #[serde(default)]
    pub headers: IndexMap<String, Spanned<String>>,
    #[serde(default)]
    pub form: IndexMap<String, Spanned<String>>,
    pub body: Option<toml::Value>,
    #[serde(default)]
    pub auth: OneOrMany,
    pub token: Spanned<String>,
    pub lifetime: Option<Spanned<String>>,
    #[serde(default)]
    pub rule: Vec<Rule>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Also {
    pub name: String,
    pub base_url: Option<Spanned<String>>,
    pub request: Spanned<String>,
    #[serde(default)]
    pub headers: IndexMap<String, Spanned<String>>,
    #[serde(default)]
    pub form: IndexMap<String, Spanned<String>>,
    pub body: Option<toml::Value>,
    pub auth: Option<OneOrMany>,
    pub active: Spanned<String>,
    pub identity: Option<Spanned<String>>,
    #[serde(default)]
    pub decides: Vec<crate::model::Cause>,
    #[serde(default)]
    pub rule: Vec<Rule>,
    #[serde(default)]
    pub facts: IndexMap<String, Spanned<String>>,
    #[serde(default)]
    pub quota: Vec<Quota>,
    #[serde(default)]
    pub expiry: Expiry,
    #[serde(default)]
    pub example: Vec<Example>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    pub when: Spanned<String>,
    pub cause: crate::model::Cause,
    pub until: Option<Spanned<String>>,
    pub message: Option<Spanned<String>>,
    pub missing_scope: Option<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Limits {
    pub second: Option<u32>,
    pub minute: Option<u32>,
    pub hour: Option<u32>,
    pub day: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Quota {
    pub name: String,
    #[serde(default)]
    pub unit: String,
    pub limit: Option<Spanned<String>>,
    pub left: Option<Spanned<String>>,
    pub used: Option<Spanned<String>>,
    pub resets: Option<Spanned<String>>,
    pub provenance: Option<crate::model::Provenance>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expiry {
    pub credential: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Example {
    pub name: String,
    #[serde(default)]
    pub fields: IndexMap<String, String>,
    pub login: Option<Response>,
    pub response: Option<Response>,
    pub control: Option<String>,
    pub expect: Expect,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Response {
    pub status: u16,
    #[serde(default)]
    pub headers: IndexMap<String, String>,
    #[serde(default)]
    pub body: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expect {
    pub status: crate::model::Status,
    pub cause: crate::model::Cause,
    pub identity: Option<String>,
    pub quota_left: Option<f64>,
    pub until: Option<bool>,
    pub missing_scope: Option<String>,
}
