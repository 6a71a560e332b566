//! Opening a database: pragmas, numbered migrations, and setting aside what cannot be used.

use rusqlite::{Connection, OpenFlags, config::DbConfig};
use std::{
    fs::{self, OpenOptions},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

/// Marks a file as ours ("LAMP").
const APPLICATION: i64 = 0x4c41_4d50;

/// One step for each version; never changed once released.
const MIGRATIONS: &[&str] = &[
    "
create table integrations(id integer primary key, name text not null unique) strict;
create table checks(
  integration integer not null, ts integer not null, cause text not null, latency integer, code integer,
  primary key(integration, ts)) strict, without rowid;
create table current(
  integration integer primary key, outcome text not null, since integer not null, streak integer not null,
  total integer not null, successful integer not null, failed integer not null, rate_limited integer not null,
  latency integer not null, last integer not null) strict;
create table rollups(
  span integer not null, integration integer not null, start integer not null,
  total integer not null, successful integer not null, rate_limited integer not null, unauthorized integer not null,
  latency integer not null, sketch blob not null,
  primary key(span, integration, start)) strict, without rowid;
create table incidents(
  integration integer not null, opened integer not null, closed integer, cause text not null, evidence text not null,
  primary key(integration, opened)) strict, without rowid;
",
    "
create table samples(
  integration integer not null, name text not null, ts integer not null, value real not null, unit text not null,
  primary key(integration, name, ts)) strict, without rowid;
",
];

/// Why a file cannot be used.
pub enum Unusable {
    /// It is not a sound database of ours.
    Damaged(String),
    /// A newer Lampboard made it.
    Newer(i64),
    /// It cannot be opened or written at all.
    Inaccessible(String),
}

/// Opens for writing; makes the file (0600) and its tables when they are not there.
pub fn open(file: &Path) -> Result<Connection, Unusable> {
    let inaccessible = |e: String| Unusable::Inaccessible(e);
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .read(true)
        .mode(0o600)
        .open(file)
        .map_err(|e| inaccessible(e.to_string()))?;
    let connection = Connection::open(file).map_err(|e| inaccessible(e.to_string()))?;
    prepare(connection)
}

/// A database in memory, shared by the connections that name it.
pub fn memory(uri: &str) -> Result<Connection, Unusable> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_URI;
    prepare(Connection::open_with_flags(uri, flags).map_err(|e| Unusable::Inaccessible(e.to_string()))?)
}

fn prepare(mut connection: Connection) -> Result<Connection, Unusable> {
    let damaged = |e: rusqlite::Error| match e.sqlite_error_code() {
        Some(
            rusqlite::ErrorCode::ReadOnly
            | rusqlite::ErrorCode::CannotOpen
            | rusqlite::ErrorCode::DiskFull
            | rusqlite::ErrorCode::DatabaseBusy,
        ) => Unusable::Inaccessible(e.to_string()),
        _ => Unusable::Damaged(e.to_string()),
    };
    connection.busy_timeout(Duration::from_secs(5)).map_err(damaged)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true).map_err(damaged)?;
    let version: i64 = connection.pragma_query_value(None, "user_version", |r| r.get(0)).map_err(damaged)?;
    let newest = MIGRATIONS.len() as i64;
    if version > newest {
        return Err(Unusable::Newer(version));
    }
    if version == 0 {
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL").map_err(damaged)?;
        connection.pragma_update(None, "application_id", APPLICATION).map_err(damaged)?;
    }
    connection.pragma_update(None, "journal_mode", "WAL").map_err(damaged)?;
    connection.pragma_update(None, "synchronous", "NORMAL").map_err(damaged)?;
    connection.pragma_update(None, "trusted_schema", false).map_err(damaged)?;
    connection.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024).map_err(damaged)?;
    let sound: String = connection.query_row("pragma quick_check(1)", [], |r| r.get(0)).map_err(damaged)?;
    if sound != "ok" {
        return Err(Unusable::Damaged(sound));
    }
    for (at, step) in MIGRATIONS.iter().enumerate().skip(usize::try_from(version).unwrap_or(0)) {
        let transaction = connection.transaction().map_err(damaged)?;
        transaction.execute_batch(step).map_err(damaged)?;
        transaction.pragma_update(None, "user_version", at as i64 + 1).map_err(damaged)?;
        transaction.commit().map_err(damaged)?;
    }
    Ok(connection)
}

/// Moves the file and its companions to `NAME.WHY-STAMP`; the new name comes back.
pub fn set_aside(file: &Path, why: &str) -> std::io::Result<PathBuf> {
    let stamp = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%S%3fZ").to_string();
    let suffixed = |path: &Path, suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let aside = suffixed(file, &format!(".{why}-{stamp}"));
    fs::rename(file, &aside)?;
    for companion in ["-wal", "-shm"] {
        let from = suffixed(file, companion);
        if from.exists() {
            fs::rename(&from, suffixed(&aside, companion))?;
        }
    }
    Ok(aside)
}

/// A connection for reading only.
pub fn reader(place: &str) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(place, flags)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}
