//! What is old goes: raw rows first, then minutes, then hours. Days stay.

use super::{Retention, rollup::SPANS};
use jiff::Timestamp;
use rusqlite::{Connection, params};
use std::time::Duration;

/// Deletes what is older than its time and gives the room back.
pub fn clean(connection: &Connection, retention: Retention, now: Timestamp) -> rusqlite::Result<()> {
    let before = |age: Duration| now.as_millisecond() - i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
    let raw = before(retention.raw);
    for key in keys(connection)? {
        connection.execute("delete from checks where integration = ?1 and ts < ?2", params![key, raw])?;
        connection.execute("delete from samples where integration = ?1 and ts < ?2", params![key, raw])?;
        for (span, age) in [(SPANS[0], retention.minutes), (SPANS[1], retention.hours)] {
            connection.execute(
                "delete from rollups where span = ?1 and integration = ?2 and start < ?3",
                params![span, key, before(age)],
            )?;
        }
    }
    connection.execute_batch("pragma incremental_vacuum(2000)")
}

fn keys(connection: &Connection) -> rusqlite::Result<Vec<i64>> {
    connection.prepare("select id from integrations")?.query_map([], |r| r.get(0))?.collect()
}
