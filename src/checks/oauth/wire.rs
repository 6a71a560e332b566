//! One request to a token or device endpoint, and what its answer says.

use super::{Application, PATIENCE};
use crate::{
    checks::{
        client::Client,
        http::{Exchange, exchange},
        scrub::Scrub,
    },
    model::{Cause, Grant, Secret, Tokens, text::sanitize},
    providers::{read::general, request::Request},
    secrets::ResolveError,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderValue, Method, header};
use indexmap::IndexMap;
use jiff::{SignedDuration, Timestamp};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;
use serde_json::Value;
use zeroize::Zeroizing;

/// Everything but unreserved characters (RFC 3986, 2.3).
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// Longest life of a token that is believed, in seconds.
const LONGEST: i64 = 10 * 366 * 86_400;

/// The members of a request, encoded. Wiped on drop.
#[derive(Default)]
pub(super) struct Form {
    text: Zeroizing<String>,
    secrets: IndexMap<String, Secret>,
}

impl Form {
    pub(super) fn add(&mut self, key: &str, value: &str) {
        let and = if self.text.is_empty() { "" } else { "&" };
        let value = Zeroizing::new(utf8_percent_encode(value, UNRESERVED).to_string());
        self.text.reserve(key.len() + value.len() + 8);
        self.text.push_str(&format!("{and}{}=", utf8_percent_encode(key, UNRESERVED)));
        self.text.push_str(&value);
    }

    /// The same for what must not come back in a message.
    pub(super) fn add_secret(&mut self, key: &str, value: &Secret) {
        self.add(key, value.expose());
        self.secrets.insert(key.to_owned(), value.clone());
    }
}

/// Why there is no token.
pub(super) enum Refusal {
    /// The service's own word (`authorization_pending`), its whole answer, and what to tell a person.
    Said(String, Value, ResolveError),
    /// The network, or something else than the service.
    Failed(ResolveError),
}

impl From<Refusal> for ResolveError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Said(_, _, error) | Refusal::Failed(error) => error,
        }
    }
}

/// Who asks: named in the form or in a header.
pub(super) struct Asker<'a> {
    pub(super) client: &'a Client,
    pub(super) id: &'a str,
    pub(super) secret: Option<&'a Secret>,
    pub(super) basic: bool,
}

impl<'a> From<&'a Application> for Asker<'a> {
    fn from(a: &'a Application) -> Self {
        Asker { client: &a.client, id: &a.id, secret: a.secret.as_ref(), basic: a.basic }
    }
}

impl Asker<'_> {
    /// Sends the form and reads the answer, an object.
    pub(super) async fn ask(&self, url: &Url, mut form: Form) -> Result<Value, Refusal> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        match self.secret {
            Some(secret) if self.basic => {
                let [id, key] =
                    [self.id, secret.expose()].map(|t| Zeroizing::new(utf8_percent_encode(t, UNRESERVED).to_string()));
                let both = Zeroizing::new(format!("{}:{}", *id, *key));
                let text = Zeroizing::new(format!("Basic {}", BASE64_STANDARD.encode(both.as_bytes())));
                if let Ok(mut value) = HeaderValue::from_str(&text) {
                    value.set_sensitive(true);
                    headers.insert(header::AUTHORIZATION, value);
                }
                form.secrets.insert("client_secret".to_owned(), secret.clone());
            }
            secret => {
                form.add("client_id", self.id);
                if let Some(secret) = secret {
                    form.add_secret("client_secret", secret);
                }
            }
        }
        let body = std::mem::take(&mut form.text);
        let request = Request { headers, body: Some(body), ..Request::new(Method::POST, url.clone()) };
        let host = url.host_str().unwrap_or_default();
        let scrub = Scrub::new(&form.secrets);
        match exchange(self.client, request, PATIENCE).await {
            Ok(exchange) => read(&exchange, host, &scrub),
            Err(outcome) => {
                let message = scrub.text(&outcome.evidence.seen);
                let message = if message.is_empty() { outcome.evidence.rule } else { message };
                Err(Refusal::Failed(ResolveError { cause: outcome.cause, message: format!("signing in: {message}") }))
            }
        }
    }
}

