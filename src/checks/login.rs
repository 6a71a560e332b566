//! The sign-in before a check: makes it, keeps its token in memory while it lives, and makes it anew when the check is
//! refused with a kept one.

use super::{also, client::Client, http::exchange, scrub::Scrub};
use crate::{
    model::{Cause, Integration, IntegrationId, Outcome, Secret, Status, text::sanitize},
    providers::{
        challenge::Challenge,
        http::HttpProbe,
        login::{Login, Token},
        request::BadField,
        template::{ACCOUNT, TOKEN},
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

/// How long it is believed that a service wants no token.
const UNCHALLENGED: SignedDuration = SignedDuration::from_hours(1);

#[derive(Debug)]
struct Held {
    /// `None`: the service wants no token.
    token: Option<Secret>,
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
    async fn forget(&self, key: &Key, token: &Option<Secret>) {
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

fn unmade(error: BadField) -> Box<Outcome> {
    Box::new(Outcome::of(Cause::Misconfigured, Timestamp::now(), "the request cannot be made", &error.0))
}

/// Says which of the two steps failed.
fn failed(mut outcome: Box<Outcome>) -> Box<Outcome> {
    outcome.evidence.rule = format!("sign-in: {}", outcome.evidence.rule);
    outcome
}

/// The credentials of a request that comes after a sign-in.
pub struct SignedIn {
    /// Plain fields, whose credential it is among them.
    pub fields: IndexMap<String, String>,
    /// Secret fields and the token.
    pub secrets: IndexMap<String, Secret>,
    /// The token is one of an earlier sign-in: it may have been withdrawn before its time.
    pub kept: bool,
    key: Key,
    token: Option<Secret>,
}

impl Attempt<'_> {
    /// Signs in, or takes the token of an earlier sign-in.
    ///
    /// # Errors
    /// The outcome of a sign-in that gave none.
    pub async fn signed_in(&self, probe: &HttpProbe, login: &Login, limit: Duration) -> Result<SignedIn, Box<Outcome>> {
        let key = self.key(login);
        let (token, kept) = self.token(&key, probe, login, limit).await?;
        let mut fields = self.fields.clone();
        fields.extend(login.account(self.secrets).map(|account| (ACCOUNT.to_owned(), account)));
        let mut secrets = self.secrets.clone();
        secrets.extend(token.clone().map(|token| (TOKEN.to_owned(), token)));
        Ok(SignedIn { fields, secrets, kept, key, token })
    }

    /// The service refuses the token: the next request signs in anew.
    pub async fn refused(&self, signed: &SignedIn) {
        self.logins.forget(&signed.key, &signed.token).await;
    }

    /// One attempt of a check after a sign-in, or with the token of an earlier one.
    pub async fn probe(&self, probe: &HttpProbe, login: &Login) -> Outcome {
        let started = Instant::now();
        let left = || self.integration.timeout.saturating_sub(started.elapsed());
        let mut again = true;
        loop {
            let signed = match self.signed_in(probe, login, left()).await {
                Ok(signed) => signed,
                Err(failure) => return *failure,
            };
            let given = (&signed.fields, &signed.secrets);
            let outcome = also::check(self.client, probe, given, self.integration, left()).await;
            if matches!(outcome.cause, Cause::InvalidCredential | Cause::ExpiredCredential) {
                self.refused(&signed).await;
                // A kept token may have been withdrawn before its time: the credential itself decides.
                if signed.kept && std::mem::take(&mut again) {
                    continue;
                }
            }
            return Scrub::new(&signed.secrets).outcome(outcome);
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

    /// The token, and whether it is one of an earlier sign-in. `None`: the service wants none.
    async fn token(
        &self,
        key: &Key,
        probe: &HttpProbe,
        login: &Login,
        limit: Duration,
    ) -> Result<(Option<Secret>, bool), Box<Outcome>> {
        let slot = self.logins.slot(key);
        let started = Instant::now();
        let Ok(mut held) = tokio::time::timeout(limit, slot.lock()).await else {
            let seen = "another check is still signing in with the same credential";
            return Err(failed(Box::new(Outcome::of(Cause::Timeout, Timestamp::now(), "no answer in time", seen))));
        };
        if let Some(held) = held.as_ref().filter(|held| held.is_fresh(Timestamp::now())) {
            return Ok((held.token.clone(), true));
        }
        *held = None;
        let left = || limit.saturating_sub(started.elapsed());
        let found = match login.is_challenged() {
            false => self.sign_in(login, None, left()).await.map(Some).map_err(failed)?,
            true => match self.challenge(probe, login, left()).await? {
                Some(realm) => self.sign_in(login, Some(realm), left()).await.map(Some).map_err(failed)?,
                None => None,
            },
        };
        let lifetime = found.as_ref().map_or(UNCHALLENGED, |t| SignedDuration::try_from(t.lifetime).unwrap_or(MARGIN));
        let dies = Timestamp::now().saturating_add(lifetime).unwrap_or(Timestamp::MAX);
        let token = found.map(|t| t.secret);
        *held = Some(Held { token: token.clone(), dies });
        Ok((token, false))
    }

    /// Asks without a credential where a token is to be had. `None`: no token is wanted.
    async fn challenge(
        &self,
        probe: &HttpProbe,
        login: &Login,
        limit: Duration,
    ) -> Result<Option<reqwest::Url>, Box<Outcome>> {
        let request = probe.request.unsigned(self.fields).map_err(unmade)?;
        let url = request.url.clone();
        let exchange = exchange(self.client, request, limit).await?;
        if exchange.status == 429 || exchange.status >= 500 {
            return Err(Box::new(exchange.outcome(probe.read(&exchange.answer(), self.fields))));
        }
        let challenge = Challenge::of(&exchange.headers).filter(|_| exchange.status == 401);
        let realm = challenge.map(|found| found.address(&url, &login.trusted(self.fields))).transpose();
        realm.map_err(|error| {
            let rule = "the token service is not trusted";
            failed(Box::new(Outcome::of(Cause::Misconfigured, Timestamp::now(), rule, &error.0)))
        })
    }

    /// `at`: where a challenge says.
    async fn sign_in(&self, login: &Login, at: Option<reqwest::Url>, limit: Duration) -> Result<Token, Box<Outcome>> {
        let mut request = login.request.unsigned(self.fields).map_err(unmade)?;
        request.url = at.unwrap_or(request.url);
        login.request.sign(&mut request, self.fields, self.secrets).map_err(unmade)?;
        let exchange = exchange(self.client, request, limit).await?;
        login.read(&exchange.answer(), self.fields).map_err(|reading| {
            let mut outcome = exchange.outcome(*reading);
            if let Some(seconds) = exchange.skew().filter(|_| login.needs_right_time(self.secrets))
                && outcome.status() == Status::Unauthorized
            {
                outcome.cause = Cause::Misconfigured;
                let way = if seconds > 0 { "ahead of" } else { "behind" };
                let clock = format!("this machine's clock is {} s {way} the service's", seconds.abs());
                outcome.evidence.seen = sanitize(&format!("{clock}: {}", outcome.evidence.seen), 200);
            }
            Box::new(outcome)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_not_used_in_the_last_minute_of_its_life() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let held = |seconds| Held {
            token: Some(Secret::new("t".to_owned())),
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
            *logins.slot(&key(n)).lock().await = Some(Held { token: Some(Secret::new(format!("t{n}"))), dies });
        }
        logins.forget(&key(1), &Some(Secret::new("another".to_owned()))).await;
        assert!(logins.slot(&key(1)).lock().await.is_some());
        assert_eq!(logins.0.lock().unwrap().len(), 1, "the dead one is gone");
        logins.forget(&key(1), &Some(Secret::new("t1".to_owned()))).await;
        assert!(logins.slot(&key(1)).lock().await.is_none());
    }
}
