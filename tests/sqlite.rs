//! The `sqlite` probe against database files made here.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "common/probe.rs"]
mod probe;

use lampboard::{
    checks::sqlite,
    model::{Cause, Outcome, Status},
};
use probe::given;
use rusqlite::Connection;
use std::{
    fs,
    io::{Seek, SeekFrom, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

async fn check(path: &Path) -> Outcome {
    sqlite::probe(&given(&[("path", path.to_str().unwrap())]).input()).await
}

fn database(folder: &Path, rows: usize) -> PathBuf {
    let path = folder.join("a b%20#?.db");
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch("pragma user_version = 7; create table t(a text); create index i on t(a);").unwrap();
    for n in 0..rows {
        connection.execute("insert into t values (?1)", [format!("{n:0100}")]).unwrap();
    }
    path
}

fn fact<'a>(outcome: &'a Outcome, label: &str) -> Option<&'a str> {
    outcome.facts.iter().find(|f| f.label == label).map(|f| f.value.as_str())
}

#[tokio::test]
async fn a_sound_file_is_active_and_stays_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let path = database(folder.path(), 100);
    let before = fs::read(&path).unwrap();
    let outcome = check(&path).await;
    assert_eq!(outcome.cause, Cause::Ok, "{outcome:?}");
    assert_eq!((fact(&outcome, "Tables"), fact(&outcome, "Schema version")), (Some("1"), Some("7")));
    assert_eq!((fact(&outcome, "Quick check"), fact(&outcome, "Journal")), (Some("ok"), Some("rollback")));
    let fields = [("path", path.to_str().unwrap()), ("check", "open")];
    let opened = sqlite::probe(&given(&fields).input()).await;
    assert_eq!((opened.cause, fact(&opened, "Quick check")), (Cause::Ok, Some("not asked for")));
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing was left beside it");
}

#[tokio::test]
async fn a_write_ahead_log_is_read_and_none_is_left_behind() {
    let folder = tempfile::tempdir().unwrap();
    let path = database(folder.path(), 1);
    let writer = Connection::open(&path).unwrap();
    writer.pragma_update(None, "journal_mode", "wal").unwrap();
    writer.execute_batch("create table u(a)").unwrap();
    let live = check(&path).await;
    assert_eq!((live.cause, fact(&live, "Tables")), (Cause::Ok, Some("2")), "{live:?}");
    drop(writer);
    let idle = check(&path).await;
    assert_eq!((idle.cause, fact(&idle, "Journal")), (Cause::Ok, Some("write-ahead log")), "{idle:?}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing was left beside it");
}

#[tokio::test]
async fn missing_foreign_empty_and_encrypted_files_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.db");
    let missing = check(&path).await;
    assert_eq!((missing.cause, missing.evidence.rule.as_str()), (Cause::Connect, "there is no such file"));
    let mut noise = Vec::new();
    let mut random = fastrand::Rng::with_seed(3);
    noise.resize_with(8192, || random.u8(..));
    for (content, words) in [
        (&b""[..], "is empty"),
        (b"{\"not\": \"a database\"}", "no SQLite database"),
        (&noise, "encrypted"),
        (b"SQLite format 3\0", "no SQLite database"),
    ] {
        fs::write(&path, content).unwrap();
        let outcome = check(&path).await;
        assert_eq!(outcome.cause, Cause::Misconfigured, "{outcome:?}");
        assert!(outcome.evidence.rule.contains(words), "{outcome:?}");
    }
    assert_eq!(check(folder.path()).await.cause, Cause::Misconfigured, "a folder");
    assert_eq!(check(Path::new("relative.db")).await.cause, Cause::Misconfigured);
}

#[tokio::test]
async fn a_file_for_others_asks_for_permission() {
    let folder = tempfile::tempdir().unwrap();
    let path = database(folder.path(), 1);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    let outcome = check(&path).await;
    // The superuser reads everything.
    let wanted = if rustix::process::geteuid().is_root() { Status::Active } else { Status::Unauthorized };
    assert_eq!(outcome.status(), wanted, "{outcome:?}");
}

#[tokio::test]
async fn damage_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = database(folder.path(), 500);
    let length = fs::metadata(&path).unwrap().len();
    let mut file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.seek(SeekFrom::Start(8192)).unwrap();
    file.write_all(&vec![0xa5; (length - 16_384) as usize]).unwrap();
    let outcome = check(&path).await;
    assert_eq!(outcome.cause, Cause::ServerError, "{outcome:?}");
    file.set_len(5000).unwrap();
    assert_eq!(check(&path).await.cause, Cause::ServerError, "a file that broke off");
}

#[tokio::test]
async fn a_locked_file_and_a_short_time_end_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = database(folder.path(), 1);
    let writer = Connection::open(&path).unwrap();
    writer.execute_batch("pragma locking_mode = exclusive; begin exclusive; create table u(a)").unwrap();
    let input = given(&[("path", path.to_str().unwrap())]).timeout(Duration::from_millis(500));
    let outcome = sqlite::probe(&input.input()).await;
    assert_eq!(outcome.cause, Cause::Timeout, "{outcome:?}");
    drop(writer);
    assert_eq!(check(&path).await.cause, Cause::Ok);
}

#[tokio::test]
async fn a_pipe_does_not_hold_the_check() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    assert_eq!(check(&path).await.cause, Cause::Misconfigured);
}
