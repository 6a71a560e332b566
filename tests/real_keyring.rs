//! The vault and single secrets in a real keyring: GNOME's, on a message bus of its own in a throw-away home.
//! Built with the feature `keyring`; `.ci/run` installs the parts and runs it.

#![cfg(feature = "keyring")]
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "common/pty.rs"]
mod pty;
#[path = "common/web.rs"]
mod web;

use portable_pty::CommandBuilder;
use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

const SECRET: &str = "canary-7c1d90ab55";

/// A bus and the keyring on it; both end with the test.
struct Desktop {
    bus: Child,
    keyring: Child,
    address: String,
    home: tempfile::TempDir,
}

impl Drop for Desktop {
    fn drop(&mut self) {
        for child in [&mut self.keyring, &mut self.bus] {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn desktop() -> Desktop {
    desktop_with("--unlock")
}

/// `--unlock`: the keyring opens with the password it is given.
fn desktop_with(keyring: &str) -> Desktop {
    let home = tempfile::tempdir().unwrap();
    let mut bus = Command::new("dbus-daemon")
        .args(["--session", "--nofork", "--nopidfile", "--print-address"])
        .arg(format!("--address=unix:path={}", home.path().join("bus").display()))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("dbus-daemon is installed");
    let mut address = String::new();
    BufReader::new(bus.stdout.take().unwrap()).read_line(&mut address).unwrap();
    let mut keyring = Command::new("gnome-keyring-daemon")
        .args(["--foreground", keyring, "--components=secrets"])
        .env_clear()
        .env("PATH", std::env::var("PATH").unwrap_or_default())
        .env("HOME", home.path())
        .env("XDG_RUNTIME_DIR", home.path())
        .env("DBUS_SESSION_BUS_ADDRESS", address.trim())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("gnome-keyring-daemon is installed");
    keyring.stdin.take().unwrap().write_all(b"login password").unwrap();
    Desktop { bus, keyring, address: address.trim().to_owned(), home }
}

impl Desktop {
    fn run(&self, home: &Path, arguments: &[&str], input: &str) -> Output {
        let mut child = Command::new(env!("CARGO_BIN_EXE_lampboard"))
            .args(arguments)
            .env_clear()
            .env("LAMPBOARD_HOME", home)
            .env("DBUS_SESSION_BUS_ADDRESS", &self.address)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    fn good(&self, home: &Path, arguments: &[&str], input: &str) -> String {
        let output = self.run(home, arguments, input);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// What another program asks of the keyring.
    fn secret_tool(&self, arguments: &[&str], input: &str) -> String {
        let mut child = Command::new("secret-tool")
            .args(arguments)
            .env("DBUS_SESSION_BUS_ADDRESS", &self.address)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("secret-tool is installed");
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }

    /// The keyring takes a moment to appear on its bus.
    fn ready(&self, home: &Path) {
        let started = Instant::now();
        while !self.run(home, &["vault", "rekey", "--method", "keyring"], "").status.success() {
            assert!(started.elapsed() < Duration::from_secs(60), "the keyring did not come up");
        }
    }
}

fn status(desktop: &Desktop, home: &Path) -> serde_json::Value {
    serde_json::from_str(&desktop.good(home, &["vault", "status", "--json"], "")).unwrap()
}

#[test]
#[ignore = "needs dbus-daemon and gnome-keyring"]
fn the_keyring_opens_the_vault_and_its_absence_locks_it() {
    let mut desktop = desktop();
    let home = desktop.home.path().join("lampboard");
    desktop.good(&home, &["secret", "set", "gh"], SECRET);
    desktop.ready(&home);
    assert_eq!(status(&desktop, &home)["method"], "keyring");
    assert!(!home.join("identity").exists() && !home.join("identity.txt").exists(), "no key file is left behind");
    // What was stored before is there, and can be replaced.
    assert!(desktop.good(&home, &["secret", "list"], "").contains("gh"));
    desktop.good(&home, &["secret", "set", "other"], SECRET);
    assert!(String::from_utf8_lossy(&desktop.run(&home, &["doctor"], "").stdout).contains("works; it could hold"));
    // Back to a key file and again to the keyring.
    desktop.good(&home, &["vault", "rekey", "--method", "key-file"], "");
    assert_eq!(status(&desktop, &home)["method"], "key_file");
    desktop.good(&home, &["vault", "rekey", "--method", "keyring"], "");
    // Without the keyring the vault is locked, which is a state and loses nothing.
    desktop.keyring.kill().unwrap();
    desktop.keyring.wait().unwrap();
    let before = std::fs::read_dir(&home).unwrap().count();
    let told = desktop.run(&home, &["doctor"], "").stdout;
    assert!(String::from_utf8_lossy(&told).contains("lies in a file or behind a passphrase instead"));
    let refused = desktop.run(&home, &["secret", "set", "third"], SECRET);
    assert!(!refused.status.success());
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(!said.contains(SECRET), "{said}");
    assert_eq!(std::fs::read_dir(&home).unwrap().count(), before, "no second vault, nothing in plain text");
    for file in std::fs::read_dir(&home).unwrap() {
        let text = std::fs::read(file.unwrap().path()).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&text).contains(SECRET));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs dbus-daemon, gnome-keyring and secret-tool"]
async fn a_secret_that_another_program_keeps_in_the_keyring_is_used() {
    let desktop = desktop();
    let home = desktop.home.path().join("lampboard");
    desktop.good(&home, &["secret", "set", "gh"], SECRET);
    desktop.ready(&home);
    desktop.secret_tool(&["store", "--label=theirs", "service", "lampboard", "username", "theirs"], SECRET);
    let server = web::Web::start(|_| Some(web::reply("200 OK", "fine"))).await;
    let config = |name: &str| {
        std::fs::write(
            home.join("config.toml"),
            format!(
                "[integrations.mirror]\nprovider = \"http\"\n[integrations.mirror.fields]\nurl = \"{}\"\ntoken = \"keyring:{name}\"\n",
                server.url
            ),
        )
        .unwrap();
    };
    config("theirs");
    let told = desktop.good(&home, &["check", "mirror"], "");
    assert!(told.contains("active") && !told.contains(SECRET), "{told}");
    assert_eq!(server.asked()[0].header("authorization"), format!("Bearer {SECRET}"));
    config("nobodys");
    let output = desktop.run(&home, &["check", "mirror"], "");
    assert!(!output.status.success());
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(told.contains("has no entry 'nobodys'"), "{told}");
    // Nothing is left of the tries with which Lampboard finds out whether the keyring works.
    let kept = desktop.secret_tool(&["search", "--all", "service", "lampboard"], "");
    assert!(kept.contains("theirs") && !kept.contains("probe"), "{kept}");
}

/// The board on a terminal of its own, where this is the bus.
fn board(home: &Path, bus: Option<&str>) -> pty::App {
    let mut command: CommandBuilder = pty::lampboard(home);
    // Wherever the bus of whoever runs the test is.
    command.env("XDG_RUNTIME_DIR", home);
    if let Some(bus) = bus {
        command.env("DBUS_SESSION_BUS_ADDRESS", bus);
    }
    let board = pty::App::start(command, 80, 24);
    board.see("Press 2 to add");
    board
}

#[test]
fn without_a_keyring_the_board_says_so_once_and_leads_into_the_vault() {
    let home = tempfile::tempdir().unwrap();
    let board = board(home.path(), None);
    board.see("no system keyring is here: credentials go into the vault");
}

#[test]
#[ignore = "needs dbus-daemon and gnome-keyring"]
fn a_locked_keyring_leads_into_the_vault() {
    let desktop = desktop_with("--start");
    let home = tempfile::tempdir().unwrap();
    // Until it is on its bus there is none.
    let doctor = || String::from_utf8_lossy(&desktop.run(home.path(), &["doctor"], "").stdout).into_owned();
    pty::until(doctor, || !doctor().contains("no system keyring"));
    let board = board(home.path(), Some(&desktop.address));
    board.see("the keyring is locked or silent: credentials go into the vault");
    desktop.good(home.path(), &["secret", "set", "gh"], SECRET);
    assert_eq!(status(&desktop, home.path())["method"], "key_file");
}

#[test]
fn a_bus_that_never_answers_delays_nothing() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("silent");
    let _silent = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let mut board = board(home.path(), Some(&format!("unix:path={}", path.display())));
    // The board can be worked with while the keyring is waited for.
    board.send("2");
    board.see("Which service?");
    board.see("the keyring is locked or silent: credentials go into the vault");
}

#[test]
#[ignore = "needs dbus-daemon, gnome-keyring and secret-tool"]
fn a_keyring_that_works_is_tried_at_the_start_and_not_spoken_of() {
    let desktop = desktop();
    let home = desktop.home.path().join("lampboard");
    desktop.good(&home, &["secret", "set", "gh"], SECRET);
    desktop.ready(&home);
    let board = board(&home, Some(&desktop.address));
    let log = || std::fs::read_to_string(home.join("lampboard.log")).unwrap_or_default();
    pty::until(log, || log().contains("the system's keyring works"));
    assert!(!board.text().contains("keyring"), "{}", board.text());
    let kept = desktop.secret_tool(&["search", "--all", "service", "lampboard"], "");
    assert!(!kept.contains("probe"), "{kept}");
}
