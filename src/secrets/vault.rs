//! The vault: one file encrypted by age, and what may be done with it.

mod file;
mod format;
mod grant;
mod identity;
mod keys;
mod portable;
mod rekey;
mod signed;

use super::{Audit, private, resolve::Environment};
use crate::{
    config::paths::write_private,
    model::{CredentialFacts, Grant, Secret, id::is_valid_name},
};
use file::{MAX_BYTES, Stamp, failed, stamp};
use format::{Entries, Entry, Value};
use keys::{Keys, Source};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

pub use keys::{Method, Target};
pub use portable::Imported;

/// A longer secret is refused.
const MAX_SECRET: usize = 64 << 10;

/// What the vault could not do. Never quotes a secret.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct VaultError {
    /// What is wrong and what to do.
    pub message: String,
    /// It waits for its key: not broken, locked.
    pub locked: bool,
}

impl VaultError {
    fn new(message: String) -> Self {
        VaultError { message, locked: false }
    }
}

/// How the vault stands.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct VaultStatus {
    /// There is a vault file.
    pub exists: bool,
    /// How it is opened; `None`: no identity is there.
    pub method: Option<Method>,
    /// It waits for its key.
    pub locked: bool,
    /// Opened for this session by `vault unlock`.
    pub session: bool,
    /// Entries in it; `None`: locked or broken.
    pub entries: Option<usize>,
    /// What is wrong with it.
    pub problem: Option<String>,
}

/// The vault. Thread-safe; re-reads its file when that changed.
pub struct Vault {
    file: PathBuf,
    keys: Keys,
    audit: Option<Audit>,
    cache: Mutex<Option<Cached>>,
}

struct Cached {
    stamp: Stamp,
    source: Source,
    entries: Arc<Entries>,
}

impl Vault {
    /// Names the files; nothing is read or made yet. Without an environment: no credentials, session or passphrase file.
    pub fn new(file: &Path, identity: &Path) -> Self {
        Vault::with_env(file, identity, Arc::new(|_| None))
    }

    /// The same, with an environment in which to look for systemd's credentials, the session and a passphrase file.
    pub fn with_env(file: &Path, identity: &Path, env: Arc<Environment>) -> Self {
        Vault { file: file.to_owned(), keys: Keys::new(identity, file, env), audit: None, cache: Mutex::new(None) }
    }

    /// With a log of every change and every unlocking.
    pub fn with_audit(mut self, audit: Audit) -> Self {
        self.audit = Some(audit);
        self
    }

    /// The log, for what is done with entries elsewhere.
    pub fn audit(&self) -> Option<&Audit> {
        self.audit.as_ref()
    }

    fn told<T>(&self, action: &str, target: &str, result: Result<T, VaultError>) -> Result<T, VaultError> {
        if let Some(audit) = &self.audit {
            audit.tell(action, target, result.as_ref().map(|_| ()).map_err(|e| e.message.as_str()));
        }
        result
    }

    /// One entry. `Ok(None)`: no such entry.
    ///
    /// # Errors
    /// The identity is missing or does not fit, a file is damaged, or open to other users.
    pub fn get(&self, name: &str) -> Result<Option<Secret>, VaultError> {
        Ok(self.entries()?.get(name).map(|entry| entry.value.secret.clone()))
    }

    /// One entry with what is known of it.
    ///
    /// # Errors
    /// As [`Vault::get`].
    pub fn get_with_facts(&self, name: &str) -> Result<Option<(Secret, CredentialFacts)>, VaultError> {
        Ok(self.entries()?.get(name).map(|entry| (entry.value.secret.clone(), entry.facts())))
    }

    /// Adds or replaces an entry; makes vault and identity at first use. Concurrent writers are locked out. What was
    /// known of a replaced value is forgotten, but for the hosts it may go to.
    ///
    /// # Errors
    /// Those of [`Vault::get`]; a name or a secret that cannot be kept; a file that cannot be written; another writer
    /// that does not finish within 10 s. The vault is then as it was.
    pub fn set(&self, name: &str, secret: &Secret) -> Result<(), VaultError> {
        self.told("secret.set", name, self.try_set(name, secret))
    }

