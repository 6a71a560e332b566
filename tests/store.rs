//! The history: what survives a restart, damage, a full disk and a kill; and whether its sums are true.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use jiff::{SignedDuration, Timestamp};
use lampboard::{
    model::{Cause, Incident, IntegrationId, Outcome, Sample, Status},
    store::{Health, Retention, Store},
};
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

const DAY: Duration = Duration::from_secs(86_400);
const LONG: Retention = Retention {
    raw: Duration::from_secs(400 * 86_400),
    minutes: Duration::from_secs(400 * 86_400),
    hours: Duration::from_secs(400 * 86_400),
};

fn id(name: &str) -> IntegrationId {
    IntegrationId::new(name).unwrap()
}

fn outcome(cause: Cause, at: Timestamp, ms: u64) -> Arc<Outcome> {
    let mut outcome = Outcome::of(cause, at, "rule", "seen");
    outcome.latency = Some(Duration::from_millis(ms));
    outcome.code = Some(if cause == Cause::Ok { 200 } else { 500 });
    Arc::new(outcome)
}

fn put(store: &Store, name: &str, cause: Cause, at: Timestamp, ms: u64) {
    store.record(&id(name), outcome(cause, at, ms), at, 1);
}

fn ago(seconds: i64) -> Timestamp {
    Timestamp::now() - SignedDuration::from_secs(seconds)
}

fn open(file: &Path) -> Store {
    let (store, messages) = Store::open(file, LONG);
    assert!(messages.is_empty(), "{messages:?}");
    store
}

async fn written(store: &Store) {
    store.flush(Duration::from_secs(20)).await;
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.db");
    let store = open(&file);
    for n in 0..40 {
        put(&store, "a", if n % 4 == 0 { Cause::ServerError } else { Cause::Ok }, ago(4000 - n * 60), 100 + n as u64);
    }
    let incident = Incident {
        integration: id("a"),
        opened: ago(500),
        closed: None,
        cause: Cause::ServerError,
        evidence: "HTTP 500".to_owned(),
    };
    store.record_incident(incident.clone());
    written(&store).await;
    drop(store);

    let store = open(&file);
    let remembered = store.remembered();
    let a = &remembered[&id("a")];
    assert_eq!((a.metrics.total, a.metrics.successful, a.metrics.failed), (40, 30, 10));
    assert_eq!(a.recent.len(), 30);
    assert!(a.recent.windows(2).all(|w| w[0].at < w[1].at), "oldest first");
    assert_eq!(a.outcome.as_ref().unwrap().latency, Some(Duration::from_millis(139)));
    assert_eq!(a.incident.as_ref().unwrap().evidence, incident.evidence);
    let rows = store.rows(id("a"), 5).await.unwrap();
    assert_eq!(rows.len(), 5);
    assert!(rows[0].at > rows[4].at, "newest first");
    assert_eq!(store.incidents(None, 10).await.unwrap().len(), 1);
    // A closed incident replaces the open one.
    store.record_incident(Incident { closed: Some(ago(1)), ..incident });
    store.rename(&id("a"), &id("b"));
    written(&store).await;
    let incidents = store.incidents(Some(id("b")), 10).await.unwrap();
    assert!(incidents.len() == 1 && incidents[0].closed.is_some());
    assert!(store.rows(id("a"), 5).await.unwrap().is_empty());
}

#[tokio::test]
async fn measured_numbers_become_series() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("history.db"));
    for n in 0..50 {
        let mut outcome = (*outcome(Cause::Ok, ago(5000 - n * 60), 5)).clone();
        outcome.samples = vec![
            Sample { name: "disk".to_owned(), value: n as f64, unit: "%".to_owned() },
            Sample { name: "load".to_owned(), value: -0.5, unit: String::new() },
        ];
        store.record(&id("a"), Arc::new(outcome), ago(5000), 1);
    }
    written(&store).await;
    let series = store.series(id("a"), ago(86_400), 20).await.unwrap();
    assert_eq!(
        series.iter().map(|s| (s.name.as_str(), s.points.len())).collect::<Vec<_>>(),
        [("disk", 20), ("load", 20)]
    );
    assert_eq!(series[0].points.last().unwrap().1, 49.0);
    assert!(series[0].points.windows(2).all(|w| w[0].0 < w[1].0) && series[0].unit == "%");
    assert!(store.series(id("b"), ago(86_400), 20).await.unwrap().is_empty());
}

