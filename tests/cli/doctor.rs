//! `doctor`: what it finds on a machine that is well, and on one that is not.

use crate::{home::Home, server::TOKEN};

#[test]
fn a_fresh_machine_is_well() {
    let home = Home::new();
    let found = home.run(&["doctor"]).code(0).prints(&["ok  version", "ok  definitions", "ok  vault"]);
    assert!(!found.out.contains("BAD"), "{found:#?}");
    let json = home.run(&["doctor", "--json"]).code(0).json();
    assert!(json.as_array().unwrap().iter().all(|finding| finding["good"] == true), "{json:#}");
}

#[test]
fn files_that_others_may_read_are_told_with_the_command_that_mends_them() {
    let home = Home::with("[integrations.a]\nprovider = \"tcp\"\nfields = { host = \"127.0.0.1\", port = \"1\" }\n");
    home.feed(&["secret", "set", "a"], TOKEN).code(0);
    home.run(&["check"]).code(1);
    home.run(&["doctor"]).code(0);
    for (file, what, wrong) in
        [("vault.age", "vault file", 0o644), ("identity.txt", "identity file", 0o640), ("history.db", "history", 0o604)]
    {
        home.mode(file, wrong);
        let path = home.file(file).display().to_string();
        let mend = format!("chmod 600 {path}");
        home.run(&["doctor"]).code(5).prints(&[&format!("BAD  {what}"), &format!("{wrong:04o}"), &mend]);
        let json = home.run(&["doctor", "--json"]).code(5).json();
        let finding = json.as_array().unwrap().iter().find(|finding| finding["what"] == what).unwrap().clone();
        assert_eq!(finding["good"], false);
        assert!(finding["detail"].as_str().unwrap().contains(&mend), "{finding}");
        home.mode(file, 0o600);
        home.run(&["doctor"]).code(0);
    }
}

#[test]
fn every_mistake_has_its_own_line() {
    let rows: String = (0..5)
        .map(|i| format!("[integrations.i{i}]\nprovider = \"gihub\"\n[integrations.e{i}]\nprovider = \"github\"\nfields = {{ token = \"env:LAMP_{i}\" }}\n"))
        .collect();
    let home = Home::with(&rows);
    let found = home.run(&["doctor"]).code(5);
    let lines = |what: &str| found.out.lines().filter(|line| line.starts_with(what)).count();
    assert_eq!((lines("BAD  configuration"), lines("BAD  credentials")), (5, 5), "{found:#?}");
    assert!(!found.out.contains('…'), "nothing is cut: {found:#?}");
    home.write("config.toml", "[board]\nintervall = 1\n[ui]\nmous = 1\n");
    let found = home.run(&["doctor"]).code(5).prints(&["config.toml:2:1", "config.toml:4:1"]);
    assert_eq!(found.out.lines().filter(|line| line.starts_with("BAD  configuration")).count(), 2, "{found:#?}");
}

#[test]
fn a_proxy_is_named_by_its_variable_and_never_shown() {
    let home = Home::new();
    let env = [("HTTPS_PROXY", "http://user:hunter2@127.0.0.1:1")];
    home.run_in(&env, &["doctor"]).code(0).prints(&["HTTPS_PROXY"]).never(&["hunter2"]);
}
