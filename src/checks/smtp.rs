//! Probe kind `smtp`: EHLO, STARTTLS or TLS at once, AUTH, QUIT; never a mail.

mod reply;

use super::{
    Input,
    stream::{failed, target},
    wire::{Wire, bounded},
};
use crate::model::{Cause, Fact, Outcome, Secret, text::sanitize};
use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use reply::Reply;
use smtp_proto::{
    AUTH_LOGIN, AUTH_PLAIN, EXT_AUTH, EXT_SIZE, EXT_START_TLS, EhloResponse, response::generate::BitToString,
};
use std::{net::SocketAddr, time::Instant};
use zeroize::Zeroizing;

/// How the connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encryption {
    None,
    StartTls,
    AtOnce,
}

/// Whether TLS starts with the first byte, for these values of the fields `tls` and `port`.
pub fn tls_at_once(tls: Option<&str>, port: Option<&str>) -> bool {
    matches!((tls.unwrap_or("auto"), port), ("tls", _) | ("auto", Some("465")))
}

/// What the server offers.
type Offer = EhloResponse<String>;

/// One attempt.
pub async fn probe(input: &Input<'_>) -> Outcome {
    bounded(input, attempt(input)).await
}

async fn attempt(input: &Input<'_>) -> Result<Outcome, Box<Outcome>> {
    let (host, port) = target(input, "587")?;
    let encryption = encryption(input)?;
    let credential = input.account()?;
    let mut wire = Wire::open(input, host, port).await?;
    if encryption == Encryption::AtOnce {
        wire = wire.secure(host, input.tls.clone()).await?;
    }
    let asked = Instant::now();
    let greeting = Reply::read(&mut wire, "the greeting").await?;
    if greeting.code() != 220 {
        return Err(greeting.refused("the greeting"));
    }
    let mut offer = hello(&mut wire).await?;
    if encryption == Encryption::StartTls {
        if offer.capabilities & EXT_START_TLS == 0 {
            let seen = format!("'{}' does not offer STARTTLS", offer.hostname);
            return Err(failed(Cause::Tls, "STARTTLS is not offered", &seen));
        }
        let ready = ask(&mut wire, "STARTTLS", "STARTTLS").await?;
        if ready.code() != 220 {
            return Err(failed(Cause::Tls, format!("STARTTLS was refused ({})", ready.code()), &ready.text()));
        }
        wire = wire.secure(host, input.tls.clone()).await?;
        // What was said before TLS may have been anybody's words (RFC 3207).
        offer = hello(&mut wire).await?;
    }
    let mut outcome = match credential {
        Some((user, password)) => sign_in(&mut wire, &offer, user, password).await?,
        None => Outcome::of(Cause::Ok, Timestamp::now(), "EHLO answered with 250; no user to sign in", &offer.hostname),
    };
    wire.measure(&mut outcome, asked);
    facts(&mut outcome, &greeting, &offer, &wire);
    wire.farewell(b"QUIT\r\n").await;
    Ok(outcome)
}

fn encryption(input: &Input<'_>) -> Result<Encryption, Box<Outcome>> {
    Ok(match input.field("tls").unwrap_or("auto") {
        tls if tls_at_once(Some(tls), input.field("port")) => Encryption::AtOnce,
        "auto" | "starttls" => Encryption::StartTls,
        "none" => Encryption::None,
        other => {
            let seen = format!("'{other}' is none of auto, starttls, tls, none");
            return Err(failed(Cause::Misconfigured, "field 'tls'", &seen));
        }
    })
}

async fn ask(wire: &mut Wire, step: &str, command: &str) -> Result<Reply, Box<Outcome>> {
    let line = Zeroizing::new(format!("{command}\r\n"));
    wire.send(step, line.as_bytes()).await?;
    Reply::read(wire, step).await
}

async fn hello(wire: &mut Wire) -> Result<Offer, Box<Outcome>> {
    let name = match wire.local {
        Some(SocketAddr::V6(v6)) if v6.ip().to_ipv4_mapped().is_none() => format!("[IPv6:{}]", v6.ip()),
        Some(address) => format!("[{}]", address.ip().to_canonical()),
        None => "localhost".to_owned(),
    };
    let mut reply = ask(wire, "EHLO", &format!("EHLO {name}")).await?;
    if matches!(reply.code(), 500..=504) {
        reply = ask(wire, "HELO", &format!("HELO {name}")).await?;
    }
    reply.offer("EHLO")
}

/// The names of the sign-ins it offers, as far as they are known.
fn mechanisms(offer: &Offer) -> String {
    let bits = (0..u64::BITS).rev().map(|at| 1_u64 << at).filter(|bit| offer.auth_mechanisms & bit != 0);
    bits.map(|bit| bit.to_mechanism()).collect::<Vec<_>>().join(" ")
}

fn plain(user: &str, password: &Secret) -> Zeroizing<String> {
    let both = Zeroizing::new(format!("\0{user}\0{}", password.expose()));
    Zeroizing::new(BASE64_STANDARD.encode(both.as_bytes()))
}

async fn sign_in(wire: &mut Wire, offer: &Offer, user: &str, password: &Secret) -> Result<Outcome, Box<Outcome>> {
    let reply = if offer.auth_mechanisms & AUTH_PLAIN != 0 {
        let word = plain(user, password);
        ask(wire, "AUTH PLAIN", &Zeroizing::new(format!("AUTH PLAIN {}", *word))).await?
    } else if offer.auth_mechanisms & AUTH_LOGIN != 0 {
        let mut reply = ask(wire, "AUTH LOGIN", "AUTH LOGIN").await?;
        for word in [user, password.expose()] {
            if reply.code() != 334 {
                break;
            }
            reply = ask(wire, "AUTH LOGIN", &Zeroizing::new(BASE64_STANDARD.encode(word))).await?;
        }
        reply
    } else if offer.capabilities & EXT_AUTH == 0 {
        let seen = format!("'{}' offers no AUTH on this connection", offer.hostname);
        return Err(failed(Cause::Misconfigured, "no sign-in is offered here", &seen));
    } else {
        let names = mechanisms(offer);
        let seen = if names.is_empty() { "nothing offered is known here".into() } else { format!("offered: {names}") };
        return Err(failed(Cause::Misconfigured, "neither AUTH PLAIN nor AUTH LOGIN is offered", &seen));
    };
    if reply.code() != 235 {
        return Err(reply.refused("AUTH"));
    }
    let mut outcome = Outcome::of(Cause::Ok, Timestamp::now(), "AUTH answered with 235", &reply.text());
    outcome.code = Some(reply.code());
    outcome.identity = Some(sanitize(user, 100));
    Ok(outcome)
}

fn facts(outcome: &mut Outcome, greeting: &Reply, offer: &Offer, wire: &Wire) {
    let mut add = |label: &str, value: String| {
        if !value.is_empty() {
            outcome.facts.push(Fact { label: label.into(), value: sanitize(&value, 100) });
        }
    };
    add("Server", offer.hostname.clone());
    add("Greeting", greeting.text());
    add("Encryption", wire.tls.clone().unwrap_or_else(|| "none".into()));
    add("Sign-in", mechanisms(offer));
    match offer.size {
        _ if offer.capabilities & EXT_SIZE == 0 => {}
        0 => add("Largest mail", "no limit told".into()),
        bytes => add("Largest mail", format!("{:.1} MB", bytes as f64 / 1e6)),
    }
}
