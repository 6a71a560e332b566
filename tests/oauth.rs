//! Signing in and renewing against a service on this machine that behaves, and one that does not.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "common/sign_in.rs"]
mod sign_in;

use indexmap::IndexMap;
use lampboard::{
    checks::{
        Checker, Network,
        oauth::{Step, Way},
    },
    model::{Cause, FieldValue, Integration, IntegrationId, Secret, SecretRef, Status, Tokens},
    providers::{Definition, Origin, Registry, compile::compile},
    secrets::{ResolveError, Resolver, Vault},
};
use sign_in::{SignIn, Turn};
use std::{path::Path, sync::Arc, time::Duration};
use tokio::sync::mpsc::unbounded_channel;

/// Length of a second of the service.
const SECOND: Duration = Duration::from_millis(20);
const TOKEN: &str = "/login/oauth/access_token";

struct Home {
    folder: tempfile::TempDir,
    checker: Checker,
    definition: Arc<Definition>,
    integration: Integration,
}

fn home(service: &SignIn) -> Home {
    home_of(Registry::built_in().get("github").unwrap().clone(), service)
}

fn home_of(definition: Arc<Definition>, service: &SignIn) -> Home {
    let folder = tempfile::tempdir().unwrap();
    let checker = checker(folder.path());
    let text = |text: &str| FieldValue::Text(text.to_owned());
    let fields = IndexMap::from([
        ("base_url".to_owned(), text(&service.url())),
        ("oauth_url".to_owned(), text(&service.url())),
        ("client_id".to_owned(), text("board")),
        ("token".to_owned(), FieldValue::Secret(SecretRef::Vault("gh".to_owned()))),
    ]);
    let integration = Integration {
        id: IntegrationId::new("gh").unwrap(),
        provider: definition.id.clone(),
        name: "gh".into(),
        tags: vec![],
        fields,
        enabled: true,
        interval: Duration::from_secs(60),
        timeout: Duration::from_secs(10),
        attempts: 1,
        failures_to_open: 1,
        successes_to_close: 1,
        expires: None,
        ca_file: None,
        insecure: false,
        slow: None,
        needs_scopes: vec![],
    };
    Home { folder, checker, definition, integration }
}

/// As another program over the same vault would have it.
fn checker(folder: &Path) -> Checker {
    let vault = Vault::new(&folder.join("vault.age"), &folder.join("identity.txt"));
    let network = Network { proxy: "none".into(), second: SECOND, ..Network::default() };
    Checker::new(&network, Resolver::new(Arc::new(vault))).unwrap()
}

impl Home {
    async fn sign_in(&self, way: Way) -> (Result<Tokens, ResolveError>, Vec<Step>) {
        self.sign_in_with(way, &[]).await
    }

    async fn sign_in_with(&self, way: Way, typed: &[(&str, &str)]) -> (Result<Tokens, ResolveError>, Vec<Step>) {
        let typed = typed.iter().map(|(k, v)| ((*k).to_owned(), Secret::new((*v).to_owned()))).collect();
        let (report, mut steps) = unbounded_channel();
        let work = self.checker.sign_in(&self.integration, &self.definition, &typed, way, report);
        tokio::pin!(work);
        let mut seen = Vec::new();
        let result = loop {
            tokio::select! {
                Some(step) = steps.recv() => {
                    if let Step::Browser { link, .. } = &step {
                        tokio::spawn(browse(link.clone()));
                    }
                    seen.push(step);
                }
                result = &mut work => break result,
            }
        };
        if let Err(error) = &result {
            assert!(!error.message.contains("canary"), "{error}");
        }
        (result, seen)
    }

    /// Stores tokens whose access token has died.
    fn store_dead(&self, service: &SignIn) {
        let (mut grant, now) = (self.grant(service), jiff::Timestamp::now());
        grant.expires = Some(now);
        grant.renew = Some(now);
        let tokens = Tokens { access: Secret::new("canary-access-0".into()), grant };
        self.checker.resolver().vault.sign_in("gh", &tokens).unwrap();
    }

    fn grant(&self, service: &SignIn) -> lampboard::model::Grant {
        lampboard::model::Grant {
            token_url: format!("{}{TOKEN}", service.url()),
            client_id: "board".into(),
            client_secret: None,
            basic: false,
            of_client: false,
            refresh: Some(Secret::new("canary-refresh-0".into())),
            scope: String::new(),
            params: vec![],
            expires: None,
            renew: None,
            ends: None,
        }
    }

    async fn check(&self) -> lampboard::model::Outcome {
        let outcome = self.checker.attempt(&self.integration, &self.definition).await;
        assert!(!format!("{outcome:?}").contains("canary"), "{outcome:?}");
        outcome
    }
}

