//! The `mongodb` probe against servers of our own on loopback, which check the proof of the password themselves.

#![cfg(feature = "mongodb")]
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "common/loopback.rs"]
mod loopback;
#[path = "common/probe.rs"]
mod probe;

use aws_lc_rs::{digest, hmac, pbkdf2};
use base64::{Engine, prelude::BASE64_STANDARD};
use lampboard::{
    checks::mongodb,
    model::{Cause, Outcome},
};
use loopback::{certificates, listen, serve};
use probe::{Given, everything, given};
use std::{num::NonZeroU32, time::Duration};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// A value of an answer.
#[derive(Clone)]
enum Bson {
    Int(i32),
    Double(f64),
    Flag(bool),
    Text(String),
    Bytes(Vec<u8>),
    Document(Vec<(&'static str, Bson)>),
    List(Vec<(&'static str, Bson)>),
}
use Bson::{Bytes, Document, Double, Flag, Int, List, Text};

fn bson(fields: &[(&str, Bson)]) -> Vec<u8> {
    let mut out = vec![0; 4];
    for (name, value) in fields {
        let (kind, bytes) = match value {
            Double(n) => (1, n.to_le_bytes().to_vec()),
            Text(t) => (2, [&(t.len() as i32 + 1).to_le_bytes()[..], t.as_bytes(), b"\0"].concat()),
            Document(inner) => (3, bson(inner)),
            List(inner) => (4, bson(inner)),
            Bytes(b) => (5, [&(b.len() as i32).to_le_bytes()[..], b"\0", b].concat()),
            Flag(f) => (8, vec![u8::from(*f)]),
            Int(n) => (16, n.to_le_bytes().to_vec()),
        };
        out.push(kind);
        out.extend([name.as_bytes(), b"\0", &bytes].concat());
    }
    out.push(0);
    let length = (out.len() as i32).to_le_bytes();
    out[..4].copy_from_slice(&length);
    out
}

/// How a fake server behaves.
#[derive(Clone, Copy)]
struct Mongo {
    password: &'static str,
    mechanisms: &'static [&'static str],
    /// Shows the client the proof of another password.
    false_server: bool,
    needs_user: bool,
    monitor: bool,
    /// Answers saslStart with this error.
    refuses: Option<(i32, &'static str)>,
}

const USUAL: Mongo = Mongo {
    password: "canary-right",
    mechanisms: &["SCRAM-SHA-1", "SCRAM-SHA-256"],
    false_server: false,
    needs_user: true,
    monitor: true,
    refuses: None,
};

type Fields = Vec<(&'static str, Bson)>;

fn error(code: i32, words: &str) -> Fields {
    vec![("ok", Double(0.0)), ("code", Int(code)), ("codeName", Text("Name".into())), ("errmsg", Text(words.into()))]
}

fn good(mut fields: Fields) -> Fields {
    fields.push(("ok", Double(1.0)));
    fields
}

/// The bytes of `payload` in a raw command.
fn payload(message: &[u8]) -> String {
    let at = message.windows(9).position(|w| w == b"\x05payload\0").unwrap() + 9;
    let length = i32::from_le_bytes(message[at..at + 4].try_into().unwrap()) as usize;
    String::from_utf8(message[at + 5..at + 5 + length].to_vec()).unwrap()
}

impl Mongo {
    /// The server's side of SCRAM: the proof checked, its own made.
    fn judge(self, first: &str, server: &str, last: &str) -> Fields {
        let sign = |key: &[u8], text: &str| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes());
        let mut salted = [0; 32];
        let rounds = NonZeroU32::new(4096).unwrap();
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, rounds, b"salt", self.password.as_bytes(), &mut salted);
        let (unproven, proof) = last.rsplit_once(",p=").unwrap();
        let whole = format!("{},{server},{unproven}", first.strip_prefix("n,,").unwrap());
        let stored = digest::digest(&digest::SHA256, sign(&salted, "Client Key").as_ref());
        let signature = sign(stored.as_ref(), &whole);
        let proof = BASE64_STANDARD.decode(proof).unwrap();
        let key: Vec<u8> = proof.iter().zip(signature.as_ref()).map(|(a, b)| a ^ b).collect();
        if digest::digest(&digest::SHA256, &key).as_ref() != stored.as_ref() && !self.false_server {
            return error(18, "Authentication failed.");
        }
        let own = sign(sign(&salted, "Server Key").as_ref(), &whole);
        let own = format!("v={}", BASE64_STANDARD.encode(own.as_ref()));
        good(vec![("conversationId", Int(1)), ("payload", Bytes(own.into_bytes())), ("done", Flag(true))])
    }

    async fn talk(self, mut stream: impl AsyncRead + AsyncWrite + Unpin) {
        let (mut first, mut server) = (String::new(), String::new());
        let mut signed_in = !self.needs_user;
        loop {
            let mut head = [0; 16];
            if stream.read_exact(&mut head).await.is_err() {
                return;
            }
            let mut body = vec![0; i32::from_le_bytes(head[..4].try_into().unwrap()) as usize - 16];
            let _ = stream.read_exact(&mut body).await;
            let name = body[10..].split(|b| *b == 0).next().unwrap();
            let answer = match name {
                b"hello" => {
                    let names = ["0", "1"].into_iter().zip(self.mechanisms);
                    let names = names.map(|(at, name)| (at, Text((*name).into()))).collect();
                    good(vec![("isWritablePrimary", Flag(true)), ("saslSupportedMechs", List(names))])
                }
                b"saslStart" => match self.refuses {
                    Some((code, words)) => error(code, words),
                    None => {
                        first = payload(&body);
                        let nonce = first.rsplit_once("r=").unwrap().1;
                        server = format!("r={nonce}more,s={},i=4096", BASE64_STANDARD.encode("salt"));
                        let own = server.clone().into_bytes();
                        good(vec![("conversationId", Int(1)), ("payload", Bytes(own)), ("done", Flag(false))])
                    }
                },
                b"saslContinue" => {
                    let answer = self.judge(&first, &server, &payload(&body));
                    signed_in = answer.iter().any(|(n, _)| *n == "done");
                    answer
                }
                b"connectionStatus" => {
                    let user = vec![("user", Text("board".into())), ("db", Text("admin".into()))];
                    let users = if signed_in { vec![("0", Document(user))] } else { Vec::new() };
                    good(vec![("authInfo", Document(vec![("authenticatedUsers", List(users))]))])
                }
                b"buildInfo" => good(vec![("version", Text("7.0.5".into()))]),
                b"serverStatus" if signed_in && self.monitor => {
                    good(vec![("connections", Document(vec![("current", Int(4)), ("available", Int(96))]))])
                }
                b"listDatabases" if signed_in => good(Vec::new()),
                _ => error(13, "not authorized on admin to execute command"),
            };
            let document = bson(&answer);
            let mut message = Vec::new();
            let request = i32::from_le_bytes(head[4..8].try_into().unwrap());
            for number in [document.len() as i32 + 21, 9, request, 2013, 0] {
                message.extend(number.to_le_bytes());
            }
            message.push(0);
            message.extend(document);
            if stream.write_all(&message).await.is_err() {
                return;
            }
        }
    }
}

fn client(port: &str, password: &str) -> Given {
    given(&[("host", "localhost"), ("port", port), ("username", "board")]).secret("password", password)
}

async fn check(mongo: Mongo, password: &str) -> Outcome {
    let port = serve(move |stream| mongo.talk(stream)).await;
    mongodb::probe(&client(&port, password).input()).await
}

#[tokio::test]
async fn right_and_wrong_passwords_are_told_apart() {
    let right = check(USUAL, "canary-right").await;
    assert_eq!((right.cause, right.identity.as_deref()), (Cause::Ok, Some("board@admin")), "{right:?}");
    assert_eq!(right.quotas[0].limit, Some(100.0));
    assert!(right.facts.iter().any(|f| f.label == "Version" && f.value == "7.0.5"));
    let wrong = check(USUAL, "canary-wrong").await;
    assert_eq!((wrong.cause, wrong.code), (Cause::InvalidCredential, Some(18)), "{wrong:?}");
    assert!(!format!("{}{}", everything(&right), everything(&wrong)).contains("canary"));
    let humble = check(Mongo { monitor: false, ..USUAL }, "canary-right").await;
    assert_eq!((humble.cause, humble.quotas.len()), (Cause::Ok, 0), "{humble:?}");
}

#[tokio::test]
async fn a_server_that_does_not_know_the_password_proves_nothing() {
    let outcome = check(Mongo { password: "another", false_server: true, ..USUAL }, "canary-right").await;
    assert_eq!(outcome.cause, Cause::Protocol, "{outcome:?}");
    assert!(outcome.evidence.seen.contains("does not know the password"), "{outcome:?}");
}

#[tokio::test]
async fn refusals_are_told_apart() {
    for (code, words, cause) in [
        (8000, "bad auth : authentication failed", Cause::InvalidCredential),
        (334, "mechanism not enabled", Cause::Misconfigured),
        (91, "shutting down", Cause::ServerError),
        (9999, "something new", Cause::UnexpectedResponse),
    ] {
        let outcome = check(Mongo { refuses: Some((code, words)), ..USUAL }, "canary-right").await;
        assert_eq!((outcome.cause, outcome.code), (cause, Some(code as u16)), "{outcome:?}");
    }
    let old = check(Mongo { mechanisms: &["SCRAM-SHA-1"], ..USUAL }, "canary-right").await;
    assert_eq!((old.cause, old.evidence.seen.as_str()), (Cause::Misconfigured, "SCRAM-SHA-1"));
}

#[tokio::test]
async fn without_a_user_an_open_server_is_told_from_a_closed_one() {
    for (needs_user, cause) in [(true, Cause::MissingCredential), (false, Cause::Ok)] {
        let mongo = Mongo { needs_user, ..USUAL };
        let port = serve(move |stream| mongo.talk(stream)).await;
        let outcome = mongodb::probe(&given(&[("host", "localhost"), ("port", &port)]).input()).await;
        assert_eq!(outcome.cause, cause, "{outcome:?}");
    }
    let bare = given(&[("host", "localhost"), ("username", "board")]);
    assert_eq!(mongodb::probe(&bare.input()).await.cause, Cause::MissingCredential);
    let lonely = given(&[("host", "localhost")]).secret("password", "canary");
    assert_eq!(mongodb::probe(&lonely.input()).await.cause, Cause::Misconfigured);
}

#[tokio::test]
async fn tls_is_spoken_where_asked() {
    let own = certificates();
    let config = own.config.clone();
    let port = serve(move |stream| {
        let acceptor = tokio_rustls::TlsAcceptor::from(config.clone());
        async move {
            if let Ok(stream) = acceptor.accept(stream).await {
                USUAL.talk(stream).await;
            }
        }
    })
    .await;
    let fields = [("host", "localhost"), ("port", &*port), ("username", "board"), ("tls", "yes")];
    let asked = || given(&fields).secret("password", "canary-right");
    let good = mongodb::probe(&asked().trusting(own.root).input()).await;
    assert_eq!(good.cause, Cause::Ok, "{good:?}");
    assert!(good.certificate_expires.is_some());
    assert_eq!(mongodb::probe(&asked().input()).await.cause, Cause::Tls);
}

#[tokio::test]
async fn foreign_silent_and_gone_servers_end_in_time() {
    for answer in
        [&b"HTTP/1.0 200 OK\r\nIt looks like you are trying to access MongoDB over HTTP"[..], &[0xff; 64], &[0; 64]]
    {
        let port = serve(move |mut stream| async move {
            let _ = stream.read(&mut [0; 512]).await;
            let _ = stream.write_all(answer).await;
        })
        .await;
        let outcome = mongodb::probe(&client(&port, "canary-right").input()).await;
        assert_eq!(outcome.cause, Cause::Protocol, "{outcome:?}");
    }
    let (listener, port) = listen().await;
    let silent = mongodb::probe(&client(&port, "x").timeout(Duration::from_millis(200)).input()).await;
    assert_eq!(silent.cause, Cause::Timeout, "{silent:?}");
    drop(listener);
    assert_eq!(mongodb::probe(&client(&port, "x").input()).await.cause, Cause::Connect);
}