fn read(exchange: &Exchange, host: &str, scrub: &Scrub) -> Result<Value, Refusal> {
    let body: Option<Value> = serde_json::from_slice(&exchange.body).ok().filter(Value::is_object);
    let word = |key: &str| body.as_ref()?.get(key)?.as_str().filter(|w| !w.is_empty());
    if let Some(error) = word("error") {
        let described = word("error_description").map(|d| format!(": {d}")).unwrap_or_default();
        let said = scrub.text(&sanitize(&format!("{error}{described}"), 200));
        let cause = cause(error, exchange.status);
        let message = match cause {
            Cause::ExpiredCredential => {
                format!("the sign-in has ended ('{host}' says {said}): sign in again, with: lampboard login NAME")
            }
            Cause::InvalidCredential => format!("'{host}' refuses the application's id or secret: {said}"),
            _ => format!("'{host}' says {said}"),
        };
        let (error, failure) = (error.to_owned(), ResolveError { cause, message });
        return Err(Refusal::Said(error, body.unwrap_or_default(), failure));
    }
    if let Some(reading) = general(&exchange.answer()) {
        let seen = scrub.text(&sanitize(&reading.seen, 200));
        let message = format!("'{host}' answered HTTP {} to the sign-in: {seen}", exchange.status);
        return Err(Refusal::Failed(ResolveError { cause: reading.cause, message }));
    }
    body.ok_or_else(|| Refusal::Failed(unexpected(host, "no JSON")))
}

/// An answer without what was asked for.
pub(super) fn unexpected(host: &str, what: &str) -> ResolveError {
    let message = format!("'{host}' answered the sign-in with {what}: is the address right, and no portal in between?");
    ResolveError { cause: Cause::UnexpectedResponse, message }
}

fn cause(error: &str, status: u16) -> Cause {
    match error {
        "invalid_grant"
        | "bad_refresh_token"
        | "expired_token"
        | "interaction_required"
        | "login_required"
        | "consent_required" => Cause::ExpiredCredential,
        "invalid_client" | "unauthorized_client" | "incorrect_client_credentials" => Cause::InvalidCredential,
        "slow_down" => Cause::Throttled,
        "server_error" | "temporarily_unavailable" => Cause::ServerError,
        _ if status == 429 => Cause::Throttled,
        _ if status >= 500 => Cause::ServerError,
        _ => Cause::Misconfigured,
    }
}

/// The tokens in an answer; `grant` is what is known so far, with the refresh token used, if one was.
pub(super) fn tokens(answer: &Value, mut grant: Grant, host: &str) -> Result<Tokens, ResolveError> {
    let text = |key: &str| answer.get(key).and_then(Value::as_str).filter(|t| !t.is_empty());
    let access = text("access_token").ok_or_else(|| unexpected(host, "no access token"))?;
    if let Some(kind) = text("token_type").filter(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        let what = format!("a token of the kind '{}', which this program cannot use", sanitize(kind, 40));
        return Err(unexpected(host, &what));
    }
    let seconds = |key: &str| {
        let value = answer.get(key)?;
        let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
        number.filter(|s| *s > 0.0).map(|s| s.min(LONGEST as f64) as i64)
    };
    let now = Timestamp::now();
    grant.lives(now, seconds("expires_in"));
    if let Some(refresh) = text("refresh_token").filter(|_| !grant.of_client) {
        grant.refresh = Some(Secret::new(refresh.to_owned()));
        let ends = seconds("refresh_token_expires_in").or_else(|| seconds("refresh_expires_in"));
        grant.ends = ends.and_then(|s| now.saturating_add(SignedDuration::from_secs(s)).ok());
    }
    Ok(Tokens { access: Secret::new(access.to_owned()), grant })
}