#[tokio::test]
async fn damage_is_set_aside_and_recording_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.db");
    let store = open(&file);
    for n in 0..2000 {
        put(&store, "a", Cause::Ok, ago(9000 - n), 5);
    }
    written(&store).await;
    drop(store);
    let sound = std::fs::read(&file).unwrap();

    let garbage = b"this is no database at all".repeat(50);
    let mut flipped = sound.clone();
    flipped[4096..].iter_mut().step_by(97).for_each(|b| *b ^= 0x5a);
    let mut header = sound.clone();
    header[..16].copy_from_slice(b"SQLite format 9\0");
    for (what, bytes) in [
        ("garbage", garbage),
        ("cut off", sound[..sound.len() / 2 + 13].to_vec()),
        ("flipped", flipped),
        ("header", header),
    ] {
        for companion in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(folder.path().join(format!("history.db{companion}")));
        }
        std::fs::write(&file, &bytes).unwrap();
        let (store, messages) = Store::open(&file, LONG);
        assert!(messages.iter().any(|m| m.contains("damaged") && m.contains("kept as")), "{what}: {messages:?}");
        let aside = aside(folder.path(), "damaged");
        assert!(aside.iter().any(|p| std::fs::read(p).unwrap() == bytes), "{what}: the old bytes are kept");
        put(&store, "a", Cause::Ok, ago(1), 5);
        written(&store).await;
        assert_eq!(store.rows(id("a"), 5).await.unwrap().len(), 1, "{what}");
        assert_eq!(store.health(), Health::Recording);
        drop(store);
        aside.iter().for_each(|p| std::fs::remove_file(p).unwrap());
    }
}

fn aside(folder: &Path, why: &str) -> Vec<PathBuf> {
    let all = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
    all.filter(|p| {
        let name = p.file_name().unwrap().to_string_lossy().into_owned();
        name.contains(why) && !name.ends_with("-wal") && !name.ends_with("-shm")
    })
    .collect()
}

#[tokio::test]
async fn a_newer_database_is_set_aside_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.db");
    drop(open(&file));
    let connection = rusqlite::Connection::open(&file).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    connection.execute_batch("create table future(x); pragma wal_checkpoint(truncate);").unwrap();
    drop(connection);
    let (_store, messages) = Store::open(&file, LONG);
    assert!(messages[0].contains("newer Lampboard (format 99)"), "{messages:?}");
    let kept = aside(folder.path(), "newer");
    let connection = rusqlite::Connection::open(&kept[0]).unwrap();
    assert_eq!(connection.query_row("select count(*) from future", [], |r| r.get::<_, i64>(0)).unwrap(), 0);
}

/// Not a test by itself: the other end of the next two.
#[tokio::test]
async fn child() {
    let Ok(role) = std::env::var("LAMPBOARD_TEST_STORE") else { return };
    let (role, file) = role.split_once(':').unwrap();
    let (store, _) = Store::open(Path::new(file), LONG);
    match role {
        "endless" => loop {
            put(&store, "a", Cause::Ok, Timestamp::now(), 5);
            store.flush(Duration::from_millis(20)).await;
        },
        _ => {
            // The limit on file size stops the database long before the loop ends.
            for n in 0..200_000 {
                put(&store, &format!("s{}", n % 50), Cause::Ok, ago(400_000 - n), 5);
                if n % 1000 == 0 {
                    store.flush(Duration::from_secs(5)).await;
                    if let Health::Paused(why) = store.health() {
                        assert!(why.contains("history paused"), "{why}");
                        std::fs::write(Path::new(file).with_extension("paused"), why).unwrap();
                        return;
                    }
                }
            }
        }
    }
}

fn again(role: &str, file: &Path, limit: Option<u32>) -> Command {
    let program = std::env::current_exe().unwrap();
    let arguments = "--exact child --nocapture --test-threads=1";
    let mut command = Command::new("sh");
    // A file that would grow beyond the limit is refused with an error instead of a signal.
    let limit = limit.map_or(String::new(), |kib| format!("trap '' XFSZ; ulimit -f {}; ", kib * 2));
    command.args(["-c", &format!("{limit}exec '{}' {arguments}", program.display())]);
    command.env("LAMPBOARD_TEST_STORE", format!("{role}:{}", file.display()));
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

#[test]
fn a_full_disk_stops_recording_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.db");
    let status = again("full", &file, Some(600)).status().unwrap();
    assert!(status.success());
    let why = std::fs::read_to_string(file.with_extension("paused")).expect("the store said that it is paused");
    assert!(!why.is_empty());
    // What was written before is sound.
    let (store, messages) = Store::open(&file, LONG);
    assert!(messages.is_empty(), "{messages:?}");
    assert!(store.remembered().len() > 10);
}

#[test]
fn killed_in_the_middle_it_opens_without_loss() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.db");
    let mut rows = 0;
    for _ in 0..5 {
        let mut child = again("endless", &file, None).spawn().unwrap();
        let start = Instant::now();
        let count = || {
            let connection = rusqlite::Connection::open(&file).ok()?;
            connection.query_row("select count(*) from checks", [], |r| r.get::<_, i64>(0)).ok()
        };
        while count().is_none_or(|n| n <= rows) {
            assert!(start.elapsed() < Duration::from_secs(30), "nothing is written");
            std::thread::sleep(Duration::from_millis(5));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let (store, messages) = Store::open(&file, LONG);
        assert!(messages.is_empty(), "{messages:?}");
        let now = count().unwrap();
        assert!(now > rows, "{now} rows after {rows}");
        let totals = store.remembered()[&id("a")].metrics.total;
        assert_eq!(totals, now.unsigned_abs(), "totals and rows were written together");
        rows = now;
    }
}

