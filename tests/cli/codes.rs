//! The exit codes 0 to 5, and a reader that goes away.

use crate::{
    home::{Home, Ran, ran},
    server::by_path,
};
use std::{
    io::Read,
    process::{Command, Stdio},
};

fn http(server: &str, rows: &[(&str, &str)]) -> String {
    let row = |(id, path): &(&str, &str)| {
        format!("[integrations.{id}]\nprovider = \"http\"\nattempts = 1\nfields = {{ url = \"{server}{path}\" }}\n")
    };
    rows.iter().map(row).collect()
}

#[test]
fn good_is_0() {
    let home = Home::with(&http(&by_path(), &[("web", "/ok")]));
    let check = home.run(&["check"]).code(0).prints(&["*  web   http      active  ok"]);
    assert_eq!(check.err, "");
    home.run(&["list"]).code(0);
    Home::new().run(&["check"]).code(0).prints(&["lampboard add PROVIDER NAME"]);
}

#[test]
fn something_not_active_is_1_and_only_what_was_asked_counts() {
    let home = Home::with(&http(&by_path(), &[("web", "/ok"), ("down", "/broken"), ("busy", "/limited")]));
    home.run(&["check"]).code(1).prints(&["x  down  http      error", "~  busy  http      rate limited", "*  web"]);
    home.run(&["check", "web"]).code(0).never(&["down"]);
    home.run(&["check", "web", "busy"]).code(1);
    home.run(&["list"]).code(0);
    home.run(&["pause", "down"]).code(0);
    home.run(&["pause", "busy"]).code(0);
    home.run(&["check"]).code(0);
}

#[test]
fn wrong_usage_is_2() {
    let home = Home::new();
    for args in [
        &["chek"] as &[&str],
        &["--nothing"],
        &["show"],
        &["secret"],
        &["history", "x", "-n", "0"],
        &["history", "x", "-n", "many"],
        &["add", "github"],
        &["add", "http", "a", "--interval", "1"],
        &["add", "http", "UPPER", "--set", "url=http://127.0.0.1:1/"],
        &["add", "http", "a", "--set", "url"],
        &["add", "http", "a", "--set", "nothing=1"],
        &["add", "http", "a"],
        &["secret", "set", "a b"],
    ] {
        let ran = home.run(args).code(2);
        assert!(ran.out.is_empty() && ran.err.starts_with("lampboard: "), "{args:?}: {ran:#?}");
    }
    home.run(&["chek"]).says(&["check"]);
}

#[test]
fn no_such_name_is_3_with_the_nearest() {
    let home = Home::with("[integrations.github-work]\nprovider = \"github\"\n");
    for command in ["check", "show", "remove", "pause", "resume", "history"] {
        home.run(&[command, "github-wrok"]).code(3).says(&["'github-wrok'", "did you mean 'github-work'?"]);
        home.run(&[command, "zebra"]).code(3).says(&["There are: github-work"]).never(&["did you mean"]);
    }
    home.run(&["provider", "show", "gitub"]).code(3).says(&["did you mean 'github'?", "provider list"]);
    home.run(&["provider", "test", "postgresql"]).code(3).says(&["did you mean 'postgres'"]);
    home.run(&["add", "postgress", "db"]).code(3).says(&["did you mean 'postgres'?"]);
    home.run(&["secret", "remove", "nothing"]).code(3).says(&["'nothing'"]);
    Home::new().run(&["show", "x"]).code(3).says(&["lampboard add PROVIDER NAME"]);
}

#[test]
fn a_name_with_escape_codes_does_not_reach_the_terminal() {
    let home = Home::with("[integrations.web]\nprovider = \"tcp\"\n");
    let name = "\x1b[31mweb\x07";
    home.run(&["show", name]).code(3);
    home.run(&["provider", "show", name]).code(3);
    home.run(&["add", name, "a"]).code(3);
    home.run(&["add", "http", name]).code(2);
    home.run(&["secret", "remove", name]).code(3);
    home.run(&["man", name]).code(3);
}

#[test]
fn a_wrong_config_is_4() {
    let home = Home::with("[board]\nintervall = 1\n");
    for args in [&["check"] as &[&str], &["list"], &["show", "x"], &["config", "check"], &["history", "x"]] {
        home.run(args).code(4).says(&["config.toml:2:1", "did you mean 'interval'?"]);
    }
    home.run(&["add", "http", "a", "--set", "url=http://127.0.0.1:1/", "--no-test"]).code(4);
    assert_eq!(home.read("config.toml"), "[board]\nintervall = 1\n");
    home.run(&["--config", "/nonexistent/c.toml", "list"]).code(4).says(&["/nonexistent/c.toml"]);
}

#[test]
fn a_failing_file_or_vault_is_5() {
    let home = Home::new();
    home.feed(&["secret", "set", "a"], "").code(5).says(&["empty"]);
    home.write("vault.age", "not a vault");
    home.run(&["secret", "list"]).code(5);
    home.run(&["provider", "lint", "/nonexistent/p.toml"]).code(5).says(&["/nonexistent/p.toml"]);
}

/// Runs a command whose reader takes `take` bytes and goes away.
fn read_and_leave(mut command: Command, take: usize) -> Ran {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut first = vec![0; take];
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut first).unwrap();
    drop(stdout);
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    Ran { code: output.status.code().unwrap_or(-1), out: text(&first), err: text(&output.stderr) }
}

#[test]
fn a_reader_that_goes_away_ends_the_program_quietly() {
    let rows: String = (0..3000)
        .map(|i| {
            format!(
                "[integrations.service-with-a-long-name-{i}]\nprovider = \"dns\"\nfields = {{ name = \"a.invalid\" }}\n"
            )
        })
        .collect();
    let home = Home::with(&rows);
    for args in [&["list"] as &[&str], &["list", "--json"]] {
        let whole = home.run(args).code(0);
        assert!(whole.out.len() > 128 * 1024, "it must not fit into the pipe: {}", whole.out.len());
        for take in [0, 40] {
            let left = read_and_leave(home.command(args), take);
            assert_eq!((left.code, &*left.err), (0, ""), "{args:?}");
        }
    }
    for args in [&["--help"] as &[&str], &["completions", "zsh"], &["provider", "test"], &["config", "example"]] {
        let left = read_and_leave(home.command(args), 0);
        assert_eq!((left.code, &*left.err), (0, ""), "{args:?}");
    }
}

#[test]
fn a_closed_standard_output_is_told_or_survived() {
    let home = Home::new();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
    if let Ok(full) = full {
        let mut command = home.command(&["config", "example"]);
        let output = command.stdin(Stdio::null()).stdout(full).stderr(Stdio::piped()).output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(5), "{err}");
        assert!(err.contains("No space left") && !err.contains("panicked"), "{err}");
    }
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "exec \"$0\" config example >&-", env!("CARGO_BIN_EXE_lampboard")]);
    shell.env_clear().env("LAMPBOARD_HOME", home.path());
    ran(shell, "").calm();
}
