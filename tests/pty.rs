//! The real program on a real terminal: every way in, through and out of it.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "common/pty.rs"]
mod pty;

use portable_pty::CommandBuilder;
use pty::{App, lampboard, until};
use rustix::process::Signal;
use std::path::Path;

/// Seen on an empty board.
const READY: &str = "Press 2 to add";

fn start(home: &Path) -> App {
    let app = App::start(lampboard(home), 80, 24);
    app.see(READY);
    app
}

#[test]
fn the_quit_key_leaves_a_clean_terminal() {
    let home = tempfile::tempdir().unwrap();
    for key in ["q", "\x03"] {
        let mut app = start(home.path());
        app.send(key);
        assert_eq!(app.exit(), 0);
        app.is_clean();
        assert!(!app.raw().windows(4).any(|w| w == b"\x1b[6n"), "the terminal was asked for its cursor");
    }
}

#[test]
fn every_signal_leaves_a_clean_terminal_and_its_code() {
    let home = tempfile::tempdir().unwrap();
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130), (Signal::QUIT, 131), (Signal::HUP, 129)] {
        let mut app = start(home.path());
        app.signal(signal);
        assert_eq!(app.exit(), code, "{signal:?}");
        app.is_clean();
    }
}

#[test]
fn suspended_by_key_or_signal_and_brought_back() {
    let home = tempfile::tempdir().unwrap();
    for key in [true, false] {
        let mut app = start(home.path());
        if key {
            app.send("\x1a")
        } else {
            app.signal(Signal::TSTP)
        }
        until(|| format!("stopped, is {}", app.state()), || app.state() == 'T');
        until(|| "the shell's screen".to_owned(), || !app.with_screen(|s| s.alternate_screen()));
        app.is_clean();
        app.signal(Signal::CONT);
        app.see(READY);
        assert!(app.with_screen(|s| s.alternate_screen()));
        // The keys work as before.
        app.send("?");
        app.see("Suspend to the shell");
        app.send("\x1b");
        app.see(READY);
        app.send("q");
        assert_eq!(app.exit(), 0);
        app.is_clean();
    }
}

#[test]
fn a_storm_of_sizes_ends_in_the_right_picture() {
    let home = tempfile::tempdir().unwrap();
    let mut app = start(home.path());
    for i in 0..400u16 {
        app.resize(1 + i % 150, 1 + i % 40);
    }
    app.resize(39, 9);
    app.see("too small: need 40×10");
    for (columns, rows) in [(1, 1), (300, 2), (200, 60), (80, 24)] {
        app.resize(columns, rows);
    }
    app.see(READY);
    app.see("q quit");
    app.send("q");
    assert_eq!(app.exit(), 0);
    app.is_clean();
}

#[test]
fn a_key_that_comes_with_a_resize_is_not_kept_waiting() {
    let home = tempfile::tempdir().unwrap();
    let mut app = start(home.path());
    // The two come within microseconds of each other, in either order; both must be taken.
    for i in 0..200 {
        let key = if i % 2 == 0 { "3" } else { "1" };
        if i % 4 < 2 {
            app.send(key);
            app.resize(80 + i % 5, 24);
        } else {
            app.resize(80 + i % 5, 24);
            app.send(key);
        }
        until(|| format!("key {key} of round {i} on\n{}", app.text()), || app.text().contains(READY) == (key == "1"));
    }
    app.send("q");
    assert_eq!(app.exit(), 0);
}

#[test]
fn a_paste_is_text_and_presses_no_keys() {
    let home = tempfile::tempdir().unwrap();
    let mut app = start(home.path());
    // On the board a paste means nothing; 'q' in it must not leave.
    app.send("\x1b[200~q\rq\x1b[201~");
    app.send("2");
    app.see("Which service?");
    app.send("\x1b[200~git\x1b[201~");
    app.see("GitHub");
    until(|| app.text(), || !app.text().contains("Slack"));
    app.send("\x03");
    assert_eq!(app.exit(), 0);
}

