//! Planted secrets and the board on a real terminal: not on the screen, not in the log, not in any file, not in a panic.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "common/pty.rs"]
mod pty;

use base64::{Engine, prelude::BASE64_STANDARD};
use indexmap::IndexMap;
use lampboard::{
    model::{Integration, IntegrationId, Secret},
    monitor::{Draft, DraftValue, Place},
    providers::{Origin, Probe, compile::compile},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use pty::{App, lampboard, until};
use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

const KINDS: [&str; 4] = ["vault", "env", "file", "cmd"];
const SCHEMES: [(&str, &str); 5] = [
    ("bearer", "token = \"{{ token }}\""),
    ("header", "headers = { x-key = \"key {{ token }}\" }"),
    ("basic", "username = \"ada\"\npassword = \"{{ token }}\""),
    ("query", "query = { key = \"{{ token }}\" }"),
    (
        "sigv4",
        "service = \"s3\"\nregion = \"r\"\naccess_key = \"A\"\nsecret_key = \"{{ token }}\"\nsession_token = \"{{ token }}\"",
    ),
];
const ANSWERS: [&str; 4] = ["200", "401", "500", "page"];

/// A fresh secret for each kind of reference, with characters that every encoding writes differently.
fn canaries() -> [String; 4] {
    KINDS.map(|kind| format!("CANARY-{kind}-{:016x}/+\"\\&=%z{:016x}", fastrand::u64(..), fastrand::u64(..)))
}

/// Panics when the bytes hold ten in a row of a canary: plain, percent-encoded, as JSON, or in base64.
fn search(place: &str, bytes: &[u8], canaries: &[String]) {
    let text = String::from_utf8_lossy(bytes);
    for canary in canaries {
        let own = canary.find('-').unwrap() + 1;
        let json = serde_json::to_string(&canary[own..]).unwrap();
        let mut forms = vec![
            canary[own..].to_owned(),
            utf8_percent_encode(&canary[own..], NON_ALPHANUMERIC).to_string(),
            json[1..json.len() - 1].to_owned(),
        ];
        for before in 0..3 {
            let encoded = BASE64_STANDARD.encode(["u".repeat(before).as_bytes(), canary.as_bytes()].concat());
            // The word all have in common stands in the log of nobody but us; it is left out all the same.
            forms.push(encoded[12..encoded.len() - 4].to_owned());
        }
        for form in forms {
            for piece in form.as_bytes().windows(10).map(String::from_utf8_lossy) {
                assert!(!text.contains(&*piece), "{place} holds {piece:?} of {canary}");
            }
        }
    }
}

/// Throws back what it was sent, as the first part of the path says.
fn serve(heard: Arc<Mutex<String>>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let heard = heard.clone();
            std::thread::spawn(move || echo(stream, &heard));
        }
    });
    port
}

fn echo(mut stream: TcpStream, heard: &Mutex<String>) -> Option<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    heard.lock().unwrap().push_str(&head);
    let query = head.split_whitespace().nth(1)?.split('?').nth(1).unwrap_or_default().to_owned();
    let credential =
        head.lines().find_map(|l| l.strip_prefix("authorization: ").or(l.strip_prefix("x-key: "))).unwrap_or(&query);
    let (status, body) = match head.split('/').nth(1)? {
        "200" => ("200 OK", serde_json::json!({ "ok": true, "name": credential, "all": head }).to_string()),
        "401" => {
            let message = format!("{} {credential}", "The credential that was sent is not known here.".repeat(3));
            ("401 Unauthorized", serde_json::json!({ "message": message }).to_string())
        }
        "page" => ("200 OK", format!("<html><title>{credential}</title>{head}</html>")),
        _ => ("500 Internal Server Error", head.clone()),
    };
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status}\r\nx-note: {credential}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    stream.write_all(answer.as_bytes()).ok()
}

fn definition(scheme: &str, how: &str) -> String {
    format!(
        "id = \"{scheme}\"\nname = \"Echo\"\ncategory = \"generic\"\nbase_url = \"{{{{ base_url }}}}\"\n\
         [fields.base_url]\nlabel = \"Address\"\nrequired = true\n[fields.token]\nlabel = \"Token\"\nsecret = true\nrequired = true\n\
         [auth]\nscheme = \"{scheme}\"\n{how}\n[check]\nkind = \"http\"\nrequest = \"GET /me\"\nactive = \"status == 200 and body.ok == true\"\n\
         identity = \"body.name\"\ndegraded = \"headers['x-note']\"\n[facts]\nEverything = \"body.all\"\nNote = \"headers['x-note']\"\n"
    )
}

