//! A planted secret, and every place it must not turn up in: output, files, databases, logs, child processes' eyes.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use base64::{Engine, prelude::BASE64_STANDARD};
use std::{
    io::{Read, Write},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
};

/// One canary for each kind of reference, and for the old value of a rotation.
const CANARIES: [&str; 7] = [
    "canary-vault-7d1f0c%22x",
    "canary-env-93ab\"quote",
    "canary-file-5e77&amp",
    "canary-cmd-aa02/slash",
    "canary-old-41cc+plus",
    "canary-lost-0f0f=eq",
    "canary-ini-6b1d;semi",
];

/// Every form in which a text could hide another.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    let mut forms = vec![secret.as_bytes().to_vec()];
    forms.push(
        percent_encoding::utf8_percent_encode(secret, percent_encoding::NON_ALPHANUMERIC).to_string().into_bytes(),
    );
    let json = serde_json::to_string(secret).unwrap();
    forms.push(json.as_bytes()[1..json.len() - 1].to_vec());
    // Base64 at each of its three alignments: the middle, which does not depend on the neighbours.
    for pad in 0..3 {
        let mut bytes = vec![b'x'; pad];
        bytes.extend(secret.as_bytes());
        let encoded = BASE64_STANDARD.encode(bytes);
        forms.push(encoded.as_bytes()[4..encoded.len() - 4].to_vec());
    }
    forms
}

fn search(place: &str, bytes: &[u8]) {
    for secret in CANARIES {
        for form in forms(secret) {
            let found = bytes.windows(form.len()).any(|w| w == form);
            assert!(!found, "{place} holds {}", String::from_utf8_lossy(&form));
        }
    }
}

fn search_folder(folder: &Path, searched: &mut usize) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            search_folder(&path, searched);
        } else if !["token.txt", "token.sh", "token.ini"].iter().any(|own| path.ends_with(own)) {
            search(&path.display().to_string(), &std::fs::read(&path).unwrap());
            *searched += 1;
        }
    }
}

/// Answers by the path's first letter, and throws everything it was sent back.
fn server(heard: Arc<Mutex<String>>) -> u16 {
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
            let request = String::from_utf8_lossy(&request).into_owned();
            heard.lock().unwrap().push_str(&request);
            let status = match request.split_whitespace().nth(1).and_then(|p| p.chars().nth(1)) {
                Some('g') => "200 OK",
                Some('r') => "401 Unauthorized",
                Some('f') => "403 Forbidden",
                Some('l') => "429 Too Many Requests",
                Some('t') => "302 Found",
                _ => "500 Internal Server Error",
            };
            let body =
                serde_json::json!({ "message": request, "login": request, "id": 7, "error": request }).to_string();
            let echo: String = request.chars().filter(|c| !c.is_control()).collect();
            let answer = format!(
                "HTTP/1.1 {status}\r\nX-Echo: {echo}\r\nLocation: http://127.0.0.1:1/?{}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                echo.replace(' ', "+"),
                body.len()
            );
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    port
}

