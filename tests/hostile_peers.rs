//! Peers that break HTTP or TLS, or pretend to be somebody else: never active, the right cause, nobody else delayed.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "common/probe.rs"]
mod probe;
#[path = "common/raw.rs"]
mod raw;

use lampboard::{
    checks::tls,
    config::{Config, Paths},
    model::{Cause, IntegrationId, Outcome, Status},
    monitor::{Handle, Notice, Started},
    providers::Registry,
    secrets::{Resolver, Vault},
    store::{Retention, Store},
};
use probe::given;
use raw::{NOSY, Server, Step, answer, assert_harmless, check};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use std::{io::Write, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{io::AsyncWriteExt, net::TcpListener};

const GOOD: &[u8] = br#"{"ok":true,"name":"ada"}"#;

fn proof(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\n{body}")
}

#[tokio::test]
async fn old_http_without_a_length_is_read_to_its_end() {
    let text = format!("HTTP/1.0 200 OK\r\n\r\n{}", String::from_utf8_lossy(GOOD));
    let outcome = check(&Server::answering(text).await.url()).await;
    assert_eq!((outcome.cause, outcome.identity.as_deref()), (Cause::Ok, Some("ada")), "{outcome:?}");
}

#[tokio::test]
async fn broken_http_is_never_active() {
    let broken = [
        // Lengths that are not those of the body.
        proof("content-length: 500\r\n\r\n{\"ok\":true}"),
        proof("content-length: 5\r\n\r\n{\"ok\":true}"),
        proof("content-length: x\r\n\r\n{\"ok\":true}"),
        proof("content-length: -1\r\n\r\n{\"ok\":true}"),
        proof("content-length: 11\r\ncontent-length: 5\r\n\r\n{\"ok\":true}"),
        proof("content-length: 99999999999999999999999\r\n\r\n{\"ok\":true}"),
        // Chunks that are none.
        proof("transfer-encoding: chunked\r\n\r\nzz\r\n{\"ok\":true}\r\n0\r\n\r\n"),
        proof("transfer-encoding: chunked\r\n\r\nb\r\n{\"ok\":true}"),
        proof("transfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n{\"ok\":true}"),
        proof("transfer-encoding: chunked\r\n\r\nb;\x1b[31m\r\n{\"ok\":true}XX0\r\n\r\n"),
        // Not what the header says it is.
        proof("content-encoding: gzip\r\ncontent-length: 11\r\n\r\n{\"ok\":true}"),
        proof("content-encoding: br\r\ncontent-length: 11\r\n\r\n{\"ok\":true}"),
        // No HTTP at all.
        "SSH-2.0-OpenSSH_9.9\r\n".to_owned(),
        "220 mail.example ESMTP\r\n".to_owned(),
        "-ERR unknown command\r\n".to_owned(),
        "HTTP/9.9 200 OK\r\n\r\n{\"ok\":true}".to_owned(),
        "HTTP/1.1 99999 OK\r\n\r\n{\"ok\":true}".to_owned(),
        "HTTP/1.1 200 OK\r\nno colon here\r\n\r\n{\"ok\":true}".to_owned(),
        "HTTP/1.1 200 OK\r\n: nameless\r\n\r\n{\"ok\":true}".to_owned(),
        "\0\0\0\0\x1b]0;x\x07".to_owned(),
        String::new(),
    ];
    for text in broken {
        let outcome = check(&Server::answering(text.clone()).await.url()).await;
        assert_eq!(outcome.status(), Status::Error, "{text:?}: {outcome:?}");
        let fitting = [Cause::Protocol, Cause::Connect, Cause::UnexpectedResponse];
        assert!(fitting.contains(&outcome.cause), "{text:?}: {outcome:?}");
        assert!(!outcome.evidence.seen.is_empty(), "{text:?}");
        assert_harmless(&outcome);
    }
}

#[tokio::test]
async fn a_connection_that_breaks_is_told_as_such() {
    let before = Server::start(vec![Step::Read, Step::Reset]).await;
    let half = b"HTTP/1.1 200 OK\r\ncontent-le".to_vec();
    let headers = Server::start(vec![Step::Read, Step::Send(half), Step::Reset]).await;
    let some = b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{\"ok\":true".to_vec();
    let body = Server::start(vec![Step::Read, Step::Send(some.clone()), Step::Reset]).await;
    let short = Server::answering(some).await;
    for server in [before, headers, body, short] {
        let outcome = check(&server.url()).await;
        assert_eq!(outcome.cause, Cause::Connect, "{outcome:?}");
        assert_harmless(&outcome);
    }
}

#[tokio::test]
async fn a_captive_portal_is_never_active() {
    let page = b"<!doctype html><html><title>Sign in to the guest network</title>{\"ok\":true}</html>";
    for (headers, body) in
        [("content-type: text/html\r\n", &page[..]), ("", page), ("content-type: text/html\r\n", b"")]
    {
        let outcome = check(&Server::answering(answer("200 OK", headers, body)).await.url()).await;
        assert_eq!(outcome.cause, Cause::UnexpectedResponse, "{outcome:?}");
        assert!(outcome.evidence.rule.contains("HTML"), "{outcome:?}");
    }
}

struct Issuer(CertifiedIssuer<'static, KeyPair>);

impl Issuer {
    fn new(name: &str) -> Issuer {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Issuer(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// A server certificate for this name that dies so many days from now.
    fn server(&self, name: &str, days: i64) -> rustls::ServerConfig {
        let key = KeyPair::generate().unwrap();
        let leaf = params(name, days).signed_by(&key, &self.0).unwrap();
        config(leaf.der().clone(), &key)
    }

    fn pem(&self) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(self.0.pem().as_bytes()).unwrap();
        file
    }
}

fn params(name: &str, days: i64) -> CertificateParams {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let (now, day) = (std::time::SystemTime::now(), Duration::from_secs(86_400));
    params.not_before = (now - day * 400).into();
    let span = day * u32::try_from(days.unsigned_abs()).unwrap();
    params.not_after = if days < 0 { now - span } else { now + span }.into();
    params
}

fn self_signed(name: &str) -> rustls::ServerConfig {
    let key = KeyPair::generate().unwrap();
    let leaf = params(name, 100).self_signed(&key).unwrap();
    config(leaf.der().clone(), &key)
}

fn config(leaf: rustls::pki_types::CertificateDer<'static>, key: &KeyPair) -> rustls::ServerConfig {
    rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf], rustls::pki_types::PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .unwrap()
}

/// Answers every request with the proof, over TLS.
async fn serve_tls(config: rustls::ServerConfig) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                while raw::head(&mut stream).await.is_some() {
                    let _ = stream.write_all(&answer("200 OK", "", GOOD)).await;
                }
            });
        }
    });
    address
}

