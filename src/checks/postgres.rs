//! Probe kind `postgres`: sign in and read one row; wrong password, missing database, full server told apart by SQLSTATE.

pub mod action;

use super::{
    Input,
    capped::{Capped, TooMuch},
    stream::{dial, failed, target, timed_out, unverified},
};
use crate::model::{Cause, Fact, Outcome, Phases, Provenance, Quota, Secret, Warning, text::sanitize};
use jiff::Timestamp;
use rustls::ClientConfig;
use std::{sync::Arc, time::Instant};
use tokio_postgres::{
    Client, Config, NoTls,
    config::SslMode,
    error::SqlState,
    tls::{MakeTlsConnect, TlsConnect},
};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Ends the connection's driver with the attempt.
struct Driver(tokio::task::JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// One row: version, role, connections used and allowed, replica or not, size.
const QUESTION: &str = "select current_setting('server_version'), current_user::text, \
    (select count(*) from pg_stat_activity)::float8, current_setting('max_connections')::float8, \
    pg_is_in_recovery(), pg_database_size(current_database())::float8";

/// One attempt.
pub async fn probe(input: &Input<'_>) -> Outcome {
    match tokio::time::timeout(input.timeout, attempt(input)).await {
        Ok(result) => result.unwrap_or_else(|failure| *failure),
        Err(_) => *timed_out("the conversation", input.timeout),
    }
}

/// A connection that is signed in.
struct Session {
    client: Client,
    _driver: Driver,
    phases: Phases,
    started: Instant,
    too_much: TooMuch,
}

async fn attempt(input: &Input<'_>) -> Result<Outcome, Box<Outcome>> {
    let session = session(input).await?;
    let mut outcome = ask(&session.client).await.map_err(|failure| session.too_much.or(failure))?;
    outcome.latency = Some(session.started.elapsed());
    outcome.phases = session.phases;
    Ok(outcome)
}

async fn session(input: &Input<'_>) -> Result<Session, Box<Outcome>> {
    let (host, port) = target(input, "5432")?;
    let (mode, tls) = policy(input)?;
    let mut config = Config::new();
    config.user(input.field("user").ok_or_else(|| failed(Cause::Misconfigured, "field 'user'", "no user is given"))?);
    config.dbname(input.field("database").unwrap_or("postgres")).application_name("lampboard").ssl_mode(mode);
    if let Some(password) = input.secret("password").map(Secret::expose) {
        config.password(password);
    }
    let dialed = dial(input, host, port).await?;
    let too_much = dialed.stream.too_much();
    let mut phases = dialed.phases;
    let asked = Instant::now();
    let (client, _driver) = match tls {
        None => sign_in(&config, dialed.stream, NoTls).await,
        Some(tls) => {
            let connector = <MakeRustlsConnect as MakeTlsConnect<Capped>>::make_tls_connect(
                &mut MakeRustlsConnect::new((*tls).clone()),
                host,
            )
            .map_err(|e| failed(Cause::Misconfigured, "field 'host'", &e.to_string()))?;
            sign_in(&config, dialed.stream, connector).await
        }
    }
    .map_err(|failure| too_much.or(failure))?;
    phases.first_byte = Some(asked.elapsed());
    Ok(Session { client, _driver, phases, started: dialed.started, too_much })
}

fn policy(input: &Input<'_>) -> Result<(SslMode, Option<Arc<ClientConfig>>), Box<Outcome>> {
    let any = || unverified().map_err(|e| failed(Cause::Internal, "TLS", &e.to_string()));
    Ok(match input.field("tls").unwrap_or("prefer") {
        "disable" => (SslMode::Disable, None),
        "prefer" => (SslMode::Prefer, Some(any()?)),
        "require" => (SslMode::Require, Some(any()?)),
        "verify-full" => (SslMode::Require, Some(input.tls.clone())),
        other => {
            return Err(failed(
                Cause::Misconfigured,
                "field 'tls'",
                &format!("'{other}' is none of disable, prefer, require, verify-full"),
            ));
        }
    })
}

async fn sign_in<T>(config: &Config, stream: Capped, tls: T) -> Result<(Client, Driver), Box<Outcome>>
where
    T: TlsConnect<Capped>,
    T::Stream: Send + 'static,
{
    let (client, connection) = config.connect_raw(stream, tls).await.map_err(|e| refused("sign-in", &e))?;
    let driver = tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "postgres connection ended");
        }
    });
    Ok((client, Driver(driver)))
}

