//! What a demo server answers to its n-th request: pure.

use crate::providers::{Definition, Example, Probe, Recorded, http::Also, template::TOKEN};
use std::time::Duration;

/// How a demo service behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Script {
    /// Always well.
    Good,
    /// Well, after this long.
    Slow(Duration),
    /// Four good answers, then three server errors, and again.
    Flapping,
    /// Good with a falling budget, then rate limited, and again.
    Draining,
    /// Good three times, then the key is revoked for good.
    Revoked,
    /// The service is down.
    Outage,
    /// A firewall's HTML page in front of it.
    Firewall,
}

/// An answer ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: String,
    /// Wait before answering.
    pub delay: Duration,
}

/// What a request of a service with a sign-in is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The sign-in before the check.
    Login,
    /// The check.
    Check,
}

/// Requests a [`Script::Draining`] budget lasts.
const BUDGET: u64 = 12;

/// The answer to a request, when `n` checks were asked before, at epoch second `now`. `authorized`: the request carried
/// the right credential.
pub fn reply(definition: &Definition, script: Script, step: Step, n: u64, authorized: bool, now: i64) -> Reply {
    let example = |cause: fn(&Example) -> bool| definition.examples.iter().find(|e| cause(e));
    let from_example = |e: &Example, now| match step {
        Step::Login => e.login.as_ref().or_else(|| signed_in(definition)).map_or_else(broken, |r| recorded(r, now)),
        Step::Check => e.response.as_ref().map_or_else(refused, |r| recorded(r, now)),
    };
    let good = || example(is_good).map_or_else(broken, |e| from_example(e, now));
    let unauthorized = || example(is_refused).map_or_else(refused, |e| from_example(e, now));
    if !authorized {
        return unauthorized();
    }
    let mut reply = match script {
        Script::Good => good(),
        Script::Slow(delay) => Reply { delay, ..good() },
        Script::Flapping if n % 7 < 4 => good(),
        Script::Flapping | Script::Outage => example(is_outage).map_or_else(broken, |e| from_example(e, now)),
        Script::Draining if n % (BUDGET + 3) < BUDGET => falling(good(), n % (BUDGET + 3)),
        Script::Draining => example(is_limited).map_or_else(broken, |e| from_example(e, now)),
        Script::Revoked if n < 3 => good(),
        Script::Revoked => unauthorized(),
        Script::Firewall => Reply {
            status: 403,
            headers: vec![("content-type".into(), "text/html; charset=utf-8".into())],
            body: "<!doctype html><html><head><title>Access denied</title></head><body>Request blocked by policy 1020.</body></html>".into(),
            delay: Duration::ZERO,
        },
    };
    if reply.delay.is_zero() {
        reply.delay = Duration::from_millis(4 + (n * 37) % 23);
    }
    reply
}

/// The good answer to a further question of a definition, if this is one: method and path.
pub fn further(definition: &Definition, asked: (&str, &str), now: i64) -> Option<Reply> {
    let Probe::Http(probe) = &definition.probe else { return None };
    let of_example = |also: &Also| {
        let example = also.examples.iter().find(|e| is_good(e))?;
        let fields = definition.example_fields(example);
        let mut secrets = definition.example_secrets();
        secrets.insert(TOKEN.to_owned(), crate::model::Secret::new("example".to_owned()));
        let request = also.probe.request.build(&fields, &secrets).ok()?;
        let main = probe.request.build(&fields, &secrets).ok()?;
        let same = |r: &crate::providers::request::Request| (r.method.as_str(), r.url.path()) == asked;
        let good = example.response.as_ref()?;
        (same(&request) && !same(&main)).then(|| recorded(good, now))
    };
    probe.also.iter().find_map(of_example)
}

fn is_good(e: &Example) -> bool {
    e.expect_cause == crate::model::Cause::Ok
}

fn is_refused(e: &Example) -> bool {
    e.expect_cause == crate::model::Cause::InvalidCredential
}

fn is_outage(e: &Example) -> bool {
    e.expect_cause == crate::model::Cause::ServerError
}

fn is_limited(e: &Example) -> bool {
    e.expect_status == crate::model::Status::RateLimited
}

fn broken() -> Reply {
    Reply { status: 503, headers: Vec::new(), body: "service unavailable".into(), delay: Duration::ZERO }
}

fn refused() -> Reply {
    Reply { status: 401, headers: Vec::new(), body: r#"{"message":"bad credentials"}"#.into(), delay: Duration::ZERO }
}

/// A good answer to the sign-in.
pub fn signed_in(definition: &Definition) -> Option<&Recorded> {
    definition.examples.iter().filter(|e| e.response.is_some()).find_map(|e| e.login.as_ref())
}

fn recorded(answer: &Recorded, now: i64) -> Reply {
    Reply {
        status: answer.status,
        headers: answer.headers.iter().map(|(k, v)| (k.clone(), crate::providers::example::fill(v, now))).collect(),
        body: crate::providers::example::fill(&answer.body, now),
        delay: Duration::ZERO,
    }
}

/// Replaces what every `…remaining…` header tells by a falling share of its example value.
fn falling(mut reply: Reply, n: u64) -> Reply {
    for (name, value) in &mut reply.headers {
        let remaining = name.to_ascii_lowercase().contains("remaining");
        if let Some(full) = value.parse::<u64>().ok().filter(|_| remaining) {
            *value = (full * (BUDGET - n) / BUDGET).to_string();
        }
    }
    reply
}