async fn check_tls(address: SocketAddr, root: &tempfile::NamedTempFile) -> Outcome {
    let integration = raw::integration(&format!("https://localhost:{}", address.port()));
    raw::checker(Some(root.path())).attempt(&integration, &raw::definition(NOSY)).await
}

#[tokio::test]
async fn certificates_are_verified_and_the_reason_is_told() {
    let issuer = Issuer::new("One");
    let root = issuer.pem();
    let outcome = check_tls(serve_tls(issuer.server("localhost", 100)).await, &root).await;
    assert_eq!(outcome.cause, Cause::Ok, "{outcome:?}");
    assert!(outcome.certificate_expires.is_some(), "{outcome:?}");
    let bad = [
        (issuer.server("localhost", -2), "TLS: the certificate has expired, by this machine's clock"),
        (issuer.server("elsewhere.example", 100), "TLS: the certificate is for another name"),
        (self_signed("localhost"), "TLS: the certificate's issuer is not trusted"),
        (Issuer::new("Another").server("localhost", 100), "TLS: the certificate's issuer is not trusted"),
    ];
    for (config, why) in bad {
        let address = serve_tls(config).await;
        let outcome = check_tls(address, &root).await;
        assert_eq!(outcome.cause, Cause::Tls, "{outcome:?}");
        assert_eq!(outcome.evidence.rule, why);
        assert!(outcome.evidence.seen.contains("certificate"), "{outcome:?}");
        assert_harmless(&outcome);
        let port = address.port().to_string();
        let fields = [("host", "localhost"), ("port", &*port)];
        let outcome = tls::probe(&given(&fields).trusting(issuer.0.der().clone()).input()).await;
        assert_eq!((outcome.cause, &*outcome.evidence.rule), (Cause::Tls, why), "the probe of TLS alone");
    }
}

