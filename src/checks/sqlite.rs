//! Probe kind `sqlite`: a database file of the user's, opened for reading only, its pages checked for as long as time allows.

mod header;

use super::{
    Input,
    stream::{failed, timed_out},
};
use crate::model::{Cause, Fact, Outcome, text::sanitize};
use header::{Header, Kind};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use rusqlite::{Connection, ErrorCode, OpenFlags, config::DbConfig};
use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::Semaphore;

/// Files read at once. A file on a dead network disk holds its thread for good: more than these must not hang.
static PLACES: Semaphore = Semaphore::const_new(8);
/// Steps of SQLite's machine between two looks at the clock.
const STEPS: std::ffi::c_int = 10_000;
/// Complaints asked for.
const COMPLAINTS: usize = 3;

/// What a path is written with in SQLite's own kind of URI.
const IN_URI: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_');

/// Stops the reading thread when the attempt is given up.
struct Stop(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// One attempt.
pub async fn probe(input: &Input<'_>) -> Outcome {
    match tokio::time::timeout(input.timeout, attempt(input)).await {
        Ok(result) => result.unwrap_or_else(|failure| *failure),
        Err(_) => *timed_out("reading the file", input.timeout),
    }
}

async fn attempt(input: &Input<'_>) -> Result<Outcome, Box<Outcome>> {
    let path = path(input)?;
    let thorough = match input.field("check").unwrap_or("quick") {
        "quick" => true,
        "open" => false,
        other => {
            let seen = format!("'{other}' is none of quick, open");
            return Err(failed(Cause::Misconfigured, "field 'check'", &seen));
        }
    };
    let place = PLACES.acquire().await.map_err(|e| failed(Cause::Internal, "no place", &e.to_string()))?;
    let stop = Stop(Arc::default());
    let flag = stop.0.clone();
    // The rest is for what comes after the page check.
    let time = input.timeout.mul_f64(0.8);
    let reading = tokio::task::spawn_blocking(move || {
        let _place = place;
        let changed = || std::fs::metadata(&path).and_then(|about| about.modified()).ok();
        let before = changed();
        read(&path, thorough, Instant::now() + time, &flag).map_err(|outcome| match outcome.cause {
            // Without locks a file that nobody seemed to write may have been written meanwhile: that is no damage.
            Cause::ServerError if changed() != before => failed(Cause::Timeout, "it changed while it was read", ""),
            _ => outcome,
        })
    });
    let result = reading.await.map_err(|e| failed(Cause::Internal, "the reader ended", &e.to_string()))?;
    drop(stop);
    result
}

fn path(input: &Input<'_>) -> Result<PathBuf, Box<Outcome>> {
    let wrong = |seen: &str| failed(Cause::Misconfigured, "field 'path'", seen);
    let text = input.field("path").ok_or_else(|| wrong("no file is given"))?;
    let path = match text.strip_prefix("~/") {
        Some(rest) => {
            directories::BaseDirs::new().ok_or_else(|| wrong("there is no home folder"))?.home_dir().join(rest)
        }
        None => PathBuf::from(text),
    };
    if path.is_absolute() { Ok(path) } else { Err(wrong(&format!("'{text}' is not a whole path"))) }
}

fn read(path: &Path, thorough: bool, until: Instant, stop: &Arc<AtomicBool>) -> Result<Outcome, Box<Outcome>> {
    let started = Instant::now();
    let (header, length) = look(path)?;
    let mut connection = open(path, &header).map_err(|e| refused("opening", &e))?;
    let end = stop.clone();
    let late = move || end.load(Ordering::Relaxed) || Instant::now() >= until;
    let patience = until.saturating_duration_since(started).min(Duration::from_secs(2));
    let prepared = connection
        .busy_timeout(patience)
        .and_then(|()| connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true))
        .and_then(|_| connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false))
        .and_then(|_| connection.progress_handler(STEPS, Some(late)));
    prepared.map_err(|e| refused("opening", &e))?;
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let tables =
        number("select count(*) from sqlite_schema where type = 'table' and name not like 'sqlite\\_%' escape '\\'")
            .map_err(|e| refused("reading the schema", &e))?;
    let pages = number("pragma page_count").map_err(|e| refused("reading", &e))?;
    let free = number("pragma freelist_count").map_err(|e| refused("reading", &e))?;
    let checked = if thorough { Some(quick_check(&connection)?) } else { None };
    let (rule, told) = match checked {
        None => ("the schema was read", "not asked for"),
        Some(true) => ("quick_check says ok", "ok"),
        Some(false) => ("the schema was read; quick_check found nothing until its time was up", "not finished"),
    };
    let mut outcome = Outcome::of(Cause::Ok, Timestamp::now(), rule, &format!("{pages} pages, {tables} tables"));
    outcome.latency = Some(started.elapsed());
    let mut add = |label: &str, value: String| {
        if !value.is_empty() {
            outcome.facts.push(Fact { label: label.into(), value: sanitize(&value, 100) });
        }
    };
    add("Size", format!("{:.1} MB", length as f64 / 1e6));
    add("Pages", format!("{pages} of {} bytes, {free} free", header.page_size));
    add("Tables", tables.to_string());
    add("Quick check", told.into());
    add("Journal", if header.wal { "write-ahead log".into() } else { "rollback".into() });
    add("Schema version", if header.user_version == 0 { String::new() } else { header.user_version.to_string() });
    add(
        "Written by",
        if header.written_by.is_empty() { String::new() } else { format!("SQLite {}", header.written_by) },
    );
    Ok(outcome)
}

