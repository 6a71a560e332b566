//! Probe kind `smtp`: EHLO, STARTTLS or TLS at once, AUTH, QUIT; never a mail.

mod reply;

use super::{
    Input,
    stream::{failed, target},
    wire::{Wire, bounded, closed},
};
use crate::model::{Cause, Fact, Outcome, Secret, text::sanitize};
use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use reply::{Reply, refused};
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
#[derive(Debug, Default)]
struct Offer {
    name: String,
    mechanisms: Vec<String>,
    size: Option<String>,
    starttls: bool,
}

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
    let greeting = read(&mut wire, "the greeting").await?;
    if greeting.code != 220 {
        return Err(refused("the greeting", &greeting));
    }
    let mut offer = hello(&mut wire).await?;
    if encryption == Encryption::StartTls {
        if !offer.starttls {
            let seen = format!("'{}' does not offer STARTTLS", offer.name);
            return Err(failed(Cause::Tls, "STARTTLS is not offered", &seen));
        }
        let ready = ask(&mut wire, "STARTTLS", "STARTTLS").await?;
        if ready.code != 220 {
            return Err(failed(Cause::Tls, format!("STARTTLS was refused ({})", ready.code), &ready.text()));
        }
        wire = wire.secure(host, input.tls.clone()).await?;
        // What was said before TLS may have been anybody's words (RFC 3207).
        offer = hello(&mut wire).await?;
    }
    let mut outcome = match credential {
        Some((user, password)) => sign_in(&mut wire, &offer, user, password).await?,
        None => Outcome::of(Cause::Ok, Timestamp::now(), "EHLO answered with 250; no user to sign in", &offer.name),
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
    read(wire, step).await
}

/// One reply, of one line or several.
async fn read(wire: &mut Wire, step: &str) -> Result<Reply, Box<Outcome>> {
    let mut reply = Reply::default();
    while let Some(line) = wire.line(step, reply::LONGEST_LINE).await? {
        if reply.add(step, &line)? {
            return Ok(reply);
        }
    }
    Err(if reply.lines.is_empty() { closed(step) } else { refused(step, &reply) })
}

async fn hello(wire: &mut Wire) -> Result<Offer, Box<Outcome>> {
    let name = match wire.local {
        Some(SocketAddr::V6(v6)) if v6.ip().to_ipv4_mapped().is_none() => format!("[IPv6:{}]", v6.ip()),
        Some(address) => format!("[{}]", address.ip().to_canonical()),
        None => "localhost".to_owned(),
    };
    let mut reply = ask(wire, "EHLO", &format!("EHLO {name}")).await?;
    if matches!(reply.code, 500..=504) {
        reply = ask(wire, "HELO", &format!("HELO {name}")).await?;
    }
    if reply.code != 250 {
        return Err(refused("EHLO", &reply));
    }
    let mut offer = Offer::default();
    let mut lines = reply.lines.iter();
    offer.name = lines.next().and_then(|l| l.split_whitespace().next()).unwrap_or_default().to_owned();
    for line in lines {
        let mut words = line.split([' ', '=']).filter(|w| !w.is_empty());
        match words.next().unwrap_or_default().to_ascii_uppercase().as_str() {
            "STARTTLS" => offer.starttls = true,
            "SIZE" => offer.size = words.next().map(str::to_owned),
            "AUTH" => {
                for word in words.map(str::to_ascii_uppercase) {
                    if !offer.mechanisms.contains(&word) {
                        offer.mechanisms.push(word);
                    }
                }
            }
            _ => {}
        }
    }
    Ok(offer)
}

fn plain(user: &str, password: &Secret) -> Zeroizing<String> {
    let both = Zeroizing::new(format!("\0{user}\0{}", password.expose()));
    Zeroizing::new(BASE64_STANDARD.encode(both.as_bytes()))
}

async fn sign_in(wire: &mut Wire, offer: &Offer, user: &str, password: &Secret) -> Result<Outcome, Box<Outcome>> {
    let has = |name: &str| offer.mechanisms.iter().any(|m| m == name);
    let reply = if has("PLAIN") {
        let word = plain(user, password);
        ask(wire, "AUTH PLAIN", &Zeroizing::new(format!("AUTH PLAIN {}", *word))).await?
    } else if has("LOGIN") {
        let mut reply = ask(wire, "AUTH LOGIN", "AUTH LOGIN").await?;
        for word in [user, password.expose()] {
            if reply.code != 334 {
                break;
            }
            reply = ask(wire, "AUTH LOGIN", &Zeroizing::new(BASE64_STANDARD.encode(word))).await?;
        }
        reply
    } else if offer.mechanisms.is_empty() {
        let seen = format!("'{}' offers no AUTH on this connection", offer.name);
        return Err(failed(Cause::Misconfigured, "no sign-in is offered here", &seen));
    } else {
        let seen = format!("offered: {}", offer.mechanisms.join(" "));
        return Err(failed(Cause::Misconfigured, "neither AUTH PLAIN nor AUTH LOGIN is offered", &seen));
    };
    if reply.code != 235 {
        return Err(refused("AUTH", &reply));
    }
    let mut outcome = Outcome::of(Cause::Ok, Timestamp::now(), "AUTH answered with 235", &reply.text());
    outcome.code = Some(reply.code);
    outcome.identity = Some(sanitize(user, 100));
    Ok(outcome)
}

fn facts(outcome: &mut Outcome, greeting: &Reply, offer: &Offer, wire: &Wire) {
    let mut add = |label: &str, value: String| {
        if !value.is_empty() {
            outcome.facts.push(Fact { label: label.into(), value: sanitize(&value, 100) });
        }
    };
    add("Server", offer.name.clone());
    add("Greeting", greeting.text());
    add("Encryption", wire.tls.clone().unwrap_or_else(|| "none".into()));
    add("Sign-in", offer.mechanisms.join(" "));
    if let Some(bytes) = offer.size.as_deref().and_then(|s| s.parse::<u64>().ok()) {
        add("Largest mail", if bytes == 0 { "no limit told".into() } else { format!("{:.1} MB", bytes as f64 / 1e6) });
    }
}
