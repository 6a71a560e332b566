//! Where files lie: another configuration file, no home, a home that cannot be written.

use crate::{
    home::{Home, bare, ran},
    server::by_path,
};
use std::{fs, path::Path};

fn config() -> String {
    format!("[integrations.web]\nprovider = \"http\"\nattempts = 1\nfields = {{ url = \"{}/ok\" }}\n", by_path())
}

#[test]
fn another_configuration_file_is_read_and_written_instead() {
    let home = Home::with("[board]\nnonsense = 1\n");
    let other = home.write("elsewhere/mine.toml", &config());
    let other = other.to_str().unwrap();
    home.run(&["--config", other, "check"]).code(0).prints(&["*  web"]);
    home.run(&["list", "--config", other]).code(0).prints(&["web"]);
    let path = home.run(&["--config", other, "config", "path", "--json"]).code(0).json();
    assert_eq!(path["config"], other);
    home.run(&["--config", other, "remove", "web"]).code(0);
    assert!(!home.read("elsewhere/mine.toml").contains("integrations.web"));
    assert_eq!(home.read("config.toml"), "[board]\nnonsense = 1\n");
    let folder = home.path().to_str().unwrap();
    home.run(&["--config", folder, "list"]).code(4);
}

#[test]
fn asking_makes_no_file() {
    let home = Home::new();
    for args in [
        &["config", "path"] as &[&str],
        &["config", "check"],
        &["config", "example"],
        &["doctor"],
        &["provider", "list"],
        &["secret", "list"],
        &["check"],
        &["list"],
    ] {
        home.run(args).code(0);
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0, "{args:?}");
    }
}

#[test]
fn without_any_home_it_finds_the_accounts_own_or_says_what_to_set() {
    for home in [None, Some("")] {
        let mut command = bare();
        command.args(["config", "path", "--json"]);
        if let Some(home) = home {
            command.env("HOME", home);
        }
        let ran = ran(command, "").calm();
        if ran.code == 0 {
            let paths = ran.json();
            for (name, path) in paths.as_object().unwrap() {
                assert!(Path::new(path.as_str().unwrap()).is_absolute(), "{name}: {path}");
            }
        } else {
            assert_eq!(ran.code, 5, "{ran:#?}");
            ran.says(&["HOME", "LAMPBOARD_HOME"]);
        }
    }
}

#[test]
fn the_platforms_folders_are_used_without_lampboard_home() {
    let home = Home::new();
    let mut command = bare();
    command.env("HOME", home.path()).env("XDG_CONFIG_HOME", home.file("cfg")).args(["config", "path", "--json"]);
    let paths = ran(command, "").code(0).json();
    for path in paths.as_object().unwrap().values() {
        assert!(Path::new(path.as_str().unwrap()).starts_with(home.path()), "{paths:#}");
    }
    if cfg!(target_os = "linux") {
        assert_eq!(paths["config"], home.file("cfg/lampboard/config.toml").to_str().unwrap());
    }
    assert_ne!(
        Path::new(paths["identity"].as_str().unwrap()).parent(),
        Path::new(paths["config"].as_str().unwrap()).parent(),
        "people publish their configuration folders"
    );
}

#[test]
fn a_home_that_cannot_be_written_still_gives_a_check() {
    let home = Home::with(&config());
    let file = home.file("config.toml");
    let check = |place: &Path| {
        let mut command = bare();
        command.env("LAMPBOARD_HOME", place).arg("--config").arg(&file).arg("check");
        ran(command, "").code(0).prints(&["*  web"])
    };
    // Below a file no folder can be made, not even by root.
    check(&file.join("below")).says(&["in memory"]);
    home.mode(".", 0o500);
    let told = check(home.path());
    let writable = tempfile::tempfile_in(home.path()).is_ok();
    home.mode(".", 0o700);
    assert!(writable || told.err.contains("memory"), "{told:#?}");

    let below = |args: &[&str], input: &str| {
        let mut command = bare();
        command.env("LAMPBOARD_HOME", file.join("below")).args(args);
        ran(command, input)
    };
    below(&["secret", "set", "a"], "x").code(5).says(&["below"]);
    let add = ["add", "http", "a", "--set", "url=http://127.0.0.1:1/", "--no-test", "--config", file.to_str().unwrap()];
    below(&add, "").code(5).says(&["below"]);
    assert!(!home.read("config.toml").contains("integrations.a"));
    below(&["doctor"], "").code(5).prints(&["BAD  data folder"]);
}
