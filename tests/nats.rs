//! The `nats` probe against servers of our own on loopback.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "common/loopback.rs"]
mod loopback;
#[path = "common/nats_keys.rs"]
mod nats_keys;
#[path = "common/probe.rs"]
mod probe;

use lampboard::{
    checks::nats,
    model::{Cause, Outcome},
};
use loopback::{listen, serve};
use nats_keys::{ACCOUNT, Key, USER, creds};
use probe::{everything, given};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufStream};

const INFO: &str = r#"INFO {"server_id":"NAX","version":"2.9.10","auth_required":true,"max_payload":1048576}"#;

/// Greets, waits for CONNECT and PING, answers, closes.
async fn answer(greeting: &'static str, answer: &'static str) -> Outcome {
    let port = serve(move |stream| async move {
        let mut stream = BufStream::new(stream);
        let _ = stream.write_all(format!("{greeting}\r\n").as_bytes()).await;
        let _ = stream.flush().await;
        let (mut connect, mut ping) = (String::new(), String::new());
        let _ = stream.read_line(&mut connect).await;
        let _ = stream.read_line(&mut ping).await;
        if ping == "PING\r\n" && connect.contains(r#""user":"board","pass":"canary-right""#) {
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.flush().await;
        }
    })
    .await;
    let fields = [("host", "127.0.0.1"), ("port", &*port), ("username", "board")];
    given(&fields).secret("password", "canary-right").checked("nats").await
}

#[tokio::test]
async fn a_pong_after_sign_in_is_the_proof() {
    let good = answer(INFO, "+OK\r\nINFO {}\r\nPONG\r\n").await;
    assert_eq!(good.cause, Cause::Ok, "{good:?}");
    assert!(good.facts.iter().any(|f| f.label == "Version" && f.value == "2.9.10"));
    assert!(good.latency.is_some() && good.phases.first_byte.is_some());
}

#[tokio::test]
async fn refusals_are_told_apart() {
    for (line, cause) in [
        ("-ERR 'Authorization Violation'\r\n", Cause::InvalidCredential),
        ("-ERR 'User Authentication Expired'\r\n", Cause::ExpiredCredential),
        ("-ERR 'maximum account active connections exceeded'\r\n", Cause::QuotaExhausted),
        ("-ERR 'Authentication Timeout'\r\n", Cause::Timeout),
        ("-ERR 'Secure Connection - TLS Required'\r\n", Cause::Misconfigured),
        ("-ERR 'Unknown Protocol Operation'\r\n", Cause::Protocol),
        ("-ERR 'Server Shutdown'\r\n", Cause::ServerError),
        ("MSG x 1 0\r\n", Cause::Protocol),
        ("", Cause::Connect),
    ] {
        let outcome = answer(INFO, line).await;
        assert_eq!(outcome.cause, cause, "{line}: {outcome:?}");
    }
    let echo = answer(INFO, "-ERR 'canary-right was bad'\r\n").await;
    assert!(!everything(&echo).contains("canary"), "{echo:?}");
}

#[tokio::test]
async fn full_and_foreign_servers_are_told_apart() {
    for (greeting, cause) in [
        ("-ERR 'maximum connections exceeded'", Cause::QuotaExhausted),
        ("220 mail.test ESMTP", Cause::Protocol),
        ("INFO not json", Cause::Protocol),
        ("INFO {}", Cause::Protocol),
    ] {
        let outcome = answer(greeting, "PONG\r\n").await;
        assert_eq!(outcome.cause, cause, "{greeting}: {outcome:?}");
    }
}

#[tokio::test]
async fn only_a_pong_is_proof() {
    let late = answer(INFO, "+OK\r\n-ERR 'Authorization Violation'\r\n").await;
    assert_eq!(late.cause, Cause::InvalidCredential, "{late:?}");
    let never = answer(INFO, "+OK\r\nINFO {}\r\n").await;
    assert_eq!(never.cause, Cause::Connect, "{never:?}");
    let chatter: &str = Box::leak("+OK\r\n".repeat(40).into_boxed_str());
    assert_eq!(answer(INFO, chatter).await.cause, Cause::Protocol);
}

#[tokio::test]
async fn a_greeting_without_end_is_not_read_to_its_end() {
    let port = serve(|mut stream| async move {
        let _ = stream.write_all(b"INFO {\"server_id\":\"").await;
        while stream.write_all(&[b'a'; 4096]).await.is_ok() {}
    })
    .await;
    let outcome = nats::probe(&given(&[("host", "127.0.0.1"), ("port", &port)]).input()).await;
    assert_eq!(outcome.cause, Cause::Protocol, "{outcome:?}");
    assert!(everything(&outcome).len() < 2000);
}

