//! `vault status|unlock|lock|rekey|export|import`: the file that holds the secrets, and what opens it.

use super::{Answer, Exit, Failure, Out, secret::read, world};
use crate::{
    model::Secret,
    secrets::{Method, Target, VaultStatus, keyring},
};
use std::{io::IsTerminal, path::PathBuf};

/// What to do with the vault.
#[derive(Debug, clap::Subcommand)]
pub enum VaultCommand {
    /// Tell how it stands and what opens it.
    Status,
    /// Open a vault sealed with a passphrase for this session's programs, until `lock` or logout.
    Unlock,
    /// Forget what `unlock` opened.
    Lock,
    /// Make a new key, and choose what opens the vault from now on.
    Rekey {
        /// Where the new key lies: as now without this.
        #[arg(long, value_enum)]
        method: Option<MethodArg>,
    },
    /// Write every entry into a new file sealed with a passphrase; `age` opens it.
    Export {
        /// The new file.
        file: PathBuf,
    },
    /// Take the entries of an exported file in.
    Import {
        /// The exported file.
        file: PathBuf,
        /// Replace entries that have another value here.
        #[arg(long)]
        replace: bool,
    },
}

/// What may open the vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum MethodArg {
    /// A file that only you can read.
    KeyFile,
    /// A passphrase.
    Passphrase,
    /// The system's keyring.
    Keyring,
}

pub(super) fn run(config: Option<PathBuf>, command: VaultCommand, out: &mut Out) -> Answer {
    let paths = world::paths(config)?;
    let vault = world::vault(&paths);
    match command {
        VaultCommand::Status => {
            let status = vault.status();
            if out.json {
                out.value(&status)?;
            } else {
                say(&status, out)?;
            }
            return Ok(if status.problem.is_some() { Exit::Failed } else { Exit::Good });
        }
        VaultCommand::Unlock => {
            let copy = vault.unlock(&read("Passphrase: ")?, true)?;
            let copy = copy.map(|p| p.display().to_string()).unwrap_or_default();
            answer(
                out,
                serde_json::json!({ "unlocked": copy }),
                &format!("Unlocked until `lampboard vault lock` or the end of this session (the key lies in {copy})."),
            )?;
        }
        VaultCommand::Lock => {
            if !vault.lock()? {
                return Err(Failure::new(
                    Exit::Failed,
                    "a key file opens this vault, so there is nothing to lock. A passphrase: lampboard vault rekey --method passphrase",
                ));
            }
            answer(out, serde_json::json!({ "locked": true }), "Locked.")?;
        }
        VaultCommand::Rekey { method } => {
            unlock_if_asked(&vault)?;
            let now = vault.status().method;
            let target = match method.or(now.and_then(as_arg)).unwrap_or(MethodArg::KeyFile) {
                MethodArg::KeyFile => Target::KeyFile,
                MethodArg::Passphrase => Target::Passphrase(new_passphrase()?),
                MethodArg::Keyring => {
                    keyring::probe().map_err(|e| {
                        Failure::new(Exit::Failed, format!("{e}; the vault stays as it is. A passphrase works everywhere: lampboard vault rekey --method passphrase"))
                    })?;
                    Target::Keyring
                }
            };
            vault.rekey(&target)?;
            let method = vault.status().method;
            let label = method.map_or("nothing", Method::label);
            answer(
                out,
                serde_json::json!({ "method": method }),
                &format!("A new key. The vault is opened by: {label}."),
            )?;
        }
        VaultCommand::Export { file } => {
            unlock_if_asked(&vault)?;
            let count = vault.export(&file, &new_passphrase()?)?;
            answer(
                out,
                serde_json::json!({ "exported": count }),
                &format!("{count} entries are in '{}'.", file.display()),
            )?;
        }
        VaultCommand::Import { file, replace } => {
            unlock_if_asked(&vault)?;
            let done = vault.import(&file, &read("Passphrase of the file: ")?, replace)?;
            let kept = if done.kept.is_empty() {
                String::new()
            } else {
                format!(" Kept, because another value is here (--replace takes theirs): {}.", done.kept.join(", "))
            };
            let sentence = format!("{} added, {} replaced.{kept}", done.added.len(), done.replaced.len());
            answer(out, serde_json::json!(done), &sentence)?;
        }
    }
    Ok(Exit::Good)
}

fn answer(out: &mut Out, value: serde_json::Value, sentence: &str) -> Result<(), Failure> {
    if out.json {
        out.value(&value)?
    } else {
        out.line(sentence)?
    }
    Ok(())
}

/// A locked vault asks for its passphrase where somebody can answer.
pub(super) fn unlock_if_asked(vault: &crate::secrets::Vault) -> Result<(), Failure> {
    if vault.is_locked() && vault.status().method == Some(Method::Passphrase) && std::io::stdin().is_terminal() {
        vault.unlock(&read("Passphrase of the vault: ")?, false)?;
    }
    Ok(())
}

fn new_passphrase() -> Result<Secret, Failure> {
    let first = read("New passphrase (12 characters or more): ")?;
    if std::io::stdin().is_terminal() && read("Once more: ")? != first {
        return Err(Failure::new(Exit::Failed, "the two are not the same; nothing was changed"));
    }
    Ok(first)
}

const fn as_arg(method: Method) -> Option<MethodArg> {
    match method {
        Method::KeyFile => Some(MethodArg::KeyFile),
        Method::Passphrase => Some(MethodArg::Passphrase),
        Method::Keyring => Some(MethodArg::Keyring),
        Method::Credential => None,
    }
}

fn say(status: &VaultStatus, out: &mut Out) -> Result<(), Failure> {
    let mut lines = Vec::new();
    match (status.exists, status.locked) {
        (false, _) => lines.push("There is no vault yet; the first secret stored makes one.".to_owned()),
        (true, true) => lines.push("Locked: integrations whose credentials lie in it are not checked.".to_owned()),
        (true, false) => lines.push(match status.entries {
            Some(1) => "Open, 1 entry.".to_owned(),
            Some(count) => format!("Open, {count} entries."),
            None => "Broken.".to_owned(),
        }),
    }
    if let Some(method) = status.method {
        let session = if status.session { ", unlocked for this session" } else { "" };
        lines.push(format!("Opened by: {}{session}.", method.label()));
    }
    lines.extend(status.problem.clone());
    Ok(out.line(&lines.join("\n"))?)
}
