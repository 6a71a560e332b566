//! An entry as a table row, as pairs of label and value, and as JSON: the stable shape scripts read.

use crate::{
    model::{Quota, Status, Warning},
    monitor::Entry,
};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;

/// The header of [`row`].
pub const HEADER: [&str; 7] = ["", "NAME", "PROVIDER", "STATUS", "CAUSE", "LATENCY", "SEEN"];

/// A lamp that can be told without colour.
pub const fn lamp(status: Status) -> &'static str {
    match status {
        Status::Active => "*",
        Status::RateLimited => "~",
        Status::Unauthorized => "!",
        Status::Error => "x",
        Status::Inactive => "-",
    }
}

/// Milliseconds below a second, seconds above.
pub fn latency(latency: Option<Duration>) -> String {
    match latency {
        None => "–".into(),
        Some(l) if l < Duration::from_millis(10) => format!("{:.1} ms", l.as_secs_f64() * 1000.0),
        Some(l) if l < Duration::from_secs(1) => format!("{} ms", l.as_millis()),
        Some(l) => format!("{:.1} s", l.as_secs_f64()),
    }
}

/// One line of the table.
pub fn row(entry: &Entry, now: Timestamp) -> Vec<String> {
    let outcome = entry.outcome.as_deref();
    let mut seen = outcome.map(|o| o.evidence.seen.clone()).unwrap_or_default();
    if let Some(o) = outcome.filter(|o| o.status() == Status::Active) {
        let warnings: Vec<String> = o.warnings.iter().map(|w| w.sentence(now)).collect();
        seen = if warnings.is_empty() { o.identity.clone().unwrap_or_default() } else { warnings.join("; ") };
    } else if seen.is_empty() {
        seen = outcome.map_or_else(|| entry.advice.to_string(), |o| o.evidence.rule.clone());
    }
    vec![
        lamp(entry.status()).into(),
        entry.integration.id.to_string(),
        entry.integration.provider.clone(),
        entry.status().label().into(),
        entry.cause.label().into(),
        latency(outcome.and_then(|o| o.latency)),
        crate::model::text::sanitize(&seen, 120),
    ]
}

fn number(value: f64) -> String {
    if value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}

/// A quota in words; unknown numbers are dashes.
pub fn quota(quota: &Quota, now: Timestamp) -> String {
    let show = |v: Option<f64>| v.map_or_else(|| "–".to_owned(), number);
    let mut text = format!("{} left of {} {}", show(quota.left), show(quota.limit), quota.unit).trim_end().to_owned();
    if let Some(resets) = quota.resets {
        let seconds = resets.as_second() - now.as_second();
        if seconds > 0 {
            text.push_str(&format!(
                ", resets in {}",
                crate::model::text::span(Duration::from_secs(seconds.unsigned_abs()))
            ));
        }
    }
    text
}

