//! The `mqtt` probe against brokers of our own on loopback.

#![cfg(feature = "mqtt")]
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "common/loopback.rs"]
mod loopback;
#[path = "common/probe.rs"]
mod probe;

use lampboard::{
    checks::mqtt,
    model::{Cause, Outcome},
};
use loopback::{certificates, listen, serve};
use probe::{Given, everything, given};
use std::time::Duration;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpListener,
};

/// Reads one packet, whose length takes one byte.
async fn hear(stream: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let mut packet = vec![0; 2];
    if stream.read_exact(&mut packet).await.is_err() {
        return Vec::new();
    }
    packet.resize(2 + usize::from(packet[1]), 0);
    let _ = stream.read_exact(&mut packet[2..]).await;
    packet
}

/// Answers CONNECT with these bytes, and PINGREQ as it should be.
async fn talk(mut stream: impl AsyncRead + AsyncWrite + Unpin, answer: &[u8]) {
    assert_eq!(hear(&mut stream).await.first(), Some(&0x10));
    let _ = stream.write_all(answer).await;
    if hear(&mut stream).await == [0xc0, 0] {
        let _ = stream.write_all(&[0xd0, 0]).await;
        let _ = hear(&mut stream).await;
    }
}

fn client(port: &str, more: &[(&str, &str)]) -> Given {
    let mut fields = vec![("host", "localhost"), ("port", port), ("username", "board")];
    fields.extend_from_slice(more);
    given(&fields).secret("password", "canary-right")
}

async fn answered(answer: &'static [u8]) -> Outcome {
    let port = serve(move |stream| talk(stream, answer)).await;
    mqtt::probe(&client(&port, &[]).input()).await
}

#[tokio::test]
async fn an_accepted_connection_is_active() {
    let good = answered(&[0x20, 2, 0, 0]).await;
    assert_eq!((good.cause, good.identity.as_deref()), (Cause::Ok, Some("board")), "{good:?}");
    assert!(good.latency.is_some() && good.facts.iter().any(|f| f.value == "MQTT 3.1.1"));
    assert!(!everything(&good).contains("canary"));
}

#[tokio::test]
async fn refusals_and_foreign_answers_are_told_apart() {
    for (answer, cause) in [
        (&[0x20, 2, 0, 1][..], Cause::Misconfigured),
        (&[0x20, 2, 0, 2], Cause::Misconfigured),
        (&[0x20, 2, 0, 3], Cause::ServerError),
        (&[0x20, 2, 0, 4], Cause::InvalidCredential),
        (&[0x20, 2, 0, 5], Cause::InvalidCredential),
        (&[0x20, 2, 0, 99], Cause::Protocol),
        (&[0x20, 3, 0, 0, 0], Cause::Protocol),
        (&[0x30, 0xff, 0xff, 0xff, 0x7f], Cause::Protocol),
        (&[0x20, 0xff, 0xff, 0xff, 0xff, 0x01], Cause::Protocol),
        (b"HTTP/1.1 400 Bad Request and more and more and more and more and more and more text\r\n", Cause::Protocol),
        (&[0x20, 2, 0], Cause::Connect),
    ] {
        let port = serve(move |mut stream| async move {
            let _ = hear(&mut stream).await;
            let _ = stream.write_all(answer).await;
        })
        .await;
        let outcome = mqtt::probe(&client(&port, &[]).input()).await;
        assert_eq!(outcome.cause, cause, "{answer:?}: {outcome:?}");
    }
}

#[tokio::test]
async fn nothing_is_awaited_that_is_no_answer() {
    let accepted = &[0x20, 2, 0, 0][..];
    for (first, then) in [
        (&b"H"[..], &b""[..]),
        (&[0xd0], b""),
        (&[0x20, 3], b""),
        (&[0x20, 0xff, 0xff, 0xff, 0x7f], b""),
        (&[0x20, 0x80, 0x80, 0x80, 0x80], b""),
        (&[0x20, 0], b""),
        (&[0x20, 1, 0], b""),
        (accepted, accepted),
        (accepted, &[0xd0, 0xff, 0x7f]),
    ] {
        let port = serve(move |mut stream| async move {
            let _ = hear(&mut stream).await;
            let _ = stream.write_all(first).await;
            let _ = hear(&mut stream).await;
            let _ = stream.write_all(then).await;
            // Held open until the check hangs up.
            let _ = stream.read_to_end(&mut Vec::new()).await;
        })
        .await;
        let outcome = mqtt::probe(&client(&port, &[]).input()).await;
        assert_eq!(outcome.cause, Cause::Protocol, "{first:?} {then:?}: {outcome:?}");
    }
}

#[tokio::test]
async fn tls_is_spoken_where_asked() {
    let own = certificates();
    let config = own.config.clone();
    let port = serve(move |stream| {
        let acceptor = tokio_rustls::TlsAcceptor::from(config.clone());
        async move {
            if let Ok(stream) = acceptor.accept(stream).await {
                talk(stream, &[0x20, 2, 0, 0]).await;
            }
        }
    })
    .await;
    let good = mqtt::probe(&client(&port, &[("tls", "yes")]).trusting(own.root).input()).await;
    assert_eq!(good.cause, Cause::Ok, "{good:?}");
    assert!(good.certificate_expires.is_some());
    assert_eq!(mqtt::probe(&client(&port, &[("tls", "yes")]).input()).await.cause, Cause::Tls);
}

#[tokio::test]
async fn silence_and_contradictions_end_in_time() {
    let (listener, port) = listen().await;
    let silent = mqtt::probe(&client(&port, &[]).timeout(Duration::from_millis(200)).input()).await;
    assert_eq!(silent.cause, Cause::Timeout, "{silent:?}");
    drop(listener);
    assert_eq!(mqtt::probe(&client(&port, &[]).input()).await.cause, Cause::Connect);
    let lonely = given(&[("host", "localhost")]).secret("password", "canary");
    assert_eq!(mqtt::probe(&lonely.input()).await.cause, Cause::Misconfigured);
    assert_eq!(
        mqtt::probe(&given(&[("host", "localhost"), ("tls", "maybe")]).input()).await.cause,
        Cause::Misconfigured
    );
}

#[tokio::test]
async fn without_a_port_tls_means_8883_and_plain_1883() {
    for (tls, port) in [("yes", "8883"), ("no", "1883")] {
        // An address of its own, so that nobody else listens there.
        let listener = TcpListener::bind(format!("127.0.88.83:{port}")).await.unwrap();
        let asked = given(&[("host", "127.0.88.83"), ("tls", tls)]).timeout(Duration::from_secs(5));
        for fields in [asked, given(&[("host", "127.0.88.83"), ("tls", tls), ("port", "")])] {
            let (checked, heard) = tokio::join!(fields.checked("mqtt"), async {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut first = [0];
                stream.read_exact(&mut first).await.unwrap();
                first[0]
            });
            assert_eq!(heard, if tls == "yes" { 0x16 } else { 0x10 }, "a handshake or CONNECT: {checked:?}");
        }
    }
}

#[test]
fn the_broker_that_a_password_goes_to_is_the_one_that_is_asked() {
    for (fields, place) in [
        (&[("tls", "yes")][..], "broker.test:8883"),
        (&[("tls", "no")], "broker.test:1883"),
        (&[], "broker.test:1883"),
        (&[("tls", "yes"), ("port", "1883")], "broker.test:1883"),
    ] {
        let mut all = vec![("host", "broker.test")];
        all.extend_from_slice(fields);
        assert_eq!(given(&all).destinations("mqtt"), [place]);
    }
}
