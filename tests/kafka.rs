//! The `kafka` probe against brokers of our own on loopback, which check the proof of the password themselves, and
//! against the mock cluster of another make.

#![cfg(feature = "kafka")]
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "common/loopback.rs"]
mod loopback;
#[path = "common/probe.rs"]
mod probe;
#[path = "common/server.rs"]
mod server;

use aws_lc_rs::{digest, hmac, pbkdf2};
use base64::{Engine, prelude::BASE64_STANDARD};
use lampboard::{
    checks::kafka,
    model::{Cause, Outcome},
};
use loopback::serve;
use probe::{Given, everything, given};
use rstest::rstest;
use std::{
    io::{BufRead, BufReader},
    num::NonZeroU32,
    process::{Command, Stdio},
    time::Duration,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const RIGHT: &str = "canary-right";

/// How a fake broker behaves.
#[derive(Clone, Copy)]
struct Kafka {
    mechanisms: &'static [&'static str],
    needs_sign_in: bool,
    /// Shows the client the proof of another password.
    false_server: bool,
    newest_metadata: i16,
    brokers: i32,
}

const USUAL: Kafka = Kafka {
    mechanisms: &["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"],
    needs_sign_in: true,
    false_server: false,
    newest_metadata: 2,
    brokers: 3,
};

fn text(text: &str) -> Vec<u8> {
    [&(text.len() as i16).to_be_bytes()[..], text.as_bytes()].concat()
}

fn sasl(code: i16, words: Option<&str>, bytes: &[u8]) -> Vec<u8> {
    let words = words.map_or_else(|| (-1_i16).to_be_bytes().to_vec(), text);
    [&code.to_be_bytes()[..], &words, &(bytes.len() as i32).to_be_bytes(), bytes].concat()
}

/// The server's side of SCRAM: its first message, then the verdict of the client's last.
struct Scram {
    wide: bool,
    bare: String,
    first: String,
}

impl Scram {
    fn begin(wide: bool, client: &str) -> Scram {
        let bare = client.strip_prefix("n,,").unwrap().to_owned();
        let nonce = bare.split(',').find_map(|p| p.strip_prefix("r=")).unwrap();
        let first = format!("r={nonce}server,s={},i=4096", BASE64_STANDARD.encode("salt"));
        Scram { wide, bare, first }
    }

    fn end(&self, last: &str, password: &str) -> Option<String> {
        let (slow, fast, plain) = match self.wide {
            false => (pbkdf2::PBKDF2_HMAC_SHA256, hmac::HMAC_SHA256, &digest::SHA256),
            true => (pbkdf2::PBKDF2_HMAC_SHA512, hmac::HMAC_SHA512, &digest::SHA512),
        };
        let mut salted = vec![0; plain.output_len()];
        pbkdf2::derive(slow, NonZeroU32::new(4096).unwrap(), b"salt", password.as_bytes(), &mut salted);
        let sign = |key: &[u8], text: &[u8]| hmac::sign(&hmac::Key::new(fast, key), text).as_ref().to_vec();
        let (unproven, proof) = last.rsplit_once(",p=").unwrap();
        let whole = format!("{},{},{unproven}", self.bare, self.first);
        let client = sign(&salted, b"Client Key");
        let signature = sign(digest::digest(plain, &client).as_ref(), whole.as_bytes());
        let wanted: Vec<u8> = client.iter().zip(&signature).map(|(a, b)| a ^ b).collect();
        let server = BASE64_STANDARD.encode(sign(&sign(&salted, b"Server Key"), whole.as_bytes()));
        (BASE64_STANDARD.encode(wanted) == proof).then(|| format!("v={server}"))
    }
}

