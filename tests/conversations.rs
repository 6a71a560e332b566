//! The probes that speak by lines or bytes, against servers made up here: SMTP, NATS, MQTT.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "common/probe.rs"]
mod probe;

use base64::{Engine, prelude::BASE64_STANDARD};
use lampboard::{
    checks::{mqtt, nats, smtp},
    model::{Cause, Outcome, Status},
};
use probe::{Given, given};
use std::time::Duration;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

const PASSWORD: &str = "correct-horse";

async fn server<F>(answer: impl Fn(TcpStream) -> F + Send + 'static) -> String
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream));
        }
    });
    port
}

fn to(port: &str, fields: &[(&str, &str)]) -> Given {
    let mut all = vec![("host", "127.0.0.1"), ("port", port)];
    all.extend(fields);
    given(&all).timeout(Duration::from_secs(5))
}

/// A mail server with PLAIN and LOGIN that wants the password; `banner` greets.
async fn mail(banner: &'static str, mechanisms: &'static str, refusal: &'static str) -> String {
    server(move |stream| async move {
        let mut stream = BufReader::new(stream);
        let _ = stream.write_all(format!("{banner}\r\n").as_bytes()).await;
        let mut line = String::new();
        let mut login = 0;
        while stream.read_line(&mut line).await.is_ok_and(|n| n > 0) {
            let command = line.trim_end().to_owned();
            line.clear();
            let good = |text: &str| text.contains(PASSWORD);
            let decoded =
                |text: &str| String::from_utf8(BASE64_STANDARD.decode(text).unwrap_or_default()).unwrap_or_default();
            let answer = if command.starts_with("EHLO") {
                format!("250-mail.example\r\n250-SIZE 1000000\r\n250 AUTH {mechanisms}\r\n")
            } else if let Some(text) = command.strip_prefix("AUTH PLAIN ") {
                if good(&decoded(text)) { "235 welcome\r\n".to_owned() } else { format!("{refusal}\r\n") }
            } else if command == "AUTH LOGIN" {
                login = 2;
                "334 VXNlcg==\r\n".to_owned()
            } else if login == 2 {
                login = 1;
                "334 UGFzcw==\r\n".to_owned()
            } else if login == 1 {
                login = 0;
                if good(&decoded(&command)) { "235 welcome\r\n".to_owned() } else { format!("{refusal}\r\n") }
            } else if command == "STARTTLS" {
                "502 not here\r\n".to_owned()
            } else {
                assert!(!command.starts_with("MAIL") && !command.starts_with("RCPT"), "a mail");
                "221 bye\r\n".to_owned()
            };
            if stream.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
        }
    })
    .await
}

async fn sign_in(port: &str, password: &str) -> Outcome {
    let given = to(port, &[("tls", "no"), ("username", "ada")]).secret("password", password);
    smtp::probe(&given.input()).await
}

#[tokio::test]
async fn smtp_signs_in_and_tells_refusals_apart() {
    for mechanisms in ["PLAIN LOGIN", "LOGIN"] {
        let port = mail("220 mail.example ESMTP", mechanisms, "535 5.7.8 no").await;
        let good = sign_in(&port, PASSWORD).await;
        assert_eq!((good.cause, good.identity.as_deref()), (Cause::Ok, Some("ada")), "{good:?}");
        assert_eq!(good.facts[0].value, "1000000");
        assert_eq!(sign_in(&port, "wrong").await.cause, Cause::InvalidCredential);
        let open = smtp::probe(&to(&port, &[("tls", "no")]).input()).await;
        assert_eq!(open.status(), Status::Active, "{open:?}");
        assert_eq!(smtp::probe(&to(&port, &[]).input()).await.cause, Cause::Misconfigured, "no STARTTLS here");
    }
    for (refusal, cause) in [
        ("534 5.7.9 app password wanted", Cause::AccountProblem),
        ("454 4.7.0 try later", Cause::ServerError),
        ("421 4.7.0 too many", Cause::Throttled),
    ] {
        let port = mail("220 mail.example", "PLAIN", refusal).await;
        assert_eq!(sign_in(&port, "wrong").await.cause, cause, "{refusal}");
    }
    let busy = mail("421 too busy", "PLAIN", "").await;
    assert_eq!(sign_in(&busy, PASSWORD).await.cause, Cause::ServerError);
    let other = mail("SSH-2.0-OpenSSH", "PLAIN", "").await;
    assert_eq!(sign_in(&other, PASSWORD).await.cause, Cause::Protocol);
    let port = mail("220 mail.example", "CRAM-MD5", "").await;
    assert_eq!(sign_in(&port, PASSWORD).await.cause, Cause::Misconfigured);
}