#[tokio::test]
async fn sums_are_what_the_single_checks_give() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("history.db"));
    let mut random = fastrand::Rng::with_seed(7);
    let causes = [Cause::Ok, Cause::Ok, Cause::Ok, Cause::ServerError, Cause::Throttled, Cause::InvalidCredential];
    let mut all = Vec::new();
    let mut at = ago(5 * 86_400);
    loop {
        // Gaps of hours now and then.
        let gap = if random.f64() < 0.005 { random.i64(10_000..40_000) } else { random.i64(20..400) };
        at += SignedDuration::from_secs(gap);
        if at > ago(60) {
            break;
        }
        let cause = causes[random.usize(..causes.len())];
        let ms = (20.0 * (random.f64() * 4.0).exp()) as u64;
        put(&store, "a", cause, at, ms);
        all.push((at, cause, ms));
    }
    written(&store).await;
    for step in [60u64, 300, 3600, 21_600, 86_400] {
        let (from, to) = (ago(6 * 86_400), Timestamp::now());
        let buckets = store.buckets(Some(id("a")), from, to, Duration::from_secs(step)).await.unwrap();
        assert_eq!(buckets.iter().map(|b| b.total).sum::<u64>(), all.len() as u64, "step {step}");
        for bucket in &buckets {
            let end = bucket.start + SignedDuration::try_from(bucket.span).unwrap();
            let inside: Vec<_> = all.iter().filter(|(at, ..)| *at >= bucket.start && *at < end).collect();
            assert_eq!(bucket.total, inside.len() as u64, "step {step}");
            assert!(bucket.total > 0, "a gap has no bucket");
            let count = |status: Status| inside.iter().filter(|(_, c, _)| c.status() == status).count() as u64;
            assert_eq!(bucket.successful, count(Status::Active));
            assert_eq!(bucket.rate_limited, count(Status::RateLimited));
            assert_eq!(bucket.unauthorized, count(Status::Unauthorized));
            let mut good: Vec<u64> = inside.iter().filter(|(_, c, _)| *c == Cause::Ok).map(|(.., ms)| *ms).collect();
            good.sort_unstable();
            if good.len() >= 20 {
                for (share, told) in [(0.5, bucket.p50), (0.95, bucket.p95)] {
                    let rank = ((good.len() as f64 * share) as usize).min(good.len() - 1);
                    let told = told.unwrap().as_secs_f64() * 1000.0;
                    // Between neighbours of the rank, within the sketch's hundredth.
                    let (low, high) =
                        (good[rank.saturating_sub(1)] as f64, good[(rank + 1).min(good.len() - 1)] as f64);
                    assert!(told >= low * 0.98 && told <= high * 1.02, "{share}: {told} is not in {low}–{high}");
                }
            }
        }
    }
}

#[tokio::test]
async fn old_rows_go_and_their_sums_stay() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.db");
    let store = open(&file);
    for n in 0..200 {
        put(&store, "a", Cause::Ok, ago(10 * 86_400 - n * 3600), 5);
    }
    written(&store).await;
    drop(store);
    // The next start cleans up by its own rules.
    let (store, _) = Store::open(&file, Retention { raw: DAY, minutes: 2 * DAY, hours: 300 * DAY });
    put(&store, "a", Cause::Ok, ago(1), 5);
    let start = Instant::now();
    loop {
        written(&store).await;
        let rows = store.rows(id("a"), 1000).await.unwrap().len();
        if rows <= 26 {
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(20), "{rows} rows are left");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let hours =
        store.buckets(Some(id("a")), ago(11 * 86_400), Timestamp::now(), Duration::from_secs(86_400)).await.unwrap();
    assert_eq!(hours.iter().map(|b| b.total).sum::<u64>(), 201);
}

#[test]
fn no_query_reads_the_whole_history() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.db");
    drop(open(&file));
    let connection = rusqlite::Connection::open(&file).unwrap();
    for sql in [
        "select ts, cause, latency, code from checks where integration = 1 order by ts desc limit 30",
        "delete from checks where integration = 1 and ts < 5",
        "select start from rollups where span = 60000 and integration = 1 and start >= 5 and start < 9",
        "select start from rollups where span = 60000 and start >= 5 and start < 9",
        "select opened from incidents where integration = 1 order by opened desc limit 9",
    ] {
        let mut plan = connection.prepare(&format!("explain query plan {sql}")).unwrap();
        let steps: Vec<String> = plan.query_map([], |r| r.get(3)).unwrap().map(Result::unwrap).collect();
        assert!(steps.iter().all(|s| !s.starts_with("SCAN")), "{sql}: {steps:?}");
        assert!(steps.iter().any(|s| s.contains("USING PRIMARY KEY")), "{sql}: {steps:?}");
    }
}
