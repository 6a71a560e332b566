//! Signing in at a real OpenID provider, npm's `oidc-provider`, started here on a free port. Its pages are gone through
//! as a browser would. `.ci/run` installs it and tells its folder in LAMPBOARD_OIDC_PROVIDER.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "common/browser.rs"]
mod browser;

use browser::Browser;
use indexmap::IndexMap;
use lampboard::{
    checks::{
        Checker, Network,
        oauth::{Step, Way},
    },
    model::{Cause, FieldValue, Integration, IntegrationId, Outcome, Secret, SecretRef, Tokens},
    providers::{Definition, Origin, compile::compile},
    secrets::{ResolveError, Resolver, Vault},
};
use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};
use tokio::sync::mpsc::unbounded_channel;

/// The provider. It ends with the test.
struct Provider {
    child: Child,
    url: String,
    folder: tempfile::TempDir,
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const DEFINITION: &str = r#"id = "oidc"
name = "OpenID"
category = "generic"
base_url = "{{ base_url }}"
[fields.base_url]
label = "B"
[fields.client_id]
label = "I"
[fields.token]
label = "T"
secret = true
required = true
[fields.client_secret]
label = "S"
secret = true
[auth]
scheme = "bearer"
token = "{{ token }}"
[check]
kind = "http"
request = "GET /me"
active = "status == 200 and body.sub is defined"
identity = "body.sub"
[oauth]
field = "token"
client_id = "client_id"
client_secret = "client_secret"
client_auth = "basic"
device = "/device/auth"
authorize = "/auth"
token = "/token"
client_credentials = true
"#;

impl Provider {
    fn start() -> Provider {
        let folder = std::env::var("LAMPBOARD_OIDC_PROVIDER").expect("LAMPBOARD_OIDC_PROVIDER names the npm package");
        let mut child = Command::new("node")
            .arg("tests/oidc/server.mjs")
            .env("LAMPBOARD_OIDC_PROVIDER", folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("node is installed");
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = lines.map_while(Result::ok).find_map(|l| l.strip_prefix("ready ").map(str::to_owned));
        let url = format!("http://127.0.0.1:{}", ready.expect("it started"));
        Provider { child, url, folder: tempfile::tempdir().unwrap() }
    }

    fn checker(&self, second: Duration) -> Checker {
        let vault = Vault::new(&self.folder.path().join("vault.age"), &self.folder.path().join("identity.txt"));
        let network = Network { proxy: "none".into(), second, ..Network::default() };
        Checker::new(&network, Resolver::new(Arc::new(vault))).unwrap()
    }

    fn integration(&self, client: &str) -> Integration {
        let text = |text: &str| FieldValue::Text(text.to_owned());
        Integration {
            id: IntegrationId::new("oidc").unwrap(),
            provider: "oidc".into(),
            name: "oidc".into(),
            tags: vec![],
            fields: IndexMap::from([
                ("base_url".to_owned(), text(&self.url)),
                ("client_id".to_owned(), text(client)),
                ("token".to_owned(), FieldValue::Secret(SecretRef::Vault("oidc".into()))),
            ]),
            enabled: true,
            interval: Duration::from_secs(60),
            timeout: Duration::from_secs(20),
            attempts: 1,
            failures_to_open: 1,
            successes_to_close: 1,
            expires: None,
            ca_file: None,
            insecure: false,
            slow: None,
            needs_scopes: vec![],
        }
    }

    /// Signs in while a person does as `person` says with each step.
    async fn sign_in(
        &self,
        checker: &Checker,
        client: &str,
        way: Way,
        scope: &str,
        typed: &[(&str, &str)],
        person: impl AsyncFnOnce(Step),
    ) -> Result<Tokens, ResolveError> {
        let typed: IndexMap<_, _> =
            typed.iter().map(|(k, v)| ((*k).to_owned(), Secret::new((*v).to_owned()))).collect();
        let (report, mut steps) = unbounded_channel();
        let (integration, definition) = (self.integration(client), definition(scope));
        let work = checker.sign_in(&integration, &definition, &typed, way, report);
        let acts = async {
            if let Some(step) = steps.recv().await {
                person(step).await;
            }
        };
        tokio::join!(work, acts).0
    }

    async fn check(&self, checker: &Checker) -> Outcome {
        checker.attempt(&self.integration("board"), &definition("openid")).await
    }

    /// Stores the tokens as ones that it is time to renew.
    fn store_due(&self, checker: &Checker, tokens: &Tokens) {
        let mut tokens = tokens.clone();
        tokens.grant.renew = Some(jiff::Timestamp::now());
        checker.resolver().vault.sign_in("oidc", &tokens).unwrap();
    }
}

fn definition(scope: &str) -> Arc<Definition> {
    let scopes = if scope.is_empty() { String::new() } else { format!("scopes = \"{scope}\"\n") };
    Arc::new(compile(Path::new("oidc.toml"), &format!("{DEFINITION}{scopes}"), Origin::BuiltIn).unwrap())
}

const SCOPE: &str = "openid offline_access";
const SHORT: Duration = Duration::from_millis(50);

async fn approve(step: Step) {
    let Step::Code { direct, .. } = step else { panic!("{step:?}") };
    let mut browser = Browser::default();
    let form = browser.get(&direct.unwrap()).await;
    let confirm = browser.submit(&form, &[]).await;
    let done = browser.submit(&confirm, &[]).await;
    assert!(done.text.contains("Sign-in Success"), "{}", done.text);
}

#[tokio::test]
#[ignore = "needs node and oidc-provider"]
async fn an_openid_provider_approves_a_code_and_rotates() {
    let provider = Provider::start();
    let checker = provider.checker(SHORT);
    let tokens = provider.sign_in(&checker, "board", Way::Device, SCOPE, &[], approve).await.unwrap();
    assert!(tokens.grant.refresh.is_some() && tokens.grant.expires.is_some());
    provider.store_due(&checker, &tokens);
    let outcomes = tokio::join!(provider.check(&checker), provider.check(&checker), provider.check(&checker));
    for outcome in [outcomes.0, outcomes.1, outcomes.2] {
        assert_eq!((outcome.cause, outcome.identity.as_deref()), (Cause::Ok, Some("ada")), "{outcome:?}");
    }
    let renewed = checker.resolver().vault.tokens("oidc").unwrap().unwrap();
    assert!(renewed.access != tokens.access && renewed.grant.refresh != tokens.grant.refresh, "rotated");
    // The new one is good for another turn.
    provider.store_due(&checker, &renewed);
    assert_eq!(provider.check(&checker).await.cause, Cause::Ok);
    // Whoever uses one a second time ends all of them: then a person has to sign in again.
    provider.store_due(&checker, &tokens);
    let ended = provider.check(&checker).await;
    assert_eq!(ended.cause, Cause::ExpiredCredential, "{ended:?}");
    assert!(ended.evidence.seen.contains("sign in again"), "{ended:?}");
}

#[tokio::test]
#[ignore = "needs node and oidc-provider"]
async fn an_openid_provider_refuses_a_code_lets_it_die_and_slows_us_down() {
    let provider = Provider::start();
    let refuse = async |step: Step| {
        let Step::Code { direct, .. } = step else { panic!("{step:?}") };
        let mut browser = Browser::default();
        let form = browser.get(&direct.unwrap()).await;
        let confirm = browser.submit(&form, &[]).await;
        browser.submit(&confirm, &[("abort", "yes")]).await;
    };
    let checker = provider.checker(SHORT);
    let refused = provider.sign_in(&checker, "board", Way::Device, SCOPE, &[], refuse).await.unwrap_err();
    assert!(refused.message.contains("refused in the browser"), "{refused}");

    // Its code lives two seconds and is asked for only once, when it is dead.
    let patient = provider.checker(Duration::from_secs(3));
    let died = provider.sign_in(&patient, "brief", Way::Device, SCOPE, &[], async |_| ()).await.unwrap_err();
    assert!(died.message.contains("died before"), "{died}");

    let started = std::time::Instant::now();
    let slow = async |step| {
        Browser::default().get(&format!("{}/slow", provider.url)).await;
        approve(step).await;
    };
    provider.sign_in(&checker, "board", Way::Device, SCOPE, &[], slow).await.unwrap();
    assert!(started.elapsed() >= SHORT * 7, "one second, and six after slow_down");

    let unknown = provider.sign_in(&checker, "nobody", Way::Device, SCOPE, &[], approve).await.unwrap_err();
    assert_eq!(unknown.cause, Cause::InvalidCredential, "{unknown}");
}

#[tokio::test]
#[ignore = "needs node and oidc-provider"]
async fn an_openid_provider_sends_a_browser_back() {
    let provider = Provider::start();
    let checker = provider.checker(SHORT);
    let person = async |step: Step| {
        let Step::Browser { link, .. } = step else { panic!("{step:?}") };
        let page = Browser::default().get(&link).await;
        assert!(page.text.contains("You can close this page"), "{}", page.text);
    };
    let tokens = provider.sign_in(&checker, "board", Way::Browser, SCOPE, &[], person).await.unwrap();
    checker.resolver().vault.sign_in("oidc", &tokens).unwrap();
    let outcome = provider.check(&checker).await;
    assert_eq!((outcome.cause, outcome.identity.as_deref()), (Cause::Ok, Some("ada")), "{outcome:?}");
}

#[tokio::test]
#[ignore = "needs node and oidc-provider"]
async fn an_openid_provider_lets_an_application_in() {
    let provider = Provider::start();
    let checker = provider.checker(SHORT);
    let secret = "canary:application/secret";
    let nobody = async |_| ();
    let sign_in = |secret| {
        let typed = [("client_secret", secret)];
        let (provider, checker) = (&provider, &checker);
        async move { provider.sign_in(checker, "robot", Way::Client, "", &typed, nobody).await }
    };
    let wrong = sign_in("wrong-canary-wrong").await.unwrap_err();
    assert_eq!(wrong.cause, Cause::InvalidCredential, "{wrong}");
    assert!(!wrong.message.contains("canary"), "{wrong}");
    let tokens = sign_in(secret).await.unwrap();
    assert!(tokens.grant.renewable() && tokens.grant.refresh.is_none());
    // The provider itself says that the token is good.
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/token/introspection", provider.url);
    let form = format!("token={}", tokens.access.expose());
    let request = client.post(url).basic_auth("robot", Some("canary%3Aapplication%2Fsecret")).body(form);
    let answer = request.header("content-type", "application/x-www-form-urlencoded").send().await.unwrap();
    let text = answer.text().await.unwrap();
    assert!(text.contains("\"active\":true"), "{text}");
}
