//! The rungs of a test before save: credential, resolve, connect, TLS, answer, authenticate, identity, quota.

use super::{Checker, advice::of_outcome, prepare, stream};
use crate::{
    model::{Cause, Integration, Outcome, Secret, Status},
    providers::Definition,
};
use indexmap::IndexMap;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::mpsc::UnboundedSender;

/// How a rung stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum RungState {
    Running,
    Passed,
    Failed,
    Skipped,
}

/// One rung.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rung {
    /// `credential`, `resolve`, `connect`, `tls`, `answer`, `authenticate`, `identity`, `quota`.
    pub name: &'static str,
    /// How it stands.
    pub state: RungState,
    /// Time it took.
    pub time: Option<Duration>,
    /// What was found: an address, a TLS version, an account; or what is wrong.
    pub detail: String,
    /// What to do, for a failed rung.
    pub advice: String,
}

/// The rungs from bottom to top.
pub const RUNGS: [&str; 8] = ["credential", "resolve", "connect", "tls", "answer", "authenticate", "identity", "quota"];

/// Reports rungs as they change; nobody listening is no error.
struct Climb<'a> {
    report: UnboundedSender<Rung>,
    definition: &'a Definition,
}

impl Climb<'_> {
    fn say(
        &self,
        name: &'static str,
        state: RungState,
        time: Option<Duration>,
        detail: impl Into<String>,
        advice: String,
    ) {
        let _ = self.report.send(Rung { name, state, time, detail: detail.into(), advice });
    }

    fn running(&self, name: &'static str) {
        self.say(name, RungState::Running, None, "", String::new());
    }

    fn passed(&self, name: &'static str, time: Option<Duration>, detail: impl Into<String>) {
        self.say(name, RungState::Passed, time, detail, String::new());
    }

    fn skipped(&self, name: &'static str, detail: &str) {
        self.say(name, RungState::Skipped, None, detail, String::new());
    }

    fn failed(&self, name: &'static str, outcome: &Outcome) {
        let seen = if outcome.evidence.seen.is_empty() { &outcome.evidence.rule } else { &outcome.evidence.seen };
        self.say(
            name,
            RungState::Failed,
            None,
            format!("{}: {seen}", outcome.cause.label()),
            of_outcome(self.definition, outcome),
        );
        for rest in RUNGS.iter().skip_while(|r| **r != name).skip(1) {
            self.skipped(rest, "");
        }
    }
}

impl Checker {
    /// Tests an integration rung by rung, reporting each as it changes. The last outcome comes back.
    /// `overrides` are secrets typed but not yet stored: field name to secret.
    pub async fn ladder(
        &self,
        integration: &Integration,
        definition: &Arc<Definition>,
        overrides: IndexMap<String, Secret>,
        report: UnboundedSender<Rung>,
    ) -> Outcome {
        let climb = Climb { report, definition };
        if let Err(outcome) = self.lower(&climb, integration, definition, &overrides).await {
            return *outcome;
        }
        climb.running("answer");
        let outcome = self.attempt_as(integration, definition, &overrides).await;
        upper(&climb, &outcome);
        outcome
    }