#[test]
fn a_planted_secret_turns_up_nowhere() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let heard = Arc::new(Mutex::new(String::new()));
    let port = server(heard.clone());
    std::fs::write(home.join("token.txt"), CANARIES[2]).unwrap();
    std::fs::write(home.join("token.ini"), format!("[other]\nkey = x\n[board]\nkey = {}\n", CANARIES[6])).unwrap();
    let script = home.join("token.sh");
    std::fs::write(&script, format!("#!/bin/sh\necho '{}'\necho '{}' >&2\n", CANARIES[3], CANARIES[3])).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).unwrap();
    let references = [
        "vault:canary".to_owned(),
        "env:CANARY".to_owned(),
        format!("file:{}", home.join("token.txt").display()),
        format!("cmd:{}", script.display()),
        format!("ini:{}#board.key", home.join("token.ini").display()),
    ];
    let mut config = String::from("[board]\nattempts = 1\n");
    for (n, reference) in references.iter().enumerate() {
        for answer in ["good", "refused", "forbidden", "limited", "turned", "broken"] {
            let base = format!("http://127.0.0.1:{port}/{answer}");
            for (provider, fields) in [
                ("github", format!("base_url = \"{base}\", token = \"{reference}\"")),
                ("anthropic", format!("base_url = \"{base}\", api_key = \"{reference}\"")),
                ("http", format!("url = \"{base}\", token = \"{reference}\", expect_text = \"never\"")),
                ("jira", format!("base_url = \"{base}\", email = \"a@example.org\", token = \"{reference}\"")),
                (
                    "aws",
                    format!(
                        "base_url = \"{base}\", access_key_id = \"env:CANARY\", secret_access_key = \"{reference}\", \
                         session_token = \"{reference}\""
                    ),
                ),
            ] {
                config.push_str(&format!(
                    "[integrations.{provider}-{n}-{answer}]\nprovider = \"{provider}\"\nfields = {{ {fields} }}\n"
                ));
            }
        }
    }
    // A definition that puts the credential into the address, and one that is broken.
    let own = "id = \"query\"\nname = \"Query\"\ncategory = \"generic\"\nbase_url = \"http://127.0.0.1:1\"\n[fields.base_url]\nlabel = \"Address\"\nhelp = \"Where\"\n\
        [fields.key]\nlabel = \"Key\"\nhelp = \"The key\"\nsecret = true\nrequired = true\n[auth]\nscheme = \"query\"\nquery = { key = \"{{ key }}\" }\n\
        [check]\nkind = \"http\"\nrequest = \"GET /x\"\nactive = \"status == 200 and body.nothing is defined\"\n";
    std::fs::create_dir_all(home.join("providers")).unwrap();
    std::fs::write(home.join("providers/query.toml"), own).unwrap();
    std::fs::write(home.join("providers/broken.toml"), own.replace("is defined", "is is")).unwrap();
    for answer in ["good", "refused", "broken"] {
        config.push_str(&format!(
            "[integrations.query-{answer}]\nprovider = \"query\"\nfields = {{ base_url = \"http://127.0.0.1:{port}/{answer}\", key = \"vault:canary\" }}\n"
        ));
    }
    // A name that no one resolves, a port nobody listens on.
    config.push_str("[integrations.away]\nprovider = \"query\"\nfields = { base_url = \"http://127.0.0.1:1\", key = \"vault:canary\" }\n");
    std::fs::write(home.join("config.toml"), &config).unwrap();

    let run = |arguments: &[&str], input: &str| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_lampboard"))
            .args(arguments)
            .env_clear()
            .env("LAMPBOARD_HOME", home)
            .env("LAMPBOARD_LOG", "trace")
            .env("CANARY", CANARIES[1])
            .env("PATH", std::env::var("PATH").unwrap_or_default())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let all = [output.stdout, output.stderr].concat();
        search(&format!("{arguments:?}"), &all);
        assert!(!String::from_utf8_lossy(&all).contains("panicked"), "{}", String::from_utf8_lossy(&all));
        (output.status.code(), all.len())
    };
    run(&["secret", "set", "canary"], CANARIES[4]);
    run(&["secret", "set", "canary"], CANARIES[0]);
    run(&["secret", "rotate", "canary"], CANARIES[5]);
    let mut bytes = 0;
    for arguments in [
        &["check"][..],
        &["check", "--json"],
        &["list"],
        &["list", "--json"],
        &["show", "github-0-refused"],
        &["show", "github-0-refused", "--json"],
        &["show", "query-broken", "--json"],
        &["history", "http-1-refused"],
        &["history", "http-1-refused", "--json"],
        &["secret", "list", "--json"],
        &["audit", "--json"],
        &["config", "check"],
        &["doctor"],
        &["doctor", "--json"],
        &["provider", "list"],
        &["vault", "status", "--json"],
        &[],
    ] {
        bytes += run(arguments, "").1;
    }
    assert!(bytes > 20_000, "the program said hardly anything: {bytes} bytes");
    // A bare secret in the file is refused without being repeated.
    std::fs::write(
        home.join("bare.toml"),
        format!("[integrations.a]\nprovider = \"github\"\nfields = {{ token = \"{}\" }}\n", CANARIES[2]),
    )
    .unwrap();
    run(&["config", "check", "--config", &home.join("bare.toml").display().to_string()], "");
    std::fs::remove_file(home.join("bare.toml")).unwrap();

    // The control: they did travel, to the server and nowhere else.
    let heard = heard.lock().unwrap().clone();
    for canary in CANARIES[..4].iter().chain(&CANARIES[6..]) {
        assert!(heard.contains(&format!("Bearer {canary}")), "the server was not told {canary}");
        assert!(heard.contains(&format!("x-amz-security-token: {canary}")), "no token of a session: {canary}");
    }
    let mut searched = 0;
    search_folder(home, &mut searched);
    assert!(searched >= 7, "only {searched} files were searched");
    assert!(home.join("history.db").exists() && home.join("vault.age").exists() && home.join("audit.jsonl").exists());
}

#[test]
fn a_panic_with_secrets_at_hand_does_not_print_them() {
    let secret = lampboard::model::Secret::new(CANARIES[0].to_owned());
    let field = lampboard::tui::widgets::secret_field::SecretField::default();
    let result = std::panic::catch_unwind(|| panic!("at hand: {secret:?} {field:?}"));
    let text = result.unwrap_err().downcast::<String>().unwrap();
    search("the panic's text", text.as_bytes());
}
