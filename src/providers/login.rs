//! The sign-in before a check: one request whose answer holds a short-lived token. Pure: `checks::login` sends it.

use super::{
    auth::Scheme,
    expression::{Expression, Scope},
    http::{Answer, Reading, Rule},
    key_file,
    read::{by_rules, clamp, general, looks_like_html, message, verdict},
    request::RequestTemplate,
    template::{Place, Template},
};
use crate::model::{Cause, Secret, text::sanitize};
use indexmap::IndexMap;
use std::time::Duration;
use zeroize::Zeroizing;

/// How long a token is used whose service does not say how long it lives.
const UNKNOWN: Duration = Duration::from_secs(300);
/// How long one is used at most.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// A definition's sign-in, compiled.
#[derive(Debug, Clone)]
pub struct Login {
    /// What is sent.
    pub request: RequestTemplate,
    /// The service itself says where: it is asked without a credential first. Places beside its own site that the
    /// credential may go to.
    pub(super) challenge: Option<Vec<Template>>,
    pub(super) token: Expression,
    pub(super) lifetime: Option<Expression>,
    pub(super) rules: Vec<Rule>,
}

/// What a good sign-in gives.
#[derive(Debug)]
pub struct Token {
    /// The token.
    pub secret: Secret,
    /// How long it lives from the answer on.
    pub lifetime: Duration,
}

impl Login {
    /// Whether the service is asked where tokens are to be had.
    pub fn is_challenged(&self) -> bool {
        self.challenge.is_some()
    }

    /// Where beside the check's own site a challenge may send the credential, as the definition or the user says.
    pub fn trusted(&self, fields: &IndexMap<String, String>) -> Vec<String> {
        let fill = |t: &Template| t.fill(Place::Json, |name| fields.get(name).map(String::as_str)).ok().flatten();
        self.challenge.iter().flatten().filter_map(fill).collect()
    }

    /// Reads the answer to the sign-in: a token, or why there is none.
    ///
    /// # Errors
    /// The reading of an answer without a token. It never quotes the answer of a success.
    pub fn read(&self, answer: &Answer<'_>, fields: &IndexMap<String, String>) -> Result<Token, Box<Reading>> {
        let scope = Scope::new(answer, fields);
        let busy = || general(answer).filter(|_| answer.status == 429 || answer.status >= 500);
        let refused = by_rules(&self.rules, answer, &scope)
            .or_else(busy)
            .or_else(|| oauth(answer, &scope))
            .or_else(|| general(answer));
        if let Some(mut reading) = refused {
            reading.until = reading.until.map(|until| clamp(until, answer.now));
            reading.seen = sanitize(&reading.seen, 200);
            return Err(Box::new(reading));
        }
        let token = self.token.text(&scope).map(Zeroizing::new).filter(|t| !t.trim().is_empty());
        let Some(token) = token else {
            let html = looks_like_html(answer);
            let rule = if html { "an HTML page instead of data".to_owned() } else { self.token.source().to_owned() };
            let mut reading = verdict(Cause::UnexpectedResponse, rule);
            reading.seen = format!("HTTP {}, but no token in the answer", answer.status);
            if html {
                reading.seen = sanitize(&format!("{}: {}", reading.seen, message(answer)), 200);
            }
            return Err(Box::new(reading));
        };
        let told = self.lifetime.as_ref().and_then(|e| e.number(&scope)).filter(|s| *s >= 0.0);
        let lifetime = told.map_or(UNKNOWN, |s| Duration::from_secs_f64(s.min(LONGEST.as_secs_f64())));
        Ok(Token { secret: Secret::new(token.trim().to_owned()), lifetime })
    }

    /// The key file among the credentials, if the sign-in is made with one.
    fn key_file<'a>(&self, secrets: &'a IndexMap<String, Secret>) -> Option<&'a str> {
        self.request.auth.iter().find_map(|scheme| match scheme {
            Scheme::KeyFile { file, .. } => secrets.get(file.whole()?).map(Secret::expose),
            _ => None,
        })
    }

    /// Whose credential it is, where the credential itself says so.
    pub fn account(&self, secrets: &IndexMap<String, Secret>) -> Option<String> {
        self.key_file(secrets).and_then(key_file::account)
    }

    /// Whether the credential is used by signing the time of this machine.
    pub fn needs_right_time(&self, secrets: &IndexMap<String, Secret>) -> bool {
        self.key_file(secrets).is_some_and(key_file::is_signed)
    }

    /// Whether a sign-in is to be made: not where its own credential is absent and the check has another.
    pub fn wanted(
        &self,
        check: &RequestTemplate,
        fields: &IndexMap<String, String>,
        secrets: &IndexMap<String, Secret>,
    ) -> bool {
        self.request.auth.is_empty() || self.request.is_begun(fields, secrets) || !check.is_ready(fields, secrets)
    }
}

/// The error codes that OAuth 2 has for its token endpoint (RFC 6749, 5.2), and those that are usual beside them.
fn oauth(answer: &Answer<'_>, scope: &Scope) -> Option<Reading> {
    let code = scope.body_text("error")?;
    let cause = match code.as_str() {
        "invalid_client" | "invalid_grant" | "unauthorized_client" | "access_denied" => Cause::InvalidCredential,
        "invalid_scope" | "invalid_request" | "unsupported_grant_type" | "invalid_resource" | "invalid_target" => {
            Cause::Misconfigured
        }
        "interaction_required" | "consent_required" | "login_required" => Cause::AccountProblem,
        "temporarily_unavailable" | "server_error" | "internal_failure" => Cause::ServerError,
        "slow_down" => Cause::Throttled,
        _ => return None,
    };
    let mut reading = verdict(cause, format!("general: body.error == '{code}'"));
    reading.seen = scope.body_text("error_description").unwrap_or_else(|| message(answer));
    Some(reading)
}