#[tokio::test]
async fn a_password_is_kept_from_a_server_without_the_tls_asked_for() {
    let port = serve(|mut stream| async move {
        let _ = stream.write_all(format!("{INFO}\r\n").as_bytes()).await;
        let mut rest = String::new();
        let _ = BufStream::new(stream).read_line(&mut rest).await;
        assert_eq!(rest, "");
    })
    .await;
    let fields = [("host", "localhost"), ("port", &*port), ("username", "board"), ("tls", "yes")];
    let outcome = nats::probe(&given(&fields).secret("password", "canary-right").input()).await;
    assert_eq!((outcome.cause, outcome.evidence.rule.as_str()), (Cause::Tls, "TLS is not offered"));
}

#[tokio::test]
async fn contradictions_and_silence_end_in_time() {
    let (_listener, port) = listen().await;
    let fields = [("host", "127.0.0.1"), ("port", &*port)];
    let both = given(&[("host", "h"), ("username", "board")]).secret("token", "t");
    assert_eq!(nats::probe(&both.input()).await.cause, Cause::Misconfigured);
    assert_eq!(nats::probe(&given(&[("host", "h")]).secret("password", "p").input()).await.cause, Cause::Misconfigured);
    let silent = nats::probe(&given(&fields).timeout(Duration::from_millis(200)).input()).await;
    assert_eq!(silent.cause, Cause::Timeout, "{silent:?}");
}

/// A server that gives `nonce` to sign, and quotes the CONNECT it gets as it refuses it.
async fn quotes(nonce: &'static str) -> String {
    serve(move |stream| async move {
        let mut stream = BufStream::new(stream);
        let info = format!("INFO {{\"server_id\":\"NAX\",\"auth_required\":true{nonce}}}\r\n");
        let _ = stream.write_all(info.as_bytes()).await;
        let _ = stream.flush().await;
        let mut connect = String::new();
        let _ = stream.read_line(&mut connect).await;
        let said = connect.trim_start_matches("CONNECT").trim();
        let _ = stream.write_all(format!("-ERR 'Authorization Violation: {said}'\r\n").as_bytes()).await;
        let _ = stream.flush().await;
    })
    .await
}

#[tokio::test]
async fn keys_sign_what_they_are_given_and_are_never_sent() {
    let (account, user) = (Key::new(ACCOUNT, 1), Key::new(USER, 2));
    let token = account.token(&user, "user", None);
    for secret in [user.seed(), creds(&token, &user.seed())] {
        let port = quotes(",\"nonce\":\"abc\"").await;
        let asked = given(&[("host", "127.0.0.1"), ("port", &port)]).secret("creds", &secret);
        let outcome = asked.checked("nats").await;
        assert_eq!(outcome.cause, Cause::InvalidCredential, "{outcome:?}");
        let said = everything(&outcome);
        assert!(said.contains("sig") && !said.contains(&user.seed()) && !said.contains(&token), "{said}");
        assert!(!said.contains(&token[..60]), "{said}");
    }
    let keyless = quotes("").await;
    let asked = given(&[("host", "127.0.0.1"), ("port", &keyless)]).secret("creds", &user.seed());
    let outcome = asked.checked("nats").await;
    assert_eq!((outcome.cause, &*outcome.evidence.rule), (Cause::InvalidCredential, "the server takes no keys"));
}

#[tokio::test]
async fn what_is_no_key_is_refused_before_anything_is_sent() {
    let user = Key::new(USER, 1).seed();
    let cut = &user[..57];
    for (fields, secrets, cause) in [
        (&[][..], &[("creds", cut)][..], Cause::InvalidCredential),
        (&[], &[("creds", &*Key::new(ACCOUNT, 1).seed())], Cause::InvalidCredential),
        (&[("username", "board")], &[("creds", &*user)], Cause::Misconfigured),
        (&[], &[("token", "canary"), ("creds", &*user)], Cause::Misconfigured),
    ] {
        // Nobody listens there: to be refused is to have asked.
        let mut asked = given(&[&[("host", "127.0.0.1"), ("port", "1")], fields].concat());
        for (name, value) in secrets {
            asked = asked.secret(name, value);
        }
        let outcome = asked.checked("nats").await;
        assert_eq!(outcome.cause, cause, "{outcome:?}");
        assert!(!everything(&outcome).contains(&user[..20]), "{outcome:?}");
    }
}
