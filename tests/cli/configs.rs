//! config.toml as a person gets it wrong: place, nearest word, exit code; the corpora; very many integrations.

use crate::home::Home;
use std::{fs, path::Path};

fn corpus(kind: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config").join(kind);
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let name = |file: &Path| file.file_name().unwrap().to_str().unwrap().to_owned();
    files.iter().map(|file| (name(file), fs::read_to_string(file).unwrap())).collect()
}

#[test]
fn every_valid_file_is_right_or_names_only_providers_and_fields() {
    let home = Home::new();
    for (name, text) in corpus("valid") {
        let file = home.write(&format!("corpus/{name}"), &text);
        let ran = home.run(&["config", "check", "--config", file.to_str().unwrap()]).calm();
        // The corpus is about the format; its providers and keys of the board are made up in places.
        let about = |line: &str| line.contains("integration '") || line.contains("[keys]");
        assert!(ran.code == 0 || (ran.code == 4 && ran.err.lines().all(about)), "{name}: {ran:#?}");
    }
}

#[test]
fn every_invalid_file_gets_the_message_it_had() {
    let home = Home::new();
    let mut messages = String::new();
    for (name, text) in corpus("invalid") {
        // The first line says what another test expects; the messages' lines count without it.
        let file = home.write(&format!("corpus/{name}"), text.split_once('\n').unwrap().1);
        let ran = home.run(&["config", "check", "--config", file.to_str().unwrap()]).code(4).never(&["hunter2"]);
        assert_eq!(ran.out, "");
        messages.push_str(&format!("──── {name}\n{}\n", home.hide(&ran.err).replace("HOME/corpus/", "")));
    }
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false, snapshot_path => "snapshots" }, {
        insta::assert_snapshot!("invalid-configs", messages);
    });
}

#[test]
fn slips_are_told_with_their_place_and_the_nearest_word() {
    let head = "[integrations.gh]\n";
    for (text, place, words) in [
        ("[board]\nintervall = \"5m\"\n".to_owned(), "config.toml:2:1:", &["did you mean 'interval'?"] as &[&str]),
        ("[borad]\n".to_owned(), "config.toml:1:", &["did you mean [board]?"]),
        ("[board]\ninterval = \"0s\"\n".to_owned(), "config.toml:2:12:", &["between 5s and 30d"]),
        ("[board]\ninterval = 0\n".to_owned(), "config.toml:2:12:", &["interval"]),
        ("[board\n".to_owned(), "config.toml:1:", &[]),
        (format!("{head}provider = \"gihub\"\n"), "config.toml:2:12:", &["did you mean 'github'?", "provider list"]),
        (
            format!("{head}provider = \"github\"\nfields = {{ tokn = \"env:X\" }}\n"),
            "config.toml:3:",
            &["GitHub has no field 'tokn'", "did you mean 'token'?"],
        ),
        (
            format!("{head}provider = \"github\"\nfields = {{ token = \"ghp_hunter2\" }}\n"),
            "config.toml:3:",
            &["secret in plain text", "lampboard secret set gh", "vault:gh"],
        ),
        (format!("{head}provider = \"github\"\nintervall = \"5m\"\n"), "config.toml:3:1:", &["'interval'"]),
        (format!("{head}provider = \"http\"\n"), "config.toml:1:", &["'url' is missing"]),
    ] {
        let home = Home::with(&text);
        home.run(&["config", "check"]).code(4).says(&[place]).says(words).never(&["hunter2"]);
        let json = home.run(&["config", "check", "--json"]).code(4).json();
        assert!(json["complaints"][0].as_str().unwrap().contains(place), "{json:#}");
    }
}

#[test]
fn wrong_keys_are_told_with_their_place() {
    let home =
        Home::with("[ui]\nmouse = false\n\n[keys]\n\"f6\" = \"quit\"\n\"not a key\" = \"help\"\n\"f5\" = \"quitt\"\n");
    home.run(&["config", "check"]).code(4).says(&[
        "config.toml:6:1: ",
        "'not a key' is not a key",
        "config.toml:7:1: ",
        "did you mean 'quit'?",
    ]);
    home.run(&["doctor"]).code(5).prints(&["BAD  configuration", "config.toml:6:1", "config.toml:7:1"]);
    // The board opens all the same, so a check must work too.
    home.run(&["check"]).code(0);
    let home = Home::with("keys = { x = \"nothing-like-it\" }\n");
    home.run(&["config", "check"]).code(4).says(&["config.toml:1:10: "]);
    let home = Home::with("[keys]\n\"f5\" = \"quit\"\n");
    home.run(&["config", "check"]).code(0);
}

#[test]
fn the_example_is_the_file_in_the_repository() {
    let home = Home::new();
    let example = home.run(&["config", "example"]).code(0);
    assert_eq!(example.out, include_str!("../../config.example.toml"));
    home.write("config.toml", &example.out);
    home.run(&["config", "check"]).code(0).prints(&["is right: 0 integrations"]);
}

#[test]
fn the_environment_lies_over_the_file() {
    let home = Home::with(
        "[board]\ninterval = \"60s\"\n[integrations.db]\nprovider = \"tcp\"\nfields = { host = \"127.0.0.1\", port = \"1\" }\n",
    );
    let interval =
        |env: &[(&str, &str)]| home.run_in(env, &["show", "db", "--json"]).code(0).json()["interval_s"].clone();
    assert_eq!(interval(&[]), 60);
    assert_eq!(interval(&[("LAMPBOARD__BOARD__INTERVAL", "45s")]), 45);
    home.run_in(&[("LAMPBOARD__BOARD__INTERVAL", "0")], &["list"]).code(4).says(&["LAMPBOARD__BOARD__INTERVAL"]);
    home.run_in(&[("LAMPBOARD__BOARD__INTERVALL", "5m")], &["list"])
        .code(4)
        .says(&["INTERVALL", "did you mean 'LAMPBOARD__BOARD__INTERVAL'?"]);
}

#[test]
fn ten_thousand_integrations_are_read_listed_and_checked() {
    let rows: String = (0..10_000)
        .map(|i| format!("[integrations.s{i}]\nprovider = \"tcp\"\nattempts = 1\nfields = {{ host = \"127.0.0.1\", port = \"1\" }}\n"))
        .collect();
    let home = Home::with(&rows);
    home.run(&["config", "check"]).code(0).prints(&["10000 integrations"]);
    let list = home.run(&["list"]).code(0);
    assert_eq!(list.out.lines().count(), 10_001);
    assert_eq!(home.run(&["list", "--json"]).code(0).json().as_array().unwrap().len(), 10_000);
    home.run(&["check", "s9999"]).code(1).prints(&["x  s9999"]);
    home.run(&["show", "s99999"]).code(3).says(&["did you mean", "…"]);
}
