//! Probe kind `nats`: INFO, TLS where asked for, CONNECT with the credential, PING answered with PONG.

mod signer;

use super::{
    Input,
    stream::{failed, target},
    wire::{Wire, bounded, closed},
};
use crate::model::{Cause, Fact, Outcome, Secret, text::sanitize};
use jiff::Timestamp;
use serde::Deserialize;
use signer::Signer;
use std::time::Instant;
use zeroize::Zeroizing;

/// Longest line read, in bytes: INFO lists the whole cluster.
const LONGEST_LINE: usize = 64 * 1024;
/// Most lines read between PING and PONG.
const MOST_LINES: usize = 32;

/// What the server says of itself; the rest is not looked at.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Info {
    server_id: String,
    server_name: String,
    version: String,
    cluster: String,
    max_payload: u64,
    jetstream: bool,
    auth_required: bool,
    tls_required: bool,
    tls_available: bool,
    /// What a key is to sign.
    nonce: String,
}

/// Whether TLS starts with the first byte, for this value of the field `tls`.
pub fn tls_at_once(tls: Option<&str>) -> bool {
    tls == Some("first")
}

/// One attempt.
pub async fn probe(input: &Input<'_>) -> Outcome {
    bounded(input, attempt(input)).await
}

async fn attempt(input: &Input<'_>) -> Result<Outcome, Box<Outcome>> {
    let (host, port) = target(input, "4222")?;
    let tls = input.field("tls").unwrap_or("auto");
    if !["auto", "yes", "first", "no"].contains(&tls) {
        let seen = format!("'{tls}' is none of auto, yes, first, no");
        return Err(failed(Cause::Misconfigured, "field 'tls'", &seen));
    }
    let credential = credential(input)?;
    let mut wire = Wire::open(input, host, port).await?;
    if tls_at_once(Some(tls)) {
        wire = wire.secure(host, input.tls.clone()).await?;
    }
    let asked = Instant::now();
    let info = info(&mut wire).await?;
    match tls {
        "yes" if !info.tls_required && !info.tls_available => {
            return Err(failed(Cause::Tls, "TLS is not offered", "INFO tells neither tls_required nor tls_available"));
        }
        "yes" => wire = wire.secure(host, input.tls.clone()).await?,
        "auto" if info.tls_required => wire = wire.secure(host, input.tls.clone()).await?,
        "no" if info.tls_required => {
            return Err(failed(Cause::Misconfigured, "the server insists on TLS", "INFO tells tls_required"));
        }
        _ => {}
    }
    let connect = connect(&credential, tls, &info)?;
    wire.send("CONNECT", connect.as_bytes()).await?;
    pong(&mut wire, !matches!(credential, Credential::None)).await?;
    let mut outcome = Outcome::of(Cause::Ok, Timestamp::now(), "PING answered with PONG", "PONG");
    wire.measure(&mut outcome, asked);
    if info.auth_required {
        outcome.identity = identity(&credential);
    }
    facts(&mut outcome, &info, &wire);
    wire.farewell(b"").await;
    Ok(outcome)
}

/// How the server is to know us.
enum Credential<'a> {
    None,
    User(&'a str, Option<&'a str>),
    Token(&'a str),
    Signed(Signer),
}

fn credential<'a>(input: &'a Input<'_>) -> Result<Credential<'a>, Box<Outcome>> {
    let secret = |name: &str| input.secret(name).map(Secret::expose);
    let (user, pass, token, creds) = (input.field("username"), secret("password"), secret("token"), secret("creds"));
    if [user.is_some() || pass.is_some(), token.is_some(), creds.is_some()].into_iter().filter(|given| *given).count()
        > 1
    {
        let seen = "either user name and password, or a token, or a .creds file or NKEY seed";
        return Err(failed(Cause::Misconfigured, "the credential", seen));
    }
    if pass.is_some() && user.is_none() {
        return Err(failed(Cause::Misconfigured, "field 'username'", "a password, but no user name"));
    }
    Ok(match (user, token, creds) {
        (Some(user), ..) => Credential::User(user, pass),
        (_, Some(token), _) => Credential::Token(token),
        (.., Some(text)) => {
            let signer = Signer::read(text);
            Credential::Signed(signer.map_err(|why| failed(Cause::InvalidCredential, "field 'creds'", why))?)
        }
        _ => Credential::None,
    })
}

fn identity(credential: &Credential<'_>) -> Option<String> {
    match credential {
        Credential::User(user, _) => Some(sanitize(user, 100)),
        Credential::Signed(signer) => Some(signer.public_key()),
        Credential::Token(_) | Credential::None => None,
    }
}

