//! Checks with a sign-in before them, against a service and a token endpoint made up here.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "common/raw.rs"]
mod raw;
#[path = "common/web.rs"]
mod web;

use lampboard::{
    checks::Checker,
    model::{Cause, FieldValue, Integration, Outcome, Secret, SecretRef, Status},
    providers::Definition,
    secrets::{Resolver, Vault},
};
use raw::{TOKEN, checker, definition, integration};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};
use web::{Web, reply};

/// A service whose sign-in has an address of its own, in a field.
const SERVICE: &str = r#"
id = "twostep"
name = "Two steps"
category = "generic"
base_url = "{{ base_url }}"
[fields.base_url]
label = "Address"
required = true
[fields.authority]
label = "Token service"
required = true
[fields.token]
label = "Client secret"
secret = true
required = true
[login]
base_url = "{{ authority }}"
request = "POST /token"
form = { grant_type = "client_credentials", scope = "a b&c" }
token = "body.access_token"
lifetime = "body.expires_in"
[login.auth]
scheme = "form"
form = { client_secret = "{{ token }}" }
[[login.rule]]
when = "body.code == 'EXPIRED'"
cause = "expired_credential"
[auth]
scheme = "bearer"
token = "{{ login.token }}"
[check]
kind = "http"
request = "GET /me"
active = "status == 200 and body.ok == true"
identity = "body.name"
"#;

/// A service that takes the tokens `live-N`, N being at least `oldest`, and a token endpoint that hands out the next.
struct Service {
    web: Web,
    oldest: Arc<AtomicUsize>,
}

