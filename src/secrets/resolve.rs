//! From a reference to the secret, read fresh each time.

use super::{
    command, ini, keyring, private,
    renew::{Renew, Renewals},
};
use crate::model::{Cause, Secret, SecretRef, secret::file_in_one_line, text::sanitize};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use zeroize::Zeroizing;

const MAX_BYTES: usize = 64 << 10;
/// Largest INI file: it may hold much beside the secret.
const MAX_INI: usize = 1 << 20;
const COMMAND_LIMIT: Duration = Duration::from_secs(10);

/// Why a reference gave no secret. Never quotes one.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct ResolveError {
    /// The cause to show: `missing_credential`, `locked`, `misconfigured`; what a renewal failed of.
    pub cause: Cause,
    /// What is wrong and what to do.
    pub message: String,
}

impl ResolveError {
    fn missing(message: impl Into<String>) -> Self {
        ResolveError { cause: Cause::MissingCredential, message: message.into() }
    }

    fn misconfigured(message: impl Into<String>) -> Self {
        ResolveError { cause: Cause::Misconfigured, message: message.into() }
    }
}

/// Looks a variable up.
pub(super) type Environment = dyn Fn(&str) -> Option<String> + Send + Sync;

/// Resolves references. Cheap to clone.
#[derive(Clone)]
pub struct Resolver {
    /// The vault asked for `vault:` references.
    pub vault: Arc<super::Vault>,
    env: Arc<Environment>,
    renewals: Renewals,
}

impl Resolver {
    /// Over a vault and the process's environment.
    pub fn new(vault: Arc<super::Vault>) -> Self {
        Resolver { vault, env: Arc::new(|name| std::env::var(name).ok()), renewals: Renewals::default() }
    }

    /// With another environment (tests, the demo).
    pub fn with_env(mut self, env: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        self.env = Arc::new(env);
        self
    }

    /// The environment's value.
    pub fn env(&self, name: &str) -> Option<String> {
        (self.env)(name)
    }

    /// Reads the secret. `cmd:` runs without a shell, stdin closed, own process group, 10 s, 64 KiB. One trailing
    /// newline is dropped; inner line breaks are refused.
    ///
    /// # Errors
    /// `missing_credential`: nothing is there; `locked`: the vault's identity is away; `misconfigured`: what is there
    /// cannot be used, or must not be trusted.
    pub async fn resolve(&self, reference: &SecretRef) -> Result<Secret, ResolveError> {
        self.resolve_within(reference, COMMAND_LIMIT).await
    }

    /// What lies at a usual place (a variable's name or an `ini:` reference), if anything does.
    pub async fn usual(&self, place: &str) -> Option<Secret> {
        let found = self.resolve(&SecretRef::of_place(place)).await.ok()?;
        (!found.expose().is_empty()).then_some(found)
    }

    /// The same for a check that will send it to `destinations` (host and port each; none: to no host). An entry of the
    /// vault goes only where it was stored for. One that came from a sign-in is renewed by `renew` when it is time.
    ///
    /// # Errors
    /// As [`Resolver::resolve`]; `misconfigured`: it was stored for other hosts; what the renewal failed of.
    pub async fn resolve_for(
        &self,
        reference: &SecretRef,
        destinations: &[String],
        renew: &Arc<dyn Renew>,
    ) -> Result<Secret, ResolveError> {
        let SecretRef::Vault(name) = reference else { return self.resolve(reference).await };
        let (vault, entry, destinations) = (self.vault.clone(), name.clone(), destinations.to_vec());
        let good = blocking(move || {
            let secret = from_vault(&vault, &entry, Some(&destinations))?;
            // Read once more, it may have been renewed in between: token and time must be of the same reading.
            Ok(match vault.tokens(&entry)? {
                None => Some(secret),
                Some(tokens) if tokens.grant.is_due(jiff::Timestamp::now()) => None,
                Some(tokens) => Some(tokens.access),
            })
        })
        .await?;
        match good {
            Some(secret) => Ok(secret),
            None => self.renewals.fresh(&self.vault, name, renew).await,
        }
    }

