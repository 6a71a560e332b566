//! Probe kind `dns`: the name has records of the kind asked for, the expected ones among them.

mod socket;

use super::{
    Input,
    stream::{failed, timed_out},
};
use crate::model::{Cause, Fact, Outcome, Phases, text::sanitize};
use hickory_resolver::{
    Resolver,
    config::{ConnectionConfig, NameServerConfig, ResolverConfig},
    net::{DnsError, NetError},
    proto::{
        op::ResponseCode,
        rr::{RData, RecordType},
    },
};
use jiff::Timestamp;
use socket::Runtime;
use std::{
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

/// One attempt.
pub async fn probe(input: &Input<'_>) -> Outcome {
    attempt(input).await.unwrap_or_else(|failure| *failure)
}

async fn attempt(input: &Input<'_>) -> Result<Outcome, Box<Outcome>> {
    let name = input.field("name").ok_or_else(|| failed(Cause::Misconfigured, "field 'name'", "no name is given"))?;
    let kind = input.field("type").unwrap_or("A").to_ascii_uppercase();
    let record: RecordType = kind
        .parse()
        .map_err(|_| failed(Cause::Misconfigured, "field 'type'", &format!("'{kind}' is not a record type")))?;
    let runtime = Runtime::default();
    let resolver = resolver(input, &runtime)?;
    let started = Instant::now();
    let lookup = match tokio::time::timeout(input.timeout, resolver.lookup(name, record)).await {
        Err(_) => return Err(timed_out("the query", input.timeout)),
        Ok(Err(error)) => return Err(refused(name, &kind, &error, &runtime, patience(input))),
        Ok(Ok(lookup)) => lookup,
    };
    let took = started.elapsed();
    let answers: Vec<String> =
        lookup.answers().iter().filter(|r| r.record_type() == record).map(|r| plain(&r.data)).collect();
    if answers.is_empty() {
        return Err(failed(Cause::UnexpectedResponse, format!("no {kind} record"), &format!("'{name}' has none")));
    }
    let expected = input.lists.get("expect").map(Vec::as_slice).unwrap_or_default();
    for wanted in expected {
        if !answers.iter().any(|a| normal(a) == normal(wanted)) {
            return Err(failed(
                Cause::UnexpectedResponse,
                format!("'{wanted}' is not among the answers"),
                &answers.join(", "),
            ));
        }
    }
    let mut outcome =
        Outcome::of(Cause::Ok, Timestamp::now(), format!("{} {kind} records", answers.len()), &answers.join(", "));
    outcome.latency = Some(took);
    outcome.phases = Phases { dns: Some(took), ..Phases::default() };
    outcome.facts.extend(answers.iter().take(8).map(|a| Fact { label: kind.clone(), value: sanitize(a, 200) }));
    Ok(outcome)
}

/// How long one server may take: of the system's several the next is asked after a while, one that was named has all the
/// time there is.
fn patience(input: &Input<'_>) -> Duration {
    let each = if input.field("server").is_some() { input.timeout } else { Duration::from_secs(5) };
    each.min(input.timeout)
}

fn resolver(input: &Input<'_>, runtime: &Runtime) -> Result<Resolver<Runtime>, Box<Outcome>> {
    let builder = match input.field("server") {
        None => Resolver::builder(runtime.clone()),
        Some(server) => {
            let address = server_address(server).ok_or_else(|| {
                failed(
                    Cause::Misconfigured,
                    "field 'server'",
                    &format!("'{server}' is not an IP address, with or without :port"),
                )
            })?;
            let (mut udp, mut tcp) = (ConnectionConfig::udp(), ConnectionConfig::tcp());
            udp.port = address.port();
            tcp.port = address.port();
            let server = NameServerConfig::new(address.ip(), true, vec![udp, tcp]);
            Ok(Resolver::builder_with_config(
                ResolverConfig::from_parts(None, Vec::new(), vec![server]),
                runtime.clone(),
            ))
        }
    };
    builder
        .and_then(|mut builder| {
            let options = builder.options_mut();
            options.timeout = patience(input);
            options.attempts = 1;
            options.cache_size = 0;
            builder.build()
        })
        .map_err(|error| failed(Cause::Misconfigured, "the system's name servers", &error.to_string()))
}

fn server_address(text: &str) -> Option<SocketAddr> {
    text.parse().ok().or_else(|| text.trim_matches(['[', ']']).parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, 53)))
}

fn refused(name: &str, kind: &str, error: &NetError, runtime: &Runtime, limit: Duration) -> Box<Outcome> {
    if error.is_nx_domain() {
        return failed(Cause::Dns, "the name does not exist", &format!("NXDOMAIN for '{name}'"));
    }
    if error.is_no_records_found() {
        return failed(Cause::UnexpectedResponse, format!("no {kind} record"), &format!("'{name}' has none"));
    }
    match error {
        NetError::Timeout => timed_out("the query", limit),
        NetError::Io(_) | NetError::NoConnections => {
            let seen = runtime.failure().unwrap_or_else(|| error.to_string());
            failed(Cause::Connect, "the name server cannot be reached", &seen)
        }
        NetError::Dns(DnsError::ResponseCode(ResponseCode::Refused)) => failed(
            Cause::Misconfigured,
            "the name server does not answer for this name",
            &format!("REFUSED for '{name}'"),
        ),
        NetError::Dns(DnsError::ResponseCode(ResponseCode::ServFail)) => {
            failed(Cause::ServerError, "the name server failed", &format!("SERVFAIL for '{name}'"))
        }
        other => failed(Cause::Dns, "the query failed", &other.to_string()),
    }
}

/// The record's value as people write it; TXT without quotes.
fn plain(data: &RData) -> String {
    match data {
        RData::TXT(txt) => txt.txt_data.iter().map(|part| String::from_utf8_lossy(part)).collect(),
        other => other.to_string(),
    }
}

fn normal(value: &str) -> String {
    value.trim().trim_end_matches('.').to_ascii_lowercase()
}