async fn ask(client: &Client) -> Result<Outcome, Box<Outcome>> {
    let row = client.query_one(QUESTION, &[]).await.map_err(|e| refused("the read", &e))?;
    let wrong =
        |e: tokio_postgres::Error| failed(Cause::UnexpectedResponse, "the answer has another shape", &e.to_string());
    let version: String = row.try_get(0).map_err(wrong)?;
    let user: String = row.try_get(1).map_err(wrong)?;
    let (used, limit): (f64, f64) = (row.try_get(2).map_err(wrong)?, row.try_get(3).map_err(wrong)?);
    let replica: bool = row.try_get(4).map_err(wrong)?;
    let size: f64 = row.try_get(5).map_err(wrong)?;
    let now = Timestamp::now();
    let mut outcome = Outcome::of(Cause::Ok, now, "signed in and read", &format!("PostgreSQL {version}"));
    outcome.identity = Some(sanitize(&user, 100));
    let fact = |label: &str, value: String| Fact { label: label.into(), value: sanitize(&value, 100) };
    outcome.facts = vec![
        fact("Version", version),
        fact("Role", if replica { "replica".into() } else { "primary".into() }),
        fact("Connections", format!("{used:.0} of {limit:.0}")),
        fact("Database size", format!("{:.1} MB", size / 1e6)),
    ];
    outcome.quotas.push(Quota {
        name: "connections".into(),
        unit: "connections".into(),
        limit: Some(limit),
        left: Some((limit - used).max(0.0)),
        resets: None,
        provenance: Provenance::Derived,
        at: now,
    });
    Ok(outcome)
}

/// The verdict of an error: by SQLSTATE where the server gave one.
fn refused(step: &str, error: &tokio_postgres::Error) -> Box<Outcome> {
    let Some(db) = error.as_db_error() else {
        return transport(step, error);
    };
    let code = db.code();
    let cause = if *code == SqlState::INVALID_PASSWORD {
        Cause::InvalidCredential
    } else if *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION {
        if db.message().contains("not permitted to log in") { Cause::AccountProblem } else { Cause::InvalidCredential }
    } else if *code == SqlState::INVALID_CATALOG_NAME {
        Cause::Misconfigured
    } else if *code == SqlState::TOO_MANY_CONNECTIONS {
        Cause::QuotaExhausted
    } else if *code == SqlState::INSUFFICIENT_PRIVILEGE {
        let mut outcome = failed(Cause::Ok, "signed in, the read is not permitted", db.message());
        outcome.warnings.push(Warning::MissingScope { scope: "CONNECT".into() });
        return outcome;
    } else if *code == SqlState::CANNOT_CONNECT_NOW
        || *code == SqlState::ADMIN_SHUTDOWN
        || *code == SqlState::CRASH_SHUTDOWN
    {
        Cause::ServerError
    } else {
        Cause::UnexpectedResponse
    };
    failed(cause, format!("{step} was refused (SQLSTATE {})", sanitize(code.code(), 20)), db.message())
}

fn transport(step: &str, error: &tokio_postgres::Error) -> Box<Outcome> {
    let text = std::iter::successors(Some(error as &dyn std::error::Error), |e| e.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ");
    let lower = text.to_ascii_lowercase();
    let cause = if lower.contains("password missing") {
        Cause::MissingCredential
    } else if lower.contains("tls") || lower.contains("certificate") {
        Cause::Tls
    } else if error.is_closed() || lower.contains("connection") {
        Cause::Connect
    } else {
        Cause::Protocol
    };
    failed(cause, format!("{step} failed"), &text)
}
