//! Probe kind `redis`: AUTH, PING and INFO over a connection of our own, each answer told apart.

pub mod action;

use super::{
    Input,
    stream::{Dialed, certificate, dial, failed, handshake, target, timed_out},
};
use crate::model::{Cause, Fact, Outcome, Phases, Provenance, Quota, Secret, Warning, text::sanitize};
use jiff::Timestamp;
use redis::{RedisConnectionInfo, RedisError, aio::MultiplexedConnection, cmd};
use std::time::Instant;
use tokio::io::{AsyncRead, AsyncWrite};

/// Ends the connection's driver with the attempt.
struct Driver(tokio::task::JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// One attempt.
pub async fn probe(input: &Input<'_>) -> Outcome {
    match tokio::time::timeout(input.timeout, attempt(input)).await {
        Ok(result) => result.unwrap_or_else(|failure| *failure),
        Err(_) => *timed_out("the conversation", input.timeout),
    }
}

async fn attempt(input: &Input<'_>) -> Result<Outcome, Box<Outcome>> {
    let (host, port) = target(input, "6379")?;
    let dialed = dial(input, host, port).await?;
    let too_much = dialed.stream.too_much();
    talk(input, host, dialed).await.map_err(|failure| too_much.or(failure))
}

/// A connection that is signed in.
struct Session {
    connection: MultiplexedConnection,
    _driver: Driver,
    phases: Phases,
    dies: Option<Timestamp>,
    started: Instant,
    asked: Instant,
}

async fn sign_in(input: &Input<'_>, host: &str, dialed: Dialed) -> Result<Session, Box<Outcome>> {
    let mut phases = dialed.phases;
    let mut dies = None;
    let started = dialed.started;
    let (mut connection, _driver) = if input.field("tls") == Some("yes") {
        let (stream, took) = handshake(dialed.stream, host, input.tls.clone(), dialed.deadline, input.timeout).await?;
        phases.tls = Some(took);
        dies = certificate(&stream).map(|(dies, _, _)| dies);
        open(stream).await?
    } else {
        open(dialed.stream).await?
    };
    let asked = Instant::now();
    authenticate(input, &mut connection).await?;
    Ok(Session { connection, _driver, phases, dies, started, asked })
}

async fn talk(input: &Input<'_>, host: &str, dialed: Dialed) -> Result<Outcome, Box<Outcome>> {
    let Session { mut connection, _driver, mut phases, dies, started, asked } = sign_in(input, host, dialed).await?;
    let pong: String = cmd("PING").query_async(&mut connection).await.map_err(|e| refused("PING", &e))?;
    if pong != "PONG" {
        return Err(failed(Cause::UnexpectedResponse, "PING is not answered with PONG", &pong));
    }
    phases.first_byte = Some(asked.elapsed());
    let mut outcome = Outcome::of(Cause::Ok, Timestamp::now(), "PING answered with PONG", "PONG");
    outcome.latency = Some(started.elapsed());
    outcome.phases = phases;
    outcome.certificate_expires = dies;
    outcome.identity =
        cmd("ACL").arg("WHOAMI").query_async::<String>(&mut connection).await.ok().map(|user| sanitize(&user, 100));
    match cmd("INFO").query_async::<String>(&mut connection).await {
        Ok(info) => read_info(&info, &mut outcome),
        Err(error) if error.code() == Some("NOPERM") => {
            outcome.warnings.push(Warning::MissingScope { scope: "INFO".into() })
        }
        Err(_) => {}
    }
    Ok(outcome)
}

async fn open<S>(stream: S) -> Result<(MultiplexedConnection, Driver), Box<Outcome>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let plain = RedisConnectionInfo::default().set_skip_set_lib_name();
    // The client would give each answer half a second; ours is the limit.
    let patient = redis::AsyncConnectionConfig::default().set_response_timeout(None);
    let (connection, driver) =
        MultiplexedConnection::new_with_config(&plain, stream, patient).await.map_err(|e| refused("connecting", &e))?;
    Ok((connection, Driver(tokio::spawn(driver))))
}

async fn authenticate(input: &Input<'_>, connection: &mut MultiplexedConnection) -> Result<(), Box<Outcome>> {
    if let Some(password) = input.secret("password").map(Secret::expose) {
        let mut auth = cmd("AUTH");
        if let Some(user) = input.field("username") {
            auth.arg(user);
        }
        auth.arg(password).query_async::<()>(connection).await.map_err(|e| refused("AUTH", &e))?;
    }
    let db = input.field("db").unwrap_or("0");
    if db != "0" {
        let number: u16 = db
            .parse()
            .map_err(|_| failed(Cause::Misconfigured, "field 'db'", &format!("'{db}' is not a database number")))?;
        cmd("SELECT").arg(number).query_async::<()>(connection).await.map_err(|e| refused("SELECT", &e))?;
    }
    Ok(())
}

