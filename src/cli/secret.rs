//! `secret set|list|remove`: the vault from the command line.

use super::{Answer, Exit, Failure, Out, world};
use crate::{
    model::{CredentialFacts, Secret, SecretRef, Status, id::is_valid_name},
    secrets::VaultError,
};
use std::{
    collections::HashMap,
    io::{IsTerminal, Read},
    path::PathBuf,
};
use zeroize::Zeroizing;

/// Longest secret taken, in bytes.
const MAX: u64 = 64 * 1024;
/// So many checks back a proof is looked for.
const PROOFS: usize = 1000;

/// What to do with the vault.
#[derive(Debug, clap::Subcommand)]
pub enum SecretCommand {
    /// Store a secret, asked for on the terminal or read from standard input. Refer to it as `vault:NAME`.
    Set {
        /// The entry's name.
        name: String,
    },
    /// List the entries and what is known of each: who uses it, where it may go, when it dies. Never the values.
    List,
    /// Replace a value: tested first with every integration that uses it. A failed rotation changes nothing.
    Rotate {
        /// The entry's name.
        name: String,
        /// The new value belongs to another account, and that is meant.
        #[arg(long)]
        other_account: bool,
    },
    /// Put the value before the last rotation back.
    RollBack {
        /// The entry's name.
        name: String,
    },
    /// Let an entry go to other hosts too.
    Allow {
        /// The entry's name.
        name: String,
        /// Host and port each: `api.example.org:443`.
        #[arg(required = true, value_name = "HOST")]
        hosts: Vec<String>,
    },
    /// Say when a credential dies, where its service does not tell.
    Expires {
        /// The entry's name.
        name: String,
        /// A day such as 2027-01-31, or `never` to forget it.
        date: String,
    },
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
    if let SecretCommand::Rotate { name, other_account } = &command {
        return super::rotate::run(config, name, *other_account, out);
    }
    let world = world::World::open(config.clone()).ok();
    let users = world.as_ref().map(users).unwrap_or_default();
    let paths = world::paths(config)?;
    let vault = world::vault(&paths);
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
        SecretCommand::Rotate { .. } => {}
        SecretCommand::RollBack { name } => {
            vault.roll_back(&name)?;
            done(out, serde_json::json!({ "rolled_back": name }), &format!("'{name}' has its earlier value again."))?;
        }
        SecretCommand::Allow { name, hosts } => {
            for host in &hosts {
                vault.allow(&name, host)?;
            }
            let there = hosts.join(" and ");
            done(
                out,
                serde_json::json!({ "allowed": hosts, "entry": name }),
                &format!("'{name}' may go to {there} too."),
            )?;
        }
        SecretCommand::Expires { name, date } => {
            let at = instant(&date)?;
            vault.set_expiry(&name, at)?;
            done(out, serde_json::json!({ "entry": name, "expires": at }), "Noted.")?;
        }
        SecretCommand::List => {
            let entries = vault.list()?;
            let proved = world.as_ref().map_or_else(|| Ok(HashMap::new()), |w| last_proofs(w, &users, out))?;
            let proof =
                |name: &str, facts: &CredentialFacts| proved.get(name).copied().filter(|at| *at >= facts.valued());
            if out.json {
                let list: Vec<_> = entries
                    .iter()
                    .map(|(name, facts)| {
                        serde_json::json!({
                            "name": name, "stored": facts.stored, "rotated": facts.rotated, "expires": facts.expires,
                            "hosts": facts.hosts, "account": facts.account, "can_roll_back": facts.can_roll_back,
                            "renews": facts.renews, "proved": proof(name, facts),
                            "used_by": used_by(&users, name),
                        })
                    })
                    .collect();
                out.value(&list)?;
            } else if entries.is_empty() {
                out.line("The vault is empty. Store a secret with: lampboard secret set NAME")?;
            } else {
                let rows: Vec<_> = entries.iter().map(|(n, f)| row(n, f, proof(n, f), &used_by(&users, n))).collect();
                out.table(&["NAME", "STORED", "ROTATED", "PROVED", "EXPIRES", "MAY GO TO", "USED BY"], &rows)?;
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

fn done(out: &mut Out, value: serde_json::Value, sentence: &str) -> Result<(), Failure> {
    if out.json {
        out.value(&value)?
    } else {
        out.line(sentence)?
    }
    Ok(())
}

/// Entry and integration, for every use in config.toml. A wrong config.toml uses nothing: `config check` tells why.
fn users(world: &world::World) -> Vec<(String, String)> {
    let (integrations, _) = crate::monitor::bind::bind(&world.config, &world.registry);
    let mut users = Vec::new();
    for integration in integrations {
        for (_, reference) in integration.secrets() {
            if let SecretRef::Vault(entry) = reference {
                users.push((entry.clone(), integration.id.to_string()));
            }
        }
    }
    users
}

fn used_by(users: &[(String, String)], entry: &str) -> Vec<String> {
    users.iter().filter(|(e, _)| e == entry).map(|(_, id)| id.clone()).collect()
}

/// When each entry was last seen to work, as far back as single checks are kept.
fn last_proofs(
    world: &world::World,
    users: &[(String, String)],
    out: &mut Out,
) -> Result<HashMap<String, jiff::Timestamp>, Failure> {
    let mut proved = HashMap::new();
    if !world.paths.history.exists() {
        return Ok(proved);
    }
    let store = world.store(out);
    world::runtime()?.block_on(async {
        for (entry, user) in users {
            let Ok(id) = crate::model::IntegrationId::new(user) else { continue };
            let rows = store.rows(id, PROOFS).await.unwrap_or_default();
            let good = rows.iter().filter(|row| row.status() == Status::Active).map(|row| row.at).max();
            let known = proved.get(entry).copied();
            proved.extend(good.max(known).map(|at| (entry.clone(), at)));
        }
    });
    Ok(proved)
}

fn row(name: &str, facts: &CredentialFacts, proved: Option<jiff::Timestamp>, users: &[String]) -> Vec<String> {
    let day = |at: jiff::Timestamp| at.strftime("%Y-%m-%d").to_string();
    let or = |text: String, otherwise: &str| if text.is_empty() { otherwise.to_owned() } else { text };
    let mut rotated = facts.rotated.map(day).unwrap_or_default();
    if facts.can_roll_back {
        rotated.push_str(" (can roll back)");
    }
    vec![
        name.to_owned(),
        day(facts.stored),
        or(rotated, "-"),
        or(proved.map(|at| at.strftime("%F %H:%M").to_string()).unwrap_or_default(), "not yet"),
        or(facts.expires.map(day).unwrap_or_default(), if facts.renews { "renews itself" } else { "-" }),
        or(facts.hosts.join(", "), "anywhere yet"),
        or(users.join(", "), "nobody"),
    ]
}

/// The start of a day in UTC; `never`: none.
fn instant(text: &str) -> Result<Option<jiff::Timestamp>, Failure> {
    if text == "never" {
        return Ok(None);
    }
    let day: Option<jiff::civil::Date> = text.parse().ok();
    let at = day.and_then(|d| d.to_zoned(jiff::tz::TimeZone::UTC).ok()).map(|z| z.timestamp());
    let shown = crate::model::text::sanitize(text, 40);
    at.map(Some).ok_or_else(|| {
        Failure::new(Exit::Usage, format!("'{shown}' is not a day: write one like 2027-01-31, or never"))
    })
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
