//! Which integrations the user paused: a small file that outlives the program.

use crate::{config::paths::write_private, model::IntegrationId};
use std::{collections::BTreeSet, path::Path};

#[derive(Default, serde::Serialize, serde::Deserialize)]
struct File {
    #[serde(default)]
    paused: BTreeSet<IntegrationId>,
}

/// Reads it; a missing or damaged file pauses nothing.
pub fn read(path: &Path) -> BTreeSet<IntegrationId> {
    let Ok(text) = std::fs::read_to_string(path) else { return BTreeSet::new() };
    toml::from_str::<File>(&text).map(|f| f.paused).unwrap_or_else(|error| {
        tracing::warn!(error = error.message(), "the list of paused integrations is damaged");
        BTreeSet::new()
    })
}

/// Writes it. Errors with a sentence.
pub fn write(path: &Path, paused: &BTreeSet<IntegrationId>) -> Result<(), String> {
    let text = toml::to_string(&File { paused: paused.clone() }).map_err(|e| e.to_string())?;
    write_private(path, text.as_bytes()).map_err(|e| format!("cannot write '{}': {e}", path.display()))
}
