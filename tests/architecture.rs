//! Holds ARCHITECTURE.md's table of who may import whom, and the house rules that a compiler does not hold.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::path::{Path, PathBuf};

fn sources() -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, out: &mut Vec<(PathBuf, String)>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, out);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                out.push((path, text));
            }
        }
    }
    let mut out = Vec::new();
    walk(Path::new("src"), &mut out);
    assert!(out.len() > 50, "the sources were not found");
    out
}

/// The code without its test modules and comments.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    text.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// `crate::a::…` and grouped `use crate::{a, b::…}`: the rooms a file names.
fn rooms(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + 7..];
        let Some(group) = rest.strip_prefix('{') else {
            found.push(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
            continue;
        };
        let mut depth = 0;
        let mut word = String::new();
        for c in group.chars() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => found.push(std::mem::take(&mut word)),
                c if depth == 0 => word.push(c),
                _ => {}
            }
        }
        found.push(word);
    }
    found.iter().map(|w| w.trim().split("::").next().unwrap_or_default().trim().to_owned()).collect()
}

fn room_of(path: &Path) -> String {
    let inside = path.strip_prefix("src").unwrap();
    let first = inside.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

fn names_crate(code: &str, name: &str) -> bool {
    code.match_indices(&format!("{name}::"))
        .any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':'))
}

/// A room, the rooms it must not name, the crates it must not use.
const NEVER: &[(&str, &[&str], &[&str])] = &[
    (
        "model",
        &["config", "providers", "secrets", "checks", "store", "monitor", "tui", "cli", "demo", "logging", "panics"],
        &["tokio", "ratatui", "crossterm", "reqwest", "rusqlite"],
    ),
    (
        "config",
        &["providers", "secrets", "checks", "store", "monitor", "tui", "cli", "demo"],
        &["ratatui", "crossterm", "reqwest", "rusqlite"],
    ),
    (
        "providers",
        &["config", "secrets", "checks", "store", "monitor", "tui", "cli", "demo"],
        &["ratatui", "crossterm", "rusqlite", "tokio"],
    ),
    (
        "secrets",
        &["providers", "checks", "store", "monitor", "tui", "cli", "demo"],
        &["ratatui", "crossterm", "reqwest", "rusqlite"],
    ),
    ("checks", &["config", "store", "monitor", "tui", "cli", "demo"], &["ratatui", "crossterm", "rusqlite"]),
    (
        "store",
        &["config", "providers", "secrets", "checks", "monitor", "tui", "cli", "demo"],
        &["ratatui", "crossterm", "reqwest"],
    ),
    ("monitor", &["tui", "cli", "demo"], &["ratatui", "crossterm", "rusqlite"]),
    ("tui", &["store", "secrets", "cli", "demo"], &["reqwest", "rusqlite"]),
    ("demo", &["tui", "cli"], &["ratatui", "crossterm"]),
];

#[test]
fn rooms_import_only_what_they_may() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let code = code(&text);
        let room = room_of(&path);
        let Some((_, rooms_never, crates_never)) = NEVER.iter().find(|(r, _, _)| *r == room) else { continue };
        for named in rooms(&code) {
            if rooms_never.contains(&named.as_str()) {
                wrong.push(format!("{}: {room} must not import {named}", path.display()));
            }
        }
        for name in *crates_never {
            // The one probe whose subject is a SQLite file.
            if *name == "rusqlite" && path.ends_with("checks/sqlite.rs") {
                continue;
            }
            if names_crate(&code, name) {
                wrong.push(format!("{}: {room} must not use {name}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_screen_keeps_its_halves_apart() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let code = code(&text);
        let name = path.to_string_lossy().into_owned();
        let pure = ["src/tui/update", "src/tui/state", "src/tui/keymap"].iter().any(|p| name.starts_with(p));
        let drawn = ["src/tui/draw", "src/tui/widgets"].iter().any(|p| name.starts_with(p));
        if pure || drawn {
            for krate in ["crossterm", "tokio"] {
                if names_crate(&code, krate) {
                    wrong.push(format!("{name} must not use {krate}"));
                }
            }
            for clock in ["Timestamp::now", "Instant::now", "SystemTime::now"] {
                if code.contains(clock) {
                    wrong.push(format!("{name} must not read a clock ({clock})"));
                }
            }
        }
        if drawn && (code.contains("Effect::") || code.contains("monitor::Handle")) {
            wrong.push(format!("{name} draws: it must know neither effects nor the handle"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn escape_codes_live_in_few_files() {
    for (path, text) in sources() {
        let name = path.to_string_lossy().into_owned();
        if ["src/tui/terminal.rs", "src/cli/out.rs"].iter().any(|p| name.ends_with(p)) {
            continue;
        }
        assert!(!code(&text).contains("\\x1b["), "{name} writes escape codes");
    }
}

#[test]
fn every_file_says_what_it_is_for() {
    for (path, text) in sources() {
        let first = text.lines().next().unwrap_or_default();
        assert!(first.starts_with("//! "), "{} does not begin with a //! line", path.display());
        assert!(path.file_name().is_none_or(|n| n != "mod.rs"), "{} should be self-named", path.display());
    }
}

#[test]
fn files_stay_small() {
    for (path, text) in sources() {
        let lines = code(&text).lines().count();
        assert!(lines <= 500, "{} has {lines} lines of code; split it by purpose", path.display());
    }
}

/// Whether each line that names the fault stands right below an attribute that leaves it out of a release.
fn is_for_debug_builds_alone(text: &str) -> bool {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let names = |line: &str| {
        !line.starts_with("//") && ["::fault", "fault::panic_if", "mod fault"].iter().any(|n| line.contains(n))
    };
    (0..lines.len()).all(|at| !names(lines[at]) || at > 0 && lines[at - 1] == "#[cfg(debug_assertions)]")
}

#[test]
fn the_fault_that_tests_ask_for_is_in_no_release() {
    let all = sources();
    assert!(
        all.iter().any(|(path, _)| path.ends_with("checks/fault.rs")),
        "src/checks/fault.rs is gone: so is its rule"
    );
    let mut named = 0;
    for (path, text) in all.iter().filter(|(path, _)| !path.ends_with("checks/fault.rs")) {
        assert!(is_for_debug_builds_alone(text), "{} names the fault in a release too", path.display());
        assert!(!text.contains("LAMPBOARD_FAULT"), "{} knows the fault's variable", path.display());
        named += code(text).matches("fault::panic_if_named").count();
    }
    assert_eq!(named, 2, "checks and calls");
    let manifest = std::fs::read_to_string("Cargo.toml").unwrap();
    assert!(!manifest.contains("debug-assertions"), "a profile turns debug assertions on");
    assert!(!is_for_debug_builds_alone("let x = 1;\nsuper::fault::panic_if_named();"), "the rule would not see it");
    assert!(!is_for_debug_builds_alone("mod fault;"), "the rule would not see it");
}
