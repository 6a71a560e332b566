//! Random journeys through the real program with planted secrets in every place a secret can come from; then every
//! place a secret could have gone to is searched. `LAMPBOARD_LEAK_SEED=…` repeats a run.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "leak/board.rs"]
mod board;
#[path = "leak/canaries.rs"]
mod canaries;
#[path = "leak/home.rs"]
mod home;
#[path = "common/pty.rs"]
mod pty;
#[path = "leak/server.rs"]
mod server;
#[path = "leak/steps.rs"]
mod steps;

use canaries::{Canaries, forms, without_escapes};
use home::Journey;
use std::{
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

const JOURNEYS: usize = 20;
/// The least that all journeys together do.
const STEPS: usize = 500;
/// Kinds that the server must have been sent by the end: a secret that never travelled proves nothing by its absence.
const TRAVELLED: [&str; 11] =
    ["vault", "env", "file", "cmd", "credential", "stdin", "piped", "typed", "pasted", "new", "rotated"];

/// What one journey gives to the sum.
#[derive(Default)]
struct Sum {
    steps: usize,
    canaries: usize,
    sinks: usize,
    bytes: usize,
    samples: usize,
    kinds: BTreeSet<String>,
    travelled: BTreeSet<String>,
    problems: Vec<String>,
}

/// One user: what every journey has of its own first, then as the dice fall.
fn travel(journey: &mut Journey, number: usize) {
    journey.run(&["check"], "");
    match number % 5 {
        0 => journey.fill_in(true),
        1 => journey.fill_in(false),
        2 => journey.rotate_on_the_board(),
        3 => {
            journey.add();
            let secret = journey.plant("stdin");
            journey.run(&["secret", "set", "lone"], &secret);
            journey.run(&["check", "lone"], "");
        }
        _ => {
            journey.slip();
            let secret = journey.plant("new");
            journey.run(&["secret", "rotate", "lone"], &secret);
        }
    }
    if number.is_multiple_of(4) {
        journey.passphrase();
        journey.unlock_on_the_board();
    }
    for _ in 0..4 {
        journey.step();
    }
    journey.wander();
    for _ in 0..6 {
        journey.step();
    }
    journey.search_files();
}

fn one(seed: u64, number: usize) -> Sum {
    let mut sum = Sum::default();
    let mut journey = Journey::new(seed.wrapping_add(number as u64), number);
    let end = catch_unwind(AssertUnwindSafe(|| travel(&mut journey, number)));
    if let Err(panic) = end {
        let why = panic.downcast_ref::<String>().cloned().unwrap_or_else(|| "no text".to_owned());
        sum.problems.push(format!("journey {number} of seed {seed}: {why}\nafter {:#?}", journey.steps));
    }
    for leak in &journey.leaks {
        sum.problems.push(format!("journey {number} of seed {seed}: {leak:?}"));
    }
    if !journey.leaks.is_empty() {
        sum.problems.push(format!("{:#?}", journey.steps));
    }
    sum.steps = journey.steps.len();
    sum.canaries = journey.canaries.all.len();
    sum.sinks = journey.canaries.sinks_searched;
    sum.bytes = journey.canaries.bytes_searched;
    sum.samples = journey.samples;
    let heard = journey.server.heard.lock().unwrap().clone();
    for (kind, value) in &journey.canaries.all {
        sum.kinds.insert(kind.clone());
        if heard.contains(value.as_str()) {
            sum.travelled.insert(kind.clone());
        }
    }
    sum
}

#[test]
fn no_journey_leaves_a_secret_anywhere() {
    let seed = std::env::var("LAMPBOARD_LEAK_SEED").ok().and_then(|s| s.parse().ok());
    let seed: u64 = seed.unwrap_or_else(|| fastrand::u64(..1 << 48));
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
                    let sum = one(seed, number);
                    let mut total = total.lock().unwrap();
                    total.steps += sum.steps;
                    total.canaries += sum.canaries;
                    total.sinks += sum.sinks;
                    total.bytes += sum.bytes;
                    total.samples += sum.samples;
                    total.kinds.extend(sum.kinds);
                    total.travelled.extend(sum.travelled);
                    total.problems.extend(sum.problems);
                }
            });
        }
    });
    let total = total.into_inner().unwrap();
    println!(
        "{} journeys, {} steps, {} secrets of {} kinds planted, {} sinks searched ({} MiB), {} looks from within programs",
        JOURNEYS,
        total.steps,
        total.canaries,
        total.kinds.len(),
        total.sinks,
        total.bytes >> 20,
        total.samples
    );
    assert!(total.problems.is_empty(), "seed {seed}\n{}", total.problems.join("\n"));
    assert!(total.steps >= STEPS, "only {} steps (seed {seed})", total.steps);
    let home: Vec<_> = TRAVELLED.iter().filter(|k| !total.travelled.contains(**k)).collect();
    assert!(home.is_empty(), "these never travelled, so nothing is proved for them: {home:?} (seed {seed})");
    assert!(total.samples > 20, "only {} programs looked around (seed {seed})", total.samples);
}

#[test]
fn a_secret_left_in_any_file_is_found() {
    let mut journey = Journey::new(1, 0);
    journey.run(&["check"], "");
    let (_, secret) = journey.canaries.all.iter().find(|(kind, _)| kind == "vault").unwrap().clone();
    journey.search_files();
    assert!(journey.leaks.is_empty(), "{:?}", journey.leaks);
    let log = journey.file("lampboard.log");
    let mut text = std::fs::read(&log).unwrap_or_default();
    text.extend(format!("\n2026-01-01 INFO token {secret} was used\n").bytes());
    std::fs::write(&log, text).unwrap();
    journey.search_files();
    assert_eq!((&*journey.leaks[0].place, &*journey.leaks[0].kind), ("lampboard.log", "vault"));

    // A place that may hold one kind may not hold another.
    journey.leaks.clear();
    std::fs::write(&log, "").unwrap();
    std::fs::write(journey.file("token.txt"), &secret).unwrap();
    journey.search_files();
    assert_eq!(journey.leaks.len(), 1, "{:?}", journey.leaks);
    assert_eq!((&*journey.leaks[0].place, &*journey.leaks[0].kind), ("token.txt", "vault"));
}

#[test]
fn every_form_of_a_secret_is_found_and_other_texts_are_not() {
    let mut canaries = Canaries::default();
    let mut rng = fastrand::Rng::with_seed(7);
    let secret = canaries.plant("vault", &mut rng);
    let body = secret.strip_prefix("CANARY-vault-").unwrap().to_owned();
    for (form, text) in forms(&body) {
        let found = canaries.search("here", format!("\u{0}\u{1}{text}\u{ff}").as_bytes(), &[]);
        assert_eq!(found.len(), 1, "{form}");
        // Half of it is a leak too.
        assert_eq!(canaries.search("here", &text.as_bytes()[text.len() / 2..], &[]).len(), 1, "half of {form}");
    }
    let other = Canaries::default().plant("vault", &mut rng);
    assert!(canaries.search("here", other.as_bytes(), &[]).is_empty());
    assert!(canaries.search("here", "CANARY-vault-•••• \u{2022}".as_bytes(), &[]).is_empty());
    // On a terminal, with a change of style in the middle.
    let styled = format!("{}\x1b[1;31m{}\x1b[0m", &body[..7], &body[7..]);
    assert_eq!(canaries.search("here", &without_escapes(styled.as_bytes()), &[]).len(), 1);
}