    fn try_set(&self, name: &str, secret: &Secret) -> Result<(), VaultError> {
        check_name(name)?;
        check_secret(secret)?;
        let now = jiff::Timestamp::now();
        self.change(|entries| {
            put(entries, name, Value::plain(secret), now);
            true
        })?;
        Ok(())
    }

    /// Replaces an entry's value and keeps the one before until the new one is told good ([`Vault::proved`]).
    ///
    /// # Errors
    /// As [`Vault::set`]; there is no such entry.
    pub fn rotate(&self, name: &str, secret: &Secret, account: Option<&str>) -> Result<(), VaultError> {
        self.told("secret.rotate", name, self.try_rotate(name, secret, account))
    }

    fn try_rotate(&self, name: &str, secret: &Secret, account: Option<&str>) -> Result<(), VaultError> {
        check_secret(secret)?;
        let mut found = false;
        self.change(|entries| {
            let Some(entry) = entries.get_mut(name) else { return false };
            found = true;
            entry.previous = Some(std::mem::replace(&mut entry.value, Value::plain(secret)));
            entry.facts.rotated = Some(jiff::Timestamp::now());
            entry.facts.expires = None;
            entry.facts.account = account.map(ToOwned::to_owned);
            true
        })?;
        if found { Ok(()) } else { Err(no_entry(name)) }
    }

    /// Puts the value before the last rotation back.
    ///
    /// # Errors
    /// As [`Vault::set`]; there is no such entry, or nothing to go back to.
    pub fn roll_back(&self, name: &str) -> Result<(), VaultError> {
        self.told("secret.roll-back", name, self.try_roll_back(name))
    }

    fn try_roll_back(&self, name: &str) -> Result<(), VaultError> {
        let mut outcome = Err(no_entry(name));
        self.change(|entries| {
            let Some(entry) = entries.get_mut(name) else { return false };
            let Some(previous) = entry.previous.take() else {
                outcome = Err(VaultError::new(format!(
                    "'{name}' has no earlier value any more: the present one has proved good"
                )));
                return false;
            };
            entry.facts.expires = previous.grant.as_ref().and_then(Grant::dies);
            entry.value = previous;
            entry.facts.rotated = Some(jiff::Timestamp::now());
            entry.facts.account = None;
            outcome = Ok(());
            true
        })?;
        outcome
    }

    /// A check with this entry's present value went well, at these hosts: the value before it is forgotten, and an entry
    /// that was bound to no host is bound to these. Writes only if that changes something.
    ///
    /// # Errors
    /// As [`Vault::set`].
    pub fn proved(&self, name: &str, used: &Secret, hosts: &[String]) -> Result<(), VaultError> {
        let news = |entry: &Entry| {
            entry.value.secret == *used
                && (entry.previous.is_some() || (entry.facts.hosts.is_empty() && !hosts.is_empty()))
        };
        if !self.entries()?.get(name).is_some_and(news) {
            return Ok(());
        }
        self.change(|entries| {
            let Some(entry) = entries.get_mut(name).filter(|e| news(e)) else { return false };
            entry.previous = None;
            if entry.facts.hosts.is_empty() {
                entry.facts.hosts.extend_from_slice(hosts);
            }
            true
        })?;
        Ok(())
    }

    /// Lets an entry go to this host too.
    ///
    /// # Errors
    /// As [`Vault::set`]; there is no such entry.
    pub fn allow(&self, name: &str, host: &str) -> Result<(), VaultError> {
        self.told("secret.allow", &format!("{name} to {host}"), self.try_allow(name, host))
    }

    fn try_allow(&self, name: &str, host: &str) -> Result<(), VaultError> {
        let mut found = false;
        self.change(|entries| {
            let Some(entry) = entries.get_mut(name) else { return false };
            found = true;
            let new = !entry.facts.hosts.iter().any(|h| h == host);
            if new {
                entry.facts.hosts.push(host.to_owned());
            }
            new
        })?;
        if found { Ok(()) } else { Err(no_entry(name)) }
    }

    /// Sets when an entry dies, as the user says; `None`: not known.
    ///
    /// # Errors
    /// As [`Vault::set`]; there is no such entry.
    pub fn set_expiry(&self, name: &str, expires: Option<jiff::Timestamp>) -> Result<(), VaultError> {
        self.told("secret.expires", name, self.try_set_expiry(name, expires))
    }

