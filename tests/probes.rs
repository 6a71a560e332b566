//! The coded probes against servers of our own on loopback: tcp, tls, dns, command.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "common/probe.rs"]
mod probe;
#[path = "common/web.rs"]
mod web;

use lampboard::{
    checks::{command, dns, tcp, tls},
    model::{Cause, Status, Warning},
};
use probe::given;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::{sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, UdpSocket},
};

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    (listener, port)
}

/// A port nobody listens on.
async fn closed() -> String {
    listen().await.1
}

#[tokio::test]
async fn tcp_tells_open_from_closed() {
    let (_listener, port) = listen().await;
    let outcome = tcp::probe(&given(&[("host", "127.0.0.1"), ("port", &port)]).input()).await;
    assert_eq!(outcome.cause, Cause::Ok, "{outcome:?}");
    assert!(outcome.latency.is_some() && outcome.phases.connect.is_some());
    let outcome = tcp::probe(&given(&[("host", "127.0.0.1"), ("port", &closed().await)]).input()).await;
    assert_eq!(outcome.cause, Cause::Connect);
    for port in ["0", "65536", "http", ""] {
        let outcome = tcp::probe(&given(&[("host", "127.0.0.1"), ("port", port)]).input()).await;
        assert_eq!(outcome.cause, Cause::Misconfigured, "port '{port}'");
    }
}

#[tokio::test]
async fn tcp_sends_and_expects() {
    let (listener, port) = listen().await;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut buffer = [0; 64];
                let n = stream.read(&mut buffer).await.unwrap_or(0);
                let answer: &[u8] = if &buffer[..n] == b"PING\r\n" { b"+PONG\r\n" } else { b"-ERR\x1b[31m\r\n" };
                let _ = stream.write_all(answer).await;
            });
        }
    });
    let fields = |send| given(&[("host", "127.0.0.1"), ("port", &port), ("send", send), ("expect", "PONG")]);
    assert_eq!(tcp::probe(&fields(r"PING\r\n").input()).await.cause, Cause::Ok);
    let wrong = tcp::probe(&fields("HELLO").input()).await;
    assert_eq!(wrong.cause, Cause::UnexpectedResponse);
    assert!(!wrong.evidence.seen.contains('\x1b'));
}

#[tokio::test]
async fn tcp_gives_up_on_a_silent_server() {
    let (_listener, port) = listen().await;
    let input =
        given(&[("host", "127.0.0.1"), ("port", &port), ("expect", "hello")]).timeout(Duration::from_millis(200));
    assert_eq!(tcp::probe(&input.input()).await.cause, Cause::Timeout);
}

struct Certificates {
    root: rustls::pki_types::CertificateDer<'static>,
    config: Arc<rustls::ServerConfig>,
}

/// A root of our own and a server certificate for `name` that dies `days` from now.
fn certificates(name: &str, days: i64) -> Certificates {
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(ca, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut leaf = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let now = std::time::SystemTime::now();
    let day = Duration::from_secs(86_400);
    leaf.not_before = (now - day * 400).into();
    leaf.not_after =
        if days < 0 { (now - day * days.unsigned_abs() as u32).into() } else { (now + day * days as u32).into() };
    let leaf = leaf.signed_by(&key, &issuer).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], rustls::pki_types::PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .unwrap();
    Certificates { root: issuer.der().clone(), config: Arc::new(config) }
}

async fn tls_server(config: Arc<rustls::ServerConfig>) -> String {
    let (listener, port) = listen().await;
    let acceptor = tokio_rustls::TlsAcceptor::from(config);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if let Ok(mut stream) = acceptor.accept(stream).await {
                    let _ = stream.read(&mut [0; 1]).await;
                }
            });
        }
    });
    port
}

#[tokio::test]
async fn tls_verifies_name_issuer_and_date() {
    let good = certificates("localhost", 200);
    let port = tls_server(good.config.clone()).await;
    let fields = [("host", "localhost"), ("port", &*port)];
    let outcome = tls::probe(&given(&fields).trusting(good.root.clone()).input()).await;
    assert_eq!(outcome.cause, Cause::Ok, "{outcome:?}");
    assert!(outcome.warnings.is_empty() && outcome.certificate_expires.is_some() && outcome.phases.tls.is_some());
    assert_eq!(tls::probe(&given(&fields).input()).await.cause, Cause::Tls, "an unknown root");
    let other = [("host", "127.0.0.1"), ("port", &*port), ("server_name", "elsewhere.example")];
    assert_eq!(tls::probe(&given(&other).trusting(good.root).input()).await.cause, Cause::Tls, "another name");
    let expired = certificates("localhost", -1);
    let port = tls_server(expired.config).await;
    let fields = [("host", "localhost"), ("port", &*port)];
    assert_eq!(
        tls::probe(&given(&fields).trusting(expired.root).input()).await.cause,
        Cause::Tls,
        "an expired certificate"
    );
}

#[tokio::test]
async fn tls_warns_before_the_certificate_dies() {
    let soon = certificates("localhost", 10);
    let port = tls_server(soon.config).await;
    let outcome = tls::probe(&given(&[("host", "localhost"), ("port", &port)]).trusting(soon.root).input()).await;
    assert_eq!(outcome.status(), Status::Active);
    assert!(matches!(outcome.warnings[..], [Warning::CertificateExpires { .. }]), "{outcome:?}");
}

