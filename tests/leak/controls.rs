//! The search finds what it is to find: every kind of secret, in every form, in every place.

use super::{
    canaries::{Canaries, forms, without_escapes},
    cores::{Place, files, looks_like_a_core, place},
    home::Journey,
    sum::KINDS,
};
use std::process::Command;

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
fn every_kind_is_found_in_every_form_and_place() {
    let mut journey = Journey::new(2, 0);
    let all: Vec<(&str, String)> = KINDS.iter().map(|kind| (*kind, journey.plant(kind))).collect();
    let names = ["lampboard.log", "audit.jsonl", "config.toml", "history.db-wal", "samples/1.environ", "saved.csv"];
    let before: Vec<Vec<u8>> = names.iter().map(|n| std::fs::read(journey.file(n)).unwrap_or_default()).collect();
    for (at, (kind, value)) in all.iter().enumerate() {
        let body = value.strip_prefix(&format!("CANARY-{kind}-")).unwrap();
        for (n, (form, text)) in forms(body).into_iter().enumerate() {
            // Each form in a file of its turn, in what was printed, and drawn in two styles on a terminal.
            let file = (at + n) % names.len();
            let here = [&before[file][..], b" \x00\xff", text.as_bytes(), b"\n"].concat();
            std::fs::write(journey.file(names[file]), here).unwrap();
            journey.search_files();
            let found: Vec<_> = journey.leaks.drain(..).map(|l| (l.place, l.kind)).collect();
            // Ten digits of hex are five letters: two secrets may have them in common.
            assert!(found.contains(&(names[file].to_owned(), (*kind).to_owned())), "{form}: {found:?}");
            assert!(found.iter().all(|(place, _)| place == names[file]), "{form}: {found:?}");
            std::fs::write(journey.file(names[file]), &before[file]).unwrap();
            let (left, right) = text.split_at(7);
            journey.search_terminal("there", format!("{left}\x1b[1;31m{right}\x1b[0m").as_bytes(), "nothing");
            journey.search("stderr", "there", format!("error: '{text}'").as_bytes(), &[]);
            let kinds: Vec<_> = journey.leaks.drain(..).map(|l| l.kind).collect();
            assert!(kinds.iter().filter(|k| k == kind).count() >= 2, "{form}: {kinds:?}");
        }
    }
}

#[test]
fn half_of_a_secret_is_found_and_other_texts_are_not() {
    let mut canaries = Canaries::default();
    let mut rng = fastrand::Rng::with_seed(7);
    let secret = canaries.plant("vault", &mut rng);
    let body = secret.strip_prefix("CANARY-vault-").unwrap().to_owned();
    for (form, text) in forms(&body) {
        assert_eq!(canaries.search("x", "here", &text.as_bytes()[text.len() / 2..], &[]).len(), 1, "half of {form}");
    }
    let other = Canaries::default().plant("vault", &mut rng);
    assert!(canaries.search("x", "here", other.as_bytes(), &[]).is_empty());
    assert!(canaries.search("x", "here", "CANARY-vault-•••• \u{2022}".as_bytes(), &[]).is_empty());
    let styled = format!("{}\x1b[1;31m{}\x1b[0m", &body[..7], &body[7..]);
    assert_eq!(canaries.search("x", "here", &without_escapes(styled.as_bytes()), &[]).len(), 1);
}

/// A program that guards nothing, killed in the same way, leaves a core where journeys look for one, and the search
/// finds the secret in it.
#[test]
fn the_core_of_a_careless_program_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let mut canaries = Canaries::default();
    let secret = canaries.plant("env", &mut fastrand::Rng::with_seed(9));
    let Place::Folder(cores) = place(folder.path()) else {
        println!("skipped: this machine hands cores to a program");
        return;
    };
    let there = files(&cores);
    let careless = Command::new("sh")
        .args(["-c", "ulimit -c unlimited && kill -ABRT $$"])
        .env("CANARY", &secret)
        .current_dir(folder.path())
        .output()
        .unwrap();
    let new: Vec<_> = files(&cores).difference(&there).filter(|p| looks_like_a_core(p)).cloned().collect();
    if !std::os::unix::process::ExitStatusExt::core_dumped(&careless.status) {
        println!("skipped: this machine leaves no cores at all ({:?})", careless.status);
        return;
    }
    let holds_it = |file: &std::path::PathBuf| {
        let bytes = std::fs::read(file).unwrap_or_default();
        !canaries.search("core files", "here", &bytes, &[]).is_empty()
    };
    assert!(new.iter().any(holds_it), "no core in {} holds it: {new:?}", cores.display());
}
