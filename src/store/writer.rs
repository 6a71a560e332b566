//! The one writer: a thread that owns the connection, writes in batches and keeps the roll-ups in step.

use super::{
    Health, Retention,
    queue::{Message, Queue},
    rollup,
};
use crate::model::{Cause, Incident, IntegrationId, Outcome, Status};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Rows in one transaction at most.
const BATCH: usize = 500;
/// Longest time a row waits for company.
const GATHER: Duration = Duration::from_millis(250);
/// Time between two clean-ups.
const CLEANING: Duration = Duration::from_secs(3600);
/// Time until a failed write is tried again.
const AGAIN: Duration = Duration::from_secs(60);

/// Runs until the queue is stopped and empty.
pub fn run(mut connection: Connection, queue: &Queue, health: &Arc<Mutex<Health>>, retention: Retention) {
    let mut cleaned: Option<Instant> = None;
    loop {
        if cleaned.is_none_or(|at| at.elapsed() >= CLEANING) {
            if let Err(error) = super::retention::clean(&connection, retention, Timestamp::now()) {
                tracing::warn!(%error, "the history could not be cleaned up");
            }
            cleaned = Some(Instant::now());
        }
        let Some(batch) = queue.take(BATCH, GATHER, CLEANING) else { break };
        if batch.is_empty() {
            continue;
        }
        match write(&mut connection, &batch) {
            Ok(()) => {
                set(health, Health::Recording);
                for message in batch {
                    if let Message::Flush(done) = message {
                        let _ = done.send(());
                    }
                }
            }
            Err(error) => {
                tracing::warn!(%error, "the history cannot be written");
                set(health, Health::Paused(explain(&error, queue.dropped())));
                let kept: Vec<Message> = batch.into_iter().filter(|m| !matches!(m, Message::Flush(_))).collect();
                if queue.stopped() {
                    break;
                }
                queue.put_back(kept);
                queue.rest(AGAIN);
            }
        }
    }
    if let Err(error) = connection.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(())) {
        tracing::debug!(%error, "no checkpoint at the end");
    }
}

fn set(health: &Mutex<Health>, value: Health) {
    *health.lock().unwrap_or_else(PoisonError::into_inner) = value;
}

fn explain(error: &rusqlite::Error, dropped: u64) -> String {
    let why = match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DiskFull) => "the disk is full: free some space".to_owned(),
        Some(rusqlite::ErrorCode::ReadOnly) => "the file is read-only: check its mode".to_owned(),
        Some(rusqlite::ErrorCode::DatabaseBusy) => "another program holds it locked".to_owned(),
        _ => error.to_string(),
    };
    let lost = if dropped > 0 { format!("; {dropped} checks are lost to it so far") } else { String::new() };
    format!("history paused: {why}. Checks go on, and writing is tried again every minute{lost}")
}

fn write(connection: &mut Connection, batch: &[Message]) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    for message in batch {
        match message {
            Message::Check { id, outcome, since, streak } => check(&transaction, id, outcome, *since, *streak)?,
            Message::Incident(incident) => self::incident(&transaction, incident)?,
            Message::Rename(from, to) => {
                transaction.execute(
                    "update or ignore integrations set name = ?2 where name = ?1",
                    params![from.as_str(), to.as_str()],
                )?;
            }
            Message::Flush(_) => {}
        }
    }
    transaction.commit()
}

/// The row id of an integration, made at first use.
fn key(transaction: &Transaction<'_>, id: &IntegrationId) -> rusqlite::Result<i64> {
    let known = transaction
        .prepare_cached("select id from integrations where name = ?1")?
        .query_row([id.as_str()], |r| r.get(0))
        .optional()?;
    if let Some(key) = known {
        return Ok(key);
    }
    transaction.prepare_cached("insert into integrations(name) values (?1)")?.insert([id.as_str()])
}

fn check(
    transaction: &Transaction<'_>,
    id: &IntegrationId,
    outcome: &Outcome,
    since: Timestamp,
    streak: i32,
) -> rusqlite::Result<()> {
    let key = key(transaction, id)?;
    let latency = outcome.latency.map(|l| i64::try_from(l.as_micros()).unwrap_or(i64::MAX));
    let mut insert = transaction.prepare_cached(
        "insert or ignore into checks(integration, ts, cause, latency, code) values (?1, ?2, ?3, ?4, ?5)",
    )?;
    let mut ts = outcome.at.as_millisecond();
    // Two checks in one millisecond are two rows.
    while insert.execute(params![key, ts, outcome.cause.as_str(), latency, outcome.code])? == 0 {
        ts += 1;
    }
    for sample in &outcome.samples {
        transaction
            .prepare_cached(
                "insert or replace into samples(integration, name, ts, value, unit) values (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![key, sample.name, ts, sample.value, sample.unit])?;
    }
    let counts = outcome.cause != Cause::OwnNetwork;
    let good = outcome.status() == Status::Active;
    let limited = outcome.status() == Status::RateLimited;
    let json = serde_json::to_string(outcome).map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))?;
    transaction
        .prepare_cached(
            "insert into current(integration, outcome, since, streak, total, successful, failed, rate_limited, latency, last)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             on conflict(integration) do update set outcome = ?2, since = ?3, streak = ?4, total = total + ?5,
               successful = successful + ?6, failed = failed + ?7, rate_limited = rate_limited + ?8, latency = latency + ?9, last = ?10",
        )?
        .execute(params![
            key,
            json,
            since.as_millisecond(),
            streak,
            i64::from(counts),
            i64::from(counts && good),
            i64::from(counts && !good),
            i64::from(counts && limited),
            if good { latency.unwrap_or(0) } else { 0 },
            ts
        ])?;
    if counts {
        for span in rollup::SPANS {
            rollup::add(transaction, span, key, ts, outcome.status(), latency)?;
        }
    }
    Ok(())
}

fn incident(transaction: &Transaction<'_>, incident: &Incident) -> rusqlite::Result<()> {
    let key = key(transaction, &incident.integration)?;
    transaction
        .prepare_cached(
            "insert into incidents(integration, opened, closed, cause, evidence) values (?1, ?2, ?3, ?4, ?5)
             on conflict(integration, opened) do update set closed = ?3",
        )?
        .execute(params![
            key,
            incident.opened.as_millisecond(),
            incident.closed.map(Timestamp::as_millisecond),
            incident.cause.as_str(),
            incident.evidence
        ])?;
    Ok(())
}