/// Every detail as label and value.
pub fn pairs(entry: &Entry, now: Timestamp) -> Vec<(String, String)> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    let mut put = |k: &str, v: String| {
        if !v.is_empty() {
            pairs.push((k.to_owned(), v));
        }
    };
    let integration = &entry.integration;
    put(
        "Name",
        if integration.name == integration.id.as_str() {
            integration.id.to_string()
        } else {
            format!("{} ({})", integration.name, integration.id)
        },
    );
    put("Provider", entry.provider_name.to_string());
    put("Status", format!("{}: {}", entry.status().label(), entry.cause.label()));
    put("Since", entry.since.map(|t| t.to_string()).unwrap_or_default());
    put("Next step", entry.advice.to_string());
    if let Some(o) = entry.outcome.as_deref() {
        if o.status() != Status::Active {
            put("Blame", entry.cause.blame().sentence().to_owned());
        }
        put("Decided by", o.evidence.rule.clone());
        put("Seen", o.evidence.seen.clone());
        put("Until", o.until.map(|t| t.to_string()).unwrap_or_default());
        put("Identity", o.identity.clone().unwrap_or_default());
        put("Latency", latency(o.latency));
        put("Checked", o.at.to_string());
        put("Credential expires", o.credential_expires.map(|t| t.to_string()).unwrap_or_default());
        put("Certificate expires", o.certificate_expires.map(|t| t.to_string()).unwrap_or_default());
        for warning in &o.warnings {
            put("Warning", warning.sentence(now));
        }
        for q in &o.quotas {
            put(&format!("Quota {}", q.name), quota(q, now));
        }
        for fact in &o.facts {
            put(&fact.label, fact.value.clone());
        }
    }
    for (field, reference) in integration.secrets() {
        put(&format!("Secret {field}"), reference.to_string());
    }
    let m = &entry.metrics;
    put(
        "Requests",
        format!("{} ({} good, {} failed, {} rate limited)", m.total, m.successful, m.failed, m.rate_limit_hits),
    );
    put("Success rate", m.success_rate().map_or("–".into(), |r| format!("{:.1}%", r * 100.0)));
    put("Average", latency(m.average));
    put("p50 / p95 / p99", format!("{} / {} / {}", latency(m.p50), latency(m.p95), latency(m.p99)));
    put("Checked every", crate::model::text::span(integration.interval));
    if let Some(incident) = &entry.incident {
        put("Incident", format!("open since {}: {}", incident.opened, incident.cause.label()));
    }
    pairs
}

/// Milliseconds for JSON, to the microsecond.
pub fn ms(time: Option<Duration>) -> Option<f64> {
    time.map(|time| (time.as_secs_f64() * 1e6).round() / 1e3)
}

/// The stable JSON of one integration. Times are RFC 3339 in UTC, latencies milliseconds, unknown is null.
pub fn json(entry: &Entry, now: Timestamp) -> Value {
    let o = entry.outcome.as_deref();
    let m = &entry.metrics;
    json!({
        "id": entry.integration.id.as_str(),
        "name": entry.integration.name,
        "provider": entry.integration.provider,
        "category": entry.category,
        "tags": entry.integration.tags,
        "status": entry.status().as_str(),
        "cause": entry.cause.as_str(),
        "blame": (entry.status() != Status::Active).then(|| entry.cause.blame().as_str()),
        "since": entry.since,
        "next_step": (!entry.advice.is_empty()).then(|| entry.advice.to_string()),
        "checked_at": o.map(|o| o.at),
        "until": o.and_then(|o| o.until),
        "evidence": o.map(|o| &o.evidence),
        "latency_ms": ms(o.and_then(|o| o.latency)),
        "phases_ms": o.map(|o| json!({
            "dns": ms(o.phases.dns), "connect": ms(o.phases.connect), "tls": ms(o.phases.tls), "first_byte": ms(o.phases.first_byte),
        })),
        "code": o.and_then(|o| o.code),
        "attempts": o.map(|o| o.attempts),
        "identity": o.and_then(|o| o.identity.as_ref()),
        "credential_expires": o.and_then(|o| o.credential_expires),
        "certificate_expires": o.and_then(|o| o.certificate_expires),
        "warnings": o.map(|o| o.warnings.iter().map(|w: &Warning| w.sentence(now)).collect::<Vec<_>>()).unwrap_or_default(),
        "quotas": o.map(|o| &o.quotas[..]).unwrap_or_default(),
        "facts": o.map(|o| &o.facts[..]).unwrap_or_default(),
        "metrics": {
            "total": m.total, "successful": m.successful, "failed": m.failed, "rate_limit_hits": m.rate_limit_hits,
            "success_rate": m.success_rate(), "average_ms": ms(m.average), "p50_ms": ms(m.p50), "p95_ms": ms(m.p95), "p99_ms": ms(m.p99),
            "last": m.last,
        },
        "incident": entry.incident.as_deref().map(|i| json!({ "opened": i.opened, "cause": i.cause.as_str(), "evidence": i.evidence })),
        "interval_s": entry.integration.interval.as_secs(),
        "secrets": entry.integration.secrets().map(|(f, r)| (f.to_owned(), Value::String(r.to_string()))).collect::<serde_json::Map<_, _>>(),
    })
}