/// The file itself, before SQLite sees it: what it cannot say well is said here.
fn look(path: &Path) -> Result<(Header, u64), Box<Outcome>> {
    let unreadable = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            failed(Cause::Connect, "there is no such file", &path.display().to_string())
        }
        io::ErrorKind::PermissionDenied => {
            failed(Cause::MissingScope, "no permission to read the file", &path.display().to_string())
        }
        _ => failed(Cause::Connect, "the file cannot be read", &error.to_string()),
    };
    // A named pipe would hold the thread for ever: the kind is asked for before the file is opened.
    let about = std::fs::metadata(path).map_err(unreadable)?;
    if !about.is_file() {
        return Err(failed(Cause::Misconfigured, "the path does not lead to a file", &path.display().to_string()));
    }
    let mut start = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(header::LOOKED_AT as u64).read_to_end(&mut start).map_err(unreadable)?;
    let wrong = |rule: &str, seen: &str| Err(failed(Cause::Misconfigured, rule, seen));
    match header::read(&start, about.len()) {
        Kind::Database(header) => Ok((header, about.len())),
        Kind::Empty => wrong("the file is empty", "nothing has been written to this database yet"),
        Kind::Encrypted => wrong("the file seems to be encrypted", "whole pages of noise, without SQLite's header"),
        Kind::Foreign => wrong("the file is no SQLite database", "SQLite's header is missing"),
    }
}

/// Opens for reading only, and without leaving a `-shm` or `-wal` file where none is.
fn open(path: &Path, header: &Header) -> rusqlite::Result<Connection> {
    let beside = |suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        Path::new(&name).exists()
    };
    let name = percent_encode(path.as_os_str().as_encoded_bytes(), IN_URI);
    let nobody_writes = header.wal && !beside("-wal");
    let uri = format!("file:{name}?mode=ro{}", if nobody_writes { "&immutable=1" } else { "" });
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(uri, flags)
}

/// `true`: every page was looked at; `false`: time ran out with nothing found.
fn quick_check(connection: &Connection) -> Result<bool, Box<Outcome>> {
    let mut complaints = Vec::new();
    let run = || -> rusqlite::Result<()> {
        let mut statement = connection.prepare(&format!("pragma quick_check({COMPLAINTS})"))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let line: String = row.get(0)?;
            if line != "ok" {
                complaints.push(line);
            }
        }
        Ok(())
    };
    match { run }() {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) && complaints.is_empty() => {
            Ok(false)
        }
        Err(error) if complaints.is_empty() => Err(refused("quick_check", &error)),
        _ if complaints.is_empty() => Ok(true),
        _ => Err(failed(Cause::ServerError, "quick_check found damage", &complaints.join("; "))),
    }
}

fn refused(step: &str, error: &rusqlite::Error) -> Box<Outcome> {
    let (cause, what) = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => (Cause::Timeout, "another program holds the lock"),
        Some(ErrorCode::OperationInterrupted) => (Cause::Timeout, "it took too long"),
        Some(ErrorCode::DatabaseCorrupt) => (Cause::ServerError, "the database is damaged"),
        Some(ErrorCode::NotADatabase) => (Cause::Misconfigured, "damaged, or encrypted behind a plain header"),
        Some(ErrorCode::ReadOnly) => (Cause::ServerError, "its last writer crashed, and only a writer can repair it"),
        Some(ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
            (Cause::MissingScope, "no permission for the file or for those beside it")
        }
        Some(ErrorCode::SystemIoFailure) => (Cause::Connect, "the disk failed"),
        _ => (Cause::UnexpectedResponse, "SQLite refused"),
    };
    failed(cause, format!("{step}: {what}"), &error.to_string())
}
