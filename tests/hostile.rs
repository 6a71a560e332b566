//! Servers that mean harm, or are merely broken: a verdict in time, memory bounded, nothing sent where it must not go.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use lampboard::{
    checks::{Checker, Network},
    config::Config,
    model::{Cause, Integration, Outcome, Status},
    monitor::bind,
    providers::{Definition, Registry},
    secrets::{Resolver, Vault},
};
use rcgen::{CertificateParams, KeyPair};
use std::{
    io::Write as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const TOKEN: &str = "ghp_hostile0123456789abcdef";

/// A server that hands every connection to this, and what was sent to it.
async fn server<F>(answer: impl Fn(TcpStream) -> F + Send + Sync + 'static) -> u16
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream));
        }
    });
    port
}

/// Reads a request's head.
async fn head(stream: &mut TcpStream) -> String {
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    while !seen.windows(4).any(|w| w == b"\r\n\r\n") {
        match stream.read(&mut buffer).await {
            Ok(n @ 1..) => seen.extend_from_slice(&buffer[..n]),
            _ => break,
        }
    }
    String::from_utf8_lossy(&seen).into_owned()
}

/// Answers every request with these bytes, then closes.
async fn saying(bytes: impl Into<Vec<u8>>) -> u16 {
    let bytes = Arc::new(bytes.into());
    server(move |mut stream| {
        let bytes = bytes.clone();
        async move {
            head(&mut stream).await;
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
    })
    .await
}

fn prepared(toml: &str) -> (Checker, Integration, Arc<Definition>) {
    let config = Config::parse(Path::new("config.toml"), toml).unwrap();
    let registry = Registry::built_in();
    let (mut integrations, complaints) = bind::bind(&config, &registry);
    assert!(complaints.is_empty(), "{complaints:?}");
    let vault = Arc::new(Vault::new(Path::new("none"), Path::new("none")));
    let resolver = Resolver::new(vault).with_env(|_| Some(TOKEN.to_owned()));
    let checker = Checker::new(&Network { proxy: "none".to_owned(), ..Network::default() }, resolver).unwrap();
    let integration = integrations.pop().unwrap();
    let definition = registry.get(&integration.provider).unwrap().clone();
    (checker, integration, definition)
}

fn github(base: &str, timeout: &str) -> String {
    format!(
        "[integrations.a]\nprovider = \"github\"\ntimeout = \"{timeout}\"\nattempts = 1\n\
         fields = {{ base_url = \"{base}\", token = \"env:TOKEN\" }}\n"
    )
}

/// One check of GitHub's definition against this port; it must end by itself.
async fn check_within(port: u16, timeout: &str) -> Outcome {
    let (checker, integration, definition) = prepared(&github(&format!("http://127.0.0.1:{port}"), timeout));
    let outcome = tokio::time::timeout(Duration::from_secs(60), checker.attempt(&integration, &definition)).await;
    let outcome = outcome.expect("the check hangs");
    harmless(&outcome);
    outcome
}

async fn check(port: u16) -> Outcome {
    check_within(port, "20s").await
}

/// No control character, no override of the direction, no secret in anything a person will see.
fn harmless(outcome: &Outcome) {
    let mut texts = vec![outcome.evidence.rule.clone(), outcome.evidence.seen.clone()];
    texts.extend(outcome.identity.clone());
    texts.extend(outcome.facts.iter().map(|f| f.value.clone()));
    texts.push(serde_json::to_string(outcome).unwrap());
    for text in texts {
        let bad = text.chars().find(|c| {
            c.is_control()
                || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{feff}')
        });
        assert_eq!(bad, None, "{text:?}");
        assert!(!text.contains(TOKEN), "{text}");
        assert!(text.len() < 20_000);
    }
}

/// Runs the test of this name again in a process of its own, where memory is its alone. `true`: this is that process.
fn alone(name: &str) -> bool {
    if std::env::var_os("LAMPBOARD_TEST_ALONE").is_some() {
        return true;
    }
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env("LAMPBOARD_TEST_ALONE", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    false
}

fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

fn bomb(encoding: &str) -> Vec<u8> {
    let zeros = vec![0u8; 1 << 20];
    match encoding {
        "gzip" => {
            let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
            (0..1024).for_each(|_| out.write_all(&zeros).unwrap());
            out.finish().unwrap()
        }
        _ => {
            let mut out = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
            (0..1024).for_each(|_| out.write_all(&zeros).unwrap());
            out.finish().unwrap()
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn endless_and_swelling_bodies_are_cut() {
    if !alone("endless_and_swelling_bodies_are_cut") {
        return;
    }
    let sent = Arc::new(Mutex::new(0usize));
    let counted = sent.clone();
    let endless = server(move |mut stream| {
        let counted = counted.clone();
        async move {
            head(&mut stream).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n").await;
            let chunk = vec![b'x'; 65536];
            // The other end goes away long before the gigabyte is through.
            while stream.write_all(&chunk).await.is_ok() {
                *counted.lock().unwrap() += chunk.len();
            }
        }
    })
    .await;
    let bombs = ["gzip", "deflate"].map(|encoding| (encoding, bomb(encoding)));
    let before = resident();
    let outcome = check(endless).await;
    assert_eq!(outcome.cause, Cause::UnexpectedResponse);
    assert!(outcome.evidence.rule.contains("larger than 1 MiB"), "{outcome:?}");
    assert!(*sent.lock().unwrap() < 64 << 20, "{} bytes were taken", sent.lock().unwrap());
    for (encoding, body) in bombs {
        assert!(body.len() < 4 << 20);
        let mut answer =
            format!("HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: {}\r\n\r\n", body.len())
                .into_bytes();
        answer.extend(body);
        let outcome = check(saying(answer).await).await;
        assert_eq!(outcome.cause, Cause::UnexpectedResponse, "{encoding}: {outcome:?}");
        assert!(outcome.evidence.rule.contains("larger than 1 MiB"), "{encoding}: {outcome:?}");
    }
    let grown = resident().saturating_sub(before);
    assert!(grown < 64, "{grown} MiB more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silence_and_drips_end_at_the_limit_and_delay_nobody() {
    let silent = server(|stream| async move {
        let _kept = stream;
        std::future::pending::<()>().await;
    })
    .await;
    let half = server(|mut stream| async move {
        head(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Ty").await;
        std::future::pending::<()>().await;
    })
    .await;
    let drip = server(|mut stream| async move {
        head(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n").await;
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    let good = saying(b"HTTP/1.1 200 OK\r\nContent-Length: 22\r\n\r\n{\"login\":\"ada\",\"id\":7}".to_vec()).await;
    let start = Instant::now();
    let (a, b, c, d) =
        tokio::join!(check_within(silent, "1s"), check_within(half, "1s"), check_within(drip, "1s"), async {
            let outcome = check(good).await;
            (outcome, start.elapsed())
        });
    for (what, outcome) in [("silent", a), ("half", b), ("drip", c)] {
        assert_eq!(outcome.cause, Cause::Timeout, "{what}: {outcome:?}");
    }
    assert_eq!(d.0.status(), Status::Active, "{:?}", d.0);
    assert!(d.1 < Duration::from_secs(1), "the good one waited for the others");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn header_bombs_are_refused() {
    if !alone("header_bombs_are_refused") {
        return;
    }
    let long = format!("HTTP/1.1 200 OK\r\nX-Bomb: {}\r\nContent-Length: 2\r\n\r\n{{}}", "a".repeat(10 << 20));
    let many: String = (0..100_000).map(|n| format!("X-{n}: y\r\n")).collect();
    let many = format!("HTTP/1.1 200 OK\r\n{many}Content-Length: 2\r\n\r\n{{}}");
    let early = format!(
        "{}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{{}}",
        "HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n".repeat(50_000)
    );
    let before = resident();
    for (what, bytes) in [("long", long), ("many", many), ("early", early)] {
        let outcome = check(saying(bytes).await).await;
        assert_ne!(outcome.status(), Status::Active, "{what}: {outcome:?}");
    }
    let grown = resident().saturating_sub(before);
    assert!(grown < 64, "{grown} MiB more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_server_says_cannot_drive_the_terminal() {
    let poison = "\u{1b}]52;c;ZXZpbA==\u{7}\u{1b}]0;title\u{7}\u{1b}[2J\u{1b}[6n\u{9b}31m\u{202e}txt.exe\u{2066}\r\nforged: line";
    let json =
        serde_json::json!({ "message": poison, "login": poison, "id": 7, "error": { "message": poison } }).to_string();
    for status in [200, 400, 401, 403, 404, 429, 500, 503] {
        let answer = format!(
            "HTTP/1.1 {status} \u{1b}[31mred\r\nContent-Length: {}\r\nX-RateLimit-Reset: \u{1b}[6n\r\nX-GitHub-Request-Id: a\u{7}b\r\n\r\n{json}",
            json.len()
        );
        check(saying(answer.into_bytes()).await).await;
        let plain = format!("HTTP/1.1 {status} Odd\r\nContent-Length: {}\r\n\r\n{json}", json.len());
        check(saying(plain.into_bytes()).await).await;
        // The credential thrown back.
        let echo = format!("{{\"message\":\"bad token {TOKEN}\"}}");
        let answer = format!("HTTP/1.1 {status} X\r\nX-Echo: {TOKEN}\r\nContent-Length: {}\r\n\r\n{echo}", echo.len());
        check(saying(answer.into_bytes()).await).await;
    }
    for body in
        [&b"\xff\xfe\x00{\"login\":\"\xc3\x28\"}"[..], b"{\"login\":\"\\ud800\",\"id\":7}", b"[[[[[[[[[[[[[[[[[[[["]
    {
        let mut answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
        answer.extend(body);
        let outcome = check(saying(answer).await).await;
        assert_ne!(outcome.status(), Status::Active, "{outcome:?}");
    }
    let deep = "[".repeat(100_000);
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{deep}", deep.len());
    assert_ne!(check(saying(answer).await).await.status(), Status::Active);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redirect_takes_no_credential_anywhere() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    let other = server(move |mut stream| {
        let log = log.clone();
        async move {
            let request = head(&mut stream).await;
            log.lock().unwrap().push(request);
            let _ =
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 22\r\n\r\n{\"login\":\"ada\",\"id\":7}").await;
        }
    })
    .await;
    for status in [301, 302, 303, 307, 308] {
        let answer =
            format!("HTTP/1.1 {status} Moved\r\nLocation: http://127.0.0.1:{other}/user\r\nContent-Length: 0\r\n\r\n");
        let outcome = check(saying(answer).await).await;
        assert_eq!(outcome.cause, Cause::UnexpectedResponse, "{status}: {outcome:?}");
        assert!(outcome.evidence.seen.contains("127.0.0.1"), "the target is told: {outcome:?}");
    }
    let body = format!("<html><meta http-equiv=refresh content='0;url=http://127.0.0.1:{other}/'></html>");
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nRefresh: 0; url=http://127.0.0.1:{other}/\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    assert_eq!(check(saying(answer).await).await.cause, Cause::UnexpectedResponse, "a captive portal");
    assert!(seen.lock().unwrap().is_empty(), "the other server was asked: {:?}", seen.lock().unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cookies_are_not_kept() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    let port = server(move |mut stream| {
        let log = log.clone();
        async move {
            let request = head(&mut stream).await;
            log.lock().unwrap().push(request);
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\nSet-Cookie: track=me; Path=/\r\nContent-Length: 22\r\nConnection: close\r\n\r\n{\"login\":\"ada\",\"id\":7}")
                .await;
        }
    })
    .await;
    let (checker, integration, definition) = prepared(&github(&format!("http://127.0.0.1:{port}"), "10s"));
    for _ in 0..3 {
        assert_eq!(checker.attempt(&integration, &definition).await.status(), Status::Active);
    }
    let seen = seen.lock().unwrap();
    assert!(seen.len() == 3 && seen.iter().all(|r| !r.to_ascii_lowercase().contains("cookie")), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_answers_get_a_verdict() {
    let answers: [(&str, &[u8]); 8] = [
        ("nothing", b""),
        ("not http", b"SSH-2.0-OpenSSH_9.2\r\n"),
        ("tls alert", b"\x15\x03\x01\x00\x02\x02\x46"),
        ("short", b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"login\""),
        ("two lengths", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\nabcdefg"),
        ("bad chunk", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n"),
        ("bad gzip", b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nabcde"),
        ("odd status", b"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n"),
    ];
    for (what, bytes) in answers {
        let outcome = check(saying(bytes).await).await;
        assert_eq!(outcome.status(), Status::Error, "{what}: {outcome:?}");
        assert_ne!(outcome.cause, Cause::Internal, "{what}: {outcome:?}");
    }
    // HTTP/1.0 without a length is old, not broken.
    let outcome = check(saying(b"HTTP/1.0 200 OK\r\n\r\n{\"login\":\"ada\",\"id\":7}".to_vec()).await).await;
    assert_eq!(outcome.status(), Status::Active, "{outcome:?}");
    // Cut off in the middle.
    let reset = server(|mut stream| async move {
        head(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Le").await;
        drop(stream);
    })
    .await;
    assert_eq!(check(reset).await.status(), Status::Error);
}

/// A TLS server with this certificate that answers well; its port, and the file with its root.
async fn tls_server(params: CertificateParams, folder: &Path) -> (u16, PathBuf) {
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let file = folder.join("root.pem");
    std::fs::write(&file, certificate.pem()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key.serialize_der().try_into().unwrap())
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let port = server(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            let mut buffer = [0; 4096];
            let _ = stream.read(&mut buffer).await;
            let _ = stream
                .write_all(
                    b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 22\r\n\r\n{\"login\":\"ada\",\"id\":7}",
                )
                .await;
            let _ = stream.shutdown().await;
        }
    })
    .await;
    (port, file)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_certificates_never_light_a_lamp() {
    let folder = tempfile::tempdir().unwrap();
    let good = || CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let mut expired = good();
    expired.not_before = rcgen::date_time_ymd(2020, 1, 1);
    expired.not_after = rcgen::date_time_ymd(2021, 1, 1);
    let mut early = good();
    early.not_before = rcgen::date_time_ymd(2090, 1, 1);
    early.not_after = rcgen::date_time_ymd(2091, 1, 1);
    let other = CertificateParams::new(vec!["other.example".to_owned()]).unwrap();
    for (what, params, trusted, cause) in [
        ("good and trusted", good(), true, Cause::Ok),
        ("self-signed", good(), false, Cause::Tls),
        ("expired", expired, true, Cause::Tls),
        ("not yet valid", early, true, Cause::Tls),
        ("for another name", other, true, Cause::Tls),
    ] {
        let (port, root) = tls_server(params, folder.path()).await;
        let mut toml = github(&format!("https://localhost:{port}"), "10s");
        if trusted {
            toml = toml.replacen("fields =", &format!("ca_file = \"{}\"\nfields =", root.display()), 1);
        }
        let (checker, integration, definition) = prepared(&toml);
        let outcome = checker.attempt(&integration, &definition).await;
        assert_eq!(outcome.cause, cause, "{what}: {outcome:?}");
        harmless(&outcome);
    }
    // Plain HTTP behind an https address, and TLS behind a plain one.
    let plain = server(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await;
        let _ = stream.shutdown().await;
    })
    .await;
    let (checker, integration, definition) = prepared(&github(&format!("https://localhost:{plain}"), "10s"));
    let outcome = checker.attempt(&integration, &definition).await;
    assert!(matches!(outcome.cause, Cause::Tls | Cause::Protocol), "{outcome:?}");
    let (port, _) = tls_server(good(), folder.path()).await;
    assert_eq!(check(port).await.status(), Status::Error);
    // Insecure is the user's word, and said aloud.
    let toml = github(&format!("https://localhost:{port}"), "10s").replacen("fields =", "insecure = true\nfields =", 1);
    let (checker, integration, definition) = prepared(&toml);
    let outcome = checker.attempt(&integration, &definition).await;
    assert_eq!(outcome.status(), Status::Active);
    assert!(outcome.warnings.contains(&lampboard::model::Warning::Insecure));
}