    async fn resolve_within(&self, reference: &SecretRef, limit: Duration) -> Result<Secret, ResolveError> {
        match reference {
            SecretRef::Env(name) => {
                let shown = sanitize(name, 80);
                let value = (!name.contains(['=', '\0'])).then(|| self.env(name)).flatten().map(Secret::new);
                let value = value.ok_or_else(|| {
                    ResolveError::missing(format!(
                        "the environment variable '{shown}' is not set; export it before Lampboard starts, or keep the \
                         secret in the vault"
                    ))
                })?;
                clean(value.expose().as_bytes(), &format!("the environment variable '{shown}'"))
            }
            SecretRef::File(path) => {
                let path = self.expand(path)?;
                let what = format!("the file '{}'", sanitize(&path.to_string_lossy(), 200));
                blocking(move || read_file(&path, &what)).await
            }
            SecretRef::Ini { path, section, key } => {
                let path = self.expand(path)?;
                let (section, key) = (section.clone(), key.clone());
                blocking(move || from_ini(&path, &section, &key)).await
            }
            SecretRef::Credential(name) => {
                if name.contains(['/', '\0']) || matches!(&**name, "." | "..") {
                    return Err(ResolveError::misconfigured(
                        "a credential's name cannot be a path; write credential:NAME as in the unit's LoadCredential=",
                    ));
                }
                let folder = self.env("CREDENTIALS_DIRECTORY").filter(|folder| !folder.is_empty()).ok_or_else(|| {
                    ResolveError::missing(
                        "systemd handed no credentials over ($CREDENTIALS_DIRECTORY is not set); start Lampboard from a \
                         unit with LoadCredential=",
                    )
                })?;
                let path = Path::new(&folder).join(name);
                let what = format!("the credential '{}'", sanitize(name, 80));
                blocking(move || read_file(&path, &what)).await
            }
            SecretRef::Cmd(line) => {
                let output = command::run(line, &*self.env, limit).await?;
                clean(&output, "what the command printed")
            }
            SecretRef::Vault(name) => {
                let (vault, name) = (self.vault.clone(), name.clone());
                blocking(move || from_vault(&vault, &name, None)).await
            }
            SecretRef::Keyring(name) => {
                let name = name.clone();
                blocking(move || from_keyring(&name)).await
            }
        }
    }

    /// `~/` at the beginning stands for the home folder, `$VAR` for the variable's value.
    fn expand(&self, path: &str) -> Result<PathBuf, ResolveError> {
        if let Some(rest) = path.strip_prefix('$') {
            let (name, rest) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let shown = sanitize(name, 80);
            let value = (!name.contains(['=', '\0'])).then(|| self.env(name)).flatten().filter(|v| !v.is_empty());
            return value.map(|value| PathBuf::from(format!("{value}{rest}"))).ok_or_else(|| {
                ResolveError::missing(format!(
                    "the path begins with the environment variable '{shown}', which is not set; export it before \
                     Lampboard starts, or write the path itself"
                ))
            });
        }
        match path.strip_prefix("~/") {
            None => Ok(PathBuf::from(path)),
            Some(rest) => match self.env("HOME").filter(|home| !home.is_empty()) {
                Some(home) => Ok(Path::new(&home).join(rest)),
                None => Err(ResolveError::misconfigured(
                    "'~' stands for no folder because HOME is not set; write the full path",
                )),
            },
        }
    }
}

pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ResolveError> + Send + 'static,
) -> Result<T, ResolveError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(_) => Err(ResolveError { cause: Cause::Internal, message: "reading the secret was broken off".to_owned() }),
    }
}

/// `destination`: where it will go, if that is to be judged.
fn from_vault(vault: &super::Vault, name: &str, destinations: Option<&[String]>) -> Result<Secret, ResolveError> {
    match vault.get_with_facts(name) {
        Ok(Some((_, facts))) if destinations.is_some_and(|d| !facts.may_go_to(d)) => {
            let there = sanitize(&facts.strangers(destinations.unwrap_or_default()), 200);
            Err(ResolveError::misconfigured(format!(
                "the vault's entry '{name}' was stored for {}, and this integration would send it to {there}. If that is \
                 meant: edit the integration and save it, or run: lampboard secret allow {name} {there}",
                facts.hosts.join(", ")
            )))
        }
        Ok(Some((secret, _))) => clean(secret.expose().as_bytes(), &format!("the vault's entry '{name}'")),
        Ok(None) => Err(ResolveError::missing(format!(
            "the vault has no entry '{name}'; store one with `lampboard secret set {name}`"
        ))),
        Err(error) => Err(error.into()),
    }
}

