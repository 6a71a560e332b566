//! A disk that really is full, and one that may only be read: a home on a file system of 1 MiB that nobody else sees.

use super::{
    home::{Journey, With},
    seed,
    sum::Sum,
};
use std::{io::Write, process::Command, sync::Mutex};

/// Says to the test below that it stands in a mount namespace of its own.
const ROLE: &str = "LAMPBOARD_LEAK_NAMESPACE";
const FILLER: &str = "filler";

impl Journey {
    /// Writes until there is no room, and then makes so many bytes of it again.
    fn fill(&mut self, room: u64) {
        let mut file = std::fs::File::create(self.file(FILLER)).unwrap();
        let mut size = 0;
        for chunk in [16 * 1024, 4096, 512, 1] {
            let bytes = vec![b'x'; chunk];
            let why = loop {
                match file.write(&bytes) {
                    Ok(written) => size += written as u64,
                    Err(why) => break why,
                }
            };
            assert_eq!(why.kind(), std::io::ErrorKind::StorageFull, "{why}");
        }
        file.set_len(size.saturating_sub(room)).unwrap();
        self.steps.push(format!("fill the disk but for {room} bytes"));
    }

    /// Everything that writes, in any order; what was said of the disk is counted.
    fn write_everything(&mut self) {
        let url = format!("url={}", self.url("200"));
        let copy = self.file("export.age").display().to_string();
        let name = format!("more-{:x}", self.rng.u32(..));
        let mut all: Vec<(Vec<&str>, &str)> = vec![
            (vec!["secret", "set", "canary"], "new"),
            (vec!["secret", "set", "lone"], "new"),
            (vec!["secret", "rotate", "lone"], "new"),
            (vec!["secret", "remove", "canary"], ""),
            (vec!["add", "http", &name, "--set", &url, "--set", "token=-"], "piped"),
            (vec!["pause", "plugin"], ""),
            (vec!["resume", "plugin"], ""),
            (vec!["remove", "away"], ""),
            (vec!["check"], ""),
            // Its token is due: the new one cannot be stored.
            (vec!["check", "signed", "--json"], ""),
            (vec!["login", "signed", "--client"], ""),
            (vec!["call", "lone", "rows", "-o", "full.json"], ""),
            (vec!["call", "lone", "rows", "-o", "full.csv", "--json"], ""),
            (vec!["vault", "rekey"], ""),
            (vec!["vault", "export", &copy], "passphrase"),
            (vec!["doctor", "--bundle"], ""),
            (vec!["audit", "--json"], ""),
        ];
        self.rng.shuffle(&mut all);
        for (arguments, kind) in all {
            let input = if kind.is_empty() { String::new() } else { self.plant(kind) };
            let ran = self.run_with(&With::default(), &arguments, &input);
            assert!(ran.code.is_some(), "{arguments:?} was killed: {}", ran.err);
            self.keep_identities();
        }
    }

    /// What must hold once there is room again: the vault opens, config.toml is whole, checks are made.
    fn is_whole(&mut self) {
        let config = std::fs::read_to_string(self.file("config.toml")).unwrap();
        for name in ["lone", "signed", "plugin", "echo-11"] {
            assert!(config.contains(&format!("[integrations.{name}]")), "{name} is gone from {config}");
        }
        for arguments in [&["config", "check"][..], &["secret", "list", "--json"], &["check", "lone"]] {
            let ran = self.run_with(&With::default(), arguments, "");
            assert_eq!(ran.code, Some(0), "{arguments:?}: {}{}", ran.out, ran.err);
        }
        let entries = self.run_with(&With::default(), &["secret", "list", "--json"], "").out;
        assert!(entries.contains("\"lone\"") && entries.contains("\"app\""), "{entries}");
        let secret = self.plant("new");
        assert_eq!(self.run(&["secret", "set", "lone"], &secret), Some(0), "it can be written again");
        assert_eq!(self.run(&["check", "lone"], ""), Some(0));
    }