    fn try_set_expiry(&self, name: &str, expires: Option<jiff::Timestamp>) -> Result<(), VaultError> {
        let mut found = false;
        self.change(|entries| {
            let Some(entry) = entries.get_mut(name) else { return false };
            found = true;
            std::mem::replace(&mut entry.facts.expires, expires) != expires
        })?;
        if found { Ok(()) } else { Err(no_entry(name)) }
    }

    /// Removes an entry; `false` if there was none.
    ///
    /// # Errors
    /// As [`Vault::set`].
    pub fn remove(&self, name: &str) -> Result<bool, VaultError> {
        self.told("secret.remove", name, self.try_remove(name))
    }

    fn try_remove(&self, name: &str) -> Result<bool, VaultError> {
        if !self.exists()? {
            return Ok(false);
        }
        self.change(|entries| entries.remove(name).is_some())
    }

    /// Names with what is known of each, in alphabetical order.
    ///
    /// # Errors
    /// As [`Vault::get`].
    pub fn list(&self) -> Result<Vec<(String, CredentialFacts)>, VaultError> {
        Ok(self.entries()?.iter().map(|(name, entry)| (name.clone(), entry.facts())).collect())
    }

    /// Whether there is a vault that waits for its key, which is not the same as broken.
    pub fn is_locked(&self) -> bool {
        fs::symlink_metadata(&self.file).is_ok() && self.keys.source().is_none()
    }

    /// How it stands.
    pub fn status(&self) -> VaultStatus {
        let read = self.entries();
        VaultStatus {
            exists: fs::symlink_metadata(&self.file).is_ok(),
            method: self.keys.method(),
            locked: self.is_locked(),
            session: self.keys.session().is_some_and(|p| fs::symlink_metadata(p).is_ok()),
            entries: read.as_ref().ok().map(|e| e.len()),
            problem: read.err().filter(|e| !e.locked).map(|e| e.message),
        }
    }

    /// Opens a vault that is sealed with a passphrase, for this program; with `session`, for the other programs of
    /// this session too (the path of the copy is returned).
    ///
    /// # Errors
    /// The passphrase is wrong (nothing else is tried), the vault is not sealed with one, or a file is damaged.
    pub fn unlock(&self, passphrase: &Secret, session: bool) -> Result<Option<PathBuf>, VaultError> {
        self.told("vault.unlock", "vault", self.try_unlock(passphrase, session))
    }

    fn try_unlock(&self, passphrase: &Secret, session: bool) -> Result<Option<PathBuf>, VaultError> {
        if self.keys.method() != Some(Method::Passphrase) {
            let how = self.keys.method().map_or("no identity is there", Method::label);
            return Err(VaultError::new(format!("the vault is not opened by a passphrase: {how}")));
        }
        let text = self.keys.open_sealed(passphrase)?;
        // What opens the seal must open the vault too, or it is the wrong vault.
        self.entries()?;
        if session { self.keys.keep_for_session(&text).map(Some) } else { Ok(None) }
    }

    /// Forgets what was unlocked, here and for the session. `false`: a key file opens it, so it cannot be locked.
    ///
    /// # Errors
    /// The session's copy cannot be removed.
    pub fn lock(&self) -> Result<bool, VaultError> {
        self.told("vault.lock", "vault", self.try_lock())
    }

    fn try_lock(&self) -> Result<bool, VaultError> {
        *self.cache.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.keys.forget()
    }