/// CONNECT and PING in one piece, as clients send them.
fn connect(credential: &Credential<'_>, tls: &str, info: &Info) -> Result<Zeroizing<String>, Box<Outcome>> {
    #[derive(Default, serde::Serialize)]
    struct Connect<'a> {
        verbose: bool,
        pedantic: bool,
        tls_required: bool,
        lang: &'static str,
        version: &'static str,
        name: &'static str,
        protocol: u8,
        #[serde(skip_serializing_if = "Option::is_none")]
        user: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        pass: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        auth_token: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        jwt: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        nkey: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        sig: Option<String>,
    }
    let mut connect = Connect {
        tls_required: matches!(tls, "yes" | "first"),
        lang: "rust",
        version: env!("CARGO_PKG_VERSION"),
        name: "lampboard",
        protocol: 1,
        ..Connect::default()
    };
    match credential {
        Credential::None => {}
        Credential::User(user, pass) => (connect.user, connect.pass) = (Some(*user), *pass),
        Credential::Token(token) => connect.auth_token = Some(token),
        // A server that gives nothing to sign knows no keys; one that wants another credential refuses in its own words.
        Credential::Signed(_) if info.nonce.is_empty() && info.auth_required => {
            let seen = "INFO holds no nonce: give user name and password, or a token";
            return Err(failed(Cause::InvalidCredential, "the server takes no keys", seen));
        }
        Credential::Signed(_) if info.nonce.is_empty() => {}
        Credential::Signed(signer) => {
            connect.jwt = signer.jwt.as_deref().map(String::as_str);
            connect.nkey = connect.jwt.is_none().then(|| signer.public_key());
            connect.sig = Some(signer.sign(&info.nonce));
        }
    }
    let json = serde_json::to_string(&connect).map_err(|e| failed(Cause::Internal, "CONNECT", &e.to_string()))?;
    let json = Zeroizing::new(json);
    Ok(Zeroizing::new(format!("CONNECT {}\r\nPING\r\n", *json)))
}

async fn info(wire: &mut Wire) -> Result<Info, Box<Outcome>> {
    let line = wire.line("the greeting", LONGEST_LINE).await?.ok_or_else(|| closed("the greeting"))?;
    if let Some(error) = line.strip_prefix("-ERR ") {
        return Err(refused("the greeting", error, true));
    }
    let foreign = || failed(Cause::Protocol, "the greeting is not NATS's INFO", &line);
    let json = line.strip_prefix("INFO ").ok_or_else(foreign)?;
    let info: Info = serde_json::from_str(json).map_err(|_| foreign())?;
    if info.server_id.is_empty() { Err(foreign()) } else { Ok(info) }
}

async fn pong(wire: &mut Wire, credential: bool) -> Result<(), Box<Outcome>> {
    for _ in 0..MOST_LINES {
        let line = wire.line("sign-in", LONGEST_LINE).await?.ok_or_else(|| closed("sign-in"))?;
        match line.split(' ').next().unwrap_or_default() {
            "PONG" => return Ok(()),
            "PING" => wire.send("PONG", b"PONG\r\n").await?,
            "-ERR" => return Err(refused("sign-in", line.trim_start_matches("-ERR").trim(), credential)),
            "INFO" | "+OK" => {}
            _ => return Err(failed(Cause::Protocol, "PING is not answered with PONG", &line)),
        }
    }
    Err(failed(Cause::Protocol, "PING is not answered with PONG", "too many other lines"))
}

fn refused(step: &str, error: &str, credential: bool) -> Box<Outcome> {
    let text = error.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|w| text.contains(w));
    let cause = if has(&["authentication expired"]) {
        Cause::ExpiredCredential
    } else if has(&["authorization violation", "authentication revoked"]) {
        if credential { Cause::InvalidCredential } else { Cause::MissingCredential }
    } else if has(&["authentication timeout"]) {
        Cause::Timeout
    } else if has(&["maximum connections", "maximum account", "connections exceeded"]) {
        Cause::QuotaExhausted
    } else if has(&["connection throttling", "failed account registration"]) {
        Cause::Throttled
    } else if has(&["tls required", "route port", "leafnode port", "leaf node port", "gateway port", "not allowed"]) {
        Cause::Misconfigured
    } else if has(&["shutdown", "stale connection", "slow consumer", "jetstream not"]) {
        Cause::ServerError
    } else if has(&["protocol", "parser", "exceeded", "invalid"]) {
        Cause::Protocol
    } else {
        Cause::UnexpectedResponse
    };
    failed(cause, format!("{step} was refused"), error.trim_matches('\''))
}

fn facts(outcome: &mut Outcome, info: &Info, wire: &Wire) {
    let mut add = |label: &str, value: &str| {
        if !value.is_empty() {
            outcome.facts.push(Fact { label: label.into(), value: sanitize(value, 100) });
        }
    };
    add("Version", &info.version);
    // Servers without a name of their own show their id.
    add("Server", if info.server_name == info.server_id { "" } else { &info.server_name });
    add("Cluster", &info.cluster);
    add("JetStream", if info.jetstream { "on" } else { "off" });
    add("Largest message", &format!("{:.1} MB", info.max_payload as f64 / 1e6));
    add("Sign-in", if info.auth_required { "required" } else { "not required" });
    add("Encryption", wire.tls.as_deref().unwrap_or("none"));
}