async fn broker(kind: Kafka) -> String {
    serve(move |mut stream| async move {
        let mut mechanism = String::new();
        let mut scram: Option<Scram> = None;
        let mut signed_in = false;
        loop {
            let Ok(length) = stream.read_u32().await else { return };
            let mut frame = vec![0; length as usize];
            stream.read_exact(&mut frame).await.unwrap();
            let api = i16::from_be_bytes([frame[0], frame[1]]);
            let version = i16::from_be_bytes([frame[2], frame[3]]);
            let number = frame[4..8].to_vec();
            let body = &frame[10 + usize::from(u16::from_be_bytes([frame[8], frame[9]]))..];
            let answer = match api {
                18 => {
                    // Newer shapes are refused in the oldest one, as real brokers do.
                    let mut out = vec![0, if version > 0 { 35 } else { 0 }, 0, 0, 0, 4];
                    for (api, newest) in [(3, kind.newest_metadata), (17, 1), (18, 0), (36, 0_i16)] {
                        out.extend([i16::to_be_bytes(api), 0_i16.to_be_bytes(), newest.to_be_bytes()].concat());
                    }
                    out
                }
                17 => {
                    mechanism = String::from_utf8(body[2..].to_vec()).unwrap();
                    let known = kind.mechanisms.contains(&mechanism.as_str());
                    let mut out = if known { 0_i16 } else { 33 }.to_be_bytes().to_vec();
                    out.extend((kind.mechanisms.len() as i32).to_be_bytes());
                    kind.mechanisms.iter().for_each(|m| out.extend(text(m)));
                    out
                }
                36 => {
                    let said = String::from_utf8(body[4..].to_vec()).unwrap();
                    let refused = || sasl(58, Some("Authentication failed: Invalid username or password"), b"");
                    match (mechanism.as_str(), scram.take()) {
                        ("PLAIN", _) if said == format!("\0board\0{RIGHT}") => {
                            signed_in = true;
                            sasl(0, None, b"")
                        }
                        ("PLAIN", _) => refused(),
                        (_, None) => {
                            let begun = Scram::begin(mechanism == "SCRAM-SHA-512", &said);
                            let first = begun.first.clone();
                            scram = Some(begun);
                            sasl(0, None, first.as_bytes())
                        }
                        (_, Some(_)) if kind.false_server => sasl(0, None, b"v=AAAA"),
                        (_, Some(begun)) => match begun.end(&said, RIGHT) {
                            Some(proof) => {
                                signed_in = true;
                                sasl(0, None, proof.as_bytes())
                            }
                            None => refused(),
                        },
                    }
                }
                3 if kind.needs_sign_in && !signed_in => return,
                3 => {
                    let mut out = kind.brokers.to_be_bytes().to_vec();
                    for id in 0..kind.brokers {
                        out.extend(id.to_be_bytes());
                        out.extend(text(&format!("broker-{id}.example")));
                        out.extend(9092_i32.to_be_bytes());
                        out.extend((-1_i16).to_be_bytes());
                    }
                    if version >= 2 {
                        out.extend(text("cluster-one"));
                    }
                    out.extend(1_i32.to_be_bytes());
                    out.extend(0_i32.to_be_bytes());
                    out
                }
                other => panic!("nobody asked for {other}"),
            };
            stream.write_u32(answer.len() as u32 + 4).await.unwrap();
            stream.write_all(&[number, answer].concat()).await.unwrap();
        }
    })
    .await
}

fn at(port: &str) -> Given {
    given(&[("host", "127.0.0.1"), ("port", port)])
}

async fn signed(port: &str, mechanism: &str, password: &str) -> Outcome {
    let fields = [("host", "127.0.0.1"), ("port", port), ("username", "board"), ("mechanism", mechanism)];
    let outcome = kafka::probe(&given(&fields).secret("password", password).input()).await;
    assert!(!everything(&outcome).contains("canary"), "{outcome:?}");
    outcome
}

fn fact<'a>(outcome: &'a Outcome, label: &str) -> &'a str {
    outcome.facts.iter().find(|f| f.label == label).map_or("", |f| &f.value)
}

#[rstest]
#[case("PLAIN")]
#[case("SCRAM-SHA-256")]
#[case("SCRAM-SHA-512")]
#[tokio::test]
async fn every_sign_in_tells_right_from_wrong(#[case] mechanism: &str) {
    let port = broker(USUAL).await;
    let good = signed(&port, mechanism, RIGHT).await;
    assert_eq!((good.cause, good.identity.as_deref()), (Cause::Ok, Some("board")), "{good:?}");
    assert_eq!((fact(&good, "Cluster"), fact(&good, "Brokers")), ("cluster-one", "3"));
    assert_eq!((fact(&good, "Controller"), fact(&good, "Sign-in")), ("broker-1.example:9092", mechanism));
    let wrong = signed(&port, mechanism, "canary-wrong").await;
    assert_eq!((wrong.cause, wrong.code), (Cause::InvalidCredential, Some(58)), "{wrong:?}");
    assert!(wrong.evidence.seen.contains("Invalid username"), "{wrong:?}");
}

#[tokio::test]
async fn who_does_not_sign_in_is_told_apart() {
    let closed = broker(USUAL).await;
    assert_eq!(kafka::probe(&at(&closed).input()).await.cause, Cause::MissingCredential);
    let open = broker(Kafka { needs_sign_in: false, ..USUAL }).await;
    let outcome = kafka::probe(&at(&open).input()).await;
    assert_eq!((outcome.cause, fact(&outcome, "Sign-in")), (Cause::Ok, "none"), "{outcome:?}");
    let half = given(&[("host", "127.0.0.1"), ("port", &open), ("username", "board")]);
    assert_eq!(kafka::probe(&half.input()).await.cause, Cause::MissingCredential);
    assert_eq!(kafka::probe(&at(&open).secret("password", RIGHT).input()).await.cause, Cause::Misconfigured);
}

