//! `secret set|list|remove`: the vault from the command line.

use super::{Answer, Exit, Failure, Out, world};
use crate::{
    model::{Secret, id::is_valid_name},
    secrets::{Vault, VaultError},
};
use std::{
    io::{IsTerminal, Read},
    path::PathBuf,
};
use zeroize::Zeroizing;

/// Longest secret taken, in bytes.
const MAX: u64 = 64 * 1024;

/// What to do with the vault.
#[derive(Debug, clap::Subcommand)]
pub enum SecretCommand {
    /// Store a secret, asked for on the terminal or read from standard input. Refer to it as `vault:NAME`.
    Set {
        /// The entry's name.
        name: String,
    },
    /// List the names of the entries; never their values.
    List,
    /// Remove an entry.
    Remove {
        /// The entry's name.
        name: String,
    },
}

impl From<VaultError> for Failure {
    fn from(error: VaultError) -> Self {
        Failure::new(Exit::Failed, error.to_string())
    }
}

pub(super) fn run(config: Option<PathBuf>, command: SecretCommand, out: &mut Out) -> Answer {
    let paths = world::paths(config)?;
    let vault = Vault::new(&paths.vault, &paths.identity);
    match command {
        SecretCommand::Set { name } => {
            if !is_valid_name(&name) {
                return Err(Failure::new(
                    Exit::Usage,
                    crate::model::id::InvalidName(crate::model::text::sanitize(&name, 80)).to_string(),
                ));
            }
            let secret = read(&format!("Secret for '{name}': "))?;
            paths.create()?;
            vault.set(&name, &secret)?;
            if out.json {
                out.value(&serde_json::json!({ "stored": name, "reference": format!("vault:{name}") }))?;
            } else {
                out.line(&format!("Stored. Refer to it in config.toml as \"vault:{name}\"."))?;
            }
        }
        SecretCommand::List => {
            let entries = vault.list()?;
            if out.json {
                let list: Vec<_> =
                    entries.iter().map(|(n, t)| serde_json::json!({ "name": n, "stored": t.stored })).collect();
                out.value(&list)?;
            } else if entries.is_empty() {
                out.line("The vault is empty. Store a secret with: lampboard secret set NAME")?;
            } else {
                out.table(
                    &["NAME", "STORED"],
                    &entries.iter().map(|(n, t)| vec![n.clone(), t.stored.to_string()]).collect::<Vec<_>>(),
                )?;
            }
        }
        SecretCommand::Remove { name } => {
            if !vault.remove(&name)? {
                return Err(Failure::new(
                    Exit::NotFound,
                    format!("no vault entry '{}'", crate::model::text::sanitize(&name, 80)),
                ));
            }
            if out.json {
                out.value(&serde_json::json!({ "removed": name }))?;
            } else {
                out.line(&format!("Removed '{name}' from the vault."))?;
            }
        }
    }
    Ok(Exit::Good)
}

/// Asks for a secret without echo, or reads standard input when it is no terminal.
pub(super) fn read(prompt: &str) -> Result<Secret, Failure> {
    let mut text = if std::io::stdin().is_terminal() {
        Zeroizing::new(rpassword::prompt_password(prompt)?)
    } else {
        let mut text = Zeroizing::new(String::new());
        std::io::stdin()
            .take(MAX + 1)
            .read_to_string(&mut text)
            .map_err(|_| Failure::new(Exit::Failed, "standard input is not text"))?;
        text
    };
    if text.len() as u64 > MAX {
        return Err(Failure::new(Exit::Failed, "the secret is longer than 64 KiB"));
    }
    let kept = text.trim_end_matches(['\r', '\n']).len();
    text.truncate(kept);
    if text.is_empty() {
        return Err(Failure::new(Exit::Failed, "the secret is empty: nothing was stored"));
    }
    Ok(Secret::new(std::mem::take(&mut text)))
}
