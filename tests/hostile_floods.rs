//! Servers that send without end: the check ends in bounds, the server is cut off, and nothing dangerous is shown.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "common/raw.rs"]
mod raw;

use lampboard::model::{Cause, Outcome, Status};
use raw::{FLOOD, Server, Step, TOKEN, answer, assert_harmless, check, check_within};
use std::time::Duration;

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";

fn head(more: &str) -> Step {
    Step::Send([HEAD, more.as_bytes()].concat())
}

fn assert_too_large(outcome: &Outcome) {
    assert_eq!(outcome.cause, Cause::UnexpectedResponse, "{outcome:?}");
    assert!(outcome.evidence.rule.contains("1 MiB"), "{outcome:?}");
    assert_eq!(outcome.code, Some(200));
}

/// The most memory this process has held, in KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Bits into bytes, the lowest bit first.
#[derive(Default)]
struct Bits(Vec<bool>);

impl Bits {
    /// A number, its lowest bit first.
    fn number(&mut self, value: u32, width: usize) -> &mut Self {
        self.0.extend((0..width).map(|i| value >> i & 1 == 1));
        self
    }

    /// A Huffman code, its highest bit first.
    fn code(&mut self, value: u32, width: usize) -> &mut Self {
        self.0.extend((0..width).rev().map(|i| value >> i & 1 == 1));
        self
    }

    fn bytes(&self) -> Vec<u8> {
        self.0.chunks(8).map(|c| c.iter().enumerate().fold(0, |byte, (i, bit)| byte | u8::from(*bit) << i)).collect()
    }
}

/// A gzip stream of zeros without end: its beginning, and what repeats (258 zeros in each 13 bits; RFC 1951, 3.2.6).
fn gzip_bomb() -> (Vec<u8>, Vec<u8>) {
    let mut bits = Bits::default();
    bits.number(1, 1).number(1, 2).code(0b0011_0000, 8);
    for _ in 0..8 * 1001 {
        bits.code(0b1100_0101, 8).code(0, 5);
    }
    let deflate = bits.bytes();
    let start = [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3], &deflate[..2]].concat();
    (start, deflate[2..2 + 13 * 1000].to_vec())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bombs_end_at_the_cap_and_the_server_is_told() {
    let before = peak();
    let body = Server::start(vec![Step::Read, head("\r\n"), Step::Flood(vec![b' '; 65_536])]).await;
    assert_too_large(&check(&body.url()).await);
    body.noticed().await;
    assert!(body.sent() < FLOOD / 16, "{} bytes were taken", body.sent());

    let sized = head(&format!("content-length: {FLOOD}\r\n\r\n"));
    let body = Server::start(vec![Step::Read, sized, Step::Flood(vec![b'a'; 65_536])]).await;
    assert_too_large(&check(&body.url()).await);
    body.noticed().await;

    let (start, period) = gzip_bomb();
    let gzip =
        Server::start(vec![Step::Read, head("content-encoding: gzip\r\n\r\n"), Step::Send(start), Step::Flood(period)])
            .await;
    assert_too_large(&check(&gzip.url()).await);
    gzip.noticed().await;

    let grown = peak() - before;
    assert!(grown < 64 * 1024, "the bombs took {grown} KiB");
}

#[tokio::test]
async fn a_drip_ends_with_the_limit() {
    let limit = Duration::from_millis(700);
    for start in ["\r\n", "", "x-"] {
        let server = Server::start(vec![Step::Read, head(start), Step::Drip(b"a".to_vec())]).await;
        let outcome = check_within(&server.url(), limit).await;
        assert_eq!(outcome.cause, Cause::Timeout, "{start:?}: {outcome:?}");
        assert!(outcome.evidence.seen.contains("700ms"), "{outcome:?}");
        server.noticed().await;
    }
}

#[tokio::test]
async fn silence_ends_with_the_limit() {
    let limit = Duration::from_millis(500);
    let silent = Server::start(vec![Step::Wait]).await;
    let half = Server::start(vec![Step::Read, Step::Send(HEAD[..30].to_vec()), Step::Wait]).await;
    let no_body = Server::start(vec![Step::Read, head("content-length: 5\r\n\r\n{"), Step::Wait]).await;
    for server in [silent, half, no_body] {
        assert_eq!(check_within(&server.url(), limit).await.cause, Cause::Timeout);
        server.noticed().await;
    }
}

