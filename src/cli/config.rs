//! `config path|check|example`.

use super::{Answer, Exit, Failure, Out, keys, world};
use crate::{
    config::{Config, file::EXAMPLE},
    monitor::bind::bind,
    providers::Registry,
};
use std::path::PathBuf;

/// What to do with the configuration.
#[derive(Debug, clap::Subcommand)]
pub enum ConfigCommand {
    /// Print where every file lies.
    Path,
    /// Read config.toml and the user's definitions and tell what is wrong.
    Check,
    /// Print an example with every key, its default and what it does.
    Example,
}

pub(super) fn run(file: Option<PathBuf>, command: ConfigCommand, out: &mut Out) -> Answer {
    match command {
        ConfigCommand::Path => path(file, out),
        ConfigCommand::Check => check(file, out),
        ConfigCommand::Example => {
            out.text(EXAMPLE)?;
            Ok(Exit::Good)
        }
    }
}

fn path(file: Option<PathBuf>, out: &mut Out) -> Answer {
    let paths = world::paths(file)?;
    let rows = [
        ("config", &paths.config),
        ("providers", &paths.providers),
        ("themes", &paths.themes),
        ("history", &paths.history),
        ("vault", &paths.vault),
        ("identity", &paths.identity),
        ("log", &paths.log),
        ("state", &paths.state),
    ];
    if out.json {
        let map: indexmap::IndexMap<_, _> = rows.iter().map(|(k, p)| (*k, p.display().to_string())).collect();
        out.value(&map)?;
    } else {
        let pairs: Vec<_> = rows.iter().map(|(k, p)| ((*k).to_owned(), p.display().to_string())).collect();
        out.pairs(&pairs)?;
    }
    Ok(Exit::Good)
}

fn check(file: Option<PathBuf>, out: &mut Out) -> Answer {
    let paths = world::paths(file)?;
    let (registry, problems) = Registry::load(Some(&paths.providers), None);
    let mut complaints: Vec<String> = problems.iter().map(world::problem_text).collect();
    let mut integrations = 0;
    match Config::load(&paths.config).and_then(|c| c.with_env(world::env_layer())) {
        Ok(config) => {
            let (bound, diagnostics) = bind(&config, &registry);
            integrations = bound.len();
            complaints.extend(diagnostics.iter().chain(&keys::complaints(&config)).map(ToString::to_string));
        }
        Err(diagnostics) => complaints.extend(diagnostics.iter().map(ToString::to_string)),
    }
    if out.json {
        out.value(&serde_json::json!({
            "file": paths.config.display().to_string(),
            "integrations": integrations,
            "complaints": complaints,
        }))?;
        return Ok(if complaints.is_empty() { Exit::Good } else { Exit::BadConfig });
    }
    if complaints.is_empty() {
        let exists = if paths.config.exists() { "is right" } else { "does not exist yet, which is fine" };
        out.line(&format!("{} {exists}: {integrations} integrations", paths.config.display()))?;
        return Ok(Exit::Good);
    }
    Err(Failure::new(Exit::BadConfig, complaints.join("\n")))
}
