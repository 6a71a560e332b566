//! Probe kind `kafka`: ApiVersions, a sign-in by SASL (PLAIN or SCRAM), and the cluster's metadata, which only those that
//! were let in are told. One broker is asked; nothing is read or written.

mod codec;

use super::{
    Input,
    scram::{Hash, Scram},
    stream::{failed, target},
    wire::{Wire, bounded},
};
use crate::model::{Cause, Fact, Outcome, text::sanitize};
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::{Buf, Bytes};
use codec::{foreign, refused};
use jiff::Timestamp;
use kafka_protocol::{
    messages::{
        ApiKey, ApiVersionsRequest, ApiVersionsResponse, MetadataRequest, SaslAuthenticateRequest,
        SaslHandshakeRequest, SaslHandshakeResponse, metadata_response::MetadataResponseBroker,
    },
    protocol::{Encodable, StrBytes},
};
use std::time::Instant;
use zeroize::Zeroizing;

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
    async fn ask(&mut self, api: ApiKey, version: i16, request: &impl Encodable) -> Result<Bytes, Box<Outcome>> {
        let step = &format!("{api:?}");
        self.number += 1;
        let frame = codec::request(request, api, version, self.number);
        let frame = frame.ok_or_else(|| failed(Cause::Misconfigured, step, "a value is too long for the protocol"))?;
        self.wire.send(step, &frame).await?;
        let head = self.wire.exact(step, codec::HEAD).await?;
        match codec::length(&head, api, version, self.number) {
            Some(length) => self.wire.exact(step, length).await.map(Bytes::from),
            None => Err(foreign(step, &head)),
        }
    }

    /// The metadata's version to ask for: the first that names the cluster, or the one before.
    async fn metadata_version(&mut self) -> Result<i16, Box<Outcome>> {
        let step = "ApiVersions";
        let body = self.ask(ApiKey::ApiVersions, 0, &ApiVersionsRequest::default()).await?;
        // The code stands first, and a refusal may go without the list.
        if let Some(refusal) = body.clone().try_get_i16().ok().and_then(|code| refused(step, code, "")) {
            return Err(refusal);
        }
        let answer: ApiVersionsResponse = codec::listing(&body, 0, 6).ok_or_else(|| foreign(step, &body))?;
        match answer.api_keys.iter().find(|api| api.api_key == ApiKey::Metadata as i16) {
            Some(known) if known.max_version >= 1 && known.min_version <= 2 => Ok(known.max_version.min(2)),
            _ => Err(failed(Cause::Misconfigured, "the broker knows no metadata of these versions", "1 and 2")),
        }
    }

    async fn sign_in(&mut self, account: &Account<'_>) -> Result<(), Box<Outcome>> {
        let step = "SaslHandshake";
        let asked = StrBytes::from_string(account.mechanism.to_owned());
        let body = self.ask(ApiKey::SaslHandshake, 1, &SaslHandshakeRequest::default().with_mechanism(asked)).await?;
        let code = body.clone().try_get_i16().map_err(|_| foreign(step, &body))?;
        let answer: SaslHandshakeResponse = codec::listing(&body, 1, 2).unwrap_or_default();
        let offered: Vec<&str> = answer.mechanisms.iter().map(StrBytes::as_str).collect();
        let words = format!("{} is not among: {}", account.mechanism, offered.join(", "));
        if let Some(refusal) = refused(step, code, &words) {
            return Err(refusal);
        }
        let hash = match account.mechanism {
            "PLAIN" => {
                let parts = ["\0", account.user, "\0", account.password];
                return self.prove(Zeroizing::new(parts.concat().into_bytes())).await.map(drop);
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
        let first = self.prove(Zeroizing::new(scram.first().into_bytes())).await?;
        let foul = |why: &str| failed(Cause::Protocol, "the sign-in does not follow SCRAM", why);
        let (last, expected) = scram.last(&String::from_utf8_lossy(&first), account.password).map_err(foul)?;
        let end = self.prove(Zeroizing::new(last.into_bytes())).await?;
        if expected.fits(&String::from_utf8_lossy(&end)) {
            Ok(())
        } else {
            Err(foul("the server does not know the password either"))
        }
    }

    /// One step of the sign-in; what the broker answers to it.
    async fn prove(&mut self, bytes: Zeroizing<Vec<u8>>) -> Result<Bytes, Box<Outcome>> {
        let step = "SaslAuthenticate";
        let said = SaslAuthenticateRequest::default().with_auth_bytes(Bytes::from_owner(bytes));
        let body = self.ask(ApiKey::SaslAuthenticate, 0, &said).await?;
        let mut left = body.clone();
        let code = left.try_get_i16().map_err(|_| foreign(step, &body))?;
        let words = codec::text(&mut left).ok_or_else(|| foreign(step, &body))?;
        match refused(step, code, &words) {
            Some(refusal) => Err(refusal),
            None => codec::bytes(&mut left).ok_or_else(|| foreign(step, &body)),
        }
    }

    /// The proof: which brokers there are. Of topics none is asked for.
    async fn metadata(&mut self, version: i16, signed_in: bool) -> Result<Outcome, Box<Outcome>> {
        let step = "Metadata";
        let body = match self.ask(ApiKey::Metadata, version, &MetadataRequest::default()).await {
            // A broker that wants a sign-in hangs up on who asks without one.
            Err(mut hung_up) if !signed_in && hung_up.cause == Cause::Connect => {
                hung_up.cause = Cause::MissingCredential;
                return Err(hung_up);
            }
            answer => answer?,
        };
        let broken = || foreign(step, &body);
        let mut left = body.clone();
        let brokers: Vec<MetadataResponseBroker> = codec::items(&mut left, version).ok_or_else(broken)?;
        let cluster = if version >= 2 { codec::text(&mut left).ok_or_else(broken)? } else { String::new() };
        let controller = left.try_get_i32().map_err(|_| broken())?;
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
        if let Some(broker) = brokers.iter().find(|broker| broker.node_id.0 == controller) {
            fact("Controller", &format!("{}:{}", broker.host, broker.port));
        }
        Ok(outcome)
    }
}