    fn exists(&self) -> Result<bool, VaultError> {
        match fs::symlink_metadata(&self.file) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(failed("reach", &self.file, &error)),
        }
    }

    fn entries(&self) -> Result<Arc<Entries>, VaultError> {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.exists()? {
            *cache = None;
            return Ok(Arc::default());
        }
        // The stamps are taken before reading: a change in between makes the next call read again.
        let (now, source) = (stamp(&self.file), self.keys.source().ok_or_else(|| self.keys.locked())?);
        if let Some(cached) = cache.as_ref().filter(|c| Some(c.stamp) == now && c.source == source) {
            return Ok(cached.entries.clone());
        }
        *cache = None;
        let (_, entries) = self.read(&source)?;
        let entries = Arc::new(entries);
        // Reading may have unlocked it: the source is then another one.
        if let (Some(stamp), Some(source)) = (now, self.keys.source()) {
            *cache = Some(Cached { stamp, source, entries: entries.clone() });
        }
        Ok(entries)
    }

    fn identities(&self, source: &Source) -> Result<Vec<age::x25519::Identity>, VaultError> {
        identity::parse(self.keys.read(source)?.as_bytes(), self.place(source))
    }

    fn place<'a>(&'a self, source: &'a Source) -> &'a Path {
        match source {
            Source::Clear(path, _) => path,
            _ => &self.keys.sealed,
        }
    }

    fn read(&self, source: &Source) -> Result<(Vec<age::x25519::Identity>, Entries), VaultError> {
        let sealed = file::read(&self.file)?;
        let identities = self.identities(source)?;
        let place = private::quoted(self.place(source));
        let text = identity::decrypt(&identities, &sealed, &self.file, &place)?;
        let entries = format::parse(&text)
            .map_err(|what| VaultError::new(format!("the vault {} is damaged: {what}", private::quoted(&self.file))))?;
        Ok((identities, entries))
    }

    /// Read, change, write, under a lock that other processes keep too. Nothing is written if nothing was changed.
    fn change(&self, change: impl FnOnce(&mut Entries) -> bool) -> Result<bool, VaultError> {
        file::make_folder(folder(&self.file))?;
        let _lock = file::lock(&self.file)?;
        let (identities, mut entries) = self.open_or_make()?;
        if !change(&mut entries) {
            return Ok(false);
        }
        self.write(&identities, &entries)?;
        Ok(true)
    }

    /// The vault as it is, or a new one with a key file. Under the lock.
    fn open_or_make(&self) -> Result<(Vec<age::x25519::Identity>, Entries), VaultError> {
        let exists = self.exists()?;
        if self.keys.method().is_none() && !exists {
            file::make_folder(folder(&self.keys.clear))?;
            self.keys.store(&Target::KeyFile, &identity::text(&[identity::generate()]))?;
        }
        let source = self.keys.source().ok_or_else(|| self.keys.locked())?;
        if exists { self.read(&source) } else { Ok((self.identities(&source)?, Entries::default())) }
    }

    fn write(&self, identities: &[age::x25519::Identity], entries: &Entries) -> Result<(), VaultError> {
        let sealed = identity::encrypt(identities, format::text(entries).as_bytes())
            .map_err(|error| VaultError::new(format!("cannot encrypt the vault: {error}")))?;
        if sealed.len() > MAX_BYTES {
            return Err(VaultError::new("the vault would grow beyond 16 MiB; remove entries first".to_owned()));
        }
        write_private(&self.file, &sealed).map_err(|error| failed("write", &self.file, &error))?;
        *self.cache.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(())
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Puts a value in; what was known of the one before is forgotten, but for its first day and its hosts.
fn put(entries: &mut Entries, name: &str, value: Value, now: jiff::Timestamp) {
    let known = entries.remove(name).map(|entry| entry.facts);
    let facts = CredentialFacts {
        stored: known.as_ref().map_or(now, |f| f.stored),
        rotated: known.as_ref().map(|_| now),
        expires: value.grant.as_ref().and_then(Grant::dies),
        hosts: known.map(|f| f.hosts).unwrap_or_default(),
        account: None,
        can_roll_back: false,
        renews: false,
    };
    entries.insert(name.to_owned(), Entry { value, facts, previous: None });
}

fn no_entry(name: &str) -> VaultError {
    VaultError::new(format!("the vault has no entry '{}'", crate::model::text::sanitize(name, 80)))
}

fn check_secret(secret: &Secret) -> Result<(), VaultError> {
    if secret.is_empty() {
        return Err(VaultError::new("the secret is empty; nothing was stored".to_owned()));
    }
    if secret.expose().len() > MAX_SECRET {
        return Err(VaultError::new("the secret is longer than 64 KiB; nothing was stored".to_owned()));
    }
    Ok(())
}

fn check_name(name: &str) -> Result<(), VaultError> {
    match crate::model::IntegrationId::new(name) {
        Err(error) if !is_valid_name(name) => Err(VaultError::new(error.to_string())),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
