//! Answers gathered from documents, recordings and other people's code, each with the verdict it must have, read by the
//! definitions that are for them. `tests/fixtures/*.json` names the source of every one.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use http::{HeaderMap, HeaderName, HeaderValue};
use indexmap::IndexMap;
use jiff::Timestamp;
use lampboard::{
    model::{Cause, Status},
    providers::{
        Probe, Registry,
        http::{Answer, Reading},
    },
};
use serde_json::Value;

/// What no definition reads, and why.
const ASIDE: &[(&str, &str, &str)] = &[
    ("ollama", "ok", "answers another question: the program's version, which needs no key"),
    ("gcp", "ok", "answers another question: the buckets, without their kind"),
    ("azure", "past due", "a part of an answer, to show the state alone"),
];

fn fixtures() -> Vec<Value> {
    let mut all = Vec::new();
    for file in ["ai", "cloud-db"] {
        let text = std::fs::read_to_string(format!("tests/fixtures/{file}.json")).unwrap();
        all.extend(serde_json::from_str::<Vec<Value>>(&text).unwrap());
    }
    all
}

/// The readings of the check, and of its further questions.
fn read(registry: &Registry, fixture: &Value) -> Option<Vec<Reading>> {
    let definition = registry.get(fixture["provider"].as_str().unwrap())?;
    let Probe::Http(probe) = &definition.probe else { return None };
    let mut headers = HeaderMap::new();
    for (name, value) in fixture["headers"].as_object().unwrap() {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        headers.insert(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(&value).unwrap());
    }
    let answer = Answer {
        status: u16::try_from(fixture["status"].as_u64()?).unwrap(),
        headers: &headers,
        body: fixture["body"].as_str().unwrap_or_default().as_bytes(),
        now: Timestamp::now(),
        latency: std::time::Duration::from_millis(80),
    };
    let mut fields = IndexMap::new();
    for (name, field) in definition.fields.iter().filter(|(_, f)| !f.secret) {
        fields.extend(field.example.as_ref().or(field.default.as_ref()).map(|v| (name.clone(), v.clone())));
    }
    Some(match (fixture["step"].as_str(), &probe.login) {
        (Some("token"), Some(login)) => vec![*login.read(&answer, &fields).err()?],
        _ => {
            let further = probe.also.iter().map(|also| also.probe.read(&answer, &fields));
            std::iter::once(probe.read(&answer, &fields)).chain(further).collect()
        }
    })
}

#[test]
fn every_gathered_answer_has_its_verdict() {
    let registry = Registry::built_in();
    let (mut held, mut wrong) = (0, Vec::new());
    for fixture in fixtures() {
        let (provider, name) = (fixture["provider"].as_str().unwrap(), fixture["name"].as_str().unwrap());
        let Some(readings) = read(&registry, &fixture) else { continue };
        if ASIDE.iter().any(|(p, n, _)| (*p, *n) == (provider, name)) {
            continue;
        }
        let wanted = fixture["expect"].as_str().or(fixture["expect"]["status"].as_str()).unwrap();
        let status = |reading: &Reading| {
            let limited = reading.cause == Cause::MissingScope || reading.missing_scope.is_some();
            if limited { Status::Active } else { reading.cause.status() }
        };
        if readings.iter().any(|r| status(r).as_str() == wanted) {
            held += 1;
        } else {
            let reading = &readings[0];
            wrong.push(format!("{provider}: {name}: {} ({}), not {wanted}", reading.cause.as_str(), reading.rule));
        }
    }
    assert!(wrong.is_empty(), "{}\n{held} held", wrong.join("\n"));
    assert!(held >= 60, "{held} held");
}
