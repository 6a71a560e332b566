//! Random journeys through the real program with planted secrets in every place a secret can come from; then every
//! place a secret could have gone to is searched. `LAMPBOARD_LEAK_SEED=…` repeats a run.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "leak/board.rs"]
mod board;
#[path = "leak/calls.rs"]
mod calls;
#[path = "leak/canaries.rs"]
mod canaries;
#[path = "leak/controls.rs"]
mod controls;
#[path = "leak/cores.rs"]
mod cores;
#[path = "leak/disk.rs"]
mod disk;
#[path = "leak/faults.rs"]
mod faults;
#[path = "leak/files.rs"]
mod files;
#[path = "leak/furnish.rs"]
mod furnish;
#[path = "leak/home.rs"]
mod home;
#[path = "common/pty.rs"]
mod pty;
#[path = "leak/server.rs"]
mod server;
#[path = "leak/sign_in.rs"]
mod sign_in;
#[path = "leak/steps.rs"]
mod steps;
#[path = "leak/sum.rs"]
mod sum;
#[path = "leak/tokens.rs"]
mod tokens;

use home::Journey;
use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};
use sum::{KINDS, SINKS, Sum, travelling};

const JOURNEYS: usize = 12;
/// The least that all journeys together do.
const STEPS: usize = 500;
/// The least checks and calls that panicked, in a build that can be told to.
const PANICS: usize = 14;

/// The seed of this run: told, or made up.
fn seed() -> u64 {
    let told = std::env::var("LAMPBOARD_LEAK_SEED").ok().and_then(|s| s.parse().ok());
    told.unwrap_or_else(|| fastrand::u64(..1 << 48))
}

/// One user: what every journey has of its own first, then as the dice fall.
fn travel(journey: &mut Journey, number: usize) {
    journey.run(&["check"], "");
    match number % 5 {
        0 => {
            journey.fill_in(true);
            journey.panic_on_the_board();
        }
        1 => {
            journey.fill_in(false);
            journey.sign_in_on_the_board();
        }
        2 => {
            journey.rotate_on_the_board();
            journey.sign_in_by_browser();
            journey.renew();
        }
        3 => {
            journey.add();
            let secret = journey.plant("stdin");
            journey.run(&["secret", "set", "lone"], &secret);
            journey.run(&["check", "lone"], "");
            journey.call_on_the_board();
        }
        _ => {
            journey.slip();
            let secret = journey.plant("new");
            journey.run(&["secret", "rotate", "lone"], &secret);
            journey.crash();
            journey.run(&["call", "lone", "rows", "-o", "rows.csv"], "");
            journey.run(&["call", "lone", "rows", "-o", "rows.json"], "");
            journey.run(&["doctor", "--bundle"], "");
        }
    }
    journey.panic_in_a_task();
    if number.is_multiple_of(6) {
        journey.passphrase();
        journey.unlock_on_the_board();
    }
    for _ in 0..5 {
        journey.step();
    }
    journey.wander();
    for _ in 0..6 {
        journey.step();
    }
    journey.search_files();
}

#[test]
fn no_journey_leaves_a_secret_anywhere() {
    let seed = seed();
    println!("LAMPBOARD_LEAK_SEED={seed}");
    let (next, total) = (AtomicUsize::new(0), Mutex::new(Sum::default()));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    if number >= JOURNEYS {
                        return;
                    }
                    let journey = Journey::new(seed.wrapping_add(number as u64), number);
                    let name = format!("journey {number} of seed {seed}");
                    let sum = Sum::of(&name, journey, |journey| travel(journey, number));
                    total.lock().unwrap().add(sum);
                }
            });
        }
    });
    let total = total.into_inner().unwrap();
    println!("{total}");
    assert!(total.problems.is_empty(), "seed {seed}\n{}", total.problems.join("\n"));
    assert!(total.steps >= STEPS, "only {} steps (seed {seed})", total.steps);
    let strange: Vec<_> = total.kinds.keys().filter(|k| !KINDS.contains(&k.as_str())).collect();
    assert!(strange.is_empty(), "kinds that no control knows: {strange:?}");
    let home: Vec<_> = travelling().filter(|k| !total.travelled.contains(*k)).collect();
    assert!(home.is_empty(), "these never travelled, so nothing is proved for them: {home:?} (seed {seed})");
    let empty: Vec<_> = SINKS.iter().filter(|s| total.sinks.get(**s).is_none_or(|(_, bytes)| *bytes == 0)).collect();
    assert!(empty.is_empty(), "there was nothing to search in {empty:?} (seed {seed})");
    assert!(total.samples > 20, "only {} programs looked around (seed {seed})", total.samples);
    assert!(total.cores > 0, "nothing was killed where a core could be (seed {seed})");
    if cfg!(debug_assertions) {
        assert!(total.panics >= PANICS, "only {} panics (seed {seed})", total.panics);
    } else {
        assert_eq!(total.panics, 0, "a build like a release can be told to panic");
    }
}
