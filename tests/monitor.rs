//! The monitor over a made-up world, hours in a moment: when it checks, how it waits, what it makes of failures.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "common/world.rs"]
mod world;

use lampboard::{
    model::{Cause, IntegrationId, Status},
    monitor::Notice,
};
use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};
use world::{FINE, Fate, World, config, entry, eventually, monitor, until};

const SECOND: Duration = Duration::from_secs(1);

fn id(name: &str) -> IntegrationId {
    IntegrationId::new(name).unwrap()
}

fn after(cause: Cause) -> Fate {
    Fate::After(cause, Duration::from_millis(20))
}

async fn pass(seconds: u64) {
    // In steps: the wall clock that outcomes carry stands almost still meanwhile.
    for _ in 0..seconds {
        tokio::time::sleep(SECOND).await;
    }
}

#[tokio::test(start_paused = true)]
async fn every_integration_keeps_its_interval_and_its_providers_floor() {
    let home = tempfile::tempdir().unwrap();
    let world = World::new(&[]);
    let names = ["a", "b", "c", "quick"];
    let text = config("interval = \"60s\"", names)
        .replace("[integrations.quick]\n", "[integrations.quick]\ninterval = \"5s\"\n");
    let _handle = monitor(home.path(), &text, &world);
    pass(600).await;
    for name in ["a", "b", "c"] {
        let gaps = world.gaps(name);
        assert!((9..=10).contains(&gaps.len()), "{name}: {} checks", gaps.len() + 1);
        assert!(gaps.iter().all(|g| *g >= 60 * SECOND && *g < 61 * SECOND), "{name}: {gaps:?}");
    }
    // The definition's floor is ten seconds.
    assert!(world.gaps("quick").iter().all(|g| *g >= 10 * SECOND && *g < 11 * SECOND), "{:?}", world.gaps("quick"));
}

#[tokio::test(start_paused = true)]
async fn the_start_is_no_herd() {
    let home = tempfile::tempdir().unwrap();
    let world = World::new(&[]);
    let names: Vec<String> = (0..1000).map(|n| format!("s{n}")).collect();
    let _handle = monitor(home.path(), &config("interval = \"5m\"", &names), &world);
    pass(61).await;
    let times = world.all_times();
    assert_eq!(times.len(), 1000, "all within a minute");
    let busiest = times.iter().map(|from| times.iter().filter(|t| **t >= *from && **t < *from + SECOND / 10).count());
    assert!(busiest.max().unwrap() <= 20, "more than 2 % in a tenth of a second");
}