/// The verdict of an error answer. Only the server's own words are kept; the command's arguments never are.
fn refused(step: &str, error: &RedisError) -> Box<Outcome> {
    let detail = error.detail().unwrap_or_default();
    let code = error.code().unwrap_or_default();
    let seen = format!("{code} {detail}");
    let text = seen.to_ascii_lowercase();
    let cause = match code {
        "WRONGPASS" => Cause::InvalidCredential,
        "NOAUTH" => Cause::MissingCredential,
        "NOPERM" if step == "PING" => return alive_without("PING", &seen),
        "LOADING" | "MASTERDOWN" | "CLUSTERDOWN" | "BUSY" => Cause::ServerError,
        "DENIED" => Cause::Misconfigured,
        _ if text.contains("invalid password") || text.contains("invalid username-password") => {
            Cause::InvalidCredential
        }
        _ if text.contains("without any password configured") || text.contains("no password is set") => {
            Cause::Misconfigured
        }
        _ if text.contains("max number of clients") => Cause::ServerError,
        _ if text.contains("db index") => Cause::Misconfigured,
        _ if error.is_timeout() => Cause::Timeout,
        _ if error.is_io_error() || error.is_connection_dropped() => Cause::Connect,
        _ => Cause::Protocol,
    };
    let seen = if code.is_empty() && detail.is_empty() { error.category().to_owned() } else { seen };
    let rule = match cause {
        Cause::Timeout => format!("no answer during {step}"),
        Cause::Connect => format!("the connection broke during {step}"),
        _ => format!("{step} was refused"),
    };
    failed(cause, rule, seen.trim())
}

fn alive_without(scope: &str, seen: &str) -> Box<Outcome> {
    let mut outcome = failed(Cause::Ok, "signed in, PING not permitted", seen);
    outcome.warnings.push(Warning::MissingScope { scope: scope.to_owned() });
    outcome
}

fn read_info(info: &str, outcome: &mut Outcome) {
    let get = |key: &str| info.lines().find_map(|l| l.strip_prefix(key)?.strip_prefix(':')).map(str::trim);
    for (label, key) in [
        ("Version", "redis_version"),
        ("Valkey version", "valkey_version"),
        ("Mode", "redis_mode"),
        ("Role", "role"),
        ("Clients", "connected_clients"),
        ("Memory", "used_memory_human"),
        ("Replicas", "connected_slaves"),
        ("Uptime in days", "uptime_in_days"),
    ] {
        if let Some(value) = get(key) {
            outcome.facts.push(Fact { label: label.into(), value: sanitize(value, 100) });
        }
    }
    let number = |key: &str| get(key).and_then(|v| v.parse::<f64>().ok()).filter(|n| n.is_finite());
    let quota = |name: &str, unit: &str, limit: f64, used: f64| Quota {
        name: name.into(),
        unit: unit.into(),
        limit: Some(limit),
        left: Some((limit - used).max(0.0)),
        resets: None,
        provenance: Provenance::Derived,
        at: outcome.at,
    };
    let mut quotas = Vec::new();
    if let (Some(limit), Some(used)) = (number("maxclients"), number("connected_clients")) {
        quotas.push(quota("connections", "connections", limit, used));
    }
    if let (Some(limit), Some(used)) = (number("maxmemory").filter(|m| *m > 0.0), number("used_memory")) {
        quotas.push(quota("memory", "bytes", limit, used));
    }
    outcome.quotas = quotas;
    if get("master_link_status") == Some("down") {
        outcome.warnings.push(Warning::Degraded { message: "the replica has lost its master".into() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn info_becomes_facts_and_quotas() {
        let mut outcome = Outcome::of(Cause::Ok, Timestamp::UNIX_EPOCH, "", "");
        read_info(
            "redis_version:7.0.15\r\nmaxclients:100\r\nconnected_clients:40\r\nmaxmemory:0\r\nmaster_link_status:down\r\n",
            &mut outcome,
        );
        assert_eq!(outcome.facts[0].value, "7.0.15");
        assert_eq!(outcome.quotas.len(), 1);
        assert_eq!(outcome.quotas[0].left, Some(60.0));
        assert_eq!(outcome.warnings.len(), 1);
    }
}
