//! Probe kind `kafka`: ApiVersions, a sign-in by SASL (PLAIN or SCRAM), and the cluster's metadata, which only those that
//! were let in are told. One broker is asked; nothing is read or written.

mod frame;

use super::{
    Input,
    scram::{Hash, Scram},
    stream::{failed, target},
    wire::{Wire, bounded},
};
use crate::model::{Cause, Fact, Outcome, text::sanitize};
use base64::{Engine, prelude::BASE64_STANDARD};
use frame::{LARGEST, Reader, request, text};
use jiff::Timestamp;
use std::time::Instant;
use zeroize::Zeroizing;

const METADATA: i16 = 3;
const SASL_HANDSHAKE: i16 = 17;
const API_VERSIONS: i16 = 18;
const SASL_AUTHENTICATE: i16 = 36;

/// Who signs in, and how.
struct Account<'a> {
    mechanism: &'a str,
    user: &'a str,
    password: &'a str,
}

/// A broker that is being asked.
struct Broker {
    wire: Wire,
    number: i32,
}

/// One attempt.
pub async fn probe(input: &Input<'_>) -> Outcome {
    bounded(input, attempt(input)).await
}

async fn attempt(input: &Input<'_>) -> Result<Outcome, Box<Outcome>> {
    let tls = input.wants_tls()?;
    let (host, port) = target(input, "9092")?;
    let account = account(input)?;
    let mut wire = Wire::open(input, host, port).await?;
    if tls {
        wire = wire.secure(host, input.tls.clone()).await?;
    }
    let asked = Instant::now();
    let mut broker = Broker { wire, number: 0 };
    let newest = broker.metadata_version().await?;
    if let Some(account) = &account {
        broker.sign_in(account).await?;
    }
    let mut outcome = broker.metadata(newest, account.is_some()).await?;
    broker.wire.measure(&mut outcome, asked);
    outcome.identity = account.as_ref().map(|account| sanitize(account.user, 100));
    let mut fact = |label: &str, value: &str| outcome.facts.push(Fact { label: label.into(), value: value.into() });
    fact("Sign-in", account.as_ref().map_or("none", |account| account.mechanism));
    fact("Encryption", broker.wire.tls.as_deref().unwrap_or("none"));
    broker.wire.farewell(b"").await;
    Ok(outcome)
}

fn account<'a>(input: &'a Input<'_>) -> Result<Option<Account<'a>>, Box<Outcome>> {
    let mechanism = input.field("mechanism").unwrap_or("SCRAM-SHA-512");
    Ok(input.account()?.map(|(user, password)| Account { mechanism, user, password: password.expose() }))
}

impl Broker {
    /// Sends one request and gives the answer's body.
    async fn ask(&mut self, step: &str, api: i16, version: i16, body: &[u8]) -> Result<Vec<u8>, Box<Outcome>> {
        self.number += 1;
        let frame = Zeroizing::new(request(api, version, self.number, "lampboard", body));
        self.wire.send(step, &frame).await?;
        let head = self.wire.exact(step, 8).await?;
        let mut reader = Reader(&head);
        let length = reader.i32().and_then(|l| usize::try_from(l).ok()).filter(|l| (4..=LARGEST).contains(l));
        match (length, reader.i32()) {
            (Some(length), Some(number)) if number == self.number => self.wire.exact(step, length - 4).await,
            _ => Err(foreign(step, &head)),
        }
    }

    /// The metadata's version to ask for: the first that names the cluster, or the one before.
    async fn metadata_version(&mut self) -> Result<i16, Box<Outcome>> {
        let step = "ApiVersions";
        let answer = self.ask(step, API_VERSIONS, 0, &[]).await?;
        let mut reader = Reader(&answer);
        let code = reader.i16().ok_or_else(|| foreign(step, &answer))?;
        if code != 0 {
            return Err(refused(step, code, ""));
        }
        let known = reader.list(|r| Some((r.i16()?, r.i16()?, r.i16()?))).ok_or_else(|| foreign(step, &answer))?;
        match known.iter().find(|(api, ..)| *api == METADATA) {
            Some((_, oldest, newest)) if *newest >= 1 && *oldest <= 2 => Ok((*newest).min(2)),
            _ => Err(failed(Cause::Misconfigured, "the broker knows no metadata of these versions", "1 and 2")),
        }
    }