#[tokio::test]
async fn header_bombs_are_refused() {
    let one_long = Server::start(vec![Step::Read, head("x-long: "), Step::Flood(vec![b'a'; 65_536])]).await;
    let many = Server::start(vec![Step::Read, head(""), Step::Flood(b"x-header: small value\r\n".repeat(1000))]).await;
    for server in [one_long, many] {
        let outcome = check(&server.url()).await;
        assert_eq!(outcome.status(), Status::Error, "{outcome:?}");
        assert_eq!(outcome.cause, Cause::Protocol, "{outcome:?}");
        assert_harmless(&outcome);
        server.noticed().await;
        assert!(server.sent() < 32 << 20, "{} bytes were taken", server.sent());
    }
    let hundred_and_one: String = (0..101).map(|i| format!("x-{i}: 1\r\n")).collect();
    let server = Server::answering(answer("200 OK", &hundred_and_one, br#"{"ok":true}"#)).await;
    assert_eq!(check(&server.url()).await.cause, Cause::Protocol);
}

#[tokio::test]
async fn a_flood_of_interim_answers_ends_with_the_limit() {
    for interim in ["HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"] {
        let flood = Step::Flood(interim.as_bytes().repeat(500));
        let server = Server::start(vec![Step::Read, flood]).await;
        let outcome = check_within(&server.url(), Duration::from_secs(1)).await;
        assert_eq!(outcome.status(), Status::Error, "{outcome:?}");
        server.noticed().await;
    }
}

const EVIL: &str =
    "\x1b]52;c;ZXZpbA==\x07\x1b]0;title\x07\x1b[2J\x1b[10;10H\x1b[31m\u{9b}1m\u{202e}gpj.exe\u{2066}\r\x08\x7f";

#[tokio::test]
async fn escape_sequences_never_reach_a_person() {
    let json = |key: &str| {
        let value = serde_json::json!({ key: EVIL, "name": EVIL, "degraded": EVIL, "ok": true });
        value.to_string().into_bytes()
    };
    // Header values may hold neither line breaks nor DEL for our client: what may pass is enough.
    let line = "\u{9b}31m\u{202e}evil\u{2066}";
    let note = format!("x-message: {line}\r\nx-limit: {line}\r\nretry-after: {line}\r\ndate: {line}\r\n");
    let page = format!("<html><title>{EVIL}</title></html>");
    let raw = [b"\xff\xfe\x80 ".as_slice(), EVIL.as_bytes(), b"\xc3"].concat();
    for status in ["200 OK", "401 No", "403 No", "404 No", "409 Odd", "418 Odd", "429 Slow", "500 Broken", "503 Away"] {
        for body in [&json("message"), &json("error"), page.as_bytes(), &raw, EVIL.as_bytes(), b""] {
            let server = Server::answering(answer(status, &note, body)).await;
            let outcome = check(&server.url()).await;
            assert!(outcome.code.is_some(), "{outcome:?}");
            assert_harmless(&outcome);
        }
    }
    for header in [format!("x-message: {EVIL}"), format!("{EVIL}: x"), format!("location: https://{EVIL}/")] {
        let head = format!("HTTP/1.1 302 Found\r\n{header}\r\ncontent-length: 0\r\n\r\n");
        let outcome = check(&Server::answering(head).await.url()).await;
        assert_ne!(outcome.status(), Status::Active);
        assert_harmless(&outcome);
    }
    let reason = [b"HTTP/1.1 500 ".as_slice(), EVIL.as_bytes(), b"\xff\r\ncontent-length: 0\r\n\r\n"].concat();
    let outcome = check(&Server::answering(reason).await.url()).await;
    assert_eq!(outcome.status(), Status::Error);
    assert_harmless(&outcome);
}

#[tokio::test]
async fn a_redirect_never_takes_the_credential_along() {
    for status in ["301 Moved", "302 Found", "303 Other", "307 Temporary", "308 Permanent"] {
        let second = Server::answering(answer("200 OK", "", br#"{"ok":true}"#)).await;
        let there = format!("location: {}/me?t={TOKEN}\r\n", second.url());
        let first = Server::answering(answer(status, &there, br#"{"ok":true}"#)).await;
        let outcome = check(&first.url()).await;
        assert_eq!(outcome.cause, Cause::UnexpectedResponse, "{outcome:?}");
        assert!(outcome.evidence.seen.contains("127.0.0.1"), "{outcome:?}");
        assert!(!raw::texts(&outcome).concat().contains(TOKEN));
        assert!(first.heads()[0].contains(TOKEN), "the first server was asked with the credential");
        assert_eq!(second.heads(), Vec::<String>::new(), "{status}");
    }
}
