//! Entries that came from a sign-in: stored with their grant, renewed by one program at a time.

use super::{Value, Vault, VaultError, check_name, check_secret, file, no_entry, put};
use crate::model::{Grant, Secret, Tokens};
use std::{fs::File, time::Duration};

/// How long a renewal waits for another program's: longer than a request may take.
const PATIENCE: Duration = Duration::from_secs(45);

impl Vault {
    /// Adds or replaces an entry by what a sign-in gave.
    ///
    /// # Errors
    /// As [`Vault::set`].
    pub fn sign_in(&self, name: &str, tokens: &Tokens) -> Result<(), VaultError> {
        self.told("secret.sign-in", name, self.try_sign_in(name, tokens))
    }

    fn try_sign_in(&self, name: &str, tokens: &Tokens) -> Result<(), VaultError> {
        check_name(name)?;
        check(tokens)?;
        let now = jiff::Timestamp::now();
        self.change(|entries| {
            put(entries, name, Value::signed(tokens), now);
            true
        })?;
        Ok(())
    }

    /// The grant of an entry with its present access token; `None`: no such entry, or nobody signed in for it.
    ///
    /// # Errors
    /// As [`Vault::get`].
    pub fn tokens(&self, name: &str) -> Result<Option<Tokens>, VaultError> {
        let entries = self.entries()?;
        let Some(value) = entries.get(name).map(|entry| &entry.value) else { return Ok(None) };
        Ok(value.grant.clone().map(|grant| Tokens { access: value.secret.clone(), grant }))
    }

    /// Puts renewed tokens in the place of those they were made from. `false`: others are there by now, and stay.
    ///
    /// # Errors
    /// As [`Vault::set`]; the entry is gone.
    pub fn renewed(&self, name: &str, old: &Secret, tokens: &Tokens) -> Result<bool, VaultError> {
        self.told("secret.renew", name, self.try_renewed(name, old, tokens))
    }

    fn try_renewed(&self, name: &str, old: &Secret, tokens: &Tokens) -> Result<bool, VaultError> {
        check(tokens)?;
        let mut found = false;
        let changed = self.change(|entries| {
            let Some(entry) = entries.get_mut(name) else { return false };
            found = true;
            if entry.value.secret != *old {
                return false;
            }
            // A date that the user gave stays.
            if entry.value.grant.as_ref().and_then(Grant::dies) == entry.facts.expires {
                entry.facts.expires = tokens.grant.dies();
            }
            entry.value = Value::signed(tokens);
            true
        })?;
        if found { Ok(changed) } else { Err(no_entry(name)) }
    }

    /// Keeps other programs from renewing this entry while the file lives. Waits; not for the run time's own threads.
    ///
    /// # Errors
    /// Another program does not finish, or the lock's file cannot be made.
    pub fn lock_renewal(&self, name: &str) -> Result<File, VaultError> {
        check_name(name)?;
        file::lock_as(&self.file.with_extension(format!("{name}.renewal.lock")), PATIENCE)
    }
}

fn check(tokens: &Tokens) -> Result<(), VaultError> {
    let Grant { client_secret, refresh, .. } = &tokens.grant;
    [Some(&tokens.access), client_secret.as_ref(), refresh.as_ref()].into_iter().flatten().try_for_each(check_secret)
}
