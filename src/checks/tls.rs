//! Probe kind `tls`: the handshake succeeds, the certificate is trusted, fits the name and lives on.

use super::{
    Input,
    stream::{certificate, dial, failed, handshake, target},
};
use crate::model::{Cause, Fact, Outcome, Warning, text::sanitize};
use jiff::Timestamp;

/// One attempt.
pub async fn probe(input: &Input<'_>) -> Outcome {
    attempt(input).await.unwrap_or_else(|failure| *failure)
}

async fn attempt(input: &Input<'_>) -> Result<Outcome, Box<Outcome>> {
    let (host, port) = target(input, "443")?;
    let days = input.field("warn_days").unwrap_or("30");
    let days: i64 = days
        .parse()
        .map_err(|_| failed(Cause::Misconfigured, "field 'warn_days'", &format!("'{days}' is not a number of days")))?;
    let dialed = dial(input, host, port).await?;
    let name = input.field("server_name").unwrap_or(host).trim_start_matches('[').trim_end_matches(']');
    let (stream, took) = handshake(dialed.stream, name, input.tls.clone(), dialed.deadline, input.timeout).await?;
    let now = Timestamp::now();
    let mut outcome = Outcome::of(Cause::Ok, now, "certificate verified", name);
    outcome.latency = Some(dialed.started.elapsed());
    outcome.phases = dialed.phases;
    outcome.phases.tls = Some(took);
    if let Some(version) = stream.get_ref().1.protocol_version() {
        outcome.facts.push(Fact { label: "Protocol".into(), value: format!("{version:?}").replace('_', ".") });
    }
    let (dies, subject, issuer) = certificate(&stream)
        .ok_or_else(|| failed(Cause::UnexpectedResponse, "certificate", "the server showed no readable certificate"))?;
    outcome.facts.push(Fact { label: "Subject".into(), value: sanitize(&subject, 200) });
    outcome.facts.push(Fact { label: "Issuer".into(), value: sanitize(&issuer, 200) });
    outcome.facts.push(Fact { label: "Dies".into(), value: dies.to_string() });
    outcome.certificate_expires = Some(dies);
    let left = dies.as_second() - now.as_second();
    if left < days.saturating_mul(86_400) {
        outcome.warnings.push(Warning::CertificateExpires { at: dies });
    }
    Ok(outcome)
}