    async fn sign_in(&mut self, account: &Account<'_>) -> Result<(), Box<Outcome>> {
        let step = "SaslHandshake";
        let answer = self.ask(step, SASL_HANDSHAKE, 1, &text(account.mechanism)).await?;
        let mut reader = Reader(&answer);
        let code = reader.i16().ok_or_else(|| foreign(step, &answer))?;
        if code != 0 {
            let offered = reader.list(Reader::text).unwrap_or_default().join(", ");
            return Err(refused(step, code, &format!("{} is not among: {offered}", account.mechanism)));
        }
        let hash = match account.mechanism {
            "PLAIN" => {
                let pair = Zeroizing::new(format!("\0{}\0{}", account.user, account.password));
                return self.prove(pair.as_bytes()).await.map(drop);
            }
            "SCRAM-SHA-256" => Hash::Sha256,
            "SCRAM-SHA-512" => Hash::Sha512,
            other => {
                let why = format!("'{other}' is none of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512");
                return Err(failed(Cause::Misconfigured, "field 'mechanism'", &why));
            }
        };
        let mut random = [0; 24];
        aws_lc_rs::rand::fill(&mut random)
            .map_err(|_| failed(Cause::Internal, "sign-in", "no random bytes could be had"))?;
        let scram = Scram::new(hash, account.user, BASE64_STANDARD.encode(random));
        let first = self.prove(scram.first().as_bytes()).await?;
        let foul = |why: &str| failed(Cause::Protocol, "the sign-in does not follow SCRAM", why);
        let (last, expected) = scram.last(&String::from_utf8_lossy(&first), account.password).map_err(foul)?;
        let end = self.prove(last.as_bytes()).await?;
        if expected.fits(&String::from_utf8_lossy(&end)) {
            Ok(())
        } else {
            Err(foul("the server does not know the password either"))
        }
    }

    /// One step of the sign-in; what the broker answers to it.
    async fn prove(&mut self, bytes: &[u8]) -> Result<Vec<u8>, Box<Outcome>> {
        let step = "SaslAuthenticate";
        let body = Zeroizing::new([&(bytes.len() as i32).to_be_bytes()[..], bytes].concat());
        let answer = self.ask(step, SASL_AUTHENTICATE, 0, &body).await?;
        let mut reader = Reader(&answer);
        let (code, words) = (reader.i16(), reader.text());
        match (code, words, reader.bytes()) {
            (Some(0), Some(_), Some(bytes)) => Ok(bytes.to_vec()),
            (Some(code), Some(words), _) if code != 0 => Err(refused(step, code, &words)),
            _ => Err(foreign(step, &answer)),
        }
    }

    /// The proof: which brokers there are. Of topics none is asked for.
    async fn metadata(&mut self, version: i16, signed_in: bool) -> Result<Outcome, Box<Outcome>> {
        let step = "Metadata";
        let answer = match self.ask(step, METADATA, version, &0_i32.to_be_bytes()).await {
            // A broker that wants a sign-in hangs up on who asks without one.
            Err(mut hung_up) if !signed_in && hung_up.cause == Cause::Connect => {
                hung_up.cause = Cause::MissingCredential;
                return Err(hung_up);
            }
            answer => answer?,
        };
        let mut reader = Reader(&answer);
        let broken = || foreign(step, &answer);
        let brokers = reader
            .list(|r| {
                let broker = (r.i32()?, r.text()?, r.i32()?);
                r.text()?;
                Some(broker)
            })
            .ok_or_else(broken)?;
        let cluster = if version >= 2 { reader.text().ok_or_else(broken)? } else { String::new() };
        let controller = reader.i32().ok_or_else(broken)?;
        if brokers.is_empty() {
            return Err(failed(Cause::UnexpectedResponse, "the metadata names no broker", "a cluster without brokers"));
        }
        let rule = if signed_in { "signed in, the metadata is told" } else { "the metadata is told to anybody" };
        let mut outcome = Outcome::of(Cause::Ok, Timestamp::now(), rule, &format!("{} brokers", brokers.len()));
        let mut fact = |label: &str, value: &str| {
            outcome.facts.push(Fact { label: label.into(), value: sanitize(value, 100) });
        };
        if !cluster.is_empty() {
            fact("Cluster", &cluster);
        }
        fact("Brokers", &brokers.len().to_string());
        if let Some((_, host, port)) = brokers.iter().find(|(id, ..)| *id == controller) {
            fact("Controller", &format!("{host}:{port}"));
        }
        Ok(outcome)
    }
}

fn foreign(step: &str, seen: &[u8]) -> Box<Outcome> {
    let bytes: Vec<String> = seen.iter().take(16).map(|b| format!("{b:02x}")).collect();
    failed(Cause::Protocol, format!("{step} is not answered in Kafka's way"), &bytes.join(" "))
}

/// The verdict of an error code of the protocol's.
fn refused(step: &str, code: i16, words: &str) -> Box<Outcome> {
    let (cause, name) = match code {
        58 => (Cause::InvalidCredential, "SASL_AUTHENTICATION_FAILED"),
        33 => (Cause::Misconfigured, "UNSUPPORTED_SASL_MECHANISM"),
        34 => (Cause::Misconfigured, "ILLEGAL_SASL_STATE: this listener wants no sign-in"),
        35 => (Cause::Misconfigured, "UNSUPPORTED_VERSION"),
        29..=31 => (Cause::MissingScope, "AUTHORIZATION_FAILED"),
        89 => (Cause::Throttled, "THROTTLING_QUOTA_EXCEEDED"),
        7 => (Cause::Timeout, "REQUEST_TIMED_OUT"),
        -1 | 5 | 6 | 8 | 13 => (Cause::ServerError, "the broker is not ready"),
        _ => (Cause::UnexpectedResponse, "an error of the protocol"),
    };
    let seen = if words.is_empty() { name } else { words };
    let mut outcome = failed(cause, format!("{step} was refused (error {code} {name})"), seen);
    outcome.code = u16::try_from(code).ok();
    outcome
}