/// Operating system commands (`ESC ]`) in what was sent to the terminal.
fn commands(raw: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(raw).into_owned();
    text.split("\x1b]").skip(1).map(|rest| rest.split(['\x07', '\x1b']).next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn the_clipboard_is_written_on_a_key_only_and_never_read() {
    let home = tempfile::tempdir().unwrap();
    // The server would like to write it too.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut buffer = [0; 4096];
            let _ = std::io::Read::read(&mut stream, &mut buffer);
            let body = "{\"message\":\"\x1b]52;c;ZXZpbA==\x07\x1b]52;c;?\x07\x1b]0;owned\x07\"}";
            let answer = format!("HTTP/1.1 401 No\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            let _ = std::io::Write::write_all(&mut stream, answer.as_bytes());
        }
    });
    let config = format!(
        "[integrations.site]\nprovider = \"http\"\nattempts = 1\nfields = {{ url = \"http://127.0.0.1:{port}\" }}\n"
    );
    std::fs::write(home.path().join("config.toml"), config).unwrap();
    let mut app = App::start(lampboard(home.path()), 100, 30);
    app.see("credential missing");
    app.send("\r");
    app.see("Last check");
    let before = commands(&app.raw());
    assert!(!before.iter().any(|c| c.starts_with("52;")), "before any key: {before:?}");
    app.send("y");
    until(|| app.text(), || commands(&app.raw()).iter().any(|c| c.starts_with("52;")));
    app.quit();
    let clipboard: Vec<_> = commands(&app.raw()).into_iter().filter(|c| c.starts_with("52;")).collect();
    assert_eq!(clipboard.len(), 1, "{clipboard:?}");
    let content = clipboard[0].strip_prefix("52;c;").unwrap();
    let plain = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, content).unwrap();
    let plain = String::from_utf8(plain).unwrap();
    assert!(plain.contains("site") && !plain.contains("\x1b"), "{plain:?}");
    assert!(
        commands(&app.raw()).iter().all(|c| !c.contains("owned") && !c.contains('?')),
        "{:?}",
        commands(&app.raw())
    );
}

#[test]
fn a_secret_looked_at_is_masked_again_by_itself() {
    let home = tempfile::tempdir().unwrap();
    let mut app = start(home.path());
    app.send("a");
    app.see("Which service?");
    app.send("github\r");
    app.see("Add GitHub");
    app.send("\x1b[200~ghp_looked0at1for2five3seconds\x1b[201~");
    app.see("30 characters");
    assert!(!app.text().contains("looked"), "{}", app.text());
    app.send("\x12");
    app.see("ghp_looked");
    until(|| app.text(), || !app.text().contains("looked"));
    app.see("••••••••");
    assert_eq!(app.quit(), 0);
}

#[test]
fn nothing_listens_for_others() {
    let home = tempfile::tempdir().unwrap();
    let mut app = start(home.path());
    // Nobody may look at the descriptors of a process that keeps its memory to itself, but root.
    let folder = format!("/proc/{}/fd", app.pid().as_raw_nonzero());
    let open: Vec<String> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|fd| Some(std::fs::read_link(fd.path()).ok()?.to_string_lossy().into_owned()))
        .collect();
    for table in ["tcp", "tcp6", "udp", "udp6"] {
        for line in std::fs::read_to_string(format!("/proc/net/{table}")).unwrap_or_default().lines().skip(1) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let ours = open.contains(&format!("socket:[{}]", words[9]));
            assert!(!(ours && words[3] == "0A"), "it listens: {table} {line}");
        }
    }
    let unix = std::fs::read_to_string("/proc/net/unix").unwrap_or_default();
    for line in unix.lines().skip(1) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let ours = open.contains(&format!("socket:[{}]", words[6]));
        assert!(!(ours && words[3] == "00010000"), "it listens: unix {line}");
    }
    app.quit();
}

