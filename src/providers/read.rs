//! Reads an answer: the provider's rules in order, then the general rules, then the positive proof.

use super::{
    expression::Scope,
    http::{Answer, HttpProbe, Reading, Rule},
    time,
};
use crate::model::{Cause, Fact, Quota, text::sanitize};
use indexmap::IndexMap;
use jiff::{SignedDuration, Timestamp};

/// Longest time an `until` is believed.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(31 * 24);

impl HttpProbe {
    /// Reads an answer.
    pub fn read(&self, answer: &Answer<'_>, fields: &IndexMap<String, String>) -> Reading {
        let scope = Scope::new(answer, fields);
        let mut reading = self.decide(answer, &scope);
        reading.until = reading.until.map(|until| clamp(until, answer.now));
        reading.quotas = self.quotas(answer, &scope);
        reading.credential_expires = self.expires.as_ref().and_then(|e| e.timestamp(&scope));
        if reading.cause == Cause::Ok {
            reading.identity = self.identity.as_ref().and_then(|e| e.text(&scope)).map(|t| sanitize(&t, 200));
            reading.degraded = self.degraded.as_ref().and_then(|e| e.text(&scope)).map(|t| sanitize(&t, 200));
            reading.facts = self
                .facts
                .iter()
                .filter_map(|(label, e)| Some(Fact { label: label.clone(), value: sanitize(&e.text(&scope)?, 200) }))
                .collect();
        }
        reading
    }

    fn decide(&self, answer: &Answer<'_>, scope: &Scope) -> Reading {
        if let Some(reading) = by_rules(&self.rules, answer, scope) {
            return reading;
        }
        let mut reading = general(answer).unwrap_or_else(|| {
            if self.active.holds(scope) {
                let mut reading = verdict(Cause::Ok, format!("proof: {}", self.active.source()));
                reading.seen = format!("HTTP {}", answer.status);
                return reading;
            }
            if looks_like_html(answer) {
                let mut reading = verdict(Cause::UnexpectedResponse, "an HTML page instead of data".to_owned());
                reading.seen = format!("a captive portal, a firewall or another service? {}", message(answer));
                return reading;
            }
            let mut reading = verdict(Cause::UnexpectedResponse, format!("proof missing: {}", self.active.source()));
            reading.seen = format!("HTTP {} {}", answer.status, message(answer));
            reading
        });
        reading.seen = sanitize(&reading.seen, 200);
        reading
    }

    fn quotas(&self, answer: &Answer<'_>, scope: &Scope) -> Vec<Quota> {
        let read = |q: &super::http::QuotaRule| {
            let number = |e: &Option<super::expression::Expression>| {
                e.as_ref().and_then(|e| e.number(scope)).filter(|n| *n >= 0.0)
            };
            let limit = number(&q.limit);
            let left = number(&q.left).or_else(|| Some((limit? - number(&q.used)?).max(0.0)));
            (limit.is_some() || left.is_some()).then(|| Quota {
                name: q.name.clone(),
                unit: q.unit.clone(),
                limit,
                left,
                resets: q.resets.as_ref().and_then(|e| e.timestamp(scope)),
                provenance: q.provenance,
                at: answer.now,
            })
        };
        self.quotas.iter().filter_map(read).collect()
    }
}

/// What the first rule that holds says.
pub(super) fn by_rules(rules: &[Rule], answer: &Answer<'_>, scope: &Scope) -> Option<Reading> {
    let (at, rule) = rules.iter().enumerate().find(|(_, rule)| rule.when.holds(scope))?;
    let mut reading = verdict(rule.cause, format!("rule {}: {}", at + 1, rule.when.source()));
    reading.seen = rule.message.as_ref().and_then(|m| m.text(scope)).unwrap_or_else(|| message(answer));
    reading.until = rule.until.as_ref().and_then(|u| u.timestamp(scope));
    if reading.until.is_none() && rule.cause.status() == crate::model::Status::RateLimited {
        reading.until = retry_after(answer);
    }
    reading.missing_scope = rule.missing_scope.as_ref().and_then(|m| m.text(scope)).map(|t| sanitize(&t, 200));
    reading.seen = sanitize(&reading.seen, 200);
    Some(reading)
}

pub(super) fn verdict(cause: Cause, rule: String) -> Reading {
    Reading {
        cause,
        until: None,
        rule,
        seen: String::new(),
        quotas: Vec::new(),
        facts: Vec::new(),
        identity: None,
        credential_expires: None,
        missing_scope: None,
        degraded: None,
    }
}

/// What a status means where the provider has not said otherwise. `None`: 2xx, the proof decides.
pub fn general(answer: &Answer<'_>) -> Option<Reading> {
    let status = answer.status;
    let rule = |what: &str| format!("general: HTTP {status}{what}");
    let limited = |cause, rule| {
        let mut reading = verdict(cause, rule);
        reading.until = retry_after(answer).or_else(|| reset(answer));
        reading
    };
    let mut reading = match status {
        200..=299 => return None,
        429 => limited(Cause::Throttled, rule("")),
        403 if header(answer, "x-ratelimit-remaining").or(header(answer, "ratelimit-remaining")) == Some("0") => {
            limited(Cause::QuotaExhausted, rule(" with nothing remaining"))
        }
        503 if retry_after(answer).is_some() => limited(Cause::Throttled, rule(" with retry-after")),
        401 => verdict(Cause::InvalidCredential, rule("")),
        407 => verdict(Cause::Misconfigured, rule(": your proxy wants a sign-in")),
        300..=399 => {
            let mut reading = verdict(Cause::UnexpectedResponse, rule(": a redirect, not followed"));
            reading.seen = target(answer);
            return Some(reading);
        }
        403 if looks_like_html(answer) => verdict(Cause::UnexpectedResponse, rule(" with an HTML page: a firewall?")),
        403 => verdict(Cause::InvalidCredential, rule("")),
        404 | 405 | 410 => verdict(Cause::Misconfigured, rule(": is the address right?")),
        402 => verdict(Cause::QuotaExhausted, rule(": payment wanted")),
        408 => verdict(Cause::Timeout, rule("")),
        425 | 500..=599 => verdict(Cause::ServerError, rule("")),
        _ => verdict(Cause::UnexpectedResponse, rule("")),
    };
    reading.seen = message(answer);
    Some(reading)
}

