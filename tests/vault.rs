//! Credentials through the program's own commands: shared, bound to their hosts, rotated, rolled back, locked.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "common/accounts.rs"]
mod accounts;

use accounts::Accounts;
use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

struct Ran {
    code: i32,
    out: String,
    err: String,
}

/// Runs the program over a home, this on its standard input.
fn run(home: &Path, arguments: &[&str], input: &str) -> Ran {
    let mut child = Command::new(env!("CARGO_BIN_EXE_lampboard"))
        .args(arguments)
        .env_clear()
        .env("LAMPBOARD_HOME", home)
        .env("XDG_RUNTIME_DIR", home.join("run"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    Ran {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn good(home: &Path, arguments: &[&str], input: &str) -> String {
    let ran = run(home, arguments, input);
    assert_eq!(ran.code, 0, "{arguments:?}\n{}\n{}", ran.out, ran.err);
    ran.out
}

fn json(home: &Path, arguments: &[&str]) -> serde_json::Value {
    serde_json::from_str(&good(home, &[arguments, &["--json"]].concat(), "")).unwrap()
}

fn integration(name: &str, port: u16) -> String {
    format!(
        "[integrations.{name}]\nprovider = \"github\"\nattempts = 1\n\
         fields = {{ token = \"vault:gh\", base_url = \"http://127.0.0.1:{port}\" }}\n"
    )
}

fn write(home: &Path, integrations: &[(&str, u16)]) {
    let text: String = integrations.iter().map(|(name, port)| integration(name, *port)).collect();
    std::fs::write(home.join("config.toml"), text).unwrap();
}

const OLD: &str = "ghp_oldoldoldoldoldoldold";
const NEW: &str = "ghp_newnewnewnewnewnewnew";
const BOBS: &str = "ghp_bobbobbobbobbobbobbob";

#[test]
fn an_entry_is_shared_rotated_and_rolled_back() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let server = Accounts::serve(&[(OLD, "ada"), (NEW, "ada"), (BOBS, "bob")]);
    write(home, &[("work", server.port), ("ci", server.port)]);
    good(home, &["secret", "set", "gh"], OLD);
    good(home, &["check"], "");
    let list = json(home, &["secret", "list"]);
    assert_eq!(list[0]["used_by"], serde_json::json!(["work", "ci"]));
    assert_eq!(
        list[0]["hosts"],
        serde_json::json!([format!("127.0.0.1:{}", server.port)]),
        "bound by its first good check"
    );

    // A value that works nowhere, and one of another account: nothing changes.
    let ran = run(home, &["secret", "rotate", "gh"], "ghp_wrong");
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("nothing was changed") && ran.err.contains("credential refused"), "{}", ran.err);
    let ran = run(home, &["secret", "rotate", "gh"], BOBS);
    assert_eq!(ran.code, 1);
    assert!(
        ran.err.contains("'ada'") && ran.err.contains("'bob'") && ran.err.contains("--other-account"),
        "{}",
        ran.err
    );
    good(home, &["check"], "");

    // The same account's new value: both tested, replaced, and back again.
    let out = good(home, &["secret", "rotate", "gh"], NEW);
    assert!(out.contains("work") && out.contains("ci") && out.contains("roll-back"), "{out}");
    server.known.lock().unwrap().remove(NEW);
    assert_eq!(run(home, &["check"], "").code, 1, "the new one turned out bad");
    good(home, &["secret", "roll-back", "gh"], "");
    good(home, &["check"], "");

    // After a good check there is no way back.
    good(home, &["secret", "rotate", "gh", "--other-account"], BOBS);
    assert!(json(home, &["secret", "list"])[0]["proved"].is_null(), "what was proved before was another value");
    good(home, &["check"], "");
    assert!(json(home, &["secret", "list"])[0]["proved"].is_string());
    assert!(run(home, &["secret", "roll-back", "gh"], "").err.contains("proved good"));

    let audit = good(home, &["audit"], "");
    for action in ["secret.set", "secret.rotate", "secret.roll-back"] {
        assert!(audit.contains(action), "{audit}");
    }
    assert!(audit.contains("nothing was changed"), "refused rotations are told too: {audit}");
    let everything = format!("{audit}{}", std::fs::read_to_string(home.join("audit.jsonl")).unwrap());
    assert!([OLD, NEW, BOBS, "ghp_wrong"].iter().all(|secret| !everything.contains(secret)));
}

#[test]
fn a_secret_goes_only_where_it_was_stored_for() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let (server, other) = (Accounts::serve(&[(OLD, "ada")]), Accounts::serve(&[(OLD, "ada")]));
    write(home, &[("work", server.port)]);
    good(home, &["secret", "set", "gh"], OLD);
    good(home, &["check"], "");

    let proved = |home: &Path| json(home, &["secret", "list"])[0]["proved"].clone();
    assert!(proved(home).is_string());

    // A changed address.
    write(home, &[("work", other.port)]);
    let ran = run(home, &["check"], "");
    assert_eq!(ran.code, 1);
    let shown = json_of_show(home);
    assert!(shown.contains("was stored for") && shown.contains("secret allow gh"), "{shown}");

    // A definition of the same name that points elsewhere.
    let text = std::fs::read_to_string("providers/github.toml").unwrap();
    let swapped = text
        .replace("base_url = \"https://api.github.com\"", &format!("base_url = \"http://127.0.0.1:{}\"", other.port));
    assert_ne!(text, swapped);
    std::fs::create_dir_all(home.join("providers")).unwrap();
    std::fs::write(home.join("providers/github.toml"), swapped).unwrap();
    std::fs::write(
        home.join("config.toml"),
        "[integrations.work]\nprovider = \"github\"\nattempts = 1\nfields = { token = \"vault:gh\" }\n",
    )
    .unwrap();
    assert_eq!(run(home, &["check"], "").code, 1);
    assert_eq!(run(home, &["secret", "rotate", "gh"], OLD).code, 5);
    assert_eq!(other.count(), 0, "the other server was never asked");

    // The user's word opens the way.
    good(home, &["secret", "allow", "gh", &format!("127.0.0.1:{}", other.port)], "");
    good(home, &["check"], "");
    assert_eq!(other.count(), 1);
}

fn json_of_show(home: &Path) -> String {
    json(home, &["show", "work"]).to_string()
}

#[test]
fn a_locked_vault_is_a_state_and_the_rest_goes_on() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let server = Accounts::serve(&[(OLD, "ada")]);
    write(home, &[("work", server.port)]);
    good(home, &["secret", "set", "gh"], OLD);
    good(home, &["vault", "rekey", "--method", "passphrase"], "correct horse battery staple");
    let config = std::fs::read_to_string(home.join("config.toml")).unwrap();
    let plain = format!(
        "[integrations.page]\nprovider = \"tcp\"\nfields = {{ host = \"127.0.0.1\", port = \"{}\" }}\n",
        server.port
    );
    std::fs::write(home.join("config.toml"), config + &plain).unwrap();

    run(home, &["check"], "");
    let list = json(home, &["list"]);
    let of = |name: &str| list.as_array().unwrap().iter().find(|i| i["id"] == name).unwrap().clone();
    assert_eq!(
        (of("work")["status"].as_str(), of("work")["cause"].as_str()),
        (Some("inactive"), Some("locked")),
        "{list}"
    );
    assert_eq!(of("page")["status"], "active");

    assert_eq!(run(home, &["vault", "unlock"], "not the passphrase").code, 5);
    good(home, &["vault", "unlock"], "correct horse battery staple");
    good(home, &["check"], "");
    good(home, &["vault", "lock"], "");
    assert_eq!(json(home, &["vault", "status"])["locked"], true);
    // Nothing in the folder opens it without the passphrase, and nothing was written around the lock.
    let ran = run(home, &["secret", "set", "more"], "value");
    assert_eq!(ran.code, 5);
    assert!(ran.err.contains("locked"), "{}", ran.err);
}

