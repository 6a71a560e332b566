//! An SMTP server's reply, read with `smtp-proto` from the wire's bounded lines, and what a refusal means.

use crate::{
    checks::{
        stream::failed,
        wire::{Wire, closed},
    },
    model::{Cause, Outcome, text::sanitize},
};
use smtp_proto::{EhloResponse, Error, Response, response::parser::ResponseReceiver};

/// Longest line read, in bytes (RFC 5321 asks for 512).
const LONGEST_LINE: usize = 2048;
/// Most lines of one reply.
const MOST_LINES: usize = 64;

/// One reply.
#[derive(Debug)]
pub struct Reply {
    said: Response<String>,
    lines: String,
}

impl Reply {
    /// One reply, of one line or several.
    pub async fn read(wire: &mut Wire, step: &str) -> Result<Reply, Box<Outcome>> {
        let (mut receiver, mut lines, mut last) = (ResponseReceiver::default(), String::new(), String::new());
        for _ in 0..MOST_LINES {
            let Some(line) = wire.line(step, LONGEST_LINE).await? else {
                return Err(cut_off(step, &last));
            };
            last = format!("{line}\n");
            lines.push_str(&last);
            match receiver.parse(&mut last.as_bytes().iter()) {
                Ok(said) if (200..600).contains(&said.code) => return Ok(Reply { said, lines }),
                Err(Error::NeedsMoreData { .. }) => {}
                Err(Error::ResponseTooLong) => break,
                _ => return Err(failed(Cause::Protocol, format!("{step} is not answered in SMTP"), &line)),
            }
        }
        Err(failed(Cause::Protocol, format!("{step}: a reply without end"), &last))
    }

    /// The three digits.
    pub fn code(&self) -> u16 {
        self.said.code
    }

    /// Its text in one line, behind its enhanced status code.
    pub fn text(&self) -> String {
        text(&self.said)
    }

    /// What it offers, as an answer to EHLO.
    pub fn offer(&self, step: &str) -> Result<EhloResponse<String>, Box<Outcome>> {
        EhloResponse::parse(&mut self.lines.as_bytes().iter()).map_err(|_| self.refused(step))
    }

    /// The verdict of a reply that is not the one hoped for.
    pub fn refused(&self, step: &str) -> Box<Outcome> {
        refused(step, &self.said)
    }
}

/// The verdict of a connection that ended within a reply: what was said counts.
fn cut_off(step: &str, last: &str) -> Box<Outcome> {
    let ended = last.replacen('-', " ", 1);
    match ResponseReceiver::default().parse(&mut ended.as_bytes().iter()) {
        Ok(said) => refused(step, &said),
        Err(_) => closed(step),
    }
}

fn text(said: &Response<String>) -> String {
    let lines = said.message.lines().map(str::trim).filter(|l| !l.is_empty()).collect::<Vec<_>>().join(" ");
    match said.esc {
        [0, ..] => lines,
        [class, subject, detail] => format!("{class}.{subject}.{detail} {lines}"),
    }
}

fn refused(step: &str, said: &Response<String>) -> Box<Outcome> {
    let text = text(said);
    let mut outcome = failed(meaning(step == "AUTH", said), format!("{step} was refused"), &text);
    outcome.evidence.seen = sanitize(&format!("{} {text}", said.code), 200);
    outcome.code = Some(said.code);
    outcome
}

fn meaning(signing_in: bool, said: &Response<String>) -> Cause {
    let text = said.message.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|w| text.contains(w));
    let crowded = has(&["too many", "rate limit", "too fast", "too frequent", "throttl", "try again later"]);
    match (said.code, said.esc) {
        (400..=499 | 535, _) if crowded => Cause::Throttled,
        (421, [4, 7, _]) => Cause::Throttled,
        (432 | 525, _) => Cause::AccountProblem,
        (538, _) | (530 | 534 | 535, [5, 7, 10 | 11]) => Cause::Misconfigured,
        (530 | 534 | 535, _) if has(&["starttls", "encryption required", "requires tls"]) => Cause::Misconfigured,
        // RFC 5248's disabled account, and the large providers' words for a sign-in that is switched off.
        (534 | 535, [5, 7, 13 | 14 | 139]) => Cause::AccountProblem,
        (534 | 535, _) if has(&["disabled", "suspended", "blocked", "locked"]) => Cause::AccountProblem,
        (535, _) if has(&["expired"]) => Cause::ExpiredCredential,
        (534 | 535, _) => Cause::InvalidCredential,
        (530, _) => Cause::MissingCredential,
        (500..=504, _) => Cause::Misconfigured,
        (400..=499, _) => Cause::ServerError,
        (500..=599, _) if signing_in => Cause::InvalidCredential,
        _ => Cause::UnexpectedResponse,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(lines: &str) -> Response<String> {
        ResponseReceiver::default().parse(&mut lines.as_bytes().iter()).unwrap()
    }

    #[test]
    fn refusals_are_told_apart() {
        for (code, text, cause) in [
            (535, "5.7.8 Username and password not accepted", Cause::InvalidCredential),
            (535, "5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled", Cause::AccountProblem),
            (534, "5.7.9 Application-specific password required", Cause::InvalidCredential),
            (530, "5.7.0 Must issue a STARTTLS command first", Cause::Misconfigured),
            (538, "5.7.11 Encryption required", Cause::Misconfigured),
            (454, "4.7.0 Temporary authentication failure", Cause::ServerError),
            (454, "4.7.0 Too many login attempts, please try again later.", Cause::Throttled),
            (421, "4.7.0 Connection rate exceeded", Cause::Throttled),
            (421, "4.3.2 Service shutting down", Cause::ServerError),
            (504, "5.5.4 Mechanism not supported", Cause::Misconfigured),
            (525, "5.7.13 User account disabled", Cause::AccountProblem),
        ] {
            assert_eq!(meaning(true, &said(&format!("{code} {text}\n"))), cause, "{code} {text}");
        }
        assert_eq!(meaning(false, &said("554 No SMTP service here\n")), Cause::UnexpectedResponse);
    }
}
