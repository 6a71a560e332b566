//! The bare program without a terminal, and colour only where a terminal is.

use crate::{
    home::{Home, bare},
    server::by_path,
};
use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use std::{
    io::Read,
    process::Stdio,
    time::{Duration, Instant},
};

fn home() -> Home {
    Home::with(&format!(
        "[integrations.web]\nprovider = \"http\"\nattempts = 1\nfields = {{ url = \"{}/ok\" }}\n",
        by_path()
    ))
}

#[test]
fn without_a_terminal_it_says_so_and_prints_the_table_of_check() {
    let home = home();
    let board = home.run(&[]).code(0).prints(&["NAME", "*  web"]);
    assert_eq!(board.err.lines().count(), 1, "{board:#?}");
    board.says(&["no terminal"]);
    let json = home.run(&["--json"]).code(0).json();
    assert_eq!(json[0]["id"], "web");
}

#[test]
fn the_demo_without_a_terminal_prints_one_round_and_leaves_the_home_alone() {
    let home = Home::new();
    home.run(&["demo", "--once"]).code(0).prints(&["NAME", "github", "active", "server error"]);
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
}

/// Everything the program writes to a terminal, to its end.
fn on_a_terminal(home: &Home, env: &[(&str, &str)], args: &[&str]) -> String {
    let pty = native_pty_system().openpty(PtySize { rows: 24, cols: 100, pixel_width: 0, pixel_height: 0 }).unwrap();
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_lampboard"));
    command.env_clear();
    command.env("TERM", "xterm-256color");
    command.env("LAMPBOARD_HOME", home.path());
    command.cwd(home.path());
    for (key, value) in env {
        command.env(key, value);
    }
    command.args(args);
    let mut child = pty.slave.spawn_command(command).unwrap();
    drop(pty.slave);
    let mut reader = pty.master.try_clone_reader().unwrap();
    let (send, receive) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // The last read of a terminal whose other side is gone is an error.
        let _ = reader.read_to_end(&mut bytes);
        send.send(bytes)
    });
    let Ok(bytes) = receive.recv_timeout(Duration::from_secs(60)) else {
        child.kill().unwrap();
        panic!("{args:?} did not end");
    };
    child.wait().unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn escape_codes_go_to_a_terminal_only_and_not_when_unwanted() {
    let home = home();
    let bold = on_a_terminal(&home, &[], &["list"]);
    assert!(bold.contains("\x1b[1m") && bold.contains("web"), "{bold:?}");
    for quiet in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let plain = on_a_terminal(&home, &[quiet], &["list"]);
        assert!(!plain.contains('\x1b') && plain.contains("web"), "{quiet:?}: {plain:?}");
    }
    let json = on_a_terminal(&home, &[], &["list", "--json"]);
    assert!(!json.contains('\x1b') && json.contains("\"web\""), "{json:?}");
    home.run(&["list"]).code(0);
}

#[test]
fn it_does_not_wait_for_standard_input_it_does_not_need() {
    let home = home();
    let mut command = bare();
    command.env("LAMPBOARD_HOME", home.path()).args(["check"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    // The other end stays open and silent all the while.
    let silent = child.stdin.take();
    let end = Instant::now() + Duration::from_secs(60);
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if Instant::now() > end {
            child.kill().unwrap();
            panic!("it waits for its standard input");
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    assert!(status.success());
    drop(silent);
}
