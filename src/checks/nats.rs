//! Probe kind `nats`: INFO, CONNECT, PING, PONG.

use super::{
    Input,
    stream::{failed, target},
    talk::{Talk, refuse_clear},
};
use crate::model::{Cause, Fact, Outcome};
use zeroize::Zeroizing;

/// Lines that may come before the answer.
const MOST: usize = 20;

/// One attempt.
pub async fn probe(input: &Input<'_>) -> Outcome {
    attempt(input).await.unwrap_or_else(|failure| *failure)
}

async fn attempt(input: &Input<'_>) -> Result<Outcome, Box<Outcome>> {
    let (host, port) = target(input, "4222")?;
    let mut talk = Talk::open(input, host, port).await?;
    let line = talk.line().await?;
    let info: Option<serde_json::Value> = line.strip_prefix("INFO ").and_then(|json| serde_json::from_str(json).ok());
    let Some(info) = info else {
        return Err(failed(Cause::Protocol, "the greeting is not that of NATS", &line));
    };
    let flag = |name: &str| info[name].as_bool().unwrap_or(false);
    let encrypted = input.field("tls") == Some("yes") || flag("tls_required");
    if encrypted {
        talk = talk.encrypt(input, host).await?;
    }
    let secret = |name: &str| input.secrets.get(name).map(crate::model::Secret::expose);
    let (password, token) = (secret("password"), secret("token"));
    if !encrypted && (password.is_some() || token.is_some()) {
        refuse_clear(host)?;
    }
    if flag("auth_required") && password.is_none() && token.is_none() {
        return Err(failed(Cause::MissingCredential, "the server wants a credential", "auth_required"));
    }
    let mut hello = serde_json::json!({
        "verbose": false, "pedantic": false, "lang": "rust", "version": env!("CARGO_PKG_VERSION"), "name": "lampboard", "protocol": 1,
    });
    let values = [("user", input.field("username")), ("pass", password), ("auth_token", token)];
    for (name, value) in values.into_iter().filter_map(|(name, value)| Some((name, value?))) {
        hello[name] = value.into();
    }
    talk.say(Zeroizing::new(format!("CONNECT {hello}\r\nPING\r\n")).as_bytes()).await?;
    for _ in 0..MOST {
        let line = talk.line().await?;
        if line == "PONG" {
            return Ok(good(&talk, &info, input));
        }
        if let Some(why) = line.strip_prefix("-ERR") {
            let why = why.trim().trim_matches('\'');
            let lower = why.to_ascii_lowercase();
            let cause = if lower.contains("expired") {
                Cause::ExpiredCredential
            } else if lower.contains("authorization") || lower.contains("authentication") {
                Cause::InvalidCredential
            } else if lower.contains("maximum connections") {
                Cause::Throttled
            } else {
                Cause::ServerError
            };
            return Err(failed(cause, "the server refused", why));
        }
    }
    Err(failed(Cause::Protocol, "no PONG", ""))
}

fn good(talk: &Talk, info: &serde_json::Value, input: &Input<'_>) -> Outcome {
    let version = info["version"].as_str().unwrap_or_default();
    let mut outcome = talk.good("PONG", &format!("NATS {version}"));
    outcome.identity = input.field("username").map(ToOwned::to_owned);
    let text = |name: &str| info[name].as_str().map(|t| crate::model::text::sanitize(t, 100)).filter(|t| !t.is_empty());
    let facts = [
        ("Version", text("version")),
        ("Server", text("server_name")),
        ("Cluster", text("cluster")),
        ("JetStream", info["jetstream"].as_bool().map(|b| if b { "yes" } else { "no" }.to_owned())),
        ("Largest message (bytes)", info["max_payload"].as_u64().map(|n| n.to_string())),
    ];
    outcome.facts =
        facts.into_iter().filter_map(|(label, value)| Some(Fact { label: label.to_owned(), value: value? })).collect();
    outcome
}