/// A browser that follows where it is sent, after a stranger has tried another state.
async fn browse(link: String) {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
    let back = client.get(link).send().await.unwrap().headers()["location"].to_str().unwrap().to_owned();
    let forged = format!("{}?code=forged&state=guessed", back.split('?').next().unwrap());
    assert_eq!(client.get(forged).send().await.unwrap().status(), 400);
    assert_eq!(client.get(back.replace("/callback", "/favicon.ico")).send().await.unwrap().status(), 400);
    let page = client.get(back).send().await.unwrap();
    assert_eq!(page.headers()["cache-control"], "no-store");
    assert!(page.text().await.unwrap().contains("You can close this page"));
}

#[tokio::test]
async fn a_code_is_shown_and_asked_for_until_it_is_approved() {
    let service = SignIn::serve(&[Turn::Says("authorization_pending"), Turn::Says("authorization_pending")]);
    let home = home(&service);
    let (tokens, steps) = home.sign_in(Way::Device).await;
    let tokens = tokens.unwrap();
    assert_eq!(tokens.access.expose(), "canary-access-1");
    assert_eq!(tokens.grant.refresh.as_ref().unwrap().expose(), "canary-refresh-1");
    assert!(tokens.grant.expires.is_some_and(|at| at > jiff::Timestamp::now()));
    let [Step::Code { code, link, direct, .. }] = &steps[..] else { panic!("{steps:?}") };
    assert_eq!((&**code, &**link), ("WDJB-MJHT", &*format!("{}/login/device", service.url())));
    assert!(direct.as_ref().unwrap().ends_with("user_code=WDJB-MJHT"));
    assert_eq!(service.forms("/login/device/code")[0]["client_id"], "board");
    let asked = service.times(TOKEN);
    assert_eq!(asked.len(), 3);
    assert!(asked.windows(2).all(|w| w[1] - w[0] >= SECOND), "not asked more often than it wants");
    // What it gave works, once stored.
    home.checker.resolver().vault.sign_in("gh", &tokens).unwrap();
    let outcome = home.check().await;
    assert_eq!((outcome.cause, outcome.identity.as_deref()), (Cause::Ok, Some("ada")), "{outcome:?}");
    assert_eq!(outcome.credential_expires, None, "it renews itself");
}

#[tokio::test]
async fn slow_down_is_heeded_and_a_broken_connection_survived() {
    let service = SignIn::serve(&[Turn::Says("slow_down"), Turn::Hangs, Turn::Answers(503, "busy".into())]);
    let (tokens, _) = home(&service).sign_in(Way::Device).await;
    tokens.unwrap();
    let asked = service.times(TOKEN);
    let gaps: Vec<_> = asked.windows(2).map(|w| w[1] - w[0]).collect();
    for (gap, least) in gaps.iter().zip([6, 12, 24]) {
        assert!(*gap >= SECOND * least, "{gaps:?}");
    }
    assert_eq!(gaps.len(), 3);
}

#[tokio::test]
async fn refused_dead_and_wrong_codes_are_told_apart() {
    for (turns, words, cause) in [
        (vec![Turn::Says("access_denied")], "refused in the browser", Cause::InvalidCredential),
        (vec![Turn::Says("expired_token")], "died before it was approved", Cause::ExpiredCredential),
        (vec![Turn::Says("device_flow_disabled")], "device_flow_disabled", Cause::Misconfigured),
        (vec![Turn::Says("invalid_client")], "application's id or secret", Cause::InvalidCredential),
        (vec![Turn::Answers(200, "<html>".into())], "portal", Cause::UnexpectedResponse),
        (vec![Turn::Answers(200, "{}".into())], "no access token", Cause::UnexpectedResponse),
    ] {
        let (result, _) = home(&SignIn::serve(&turns)).sign_in(Way::Device).await;
        let error = result.unwrap_err();
        assert!(error.message.contains(words) && error.cause == cause, "{error:?}");
    }
    let service = SignIn::serve(&vec![Turn::Says("authorization_pending"); 50]);
    service.seen().code_lives = 3;
    let error = home(&service).sign_in(Way::Device).await.0.unwrap_err();
    assert!(error.message.contains("died before"), "{error}");
    assert!(service.times(TOKEN).len() <= 3, "nobody asks for a dead code");
}

#[tokio::test]
async fn a_browser_comes_back_with_the_right_state_and_pkce() {
    let service = SignIn::serve(&[]);
    let home = home(&service);
    let (missing, _) = home.sign_in(Way::Browser).await;
    assert!(missing.unwrap_err().message.contains("'client_secret' is empty"));
    let (tokens, steps) = home.sign_in_with(Way::Browser, &[("client_secret", "canary-application")]).await;
    assert_eq!(tokens.unwrap().access.expose(), "canary-access-1");
    let [Step::Browser { link, port, .. }] = &steps[..] else { panic!("{steps:?}") };
    assert!(link.contains("code_challenge_method=S256") && link.contains(&format!("127.0.0.1%3A{port}")), "{link}");
    assert!(!link.contains("canary"));
    assert!(std::net::TcpStream::connect(("127.0.0.1", *port)).is_err(), "the port is closed again");
}