impl From<super::VaultError> for ResolveError {
    fn from(error: super::VaultError) -> Self {
        let cause = if error.locked { Cause::Locked } else { Cause::Misconfigured };
        ResolveError { cause, message: error.message }
    }
}

fn from_keyring(name: &str) -> Result<Secret, ResolveError> {
    let instead = format!("store the secret with `lampboard secret set {name}` and write vault:{name} instead");
    match keyring::get(keyring::SECRETS, name) {
        Ok(Some(secret)) => clean(secret.expose().as_bytes(), &format!("the keyring's entry '{name}'")),
        Ok(None) => Err(ResolveError::missing(format!(
            "the system's keyring has no entry '{name}' of the service 'lampboard'; {instead}"
        ))),
        Err(error) => {
            let cause = match error {
                keyring::KeyringError::Absent(_) => Cause::Misconfigured,
                keyring::KeyringError::Refused(_) => Cause::Locked,
            };
            Err(ResolveError { cause, message: format!("{error}; {instead}") })
        }
    }
}

fn read_file(path: &Path, what: &str) -> Result<Secret, ResolveError> {
    let bytes = read_bytes(path, what, MAX_BYTES)?
        .ok_or_else(|| ResolveError::misconfigured(format!("{what} is larger than 64 KiB; no secret is that long")))?;
    clean(&bytes, what)
}

/// `None`: there is more than `max`.
fn read_bytes(path: &Path, what: &str, max: usize) -> Result<Option<Zeroizing<Vec<u8>>>, ResolveError> {
    let (file, _) = private::open(path, true).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => ResolveError::missing(format!("{what} is not there")),
        _ => ResolveError::misconfigured(format!("{what} cannot be read: {error}")),
    })?;
    private::read(file, max).map_err(|error| ResolveError::misconfigured(format!("{what} cannot be read: {error}")))
}

fn from_ini(path: &Path, section: &str, key: &str) -> Result<Secret, ResolveError> {
    let file = format!("the file '{}'", sanitize(&path.to_string_lossy(), 200));
    let (section_shown, key_shown) = (sanitize(section, 80), sanitize(key, 80));
    let bytes = read_bytes(path, &file, MAX_INI)?
        .ok_or_else(|| ResolveError::misconfigured(format!("{file} is larger than 1 MiB: no INI file is that long")))?;
    let text =
        std::str::from_utf8(&bytes).map_err(|_| ResolveError::misconfigured(format!("{file} is not text (UTF-8)")))?;
    let place = match section {
        "" => "before the first section".to_owned(),
        _ => format!("in the section [{section_shown}]"),
    };
    let value = ini::find(text, section, key).map_err(|absent| {
        ResolveError::missing(match absent {
            ini::Absent::Section => {
                format!("{file} has no section [{section_shown}]; the reference is written ini:PATH#SECTION.KEY")
            }
            ini::Absent::Key => format!("{file} has no '{key_shown}' {place}; add it there, or name another key"),
        })
    })?;
    clean(value.as_bytes(), &format!("'{key_shown}' {place} of {file}"))
}

/// Drops one trailing newline, puts a key file into one line, and refuses what could not go into a header or would
/// break out of one.
fn clean(bytes: &[u8], what: &str) -> Result<Secret, ResolveError> {
    let text =
        std::str::from_utf8(bytes).map_err(|_| ResolveError::misconfigured(format!("{what} is not text (UTF-8)")))?;
    let text = text.strip_suffix('\n').map_or(text, |text| text.strip_suffix('\r').unwrap_or(text));
    if text.trim().is_empty() {
        return Err(ResolveError::missing(format!("{what} is empty")));
    }
    let line = file_in_one_line(text);
    let text = line.as_ref().map_or(text, |line| line.as_str());
    if let Some(at) = text.find(['\n', '\r', '\0']) {
        return Err(ResolveError::misconfigured(format!(
            "{what} has a line break (or a NUL) after {at} bytes; keep the secret alone on one line"
        )));
    }
    if text.len() > MAX_BYTES {
        return Err(ResolveError::misconfigured(format!("{what} is longer than 64 KiB; no secret is that long")));
    }
    Ok(Secret::new(text.to_owned()))
}

#[cfg(test)]
mod tests;
