//! What a server answers: any answer gets a verdict, its texts are harmless, and the credential it throws back is masked.
//!
//! Byte 0 chooses the definition, byte 1 the status; then headers as lines, an empty line, and the body. A byte 1 is
//! the credential.

use http::{HeaderMap, HeaderName, HeaderValue};
use indexmap::IndexMap;
use jiff::Timestamp;
use lampboard::{
    checks::scrub::Scrub,
    model::{Cause, Outcome, Secret, Warning},
    providers::{
        Definition, Probe, Registry,
        http::{Answer, Reading},
    },
};
use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

static DEFINITIONS: LazyLock<Vec<Arc<Definition>>> =
    LazyLock::new(|| Registry::built_in().iter().filter(|d| matches!(d.probe, Probe::Http(_))).cloned().collect());
static SCRUB: LazyLock<Scrub> =
    LazyLock::new(|| Scrub::new(&IndexMap::from([("key".to_owned(), Secret::new(super::CANARY.to_owned()))])));
const STATUSES: [u16; 16] = [200, 201, 202, 204, 302, 400, 401, 402, 403, 404, 409, 429, 500, 503, 529, 999];

/// Reads the bytes as an answer to a built-in definition's request.
pub fn run(data: &[u8]) {
    if super::guessed(data) {
        return;
    }
    let [which, status, rest @ ..] = data else { return };
    let definition = &DEFINITIONS[usize::from(*which) % DEFINITIONS.len()];
    let Probe::Http(probe) = &definition.probe else { return };
    let planted = rest.iter().flat_map(|b| if *b == 1 { super::CANARY.as_bytes() } else { std::slice::from_ref(b) });
    let planted: Vec<u8> = planted.copied().collect();
    let at = planted.windows(2).position(|w| w == b"\n\n");
    let (head, body) = at.map_or((&[][..], &planted[..]), |at| (&planted[..at], &planted[at + 2..]));
    let mut headers = HeaderMap::new();
    for line in head.split(|b| *b == b'\n').take(100) {
        let Some(colon) = line.iter().position(|b| *b == b':') else { continue };
        let name = HeaderName::from_bytes(line[..colon].trim_ascii());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(line[colon + 1..].trim_ascii())) {
            headers.append(name, value);
        }
    }
    let fields: IndexMap<String, String> = definition
        .fields
        .values()
        .filter(|f| !f.secret)
        .filter_map(|f| Some((f.name.clone(), f.example.clone().or(f.default.clone())?)))
        .collect();
    let answer = Answer {
        status: STATUSES[usize::from(*status) % STATUSES.len()],
        headers: &headers,
        body,
        now: Timestamp::from_second(1_790_000_000).expect("an instant"),
        latency: Duration::from_millis(80),
    };
    judge(&definition.id, &answer, probe.read(&answer, &fields));
}

fn judge(id: &str, answer: &Answer<'_>, reading: Reading) {
    let start: Vec<u8> = answer.body.trim_ascii_start().iter().take(14).map(u8::to_ascii_lowercase).collect();
    let page = start.starts_with(b"<!doctype html") || start.starts_with(b"<html");
    assert!(!(page && reading.cause == Cause::Ok), "{id}: a page is active");
    let gone = matches!(answer.status, 401 | 500..=599);
    assert!(!(gone && reading.cause == Cause::Ok), "{id}: {} is active", answer.status);

    let mut outcome = Outcome::of(reading.cause, answer.now, reading.rule, &reading.seen);
    outcome.until = reading.until;
    outcome.quotas = reading.quotas;
    outcome.facts = reading.facts;
    outcome.identity = reading.identity;
    outcome.credential_expires = reading.credential_expires;
    outcome.warnings.extend(reading.missing_scope.map(|scope| Warning::MissingScope { scope }));
    outcome.warnings.extend(reading.degraded.map(|message| Warning::Degraded { message }));
    let outcome = SCRUB.outcome(outcome);
    let mut texts = vec![outcome.evidence.seen.clone(), outcome.evidence.rule.clone()];
    texts.extend(outcome.identity.clone());
    texts.extend(outcome.facts.iter().flat_map(|f| [f.label.clone(), f.value.clone()]));
    texts.extend(outcome.warnings.iter().map(|w| w.sentence(outcome.at)));
    for text in texts {
        super::assert_harmless(&text, 1000);
        assert!(!text.contains('\n'), "{text:?}");
    }
    for quota in &outcome.quotas {
        let numbers = [quota.limit, quota.left].into_iter().flatten();
        assert!(numbers.clone().all(f64::is_finite), "{id}: {quota:?}");
    }
}
