//! Probe kind `mongodb`: hello, SCRAM-SHA-256, and a question that only a signed-in user gets answered. The documents are
//! MongoDB's own crate's; its client is not used (ARCHITECTURE.md tells why).

mod answer;

use super::{
    Input,
    scram::{Hash, Scram},
    stream::{failed, target},
    wire::{Wire, bounded},
};
use crate::model::{Cause, Fact, Outcome, Provenance, Quota, text::sanitize};
use answer::{number, sound};
use base64::{Engine, prelude::BASE64_STANDARD};
use bson::{Binary, RawDocument, RawDocumentBuf, raw::cstr, rawdoc, spec::BinarySubtype};
use jiff::Timestamp;
use std::time::Instant;

/// Largest answer read, in bytes: the status of a busy server.
const LARGEST: usize = 1024 * 1024;
/// The only message of these years.
const OP_MSG: i32 = 2013;
/// Of the database this probe signs in over.
const MECHANISM: &str = "SCRAM-SHA-256";

/// One attempt.
pub async fn probe(input: &Input<'_>) -> Outcome {
    bounded(input, attempt(input)).await
}

async fn attempt(input: &Input<'_>) -> Result<Outcome, Box<Outcome>> {
    let tls = input.wants_tls()?;
    let (host, port) = target(input, "27017")?;
    let account = input.account()?.map(|(user, password)| (user, password.expose()));
    let mut wire = Wire::open(input, host, port).await?;
    if tls {
        wire = wire.secure(host, input.tls.clone()).await?;
    }
    let asked = Instant::now();
    let source = input.field("auth_source").unwrap_or("admin");
    let mut hello = rawdoc! { "hello": 1 };
    if let Some((user, _)) = account {
        hello.append(cstr!("saslSupportedMechs"), format!("{source}.{user}"));
    }
    let hello = ask(&mut wire, "hello", "admin", hello).await?;
    let hello = sound("hello", &hello)?;
    let mut outcome = match account {
        Some((user, password)) => {
            offered(hello)?;
            sign_in(&mut wire, source, user, password).await?;
            who(&mut wire).await?
        }
        None => open(&mut wire).await?,
    };
    wire.measure(&mut outcome, asked);
    facts(&mut wire, hello, &mut outcome).await?;
    outcome.facts.push(Fact { label: "Encryption".into(), value: wire.tls.clone().unwrap_or_else(|| "none".into()) });
    wire.farewell(b"").await;
    Ok(outcome)
}

/// Sends one command and gives the answer's document, good or bad.
async fn ask(
    wire: &mut Wire,
    step: &str,
    database: &str,
    mut command: RawDocumentBuf,
) -> Result<Vec<u8>, Box<Outcome>> {
    command.append(cstr!("$db"), database);
    let document = command.as_bytes();
    let mut message = Vec::with_capacity(document.len() + 21);
    for number in [document.len() as i32 + 21, 1, 0, OP_MSG, 0] {
        message.extend(number.to_le_bytes());
    }
    message.push(0);
    message.extend_from_slice(document);
    wire.send(step, &message).await?;
    let head = wire.exact(step, 16).await?;
    let number = |at: usize| i32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let wrong = |seen: &[u8]| {
        failed(Cause::Protocol, format!("{step} is not answered in MongoDB's way"), &String::from_utf8_lossy(seen))
    };
    let length = usize::try_from(number(0)).ok().filter(|l| (26..=LARGEST).contains(l)).ok_or_else(|| wrong(&head))?;
    if number(12) != OP_MSG || number(8) != 1 {
        return Err(wrong(&head));
    }
    let mut body = wire.exact(step, length - 16).await?;
    // No checksum was asked for, and answers come in one section.
    if body[0] & 1 != 0 || body[4] != 0 {
        return Err(wrong(&body[..5]));
    }
    Ok(body.split_off(5))
}

/// Refuses where the account has only methods that are not known here. A server lists none for accounts it does not know.
fn offered(hello: &RawDocument) -> Result<(), Box<Outcome>> {
    let Ok(list) = hello.get_array("saslSupportedMechs") else { return Ok(()) };
    let all: Vec<&str> = list.into_iter().filter_map(|value| value.ok()?.as_str()).collect();
    if all.is_empty() || all.contains(&MECHANISM) {
        return Ok(());
    }
    Err(failed(Cause::Misconfigured, format!("the account does not sign in by {MECHANISM}"), &all.join(" ")))
}

