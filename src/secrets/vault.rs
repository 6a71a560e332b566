//! The age vault: one encrypted file, opened by a 0600 identity file.

mod format;
mod identity;

use super::private;
use crate::{
    config::paths::write_private,
    model::{Secret, id::is_valid_name},
};
use format::Entries;
use std::{
    fs::{self, File, TryLockError},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// A larger vault is refused.
const MAX_BYTES: usize = 16 << 20;
/// A longer secret is refused.
const MAX_SECRET: usize = 64 << 10;
const LOCK_PATIENCE: Duration = Duration::from_secs(10);

/// What the vault could not do. Never quotes a secret.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct VaultError(pub String);

/// What told a file apart from its earlier self, ownership and mode included.
type Stamp = (u64, u64, u64, i64, i64, i64, i64, u32, u32);

/// The vault. Thread-safe; re-reads its file when that changed.
pub struct Vault {
    file: PathBuf,
    identity: PathBuf,
    cache: Mutex<Option<Cached>>,
}

struct Cached {
    stamps: (Stamp, Stamp),
    entries: Arc<Entries>,
}

impl Vault {
    /// Names the files; nothing is read or made yet.
    pub fn new(file: &Path, identity: &Path) -> Self {
        Vault { file: file.to_owned(), identity: identity.to_owned(), cache: Mutex::new(None) }
    }

    /// One entry. `Ok(None)`: no such entry.
    ///
    /// # Errors
    /// The identity is missing or does not fit, a file is damaged, or open to other users.
    pub fn get(&self, name: &str) -> Result<Option<Secret>, VaultError> {
        Ok(self.entries()?.get(name).map(|entry| entry.secret.clone()))
    }

    /// Adds or replaces an entry; makes vault and identity at first use. Concurrent writers are locked out.
    ///
    /// # Errors
    /// Those of [`Vault::get`]; a name or a secret that cannot be kept; a file that cannot be written; another writer
    /// that does not finish within 10 s. The vault is then as it was.
    pub fn set(&self, name: &str, secret: &Secret) -> Result<(), VaultError> {
        check_name(name)?;
        if secret.is_empty() {
            return Err(VaultError("the secret is empty; nothing was stored".to_owned()));
        }
        if secret.expose().len() > MAX_SECRET {
            return Err(VaultError("the secret is longer than 64 KiB; nothing was stored".to_owned()));
        }
        let entry = format::Entry { secret: secret.clone(), stored: jiff::Timestamp::now() };
        self.change(|entries| {
            entries.insert(name.to_owned(), entry);
            true
        })?;
        Ok(())
    }

    /// Removes an entry; `false` if there was none.
    ///
    /// # Errors
    /// As [`Vault::set`].
    pub fn remove(&self, name: &str) -> Result<bool, VaultError> {
        if !self.exists()? {
            return Ok(false);
        }
        self.change(|entries| entries.remove(name).is_some())
    }

    /// Names with the time each was stored, in alphabetical order.
    ///
    /// # Errors
    /// As [`Vault::get`].
    pub fn list(&self) -> Result<Vec<(String, jiff::Timestamp)>, VaultError> {
        Ok(self.entries()?.iter().map(|(name, entry)| (name.clone(), entry.stored)).collect())
    }

    /// Whether there is a vault whose identity is not on this machine: locked, which is not the same as broken.
    pub fn is_locked(&self) -> bool {
        fs::symlink_metadata(&self.file).is_ok()
            && fs::symlink_metadata(&self.identity).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
    }

    fn exists(&self) -> Result<bool, VaultError> {
        match fs::symlink_metadata(&self.file) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(self.failed("reach", &self.file, &error)),
        }
    }

    fn entries(&self) -> Result<Arc<Entries>, VaultError> {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.exists()? {
            *cache = None;
            return Ok(Arc::default());
        }
        // The stamps are taken before reading: a change in between makes the next call read again.
        let stamps = (stamp(&self.file), stamp(&self.identity));
        if let (Some(vault), Some(identity)) = stamps
            && let Some(cached) = cache.as_ref().filter(|cached| cached.stamps == (vault, identity))
        {
            return Ok(cached.entries.clone());
        }
        *cache = None;
        let entries = Arc::new(self.read()?);
        if let (Some(vault), Some(identity)) = stamps {
            *cache = Some(Cached { stamps: (vault, identity), entries: entries.clone() });
        }
        Ok(entries)
    }

    fn read(&self) -> Result<Entries, VaultError> {
        let sealed = self.read_file(&self.file)?;
        let identities = identity::parse(&self.read_identity()?, &self.identity)?;
        let text = identity::decrypt(&identities, &sealed, &self.file, &self.identity)?;
        format::parse(&text)
            .map_err(|what| VaultError(format!("the vault {} is damaged: {what}", private::quoted(&self.file))))
    }

    fn read_identity(&self) -> Result<zeroize::Zeroizing<Vec<u8>>, VaultError> {
        if self.is_locked() {
            return Err(VaultError(format!(
                "the vault is locked: its identity file {} is not there; put your copy of it back (mode 600)",
                private::quoted(&self.identity)
            )));
        }
        self.read_file(&self.identity)
    }

    fn read_file(&self, path: &Path) -> Result<zeroize::Zeroizing<Vec<u8>>, VaultError> {
        let (file, meta) = private::open(path, false).map_err(|error| {
            if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) {
                VaultError(format!("{} is a symbolic link; put the file itself there", private::quoted(path)))
            } else {
                self.failed("read", path, &error)
            }
        })?;
        if let Some(reason) = private::distrust(path, &meta) {
            return Err(VaultError(reason));
        }
        private::read(file, MAX_BYTES)
            .map_err(|error| self.failed("read", path, &error))?
            .ok_or_else(|| VaultError(format!("{} is larger than 16 MiB; that is no vault", private::quoted(path))))
    }

    /// Read, change, write, under a lock that other processes keep too. Nothing is written if nothing was changed.
    fn change(&self, change: impl FnOnce(&mut Entries) -> bool) -> Result<bool, VaultError> {
        let folder = self.file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|error| self.failed("make", folder, &error))?;
        let _lock = self.lock()?;
        let exists = self.exists()?;
        if !exists {
            identity::create_if_missing(&self.identity)
                .map_err(|error| self.failed("write", &self.identity, &error))?;
        }
        let identities = identity::parse(&self.read_identity()?, &self.identity)?;
        let mut entries = if exists { self.read()? } else { Entries::default() };
        if !change(&mut entries) {
            return Ok(false);
        }
        let sealed = identity::encrypt(&identities, format::text(&entries).as_bytes())
            .map_err(|error| VaultError(format!("cannot encrypt the vault: {error}")))?;
        if sealed.len() > MAX_BYTES {
            return Err(VaultError("the vault would grow beyond 16 MiB; remove entries first".to_owned()));
        }
        write_private(&self.file, &sealed).map_err(|error| self.failed("write", &self.file, &error))?;
        *self.cache.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(true)
    }

    fn lock(&self) -> Result<File, VaultError> {
        let path = self.file.with_extension("lock");
        let failed = |error: io::Error| self.failed("lock", &path, &error);
        let file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(OFLAGS_NOFOLLOW)
            .open(&path)
            .map_err(failed)?;
        let start = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(error)) => return Err(failed(error)),
                Err(TryLockError::WouldBlock) if start.elapsed() > LOCK_PATIENCE => {
                    return Err(VaultError(format!(
                        "another program has held {} for 10 s; end or resume it, then try again",
                        private::quoted(&path)
                    )));
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    fn failed(&self, verb: &str, path: &Path, error: &io::Error) -> VaultError {
        VaultError(format!("cannot {verb} {}: {error}", private::quoted(path)))
    }
}

const OFLAGS_NOFOLLOW: i32 = rustix::fs::OFlags::NOFOLLOW.bits() as i32;

fn check_name(name: &str) -> Result<(), VaultError> {
    if is_valid_name(name) {
        return Ok(());
    }
    Err(VaultError(crate::model::IntegrationId::new(name).err().map_or_else(String::new, |error| error.to_string())))
}

fn stamp(path: &Path) -> Option<Stamp> {
    let meta = fs::symlink_metadata(path).ok()?;
    Some((
        meta.dev(),
        meta.ino(),
        meta.len(),
        meta.mtime(),
        meta.mtime_nsec(),
        meta.ctime(),
        meta.ctime_nsec(),
        meta.mode(),
        meta.uid(),
    ))
}

#[cfg(test)]
mod tests;
