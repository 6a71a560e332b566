//! The table of threats tells the truth: each of its rows names tests, and each of them is there.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::{fs, path::Path};

/// Rows of the table.
const THREATS: usize = 35;

fn read(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap_or_else(|e| panic!("{file}: {e}"))
}

/// Whether the text has a test of this name: an attribute that makes it one stands right above it, or it is a property.
fn has_test(text: &str, name: &str) -> bool {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines.iter().enumerate().any(|(at, line)| {
        let line = line.trim_start_matches("async ");
        line.strip_prefix("fn ").and_then(|rest| rest.strip_prefix(name)).is_some_and(|rest| rest.starts_with('('))
            && lines[..at]
                .iter()
                .rev()
                .take_while(|l| l.starts_with('#'))
                .any(|l| l.starts_with("#[test]") || l.starts_with("#[tokio::test") || l.starts_with("#[rstest"))
    })
}

#[test]
fn every_threat_names_tests_that_exist() {
    let table = read("docs/threats.md");
    let rows: Vec<Vec<&str>> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"))
        .map(|line| line.split(" | ").collect::<Vec<_>>())
        .filter(|cells| cells[0].parse::<usize>().is_ok())
        .collect();
    let mut wrong = Vec::new();
    for (at, cells) in rows.iter().enumerate() {
        assert_eq!((cells.len(), cells[0]), (4, &*(at + 1).to_string()), "row {}: {cells:?}", at + 1);
        let proofs: Vec<&str> = cells[3].split('`').skip(1).step_by(2).collect();
        if proofs.is_empty() {
            wrong.push(format!("row {} names no test", at + 1));
        }
        for proof in proofs {
            match proof.split_once("::") {
                Some((file, name)) if has_test(&read(file), name) => {}
                _ => wrong.push(format!("row {}: there is no test '{proof}'", at + 1)),
            }
        }
    }
    assert_eq!(rows.len(), THREATS);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_test_that_is_not_there_is_noticed() {
    let text = "#[test]\n#[ignore = \"x\"]\nfn there() {}\nfn helper() {}\n#[tokio::test(flavor = \"y\")]\nasync fn too() {}\n";
    assert!(has_test(text, "there") && has_test(text, "too"));
    assert!(!has_test(text, "ther") && !has_test(text, "helper") && !has_test(text, "gone"));
}

#[test]
fn the_build_takes_what_the_lock_file_says_and_nothing_forbidden() {
    let steps = read(".ci/run");
    for line in steps.lines().map(str::trim).filter(|l| l.starts_with("cargo ") && !l.starts_with("cargo fmt")) {
        assert!(line.contains("--locked"), ".ci/run: {line}");
    }
    let (lock, deny) = (read("Cargo.lock"), read("deny.toml"));
    for banned in ["openssl-sys", "openssl", "native-tls", "libdbus-sys", "serde_yaml", "rsa"] {
        assert!(!lock.contains(&format!("name = \"{banned}\"\n")), "{banned} is in the tree");
        assert!(deny.contains(&format!("crate = \"{banned}\"")), "{banned} is not banned");
    }
    assert!(deny.contains("unknown-registry = \"deny\"") && deny.contains("unknown-git = \"deny\""));
    for source in lock.lines().filter_map(|l| l.strip_prefix("source = ")) {
        assert!(source.starts_with("\"registry+"), "{source}");
    }
    assert!(read("Cargo.toml").contains("unsafe_code = \"forbid\""));
}