#[tokio::test]
async fn a_broker_that_is_none_or_other_than_thought_is_told() {
    let plain_only = broker(Kafka { mechanisms: &["PLAIN"], ..USUAL }).await;
    let refused = signed(&plain_only, "SCRAM-SHA-256", RIGHT).await;
    assert_eq!(refused.cause, Cause::Misconfigured);
    assert!(refused.evidence.seen.ends_with("is not among: PLAIN"), "{refused:?}");
    let liar = broker(Kafka { false_server: true, ..USUAL }).await;
    assert_eq!(signed(&liar, "SCRAM-SHA-512", RIGHT).await.cause, Cause::Protocol);
    let old = broker(Kafka { newest_metadata: 1, ..USUAL }).await;
    let outcome = signed(&old, "PLAIN", RIGHT).await;
    assert_eq!((outcome.cause, fact(&outcome, "Cluster"), fact(&outcome, "Brokers")), (Cause::Ok, "", "3"));
    let ancient = broker(Kafka { newest_metadata: 0, ..USUAL }).await;
    assert_eq!(signed(&ancient, "PLAIN", RIGHT).await.cause, Cause::Misconfigured);
    let empty = broker(Kafka { brokers: 0, ..USUAL }).await;
    assert_eq!(signed(&empty, "PLAIN", RIGHT).await.cause, Cause::UnexpectedResponse);
    // The last one is an answer whose list claims two thousand million items.
    for greeting in [
        &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
        &[0xff; 64],
        &[0, 0, 0, 4, 0, 0, 0, 9],
        &[0, 0, 0, 2, 1, 1, 1, 1],
        b"\0\0\0\x0e\0\0\0\x01\0\0\x7f\xff\xff\xff\0\x03\0\0",
    ] {
        let other = serve(move |mut stream| async move {
            let _ = stream.write_all(greeting).await;
            let _ = stream.read_to_end(&mut Vec::new()).await;
        })
        .await;
        let outcome = kafka::probe(&at(&other).input()).await;
        assert_eq!(outcome.cause, Cause::Protocol, "{greeting:?}: {outcome:?}");
    }
    let silent = serve(|mut stream| async move { drop(stream.read_to_end(&mut Vec::new()).await) }).await;
    let late = kafka::probe(&at(&silent).timeout(Duration::from_millis(300)).input()).await;
    assert_eq!(late.cause, Cause::Timeout, "{late:?}");
    assert_eq!(kafka::probe(&at(&server::free_port()).input()).await.cause, Cause::Connect);
}

/// Where `.ci/run` put the C client's package.
fn python() -> Command {
    Command::new(std::env::var("LAMPBOARD_PYTHON").expect("LAMPBOARD_PYTHON names a python with confluent-kafka"))
}

/// The mock cluster of the C client: it speaks the protocol, but knows no sign-in.
const CLUSTER: &str = "import confluent_kafka, sys
made = confluent_kafka.Producer({'test.mock.num.brokers': 2})
print(' '.join(f'{b.host}:{b.port}' for b in made.list_topics(timeout=20).brokers.values()), flush=True)
sys.stdin.read()";

#[tokio::test]
#[ignore = "needs confluent-kafka"]
async fn librdkafka_offers_a_mock_cluster_that_is_read() {
    let mut child = python().args(["-c", CLUSTER]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let (host, port) = line.split_whitespace().next().unwrap().rsplit_once(':').unwrap();
    let outcome = kafka::probe(&given(&[("host", host), ("port", port)]).input()).await;
    assert_eq!((outcome.cause, fact(&outcome, "Brokers")), (Cause::Ok, "2"), "{outcome:?}");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(kafka::probe(&given(&[("host", host), ("port", port)]).input()).await.cause, Cause::Connect);
}

const CLIENT: &str = "import confluent_kafka, sys
_, port, mechanism, password = sys.argv
seen = []
client = confluent_kafka.Producer({
    'bootstrap.servers': f'127.0.0.1:{port}', 'security.protocol': 'SASL_PLAINTEXT', 'sasl.mechanisms': mechanism,
    'sasl.username': 'board', 'sasl.password': password, 'error_cb': lambda error: seen.append(error.name())})
try:
    print(client.list_topics(timeout=20 if password == 'canary-right' else 2).cluster_id)
except confluent_kafka.KafkaException:
    client.poll(1)
    print(seen[0])";

/// The brokers of these tests are of our own making: a client of another make finds in them what it expects.
#[rstest]
#[case("PLAIN")]
#[case("SCRAM-SHA-256")]
#[case("SCRAM-SHA-512")]
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs confluent-kafka"]
async fn librdkafka_signs_in_to_the_same_brokers(#[case] mechanism: &str) {
    let port = broker(Kafka { brokers: 1, ..USUAL }).await;
    for (password, wanted) in [(RIGHT, "cluster-one"), ("canary-wrong", "_AUTHENTICATION")] {
        let client = python().args(["-c", CLIENT, &port, mechanism, password]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&client.stdout).trim(), wanted, "{client:?}");
    }
}