#[test]
fn an_expiry_the_user_states_becomes_a_warning() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let server = Accounts::serve(&[(OLD, "ada")]);
    write(home, &[("work", server.port)]);
    good(home, &["secret", "set", "gh"], OLD);
    let soon = jiff::Zoned::now().date().saturating_add(jiff::Span::new().days(5)).to_string();
    assert_eq!(run(home, &["secret", "expires", "gh", "soon"], "").code, 2);
    good(home, &["secret", "expires", "gh", &soon], "");
    good(home, &["check"], "");
    let shown = json_of_show(home);
    assert!(shown.contains("credential_expires"), "{shown}");
}

#[test]
fn memory_is_kept_from_core_files_and_other_programs() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    write(home, &[("work", server.local_addr().unwrap().port())]);
    good(home, &["secret", "set", "gh"], OLD);
    // It waits for an answer that does not come: time to look at it.
    let mut child = Command::new(env!("CARGO_BIN_EXE_lampboard"))
        .arg("check")
        .env("LAMPBOARD_HOME", home)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let (_stream, _) = server.accept().unwrap();
    let folder = std::path::PathBuf::from(format!("/proc/{}", child.id()));
    let limits = std::fs::read_to_string(folder.join("limits"));
    let command = std::fs::read(folder.join("cmdline")).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!String::from_utf8_lossy(&command).contains(OLD));
    // Not dumpable: the folder belongs to root, and its limits say that no core is left.
    if let Ok(limits) = limits {
        let core = limits.lines().find(|l| l.starts_with("Max core file size")).unwrap().to_owned();
        assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
    }
}

#[cfg(feature = "keyring")]
#[test]
fn a_bus_that_never_answers_is_given_up_and_nothing_changes() {
    let home = tempfile::tempdir().unwrap();
    let socket = home.path().join("bus");
    let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    std::thread::spawn(move || {
        // Whoever calls is let in and hears nothing.
        let mut kept = Vec::new();
        for stream in listener.incoming() {
            kept.push(stream);
        }
    });
    good(home.path(), &["secret", "set", "gh"], OLD);
    let output = Command::new(env!("CARGO_BIN_EXE_lampboard"))
        .args(["vault", "rekey", "--method", "keyring"])
        .env("LAMPBOARD_HOME", home.path())
        .env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", socket.display()))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(5), "{said}");
    assert!(said.contains("within 3 s") && said.contains("the vault stays as it is"), "{said}");
    assert_eq!(json(home.path(), &["vault", "status"])["method"], "key_file");
}
