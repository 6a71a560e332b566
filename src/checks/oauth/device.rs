//! The device authorization grant (RFC 8628): a code for a person, and patient asking until it is approved.

use super::{
    Application, Step, misconfigured,
    wire::{self, Asker, Refusal, unexpected},
};
use crate::{
    model::{Cause, Secret, Tokens, text::sanitize},
    secrets::ResolveError,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::{
    sync::mpsc::UnboundedSender,
    time::{Instant, sleep},
};

/// Seconds between two questions where the service does not say.
const USUAL: u64 = 5;
/// More seconds after each `slow_down`.
const SLOWER: u64 = 5;
/// Most seconds between two questions.
const SLOWEST: u64 = 120;
/// Seconds a code lives where the service does not say, and the longest that is waited for.
const LIFE: (u64, u64) = (300, 3600);

/// What an answer says about the next question.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    /// Ask again after so many seconds.
    In(u64),
    /// There is no use in asking.
    Over,
}

/// After which pause to ask again; `interval` is the one before.
fn next(refusal: &Refusal, interval: u64) -> Next {
    match refusal {
        Refusal::Said(word, answer, _) => match word.as_str() {
            "authorization_pending" => Next::In(interval),
            "slow_down" => {
                let told = answer.get("interval").and_then(Value::as_u64).unwrap_or_default();
                Next::In((interval + SLOWER).max(told).min(SLOWEST))
            }
            _ => Next::Over,
        },
        Refusal::Failed(error) if error.cause.is_transient() || error.cause == Cause::Throttled => {
            Next::In((interval * 2).min(SLOWEST))
        }
        Refusal::Failed(_) => Next::Over,
    }
}

/// Shows the code and asks until there are tokens.
pub(super) async fn sign_in(application: &Application, report: &UnboundedSender<Step>) -> Result<Tokens, ResolveError> {
    let url = application.endpoints.device.as_ref();
    let url = url.ok_or_else(|| misconfigured("there is no device authorization endpoint".to_owned()))?;
    let asker = Asker::from(application);
    let answer = asker.ask(url, application.common()).await?;
    let host = url.host_str().unwrap_or_default();
    let text = |key: &str| answer.get(key).and_then(Value::as_str).filter(|t| !t.is_empty());
    let device = text("device_code").ok_or_else(|| unexpected(host, "no device code"))?;
    let device = Secret::new(device.to_owned());
    let code = text("user_code").ok_or_else(|| unexpected(host, "no code to type"))?;
    // An early draft of the grant called it `verification_url`, and some services still do.
    let page = text("verification_uri").or_else(|| text("verification_url")).and_then(link);
    let page = page.ok_or_else(|| unexpected(host, "no address to open"))?;
    let life = answer.get("expires_in").and_then(Value::as_u64).unwrap_or(LIFE.0).clamp(1, LIFE.1);
    let mut interval = answer.get("interval").and_then(Value::as_u64).unwrap_or(USUAL).clamp(1, SLOWEST);
    let _ = report.send(Step::Code {
        code: sanitize(code, 60),
        link: page,
        direct: text("verification_uri_complete").and_then(link),
        until: Timestamp::now().saturating_add(SignedDuration::from_secs(life as i64)).unwrap_or(Timestamp::MAX),
    });
    let deadline = Instant::now() + application.second * u32::try_from(life).unwrap_or(u32::MAX);
    let mut last: Option<ResolveError> = None;
    let token = &application.endpoints.token;
    loop {
        let pause = application.second * u32::try_from(interval).unwrap_or(u32::MAX);
        if Instant::now() + pause > deadline {
            return Err(last.unwrap_or_else(died));
        }
        sleep(pause).await;
        let mut form = wire::Form::default();
        form.add("grant_type", "urn:ietf:params:oauth:grant-type:device_code");
        form.add_secret("device_code", &device);
        for (key, value) in &application.endpoints.params {
            form.add(key, value);
        }
        let refusal = match asker.ask(token, form).await {
            Ok(answer) => {
                return wire::tokens(&answer, application.grant(false), token.host_str().unwrap_or_default());
            }
            Err(refusal) => refusal,
        };
        match next(&refusal, interval) {
            Next::In(seconds) => interval = seconds,
            Next::Over => return Err(over(refusal)),
        }
        last = match refusal {
            Refusal::Failed(error) => Some(error),
            Refusal::Said(..) => None,
        };
    }
}

fn over(refusal: Refusal) -> ResolveError {
    match refusal {
        Refusal::Said(word, ..) if word == "access_denied" => ResolveError {
            cause: Cause::InvalidCredential,
            message: "the sign-in was refused in the browser; nothing was changed".to_owned(),
        },
        Refusal::Said(word, ..) if matches!(&*word, "expired_token" | "invalid_grant") => died(),
        other => other.into(),
    }
}

fn died() -> ResolveError {
    ResolveError {
        cause: Cause::ExpiredCredential,
        message: "the code died before it was approved: begin again and be quicker".to_owned(),
    }
}

/// A link that may be shown and opened: of the web, and nothing in it that a terminal would act on.
fn link(text: &str) -> Option<String> {
    let url = reqwest::Url::parse(text).ok().filter(|u| matches!(u.scheme(), "https" | "http"))?;
    let text = url.to_string();
    (text.len() <= 2000 && sanitize(&text, 2000) == text).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(word: &str, answer: Value) -> Refusal {
        Refusal::Said(word.to_owned(), answer, died())
    }

    #[test]
    fn the_pause_grows_as_the_service_wants_it() {
        let none = || Value::Null;
        assert_eq!(next(&said("authorization_pending", none()), 5), Next::In(5));
        assert_eq!(next(&said("slow_down", none()), 5), Next::In(10));
        assert_eq!(next(&said("slow_down", serde_json::json!({ "interval": 30 })), 5), Next::In(30));
        assert_eq!(next(&said("slow_down", serde_json::json!({ "interval": 9_999_999 })), 5), Next::In(SLOWEST));
        for word in ["access_denied", "expired_token", "invalid_client"] {
            assert_eq!(next(&said(word, none()), 5), Next::Over, "{word}");
        }
        let failed = |cause| Refusal::Failed(ResolveError { cause, message: String::new() });
        assert_eq!(next(&failed(Cause::Timeout), 5), Next::In(10), "a network that fails is not hammered");
        assert_eq!(next(&failed(Cause::Misconfigured), 5), Next::Over);
    }

    #[test]
    fn only_links_of_the_web_are_shown() {
        assert_eq!(link("https://github.example/login/device").unwrap(), "https://github.example/login/device");
        assert!(!link("https://a.example/\u{1b}]52;c;x").unwrap_or_default().contains('\u{1b}'));
        for bad in ["javascript:alert(1)", "file:///etc/passwd", "no link", ""] {
            assert_eq!(link(bad), None, "{bad}");
        }
    }
}