#[tokio::test]
async fn a_browser_that_brings_a_refusal_ends_it() {
    let service = SignIn::serve(&[]);
    let home = home(&service);
    let typed = IndexMap::from([("client_secret".to_owned(), Secret::new("canary-application".into()))]);
    let (report, mut steps) = unbounded_channel();
    let work = home.checker.sign_in(&home.integration, &home.definition, &typed, Way::Browser, report);
    let person = async {
        let Some(Step::Browser { link, .. }) = steps.recv().await else { panic!("no link") };
        let query = reqwest::Url::parse(&link).unwrap();
        let of = |key: &str| query.query_pairs().find(|(k, _)| k == key).unwrap().1.into_owned();
        let back = format!("{}?error=access_denied&state={}", of("redirect_uri"), of("state"));
        reqwest::Client::builder().no_proxy().build().unwrap().get(back).send().await.unwrap();
    };
    let (result, ()) = tokio::join!(work, person);
    assert!(result.unwrap_err().message.contains("refused in the browser (access_denied)"));
    assert!(service.times(TOKEN).is_empty());
}

#[tokio::test]
async fn a_dead_token_is_renewed_once_by_all_checks_of_two_programs() {
    let service = SignIn::serve(&[]);
    let home = home(&service);
    home.store_dead(&service);
    let other = checker(home.folder.path());
    let all = futures_util::future::join_all((0..12).map(|n| {
        let checker = if n % 2 == 0 { &home.checker } else { &other };
        checker.attempt(&home.integration, &home.definition)
    }));
    for outcome in all.await {
        assert_eq!(outcome.cause, Cause::Ok, "{outcome:?}");
    }
    assert_eq!(service.times(TOKEN).len(), 1, "a rotating token is used once");
    let stored = home.checker.resolver().vault.tokens("gh").unwrap().unwrap();
    assert_eq!(stored.grant.refresh.unwrap().expose(), service.seen().refresh, "the new one is kept");
    assert_eq!(home.checker.resolver().vault.get_with_facts("gh").unwrap().unwrap().1.hosts.len(), 1, "and bound");
}

