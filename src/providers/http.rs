//! The HTTP half of a definition: what an answer is, how it is judged, and what is asked beside it.

use super::{Example, expression::Expression, login::Login, request::RequestTemplate};
use crate::model::{Cause, Fact, Provenance, Quota};
use http::HeaderMap;
use jiff::Timestamp;

/// An answer as classification sees it.
#[derive(Debug, Clone)]
pub struct Answer<'a> {
    /// HTTP status.
    pub status: u16,
    /// Lower-case name to value.
    pub headers: &'a HeaderMap,
    /// The body, decompressed, capped.
    pub body: &'a [u8],
    /// When it arrived.
    pub now: Timestamp,
    /// How long it took.
    pub latency: std::time::Duration,
}

impl Answer<'_> {
    /// The body's content: JSON as it is, XML in the same shape.
    pub fn content(&self) -> Option<serde_json::Value> {
        let content_type = || self.headers.get(http::header::CONTENT_TYPE)?.to_str().ok();
        serde_json::from_slice(self.body).ok().or_else(|| super::xml::read(self.body, content_type()))
    }
}

/// What an answer means.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The reason.
    pub cause: Cause,
    /// Until when.
    pub until: Option<Timestamp>,
    /// The rule that decided (`rule 2: status == 403 and …`, `general: HTTP 401`).
    pub rule: String,
    /// What was seen, e.g. the service's own message.
    pub seen: String,
    /// Quotas.
    pub quotas: Vec<Quota>,
    /// Facts.
    pub facts: Vec<Fact>,
    /// Identity.
    pub identity: Option<String>,
    /// Expiry of the credential.
    pub credential_expires: Option<Timestamp>,
    /// Name of the missing scope where an active answer lacks one.
    pub missing_scope: Option<String>,
    /// The service's own words about a partial failure.
    pub degraded: Option<String>,
}

/// One rule of the definition's own.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub when: Expression,
    pub cause: Cause,
    pub until: Option<Expression>,
    pub message: Option<Expression>,
    pub missing_scope: Option<Expression>,
}

/// How one quota is read.
#[derive(Debug, Clone)]
pub(super) struct QuotaRule {
    pub name: String,
    pub unit: String,
    pub limit: Option<Expression>,
    pub left: Option<Expression>,
    pub used: Option<Expression>,
    pub resets: Option<Expression>,
    pub provenance: Provenance,
}

/// The HTTP probe of a definition, compiled.
#[derive(Debug, Clone)]
pub struct HttpProbe {
    /// What is sent.
    pub request: RequestTemplate,
    /// The sign-in before it.
    pub login: Option<Login>,
    pub(super) active: Expression,
    pub(super) identity: Option<Expression>,
    pub(super) degraded: Option<Expression>,
    pub(super) rules: Vec<Rule>,
    pub(super) quotas: Vec<QuotaRule>,
    pub(super) facts: Vec<(String, Expression)>,
    pub(super) expires: Option<Expression>,
    /// Further questions, asked once this one is answered well.
    pub also: Vec<Also>,
}

impl super::Definition {
    /// Whether the check, or the sign-in before it, signs this machine's time along, so that a wrong clock gets it refused.
    pub fn signs_the_time(&self) -> bool {
        let super::Probe::Http(probe) = &self.probe else { return false };
        probe.request.signs_the_time() || probe.login.as_ref().is_some_and(|login| login.request.signs_the_time())
    }
}

/// A further question of the same check: its answer adds facts and quotas.
#[derive(Debug, Clone)]
pub struct Also {
    /// What it asks for, such as the name of a part of the service.
    pub name: String,
    /// Request and judgement; has no further questions of its own.
    pub probe: HttpProbe,
    /// Causes that become the check's when this answer has them. Any other changes nothing.
    pub decides: Vec<Cause>,
    /// Recorded answers.
    pub examples: Vec<Example>,
}

impl HttpProbe {
    /// Lets a field `base_url` take the place of every address, of the sign-in's too: for a server that plays all parts.
    pub fn on_one_host(&mut self) {
        if let Some(login) = &mut self.login {
            login.request.movable = true;
        }
    }

    /// Whether a quota is read from answers.
    pub fn tells_quota(&self) -> bool {
        !self.quotas.is_empty() || self.also.iter().any(|a| a.probe.tells_quota())
    }

    /// Whether facts are.
    pub fn tells_facts(&self) -> bool {
        !self.facts.is_empty() || !self.also.is_empty()
    }

    /// Whether the account is.
    pub fn tells_identity(&self) -> bool {
        self.identity.is_some() || self.also.iter().any(|a| a.probe.identity.is_some())
    }

    /// Whether the credential's end is.
    pub fn tells_expiry(&self) -> bool {
        self.expires.is_some() || self.also.iter().any(|a| a.probe.expires.is_some())
    }
}
