//! Servers that speak a database's or a port's protocol with ill intent: lengths that lie, floods, nests, escapes.

#![cfg(all(feature = "postgres", feature = "redis"))]
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "common/probe.rs"]
mod probe;
#[path = "common/raw.rs"]
mod raw;

use lampboard::{
    checks::{dns, postgres, redis, tcp},
    model::{Cause, Outcome, Status},
};
use probe::given;
use raw::{FLOOD, Server, Step, assert_harmless};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(20);
const EVIL: &str = "\x1b]52;c;ZXZpbA==\x07\x1b[2J\u{9b}31m\u{202e}";

fn port(server: &Server) -> String {
    server.address.port().to_string()
}

async fn ask_redis(server: &Server, limit: Duration) -> Outcome {
    let given = given(&[("host", "127.0.0.1"), ("port", &port(server))]).secret("password", "hunter2-hunter2");
    redis::probe(&given.timeout(limit).input()).await
}

async fn ask_postgres(server: &Server, limit: Duration) -> Outcome {
    let fields = [("host", "127.0.0.1"), ("port", &*port(server)), ("user", "ada"), ("tls", "disable")];
    postgres::probe(&given(&fields).secret("password", "hunter2-hunter2").timeout(limit).input()).await
}

/// The most memory this process has held, in MiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

/// One message of PostgreSQL's protocol.
fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
    [&[kind], &length[..], body].concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn floods_end_in_bounds() {
    let before = peak();
    for (start, flood) in [
        (&b"$1073741823\r\n"[..], vec![b'a'; 65_536]),
        (b"+", vec![b'a'; 65_536]),
        (b"-", vec![b'a'; 65_536]),
        (b"*2147483647\r\n", b":1\r\n".repeat(10_000)),
        (b"*1\r\n", b"*1\r\n".repeat(10_000)),
        (b"%2147483647\r\n", b":1\r\n".repeat(10_000)),
        (b">1000000\r\n", b"+a\r\n".repeat(10_000)),
        (b"", b">1\r\n+a\r\n".repeat(10_000)),
    ] {
        let server = Server::start(vec![Step::Send(start.to_vec()), Step::Flood(flood)]).await;
        let outcome = ask_redis(&server, LIMIT).await;
        assert_eq!(outcome.status(), Status::Error, "{start:?}: {outcome:?}");
        // A nest too deep is refused before it has grown; the rest meets the cap.
        assert!(start == b"*1\r\n" || outcome.evidence.rule.contains("256 KiB"), "{start:?}: {outcome:?}");
        assert_harmless(&outcome);
        server.noticed().await;
        assert!(server.sent() < FLOOD / 16, "{start:?}: {} bytes were taken", server.sent());
    }
    let mut lie = message(b'E', b"");
    lie[1..5].copy_from_slice(&0x3fff_ffff_u32.to_be_bytes());
    let mut notice = message(b'N', b"SNOTICE\0C00000\0Mhello\0\0");
    notice = notice.repeat(1000);
    let setting = message(b'S', b"name\0value\0").repeat(1000);
    for (start, flood) in
        [(lie, vec![b'a'; 65_536]), (message(b'R', &[0; 4]), notice), (message(b'R', &[0; 4]), setting)]
    {
        let server = Server::start(vec![Step::Send(start), Step::Flood(flood)]).await;
        let outcome = ask_postgres(&server, LIMIT).await;
        assert_eq!(outcome.cause, Cause::UnexpectedResponse, "{outcome:?}");
        assert!(outcome.evidence.rule.contains("256 KiB"), "{outcome:?}");
        server.noticed().await;
        assert!(server.sent() < FLOOD / 16, "{} bytes were taken", server.sent());
    }
    let server = Server::start(vec![Step::Flood(vec![b'a'; 65_536])]).await;
    let fields = [("host", "127.0.0.1"), ("port", &*port(&server)), ("expect", "never")];
    let outcome = tcp::probe(&given(&fields).input()).await;
    assert_eq!(outcome.cause, Cause::UnexpectedResponse, "{outcome:?}");
    server.noticed().await;
    let grown = peak() - before;
    assert!(grown < 64, "the floods took {grown} MiB");
}

#[tokio::test]
async fn silence_and_hang_ups_get_a_verdict() {
    let limit = Duration::from_millis(400);
    let silent = Server::start(vec![Step::Wait]).await;
    assert_eq!(ask_redis(&silent, limit).await.cause, Cause::Timeout);
    assert_eq!(ask_postgres(&silent, limit).await.cause, Cause::Timeout);
    for steps in [vec![], vec![Step::Reset], vec![Step::Send(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec())]] {
        let server = Server::start(steps).await;
        for outcome in [ask_redis(&server, LIMIT).await, ask_postgres(&server, LIMIT).await] {
            assert!(matches!(outcome.cause, Cause::Connect | Cause::Protocol), "{outcome:?}");
            assert_harmless(&outcome);
        }
    }
}

#[tokio::test]
async fn what_they_say_is_harmless() {
    for text in
        [format!("-ERR {EVIL}\r\n"), format!("-WRONGPASS {EVIL}\r\n"), format!("-{EVIL} x\r\n"), format!("+{EVIL}\r\n")]
    {
        let server = Server::start(vec![Step::Send(text.repeat(8).into_bytes())]).await;
        let outcome = ask_redis(&server, LIMIT).await;
        assert_ne!(outcome.status(), Status::Active, "{text:?}");
        assert_harmless(&outcome);
    }
    for code in ["28P01", "42501", "XX000", EVIL] {
        let fields = format!("SFATAL\0VFATAL\0C{code}\0M{EVIL}\0D{EVIL}\0\0");
        let server = Server::start(vec![Step::Send(message(b'E', fields.as_bytes()))]).await;
        assert_harmless(&ask_postgres(&server, LIMIT).await);
    }
    let server = Server::start(vec![Step::Send(EVIL.as_bytes().to_vec())]).await;
    let fields = [("host", "127.0.0.1"), ("port", &*port(&server)), ("expect", "never")];
    assert_harmless(&tcp::probe(&given(&fields).input()).await);
}

#[tokio::test]
async fn name_servers_that_talk_nonsense_are_an_error() {
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let mut query = [0; 512];
        let mut turn = 0;
        while let Ok((n, from)) = socket.recv_from(&mut query).await {
            turn += 1;
            let mut answer = query[..n].to_vec();
            answer[2] |= 0x80;
            match turn % 4 {
                0 => answer.truncate(7),
                // More answers told than there are.
                1 => answer[6..8].copy_from_slice(&[0xff, 0xff]),
                // A name that points at itself.
                2 => answer.extend([0xc0, 0x0c, 0, 16, 0, 1, 0, 0, 0, 1, 0xff, 0xff]),
                _ => answer.extend(EVIL.as_bytes()),
            }
            let _ = socket.send_to(&answer, from).await;
        }
    });
    for _ in 0..4 {
        let input = given(&[("name", "www.example."), ("type", "TXT"), ("server", &address)]);
        let outcome = dns::probe(&input.timeout(Duration::from_secs(1)).input()).await;
        assert_eq!(outcome.status(), Status::Error, "{outcome:?}");
        assert_harmless(&outcome);
    }
}
