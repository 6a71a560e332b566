//! Token services that the server itself names, made up here: where the credential goes and where it does not.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "common/raw.rs"]
mod raw;
#[path = "common/web.rs"]
mod web;

use base64::{Engine, prelude::BASE64_STANDARD};
use lampboard::{
    model::{Cause, FieldValue, Integration, Outcome, SecretRef},
    providers::Registry,
};
use raw::{TOKEN, checker, integration};
use web::{Asked, Reply, Web, reply};

fn challenge(realm: &str) -> Reply {
    let header =
        format!("www-authenticate: Bearer realm=\"{realm}\",service=\"images\",scope=\"registry:catalog:*\"\r\n");
    ("401 Unauthorized", header, r#"{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}"#.into())
}

fn signed(asked: &Asked) -> bool {
    asked.header("authorization") == format!("Basic {}", BASE64_STANDARD.encode(format!("ada:{TOKEN}")))
}

/// A registry whose realm is at `realm`, or at itself.
async fn registry(realm: Option<String>) -> Web {
    Web::start(move |asked| {
        let own = format!("http://{}/token", asked.header("host"));
        if asked.path.starts_with("/token") {
            let whole = asked.path.contains("service=images") && asked.path.contains("scope=registry%3Acatalog%3A*");
            return Some(match whole && signed(asked) {
                true => reply("200 OK", r#"{"token":"handed-out-token","expires_in":300}"#),
                false => reply("401 Unauthorized", r#"{"details":"incorrect username or password"}"#),
            });
        }
        Some(match asked.header("authorization") {
            "Bearer handed-out-token" => reply("200 OK", r#"{"repositories":["base"]}"#),
            _ => challenge(realm.as_deref().unwrap_or(&own)),
        })
    })
    .await
}

fn at(url: &str) -> Integration {
    let mut integration = integration(url);
    integration.provider = "oci_registry".to_owned();
    let password = integration.fields.shift_remove("token").unwrap();
    integration.fields.insert("password".to_owned(), password);
    integration.fields.insert("username".to_owned(), FieldValue::Text("ada".to_owned()));
    integration
}

async fn check(integration: &Integration) -> Outcome {
    let registry = Registry::built_in();
    checker(None).attempt(integration, registry.get("oci_registry").unwrap()).await
}

#[tokio::test]
async fn the_token_is_fetched_where_the_registry_says_and_kept() {
    let web = registry(None).await;
    let (checker, registry, integration) = (checker(None), Registry::built_in(), at(&web.url));
    for _ in 0..3 {
        let outcome = checker.attempt(&integration, registry.get("oci_registry").unwrap()).await;
        assert_eq!((outcome.cause, outcome.identity.as_deref()), (Cause::Ok, Some("ada")), "{outcome:?}");
    }
    assert_eq!((web.count("/token"), web.count("/v2/_catalog")), (1, 4), "one challenge, one token, three checks");
    assert!(
        !web.asked().iter().any(|a| !a.path.starts_with("/token") && signed(a)),
        "the password goes to the realm alone"
    );
}

#[tokio::test]
async fn a_wrong_password_is_refused_by_the_token_service() {
    let web = registry(None).await;
    let mut wrong = at(&web.url);
    wrong.fields.insert("username".to_owned(), FieldValue::Text("bob".to_owned()));
    let outcome = check(&wrong).await;
    assert_eq!(outcome.cause, Cause::InvalidCredential, "{outcome:?}");
    assert!(outcome.evidence.rule.starts_with("sign-in: "), "{outcome:?}");
}

#[tokio::test]
async fn a_realm_elsewhere_gets_the_password_only_when_named() {
    let elsewhere = registry(None).await;
    let realm = elsewhere.url.replace("127.0.0.1", "localhost");
    let web = registry(Some(format!("{realm}/token"))).await;
    let outcome = check(&at(&web.url)).await;
    assert_eq!(outcome.cause, Cause::Misconfigured, "{outcome:?}");
    assert!(outcome.evidence.seen.contains("'localhost', which is not of its site"), "{outcome:?}");
    assert!(elsewhere.asked().is_empty(), "nothing was sent there");
    let mut named = at(&web.url);
    named.fields.insert("token_service".to_owned(), FieldValue::Text(realm));
    assert_eq!(check(&named).await.cause, Cause::Ok);
}

#[tokio::test]
async fn a_registry_that_takes_passwords_gets_the_password() {
    let web = Web::start(|asked| {
        Some(match signed(asked) {
            true => reply("200 OK", r#"{"repositories":[]}"#),
            false => ("401 Unauthorized", "www-authenticate: Basic realm=\"x\"\r\n".to_owned(), "{}".to_owned()),
        })
    })
    .await;
    assert_eq!(check(&at(&web.url)).await.cause, Cause::Ok);
    let mut wrong = at(&web.url);
    wrong.fields.insert("username".to_owned(), FieldValue::Text("bob".to_owned()));
    assert_eq!(check(&wrong).await.cause, Cause::InvalidCredential);
}

#[tokio::test]
async fn a_ready_token_is_used_as_it_is() {
    let web = Web::start(|asked| {
        Some(match asked.header("authorization") == format!("Bearer {TOKEN}") {
            true => reply("200 OK", r#"{"repositories":[]}"#),
            false => reply("401 Unauthorized", "{}"),
        })
    })
    .await;
    let mut integration = integration(&web.url);
    integration.fields.insert("token".to_owned(), FieldValue::Secret(SecretRef::Env("TOKEN".into())));
    assert_eq!(check(&integration).await.cause, Cause::Ok);
    assert_eq!(web.asked().len(), 1, "no sign-in");
}

#[tokio::test]
async fn a_registry_that_fails_is_not_asked_twice() {
    let web = Web::start(|_| Some(reply("503 Service Unavailable", ""))).await;
    let outcome = check(&at(&web.url)).await;
    assert_eq!((outcome.cause, web.asked().len()), (Cause::ServerError, 1), "{outcome:?}");
    assert!(!outcome.evidence.rule.starts_with("sign-in"), "{outcome:?}");
    assert_eq!(check(&at("http://127.0.0.1:1")).await.cause, Cause::Connect);
}

#[tokio::test]
async fn the_pull_budget_is_read_with_a_token() {
    let web = Web::start(|asked| {
        let own = format!("http://{}/token", asked.header("host"));
        Some(match (asked.path.split('?').next().unwrap(), asked.header("authorization")) {
            ("/token", _) if signed(asked) => reply("200 OK", r#"{"token":"handed-out-token","expires_in":300}"#),
            ("/token", _) => reply("401 Unauthorized", "{}"),
            (_, "Bearer handed-out-token") if asked.method == "HEAD" => {
                let headers = "docker-content-digest: sha256:0\r\nratelimit-limit: 200;w=21600\r\nratelimit-remaining: 7;w=21600\r\n";
                ("200 OK", headers.to_owned(), String::new())
            }
            _ => challenge(&own),
        })
    })
    .await;
    let mut integration = integration(&web.url);
    for (name, value) in [("username", "ada"), ("token_service", "auth.example.net")] {
        integration.fields.insert(name.to_owned(), FieldValue::Text(value.to_owned()));
    }
    let registry = Registry::built_in();
    let outcome = checker(None).attempt(&integration, registry.get("docker_pulls").unwrap()).await;
    assert_eq!(outcome.cause, Cause::Ok, "{outcome:?}");
    assert_eq!((outcome.quotas[0].limit, outcome.quotas[0].left), (Some(200.0), Some(7.0)));
}
