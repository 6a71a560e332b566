//! Makes one attempt of one check: resolves the secrets, runs the probe, classifies, warns.

use super::{
    Input, also,
    client::{Client, Clients, Policy},
    http_any,
    login::{Attempt, Logins},
    oauth::Renewer,
    prepare,
    scrub::Scrub,
    token_life,
};
use crate::{
    model::{Cause, Integration, Outcome, Secret, SecretRef, Status, Warning},
    providers::{CodedKind, Definition, Probe},
    secrets::{Renew, Resolver},
};
use futures_util::FutureExt;
use indexmap::IndexMap;
use jiff::Timestamp;
use std::{panic::AssertUnwindSafe, path::PathBuf, sync::Arc};

/// Share of a quota below which it is told of.
const LOW: f64 = 0.1;
/// Days before a credential's death from which it is told of.
const CREDENTIAL_DAYS: i64 = 30;
/// Days before a certificate's death from which it is told of.
const CERTIFICATE_DAYS: i64 = 14;

/// Network settings shared by all checks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Network {
    /// `system`, `none` or a URL; empty counts as `system`.
    pub proxy: String,
    /// More roots, PEM.
    pub ca_file: Option<PathBuf>,
    /// Longest idle time of a kept connection; zero: five seconds, well below the shortest usual interval.
    pub idle: std::time::Duration,
    /// Length of a second between two questions of a sign-in; zero: a second. Tests have less time.
    pub second: std::time::Duration,
}

/// Makes checks. One for the whole program; holds one HTTP client per TLS policy. Cheap to clone.
#[derive(Clone)]
pub struct Checker {
    resolver: Resolver,
    clients: Arc<Clients>,
    pub(super) second: std::time::Duration,
    logins: Arc<Logins>,
}

impl Checker {
    /// Fails with a sentence when no client can be made: an unreadable `ca_file`, a proxy that is no URL.
    pub fn new(network: &Network, resolver: Resolver) -> Result<Checker, String> {
        let (clients, logins) = (Arc::new(Clients::new(network)?), Arc::default());
        Ok(Checker { resolver, clients, logins, second: network.second })
    }

    /// The resolver in use.
    pub fn resolver(&self) -> &Resolver {
        &self.resolver
    }

    /// One attempt. Ends within the integration's timeout (plus what the secrets' resolution takes), never panics outward.
    /// Dropping the future cancels it (child processes are killed).
    pub async fn attempt(&self, integration: &Integration, definition: &Arc<Definition>) -> Outcome {
        self.attempt_as(integration, definition, &IndexMap::new()).await
    }

    /// The same with secrets that are not stored yet: field name to secret.
    pub async fn attempt_as(
        &self,
        integration: &Integration,
        definition: &Arc<Definition>,
        overrides: &IndexMap<String, Secret>,
    ) -> Outcome {
        let run = async {
            match self.secrets(integration, definition, overrides).await {
                Ok(secrets) => {
                    #[cfg(debug_assertions)]
                    super::fault::panic_if_named(integration, &secrets);
                    let outcome = self.run(integration, definition, &secrets).await;
                    let outcome = token_life::tell(&secrets, Scrub::new(&secrets).outcome(outcome));
                    self.tell_vault(integration, definition, &secrets, overrides, outcome).await
                }
                Err(outcome) => *outcome,
            }
        };
        let outcome = AssertUnwindSafe(run).catch_unwind().await.unwrap_or_else(|_| {
            tracing::error!(integration = %integration.id, "a check panicked");
            Outcome::of(Cause::Internal, Timestamp::now(), "the check panicked", "the log tells where")
        });
        warn(outcome, integration)
    }

