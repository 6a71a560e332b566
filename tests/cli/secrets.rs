//! Secrets: from standard input into the vault, never from the command line, never printed; a vault that cannot be read.

use crate::{
    home::Home,
    server::{TOKEN, by_path},
};
use std::{fs, os::unix::fs::PermissionsExt};

#[test]
fn flags_for_secrets_do_not_exist_and_the_right_way_is_told() {
    let home = Home::new();
    for args in [
        &["add", "github", "gh", "--token", "hunter2"] as &[&str],
        &["add", "github", "gh", "--token=hunter2"],
        &["add", "postgres", "db", "--password=hunter2"],
        &["add", "postgres", "db", "--db-password", "hunter2"],
        &["add", "openai", "ai", "--api-key", "hunter2"],
        &["add", "openai", "ai", "--API_KEY=hunter2"],
        &["secret", "set", "gh", "--value", "hunter2"],
        &["secret", "set", "gh", "hunter2"],
        &["add", "github", "gh", "token=hunter2"],
        &["add", "github", "gh", "hunter2"],
    ] {
        let ran =
            home.run(args).code(2).says(&["process list", "lampboard secret set NAME < file"]).never(&["hunter2"]);
        assert_eq!(ran.out, "");
    }
    home.run(&["add", "github", "gh", "--set", "token=hunter2"])
        .code(2)
        .says(&["'token' is a secret", "--set token=env:VAR", "--set token=-"])
        .never(&["hunter2"]);
    home.run(&["add", "github", "gh", "--set", "token=env:A", "--set", "token=hunter2"]).code(2).never(&["hunter2"]);
    assert!(!home.file("vault.age").exists() && !home.file("config.toml").exists());
}

#[test]
fn a_secret_comes_from_standard_input_and_never_comes_out() {
    let home = Home::new();
    let set = home.feed(&["secret", "set", "gh"], &format!("{TOKEN}\n")).code(0).never(&[TOKEN]);
    assert!(set.out.contains("vault:gh"), "{set:#?}");
    home.feed(&["secret", "set", "other"], "x").code(0);
    let list = home.run(&["secret", "list"]).code(0).prints(&["gh", "other"]).never(&[TOKEN]);
    assert_eq!(list.out.lines().count(), 3, "{list:#?}");
    for file in ["vault.age", "identity.txt"] {
        assert_eq!(fs::metadata(home.file(file)).unwrap().permissions().mode() & 0o777, 0o600, "{file}");
        let bytes = fs::read(home.file(file)).unwrap();
        assert!(!bytes.windows(7).any(|window| window == b"hunter2"), "{file}");
    }
    home.run(&["secret", "remove", "other"]).code(0);
    home.run(&["secret", "list"]).code(0).never(&["other"]);
}

#[test]
fn the_vault_gives_the_check_its_secret_without_the_last_newline() {
    let home = Home::with(&format!(
        "[integrations.web]\nprovider = \"http\"\nattempts = 1\nfields = {{ url = \"{}/guarded\", token = \"vault:web\" }}\n",
        by_path()
    ));
    home.run(&["check"]).code(1).prints(&["unauthorized"]).prints(&["web"]);
    home.feed(&["secret", "set", "web"], &format!("{TOKEN}\r\n")).code(0);
    home.run(&["check"]).code(0).never(&[TOKEN]);
    home.feed(&["secret", "set", "web"], "wrong-hunter3").code(0);
    home.run(&["check", "--json"]).code(1).never(&["hunter3"]);
    home.run(&["show", "web"]).code(0).prints(&["vault:web"]).never(&["hunter3"]);
}

#[test]
fn what_cannot_be_a_secret_is_refused() {
    let home = Home::new();
    home.feed(&["secret", "set", "a"], "\n\n").code(5).says(&["empty"]);
    home.feed(&["secret", "set", "a"], &"x".repeat(64 * 1024 + 1)).code(5).says(&["64 KiB"]);
    home.feed(&["secret", "set", "../a"], "x").code(2);
    assert!(!home.file("vault.age").exists());
}

#[test]
fn a_missing_variable_is_named() {
    let home = Home::with(&format!(
        "[integrations.web]\nprovider = \"http\"\nfields = {{ url = \"{}/guarded\", token = \"env:LAMP_TOKEN\" }}\n",
        by_path()
    ));
    home.run(&["check"]).code(1).prints(&["LAMP_TOKEN"]);
    home.run_in(&[("LAMP_TOKEN", "")], &["check"]).code(1);
    home.run_in(&[("LAMP_TOKEN", TOKEN)], &["check"]).code(0).never(&[TOKEN]);
    home.run(&["doctor"]).code(5).prints(&["BAD  credentials", "web.token", "LAMP_TOKEN"]);
    home.run_in(&[("LAMP_TOKEN", TOKEN)], &["doctor"]).code(0).never(&[TOKEN]);
}

#[test]
fn a_vault_that_cannot_be_read_is_told_with_its_file_and_never_overwritten() {
    let fresh = || {
        let home = Home::with(&format!(
            "[integrations.web]\nprovider = \"http\"\nattempts = 1\nfields = {{ url = \"{}/guarded\", token = \"vault:web\" }}\n",
            by_path()
        ));
        home.feed(&["secret", "set", "web"], TOKEN).code(0);
        home
    };
    let broken = |home: &Home, file: &str| {
        let before = fs::read(home.file("vault.age")).ok();
        home.run(&["secret", "list"]).code(5).says(&[file]);
        home.feed(&["secret", "set", "web"], "new").code(5).says(&[file]);
        home.run(&["secret", "remove", "web"]).code(5).says(&[file]);
        let check = home.run(&["check"]).code(1).never(&[TOKEN]);
        assert!(check.out.contains("web"), "{check:#?}");
        home.run(&["doctor"]).code(5).prints(&["BAD  vault", file]);
        assert_eq!(fs::read(home.file("vault.age")).ok(), before);
    };
    let home = fresh();
    home.mode("vault.age", 0o644);
    broken(&home, "vault.age");
    let home = fresh();
    home.mode("identity.txt", 0o640);
    broken(&home, "identity.txt");
    let home = fresh();
    home.write("vault.age", "garbage\n");
    broken(&home, "vault.age");
    let home = fresh();
    home.write("identity.txt", "garbage\n");
    broken(&home, "identity.txt");
    let home = fresh();
    fs::remove_file(home.file("identity.txt")).unwrap();
    broken(&home, "identity.txt");
}
