//! Reading the history: buckets, rows, incidents, and what was remembered from the last run.

use super::{
    Remembered,
    rollup::{self, SPANS},
};
use crate::model::{Bucket, Cause, CheckRow, Incident, IntegrationId, Metrics, Series};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use sketches_ddsketch::DDSketch;
use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

/// Rows of the latest checks that are remembered.
const RECENT: usize = 30;
/// Buckets in one answer at most.
const MOST_BUCKETS: i64 = 5_000;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn micros(value: i64) -> Duration {
    Duration::from_micros(value.unsigned_abs())
}

fn cause(text: &str) -> Cause {
    // A cause of another version: something happened that this one has no word for.
    Cause::parse(text).unwrap_or(Cause::Internal)
}

fn row(row: &Row<'_>) -> rusqlite::Result<CheckRow> {
    Ok(CheckRow {
        at: at(row.get(0)?),
        cause: cause(row.get_ref(1)?.as_str().unwrap_or_default()),
        latency: row.get::<_, Option<i64>>(2)?.map(micros),
        code: row.get(3)?,
    })
}

/// The row id of an integration; `None`: it has no history.
fn key(connection: &Connection, id: &IntegrationId) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("select id from integrations where name = ?1")?
        .query_row([id.as_str()], |r| r.get(0))
        .optional()
}

/// Latest rows, newest first.
pub const ROWS: &str = "select ts, cause, latency, code from checks where integration = ?1 order by ts desc limit ?2";

/// Latest rows, newest first.
pub fn rows(connection: &Connection, id: &IntegrationId, limit: usize) -> rusqlite::Result<Vec<CheckRow>> {
    match key(connection, id)? {
        Some(key) => rows_of(connection, key, limit),
        None => Ok(Vec::new()),
    }
}

fn rows_of(connection: &Connection, key: i64, limit: usize) -> rusqlite::Result<Vec<CheckRow>> {
    connection.prepare_cached(ROWS)?.query_map(params![key, i64::try_from(limit).unwrap_or(i64::MAX)], row)?.collect()
}

/// The latest `points` of every number measured since then, oldest first, by name.
pub fn series(
    connection: &Connection,
    id: &IntegrationId,
    since: Timestamp,
    points: usize,
) -> rusqlite::Result<Vec<Series>> {
    let Some(key) = key(connection, id)? else { return Ok(Vec::new()) };
    let mut statement = connection.prepare_cached(
        "select name, ts, value, unit from samples where integration = ?1 and ts >= ?2 order by name, ts",
    )?;
    let mut rows = statement.query(params![key, since.as_millisecond()])?;
    let mut all: Vec<Series> = Vec::new();
    while let Some(row) = rows.next()? {
        let (name, unit): (String, String) = (row.get(0)?, row.get(3)?);
        if all.last().is_none_or(|s| s.name != name) {
            all.push(Series { name, unit: String::new(), points: Vec::new() });
        }
        if let Some(last) = all.last_mut() {
            last.unit = unit;
            last.points.push((at(row.get(1)?), row.get(2)?));
        }
    }
    for series in &mut all {
        series.points.drain(..series.points.len().saturating_sub(points));
    }
    Ok(all)
}

/// Incidents, newest first.
pub fn incidents(connection: &Connection, id: Option<&IntegrationId>, limit: usize) -> rusqlite::Result<Vec<Incident>> {
    let sql = "select n.name, i.opened, i.closed, i.cause, i.evidence from incidents i join integrations n on n.id = i.integration
               where ?1 is null or n.name = ?1 order by i.opened desc limit ?2";
    let read = |row: &Row<'_>| -> rusqlite::Result<Option<Incident>> {
        let name: String = row.get(0)?;
        let Ok(integration) = IntegrationId::new(&name) else { return Ok(None) };
        Ok(Some(Incident {
            integration,
            opened: at(row.get(1)?),
            closed: row.get::<_, Option<i64>>(2)?.map(at),
            cause: cause(row.get_ref(3)?.as_str().unwrap_or_default()),
            evidence: row.get(4)?,
        }))
    };
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let all: rusqlite::Result<Vec<_>> =
        connection.prepare_cached(sql)?.query_map(params![id.map(IntegrationId::as_str), limit], read)?.collect();
    Ok(all?.into_iter().flatten().collect())
}

#[derive(Default)]
struct Sum {
    total: i64,
    successful: i64,
    rate_limited: i64,
    unauthorized: i64,
    latency: i64,
    sketch: Option<DDSketch>,
}

impl Sum {
    fn bucket(self, start: i64, span: i64) -> Bucket {
        let quantile =
            |q: f64| self.sketch.as_ref().and_then(|s| s.quantile(q).ok().flatten()).map(|v| micros(v as i64));
        Bucket {
            start: at(start),
            span: Duration::from_millis(span.unsigned_abs()),
            total: self.total.unsigned_abs(),
            successful: self.successful.unsigned_abs(),
            rate_limited: self.rate_limited.unsigned_abs(),
            unauthorized: self.unauthorized.unsigned_abs(),
            p50: quantile(0.5),
            p95: quantile(0.95),
            p99: quantile(0.99),
            latency_sum: micros(self.latency),
        }
    }
}

