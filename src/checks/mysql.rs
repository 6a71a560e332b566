//! Probe kind `mysql`: sign in to MySQL or MariaDB and read one row; error numbers tell the refusals apart.

mod login;
mod packet;
mod refusal;

use super::{
    Input,
    stream::{failed, target, unverified},
    wire::{Wire, bounded},
};
use crate::model::{Cause, Fact, Outcome, Provenance, Quota, Secret, Warning, text::sanitize};
use jiff::Timestamp;
use login::{Account, Encryption, sign_in};
use packet::Channel;
use std::time::{Duration, Instant};

/// Who one is, by the server's word, and what needs no privilege.
const QUESTION: &str = "select current_user(), @@version_comment, @@max_connections, @@global.read_only";
const STATUS: &str = "show global status where variable_name in ('Threads_connected', 'Uptime', 'Slave_running')";
/// Of the database signed in to; bytes.
const SIZE: &str =
    "select sum(data_length + index_length) from information_schema.tables where table_schema = database()";

/// One attempt.
pub async fn probe(input: &Input<'_>) -> Outcome {
    bounded(input, attempt(input)).await
}

async fn attempt(input: &Input<'_>) -> Result<Outcome, Box<Outcome>> {
    let (host, port) = target(input, "3306")?;
    let encryption = encryption(input)?;
    let user = input.field("user").ok_or_else(|| failed(Cause::Misconfigured, "field 'user'", "no user is given"))?;
    let password = input.secret("password").map(Secret::expose).unwrap_or_default();
    let account = Account { user, password, database: input.field("database") };
    if user.contains('\0') || account.database.is_some_and(|d| d.contains('\0')) {
        return Err(failed(Cause::Misconfigured, "the user or the database", "a name cannot hold a zero"));
    }
    let wire = Wire::open(input, host, port).await?;
    let asked = Instant::now();
    let (mut channel, version) = sign_in(wire, host, encryption, &account).await?;
    let mut outcome = ask(&mut channel).await?;
    if account.database.is_some() {
        size(&mut channel, &mut outcome).await?;
    }
    channel.wire.measure(&mut outcome, asked);
    let tls = channel.wire.tls.clone().unwrap_or_else(|| "none".into());
    outcome.facts.insert(0, Fact { label: "Version".into(), value: sanitize(&version, 100) });
    outcome.facts.push(Fact { label: "Encryption".into(), value: tls });
    channel.quit().await;
    Ok(outcome)
}

/// What the tables take. Whoever may not know learns nothing of it.
async fn size(channel: &mut Channel, outcome: &mut Outcome) -> Result<(), Box<Outcome>> {
    match channel.query("the size", SIZE).await {
        Ok(rows) => {
            if let Some(bytes) = rows.first().and_then(|row| row.first()?.parse::<f64>().ok()) {
                let value = format!("{:.1} MB", bytes / 1e6);
                outcome.facts.push(Fact { label: "Database size".into(), value });
            }
            Ok(())
        }
        Err(refusal) if refusal.cause == Cause::MissingScope => Ok(()),
        Err(refusal) => Err(refusal),
    }
}

fn encryption(input: &Input<'_>) -> Result<Encryption, Box<Outcome>> {
    let any = || unverified().map_err(|e| failed(Cause::Internal, "TLS", &e.to_string()));
    Ok(match input.field("tls").unwrap_or("prefer") {
        "disable" => Encryption::Never,
        "prefer" => Encryption::Maybe(any()?),
        "require" => Encryption::Always(any()?),
        "verify-full" if input.integration.insecure => Encryption::Always(input.tls.clone()),
        "verify-full" => Encryption::Proven(input.tls.clone()),
        other => {
            let seen = format!("'{other}' is none of disable, prefer, require, verify-full");
            return Err(failed(Cause::Misconfigured, "field 'tls'", &seen));
        }
    })
}

async fn ask(channel: &mut Channel) -> Result<Outcome, Box<Outcome>> {
    let rows = channel.query("the read", QUESTION).await?;
    let Some([user, comment, limit, read_only]) = rows.first().map(Vec::as_slice) else {
        return Err(failed(Cause::UnexpectedResponse, "the answer has another shape", "not one row of four columns"));
    };
    if !user.contains('@') {
        return Err(failed(Cause::UnexpectedResponse, "current_user() names no account", user));
    }
    let now = Timestamp::now();
    let mut outcome = Outcome::of(Cause::Ok, now, "signed in and read", user);
    outcome.identity = Some(sanitize(user, 100));
    let fact = |label: &str, value: &str| Fact { label: label.into(), value: sanitize(value, 100) };
    outcome.facts.push(fact("Server", comment));
    outcome
        .facts
        .push(fact("Mode", if matches!(read_only.as_str(), "0" | "OFF") { "read and write" } else { "read only" }));
    match channel.query("the status", STATUS).await {
        Ok(status) => {
            let number = |name: &str| {
                status
                    .iter()
                    .find(|row| row[0].eq_ignore_ascii_case(name))
                    .and_then(|row| row.get(1)?.parse::<u32>().ok())
            };
            if let Some(seconds) = number("Uptime") {
                outcome.facts.push(fact("Uptime", &crate::model::text::span(Duration::from_secs(seconds.into()))));
            }
            // MariaDB says it so; others want a privilege for it.
            if let Some(row) = status.iter().find(|row| row[0].eq_ignore_ascii_case("Slave_running"))
                && row.get(1).is_some_and(|on| on == "ON")
            {
                outcome.facts.push(fact("Role", "replica"));
            }
            if let (Some(used), Ok(limit)) = (number("Threads_connected"), limit.parse::<u32>()) {
                outcome.facts.push(fact("Connections", &format!("{used} of {limit}")));
                outcome.quotas.push(Quota {
                    name: "connections".into(),
                    unit: "connections".into(),
                    limit: Some(limit.into()),
                    left: Some(limit.saturating_sub(used).into()),
                    resets: None,
                    provenance: Provenance::Derived,
                    at: now,
                });
            }
        }
        Err(refusal) if refusal.cause == Cause::MissingScope => {
            outcome.warnings.push(Warning::MissingScope { scope: "SHOW GLOBAL STATUS".into() });
        }
        Err(refusal) => return Err(refusal),
    }
    Ok(outcome)
}
