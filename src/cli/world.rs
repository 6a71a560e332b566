//! Opens what a subcommand needs: paths, configuration, definitions, vault, history, log.

use super::{Exit, Failure, Out};
use crate::{
    config::{Config, Paths},
    model::IntegrationId,
    monitor::{Handle, Started},
    providers::{Problem, Registry},
    secrets::{Audit, Resolver, Vault},
    store::{Retention, Store},
};
use std::{path::PathBuf, sync::Arc};

/// The environment variables that lie over the file's settings.
pub fn env_layer() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
}

/// Where files lie, `--config` applied.
pub fn paths(config: Option<PathBuf>) -> Result<Paths, Failure> {
    let home = std::env::var_os("LAMPBOARD_HOME").filter(|h| !h.is_empty()).map(PathBuf::from);
    let mut paths = Paths::find(home)?;
    if let Some(file) = config {
        if !file.exists() {
            return Err(Failure::new(Exit::BadConfig, format!("no configuration file at '{}'", file.display())));
        }
        paths.config = file;
    }
    Ok(paths)
}

/// A definition file's complaint as one line.
pub fn problem_text(problem: &Problem) -> String {
    match (problem.line, problem.column) {
        (Some(line), Some(column)) => format!("{}:{line}:{column}: {}", problem.file.display(), problem.message),
        (Some(line), None) => format!("{}:{line}: {}", problem.file.display(), problem.message),
        _ => format!("{}: {}", problem.file.display(), problem.message),
    }
}

/// Everything a command works with.
pub struct World {
    /// Where files lie.
    pub paths: Paths,
    /// config.toml.
    pub config: Config,
    /// Definitions.
    pub registry: Registry,
    /// Secrets.
    pub resolver: Resolver,
    /// Complaints about definitions.
    pub problems: Vec<String>,
}

impl World {
    /// Reads files; makes none. A wrong config.toml is a failure with every complaint.
    pub fn open(config: Option<PathBuf>) -> Result<World, Failure> {
        let paths = paths(config)?;
        let config = Config::load(&paths.config).and_then(|c| c.with_env(env_layer())).map_err(|diagnostics| {
            let all: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
            Failure::new(Exit::BadConfig, all.join("\n"))
        })?;
        let (registry, problems) = Registry::load(Some(&paths.providers), None);
        let resolver = Resolver::new(Arc::new(vault(&paths)));
        Ok(World { paths, config, registry, resolver, problems: problems.iter().map(problem_text).collect() })
    }

    /// The history on disk (made when missing); messages go to standard error.
    pub fn store(&self, out: &mut Out) -> Store {
        if let Err(error) = self.paths.create() {
            out.complain(&format!("cannot make the folders: {error}; the history stays in memory"));
        }
        let (store, messages) = Store::open(&self.paths.history, retention(&self.config));
        for message in messages {
            out.complain(&message);
        }
        store
    }

    /// The id, if config.toml has it.
    pub fn id(&self, name: &str) -> Result<IntegrationId, Failure> {
        self.config
            .entries
            .iter()
            .map(|e| &e.integration.id)
            .find(|id| id.as_str() == name)
            .cloned()
            .ok_or_else(|| Failure::new(Exit::NotFound, self.not_found(name)))
    }

    fn not_found(&self, name: &str) -> String {
        let known: Vec<&str> = self.config.entries.iter().map(|e| e.integration.id.as_str()).collect();
        let name = crate::model::text::sanitize(name, 80);
        if known.is_empty() {
            return format!("no integration '{name}': there is none yet. Add one with: lampboard add PROVIDER NAME");
        }
        let near = crate::config::suggest::hint(&name, known.iter().copied());
        let mut listed = known.iter().take(12).copied().collect::<Vec<_>>().join(", ");
        if known.len() > 12 {
            listed.push_str(", …");
        }
        format!("no integration '{name}'{near}. There are: {listed}")
    }

    /// What the monitor starts from.
    pub fn started(self, store: Store, watch_files: bool) -> Started {
        Started {
            config: self.config,
            registry: self.registry,
            paths: self.paths,
            resolver: self.resolver,
            store,
            problems: self.problems,
            watch_files,
        }
    }
}

/// How long rows are kept, by the settings.
pub fn retention(config: &Config) -> Retention {
    Retention {
        raw: config.settings.keep_raw,
        minutes: config.settings.keep_minutes,
        hours: config.settings.keep_hours,
    }
}

/// A multi-threaded runtime.
pub fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    // Checks wait for others nearly all their time: more threads would cost memory and nothing else.
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().thread_name("lampboard").build()?)
}

/// The vault, with this process's environment to unlock it and the audit log to tell of it.
pub fn vault(paths: &Paths) -> Vault {
    let env = Arc::new(|name: &str| std::env::var(name).ok());
    Vault::with_env(&paths.vault, &paths.identity, env).with_audit(Audit::new(&paths.audit))
}

/// A monitor that checks only when asked.
pub fn idle_monitor(started: Started) -> Result<Handle, Failure> {
    Ok(Handle::start_idle(started)?)
}
