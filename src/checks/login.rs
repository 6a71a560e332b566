//! The sign-in before a check: makes it, keeps its token in memory while it lives, and makes it anew when the check is
//! refused with a kept one.

use super::{also, client::Client, http::exchange, scrub::Scrub};
use crate::{
    model::{Cause, Integration, IntegrationId, Outcome, Secret},
    providers::{
        http::HttpProbe,
        login::{Login, Token},
        template::TOKEN,
    },
};
use aws_lc_rs::digest::{Context, SHA256};
use indexmap::IndexMap;
use jiff::{SignedDuration, Timestamp};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// A token is not used in the last part of its life: it could die on its way.
const MARGIN: SignedDuration = SignedDuration::from_secs(60);

/// Whose token: the integration, and a digest of all that its sign-in is made from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    id: IntegrationId,
    made_from: [u8; 32],
}

#[derive(Debug)]
struct Held {
    token: Secret,
    dies: Timestamp,
}

impl Held {
    fn is_fresh(&self, now: Timestamp) -> bool {
        now.saturating_add(MARGIN).is_ok_and(|soon| soon < self.dies)
    }
}

/// Locked while a sign-in is under way: the others wait for its token.
type Slot = Arc<tokio::sync::Mutex<Option<Held>>>;

/// The tokens of all integrations. They live in memory alone.
#[derive(Debug, Default)]
pub struct Logins(Mutex<HashMap<Key, Slot>>);

impl Logins {
    fn slot(&self, key: &Key) -> Slot {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Timestamp::now();
        // What nobody waits for and what has died is dropped: keys of replaced credentials never come again.
        slots.retain(|_, slot| {
            Arc::strong_count(slot) > 1
                || slot.try_lock().is_ok_and(|held| held.as_ref().is_some_and(|held| held.is_fresh(now)))
        });
        slots.entry(key.clone()).or_default().clone()
    }

    /// Drops a token, unless another has taken its place.
    async fn forget(&self, key: &Key, token: &Secret) {
        let slot = self.slot(key);
        let mut held = slot.lock().await;
        if held.as_ref().is_some_and(|held| held.token == *token) {
            *held = None;
        }
    }
}

/// All that one check with a sign-in needs.
pub struct Attempt<'a> {
    /// The tokens known.
    pub logins: &'a Logins,
    /// Whose check; its timeout is for sign-in and check together.
    pub integration: &'a Integration,
    /// The client of its TLS policy.
    pub client: &'a Client,
    /// Plain fields with defaults.
    pub fields: &'a IndexMap<String, String>,
    /// Secret fields, resolved.
    pub secrets: &'a IndexMap<String, Secret>,
}

/// Says which of the two steps failed.
fn failed(mut outcome: Outcome) -> Outcome {
    outcome.evidence.rule = format!("sign-in: {}", outcome.evidence.rule);
    outcome
}

impl Attempt<'_> {
    /// One attempt of a check after a sign-in, or with the token of an earlier one.
    pub async fn probe(&self, probe: &HttpProbe, login: &Login) -> Outcome {
        let started = Instant::now();
        let left = || self.integration.timeout.saturating_sub(started.elapsed());
        let key = self.key(login);
        let mut again = true;
        loop {
            let (token, kept) = match self.token(&key, login, left()).await {
                Ok(found) => found,
                Err(failure) => return failed(*failure),
            };
            let mut secrets = self.secrets.clone();
            secrets.insert(TOKEN.to_owned(), token.clone());
            let outcome = also::check(self.client, probe, (self.fields, &secrets), self.integration, left()).await;
            if matches!(outcome.cause, Cause::InvalidCredential | Cause::ExpiredCredential) {
                self.logins.forget(&key, &token).await;
                // A kept token may have been withdrawn before its time: the credential itself decides.
                if kept && std::mem::take(&mut again) {
                    continue;
                }
            }
            return Scrub::new(&secrets).outcome(outcome);
        }
    }

    fn key(&self, login: &Login) -> Key {
        let mut context = Context::new(&SHA256);
        let mut add = |part: &str| {
            context.update(&(part.len() as u64).to_le_bytes());
            context.update(part.as_bytes());
        };
        // The definition may change while the board runs.
        add(&format!("{login:?}"));
        self.fields.iter().for_each(|(name, value)| [name, value].into_iter().for_each(|t| add(t)));
        for (name, secret) in self.secrets {
            add(name);
            add(secret.expose());
        }
        let mut made_from = [0; 32];
        made_from.copy_from_slice(context.finish().as_ref());
        Key { id: self.integration.id.clone(), made_from }
    }

    /// The token, and whether it is one of an earlier sign-in.
    async fn token(&self, key: &Key, login: &Login, limit: Duration) -> Result<(Secret, bool), Box<Outcome>> {
        let slot = self.logins.slot(key);
        let started = Instant::now();
        let Ok(mut held) = tokio::time::timeout(limit, slot.lock()).await else {
            let seen = "another check is still signing in with the same credential";
            return Err(Box::new(Outcome::of(Cause::Timeout, Timestamp::now(), "no answer in time", seen)));
        };
        if let Some(held) = held.as_ref().filter(|held| held.is_fresh(Timestamp::now())) {
            return Ok((held.token.clone(), true));
        }
        *held = None;
        let Token { secret, lifetime } = self.sign_in(login, limit.saturating_sub(started.elapsed())).await?;
        let lifetime = SignedDuration::try_from(lifetime).unwrap_or(MARGIN);
        let dies = Timestamp::now().saturating_add(lifetime).unwrap_or(Timestamp::MAX);
        *held = Some(Held { token: secret.clone(), dies });
        Ok((secret, false))
    }

    async fn sign_in(&self, login: &Login, limit: Duration) -> Result<Token, Box<Outcome>> {
        let request = login.request.build(self.fields, self.secrets).map_err(|error| {
            Box::new(Outcome::of(Cause::Misconfigured, Timestamp::now(), "the request cannot be made", &error.0))
        })?;
        let exchange = exchange(self.client, request, limit).await?;
        login.read(&exchange.answer(), self.fields).map_err(|reading| Box::new(exchange.outcome(*reading)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_not_used_in_the_last_minute_of_its_life() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let held = |seconds| Held {
            token: Secret::new("t".to_owned()),
            dies: now.checked_add(SignedDuration::from_secs(seconds)).unwrap(),
        };
        assert!(held(61).is_fresh(now));
        assert!(!held(60).is_fresh(now));
        assert!(!held(-1).is_fresh(now));
    }

    #[tokio::test]
    async fn dead_tokens_are_dropped_and_living_ones_kept() {
        let logins = Logins::default();
        let key = |n| Key { id: IntegrationId::new("a").unwrap(), made_from: [n; 32] };
        for (n, life) in [(1, 3600), (2, 30)] {
            let dies = Timestamp::now().checked_add(SignedDuration::from_secs(life)).unwrap();
            *logins.slot(&key(n)).lock().await = Some(Held { token: Secret::new(format!("t{n}")), dies });
        }
        logins.forget(&key(1), &Secret::new("another".to_owned())).await;
        assert!(logins.slot(&key(1)).lock().await.is_some());
        assert_eq!(logins.0.lock().unwrap().len(), 1, "the dead one is gone");
        logins.forget(&key(1), &Secret::new("t1".to_owned())).await;
        assert!(logins.slot(&key(1)).lock().await.is_none());
    }
}