fn header<'a>(answer: &'a Answer<'_>, name: &str) -> Option<&'a str> {
    answer.headers.get(name)?.to_str().ok()
}

fn seconds(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1000.0
}

pub(super) fn retry_after(answer: &Answer<'_>) -> Option<Timestamp> {
    time::timestamp(time::retry_after(header(answer, "retry-after")?, seconds(answer.now))?)
}

fn reset(answer: &Answer<'_>) -> Option<Timestamp> {
    let text = header(answer, "x-ratelimit-reset").or_else(|| header(answer, "ratelimit-reset"))?;
    time::timestamp(time::when(text, seconds(answer.now))?)
}

pub(super) fn clamp(until: Timestamp, now: Timestamp) -> Timestamp {
    let soonest = now.saturating_add(SignedDuration::from_secs(1)).unwrap_or(now);
    let latest = now.saturating_add(LONGEST_WAIT).unwrap_or(now);
    until.clamp(soonest, latest)
}

pub(super) fn looks_like_html(answer: &Answer<'_>) -> bool {
    let typed =
        header(answer, "content-type").is_some_and(|t| t.trim_start().to_ascii_lowercase().starts_with("text/html"));
    let start = answer.body.trim_ascii_start();
    let marked = ["<!doctype html", "<html"]
        .iter()
        .any(|m| start.len() >= m.len() && start[..m.len()].eq_ignore_ascii_case(m.as_bytes()));
    typed || marked
}

/// Where a redirect leads: the host alone, the rest may hold secrets.
fn target(answer: &Answer<'_>) -> String {
    match header(answer, "location").map(reqwest::Url::parse) {
        Some(Ok(url)) => format!("to {}", url.host_str().unwrap_or("another place")),
        Some(Err(_)) => "to another path of the same host".to_owned(),
        None => "to nowhere".to_owned(),
    }
}

/// The service's own words: the usual places in JSON and XML, a page's title, or the beginning.
pub(super) fn message(answer: &Answer<'_>) -> String {
    if let Some(body) = answer.content() {
        for pointer in [
            "/error/message",
            "/message",
            "/error_description",
            "/error/reason",
            "/errors/0/message",
            "/detail",
            "/error",
            "/Message",
            "/Error/Message",
            "/ErrorResponse/Error/Message",
            "/ErrorResponse/Errors/Error/Message",
            "/Response/Errors/Error/Message",
        ] {
            if let Some(text) = body.pointer(pointer).and_then(|v| v.as_str()) {
                return text.to_owned();
            }
        }
    }
    let text = String::from_utf8_lossy(&answer.body[..answer.body.len().min(4096)]);
    if looks_like_html(answer) {
        let title = text.split("<title>").nth(1).and_then(|t| t.split("</title>").next());
        return title.map(|t| format!("'{}'", t.trim())).unwrap_or_default();
    }
    text.trim().chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderMap;
    use rstest::rstest;

    #[rstest]
    #[case(429, &[], "", Some(Cause::Throttled))]
    #[case(403, &[("x-ratelimit-remaining", "0")], "", Some(Cause::QuotaExhausted))]
    #[case(503, &[("retry-after", "5")], "", Some(Cause::Throttled))]
    #[case(503, &[("retry-after", "0")], "", Some(Cause::ServerError))]
    #[case(401, &[], "", Some(Cause::InvalidCredential))]
    #[case(403, &[("content-type", "text/html; charset=x")], "", Some(Cause::UnexpectedResponse))]
    #[case(403, &[], "<!DOCTYPE HTML><p>", Some(Cause::UnexpectedResponse))]
    #[case(403, &[], "{}", Some(Cause::InvalidCredential))]
    #[case(407, &[], "", Some(Cause::Misconfigured))]
    #[case(302, &[("location", "https://login.example/?key=SECRET")], "", Some(Cause::UnexpectedResponse))]
    #[case(404, &[], "", Some(Cause::Misconfigured))]
    #[case(408, &[], "", Some(Cause::Timeout))]
    #[case(418, &[], "", Some(Cause::UnexpectedResponse))]
    #[case(500, &[], "", Some(Cause::ServerError))]
    #[case(599, &[], "", Some(Cause::ServerError))]
    #[case(204, &[], "", None)]
    fn the_general_rules(
        #[case] status: u16,
        #[case] given: &[(&'static str, &'static str)],
        #[case] body: &str,
        #[case] cause: Option<Cause>,
    ) {
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            headers.insert(*name, value.parse().unwrap());
        }
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let answer =
            Answer { status, headers: &headers, body: body.as_bytes(), now, latency: std::time::Duration::ZERO };
        let reading = general(&answer);
        assert_eq!(reading.as_ref().map(|r| r.cause), cause);
        assert!(!format!("{reading:?}").contains("SECRET"));
    }
}