/// A home with an integration for each scheme and answer; each kind of reference serves one of them.
fn furnish(home: &Path, port: u16, canaries: &[String; 4]) -> usize {
    std::fs::create_dir(home.join("providers")).unwrap();
    std::fs::write(home.join("token.txt"), &canaries[2]).unwrap();
    std::fs::write(home.join("printed.txt"), &canaries[3]).unwrap();
    for file in ["token.txt", "printed.txt"] {
        std::fs::set_permissions(home.join(file), std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    let references = [
        "vault:canary".to_owned(),
        "env:CANARY".to_owned(),
        format!("file:{}", home.join("token.txt").display()),
        format!("cmd:cat {}", home.join("printed.txt").display()),
    ];
    let mut config = "[network]\nproxy = \"none\"\n[board]\nattempts = 1\nfailures_to_open = 1\n".to_owned();
    for (s, (scheme, how)) in SCHEMES.iter().enumerate() {
        std::fs::write(home.join(format!("providers/{scheme}.toml")), definition(scheme, how)).unwrap();
        for (a, answer) in ANSWERS.iter().enumerate() {
            let reference = &references[(s + a) % 4];
            config.push_str(&format!(
                "[integrations.{scheme}-{answer}]\nprovider = \"{scheme}\"\n\
                 fields = {{ base_url = \"http://127.0.0.1:{port}/{answer}\", token = \"{reference}\" }}\n"
            ));
        }
    }
    std::fs::write(home.join("config.toml"), config).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_lampboard"))
        .args(["secret", "set", "canary"])
        .env("LAMPBOARD_HOME", home)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(canaries[0].as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    SCHEMES.len() * ANSWERS.len()
}

fn search_files(folder: &Path, canaries: &[String]) -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            names.extend(search_files(&path, canaries));
        } else if name != "token.txt" && name != "printed.txt" {
            search(&name, &std::fs::read(&path).unwrap(), canaries);
            names.push(name);
        }
    }
    names
}

#[test]
fn the_board_shows_and_writes_no_planted_secret() {
    let (home, canaries, heard) = (tempfile::tempdir().unwrap(), canaries(), Arc::default());
    let home = home.path();
    let count = furnish(home, serve(Arc::clone(&heard)), &canaries);
    let mut command = lampboard(home);
    command.env("LAMPBOARD_LOG", "trace");
    command.env("CANARY", &canaries[1]);
    let mut app = App::start(command, 120, 40);
    let asked = || heard.lock().unwrap().matches("GET /").count();
    until(|| format!("{} of {count} were asked\n{}", asked(), app.text()), || asked() >= count);
    app.see("credential refused");
    app.see(&format!("{} active", SCHEMES.len()));
    for _ in 0..count {
        app.send("\r");
        app.see("Last check");
        search("the screen", app.text().as_bytes(), &canaries);
        app.send("y");
        app.send("\x1b");
        until(|| format!("the overview\n{}", app.text()), || !app.text().contains("Last check"));
        app.send("j");
    }
    app.send("3");
    app.see("Metrics");
    app.send("q");
    assert_eq!(app.exit(), 0);
    search("what was sent to the terminal", &app.raw(), &canaries);
    assert!(String::from_utf8_lossy(&app.raw()).contains("••••"), "nothing was masked: the servers' echo was not seen");

    let heard = heard.lock().unwrap().clone();
    for canary in &canaries {
        let basic = BASE64_STANDARD.encode(format!("ada:{canary}"));
        assert!(heard.contains(canary) && heard.contains(&basic), "{canary} did not travel");
    }
    let files = search_files(home, &canaries);
    for file in ["config.toml", "history.db", "vault.age", "lampboard.log"] {
        assert!(files.iter().any(|f| f == file), "{file} is not among {files:?}");
    }
    let log = std::fs::read_to_string(home.join("lampboard.log")).unwrap();
    assert!(log.contains("TRACE") || log.contains("DEBUG"), "the log is not as talkative as it was asked to be");
}

#[tokio::test]
async fn a_task_that_panics_with_all_of_it_at_hand_tells_nothing() {
    let [canary, ..] = canaries();
    let secrets = IndexMap::from([("token".to_owned(), Secret::new(canary.clone()))]);
    let fields = IndexMap::from([("base_url".to_owned(), "https://api.example/v1".to_owned())]);
    let draft = Draft {
        original: None,
        base: Integration {
            id: IntegrationId::new("mine").unwrap(),
            provider: "bearer".to_owned(),
            name: "Mine".to_owned(),
            tags: Vec::new(),
            fields: IndexMap::new(),
            enabled: true,
            interval: Duration::from_secs(60),
            timeout: Duration::from_secs(5),
            attempts: 1,
            failures_to_open: 1,
            successes_to_close: 1,
            expires: None,
            ca_file: None,
            insecure: false,
            slow: None,
            needs_scopes: Vec::new(),
        },
        values: IndexMap::from([(
            "token".to_owned(),
            DraftValue::Typed(secrets["token"].clone(), Place::Vault("mine".to_owned())),
        )]),
    };
    for (scheme, how) in SCHEMES {
        let definition =
            compile(Path::new(&format!("{scheme}.toml")), &definition(scheme, how), Origin::BuiltIn).unwrap();
        let Probe::Http(probe) = definition.probe else { panic!("not an HTTP check") };
        let request = probe.request.build(&fields, &secrets).unwrap();
        let headers = request.headers.clone();
        let (secrets, draft) = (secrets.clone(), draft.clone());
        let task = tokio::spawn(async move {
            let whole = (draft.integration(), draft.typed());
            panic!("at hand: {secrets:?} {draft:#?} {request:?} {headers:?} {probe:?} {whole:?}");
        });
        let panic = task.await.unwrap_err().into_panic();
        let text = panic.downcast_ref::<String>().unwrap();
        assert!(text.contains("••••") && text.contains("api.example"), "{text}");
        search("the panic's text", text.as_bytes(), std::slice::from_ref(&canary));
    }
}