/// Answers every query with one A record; NXDOMAIN for names that begin with `no`, SERVFAIL for `ill`, REFUSED for `mum`.
async fn dns_server() -> String {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let mut query = [0; 512];
        while let Ok((n, from)) = socket.recv_from(&mut query).await {
            let end = 12 + query[12..n].iter().position(|b| *b == 0).unwrap_or(0) + 5;
            let code: u8 = match &query[13..15] {
                b"no" => 3,
                b"il" => 2,
                b"mu" => 5,
                _ => 0,
            };
            let mut answer = query[..2].to_vec();
            answer.extend([0x81, 0x80 | code]);
            answer.extend([0, 1, 0, u8::from(code == 0), 0, 0, 0, 0]);
            answer.extend(&query[12..end]);
            if code == 0 {
                answer.extend([0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7]);
            }
            let _ = socket.send_to(&answer, from).await;
        }
    });
    address
}

#[tokio::test]
async fn dns_wants_the_expected_answer() {
    let server = dns_server().await;
    let fields = |name| given(&[("name", name), ("type", "A"), ("server", &server)]);
    let outcome = dns::probe(&fields("www.example.").list("expect", &["192.0.2.7"]).input()).await;
    assert_eq!(outcome.cause, Cause::Ok, "{outcome:?}");
    assert_eq!(outcome.facts[0].value, "192.0.2.7");
    let outcome = dns::probe(&fields("www.example.").list("expect", &["192.0.2.8"]).input()).await;
    assert_eq!(outcome.cause, Cause::UnexpectedResponse);
    for (name, cause) in
        [("no.example.", Cause::Dns), ("ill.example.", Cause::ServerError), ("mum.example.", Cause::Misconfigured)]
    {
        let outcome = dns::probe(&fields(name).input()).await;
        assert_eq!(outcome.cause, cause, "{outcome:?}");
    }
    // A port that nobody listens on is told at once, and not waited for.
    let closed = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    let gone = dns::probe(&given(&[("name", "www.example."), ("server", &closed)]).input()).await;
    assert_eq!(gone.cause, Cause::Connect, "{gone:?}");
    let nonsense = given(&[("name", "x."), ("type", "NOPE")]);
    assert_eq!(dns::probe(&nonsense.input()).await.cause, Cause::Misconfigured);
    let nonsense = given(&[("name", "x."), ("server", "not an address")]);
    assert_eq!(dns::probe(&nonsense.input()).await.cause, Cause::Misconfigured);
}

async fn run(argv: &[&str]) -> lampboard::model::Outcome {
    command::probe(&given(&[("directory", "/")]).list("command", argv).input()).await
}

#[tokio::test]
async fn command_keeps_the_plugin_contract() {
    let outcome = run(&["sh", "-c", "echo 'DISK OK | /=12%;80;90'"]).await;
    assert_eq!((outcome.cause, outcome.facts[0].value.as_str()), (Cause::Ok, "12%"));
    assert_eq!(run(&["sh", "-c", "echo bad; exit 2"]).await.cause, Cause::ServerError);
    assert_eq!(run(&["sh", "-c", "exit 3"]).await.cause, Cause::UnexpectedResponse);
    assert_eq!(run(&["/no/such/program"]).await.cause, Cause::NotInstalled);
    assert_eq!(run(&[]).await.cause, Cause::Misconfigured);
}

#[tokio::test]
async fn command_takes_arguments_literally_and_gets_a_clean_environment() {
    let outcome = run(&["echo", "$(id)", "; rm -rf /"]).await;
    assert_eq!(outcome.evidence.seen, "$(id) ; rm -rf /");
    let outcome = run(&["sh", "-c", "env | cut -d= -f1 | sort | tr '\\n' ' '"]).await;
    for name in outcome.evidence.seen.split_whitespace() {
        assert!(
            ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "PWD", "SHLVL", "OLDPWD", "_"].contains(&name),
            "'{name}' came along"
        );
    }
}

#[tokio::test]
async fn command_output_is_capped_and_the_whole_group_is_ended() {
    let marker = format!("{}.{}", std::process::id(), "7391");
    let script = format!("sleep {marker} & yes");
    let input =
        given(&[("directory", "/")]).list("command", &["sh", "-c", &script]).timeout(Duration::from_millis(500));
    assert_eq!(command::probe(&input.input()).await.cause, Cause::Timeout);
    let deadline = std::time::Instant::now() + Duration::from_secs(5);
    while running(&marker) {
        assert!(std::time::Instant::now() < deadline, "a grandchild lives on");
        tokio::task::yield_now().await;
    }
}

fn running(marker: &str) -> bool {
    let Ok(processes) = std::fs::read_dir("/proc") else { return false };
    processes.flatten().any(|p| {
        let line = std::fs::read(p.path().join("cmdline")).unwrap_or_default();
        line.starts_with(b"sleep\0") && String::from_utf8_lossy(&line).contains(marker)
    })
}

#[tokio::test]
async fn an_address_tells_no_token_a_refused_one_and_one_without_rights_apart() {
    let web = web::Web::start(|asked| {
        Some(match (asked.header("authorization"), &*asked.path) {
            ("Bearer right", "/open") => web::reply("200 OK", "fine"),
            ("Bearer right", _) | ("", "/kept") => web::reply("403 Forbidden", "not you"),
            _ => web::reply("401 Unauthorized", "who are you?"),
        })
    })
    .await;
    for (path, token, cause) in [
        ("/open", "right", Cause::Ok),
        ("/open", "wrong", Cause::InvalidCredential),
        ("/kept", "right", Cause::MissingScope),
        ("/open", "", Cause::MissingCredential),
        ("/kept", "", Cause::MissingCredential),
    ] {
        let url = format!("{}{path}", web.url);
        let outcome = given(&[("url", &url)]).secret("token", token).checked("http").await;
        assert_eq!(outcome.cause, cause, "{path} {token}: {outcome:?}");
    }
}
