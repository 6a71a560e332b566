//! An SMTP server's reply: a code, its lines, and what a refusal means.

use crate::{
    checks::stream::failed,
    model::{Cause, Outcome},
};

/// Longest line read, in bytes (RFC 5321 asks for 512).
pub const LONGEST_LINE: usize = 2048;
/// Most lines of one reply.
const MOST_LINES: usize = 64;

/// One reply.
#[derive(Debug, Default)]
pub struct Reply {
    /// The three digits.
    pub code: u16,
    /// The text of each line.
    pub lines: Vec<String>,
}

impl Reply {
    /// Takes a line. `true`: it was the last one.
    pub fn add(&mut self, step: &str, line: &str) -> Result<bool, Box<Outcome>> {
        let wrong = || failed(Cause::Protocol, format!("{step} is not answered in SMTP"), line);
        let (digits, rest) = line.split_at_checked(3).ok_or_else(wrong)?;
        let code = digits.parse::<u16>().ok().filter(|c| (200..600).contains(c)).ok_or_else(wrong)?;
        let (last, text) = match rest.chars().next() {
            None => (true, ""),
            Some(' ') => (true, &rest[1..]),
            Some('-') => (false, &rest[1..]),
            Some(_) => return Err(wrong()),
        };
        if self.lines.len() >= MOST_LINES {
            return Err(failed(Cause::Protocol, format!("{step}: a reply without end"), line));
        }
        self.code = code;
        self.lines.push(text.trim().to_owned());
        Ok(last)
    }

    /// Its text in one line.
    pub fn text(&self) -> String {
        self.lines.join(" ")
    }
}

/// The verdict of a reply that is not the one hoped for.
pub fn refused(step: &str, reply: &Reply) -> Box<Outcome> {
    let text = reply.text();
    let mut outcome = failed(meaning(step == "AUTH", reply.code, &text), format!("{step} was refused"), &text);
    outcome.evidence.seen = crate::model::text::sanitize(&format!("{} {text}", reply.code), 200);
    outcome.code = Some(reply.code);
    outcome
}

fn meaning(signing_in: bool, code: u16, text: &str) -> Cause {
    let text = text.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|w| text.contains(w));
    let crowded = has(&["too many", "rate limit", "too fast", "too frequent", "throttl", "try again later"]);
    match code {
        400..=499 | 535 if crowded => Cause::Throttled,
        421 if text.starts_with("4.7.") => Cause::Throttled,
        432 => Cause::AccountProblem,
        525 => Cause::AccountProblem,
        530 | 534 | 535 | 538 if has(&["starttls", "encryption required", "requires tls", "5.7.10", "5.7.11"]) => {
            Cause::Misconfigured
        }
        538 => Cause::Misconfigured,
        // RFC 5248's disabled account, and the large providers' words for a sign-in that is switched off.
        534 | 535 if has(&["5.7.13 ", "5.7.139", "5.7.14 ", "disabled", "suspended", "blocked", "locked"]) => {
            Cause::AccountProblem
        }
        535 if has(&["expired"]) => Cause::ExpiredCredential,
        534 | 535 => Cause::InvalidCredential,
        530 => Cause::MissingCredential,
        500..=504 => Cause::Misconfigured,
        400..=499 => Cause::ServerError,
        500..=599 if signing_in => Cause::InvalidCredential,
        _ => Cause::UnexpectedResponse,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_read_line_by_line() {
        let mut reply = Reply::default();
        assert!(!reply.add("EHLO", "250-mail.example").unwrap());
        assert!(!reply.add("EHLO", "250-SIZE 100").unwrap());
        assert!(reply.add("EHLO", "250 HELP").unwrap());
        assert_eq!((reply.code, reply.lines.len()), (250, 3));
        for line in ["", "25", "SSH-2.0-x", "HTTP/1.1 400", "999 x", "250_x", "2é0"] {
            assert_eq!(Reply::default().add("the greeting", line).unwrap_err().cause, Cause::Protocol, "{line:?}");
        }
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
            assert_eq!(meaning(true, code, text), cause, "{code} {text}");
        }
        assert_eq!(meaning(false, 554, "No SMTP service here"), Cause::UnexpectedResponse);
    }
}
