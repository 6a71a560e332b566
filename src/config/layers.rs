//! The environment's layer: `LAMPBOARD__TABLE__KEY=value` over what the file says.

use super::{
    Config, Diagnostic, Settings,
    file::Entry,
    schema::Raw,
    settings::{self, TABLES},
    suggest,
};
use std::path::Path;

const PREFIX: &str = "LAMPBOARD__";

/// Lays the variables over the settings; all complaints at once. Other variables are left alone.
pub(super) fn with_env(
    mut config: Config,
    vars: impl Iterator<Item = (String, String)>,
) -> Result<Config, Vec<Diagnostic>> {
    let mut vars: Vec<(String, String)> = vars.filter(|(name, _)| name.starts_with(PREFIX)).collect();
    vars.sort();
    if vars.is_empty() {
        return Ok(config);
    }
    let mut complaints = Vec::new();
    for (name, value) in &vars {
        if let Err(message) = apply(&mut config.settings, &name[PREFIX.len()..], value) {
            complaints.push(complaint(name, message));
        }
    }
    if complaints.is_empty() {
        for (table, key, message) in settings::contradictions(&config.settings) {
            complaints.push(complaint(&variable(table, key), message));
        }
    }
    let settings = &config.settings;
    for entry in &mut config.entries {
        inherit(entry, settings);
        let integration = &entry.integration;
        if complaints.is_empty()
            && let Some(message) = settings::timeout_too_long(integration.timeout, integration.interval)
        {
            complaints.push(complaint(&format!("integration '{}'", integration.id), message));
        }
    }
    if complaints.is_empty() { Ok(config) } else { Err(complaints) }
}

fn complaint(about: &str, message: String) -> Diagnostic {
    let about = crate::model::text::sanitize(about, 100);
    Diagnostic::whole(Path::new("environment"), format!("{about}: {message}"))
}

fn variable(table: &str, key: &str) -> String {
    format!("{PREFIX}{}__{}", table.to_ascii_uppercase(), key.to_ascii_uppercase())
}

fn apply(settings: &mut Settings, name: &str, value: &str) -> Result<(), String> {
    let name = name.to_ascii_lowercase();
    let (table, key) = name.split_once("__").unwrap_or((&name, ""));
    if !TABLES.contains(&table) {
        return Err(match suggest::nearest(table, TABLES) {
            Some(meant) => {
                format!("there is no such setting; did you mean '{PREFIX}{}__…'?", meant.to_ascii_uppercase())
            }
            None => {
                format!("only {} can be set from the environment; write the rest in config.toml", TABLES.join(", "))
            }
        });
    }
    let Some(row) = settings::find(table, key) else {
        return Err(match suggest::nearest(key, settings::keys(table)) {
            Some(meant) => format!("there is no such setting; did you mean '{}'?", variable(table, meant)),
            None => {
                let known: Vec<String> = settings::keys(table).map(|key| variable(table, key)).collect();
                format!("there is no such setting; known are {}", known.join(", "))
            }
        });
    };
    let value = row.rule.read(Raw::Variable(value)).map_err(|wanted| format!("must be {wanted}"))?;
    (row.apply)(settings, value);
    Ok(())
}

/// What an integration does not say for itself follows the board.
fn inherit(entry: &mut Entry, settings: &Settings) {
    let Entry { integration, positions, .. } = entry;
    let own = |key: &str| positions.contains_key(key);
    if !own(".interval") {
        integration.interval = settings.interval;
    }
    if !own(".timeout") {
        integration.timeout = settings.timeout;
    }
    if !own(".attempts") {
        integration.attempts = settings.attempts;
    }
    if !own(".failures_to_open") {
        integration.failures_to_open = settings.failures_to_open;
    }
    if !own(".successes_to_close") {
        integration.successes_to_close = settings.successes_to_close;
    }
}
