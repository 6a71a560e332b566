//! Renewals against an endpoint that, as real ones do, ends a grant whose refresh token is used twice.

use super::*;
use crate::{
    model::{Grant, SecretRef},
    secrets::Resolver,
};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Gives `access-N` and `refresh-N`, each refresh token good for one use.
#[derive(Default)]
struct Rotating {
    uses: AtomicUsize,
    fails: Mutex<Option<Cause>>,
    /// Seconds that a new access token lives.
    lives: Mutex<i64>,
}

fn tokens(n: usize, seconds: i64) -> Tokens {
    let mut grant = Grant {
        token_url: "https://id.example/token".into(),
        client_id: "bo\"ard".into(),
        client_secret: Some(Secret::new("s".into())),
        basic: true,
        of_client: false,
        refresh: Some(Secret::new(format!("refresh-{n}"))),
        scope: "a b".into(),
        params: vec![("audience".into(), "x]\"".into())],
        expires: None,
        renew: None,
        ends: None,
    };
    grant.lives(jiff::Timestamp::now(), Some(seconds));
    Tokens { access: Secret::new(format!("access-{n}")), grant }
}

impl Renew for Rotating {
    fn renew<'a>(&'a self, old: &'a Tokens) -> Renewing<'a> {
        Box::pin(async move {
            // Others get their turn while this one is under way.
            for _ in 0..50 {
                tokio::task::yield_now().await;
            }
            if let Some(cause) = *self.fails.lock().unwrap() {
                return Err(ResolveError { cause, message: "no".into() });
            }
            let n = self.uses.fetch_add(1, Ordering::SeqCst);
            assert_eq!(old.grant.refresh.as_ref().unwrap().expose(), format!("refresh-{n}"), "used twice");
            Ok(tokens(n + 1, *self.lives.lock().unwrap()))
        })
    }
}

struct Home {
    folder: tempfile::TempDir,
    rotating: Arc<Rotating>,
}

impl Home {
    /// With an entry `t` whose access token has so many seconds left.
    fn with(seconds: i64) -> Home {
        let home = Home { folder: tempfile::tempdir().unwrap(), rotating: Arc::default() };
        *home.rotating.lives.lock().unwrap() = 3600;
        home.vault().sign_in("t", &tokens(0, seconds)).unwrap();
        home
    }

    fn vault(&self) -> Vault {
        Vault::new(&self.folder.path().join("vault.age"), &self.folder.path().join("identity.txt"))
    }

    /// As another program would have it.
    fn resolver(&self) -> Resolver {
        Resolver::new(Arc::new(self.vault()))
    }

    async fn get(&self, resolver: &Resolver) -> Result<String, Cause> {
        let renew: Arc<dyn Renew> = self.rotating.clone();
        let secret = resolver.resolve_for(&SecretRef::Vault("t".into()), &["api.example:443".to_owned()], &renew).await;
        secret.map(|s| s.expose().to_owned()).map_err(|e| e.cause)
    }