#[tokio::test]
async fn no_password_leaves_this_machine_in_the_clear() {
    let away = |fields: &[(&str, &str)]| {
        let mut all = vec![("host", "192.0.2.1"), ("port", "9")];
        all.extend(fields);
        given(&all).secret("password", PASSWORD).timeout(Duration::from_secs(1))
    };
    let mail = smtp::probe(&away(&[("tls", "no"), ("username", "ada")]).input()).await;
    let broker = mqtt::probe(&away(&[("username", "ada")]).input()).await;
    for outcome in [mail, broker] {
        assert_eq!(outcome.cause, Cause::Misconfigured, "{outcome:?}");
        assert!(outcome.evidence.seen.contains("in the clear") && !outcome.evidence.seen.contains(PASSWORD));
    }
}

/// A NATS server with these words of INFO, that wants the password if `auth`.
async fn messages(info: &'static str, auth: bool, refusal: &'static str) -> String {
    server(move |stream| async move {
        let mut stream = BufReader::new(stream);
        let _ = stream.write_all(format!("INFO {info}\r\n").as_bytes()).await;
        let mut line = String::new();
        while stream.read_line(&mut line).await.is_ok_and(|n| n > 0) {
            let answer = if line.starts_with("CONNECT") && auth && !line.contains(PASSWORD) {
                format!("-ERR '{refusal}'\r\n")
            } else if line.starts_with("PING") {
                "PING\r\nPONG\r\n".to_owned()
            } else {
                String::new()
            };
            line.clear();
            if stream.write_all(answer.as_bytes()).await.is_err() || answer.starts_with("-ERR") {
                return;
            }
        }
    })
    .await
}

#[tokio::test]
async fn nats_tells_refusals_apart() {
    let info = r#"{"server_name":"s","version":"2.11.0","auth_required":true,"max_payload":1048576,"jetstream":true}"#;
    let port = messages(info, true, "Authorization Violation").await;
    let ask = async |port: &str, password: Option<&str>| {
        let mut given = to(port, &[("username", "ada")]);
        if let Some(password) = password {
            given = given.secret("password", password);
        }
        nats::probe(&given.input()).await
    };
    let good = ask(&port, Some(PASSWORD)).await;
    assert_eq!(good.cause, Cause::Ok, "{good:?}");
    assert!(good.facts.iter().any(|f| f.value == "2.11.0"));
    assert_eq!(ask(&port, Some("wrong")).await.cause, Cause::InvalidCredential);
    assert_eq!(ask(&port, None).await.cause, Cause::MissingCredential);
    let full = messages(r#"{"version":"2"}"#, true, "maximum connections exceeded").await;
    assert_eq!(ask(&full, Some("x")).await.cause, Cause::Throttled);
    let expired = messages(r#"{"version":"2"}"#, true, "User Authentication Expired").await;
    assert_eq!(ask(&expired, Some("x")).await.cause, Cause::ExpiredCredential);
    let odd = messages("nonsense", false, "").await;
    assert_eq!(ask(&odd, None).await.cause, Cause::Protocol);
}

#[tokio::test]
async fn mqtt_tells_every_code_apart() {
    for (code, cause) in [
        (0, Cause::Ok),
        (1, Cause::Misconfigured),
        (2, Cause::Misconfigured),
        (3, Cause::ServerError),
        (4, Cause::InvalidCredential),
        (5, Cause::InvalidCredential),
        (9, Cause::UnexpectedResponse),
    ] {
        let port = server(move |mut stream| async move {
            let mut packet = [0; 256];
            let n = stream.read(&mut packet).await.unwrap_or(0);
            assert_eq!(packet[0], 0x10, "CONNECT");
            assert_eq!(usize::from(packet[1]), n - 2, "its length");
            assert_eq!(&packet[2..9], b"\0\x04MQTT\x04");
            let _ = stream.write_all(&[0x20, 2, 0, code]).await;
            let _ = stream.read(&mut packet).await;
        })
        .await;
        let given = to(&port, &[("username", "ada")]).secret("password", PASSWORD);
        assert_eq!(mqtt::probe(&given.input()).await.cause, cause, "code {code}");
    }
    let http = server(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    })
    .await;
    assert_eq!(mqtt::probe(&to(&http, &[]).input()).await.cause, Cause::Protocol);
    let alone = to("1", &[]).secret("password", PASSWORD);
    assert_eq!(mqtt::probe(&alone.input()).await.cause, Cause::Misconfigured);
}
