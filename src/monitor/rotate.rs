//! Replacing a credential that several integrations share: tested for each of them before anything changes, refused
//! for another account unless that is meant, kept beside the old value until it proves good.

use super::{Handle, handle::Reply};
use crate::model::{CredentialFacts, Integration, IntegrationId, Outcome, Secret, SecretRef, Status};
use indexmap::IndexMap;
use std::sync::Arc;

/// What a rotation found and did.
#[derive(Debug, Clone)]
pub struct Rotation {
    /// Each integration that uses the entry, tested with the new value.
    pub tests: Vec<(IntegrationId, Outcome)>,
    /// Whose the old value is, and whose the new one, where they differ.
    pub other_account: Option<(String, String)>,
    /// The new value is in use now.
    pub done: bool,
}

impl Rotation {
    /// Why the new value must not take the old one's place; `None`: it may.
    pub fn hindrance(&self, other_account: bool) -> Option<String> {
        let works = self.tests.iter().all(|(_, o)| o.status() == Status::Active);
        if works && (self.other_account.is_none() || other_account) {
            return None;
        }
        self.refusal()
    }

    fn account(&self) -> Option<String> {
        self.tests.iter().find_map(|(_, outcome)| outcome.identity.clone())
    }

    /// What stands in the way, in a sentence; `None`: nothing did.
    pub fn refusal(&self) -> Option<String> {
        if self.done {
            return None;
        }
        let failed = self.tests.iter().find(|(_, o)| o.status() != Status::Active);
        Some(match (failed, &self.other_account) {
            (Some((id, outcome)), _) => format!(
                "nothing was changed: with the new value '{id}' would be {}, {}{}",
                outcome.status().label(),
                outcome.cause.label(),
                if outcome.evidence.seen.is_empty() { String::new() } else { format!(" ({})", outcome.evidence.seen) }
            ),
            (None, Some((old, new))) => {
                format!("nothing was changed: the old value belongs to '{old}' and the new one to '{new}'")
            }
            (None, None) => "nothing was changed".to_owned(),
        })
    }
}

/// The fields of an integration that hold this entry.
pub fn fields_using<'a>(integration: &'a Integration, entry: &str) -> impl Iterator<Item = &'a str> {
    integration
        .secrets()
        .filter(move |(_, reference)| matches!(reference, SecretRef::Vault(name) if name == entry))
        .map(|(field, _)| field)
}

impl Handle {
    /// Integrations that use an entry of the vault.
    pub fn users_of(&self, entry: &str) -> Vec<Arc<Integration>> {
        let snapshot = self.snapshots().borrow().clone();
        let all = snapshot.entries.values().map(|e| e.integration.clone());
        all.filter(|i| fields_using(i, entry).next().is_some()).collect()
    }

    /// Tests the new value with every integration that uses the entry, one after the other, and puts it in its place
    /// if all of them work with it and it belongs to the same account (or `other_account` says that is meant).
    ///
    /// # Errors
    /// Nobody uses the entry, the vault is locked, or it cannot be written. Nothing was changed then.
    pub async fn rotate(&self, entry: &str, secret: Secret, other_account: bool) -> Reply<Rotation> {
        let vault = self.checker()?.resolver().vault.clone();
        let facts = self.facts(entry).await?;
        let facts = facts
            .ok_or_else(|| format!("the vault has no entry '{entry}'; store one with: lampboard secret set {entry}"))?;
        if self.users_of(entry).is_empty() {
            return Err(format!(
                "no integration uses 'vault:{entry}', so a new value cannot be tested; replace it with: lampboard secret set {entry}"
            ));
        }
        let mut rotation = self.try_value(entry, &secret, &facts, None).await?;
        if let Some(why) = rotation.hindrance(other_account) {
            if let Some(audit) = vault.audit() {
                audit.tell("secret.rotate", entry, Err(&why));
            }
            return Ok(rotation);
        }
        let (name, account) = (entry.to_owned(), rotation.account());
        let written = tokio::task::spawn_blocking(move || vault.rotate(&name, &secret, account.as_deref())).await;
        written.map_err(|_| "writing the vault was cut off".to_owned())?.map_err(|e| e.to_string())?;
        rotation.done = true;
        Ok(rotation)
    }

