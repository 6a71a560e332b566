//! Probe kind `smtp`: greeting, EHLO, STARTTLS or TLS, AUTH, QUIT. Never a mail.

use super::{
    Input,
    stream::{failed, target},
    talk::{Talk, refuse_clear},
};
use crate::model::{Cause, Fact, Outcome};
use base64::{Engine, prelude::BASE64_STANDARD};
use zeroize::Zeroizing;

/// Most lines of one answer.
const MOST: usize = 100;

/// One attempt.
pub async fn probe(input: &Input<'_>) -> Outcome {
    attempt(input).await.unwrap_or_else(|failure| *failure)
}

/// A whole answer: its code and its lines.
struct Answer {
    code: u16,
    lines: Vec<String>,
}

async fn answer(talk: &mut Talk) -> Result<Answer, Box<Outcome>> {
    let mut lines = Vec::new();
    while lines.len() < MOST {
        let line = talk.line().await?;
        let Some(code) = line.get(..3).and_then(|c| c.parse().ok()) else {
            return Err(failed(Cause::Protocol, "the answer is not SMTP", &line));
        };
        let last = line.as_bytes().get(3) != Some(&b'-');
        lines.push(line.get(4..).unwrap_or_default().to_owned());
        if last {
            return Ok(Answer { code, lines });
        }
    }
    Err(failed(Cause::Protocol, "an answer without end", ""))
}

async fn ask(talk: &mut Talk, command: &str) -> Result<Answer, Box<Outcome>> {
    talk.say(format!("{command}\r\n").as_bytes()).await?;
    answer(talk).await
}

/// The verdict of an answer that is not the one hoped for.
fn refused(what: &str, answer: &Answer) -> Box<Outcome> {
    let text = answer.lines.join(" ");
    let cause = match answer.code {
        421 if text.contains("4.7.") => Cause::Throttled,
        450..=452 => Cause::Throttled,
        530 => Cause::MissingCredential,
        534 => Cause::AccountProblem,
        535 | 538 => Cause::InvalidCredential,
        454 if what == "AUTH" => Cause::ServerError,
        400..=499 => Cause::ServerError,
        _ => Cause::UnexpectedResponse,
    };
    let mut outcome = failed(cause, format!("{what}: code {}", answer.code), &text);
    outcome.code = Some(answer.code);
    outcome
}

async fn attempt(input: &Input<'_>) -> Result<Outcome, Box<Outcome>> {
    let mode = input.field("tls").unwrap_or("starttls");
    let (host, port) = target(input, if mode == "implicit" { "465" } else { "587" })?;
    let credential = input.field("username").zip(input.secrets.get("password"));
    if mode == "no" && credential.is_some() {
        refuse_clear(host)?;
    }
    let mut talk = Talk::open(input, host, port).await?;
    if mode == "implicit" {
        talk = talk.encrypt(input, host).await?;
    }
    let greeting = answer(&mut talk).await?;
    if greeting.code != 220 {
        return Err(refused("greeting", &greeting));
    }
    let mut hello = ask(&mut talk, "EHLO lampboard.invalid").await?;
    if mode == "starttls" {
        let go = ask(&mut talk, "STARTTLS").await?;
        if go.code != 220 {
            let why = "this server offers no STARTTLS: choose 'implicit' (port 465) or another port";
            return Err(failed(Cause::Misconfigured, format!("STARTTLS: code {}", go.code), why));
        }
        talk = talk.encrypt(input, host).await?;
        hello = ask(&mut talk, "EHLO lampboard.invalid").await?;
    }
    if hello.code != 250 {
        return Err(refused("EHLO", &hello));
    }
    let offered = |word: &str| hello.lines.iter().find_map(|l| l.strip_prefix(word).map(str::trim));
    let mechanisms = offered("AUTH").unwrap_or_default().to_owned();
    if let Some((user, password)) = credential {
        sign_in(&mut talk, &mechanisms, user, password.expose()).await?;
    }
    let mut outcome = talk.good(
        if credential.is_some() { "signed in" } else { "EHLO answered" },
        greeting.lines.first().map_or("", String::as_str),
    );
    outcome.identity = credential.map(|(user, _)| user.to_owned());
    let size = offered("SIZE").filter(|s| !s.is_empty()).map(ToOwned::to_owned);
    let facts = [("Largest mail (bytes)", size), ("Sign-in", Some(mechanisms).filter(|m| !m.is_empty()))];
    outcome.facts =
        facts.into_iter().filter_map(|(label, value)| Some(Fact { label: label.to_owned(), value: value? })).collect();
    // It has said all that was asked; whether the farewell arrives changes nothing.
    let _ = talk.say(b"QUIT\r\n").await;
    Ok(outcome)
}

async fn sign_in(talk: &mut Talk, mechanisms: &str, user: &str, password: &str) -> Result<(), Box<Outcome>> {
    let known = |word: &str| mechanisms.split_whitespace().any(|m| m.eq_ignore_ascii_case(word));
    let answer = if known("PLAIN") {
        let pair = Zeroizing::new(format!("\0{user}\0{password}"));
        let line = Zeroizing::new(format!("AUTH PLAIN {}", BASE64_STANDARD.encode(pair.as_bytes())));
        ask(talk, &line).await?
    } else if known("LOGIN") {
        let go = ask(talk, "AUTH LOGIN").await?;
        if go.code != 334 {
            return Err(refused("AUTH", &go));
        }
        let go = ask(talk, &BASE64_STANDARD.encode(user)).await?;
        if go.code != 334 {
            return Err(refused("AUTH", &go));
        }
        ask(talk, &Zeroizing::new(BASE64_STANDARD.encode(password))).await?
    } else {
        let why = format!("the server offers neither PLAIN nor LOGIN here, but '{mechanisms}'");
        return Err(failed(Cause::Misconfigured, "AUTH is not offered", &why));
    };
    if answer.code == 235 { Ok(()) } else { Err(refused("AUTH", &answer)) }
}