    /// What the vault is to know of a check, and the check of the vault: entries that proved good, and when they die.
    async fn tell_vault(
        &self,
        integration: &Integration,
        definition: &Definition,
        secrets: &IndexMap<String, Secret>,
        overrides: &IndexMap<String, Secret>,
        mut outcome: Outcome,
    ) -> Outcome {
        let of_vault = integration.secrets().filter_map(|(field, reference)| match reference {
            SecretRef::Vault(entry) if !overrides.contains_key(field) => {
                Some((entry.clone(), secrets.get(field)?.clone()))
            }
            _ => None,
        });
        let used: Vec<(String, Secret)> = of_vault.collect();
        if used.is_empty() || outcome.status() != Status::Active {
            return outcome;
        }
        let (vault, hosts) = (self.resolver.vault.clone(), self.destinations(integration, definition));
        let told = outcome.credential_expires;
        let dies = tokio::task::spawn_blocking(move || {
            let mut dies = told;
            for (entry, secret) in used {
                if let Err(error) = vault.proved(&entry, &secret, &hosts) {
                    tracing::warn!(%error, entry, "the vault did not take note of a good check");
                }
                let facts = vault.get_with_facts(&entry).ok().flatten();
                let facts = facts.map(|(_, f)| f);
                // What the service tells of a token that renews itself is the end of this one alone.
                dies = dies.filter(|_| !facts.as_ref().is_some_and(|f| f.renews));
                dies = [dies, facts.and_then(|f| f.expires)].into_iter().flatten().min();
            }
            dies
        });
        outcome.credential_expires = dies.await.unwrap_or(told);
        outcome
    }

    async fn run(
        &self,
        integration: &Integration,
        definition: &Arc<Definition>,
        secrets: &IndexMap<String, Secret>,
    ) -> Outcome {
        let (fields, lists) = prepare::fields(integration, definition);
        let client = match self.clients.get(&policy(integration)) {
            Ok(client) => client,
            Err(why) => return Outcome::of(Cause::Misconfigured, Timestamp::now(), "TLS settings", &why),
        };
        let timeout = integration.timeout;
        if let Probe::Http(probe) = &definition.probe {
            if let Some(feature) = probe.request.lacks() {
                return not_built_in(feature);
            }
            let given = (&fields, secrets);
            if let Some(login) = probe.login.as_ref().filter(|l| l.wanted(&probe.request, &fields, secrets)) {
                let attempt = Attempt { logins: &self.logins, integration, client: &client, fields: &fields, secrets };
                return attempt.probe(probe, login).await;
            }
            return also::check(&client, probe, given, integration, timeout).await;
        }
        let input = Input { integration, fields: &fields, lists: &lists, secrets, timeout, tls: client.tls.clone() };
        match coded(definition) {
            Some(CodedKind::HttpAny) => http_any::probe(&client, &input).await,
            Some(CodedKind::Tcp) => super::tcp::probe(&input).await,
            Some(CodedKind::Tls) => super::tls::probe(&input).await,
            Some(CodedKind::Dns) => super::dns::probe(&input).await,
            #[cfg(feature = "smtp")]
            Some(CodedKind::Smtp) => super::smtp::probe(&input).await,
            Some(CodedKind::Nats) => super::nats::probe(&input).await,
            #[cfg(feature = "mongodb")]
            Some(CodedKind::Mongodb) => super::mongodb::probe(&input).await,
            #[cfg(feature = "kafka")]
            Some(CodedKind::Kafka) => super::kafka::probe(&input).await,
            #[cfg(feature = "mysql")]
            Some(CodedKind::Mysql) => super::mysql::probe(&input).await,
            Some(CodedKind::Ping) => super::ping::probe(&input).await,
            Some(CodedKind::Sqlite) => super::sqlite::probe(&input).await,
            Some(CodedKind::Command) => super::command::probe(&input).await,
            #[cfg(feature = "mqtt")]
            Some(CodedKind::Mqtt) => super::mqtt::probe(&input).await,
            #[cfg(feature = "redis")]
            Some(CodedKind::Redis) => super::redis::probe(&input).await,
            #[cfg(feature = "postgres")]
            Some(CodedKind::Postgres) => super::postgres::probe(&input).await,
            #[cfg(not(all(
                feature = "kafka",
                feature = "mongodb",
                feature = "mqtt",
                feature = "mysql",
                feature = "postgres",
                feature = "redis",
                feature = "smtp"
            )))]
            Some(kind) => not_built_in(kind.as_str()),
            None => Outcome::of(Cause::Internal, Timestamp::now(), "unknown kind of check", ""),
        }
    }

    /// Host and port the check will talk to, for per-host limits: `api.github.com:443`. `None`: no host (command).
    pub fn host(&self, integration: &Integration, definition: &Definition) -> Option<String> {
        prepare::host(integration, definition)
    }

    /// Every host and port its credentials may be sent to.
    pub fn destinations(&self, integration: &Integration, definition: &Definition) -> Vec<String> {
        prepare::destinations(integration, definition)
    }

    /// Whether this machine has a way out now (a route off this host; no packet is sent to anyone).
    pub async fn online(&self) -> bool {
        super::network::online().await
    }

    /// The tokens of sign-ins.
    pub(super) fn logins(&self) -> &Logins {
        &self.logins
    }

    /// The HTTP client of an integration's policy.
    pub(super) fn client(&self, integration: &Integration) -> Result<Client, String> {
        self.clients.get(&policy(integration))
    }

    /// The integration's secrets; those that came from a sign-in are renewed when it is time.
    pub(super) async fn secrets(
        &self,
        integration: &Integration,
        definition: &Definition,
        overrides: &IndexMap<String, Secret>,
    ) -> Result<IndexMap<String, Secret>, Box<Outcome>> {
        let renewer = self.renewer(integration)?;
        prepare::secrets(&self.resolver, integration, definition, overrides, &renewer).await
    }

    /// The same for a request that goes elsewhere than the check: to these hosts and ports.
    pub(super) async fn secrets_for(
        &self,
        integration: &Integration,
        definition: &Definition,
        destinations: &[String],
    ) -> Result<IndexMap<String, Secret>, Box<Outcome>> {
        let (none, renewer) = (IndexMap::new(), self.renewer(integration)?);
        prepare::secrets_for(&self.resolver, integration, definition, &none, destinations, &renewer).await
    }

    fn renewer(&self, integration: &Integration) -> Result<Arc<dyn Renew>, Box<Outcome>> {
        let wrong = |why: String| Box::new(Outcome::of(Cause::Misconfigured, Timestamp::now(), "TLS settings", &why));
        Ok(Arc::new(Renewer(self.client(integration).map_err(wrong)?)))
    }

    /// The TLS configuration of an integration's policy.
    pub(super) fn tls(&self, integration: &Integration) -> Result<Arc<rustls::ClientConfig>, String> {
        self.clients.get(&policy(integration)).map(|c| c.tls)
    }
}

