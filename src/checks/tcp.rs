//! Probe kind `tcp`: the port accepts, and answers what is expected when something is.

use super::{
    Input,
    stream::{dial, failed, target, timed_out},
};
use crate::model::{Cause, Outcome};
use jiff::Timestamp;
use std::time::Instant;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout_at,
};

/// Longest answer looked at, in bytes.
const LONGEST: usize = 64 * 1024;

/// One attempt.
pub async fn probe(input: &Input<'_>) -> Outcome {
    attempt(input).await.unwrap_or_else(|failure| *failure)
}

async fn attempt(input: &Input<'_>) -> Result<Outcome, Box<Outcome>> {
    let (host, port) = target(input, "")?;
    let mut dialed = dial(input, host, port).await?;
    let mut outcome = Outcome::of(Cause::Ok, Timestamp::now(), "connected", &dialed.address.to_string());
    outcome.phases = dialed.phases;
    let sent = Instant::now();
    if let Some(text) = input.field("send") {
        let bytes = unescape(text);
        match timeout_at(dialed.deadline, dialed.stream.write_all(&bytes)).await {
            Err(_) => return Err(timed_out("sending", input.timeout)),
            Ok(Err(error)) => return Err(failed(Cause::Connect, "sending failed", &error.to_string())),
            Ok(Ok(())) => {}
        }
    }
    if let Some(expected) = input.field("expect") {
        let seen = read_until(input, &mut dialed, expected).await?;
        outcome.phases.first_byte = Some(sent.elapsed());
        outcome.evidence.rule = format!("answer contains '{expected}'");
        outcome.evidence.seen = crate::model::text::sanitize(&seen, 200);
    }
    outcome.latency = Some(dialed.started.elapsed());
    outcome.at = Timestamp::now();
    Ok(outcome)
}

async fn read_until(
    input: &Input<'_>,
    dialed: &mut super::stream::Dialed,
    expected: &str,
) -> Result<String, Box<Outcome>> {
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&seen);
        if text.contains(expected) {
            return Ok(text.into_owned());
        }
        if seen.len() >= LONGEST {
            return Err(failed(Cause::UnexpectedResponse, format!("answer lacks '{expected}'"), &text));
        }
        match timeout_at(dialed.deadline, dialed.stream.read(&mut buffer)).await {
            Err(_) if seen.is_empty() => return Err(timed_out("waiting for the answer", input.timeout)),
            Err(_) | Ok(Ok(0)) => {
                return Err(failed(Cause::UnexpectedResponse, format!("answer lacks '{expected}'"), &text));
            }
            Ok(Err(error)) => return Err(failed(Cause::Connect, "reading failed", &error.to_string())),
            Ok(Ok(n)) => seen.extend_from_slice(&buffer[..n]),
        }
    }
}

/// `\r`, `\n`, `\t`, `\\` as a person writes them in a form.
fn unescape(text: &str) -> Vec<u8> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('r') => out.push('\r'),
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('\\') | None => out.push('\\'),
            Some(other) => out.extend(['\\', other]),
        }
    }
    out.into_bytes()
}

#[cfg(test)]
mod tests {
    #[test]
    fn escapes_are_read_as_written() {
        assert_eq!(super::unescape(r"PING\r\n\x\\"), b"PING\r\n\\x\\");
    }
}