#[tokio::test]
async fn whose_fault_a_failed_renewal_is() {
    let html = || Turn::Answers(200, "<html><title>Guests</title></html>".into());
    for (turn, status, cause) in [
        (Turn::Says("invalid_grant"), Status::Unauthorized, Cause::ExpiredCredential),
        (Turn::Says("bad_refresh_token"), Status::Unauthorized, Cause::ExpiredCredential),
        (Turn::Says("invalid_client"), Status::Unauthorized, Cause::InvalidCredential),
        (Turn::Answers(500, "{}".into()), Status::Error, Cause::ServerError),
        (Turn::Answers(429, "{}".into()), Status::RateLimited, Cause::Throttled),
        (Turn::Hangs, Status::Error, Cause::Connect),
        (html(), Status::Error, Cause::UnexpectedResponse),
        (
            Turn::Answers(400, "{\"error\":\"invalid_request\",\"error_description\":\"canary-refresh-0?\"}".into()),
            Status::Error,
            Cause::Misconfigured,
        ),
    ] {
        let service = SignIn::serve(&[turn]);
        let home = home(&service);
        home.store_dead(&service);
        let outcome = home.check().await;
        assert_eq!((outcome.status(), outcome.cause), (status, cause), "{outcome:?}");
        if cause == Cause::ExpiredCredential {
            assert!(outcome.evidence.seen.contains("sign in again"), "{outcome:?}");
            assert_eq!(home.check().await.cause, cause);
            assert_eq!(service.times(TOKEN).len(), 1, "an ended sign-in is not asked for again");
        } else {
            assert_eq!(home.check().await.cause, Cause::Ok, "the refresh token was not lost");
        }
    }
    // Nobody listens any more: the network, not the key.
    let service = SignIn::serve(&[]);
    let home = home(&service);
    let gone = SignIn { port: free_port(), ..service };
    home.store_dead(&gone);
    assert_eq!(home.check().await.cause, Cause::Connect);
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn application(more: &str) -> Arc<Definition> {
    let text = format!(
        "id = \"app\"\nname = \"App\"\ncategory = \"generic\"\nbase_url = \"https://app.example\"\n\
         [fields.token]\nlabel = \"T\"\nsecret = true\nrequired = true\n[fields.client_id]\nlabel = \"I\"\n\
         [fields.base_url]\nlabel = \"B\"\n[fields.client_secret]\nlabel = \"S\"\nsecret = true\n\
         [auth]\nscheme = \"bearer\"\ntoken = \"{{{{ token }}}}\"\n[check]\nkind = \"http\"\nrequest = \"GET /user\"\n\
         active = \"status == 200 and body.login is defined\"\n[oauth]\nfield = \"token\"\nclient_id = \"client_id\"\n\
         client_secret = \"client_secret\"\ntoken = \"{TOKEN}\"\nclient_credentials = true\nscopes = \"a b\"\n{more}"
    );
    Arc::new(compile(Path::new("app.toml"), &text, Origin::BuiltIn).unwrap())
}

#[tokio::test]
async fn an_application_signs_in_for_itself_and_does_so_again() {
    for more in ["", "client_auth = \"basic\"\nparams = { audience = \"x y\" }\n"] {
        let service = SignIn::serve(&[]);
        let home = home_of(application(more), &service);
        let (wrong, _) = home.sign_in_with(Way::Client, &[("client_secret", "canary-wrong")]).await;
        assert_eq!(wrong.unwrap_err().cause, Cause::InvalidCredential);
        let (tokens, steps) = home.sign_in_with(Way::Client, &[("client_secret", "canary-application")]).await;
        let mut tokens = tokens.unwrap();
        assert!(steps.is_empty() && tokens.grant.refresh.is_none() && tokens.grant.renewable());
        tokens.grant.renew = Some(jiff::Timestamp::now());
        home.checker.resolver().vault.sign_in("gh", &tokens).unwrap();
        assert_eq!(home.check().await.cause, Cause::Ok);
        let forms = service.forms(TOKEN);
        assert_eq!(forms.len(), 3);
        assert_eq!(forms[1], forms[2], "the second time is as the first");
        assert_eq!(forms[2]["scope"], "a b");
        assert_eq!(forms[2].contains_key("client_secret"), more.is_empty(), "in the form or in the header");
    }
}

#[test]
fn addresses_are_filled_in_and_secrets_go_out_encrypted() {
    let registry = Registry::built_in();
    let given = |id: &str, fields: &[(&str, &str)]| {
        let fields = fields.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        registry.get(id).unwrap().endpoints(&fields).map(|e| e.token.to_string()).map_err(|e| e.0)
    };
    assert_eq!(given("github", &[]).unwrap(), "https://github.com/login/oauth/access_token");
    assert_eq!(
        given("gitlab_oauth", &[("base_url", "https://git.example/lab")]).unwrap(),
        "https://git.example/lab/oauth/token"
    );
    assert_eq!(given("google", &[]).unwrap(), "https://oauth2.googleapis.com/token");
    assert_eq!(
        given("microsoft_graph", &[("tenant", "../x?y#z")]).unwrap(),
        "https://login.microsoftonline.com/..%2Fx%3Fy%23z/oauth2/v2.0/token"
    );
    let clear = given("github", &[("oauth_url", "http://github.example")]).unwrap_err();
    assert!(clear.contains("in the clear"), "{clear}");
    assert!(given("slack", &[]).unwrap_err().contains("no sign-in"));
}

#[test]
fn a_wrong_table_is_complained_about() {
    let text = |oauth: &str| {
        format!(
            "id = \"app\"\nname = \"App\"\ncategory = \"generic\"\nbase_url = \"https://app.example\"\n\
             [fields.token]\nlabel = \"T\"\nsecret = true\n[fields.id]\nlabel = \"I\"\n\
             [check]\nkind = \"http\"\nrequest = \"GET /\"\nactive = \"status == 200\"\n[oauth]\n{oauth}"
        )
    };
    let good = "field = \"token\"\nclient_id = \"id\"\ndevice = \"/d\"\ntoken = \"https://x.example/t\"\n";
    let compiled = |oauth: &str| compile(Path::new("app.toml"), &text(oauth), Origin::BuiltIn);
    assert_eq!(compiled(good).unwrap().oauth.unwrap().ways(), [Way::Device]);
    for (from, to, words) in [
        ("field = \"token\"", "field = \"id\"", "names no secret field"),
        ("client_id = \"id\"", "client_id = \"token\"", "names no plain field"),
        ("https://x.example/t", "http://x.example/t", "neither /path nor https"),
        ("https://x.example/t", "/{{ nope }}", "names no field"),
        ("device = \"/d\"", "", "needs 'device'"),
        ("device = \"/d\"", "client_credentials = true", "needs 'client_secret'"),
        ("device = \"/d\"", "devise = \"/d\"", "unknown field"),
    ] {
        let problems = compiled(&good.replace(from, to)).unwrap_err();
        assert!(problems.iter().any(|p| p.message.contains(words) && p.line.is_some()), "{words}: {problems:?}");
    }
}