impl Service {
    async fn start(lifetime: &'static str) -> Service {
        let (made, oldest) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
        let still = oldest.clone();
        let web = Web::start(move |asked| {
            if asked.path == "/token" {
                let right = asked.form("client_secret") == TOKEN && asked.form("scope") == "a b&c";
                if !right {
                    return Some(reply("400 Bad Request", r#"{"error":"invalid_client","error_description":"no"}"#));
                }
                let n = made.fetch_add(1, SeqCst);
                return Some(reply("200 OK", &format!(r#"{{"access_token":"live-token-{n}"{lifetime}}}"#)));
            }
            let carried = asked.header("authorization").strip_prefix("Bearer live-token-");
            match carried.and_then(|n| n.parse::<usize>().ok()).filter(|n| *n >= still.load(SeqCst)) {
                Some(n) => Some(reply("200 OK", &format!(r#"{{"ok":true,"name":"ada sent live-token-{n}"}}"#))),
                None => Some(reply("401 Unauthorized", r#"{"message":"bad token"}"#)),
            }
        })
        .await;
        Service { web, oldest }
    }

    fn integration(&self) -> Integration {
        at(&self.web.url, &self.web.url)
    }
}

fn at(check: &str, authority: &str) -> Integration {
    let mut integration = integration(check);
    integration.provider = "twostep".to_owned();
    integration.fields.insert("authority".to_owned(), FieldValue::Text(authority.to_owned()));
    integration
}

async fn check(checker: &Checker, integration: &Integration) -> Outcome {
    checker.attempt(integration, &definition(SERVICE)).await
}

/// One check whose token endpoint answers so.
async fn refused(status: &'static str, body: &'static str) -> (Outcome, Web) {
    let web = Web::start(move |_| Some(reply(status, body))).await;
    let outcome = check(&checker(None), &at(&web.url, &web.url)).await;
    assert_eq!(web.count("/me"), 0, "without a token nothing is asked");
    assert!(!format!("{outcome:?}").contains(TOKEN));
    (outcome, web)
}

#[tokio::test]
async fn many_checks_share_one_sign_in() {
    let service = Service::start(r#","expires_in":3600"#).await;
    let (checker, integration) = (checker(None), service.integration());
    let all = futures_util::future::join_all((0..8).map(|_| check(&checker, &integration))).await;
    assert!(all.iter().all(|o| o.cause == Cause::Ok), "{all:?}");
    for _ in 0..3 {
        assert_eq!(check(&checker, &integration).await.cause, Cause::Ok);
    }
    assert_eq!((service.web.count("/token"), service.web.count("/me")), (1, 11));
    let shown = all[0].identity.clone().unwrap();
    assert!(shown.starts_with("ada sent") && !shown.contains("live-token"), "an echoed token is masked: {shown}");
}

#[tokio::test]
async fn a_token_near_its_end_is_renewed() {
    for (lifetime, sign_ins) in [(r#","expires_in":30"#, 3), (r#","expires_in":"3600""#, 1), ("", 1)] {
        let service = Service::start(lifetime).await;
        let (checker, integration) = (checker(None), service.integration());
        for _ in 0..3 {
            assert_eq!(check(&checker, &integration).await.cause, Cause::Ok);
        }
        assert_eq!(service.web.count("/token"), sign_ins, "'{lifetime}'");
    }
}

#[tokio::test]
async fn a_withdrawn_token_is_made_anew_once() {
    let service = Service::start(r#","expires_in":3600"#).await;
    let (checker, integration) = (checker(None), service.integration());
    assert_eq!(check(&checker, &integration).await.cause, Cause::Ok);
    service.oldest.store(1, SeqCst);
    assert_eq!(check(&checker, &integration).await.cause, Cause::Ok, "the next token is good");
    assert_eq!(service.web.count("/token"), 2);
    service.oldest.store(99, SeqCst);
    let outcome = check(&checker, &integration).await;
    assert_eq!(outcome.cause, Cause::InvalidCredential, "{outcome:?}");
    assert_eq!(service.web.count("/token"), 3, "one more sign-in, not a storm");
    check(&checker, &integration).await;
    assert_eq!(service.web.count("/token"), 4, "a refused token is not kept");
}

#[tokio::test]
async fn a_changed_credential_signs_in_itself() {
    let service = Service::start(r#","expires_in":3600"#).await;
    let (checker, integration) = (checker(None), service.integration());
    assert_eq!(check(&checker, &integration).await.cause, Cause::Ok);
    let wrong = [("token".to_owned(), Secret::new("another".to_owned()))].into_iter().collect();
    let outcome = checker.attempt_as(&integration, &definition(SERVICE), &wrong).await;
    assert_eq!(outcome.cause, Cause::InvalidCredential, "{outcome:?}");
    assert!(outcome.evidence.rule.starts_with("sign-in: general: body.error"), "{outcome:?}");
}

#[tokio::test]
async fn failed_sign_ins_are_told_apart() {
    for (status, body, cause) in [
        ("401 Unauthorized", "{}", Cause::InvalidCredential),
        ("400 Bad Request", r#"{"error":"invalid_grant"}"#, Cause::InvalidCredential),
        ("400 Bad Request", r#"{"error":"invalid_scope"}"#, Cause::Misconfigured),
        ("401 Unauthorized", r#"{"error":"invalid_client","code":"EXPIRED"}"#, Cause::ExpiredCredential),
        ("503 Service Unavailable", r#"{"error":"invalid_client"}"#, Cause::ServerError),
        ("429 Too Many Requests", "{}", Cause::Throttled),
        ("302 Found", "", Cause::UnexpectedResponse),
        ("200 OK", "<html><title>Guest network</title>", Cause::UnexpectedResponse),
        ("200 OK", r#"{"id_token":"live-token-0"}"#, Cause::UnexpectedResponse),
    ] {
        let (outcome, _) = refused(status, body).await;
        assert_eq!(outcome.cause, cause, "{status} {body}: {outcome:?}");
        assert!(outcome.evidence.rule.starts_with("sign-in: "), "{outcome:?}");
        assert!(!format!("{outcome:?}").contains("live-token"), "the answer of a success is not quoted");
    }
}

#[tokio::test]
async fn an_absent_token_service_is_told_from_an_absent_service() {
    let service = Service::start("").await;
    let gone = at(&service.web.url, "http://127.0.0.1:1");
    let outcome = check(&checker(None), &gone).await;
    assert_eq!(outcome.cause, Cause::Connect, "{outcome:?}");
    assert!(outcome.evidence.rule.starts_with("sign-in: "), "{outcome:?}");
    let outcome = check(&checker(None), &at("http://127.0.0.1:1", &service.web.url)).await;
    assert_eq!(outcome.cause, Cause::Connect, "{outcome:?}");
    assert!(!outcome.evidence.rule.contains("sign-in"), "{outcome:?}");
    let silent = Web::start(|_| None).await;
    let hasty = Integration { timeout: Duration::from_millis(300), ..at(&service.web.url, &silent.url) };
    let outcome = check(&checker(None), &hasty).await;
    assert_eq!(outcome.cause, Cause::Timeout, "{outcome:?}");
}

#[tokio::test]
async fn a_stored_secret_goes_to_no_other_token_service() {
    let home = tempfile::tempdir().unwrap();
    let vault = Arc::new(Vault::new(&home.path().join("vault"), &home.path().join("key")));
    vault.set("client", &Secret::new(TOKEN.to_owned())).unwrap();
    let network = lampboard::checks::Network { proxy: "none".to_owned(), ..Default::default() };
    let checker = Checker::new(&network, Resolver::new(vault.clone())).unwrap();
    let stored = |mut integration: Integration| {
        integration.fields.insert("token".to_owned(), FieldValue::Secret(SecretRef::Vault("client".to_owned())));
        integration
    };
    let (service, elsewhere) = (Service::start("").await, Service::start("").await);
    let split = at(&service.web.url, &service.web.url.replace("127.0.0.1", "localhost"));
    assert_eq!(check(&checker, &stored(split)).await.cause, Cause::Ok);
    let bound = vault.get_with_facts("client").unwrap().unwrap().1.hosts;
    assert_eq!(bound.len(), 2, "both hosts of the first good check: {bound:?}");
    for moved in [at(&service.web.url, &elsewhere.web.url), at(&elsewhere.web.url, &service.web.url)] {
        let outcome = check(&checker, &stored(moved)).await;
        assert_eq!(outcome.cause, Cause::Misconfigured, "{outcome:?}");
        assert!(outcome.evidence.seen.contains("was stored for"), "{outcome:?}");
    }
    assert!(elsewhere.web.asked().is_empty(), "nothing was sent there");
}

#[tokio::test]
async fn a_moved_address_does_not_move_a_sign_in_of_its_own() {
    let service = Service::start("").await;
    let fixed = SERVICE.replace("base_url = \"{{ authority }}\"", &format!("base_url = \"{}\"", service.web.url));
    let proxy = Service::start("").await;
    let outcome = checker(None).attempt(&at(&proxy.web.url, ""), &definition(&fixed)).await;
    assert_eq!(outcome.status(), Status::Active, "{outcome:?}");
    assert_eq!((service.web.count("/token"), proxy.web.count("/me")), (1, 1));
    assert_eq!(service.web.asked().len() + proxy.web.asked().len(), 2);
}

#[test]
fn examples_script_both_answers() {
    let text = format!(
        "{SERVICE}[[example]]\nname = \"good\"\nlogin = {{ status = 200, body = '{{\"access_token\":\"t\"}}' }}\n\
         response = {{ status = 200, body = '{{\"ok\":true}}' }}\nexpect = {{ status = \"active\", cause = \"ok\" }}\n\
         [[example]]\nname = \"bad\"\nlogin = {{ status = 401, body = '{{\"error\":\"invalid_client\"}}' }}\n\
         expect = {{ status = \"unauthorized\", cause = \"invalid_credential\" }}\n"
    );
    let replay = |definition: &Definition| {
        definition.examples.iter().map(|e| definition.replay(e).err().unwrap_or_default()).collect::<Vec<_>>()
    };
    assert_eq!(replay(&definition(&text)), ["", ""]);
    let careless = text.replace("token = \"body.access_token\"", "token = \"'t'\"");
    assert!(replay(&definition(&careless))[0].contains("without its body"), "the control covers the sign-in");
}

#[tokio::test]
async fn the_demo_plays_both_parts() {
    use lampboard::{
        demo::{
            script::Script,
            server::{Service, serve},
        },
        providers::Probe,
    };
    let text = format!(
        "{SERVICE}[[example]]\nname = \"good\"\nlogin = {{ status = 200, body = '{{\"access_token\":\"t0\"}}' }}\n\
         response = {{ status = 200, body = '{{\"ok\":true}}' }}\nexpect = {{ status = \"active\", cause = \"ok\" }}\n\
         [[example]]\nname = \"bad\"\nlogin = {{ status = 401, body = '{{\"error\":\"invalid_client\"}}' }}\n\
         expect = {{ status = \"unauthorized\", cause = \"invalid_credential\" }}\n"
    );
    let mut definition = (*definition(&text)).clone();
    let Probe::Http(probe) = &mut definition.probe else { panic!("an http check") };
    probe.on_one_host();
    let definition = Arc::new(definition);
    let played =
        Service { definition: definition.clone(), script: Script::Revoked, credentials: vec![TOKEN.to_owned()] };
    let integration = at(&format!("http://{}", serve(played).await.unwrap()), "http://127.0.0.1:1");
    let checker = checker(None);
    for _ in 0..3 {
        assert_eq!(checker.attempt(&integration, &definition).await.cause, Cause::Ok);
    }
    let revoked = checker.attempt(&integration, &definition).await;
    assert_eq!(revoked.cause, Cause::InvalidCredential, "{revoked:?}");
    assert!(revoked.evidence.rule.starts_with("sign-in: "), "{revoked:?}");
}

/// The shipped definition of Azure, all of it at one server.
async fn azure(
    status: &'static str,
    sign_in: &'static str,
    subscription: (&'static str, &'static str),
) -> (Outcome, Web) {
    let web = Web::start(move |asked| {
        let path = asked.path.split('?').next().unwrap();
        Some(match path {
            "/tenant.example/oauth2/v2.0/token" => {
                let scope = format!("http://{}/.default", asked.header("host"));
                let form = ["client_id", "client_secret", "scope", "grant_type"].map(|name| asked.form(name));
                assert_eq!(form, ["app", TOKEN, &scope, "client_credentials"]);
                reply(status, sign_in)
            }
            _ if asked.header("authorization") != "Bearer eyJ0" => reply("401 Unauthorized", "{}"),
            "/subscriptions/sub" => reply(subscription.0, subscription.1),
            path if path.contains("Microsoft.Web") => {
                reply("403 Forbidden", r#"{"error":{"code":"AuthorizationFailed","message":"no role"}}"#)
            }
            _ => reply("200 OK", r#"{"value":[{"name":"one"}]}"#),
        })
    })
    .await;
    let mut integration = at(&web.url, &web.url);
    integration.provider = "azure".to_owned();
    let secret = integration.fields.shift_remove("token").unwrap();
    integration.fields.insert("client_secret".to_owned(), secret);
    for (name, value) in [("tenant_id", "tenant.example"), ("client_id", "app"), ("subscription_id", "sub")] {
        integration.fields.insert(name.to_owned(), FieldValue::Text(value.to_owned()));
    }
    let registry = lampboard::providers::Registry::built_in();
    let outcome = checker(None).attempt(&integration, registry.get("azure").unwrap()).await;
    assert!(!format!("{outcome:?}").contains(TOKEN) && !format!("{outcome:?}").contains("eyJ0"), "{outcome:?}");
    (outcome, web)
}

const SIGNED_IN: &str = r#"{"access_token":"eyJ0","expires_in":3599}"#;
const SUBSCRIPTION: (&str, &str) = ("200 OK", r#"{"subscriptionId":"sub","displayName":"Prod","state":"Enabled"}"#);

#[tokio::test]
async fn azure_tells_each_part_and_each_refusal() {
    let (good, web) = azure("200 OK", SIGNED_IN, SUBSCRIPTION).await;
    assert_eq!((good.cause, good.identity.as_deref()), (Cause::Ok, Some("app")), "{good:?}");
    let fact = |label: &str| good.facts.iter().find(|f| f.label == label).map(|f| f.value.clone()).unwrap_or_default();
    assert_eq!(["Cosmos accounts", "Functions"].map(fact), ["1", "no permission: no role"]);
    assert_eq!(web.count("/tenant.example"), 1, "one token for all questions");
    let forbidden = ("403 Forbidden", r#"{"error":{"code":"AuthorizationFailed","message":"x"}}"#);
    let (outcome, _) = azure("200 OK", SIGNED_IN, forbidden).await;
    assert_eq!(outcome.status(), Status::Active, "{outcome:?}");
    assert!(
        outcome.warnings.iter().any(|w| matches!(w, lampboard::model::Warning::MissingScope { .. })),
        "{outcome:?}"
    );
    for (body, cause) in [
        (r#"{"error":"invalid_client","error_description":"AADSTS7000215: no"}"#, Cause::InvalidCredential),
        (r#"{"error":"invalid_client","error_description":"AADSTS7000222: old"}"#, Cause::ExpiredCredential),
    ] {
        let (outcome, web) = azure("401 Unauthorized", body, SUBSCRIPTION).await;
        assert_eq!((outcome.cause, web.asked().len()), (cause, 1), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_call_signs_in_first_keeps_the_token_and_asks_for_another_when_it_is_refused() {
    use lampboard::providers::action::{Call, Given};
    let service = Service::start(r#","expires_in":3600"#).await;
    let text = format!(
        "{SERVICE}[action.rename]\nlabel = \"Rename\"\nhelp = \"It\"\nrequest = \"POST /name\"\nok = \"body.ok == true\"\n\
         result = \"body.name\"\n"
    );
    let (checker, definition, integration) = (checker(None), definition(&text), service.integration());
    let values = definition.actions["rename"].values(&Given::new()).unwrap();
    let rename = Call::Action { name: "rename".to_owned(), values };
    for _ in 0..2 {
        let called = checker.call(&integration, &definition, &rename).await;
        assert_eq!((called.is_done(), &called.result), (true, &"ada sent ••••".into()), "{called:?}");
    }
    assert_eq!(service.web.count("/token"), 1, "one sign-in for both");
    service.oldest.store(1, SeqCst);
    let free = Call::Free { method: http::Method::GET, path: "/me".to_owned(), body: None };
    let called = checker.call(&integration, &definition, &free).await;
    assert!(called.is_done() && !format!("{called:?}").contains("live-token"), "{called:?}");
    assert_eq!(service.web.count("/token"), 2, "the withdrawn token is replaced");
    service.oldest.store(100, SeqCst);
    let called = checker.call(&integration, &definition, &rename).await;
    assert_eq!(called.ending.as_str(), "invalid_credential", "{called:?}");
    assert_eq!(service.web.count("/token"), 3, "and no more than once");
}