#[tokio::test(start_paused = true)]
async fn a_refused_credential_is_asked_ever_more_seldom_until_the_user_asks() {
    let home = tempfile::tempdir().unwrap();
    let world = World::new(&[("bad", after(Cause::InvalidCredential))]);
    let handle = monitor(home.path(), &config("interval = \"60s\"", ["bad"]), &world);
    pass(3600).await;
    let gaps = world.gaps("bad");
    assert!(gaps.windows(2).all(|w| w[1] >= w[0] + 59 * SECOND), "doubling: {gaps:?}");
    let before = world.times("bad").len();
    assert!(before < 10, "{before} checks in an hour");
    handle.check(&id("bad"));
    pass(5).await;
    assert_eq!(world.times("bad").len(), before + 1);
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_is_waited_out() {
    let home = tempfile::tempdir().unwrap();
    let world = World::new(&[("limited", Fate::Until(3600))]);
    let _handle = monitor(home.path(), &config("interval = \"60s\"", ["limited"]), &world);
    pass(3500).await;
    assert_eq!(world.times("limited").len(), 1);
    world.set("limited", vec![FINE]);
    pass(200).await;
    assert!(world.times("limited").len() >= 2);
}

#[tokio::test(start_paused = true)]
async fn only_what_may_pass_is_tried_again() {
    let home = tempfile::tempdir().unwrap();
    let causes = [
        ("connect", Cause::Connect, 3),
        ("server", Cause::ServerError, 3),
        ("refused", Cause::InvalidCredential, 1),
        ("strange", Cause::UnexpectedResponse, 1),
        ("limited", Cause::Throttled, 1),
    ];
    let fates: Vec<_> = causes.iter().map(|(n, c, _)| (*n, after(*c))).collect();
    let world = World::new(&fates);
    let handle = monitor(home.path(), &config("interval = \"1h\"", causes.map(|c| c.0)), &world);
    pass(60).await;
    for (name, _, attempts) in causes {
        assert_eq!(world.times(name).len(), attempts, "{name}");
        assert_eq!(entry(&handle, name).outcome.as_ref().unwrap().attempts, attempts as u32, "{name}");
        assert_eq!(entry(&handle, name).metrics.total, 1, "{name}: one check, however many attempts");
    }
    assert!(
        world.gaps("connect").iter().all(|g| *g >= SECOND / 10),
        "with a pause between: {:?}",
        world.gaps("connect")
    );
}

#[tokio::test(start_paused = true)]
async fn a_thousand_that_hang_make_nobody_late() {
    let home = tempfile::tempdir().unwrap();
    let world = World::new(&[("hang", Fate::Hang)]);
    let names: Vec<String> =
        (0..1000).map(|n| format!("hang-{n}")).chain((0..50).map(|n| format!("good-{n}"))).collect();
    let board = "interval = \"30s\"\ntimeout = \"4m\"\nattempts = 1";
    let _handle = monitor(home.path(), &config(board, &names), &world);
    pass(300).await;
    for n in 0..50 {
        let gaps = world.gaps(&format!("good-{n}"));
        assert!(gaps.len() >= 7, "good-{n}: {}", gaps.len());
        assert!(gaps.iter().all(|g| *g < 33 * SECOND), "good-{n} was late: {gaps:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn so_many_at_once_and_so_many_to_one_host() {
    let home = tempfile::tempdir().unwrap();
    let slow = [("s", Fate::After(Cause::Ok, SECOND / 2))];
    let names: Vec<String> = (0..200).map(|n| format!("s-{n}")).collect();
    let world = World::new(&slow);
    let handle = monitor(home.path(), &config("concurrency = 8\nper_host = 3", &names), &world);
    handle.check_all();
    pass(60).await;
    assert_eq!(world.most.load(Ordering::SeqCst), 8);

    let home = tempfile::tempdir().unwrap();
    let world = World::with_host(&slow, Some("one.example:443"));
    let handle = monitor(home.path(), &config("concurrency = 64\nper_host = 3", &names), &world);
    handle.check_all();
    pass(120).await;
    assert_eq!(world.most_to_one_host.load(Ordering::SeqCst), 3);
    assert!(world.all_times().len() >= 200);
}

#[tokio::test(start_paused = true)]
async fn an_incident_needs_its_failures_and_its_successes() {
    let home = tempfile::tempdir().unwrap();
    let world = World::new(&[]);
    let fail = || after(Cause::ServerError);
    world.set("a", vec![FINE, fail(), FINE, fail(), fail(), fail(), FINE, FINE, FINE]);
    let board = "interval = \"60s\"\nattempts = 1\nfailures_to_open = 2\nsuccesses_to_close = 2";
    let handle = monitor(home.path(), &config(board, ["a"]), &world);
    let mut notices = handle.notices();
    let mut open = Vec::new();
    for checks in 1..=9 {
        until("a check", || entry(&handle, "a").metrics.total == checks).await;
        open.push(entry(&handle, "a").incident.is_some());
    }
    assert_eq!(open, [false, false, false, false, true, true, true, false, false]);
    // The history is written by a thread of its own, which knows no paused clock.
    let kept = || async { handle.incidents(Some(id("a")), 10).await.unwrap() };
    let incidents = eventually("the incident's end", kept, |all| all.iter().any(|i| i.closed.is_some())).await;
    assert_eq!(incidents.len(), 1);
    assert!(incidents[0].closed.is_some() && incidents[0].opened < incidents[0].closed.unwrap());
    let mut told = 0;
    while let Ok(notice) = notices.try_recv() {
        told += usize::from(matches!(notice, Notice::Incident(_)));
    }
    assert_eq!(told, 2, "one opened, one closed");
}

#[tokio::test(start_paused = true)]
async fn a_pause_outlives_the_program() {
    let home = tempfile::tempdir().unwrap();
    let world = World::new(&[]);
    let text = config("interval = \"60s\"", ["a", "b"]);
    let handle = monitor(home.path(), &text, &world);
    until("checks", || entry(&handle, "a").metrics.total == 1).await;
    handle.pause(&id("a"), true).await.unwrap();
    assert_eq!(entry(&handle, "a").cause, Cause::Paused);
    handle.stop(5 * SECOND).await;
    drop(handle);

    let world = World::new(&[]);
    let handle = monitor(home.path(), &text, &world);
    pass(300).await;
    assert!(world.times("a").is_empty() && !world.times("b").is_empty());
    handle.pause(&id("a"), false).await.unwrap();
    until("a check", || !world.times("a").is_empty()).await;
}

#[tokio::test(start_paused = true)]
async fn our_own_networks_failure_is_nobodys_incident() {
    let home = tempfile::tempdir().unwrap();
    let world = World::new(&[]);
    let handle = monitor(home.path(), &config("interval = \"60s\"\nattempts = 1", ["a"]), &world);
    until("a check", || entry(&handle, "a").metrics.total == 1).await;
    world.online.store(false, Ordering::SeqCst);
    world.set("a", vec![after(Cause::Connect)]);
    until("the verdict", || entry(&handle, "a").cause == Cause::OwnNetwork).await;
    pass(300).await;
    let a = entry(&handle, "a");
    assert!(a.incident.is_none() && a.metrics.total == 1 && a.metrics.failed == 0);
    assert!(!handle.snapshots().borrow().online);
    // It is asked often enough to notice soon that the network is back.
    world.online.store(true, Ordering::SeqCst);
    world.set("a", vec![FINE]);
    pass(35).await;
    assert_eq!(entry(&handle, "a").status(), Status::Active);
}

#[tokio::test(start_paused = true)]
async fn a_check_that_panics_ends_alone() {
    let home = tempfile::tempdir().unwrap();
    let world = World::new(&[("broken", Fate::Panic)]);
    let handle = monitor(home.path(), &config("interval = \"60s\"\nattempts = 1", ["broken", "fine"]), &world);
    pass(200).await;
    assert_eq!(entry(&handle, "broken").cause, Cause::Internal);
    assert!(world.times("broken").len() >= 3, "it is tried again as ever");
    assert_eq!(entry(&handle, "fine").status(), Status::Active);
}

#[tokio::test(start_paused = true)]
async fn the_log_does_not_repeat_what_a_panic_quotes() {
    let home = tempfile::tempdir().unwrap();
    let log = home.path().join("log");
    let file = std::sync::Mutex::new(std::fs::File::create(&log).unwrap());
    let _kept = tracing::subscriber::set_default(
        tracing_subscriber::fmt().with_writer(file).with_max_level(tracing::Level::TRACE).with_ansi(false).finish(),
    );
    let world = World::new(&[("broken", Fate::Panic)]);
    let handle = monitor(home.path(), &config("interval = \"60s\"\nattempts = 1", ["broken"]), &world);
    pass(5).await;
    assert_eq!(entry(&handle, "broken").cause, Cause::Internal);
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains("a check ended by itself") && log.contains("panicked=true"), "{log}");
    assert!(!log.contains("the probe broke"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopping_waits_for_nobody() {
    let home = tempfile::tempdir().unwrap();
    let world = World::new(&[("hang", Fate::Hang)]);
    let names: Vec<String> = (0..100).map(|n| format!("hang-{n}")).collect();
    let handle = monitor(home.path(), &config("", &names), &world);
    handle.check_all();
    until("checks under way", || !world.all_times().is_empty()).await;
    let start = Instant::now();
    handle.stop(20 * SECOND).await;
    assert!(start.elapsed() < 10 * SECOND, "the hanging checks were waited for");
    assert!(handle.pause(&id("hang-1"), true).await.is_err());
}