#[tokio::test]
async fn plain_on_a_tls_port_and_tls_on_a_plain_port() {
    // A server that waits for the end of a head that never comes says nothing: no more than a timeout can be told.
    let waiting = Server::answering(answer("200 OK", "", GOOD)).await;
    let talking = Server::start(vec![Step::Send(answer("200 OK", "", GOOD)), Step::Wait]).await;
    for (server, expected) in [(waiting, Cause::Timeout), (talking, Cause::Tls)] {
        let limit = Duration::from_secs(2);
        let outcome = raw::check_within(&format!("https://{}", server.address), limit).await;
        assert_eq!(outcome.cause, expected, "{outcome:?}");
        assert_harmless(&outcome);
    }
    let address = serve_tls(Issuer::new("One").server("localhost", 100)).await;
    let outcome = check(&format!("http://{address}")).await;
    assert!(matches!(outcome.cause, Cause::Protocol | Cause::Connect), "{outcome:?}");
    assert_harmless(&outcome);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hostile_server_delays_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let paths = Paths::under(folder.path());
    paths.create().unwrap();
    std::fs::write(paths.providers.join("nosy.toml"), NOSY).unwrap();
    let ok = b"HTTP/1.1 200 OK\r\n".to_vec();
    let hostile = [
        Server::start(vec![Step::Wait]).await,
        Server::start(vec![Step::Read, Step::Send(ok.clone()), Step::Drip(b"a".to_vec())]).await,
        Server::start(vec![Step::Read, Step::Flood(b"HTTP/1.1 100 Continue\r\n\r\n".repeat(1000))]).await,
    ];
    let good = Server::answering(answer("200 OK", "", GOOD)).await;
    let mut text = "[network]\nproxy = \"none\"\n[board]\nattempts = 1\ntimeout = \"5m\"\n".to_owned();
    for (name, server) in ["silent", "drip", "interim"].iter().zip(&hostile).chain([(&"good", &good)]) {
        let url = server.url();
        text.push_str(&format!(
            "[integrations.{name}]\nprovider = \"nosy\"\nfields = {{ base_url = \"{url}\", token = \"env:TOKEN\" }}\n"
        ));
    }
    let (registry, problems) = Registry::load(Some(&paths.providers), None);
    assert!(problems.is_empty(), "{problems:?}");
    let config = Config::parse(&paths.config, &text).unwrap();
    let resolver = Resolver::new(Arc::new(Vault::new(&paths.vault, &paths.identity)))
        .with_env(|name| (name == "TOKEN").then(|| raw::TOKEN.to_owned()));
    let day = Duration::from_secs(86_400);
    let store = Store::memory(Retention { raw: day, minutes: day, hours: day });
    let handle = Handle::start_idle(Started {
        config,
        registry,
        paths,
        resolver,
        store,
        problems: Vec::new(),
        watch_files: false,
    })
    .unwrap();
    let mut notices = handle.notices();
    let id = |name| IntegrationId::new(name).unwrap();
    for name in ["silent", "drip", "interim"] {
        handle.check(&id(name));
    }
    let snapshots = handle.snapshots();
    let busy = || snapshots.borrow().entries.values().filter(|e| e.checking).count();
    raw::until("the hostile checks are under way", || busy() == 3).await;
    handle.check(&id("good"));
    let ended = async {
        loop {
            if let Notice::Checked(who) = notices.recv().await.unwrap() {
                break who;
            }
        }
    };
    assert_eq!(tokio::time::timeout(Duration::from_secs(20), ended).await.unwrap(), id("good"));
    raw::until("the good one is shown as active", || {
        snapshots.borrow().entries[&id("good")].status() == Status::Active
    })
    .await;
    assert_eq!(busy(), 3, "the hostile checks still run");
    handle.stop(Duration::from_secs(2)).await;
    for server in hostile {
        server.noticed().await;
    }
}
