//! A new identity for the vault, and another place for it. Whatever instant it is cut off at, what lies there then
//! opens the vault: first every place that would be asked knows old and new, then the vault is sealed for the new one
//! alone, then the old one is forgotten everywhere.

use super::{Target, Vault, VaultError, file, folder, identity};

impl Vault {
    /// Makes a new identity, seals the vault for it alone, and keeps it at `target`.
    ///
    /// # Errors
    /// The vault is locked or damaged; the target refuses; a file cannot be written. What lay there before then still
    /// opens the vault, or what was put there instead does.
    pub fn rekey(&self, target: &Target) -> Result<(), VaultError> {
        self.told("vault.rekey", "vault", self.try_rekey(target))
    }

    fn try_rekey(&self, target: &Target) -> Result<(), VaultError> {
        file::make_folder(folder(&self.file))?;
        let _lock = file::lock(&self.file)?;
        let (old, entries) = self.open_or_make()?;
        let fresh = vec![identity::generate()];
        let new_text = identity::text(&fresh);
        let both: Vec<_> = fresh.iter().chain(&old).cloned().collect();
        let both_text = identity::text(&both);

        self.keys.store(target, &both_text)?;
        let ahead = self.keys.ahead_of(target);
        if ahead.clear {
            self.keys.store(&Target::KeyFile, &both_text)?;
        }
        if ahead.sealed {
            self.keys.remove_sealed()?;
        }
        self.write(&fresh, &entries)?;
        self.keys.store(target, &new_text)?;
        self.keys.remove_others(target)
    }
}
