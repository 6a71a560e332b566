//! The `mysql` probe against servers of our own on loopback: what a MariaDB of these days does not say.

#![cfg(feature = "mysql")]
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "common/loopback.rs"]
mod loopback;
#[path = "common/probe.rs"]
mod probe;

use aws_lc_rs::digest::{SHA256, digest};
use lampboard::{
    checks::mysql,
    model::{Cause, Outcome},
};
use loopback::{Certificates, certificates, listen, serve};
use probe::{Given, everything, given};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

const NONCE: &[u8] = b"abcdefghijklmnopqrst";

fn greeting(method: &str, tls: bool) -> Vec<u8> {
    let mut body = b"\x0a8.4.0\0\x01\0\0\0".to_vec();
    body.extend_from_slice(&NONCE[..8]);
    body.extend([0, 0xff, if tls { 0xff } else { 0xf7 }, 45, 2, 0, 0xff, 0x81, 21]);
    body.extend([0; 10]);
    body.extend_from_slice(&NONCE[8..]);
    body.push(0);
    body.extend_from_slice(method.as_bytes());
    body.push(0);
    body
}

fn switch(method: &str) -> Vec<u8> {
    [b"\xfe", method.as_bytes(), b"\0", NONCE, b"\0"].concat()
}

async fn send(stream: &mut (impl AsyncWrite + Unpin), sequence: u8, body: &[u8]) {
    let mut packet = (body.len() as u32).to_le_bytes()[..3].to_vec();
    packet.push(sequence);
    packet.extend_from_slice(body);
    let _ = stream.write_all(&packet).await;
}

async fn hear(stream: &mut (impl AsyncRead + Unpin)) -> Option<(u8, Vec<u8>)> {
    let mut head = [0; 4];
    stream.read_exact(&mut head).await.ok()?;
    let mut body = vec![0; usize::from(head[0]) | usize::from(head[1]) << 8];
    stream.read_exact(&mut body).await.ok()?;
    Some((head[3], body))
}

/// Answers each packet with the next of `answers`, then the two questions with rows; keeps what it heard.
async fn talk(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), answers: &[Vec<u8>], heard: &Mutex<Vec<Vec<u8>>>) {
    for answer in answers {
        let Some((sequence, body)) = hear(stream).await else { return };
        heard.lock().unwrap().push(body);
        send(stream, sequence.wrapping_add(1), answer).await;
        if answer.first() == Some(&1) && answer.get(1) == Some(&3) {
            send(stream, sequence.wrapping_add(2), &[0; 7]).await;
        }
    }
    for row in [&b"\x0fboard@localhost\x04Fake\x03151\x010"[..], b"\x11Threads_connected\x017"] {
        let Some((0, question)) = hear(stream).await else { return };
        assert_eq!(question[0], 3);
        let columns = if row[0] == 15 { 4 } else { 2 };
        send(stream, 1, &[columns]).await;
        for column in 0..columns {
            send(stream, 2 + column, b"\x03def").await;
        }
        send(stream, 2 + columns, b"\xfe\0\0\x02\0").await;
        send(stream, 3 + columns, row).await;
        send(stream, 4 + columns, b"\xfe\0\0\x02\0").await;
    }
}

/// A server with these answers to the packets of a sign-in, and what it heard.
async fn server(
    method: &'static str,
    tls: Option<&Certificates>,
    answers: Vec<Vec<u8>>,
) -> (String, Arc<Mutex<Vec<Vec<u8>>>>) {
    let heard: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
    let kept = heard.clone();
    let config = tls.map(|own| own.config.clone());
    let port = serve(move |mut stream| {
        let (config, answers, heard) = (config.clone(), answers.clone(), heard.clone());
        async move {
            send(&mut stream, 0, &greeting(method, config.is_some())).await;
            let Some(config) = config else { return talk(&mut stream, &answers, &heard).await };
            let Some((1, request)) = hear(&mut stream).await else { return };
            assert_eq!(request.len(), 32);
            if let Ok(mut stream) = tokio_rustls::TlsAcceptor::from(config).accept(stream).await {
                talk(&mut stream, &answers, &heard).await;
            }
        }
    })
    .await;
    (port, kept)
}

fn client(port: &str, tls: &str) -> Given {
    given(&[("host", "localhost"), ("port", port), ("user", "board"), ("tls", tls)]).secret("password", "canary-right")
}

fn holds(heard: &Mutex<Vec<Vec<u8>>>, needle: &[u8]) -> bool {
    heard.lock().unwrap().iter().any(|packet| packet.windows(needle.len()).any(|w| w == needle))
}

