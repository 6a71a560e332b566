//! What an answer to an action means: the action's own rules, its proof of success, the check's rules, the general ones.

use super::ask::HttpAction;
use crate::{
    model::{Cause, Ending, text::sanitize},
    providers::{
        expression::{Expression, Scope},
        http::{Answer, HttpProbe},
        read::{clamp, general, looks_like_html, message, retry_after},
    },
};
use indexmap::IndexMap;
use serde_json::Value;

/// Longest text of a verdict, in bytes.
const SEEN: usize = 300;

/// The verdict and the part of the answer to show, both still as the service sent them.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// How it ended. Its advice is empty.
    pub ending: Ending,
    /// The result, or on failure the whole answer.
    pub result: Value,
}

impl HttpAction {
    /// Reads an answer. `fields` hold the parameters too.
    pub fn read(&self, probe: &HttpProbe, answer: &Answer<'_>, fields: &IndexMap<String, String>) -> Told {
        let scope = Scope::new(answer, fields);
        let ending = self.own(answer, &scope).unwrap_or_else(|| {
            let proved = match &self.ok {
                Some(ok) => ok.holds(&scope),
                None => (200..300).contains(&answer.status) && !looks_like_html(answer),
            };
            if proved { Ending::Done } else { failure(probe, answer, &scope) }
        });
        let part = self.result.as_ref().filter(|_| ending == Ending::Done);
        let result = match part {
            Some(part) => shown(part, &scope),
            None => whole(answer),
        };
        Told { ending, result }
    }

    fn own(&self, answer: &Answer<'_>, scope: &Scope) -> Option<Ending> {
        let rule = self.rules.iter().find(|rule| rule.when.holds(scope))?;
        let seen = rule.message.as_ref().and_then(|m| m.text(scope)).unwrap_or_else(|| message(answer));
        let seen = sanitize(&seen, SEEN);
        Some(match rule.cause {
            None => Ending::Refused { seen },
            Some(cause) => {
                let until = rule.until.as_ref().and_then(|u| u.timestamp(scope)).or_else(|| retry_after(answer));
                failed(cause, until.map(|at| clamp(at, answer.now)), seen)
            }
        })
    }
}

/// What an answer to a free request means: any 2xx is a success.
pub fn read_free(probe: Option<&HttpProbe>, answer: &Answer<'_>, fields: &IndexMap<String, String>) -> Told {
    let ending = match (200..300).contains(&answer.status) {
        true => Ending::Done,
        false => match probe {
            Some(probe) => failure(probe, answer, &Scope::new(answer, fields)),
            None => by_status(answer),
        },
    };
    Told { ending, result: whole(answer) }
}

fn failed(cause: Cause, until: Option<jiff::Timestamp>, seen: String) -> Ending {
    Ending::Failed { cause, until, seen, advice: String::new() }
}

/// A failure by the check's rules, or by the status.
fn failure(probe: &HttpProbe, answer: &Answer<'_>, scope: &Scope) -> Ending {
    let Some(rule) = probe.rules.iter().find(|rule| rule.when.holds(scope)) else { return by_status(answer) };
    let mut seen = rule.message.as_ref().and_then(|m| m.text(scope)).unwrap_or_else(|| message(answer));
    let mut cause = rule.cause;
    if cause == Cause::Ok {
        // Alive, but not allowed to do this. A scope that stands there as a text is the check's own, not the action's.
        cause = Cause::MissingScope;
        let told = rule.missing_scope.as_ref().filter(|scope| !scope.source().trim_start().starts_with('\''));
        if let Some(wanted) = told.and_then(|t| t.text(scope)) {
            seen = format!("{seen} (wanted: {wanted})");
        }
    }
    let until = rule.until.as_ref().and_then(|u| u.timestamp(scope)).or_else(|| retry_after(answer));
    failed(cause, until.map(|at| clamp(at, answer.now)), sanitize(&seen, SEEN))
}

fn by_status(answer: &Answer<'_>) -> Ending {
    let status = answer.status;
    let seen = || sanitize(&message(answer), SEEN);
    let page = looks_like_html(answer);
    match general(answer) {
        // The checks know whether the credential is good: here it is not allowed to do this.
        Some(_) if status == 403 && !page => failed(Cause::MissingScope, None, seen()),
        Some(reading) if matches!(reading.cause, Cause::Misconfigured | Cause::UnexpectedResponse) => match status {
            400..=499 if status != 407 && !page => Ending::Refused { seen: seen() },
            _ => failed(reading.cause, None, sanitize(&format!("{} {}", reading.rule, reading.seen), SEEN)),
        },
        Some(reading) => {
            failed(reading.cause, reading.until.map(|at| clamp(at, answer.now)), sanitize(&reading.seen, SEEN))
        }
        None if page => failed(
            Cause::UnexpectedResponse,
            None,
            sanitize(&format!("an HTML page instead of data: a captive portal, a firewall? {}", message(answer)), SEEN),
        ),
        None => failed(Cause::UnexpectedResponse, None, "the answer does not say that it was done".to_owned()),
    }
}

fn shown(part: &Expression, scope: &Scope) -> Value {
    part.value(scope).and_then(|value| serde_json::to_value(value).ok()).unwrap_or(Value::Null)
}

/// The whole answer: JSON, XML or text.
fn whole(answer: &Answer<'_>) -> Value {
    if answer.body.trim_ascii().is_empty() {
        return Value::Null;
    }
    let text = || Value::String(String::from_utf8_lossy(answer.body).into_owned());
    answer.content().unwrap_or_else(text)
}