    /// What is known of an entry of the vault.
    ///
    /// # Errors
    /// The vault is locked, or cannot be read.
    pub async fn facts(&self, entry: &str) -> Reply<Option<CredentialFacts>> {
        let (vault, name) = (self.checker()?.resolver().vault.clone(), entry.to_owned());
        let known = tokio::task::spawn_blocking(move || vault.get_with_facts(&name)).await;
        let known = known.map_err(|_| "reading the vault was cut off".to_owned())?.map_err(|e| e.to_string())?;
        Ok(known.map(|(_, facts)| facts))
    }

    /// Tests a new value of an entry with every integration that uses it; changes nothing. `tested`: one whose test
    /// was made already.
    ///
    /// # Errors
    /// A user's provider is not known, or would send the value where the entry may not go.
    pub async fn try_value(
        &self,
        entry: &str,
        secret: &Secret,
        facts: &CredentialFacts,
        tested: Option<(&IntegrationId, &Outcome)>,
    ) -> Reply<Rotation> {
        let (checker, registry) = (self.checker()?.clone(), self.registry());
        let snapshot = self.snapshots().borrow().clone();
        let mut rotation = Rotation { tests: Vec::new(), other_account: None, done: false };
        for integration in self.users_of(entry) {
            let outcome = match tested.filter(|(id, _)| **id == integration.id) {
                Some((_, outcome)) => outcome.clone(),
                None => {
                    let definition = registry.get(&integration.provider).ok_or_else(|| {
                        format!("'{}' cannot be tested: no provider '{}'", integration.id, integration.provider)
                    })?;
                    let hosts = checker.destinations(&integration, definition);
                    if !facts.may_go_to(&hosts) {
                        return Err(format!(
                            "'{}' would send it to {}, and 'vault:{entry}' was stored for {}",
                            integration.id,
                            facts.strangers(&hosts),
                            facts.hosts.join(", ")
                        ));
                    }
                    let overrides: IndexMap<String, Secret> =
                        fields_using(&integration, entry).map(|f| (f.to_owned(), secret.clone())).collect();
                    checker.attempt_as(&integration, definition, &overrides).await
                }
            };
            let before = snapshot.entries.get(&integration.id).and_then(|e| e.outcome.as_ref()?.identity.clone());
            let before = before.or_else(|| facts.account.clone());
            if let (Some(old), Some(new)) = (before, &outcome.identity)
                && old != *new
                && outcome.status() == Status::Active
            {
                rotation.other_account = Some((old, new.clone()));
            }
            rotation.tests.push((integration.id.clone(), outcome));
        }
        Ok(rotation)
    }

    /// Puts the value before the last rotation back and checks its users with it.
    ///
    /// # Errors
    /// There is nothing to go back to, or the vault cannot be written.
    pub async fn roll_back(&self, entry: &str) -> Reply<()> {
        let (vault, name) = (self.checker()?.resolver().vault.clone(), entry.to_owned());
        let done = tokio::task::spawn_blocking(move || vault.roll_back(&name)).await;
        done.map_err(|_| "writing the vault was cut off".to_owned())?.map_err(|e| e.to_string())?;
        self.users_of(entry).iter().for_each(|i| self.check(&i.id));
        Ok(())
    }

    /// Opens a vault sealed with a passphrase, for this program, and checks what waited for it.
    ///
    /// # Errors
    /// The passphrase is wrong, or the vault needs none.
    pub async fn unlock(&self, passphrase: Secret) -> Reply<()> {
        let vault = self.checker()?.resolver().vault.clone();
        let done = tokio::task::spawn_blocking(move || vault.unlock(&passphrase, false)).await;
        done.map_err(|_| "unlocking was cut off".to_owned())?.map_err(|e| e.to_string())?;
        let snapshot = self.snapshots().borrow().clone();
        let waiting = snapshot.entries.values().filter(|e| e.cause == crate::model::Cause::Locked);
        waiting.for_each(|e| self.check(e.id()));
        Ok(())
    }
}
