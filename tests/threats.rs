//! The tables of threats and of real servers tell the truth: each of their rows names tests, and each of them is there.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use lampboard::providers::{Registry, level::Level};
use std::{collections::BTreeSet, fs, path::Path};

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

/// The reasons that tests of real servers give for a case that does not apply, in this folder and those below.
fn reasons(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(reasons(&path));
        } else if path.display().to_string().contains("/real_") {
            let text = fs::read_to_string(&path).unwrap();
            let given = text.split("Case::NotApplicable(").skip(1);
            found.extend(given.filter_map(|g| Some(g.trim_start().strip_prefix('"')?.split_once('"')?.0.to_owned())));
        }
    }
    found
}

#[test]
fn every_real_server_is_asked_for_every_case_or_tells_why_not() {
    let mut wrong = Vec::new();
    let (mut providers, mut told) = (BTreeSet::new(), BTreeSet::new());
    let table = read("docs/proved.md");
    for line in table.lines().filter(|l| l.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        assert_eq!(cells.len(), 8, "{line}");
        let [provider, file] = [cells[0], cells[2]].map(|c| c.trim_matches('`'));
        let text = read(file);
        providers.insert(provider.to_owned());
        for cell in &cells[3..] {
            match (cell.strip_prefix("not applicable: "), cell.split('`').nth(1)) {
                (Some(reason), _) => _ = told.insert(reason.to_owned()),
                (None, Some(name)) if has_test(&text, name) => {}
                _ => wrong.push(format!("{provider}: there is no test '{cell}' in {file}")),
            }
        }
    }
    let platinum: BTreeSet<String> =
        Registry::built_in().iter().filter(|d| d.level() == Level::Platinum).map(|d| d.id.clone()).collect();
    assert!(platinum.len() > 20, "{platinum:?}");
    assert_eq!(providers, platinum, "a row for each provider of the level platinum, and for no other");
    let said = reasons(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests")));
    assert!(said.len() > 5, "{said:?}");
    wrong.extend(said.difference(&told).map(|r| format!("docs/proved.md does not tell '{r}'")));
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