#[tokio::test]
async fn the_cached_password_is_proven_without_being_told() {
    let (port, heard) = server("caching_sha2_password", None, vec![vec![1, 3]]).await;
    let good = mysql::probe(&client(&port, "prefer").input()).await;
    assert_eq!((good.cause, good.identity.as_deref()), (Cause::Ok, Some("board@localhost")), "{good:?}");
    assert_eq!(good.quotas[0].left, Some(144.0));
    assert!(good.facts.iter().any(|f| f.label == "Version" && f.value == "8.4.0"));
    let once = digest(&SHA256, b"canary-right");
    let mixed = digest(&SHA256, &[digest(&SHA256, once.as_ref()).as_ref(), NONCE].concat());
    let proof: Vec<u8> = once.as_ref().iter().zip(mixed.as_ref()).map(|(a, b)| a ^ b).collect();
    assert!(holds(&heard, &proof) && !holds(&heard, b"canary"));
}

#[tokio::test]
async fn the_plain_password_goes_only_where_it_may() {
    let own = certificates();
    let (full, ok) = (vec![1, 4], vec![0; 7]);
    let clear = switch("mysql_clear_password");
    for (answer, tls, sent) in [
        (&full, "disable", false),
        (&full, "require", true),
        (&full, "verify-full", true),
        (&clear, "disable", false),
        (&clear, "prefer", false),
        (&clear, "require", false),
        (&clear, "verify-full", true),
        (&switch("sha256_password"), "disable", false),
    ] {
        let encrypted = (tls != "disable").then_some(&own);
        let (port, heard) = server("caching_sha2_password", encrypted, vec![answer.clone(), ok.clone()]).await;
        let outcome = mysql::probe(&client(&port, tls).trusting(own.root.clone()).input()).await;
        assert_eq!(outcome.cause, if sent { Cause::Ok } else { Cause::Misconfigured }, "{tls}: {outcome:?}");
        assert_eq!(holds(&heard, b"canary-right\0"), sent, "{tls} {answer:?}");
        assert!(!everything(&outcome).contains("canary"));
    }
}

#[tokio::test]
async fn methods_are_switched_and_unknown_ones_named() {
    let answers = vec![switch("mysql_native_password"), vec![0; 7]];
    let (port, heard) = server("caching_sha2_password", None, answers).await;
    let good = mysql::probe(&client(&port, "disable").input()).await;
    assert_eq!(good.cause, Cause::Ok, "{good:?}");
    assert_eq!(heard.lock().unwrap()[1].len(), 20, "a SHA-1 proof");
    let (port, _) = server("mysql_native_password", None, vec![switch("client_ed25519")]).await;
    let unknown = mysql::probe(&client(&port, "disable").input()).await;
    assert_eq!((unknown.cause, unknown.evidence.seen.as_str()), (Cause::Misconfigured, "client_ed25519"));
    let (port, _) = server("mysql_native_password", None, vec![b"\xff\x15\x04#28000denied".to_vec()]).await;
    let denied = mysql::probe(&client(&port, "disable").input()).await;
    assert_eq!((denied.cause, denied.code), (Cause::InvalidCredential, Some(1045)), "{denied:?}");
}

async fn greeted(greeting: &'static [u8], tls: &str) -> Outcome {
    let port = serve(move |mut stream| async move {
        let _ = stream.write_all(greeting).await;
        let _ = stream.read(&mut [0; 64]).await;
    })
    .await;
    mysql::probe(&client(&port, tls).timeout(Duration::from_secs(1)).input()).await
}

#[tokio::test]
async fn full_foreign_and_silent_servers_are_told_apart() {
    let full = greeted(b"\x17\0\0\0\xff\x10\x04Too many connections", "prefer").await;
    assert_eq!((full.cause, full.code), (Cause::QuotaExhausted, Some(1040)), "{full:?}");
    for foreign in [&b"220 mail.test ESMTP\r\n"[..], b"\x05\0\0\0\x0aabc\0", b"\x01\0\0\0\x09", b"SSH-2.0-OpenSSH\r\n"]
    {
        assert_eq!(greeted(foreign, "prefer").await.cause, Cause::Protocol, "{foreign:?}");
    }
    assert_eq!(greeted(b"\x05\0\0\0\x0a", "prefer").await.cause, Cause::Timeout);
    let (port, _) = server("mysql_native_password", None, Vec::new()).await;
    assert_eq!(mysql::probe(&client(&port, "require").input()).await.cause, Cause::Tls, "TLS is not offered");
    let (listener, port) = listen().await;
    let silent = mysql::probe(&client(&port, "prefer").timeout(Duration::from_millis(200)).input()).await;
    assert_eq!(silent.cause, Cause::Timeout, "{silent:?}");
    drop(listener);
    assert_eq!(mysql::probe(&client(&port, "prefer").input()).await.cause, Cause::Connect);
}
