//! Roll-ups: what happened in each minute, hour and day, with a sketch from which percentiles can be merged.

use crate::model::Status;
use rusqlite::{OptionalExtension, Transaction, params};
use sketches_ddsketch::{Config, DDSketch};

/// The spans kept, in milliseconds: minute, hour, day.
pub const SPANS: [i64; 3] = [60_000, 3_600_000, 86_400_000];

/// An empty sketch with one percent relative error.
pub fn sketch() -> DDSketch {
    DDSketch::new(Config::new(0.01, 2048, 1.0e-9))
}

/// Reads a stored sketch; a damaged one counts as empty.
pub fn read(bytes: &[u8]) -> DDSketch {
    DDSketch::from_java_bytes(bytes).unwrap_or_else(|_| sketch())
}

/// The start of the span that holds `ts`.
pub const fn start(span: i64, ts: i64) -> i64 {
    ts - ts.rem_euclid(span)
}

/// Adds one check.
pub fn add(
    transaction: &Transaction<'_>,
    span: i64,
    key: i64,
    ts: i64,
    status: Status,
    latency: Option<i64>,
) -> rusqlite::Result<()> {
    let start = start(span, ts);
    let known: Option<Vec<u8>> = transaction
        .prepare_cached("select sketch from rollups where span = ?1 and integration = ?2 and start = ?3")?
        .query_row(params![span, key, start], |r| r.get(0))
        .optional()?;
    let good = status == Status::Active;
    let latency = latency.filter(|_| good);
    let mut blob = known.clone().unwrap_or_default();
    if let Some(latency) = latency {
        let mut sketch = known.as_deref().filter(|b| !b.is_empty()).map_or_else(sketch, read);
        sketch.add(latency as f64);
        blob = sketch.to_java_bytes();
    }
    transaction
        .prepare_cached(
            "insert into rollups(span, integration, start, total, successful, rate_limited, unauthorized, latency, sketch)
             values (?1, ?2, ?3, 1, ?4, ?5, ?6, ?7, ?8)
             on conflict(span, integration, start) do update set total = total + 1, successful = successful + ?4,
               rate_limited = rate_limited + ?5, unauthorized = unauthorized + ?6, latency = latency + ?7, sketch = ?8",
        )?
        .execute(params![
            span,
            key,
            start,
            i64::from(good),
            i64::from(status == Status::RateLimited),
            i64::from(status == Status::Unauthorized),
            latency.unwrap_or(0),
            blob
        ])?;
    Ok(())
}