async fn sign_in(wire: &mut Wire, source: &str, user: &str, password: &str) -> Result<(), Box<Outcome>> {
    let step = "sign-in";
    let mut random = [0; 24];
    aws_lc_rs::rand::fill(&mut random).map_err(|_| failed(Cause::Internal, step, "no random bytes could be had"))?;
    let scram = Scram::new(Hash::Sha256, user, BASE64_STANDARD.encode(random));
    let foul = |why: &str| failed(Cause::Protocol, "the sign-in does not follow SCRAM", why);
    let first = scram.first();
    let start = rawdoc! {
        "saslStart": 1, "mechanism": MECHANISM, "payload": binary(first.as_bytes()), "options": { "skipEmptyExchange": true },
    };
    let answer = ask(wire, step, source, start).await?;
    let answer = sound(step, &answer)?;
    let talk = number(answer, "conversationId").unwrap_or(1.0) as i32;
    let payload = |document: &RawDocument| {
        let bytes = document.get_binary("payload").map(|p| p.bytes.to_vec());
        bytes.ok().and_then(|p| String::from_utf8(p).ok()).ok_or_else(|| foul("no payload"))
    };
    let (last, expected) = scram.last(&payload(answer)?, password).map_err(foul)?;
    let next = |bytes: &[u8]| rawdoc! { "saslContinue": 1, "conversationId": talk, "payload": binary(bytes) };
    let answer = ask(wire, step, source, next(last.as_bytes())).await?;
    let answer = sound(step, &answer)?;
    if !expected.fits(&payload(answer)?) {
        return Err(foul("the server does not know the password either"));
    }
    if number(answer, "done") != Some(1.0) {
        let answer = ask(wire, step, source, next(b"")).await?;
        if number(sound(step, &answer)?, "done") != Some(1.0) {
            return Err(foul("it does not end"));
        }
    }
    Ok(())
}

fn binary(bytes: &[u8]) -> Binary {
    Binary { subtype: BinarySubtype::Generic, bytes: bytes.to_vec() }
}

/// Who one is by the server's word.
async fn who(wire: &mut Wire) -> Result<Outcome, Box<Outcome>> {
    let step = "connectionStatus";
    let answer = ask(wire, step, "admin", rawdoc! { "connectionStatus": 1 }).await?;
    let users = sound(step, &answer)?.get_document("authInfo").and_then(|info| info.get_array("authenticatedUsers"));
    let first = users.ok().and_then(|users| users.get_document(0).ok());
    let named = first.and_then(|u| Some((u.get_str("user").ok()?, u.get_str("db").unwrap_or_default())));
    let Some((user, database)) = named else {
        return Err(failed(Cause::UnexpectedResponse, "connectionStatus names no user", "nobody is signed in"));
    };
    let mut outcome = Outcome::of(Cause::Ok, Timestamp::now(), "signed in, connectionStatus names the user", user);
    outcome.identity = Some(sanitize(&format!("{user}@{database}"), 100));
    Ok(outcome)
}

/// Without a user: whether the server lets anybody in.
async fn open(wire: &mut Wire) -> Result<Outcome, Box<Outcome>> {
    let step = "listDatabases";
    let answer = ask(wire, step, "admin", rawdoc! { "listDatabases": 1, "nameOnly": true }).await?;
    match sound(step, &answer) {
        Ok(_) => Ok(Outcome::of(Cause::Ok, Timestamp::now(), "listDatabases answered; no sign-in is asked for", "ok")),
        Err(mut refusal) if refusal.cause == Cause::MissingScope => {
            refusal.cause = Cause::MissingCredential;
            Err(refusal)
        }
        Err(refusal) => Err(refusal),
    }
}

/// What is told without, and with, the right to monitor. A refusal leaves facts out.
async fn facts(wire: &mut Wire, hello: &RawDocument, outcome: &mut Outcome) -> Result<(), Box<Outcome>> {
    let fact = |label: &str, value: &str| Fact { label: label.into(), value: sanitize(value, 100) };
    let build = ask(wire, "buildInfo", "admin", rawdoc! { "buildInfo": 1 }).await?;
    if let Some(version) = sound("buildInfo", &build).ok().and_then(|b| b.get_str("version").ok()) {
        outcome.facts.push(fact("Version", version));
    }
    let is = |name: &str| number(hello, name) == Some(1.0);
    let role = match () {
        () if is("isWritablePrimary") => "primary",
        () if is("secondary") => "secondary",
        () if is("arbiterOnly") => "arbiter",
        () => "not ready",
    };
    outcome.facts.push(fact("Role", role));
    if role == "not ready" {
        outcome.warnings.push(crate::model::Warning::Degraded { message: "neither primary nor secondary".into() });
    }
    if let Ok(set) = hello.get_str("setName") {
        outcome.facts.push(fact("Replica set", set));
    }
    let status = ask(wire, "serverStatus", "admin", rawdoc! { "serverStatus": 1 }).await?;
    let connections = sound("serverStatus", &status).ok().and_then(|s| s.get_document("connections").ok());
    if let Some((used, left)) = connections.and_then(|c| Some((number(c, "current")?, number(c, "available")?))) {
        outcome.facts.push(fact("Connections", &format!("{used:.0} of {:.0}", used + left)));
        outcome.quotas.push(Quota {
            name: "connections".into(),
            unit: "connections".into(),
            limit: Some(used + left),
            left: Some(left),
            resets: None,
            provenance: Provenance::Derived,
            at: outcome.at,
        });
    }
    Ok(())
}