    /// The key that is to be kept for the session finds no room.
    fn unlock_without_room(&mut self) {
        let right = self.plant("passphrase");
        assert_eq!(self.run(&["vault", "rekey", "--method", "passphrase"], &right), Some(0));
        self.keep_identities();
        self.run(&["vault", "lock"], "");
        self.fill(0);
        let before = self.full;
        assert_ne!(self.run(&["vault", "unlock"], &right), Some(0), "there was room for the key");
        assert!(self.full > before, "the disk was not said to be full");
        self.run(&["check", "lone"], "");
        self.search_files();
        std::fs::remove_file(self.file(FILLER)).unwrap();
        assert_eq!(self.run(&["vault", "unlock"], &right), Some(0));
        self.keep_identities();
        assert_eq!(self.run(&["check", "lone"], ""), Some(0));
    }

    fn remount(&mut self, how: &str) {
        let mounted = Command::new("mount").args(["-o", &format!("remount,{how}")]).arg(self.path()).output().unwrap();
        assert!(mounted.status.success(), "{mounted:?}");
        self.steps.push(format!("the disk is {how} now"));
    }
}

fn on_a_full_disk(journey: &mut Journey) {
    journey.renewable();
    for round in 0..3 {
        let room = if round == 0 { 0 } else { journey.rng.u64(..48 * 1024) };
        journey.fill(room);
        let before = journey.full;
        journey.write_everything();
        if round == 0 {
            assert!(journey.full >= before + 5, "only {} commands said that the disk is full", journey.full - before);
        }
        journey.search_files();
        journey.wander();
        journey.search_files();
        std::fs::remove_file(journey.file(FILLER)).unwrap();
        journey.is_whole();
    }
    journey.search_files();
}

fn on_a_full_disk_with_a_passphrase(journey: &mut Journey) {
    on_a_full_disk(journey);
    journey.unlock_without_room();
    journey.search_files();
}

fn on_a_read_only_disk(journey: &mut Journey) {
    journey.renewable();
    journey.remount("ro");
    assert!(std::fs::write(journey.file("x"), "x").is_err(), "the disk takes writes");
    journey.write_everything();
    assert!(journey.read_only >= 5, "only {} commands said that nothing may be written", journey.read_only);
    journey.wander();
    journey.search_files();
    journey.remount("rw");
    journey.is_whole();
    journey.search_files();
}

type Travel = fn(&mut Journey);

/// Runs in the namespace that the test below makes; by itself it does nothing.
#[test]
fn within_the_namespace() {
    if std::env::var_os(ROLE).is_none() {
        return;
    }
    let seed = seed();
    println!("LAMPBOARD_LEAK_SEED={seed}");
    let sum = Mutex::new(Sum::default());
    let travels: [(&str, Travel); 3] =
        [("full", on_a_full_disk), ("full", on_a_full_disk_with_a_passphrase), ("read-only", on_a_read_only_disk)];
    std::thread::scope(|scope| {
        for (seed, (what, travel)) in (seed..).zip(travels) {
            let sum = &sum;
            scope.spawn(move || {
                let one = Sum::of(&format!("{what} disk, seed {seed}"), Journey::on_small_disk(seed), travel);
                sum.lock().unwrap().add(one);
            });
        }
    });
    let sum = sum.into_inner().unwrap();
    println!("on disks that take nothing: {sum}");
    assert!(sum.problems.is_empty(), "seed {seed}\n{}", sum.problems.join("\n"));
    assert!(sum.full > 0 && sum.read_only > 0);
}

#[test]
fn a_full_disk_and_a_read_only_one_tell_nothing_and_break_nothing() {
    // A file system that nobody else sees, and that goes with the process.
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "--"]);
    let probe = "mount -t tmpfs -o size=1m tmpfs /mnt";
    let may = Command::new("unshare").args(["--mount", "--propagation", "private", "--", "sh", "-c", probe]).output();
    if !may.as_ref().is_ok_and(|o| o.status.success()) {
        println!("skipped: only root may mount a small disk to fill ({may:?})");
        return;
    }
    let output = command
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "disk::within_the_namespace", "--nocapture", "--test-threads=1"])
        .env(ROLE, "1")
        .env("LAMPBOARD_LEAK_SEED", seed().to_string())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success() && said.contains("on disks that take nothing: 3 journeys"), "{said}");
    said.lines().filter(|l| !l.is_empty()).for_each(|line| println!("{line}"));
}
