//! The demo's throw-away home: folders, vault, configuration; gone when dropped.

use super::{
    script::Script,
    server::{Service, serve},
};
use crate::{
    config::{Config, Paths},
    model::Secret,
    monitor::Started,
    providers::{Definition, Probe, Registry},
    secrets::{Resolver, Vault},
    store::{Retention, Store},
};
use std::{fmt::Write, sync::Arc, time::Duration};

/// Time between two checks in the demo: the shortest the configuration allows.
const INTERVAL: Duration = Duration::from_secs(5);

/// Who plays what: name, provider, behaviour, tags.
const CAST: &[(&str, &str, Script, &str)] = &[
    ("openai-prod", "openai", Script::Draining, "ai"),
    ("anthropic", "anthropic", Script::Good, "ai"),
    ("gemini", "google_ai", Script::Slow(Duration::from_millis(900)), "ai"),
    ("azure-eu", "azure_openai", Script::Outage, "ai"),
    ("github", "github", Script::Draining, "dev"),
    ("github-ci", "github", Script::Revoked, "dev"),
    ("gitlab", "gitlab", Script::Good, "dev"),
    ("jira", "jira", Script::Flapping, "dev"),
    ("slack", "slack", Script::Good, "chat"),
    ("cloudflare", "cloudflare", Script::Firewall, "infra"),
    ("search", "elasticsearch", Script::Good, "infra"),
];

/// A home that exists only for the demo.
pub struct DemoHome {
    folder: tempfile::TempDir,
}

fn text(error: impl std::fmt::Display) -> String {
    format!("the demo cannot start: {error}")
}

impl DemoHome {
    /// Makes the folder.
    pub fn new() -> Result<DemoHome, String> {
        let folder = tempfile::Builder::new().prefix("lampboard-demo-").tempdir().map_err(text)?;
        Ok(DemoHome { folder })
    }

    /// Starts the servers, fills the vault, writes the configuration. Must run inside a runtime.
    pub async fn prepare(&self) -> Result<Started, String> {
        let paths = Paths::under(self.folder.path());
        paths.create().map_err(text)?;
        let vault = Arc::new(Vault::new(&paths.vault, &paths.identity));
        let registry = lively(&Registry::built_in());
        let mut config = String::from(
            "# Made for the demo; gone when it ends.\n[board]\ninterval = \"5s\"\ntimeout = \"4s\"\nattempts = 1\n",
        );
        for (name, provider, script, tag) in CAST {
            let definition = registry.get(provider).ok_or_else(|| text(format!("no definition '{provider}'")))?;
            config.push_str(&integration(name, definition, *script, tag, &vault).await?);
        }
        config.push_str(&own_machine(&registry).await?);
        crate::config::paths::write_private(&paths.config, config.as_bytes()).map_err(text)?;
        let config = Config::load(&paths.config)
            .map_err(|d| text(d.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")))?;
        let retention = Retention {
            raw: config.settings.keep_raw,
            minutes: config.settings.keep_minutes,
            hours: config.settings.keep_hours,
        };
        let (store, problems) = Store::open(&paths.history, retention);
        let resolver = Resolver::new(vault).with_env(|_| None);
        Ok(Started { config, registry, paths, resolver, store, problems, watch_files: false })
    }
}

/// The definitions with their floors lowered to the demo's interval: its servers are ours to ask.
fn lively(registry: &Registry) -> Registry {
    Registry::of(registry.iter().map(|d| {
        let mut definition =
            Definition { min_interval: INTERVAL, limits: crate::providers::Limits::default(), ..(**d).clone() };
        if let Probe::Http(probe) = &mut definition.probe {
            probe.on_one_host();
        }
        definition
    }))
}

/// One server and the table that points at it.
async fn integration(
    name: &str,
    definition: &Arc<Definition>,
    script: Script,
    tag: &str,
    vault: &Arc<Vault>,
) -> Result<String, String> {
    let mut credentials = Vec::new();
    let mut fields = String::new();
    for field in definition.fields.values().filter(|f| f.name != "base_url") {
        let Some(example) = &field.example else { continue };
        if field.secret {
            let entry = format!("{name}-{}", field.name.replace('_', "-"));
            let (vault, secret, stored) = (vault.clone(), Secret::new(example.clone()), entry.clone());
            tokio::task::spawn_blocking(move || vault.set(&stored, &secret)).await.map_err(text)?.map_err(text)?;
            credentials.push(example.clone());
            let _ = writeln!(fields, "{} = \"vault:{entry}\"", field.name);
        } else if field.required {
            let _ = writeln!(fields, "{} = {}", field.name, toml::Value::String(example.clone()));
        }
    }
    let address = serve(Service { definition: definition.clone(), script, credentials }).await.map_err(text)?;
    Ok(format!(
        "\n[integrations.{name}]\nprovider = \"{}\"\ntags = [\"{tag}\"]\nslow = \"700ms\"\n\n[integrations.{name}.fields]\nbase_url = \"http://{address}\"\n{fields}",
        definition.id
    ))
}

/// Integrations without a vendor: a page, a port, a program.
async fn own_machine(registry: &Registry) -> Result<String, String> {
    let github = registry.get("github").ok_or_else(|| text("no definition 'github'"))?;
    let page = serve(Service { definition: github.clone(), script: Script::Good, credentials: Vec::new() })
        .await
        .map_err(text)?;
    Ok(format!(
        "\n[integrations.homepage]\nprovider = \"http\"\ntags = [\"own\"]\n[integrations.homepage.fields]\nurl = \"http://{page}/\"\n\
         \n[integrations.port]\nprovider = \"tcp\"\ntags = [\"own\"]\n[integrations.port.fields]\nhost = \"127.0.0.1\"\nport = {}\n\
         \n[integrations.backup]\nprovider = \"command\"\ntags = [\"own\"]\n[integrations.backup.fields]\ncommand = [\"true\"]\n",
        page.port()
    ))
}