    fn uses(&self) -> usize {
        self.rotating.uses.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn a_token_is_handed_out_until_it_is_time_and_then_renewed_and_stored() {
    let home = Home::with(3600);
    assert_eq!(home.get(&home.resolver()).await.unwrap(), "access-0");
    assert_eq!(home.uses(), 0);
    let home = Home::with(0);
    assert_eq!(home.get(&home.resolver()).await.unwrap(), "access-1");
    let stored = home.vault().tokens("t").unwrap().unwrap();
    assert_eq!(stored.access.expose(), "access-1");
    assert_eq!(stored.grant.params, [("audience".to_owned(), "x]\"".to_owned())], "all of it survives the file");
    assert_eq!((&*stored.grant.client_id, stored.grant.basic), ("bo\"ard", true));
    assert!(home.vault().get_with_facts("t").unwrap().unwrap().1.renews);
    assert_eq!(home.get(&home.resolver()).await.unwrap(), "access-1");
    assert_eq!(home.uses(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotating_token_is_used_once_by_many_checks_of_many_programs() {
    let home = Arc::new(Home::with(0));
    let programs = [home.resolver(), home.resolver()];
    let checks = (0..24).map(|n| {
        let (home, resolver) = (home.clone(), programs[n % 2].clone());
        tokio::spawn(async move { home.get(&resolver).await })
    });
    for check in checks.collect::<Vec<_>>() {
        assert_eq!(check.await.unwrap().unwrap(), "access-1");
    }
    assert_eq!(home.uses(), 1);
}

#[tokio::test]
async fn a_check_that_is_broken_off_loses_no_token() {
    let home = Arc::new(Home::with(0));
    let resolver = home.resolver();
    let check = tokio::spawn({
        let (home, resolver) = (home.clone(), resolver.clone());
        async move { home.get(&resolver).await }
    });
    while home.uses() == 0 {
        tokio::task::yield_now().await;
    }
    check.abort();
    assert_eq!(home.get(&resolver).await.unwrap(), "access-1", "the first renewal was brought to its end");
    assert_eq!(home.uses(), 1);
}

#[tokio::test]
async fn an_ended_grant_is_told_and_not_tried_again_but_a_new_one_is() {
    let home = Home::with(0);
    let resolver = home.resolver();
    *home.rotating.fails.lock().unwrap() = Some(Cause::ExpiredCredential);
    assert_eq!(home.get(&resolver).await, Err(Cause::ExpiredCredential));
    *home.rotating.fails.lock().unwrap() = None;
    assert_eq!(home.get(&resolver).await, Err(Cause::ExpiredCredential), "remembered");
    assert_eq!(home.uses(), 0);
    let mut again = tokens(0, 0);
    again.access = Secret::new("another".into());
    home.vault().sign_in("t", &again).unwrap();
    assert_eq!(home.get(&resolver).await.unwrap(), "access-1");
}

#[tokio::test]
async fn without_a_network_a_token_is_used_to_its_end_and_then_the_network_is_blamed() {
    let mut old = tokens(0, 3600);
    old.grant.renew = Some(jiff::Timestamp::now());
    let home = Home::with(3600);
    home.vault().sign_in("t", &old).unwrap();
    *home.rotating.fails.lock().unwrap() = Some(Cause::Connect);
    let resolver = home.resolver();
    assert_eq!(home.get(&resolver).await.unwrap(), "access-0");
    home.vault().sign_in("t", &tokens(0, 0)).unwrap();
    assert_eq!(home.get(&resolver).await, Err(Cause::Connect));
    *home.rotating.fails.lock().unwrap() = None;
    assert_eq!(home.get(&resolver).await.unwrap(), "access-1", "nothing was lost");
}

#[tokio::test]
async fn a_value_put_there_meanwhile_wins() {
    let home = Home::with(0);
    let vault = home.vault();
    assert!(!vault.renewed("t", &Secret::new("not the present one".into()), &tokens(9, 1)).unwrap());
    vault.set("t", &Secret::new("typed".into())).unwrap();
    assert!(vault.tokens("t").unwrap().is_none(), "a typed value has no grant");
    assert_eq!(home.get(&home.resolver()).await.unwrap(), "typed");
}

#[tokio::test]
async fn tokens_that_could_not_be_written_are_kept_and_written_later() {
    let home = Home::with(0);
    let resolver = home.resolver();
    *home.rotating.lives.lock().unwrap() = 3600;
    // A folder where the vault's lock should be: reading goes on, writing does not.
    let lock = home.folder.path().join("vault.lock");
    std::fs::remove_file(&lock).unwrap();
    std::fs::create_dir(&lock).unwrap();
    assert_eq!(home.get(&resolver).await, Err(Cause::Misconfigured));
    std::fs::remove_dir(&lock).unwrap();
    assert_eq!(home.get(&resolver).await.unwrap(), "access-1");
    assert_eq!(home.uses(), 1, "the token was not used a second time");
}

#[test]
fn going_back_to_a_signed_in_value_brings_its_grant_back() {
    let home = Home::with(3600);
    let vault = home.vault();
    vault.rotate("t", &Secret::new("typed".into()), None).unwrap();
    assert!(vault.tokens("t").unwrap().is_none());
    vault.roll_back("t").unwrap();
    assert_eq!(vault.tokens("t").unwrap().unwrap().access.expose(), "access-0");
}
