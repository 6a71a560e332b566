//! Renews what came from a sign-in: once at a time for each entry, here and in other programs, and never twice with
//! the same token. What was given is in the vault before anybody uses it.

use super::{
    Vault,
    resolve::{ResolveError, blocking},
};
use crate::model::{Cause, Secret, Tokens};
use std::{
    collections::HashMap,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};

/// A renewal under way.
pub type Renewing<'a> = Pin<Box<dyn Future<Output = Result<Tokens, ResolveError>> + Send + 'a>>;

/// Asks the token endpoint; `checks` does it, for this room knows no HTTP.
pub trait Renew: Send + Sync {
    /// New tokens for old ones, within a time of its own. `expired_credential`: a person has to sign in again.
    fn renew<'a>(&'a self, old: &'a Tokens) -> Renewing<'a>;
}

/// What is remembered of one entry.
#[derive(Default)]
struct Slot {
    /// Tokens that could not be written yet, with the access token they take the place of.
    unsaved: Option<(Secret, Tokens)>,
    /// A grant that has ended, known by its access token: it is not tried again.
    ended: Option<(Secret, ResolveError)>,
}

/// Every entry's renewals in this program. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Renewals(Arc<Mutex<HashMap<String, Arc<tokio::sync::Mutex<Slot>>>>>);

impl Renewals {
    /// The access token, renewed if it still is time to. A check that is broken off does not break this off: a token
    /// that was used up must not get lost.
    pub(super) async fn fresh(
        &self,
        vault: &Arc<Vault>,
        name: &str,
        renew: &Arc<dyn Renew>,
    ) -> Result<Secret, ResolveError> {
        let slot = {
            let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            slots.entry(name.to_owned()).or_default().clone()
        };
        let (vault, name, renew) = (vault.clone(), name.to_owned(), renew.clone());
        let work = tokio::spawn(async move {
            let mut slot = slot.lock().await;
            one(&mut slot, &vault, &name, &*renew).await
        });
        work.await.unwrap_or_else(|_| {
            Err(ResolveError { cause: Cause::Internal, message: "renewing the credential was broken off".to_owned() })
        })
    }
}

async fn one(slot: &mut Slot, vault: &Arc<Vault>, name: &str, renew: &dyn Renew) -> Result<Secret, ResolveError> {
    let (of_vault, entry) = (vault.clone(), name.to_owned());
    // Read under the lock: somebody else may just have renewed it.
    let (_alone, old) = blocking(move || {
        let alone = of_vault.lock_renewal(&entry)?;
        Ok((alone, of_vault.tokens(&entry)?))
    })
    .await?;
    let Some(old) = old else {
        return Err(ResolveError {
            cause: Cause::MissingCredential,
            message: format!("the vault's entry '{name}' was taken away just now"),
        });
    };
    let now = jiff::Timestamp::now();
    if !old.grant.is_due(now) {
        return Ok(old.access);
    }
    if let Some((_, error)) = slot.ended.as_ref().filter(|(access, _)| *access == old.access) {
        return Err(error.clone());
    }
    let new = match slot.unsaved.take().filter(|(access, _)| *access == old.access) {
        Some((_, tokens)) => tokens,
        None => match renew.renew(&old).await {
            Ok(tokens) => tokens,
            Err(error) if error.cause == Cause::ExpiredCredential => {
                slot.ended = Some((old.access, error.clone()));
                return Err(error);
            }
            // It still is good for a while: the network may be back by then.
            Err(error) if error.cause.status() == crate::model::Status::Error => {
                let alive = old.grant.expires.is_some_and(|at| at > jiff::Timestamp::now());
                return if alive { Ok(old.access) } else { Err(error) };
            }
            Err(error) => return Err(error),
        },
    };
    let (to_vault, entry, before, tokens) = (vault.clone(), name.to_owned(), old.access.clone(), new.clone());
    let written = blocking(move || {
        if to_vault.renewed(&entry, &before, &tokens)? {
            return Ok(tokens.access);
        }
        // Another value was put there meanwhile, and that is meant.
        let present = to_vault.get(&entry)?;
        present.ok_or_else(|| ResolveError {
            cause: Cause::MissingCredential,
            message: format!("the vault's entry '{entry}' was taken away just now"),
        })
    })
    .await;
    written.inspect_err(|_| slot.unsaved = Some((old.access, new))).map_err(|error| ResolveError {
        message: format!("the renewed credential could not be stored: {}", error.message),
        ..error
    })
}

#[cfg(test)]
mod tests;