fn not_built_in(feature: &str) -> Outcome {
    let why = format!("this build has no '{feature}': build with the feature '{feature}'");
    Outcome::of(Cause::NotInstalled, Timestamp::now(), "not built in", &why)
}

fn coded(definition: &Definition) -> Option<CodedKind> {
    match definition.probe {
        Probe::Coded(kind) => Some(kind),
        Probe::Http(_) => None,
    }
}

fn policy(integration: &Integration) -> Policy {
    Policy { ca_file: integration.ca_file.as_ref().map(PathBuf::from), insecure: integration.insecure }
}

/// Adds the warnings that hold for every kind of check, and turns a declared scope's lack into the verdict.
fn warn(mut outcome: Outcome, integration: &Integration) -> Outcome {
    if outcome.status() != Status::Active {
        return outcome;
    }
    let lacking = outcome.warnings.iter().find_map(|w| match w {
        Warning::MissingScope { scope } => integration.needs_scopes.iter().find(|n| scope.contains(n.as_str())),
        _ => None,
    });
    if let Some(scope) = lacking {
        outcome.cause = Cause::MissingScope;
        outcome.evidence.seen = format!("the scope '{scope}' is declared as needed");
        return outcome;
    }
    let days = |at: Timestamp| (at.as_second() - outcome.at.as_second()).div_euclid(86_400);
    let mut more = Vec::new();
    for quota in &outcome.quotas {
        if let Some(share) = quota.share_left().filter(|s| *s < LOW) {
            more.push(Warning::QuotaLow { quota: quota.name.clone(), percent_left: (share * 100.0) as u8 });
        }
    }
    let expires = [outcome.credential_expires, integration.expires].into_iter().flatten().min();
    if let Some(at) = expires.filter(|at| days(*at) <= CREDENTIAL_DAYS) {
        more.push(Warning::CredentialExpires { at });
    }
    let told = outcome.warnings.iter().any(|w| matches!(w, Warning::CertificateExpires { .. }));
    if let Some(at) = outcome.certificate_expires.filter(|at| !told && days(*at) <= CERTIFICATE_DAYS) {
        more.push(Warning::CertificateExpires { at });
    }
    if integration.slow.zip(outcome.latency).is_some_and(|(slow, latency)| latency > slow) {
        more.push(Warning::Slow);
    }
    if integration.insecure {
        more.push(Warning::Insecure);
    }
    outcome.warnings.extend(more);
    outcome
}