    /// Credential, resolve, connect, TLS: over a connection of its own, closed again.
    async fn lower(
        &self,
        climb: &Climb<'_>,
        integration: &Integration,
        definition: &Arc<Definition>,
        overrides: &IndexMap<String, Secret>,
    ) -> Result<(), Box<Outcome>> {
        climb.running("credential");
        let started = Instant::now();
        let secrets =
            self.secrets(integration, definition, overrides).await.inspect_err(|o| climb.failed("credential", o))?;
        match secrets.first() {
            None => climb.skipped("credential", "none is needed"),
            Some((_, secret)) => climb.passed("credential", Some(started.elapsed()), secret.hint()),
        }
        let Some((host, port)) = self.host(integration, definition).as_deref().and_then(split) else {
            for rung in ["resolve", "connect", "tls"] {
                climb.skipped(rung, "");
            }
            return Ok(());
        };
        climb.running("resolve");
        let (fields, lists) = prepare::fields(integration, definition);
        let tls = self.tls(integration).map_err(|why| stream::failed(Cause::Misconfigured, "TLS settings", &why));
        let tls = tls.inspect_err(|o| climb.failed("resolve", o))?;
        let input = super::Input {
            integration,
            fields: &fields,
            lists: &lists,
            secrets: &secrets,
            timeout: integration.timeout,
            tls,
        };
        let dialed = stream::dial(&input, &host, port).await.inspect_err(|o| {
            climb.failed(if o.cause == Cause::Dns { "resolve" } else { "connect" }, o);
        })?;
        climb.passed("resolve", dialed.phases.dns, dialed.address.ip().to_string());
        climb.passed("connect", dialed.phases.connect, dialed.address.to_string());
        if !speaks_tls(definition, &fields) {
            climb.skipped("tls", "not used, or part of the protocol");
            return Ok(());
        }
        climb.running("tls");
        let name =
            fields.get("server_name").filter(|n| !n.is_empty()).unwrap_or(&host).trim_matches(['[', ']']).to_owned();
        let (stream, took) = stream::handshake(dialed.stream, &name, input.tls.clone(), dialed.deadline, input.timeout)
            .await
            .inspect_err(|o| climb.failed("tls", o))?;
        let version =
            stream.get_ref().1.protocol_version().map(|v| format!("{v:?}").replace('_', ".")).unwrap_or_default();
        let dies = stream::certificate(&stream)
            .map(|(dies, _, _)| format!(", certificate until {}", dies.strftime("%F")))
            .unwrap_or_default();
        climb.passed("tls", Some(took), format!("{version}{dies}"));
        Ok(())
    }
}

/// Answer, authenticate, identity, quota: read off the outcome.
fn upper(climb: &Climb<'_>, outcome: &Outcome) {
    let about_credential = outcome.status() == Status::Unauthorized;
    if outcome.status() != Status::Active && !about_credential {
        return climb.failed("answer", outcome);
    }
    let code = outcome.code.map(|c| format!("code {c}")).unwrap_or_else(|| outcome.evidence.rule.clone());
    climb.passed("answer", outcome.latency, code);
    if about_credential {
        return climb.failed("authenticate", outcome);
    }
    climb.passed("authenticate", None, outcome.evidence.rule.clone());
    match &outcome.identity {
        Some(identity) => climb.passed("identity", None, identity.clone()),
        None => climb.skipped("identity", "the service does not tell"),
    }
    match outcome.quotas.first() {
        Some(quota) => {
            let left = quota.left.map_or("–".to_owned(), |l| format!("{l:.0}"));
            let limit = quota.limit.map_or("–".to_owned(), |l| format!("{l:.0}"));
            climb.passed("quota", None, format!("{left} of {limit} {} left", quota.unit));
        }
        None => climb.skipped("quota", "the service does not tell"),
    }
}

fn split(host: &str) -> Option<(String, u16)> {
    let (host, port) = host.rsplit_once(':')?;
    Some((host.to_owned(), port.parse().ok()?))
}

fn speaks_tls(definition: &Definition, fields: &IndexMap<String, String>) -> bool {
    use crate::providers::{CodedKind, Probe};
    match &definition.probe {
        Probe::Http(probe) => probe.request.base_url(fields).is_ok_and(|u| u.scheme() == "https"),
        Probe::Coded(CodedKind::HttpAny) => fields.get("url").is_some_and(|u| u.starts_with("https:")),
        Probe::Coded(CodedKind::Tls) => true,
        Probe::Coded(CodedKind::Redis | CodedKind::Mqtt | CodedKind::Mongodb | CodedKind::Kafka) => {
            fields.get("tls").is_some_and(|t| t == "yes")
        }
        #[cfg(feature = "smtp")]
        Probe::Coded(CodedKind::Smtp) => {
            super::smtp::tls_at_once(fields.get("tls").map(String::as_str), fields.get("port").map(String::as_str))
        }
        Probe::Coded(CodedKind::Nats) => super::nats::tls_at_once(fields.get("tls").map(String::as_str)),
        Probe::Coded(_) => false,
    }
}