#[test]
fn a_lost_terminal_ends_the_program() {
    let home = tempfile::tempdir().unwrap();
    let mut app = start(home.path());
    app.hang_up();
    assert_eq!(app.exit(), 129);
}

/// The child of a leader that ignores SIGHUP never gets the signal, and its reads fail for ever.
#[test]
fn a_terminal_lost_without_a_signal_ends_the_program_too() {
    let home = tempfile::tempdir().unwrap();
    let code = home.path().join("code");
    let mut command = CommandBuilder::new("sh");
    command.env("TERM", "xterm-256color");
    command.env("LANG", "C.UTF-8");
    command.env("LAMPBOARD_HOME", home.path());
    let script = format!("trap '' HUP; '{}'; echo $? > '{}'", env!("CARGO_BIN_EXE_lampboard"), code.display());
    command.args(["-c", &script]);
    let mut app = App::start(command, 80, 24);
    app.see(READY);
    app.hang_up();
    let written = || std::fs::read_to_string(&code).unwrap_or_default();
    until(|| "the program still runs".to_owned(), || !written().trim().is_empty());
    assert_eq!(written().trim(), "129");
}

#[test]
fn without_colours_no_colour_is_written() {
    let home = tempfile::tempdir().unwrap();
    let mut command = lampboard(home.path());
    command.env("NO_COLOR", "1");
    let mut app = App::start(command, 80, 24);
    app.see(READY);
    app.send("q");
    assert_eq!(app.exit(), 0);
    let raw = String::from_utf8_lossy(&app.raw()).into_owned();
    for sequence in raw.split("\x1b[").skip(1) {
        let Some((codes, _)) =
            sequence.split_once('m').filter(|(c, _)| c.chars().all(|c| c.is_ascii_digit() || c == ';'))
        else {
            continue;
        };
        for code in codes.split(';').filter_map(|c| c.parse::<u8>().ok()) {
            assert!(matches!(code, 0..=9 | 21..=29 | 39 | 49 | 59), "a colour: {codes}");
        }
    }
}

#[test]
fn an_ascii_locale_gets_ascii() {
    let home = tempfile::tempdir().unwrap();
    let mut command = lampboard(home.path());
    command.env("LANG", "C");
    let mut app = App::start(command, 80, 24);
    app.see(READY);
    app.send("q");
    assert_eq!(app.exit(), 0);
    assert!(app.raw().is_ascii());
}

/// Not a test by itself: the other end of the next two, on a terminal of its own.
#[test]
fn stage() {
    let Ok(role) = std::env::var("LAMPBOARD_TEST_ROLE") else { return };
    use lampboard::tui::{run::Stage, terminal::Console};
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut console = Console::open(false).unwrap();
        console.draw(|frame| frame.render_widget("before", frame.area())).unwrap();
        match &*role {
            "drawing" => console.draw(|_| panic!("the picture broke")).unwrap(),
            _ => {
                std::thread::spawn(|| panic!("the task broke")).join().unwrap_err();
                console.draw(|frame| frame.render_widget("after", frame.area())).unwrap();
                console.next().await;
            }
        }
    });
}

fn play(role: &str) -> App {
    let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
    command.args(["--exact", "stage", "--nocapture", "--test-threads=1"]);
    command.env("TERM", "xterm-256color");
    command.env("LAMPBOARD_TEST_ROLE", role);
    command.env("RUST_BACKTRACE", "0");
    App::start(command, 80, 24)
}

#[test]
fn a_panic_while_drawing_gives_the_terminal_back_first() {
    let mut app = play("drawing");
    assert_eq!(app.exit(), 101);
    app.is_clean();
    assert!(app.text().contains("the picture broke"), "{}", app.text());
}

#[test]
fn a_panic_elsewhere_leaves_the_picture_alone() {
    let mut app = play("task");
    app.see("after");
    assert!(!app.text().contains("the task broke"), "{}", app.text());
    assert!(app.with_screen(|s| s.alternate_screen()));
    app.send("q");
    assert_eq!(app.exit(), 0);
    app.is_clean();
}
