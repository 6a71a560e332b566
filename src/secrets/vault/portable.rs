//! The vault's entries as one file sealed with a passphrase, for another machine or a safe.

use super::{Vault, VaultError, check_secret, failed, file, format, identity};
use crate::{config::paths::write_private, model::Secret};
use std::path::Path;

/// What an import did.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Imported {
    /// Entries that were not there before.
    pub added: Vec<String>,
    /// Entries that were replaced.
    pub replaced: Vec<String>,
    /// Entries left as they are, because another value is there.
    pub kept: Vec<String>,
}

impl Vault {
    /// Writes every entry into a new file, 0600, readable by `age` with the passphrase. Returns how many.
    ///
    /// # Errors
    /// The vault is locked or damaged, the file is already there or cannot be written.
    pub fn export(&self, path: &Path, passphrase: &Secret) -> Result<usize, VaultError> {
        self.told("vault.export", &path.to_string_lossy(), self.try_export(path, passphrase))
    }

    fn try_export(&self, path: &Path, passphrase: &Secret) -> Result<usize, VaultError> {
        if std::fs::symlink_metadata(path).is_ok() {
            return Err(VaultError::new(format!(
                "{} is already there; name a new file",
                crate::secrets::private::quoted(path)
            )));
        }
        let entries = self.entries()?;
        let sealed =
            identity::seal_with_passphrase(format::text(&entries).as_bytes(), passphrase).map_err(VaultError::new)?;
        write_private(path, &sealed).map_err(|error| failed("write", path, &error))?;
        Ok(entries.len())
    }

    /// Takes the entries of an exported file in. One that is here with another value is kept, unless `replace`.
    ///
    /// # Errors
    /// The passphrase is wrong, the file is damaged or of another kind, or the vault cannot be written. Then nothing
    /// was changed.
    pub fn import(&self, path: &Path, passphrase: &Secret, replace: bool) -> Result<Imported, VaultError> {
        self.told("vault.import", &path.to_string_lossy(), self.try_import(path, passphrase, replace))
    }

    fn try_import(&self, path: &Path, passphrase: &Secret, replace: bool) -> Result<Imported, VaultError> {
        let text = identity::open_with_passphrase(&file::read(path)?, passphrase, path)?;
        let theirs = format::parse(&text)
            .map_err(|what| VaultError::new(format!("{} is damaged: {what}", crate::secrets::private::quoted(path))))?;
        for entry in theirs.values() {
            check_secret(&entry.value.secret)?;
        }
        let mut done = Imported::default();
        self.change(|entries| {
            for (name, entry) in theirs {
                match entries.get(&name) {
                    Some(ours) if ours.value == entry.value => {}
                    Some(_) if !replace => done.kept.push(name),
                    known => {
                        if known.is_some() { &mut done.replaced } else { &mut done.added }.push(name.clone());
                        entries.insert(name, entry);
                    }
                }
            }
            !(done.added.is_empty() && done.replaced.is_empty())
        })?;
        Ok(done)
    }
}
