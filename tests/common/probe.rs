//! Builds a probe's input from plain pairs, for tests that run a probe against a server.

#![allow(dead_code, reason = "each test file uses a part of it")]

use indexmap::IndexMap;
use lampboard::{
    checks::{Checker, Input, Network},
    model::{FieldValue, Integration, IntegrationId, Outcome, Secret},
    providers::{Definition, Registry},
    secrets::{Resolver, Vault},
};
use std::{path::Path, sync::Arc, time::Duration};

/// Everything an [`Input`] borrows.
pub struct Given {
    integration: Integration,
    fields: IndexMap<String, String>,
    lists: IndexMap<String, Vec<String>>,
    secrets: IndexMap<String, Secret>,
    timeout: Duration,
    tls: Arc<rustls::ClientConfig>,
}

/// An input with these fields, ten seconds and no trusted roots.
pub fn given(fields: &[(&str, &str)]) -> Given {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider knows TLS 1.2 and 1.3")
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    Given {
        integration: Integration {
            id: IntegrationId::new("probe").expect("a valid name"),
            provider: "probe".into(),
            name: "probe".into(),
            tags: Vec::new(),
            fields: IndexMap::new(),
            enabled: true,
            interval: Duration::from_secs(300),
            timeout: Duration::from_secs(10),
            attempts: 1,
            failures_to_open: 1,
            successes_to_close: 1,
            expires: None,
            ca_file: None,
            insecure: false,
            slow: None,
            needs_scopes: Vec::new(),
        },
        fields: fields.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
        lists: IndexMap::new(),
        secrets: IndexMap::new(),
        timeout: Duration::from_secs(10),
        tls: Arc::new(tls),
    }
}

impl Given {
    /// With a list field.
    pub fn list(mut self, name: &str, values: &[&str]) -> Self {
        self.lists.insert(name.into(), values.iter().map(|v| (*v).to_owned()).collect());
        self
    }

    /// With a secret.
    pub fn secret(mut self, name: &str, value: &str) -> Self {
        self.secrets.insert(name.into(), Secret::new(value.into()));
        self
    }

    /// With another limit.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// With a time above which it counts as slow.
    pub fn slow(mut self, slow: Duration) -> Self {
        self.integration.slow = Some(slow);
        self
    }

    /// With a permission that must not be missing.
    pub fn needs(mut self, scope: &str) -> Self {
        self.integration.needs_scopes.push(scope.into());
        self
    }

    /// With a file of trusted roots, as the user names one.
    pub fn ca_file(mut self, file: &Path) -> Self {
        self.integration.ca_file = Some(file.display().to_string());
        self
    }

    /// With these trusted roots.
    pub fn trusting(mut self, root: rustls::pki_types::CertificateDer<'static>) -> Self {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(root).expect("a readable certificate");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider knows TLS 1.2 and 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        self.tls = Arc::new(config);
        self
    }

    /// One attempt as the program makes it, with all that surrounds a probe.
    pub async fn checked(&self, provider: &str) -> Outcome {
        self.checked_by(&checker(), provider).await
    }

    /// The same by a checker that made others before.
    pub async fn checked_by(&self, checker: &Checker, provider: &str) -> Outcome {
        let (integration, definition) = self.whole(provider);
        checker.attempt_as(&integration, &definition, &self.secrets).await
    }

    /// The hosts and ports that such an attempt's secrets may go to.
    pub fn destinations(&self, provider: &str) -> Vec<String> {
        let (integration, definition) = self.whole(provider);
        checker().destinations(&integration, &definition)
    }

    fn whole(&self, provider: &str) -> (Integration, Arc<Definition>) {
        let mut integration = self.integration.clone();
        integration.fields = self.fields.iter().map(|(k, v)| (k.clone(), FieldValue::Text(v.clone()))).collect();
        integration.fields.extend(self.lists.iter().map(|(k, v)| (k.clone(), FieldValue::List(v.clone()))));
        integration.timeout = self.timeout;
        let definition = Registry::built_in().get(provider).expect("a built-in provider").clone();
        (integration, definition)
    }

    /// Fails if the outcome tells one of the secrets.
    pub fn assert_hidden(&self, outcome: &Outcome) {
        let all = everything(outcome);
        for (name, secret) in &self.secrets {
            assert!(secret.expose().is_empty() || !all.contains(secret.expose()), "'{name}' shows: {all}");
        }
    }

    /// An integration without fields.
    pub fn integration(&self) -> Integration {
        self.integration.clone()
    }

    /// What the probe is given.
    pub fn input(&self) -> Input<'_> {
        Input {
            integration: &self.integration,
            fields: &self.fields,
            lists: &self.lists,
            secrets: &self.secrets,
            timeout: self.timeout,
            tls: self.tls.clone(),
        }
    }
}

/// A checker without a vault.
pub fn checker() -> Checker {
    let vault = Arc::new(Vault::new(Path::new("/nonexistent/vault"), Path::new("/nonexistent/identity")));
    Checker::new(&Network::default(), Resolver::new(vault)).expect("a checker")
}

/// Everything printable about an outcome, to search for what must not be in it.
pub fn everything(outcome: &Outcome) -> String {
    format!("{outcome:?} {}", serde_json::to_string(outcome).expect("outcomes are plain data"))
}