/// Buckets of at least `step` over a span, made of the coarsest roll-up that is fine enough.
pub fn buckets(
    connection: &Connection,
    id: Option<&IntegrationId>,
    from: Timestamp,
    to: Timestamp,
    step: Duration,
) -> rusqlite::Result<Vec<Bucket>> {
    let length = to.as_millisecond().saturating_sub(from.as_millisecond()).max(0);
    let step = i64::try_from(step.as_millis()).unwrap_or(i64::MAX).max(SPANS[0]).max(length / MOST_BUCKETS);
    let span = SPANS.into_iter().rev().find(|s| step % s == 0 || step >= s * 12).unwrap_or(SPANS[0]);
    let step = (step / span).max(1) * span;
    let key = match id {
        Some(id) => match key(connection, id)? {
            Some(key) => Some(key),
            None => return Ok(Vec::new()),
        },
        None => None,
    };
    let mut sums: BTreeMap<i64, Sum> = BTreeMap::new();
    let sql = if key.is_some() {
        "select start, total, successful, rate_limited, unauthorized, latency, sketch from rollups
         where span = ?1 and integration = ?2 and start >= ?3 and start < ?4"
    } else {
        "select start, total, successful, rate_limited, unauthorized, latency, sketch from rollups
         where span = ?1 and ?2 is null and start >= ?3 and start < ?4"
    };
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows =
        statement.query(params![span, key, rollup::start(step, from.as_millisecond()), to.as_millisecond()])?;
    while let Some(row) = rows.next()? {
        let sum = sums.entry(rollup::start(step, row.get(0)?)).or_default();
        sum.total += row.get::<_, i64>(1)?;
        sum.successful += row.get::<_, i64>(2)?;
        sum.rate_limited += row.get::<_, i64>(3)?;
        sum.unauthorized += row.get::<_, i64>(4)?;
        sum.latency += row.get::<_, i64>(5)?;
        let bytes: Vec<u8> = row.get(6)?;
        if !bytes.is_empty() {
            let more = rollup::read(&bytes);
            match &mut sum.sketch {
                None => sum.sketch = Some(more),
                Some(sketch) => {
                    if let Err(error) = sketch.merge(&more) {
                        tracing::debug!(?error, "two sketches do not merge");
                    }
                }
            }
        }
    }
    Ok(sums.into_iter().map(|(start, sum)| sum.bucket(start, step)).collect())
}

/// p50, p95 and p99 of the 24 hours before `now`.
pub fn percentiles(
    connection: &Connection,
    id: &IntegrationId,
    now: Timestamp,
) -> rusqlite::Result<[Option<Duration>; 3]> {
    let day = Duration::from_secs(86_400);
    let from = at(now.as_millisecond() - 86_400_000);
    let mut all = buckets(connection, Some(id), from, at(now.as_millisecond() + 1), Duration::from_secs(3600))?;
    if all.len() == 1 {
        return Ok(all.pop().map_or([None; 3], |b| [b.p50, b.p95, b.p99]));
    }
    let merged = merged(connection, id, from)?;
    let bucket = Sum { sketch: merged, ..Sum::default() }.bucket(0, i64::try_from(day.as_millis()).unwrap_or(i64::MAX));
    Ok([bucket.p50, bucket.p95, bucket.p99])
}

fn merged(connection: &Connection, id: &IntegrationId, from: Timestamp) -> rusqlite::Result<Option<DDSketch>> {
    let Some(key) = key(connection, id)? else { return Ok(None) };
    let mut statement =
        connection.prepare_cached("select sketch from rollups where span = ?1 and integration = ?2 and start >= ?3")?;
    let blobs = statement.query_map(params![SPANS[1], key, from.as_millisecond()], |r| r.get::<_, Vec<u8>>(0))?;
    let mut whole: Option<DDSketch> = None;
    for blob in blobs {
        let blob = blob?;
        if blob.is_empty() {
            continue;
        }
        let more = rollup::read(&blob);
        match &mut whole {
            None => whole = Some(more),
            Some(whole) => {
                if let Err(error) = whole.merge(&more) {
                    tracing::debug!(?error, "two sketches do not merge");
                }
            }
        }
    }
    Ok(whole)
}

/// Everything remembered.
pub fn remembered(connection: &Connection) -> rusqlite::Result<HashMap<IntegrationId, Remembered>> {
    let sql = "select n.id, n.name, c.outcome, c.since, c.streak, c.total, c.successful, c.failed, c.rate_limited, c.latency, c.last
               from current c join integrations n on n.id = c.integration";
    let mut all = HashMap::new();
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let key: i64 = row.get(0)?;
        let Ok(id) = IntegrationId::new(&row.get::<_, String>(1)?) else { continue };
        let unsigned = |at: usize| row.get::<_, i64>(at).map(i64::unsigned_abs);
        let successful = unsigned(6)?;
        let latency = unsigned(9)?;
        let metrics = Metrics {
            total: unsigned(5)?,
            successful,
            failed: unsigned(7)?,
            rate_limit_hits: unsigned(8)?,
            average: (successful > 0).then(|| Duration::from_micros(latency / successful)),
            last: Some(at(row.get(10)?)),
            ..Metrics::default()
        };
        let mut recent = rows_of(connection, key, RECENT)?;
        recent.reverse();
        all.insert(
            id,
            Remembered {
                outcome: serde_json::from_str(row.get_ref(2)?.as_str().unwrap_or_default()).ok(),
                since: Some(at(row.get(3)?)),
                recent,
                metrics,
                incident: None,
                streak: row.get(4)?,
            },
        );
    }
    for incident in incidents(connection, None, 100_000)? {
        if incident.closed.is_none()
            && let Some(one) = all.get_mut(&incident.integration)
        {
            one.incident.get_or_insert(incident);
        }
    }
    Ok(all)
}
