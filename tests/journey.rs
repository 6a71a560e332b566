//! A stranger's first quarter of an hour, on a real terminal, against a real server on this machine.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "common/accounts.rs"]
mod accounts;
#[path = "common/pty.rs"]
mod pty;

use accounts::Accounts;
use pty::{App, lampboard, until};
use std::{
    io::{Read, Write},
    net::TcpListener,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// The token the server takes.
const TOKEN: &str = "journey-5f2c91-token";

/// A server that wants the token; without, or while `down`, it says so. Ends with the test's process.
fn server(down: Arc<AtomicBool>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = Vec::new();
            let mut buffer = [0; 4096];
            while !request.windows(4).any(|w| w == b"\r\n\r\n") {
                match stream.read(&mut buffer) {
                    Ok(n @ 1..) => request.extend(&buffer[..n]),
                    _ => break,
                }
            }
            let known = String::from_utf8_lossy(&request).contains(&format!("Bearer {TOKEN}"));
            let (status, body) = match (down.load(Ordering::SeqCst), known) {
                (true, _) => ("503 Service Unavailable", "{}"),
                (_, true) => ("200 OK", "{\"status\":\"fine\"}"),
                (_, false) => ("401 Unauthorized", "{\"message\":\"who are you?\"}"),
            };
            let answer = format!(
                "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    port
}

fn config(home: &Path) -> String {
    std::fs::read_to_string(home.join("config.toml")).unwrap_or_default()
}

#[test]
fn from_an_empty_folder_to_a_kept_integration() {
    let home = tempfile::tempdir().unwrap();
    let down = Arc::new(AtomicBool::new(false));
    let port = server(down.clone());
    let mut app = App::start(lampboard(home.path()), 100, 30);
    app.see("Press 2 to add");

    // Add: a wrong token first. Nothing is saved, and the ladder names the rung.
    app.send("a");
    app.see("Which service?");
    app.send("http\r");
    app.see("Add HTTP address");
    app.send(&format!("\x1b[200~http://127.0.0.1:{port}/health\n\x1b[201~"));
    app.see(&format!("{port}/health"));
    // Address, method, where the token goes: typing there goes into the token.
    app.send("\t\t");
    app.send("\x1b[200~wrong-token-0000\x1b[201~");
    app.send("\x1b[15~");
    app.see("code 401");
    app.see("[ Test again ] ▸[ Back ]");
    assert!(config(home.path()).is_empty(), "a failed test saves nothing");

    // Back to the failing field, the right token, test, save.
    // Wait for the form: Esc and the paste in one breath would be another sequence.
    app.send("\x1b");
    app.see("vault entry");
    app.send(&format!("\x1b[200~{TOKEN}\x1b[201~"));
    app.send("\x1b[15~");
    app.see("every condition holds");
    app.send("\r");
    app.see("http is saved");
    app.see("● 1 active");
    assert!(config(home.path()).contains("token = \"vault:http\""), "{}", config(home.path()));

    // Pause and back, test by hand, remove and undo.
    app.send("p");
    app.see("paused");
    app.send("p");
    app.see("● 1 active");
    app.send("dy");
    app.see("Removed http");
    until(|| config(home.path()), || !config(home.path()).contains("[integrations.http]"));
    app.send("u");
    app.see("http is back");
    until(|| config(home.path()), || config(home.path()).contains("[integrations.http]"));

    // The service fails: seen, and whose fault.
    down.store(true, Ordering::SeqCst);
    app.send("t");
    app.see("error: server error");
    app.send("\r");
    app.see("Whose side   the provider");
    // Not together: Esc and a letter in one breath are Alt and that letter.
    app.send("\x1b");
    app.see("Enter open");
    app.send("q");
    assert_eq!(app.exit(), 0);

    // The next start shows what was, before any check.
    let mut app = App::start(lampboard(home.path()), 100, 30);
    app.see("error: server error");
    app.send("q");
    assert_eq!(app.exit(), 0);

    // The token went over the terminal in none of all these pictures, and lies nowhere in plain.
    for file in ["config.toml", "history.db", "lampboard.log", "vault.age", "state.toml"] {
        let bytes = std::fs::read(home.path().join(file)).unwrap_or_default();
        assert!(!bytes.windows(TOKEN.len()).any(|w| w == TOKEN.as_bytes()), "the token is in {file}");
    }
    assert!(!app.raw().windows(TOKEN.len()).any(|w| w == TOKEN.as_bytes()));
}

#[test]
fn a_locked_vault_is_opened_and_a_credential_replaced_from_the_board() {
    const OLD: &str = "ghp_journeyoldoldoldold";
    const NEW: &str = "ghp_journeynewnewnewnew";
    const WORDS: &str = "correct horse battery staple";
    let home = tempfile::tempdir().unwrap();
    let server = Accounts::serve(&[(OLD, "ada"), (NEW, "ada")]);
    let config = format!(
        "[integrations.work]\nprovider = \"github\"\nattempts = 1\n\
         fields = {{ token = \"vault:gh\", base_url = \"http://127.0.0.1:{}\" }}\n",
        server.port
    );
    std::fs::write(home.path().join("config.toml"), config).unwrap();
    for (arguments, input) in
        [(&["secret", "set", "gh"][..], OLD), (&["vault", "rekey", "--method", "passphrase"], WORDS)]
    {
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_lampboard"))
            .args(arguments)
            .env("LAMPBOARD_HOME", home.path())
            .env_remove("XDG_RUNTIME_DIR")
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success());
    }

    let mut app = App::start(lampboard(home.path()), 100, 30);
    app.see("vault locked");
    app.send("U");
    app.see("Unlock the vault");
    app.send("not the passphrase\r");
    app.see("does not open");
    app.send(&format!("\x1b[200~{WORDS}\x1b[201~\r"));
    app.see("The vault is open");
    app.see("● 1 active");

    // A wrong value changes nothing and says why; the right one takes its place, and can be taken back.
    app.send("R");
    app.see("A new value for 'gh'");
    app.send("\x1b[200~ghp_journeywrong\x1b[201~\r");
    app.see("nothing was changed");
    app.send(&format!("\x1b[200~{NEW}\x1b[201~\r"));
    app.see("'gh' has its new value");
    until(
        || "the new value at the server".to_owned(),
        || server.requests.lock().unwrap().last().is_some_and(|r| r.contains(NEW)),
    );
    app.send("q");
    assert_eq!(app.exit(), 0);
    for secret in [OLD, NEW, WORDS] {
        assert!(!app.raw().windows(secret.len()).any(|w| w == secret.as_bytes()), "a secret was on the screen");
    }
}
