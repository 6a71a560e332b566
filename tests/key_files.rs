//! Google's key files against a token endpoint that verifies the signature, made up here.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "common/raw.rs"]
mod raw;
#[path = "common/web.rs"]
mod web;

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rsa::{KeyPair, KeySize},
    signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey},
};
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use lampboard::{
    model::{Cause, FieldValue, Integration, Outcome, SecretRef, Warning},
    providers::Definition,
};
use raw::{checker, definition, integration};
use std::{path::Path, sync::Arc};
use web::{Asked, Reply, Web, reply};

/// A key of a service account: its file with line breaks as the console gives it, and its public half.
fn key(token_uri: &str) -> (String, Vec<u8>) {
    let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    let text = BASE64_STANDARD.encode(der.as_ref());
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|l| std::str::from_utf8(l).unwrap()).collect();
    let file = serde_json::json!({
        "type": "service_account",
        "client_email": "board@example.iam",
        "private_key": format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n")),
        "private_key_id": "k1",
        "token_uri": token_uri,
    });
    (serde_json::to_string_pretty(&file).unwrap(), pair.public_key().as_ref().to_vec())
}

const REFUSED: &str = r#"{"error":"invalid_grant","error_description":"Invalid JWT Signature."}"#;

fn verified(asked: &Asked, public: &[u8]) -> bool {
    let assertion = asked.form("assertion");
    let Some((signed, signature)) = assertion.rsplit_once('.') else { return false };
    let decode = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&decode(signed.split('.').nth(1).unwrap())).unwrap();
    let fits =
        claims["aud"] == format!("http://{}/token", asked.header("host")) && claims["iss"] == "board@example.iam";
    let good =
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public).verify(signed.as_bytes(), &decode(signature));
    fits && good.is_ok() && asked.form("grant_type").ends_with(":jwt-bearer")
}

/// Project and token endpoint in one; `refusal` is what a bad assertion is answered.
async fn google(public: Vec<u8>, refusal: Reply) -> Web {
    Web::start(move |asked| {
        if asked.path == "/token" {
            let user =
                asked.form("refresh_token") == "canary-refresh" && asked.form("client_secret") == "canary-client";
            return Some(match user || verified(asked, &public) {
                true => reply("200 OK", r#"{"access_token":"ya29.token","expires_in":3599}"#),
                false => refusal.clone(),
            });
        }
        if asked.header("authorization") != "Bearer ya29.token" {
            return Some(reply("401 Unauthorized", "{}"));
        }
        Some(match asked.path.split('?').next().unwrap() {
            "/v3/projects/example-project" => reply(
                "200 OK",
                r#"{"projectId":"example-project","displayName":"Example","state":"ACTIVE","name":"projects/1"}"#,
            ),
            "/storage/v1/b" => reply("200 OK", r#"{"kind":"storage#buckets","items":[{"name":"a"},{"name":"b"}]}"#),
            "/v1/projects/example-project/databases" => {
                ("200 OK", "content-type: application/json\r\n".to_owned(), "{}".to_owned())
            }
            path if path.contains("functions") => {
                reply("403 Forbidden", r#"{"error":{"status":"PERMISSION_DENIED","message":"not you"}}"#)
            }
            _ => reply("403 Forbidden", r#"{"error":{"message":"x","details":[{"reason":"SERVICE_DISABLED"}]}}"#),
        })
    })
    .await
}

/// The shipped definition with its hosts replaced.
fn gcp(url: &str) -> Arc<Definition> {
    let mut text = std::fs::read_to_string("providers/gcp.toml").unwrap();
    for part in ["cloudresourcemanager", "storage", "cloudfunctions", "firestore", "monitoring"] {
        text = text.replace(&format!("base_url = \"https://{part}.googleapis.com\""), &format!("base_url = \"{url}\""));
    }
    let at = text.find("id = \"gcp\"").unwrap();
    definition(&text[at..])
}

fn at(token_service: &str, file: &Path) -> Integration {
    let mut integration = integration("");
    integration.fields.clear();
    integration.fields.insert("project".into(), FieldValue::Text("example-project".into()));
    integration.fields.insert("token_service".into(), FieldValue::Text(token_service.into()));
    integration.fields.insert("key".into(), FieldValue::Secret(SecretRef::File(file.display().to_string())));
    integration
}

async fn check(web: &Web, file: &str) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.json");
    lampboard::config::paths::write_private(&path, file.as_bytes()).unwrap();
    let outcome = checker(None).attempt(&at(&web.url, &path), &gcp(&web.url)).await;
    let shown = format!("{outcome:?}");
    assert!(!shown.contains("BEGIN") && !shown.contains("canary") && !shown.contains("ya29"), "{shown}");
    outcome
}

fn fact(outcome: &Outcome, label: &str) -> String {
    outcome.facts.iter().find(|f| f.label == label).map(|f| f.value.clone()).unwrap_or_default()
}

#[tokio::test]
async fn a_service_account_signs_in_and_each_part_tells_its_permission() {
    let (file, public) = key("https://oauth2.googleapis.com/token");
    let web = google(public, reply("400 Bad Request", REFUSED)).await;
    let outcome = check(&web, &file).await;
    assert_eq!((outcome.cause, outcome.identity.as_deref()), (Cause::Ok, Some("board@example.iam")), "{outcome:?}");
    let facts = ["Buckets", "Firestore databases", "Functions"].map(|label| fact(&outcome, label));
    assert_eq!(facts, ["2", "0", "no permission: not you"], "{outcome:?}");
    assert!(fact(&outcome, "Monitoring").contains("API is not enabled"), "{outcome:?}");
    assert_eq!(web.count("/token"), 1, "one token for all five questions");
}

#[tokio::test]
async fn another_key_is_refused() {
    let (file, _) = key("https://oauth2.googleapis.com/token");
    let (_, public) = key("");
    let web = google(public, reply("400 Bad Request", REFUSED)).await;
    let outcome = check(&web, &file).await;
    assert_eq!(outcome.cause, Cause::InvalidCredential, "{outcome:?}");
    assert!(outcome.evidence.rule.starts_with("sign-in: "), "{outcome:?}");
}

#[tokio::test]
async fn a_wrong_clock_is_told_from_a_wrong_key() {
    let (file, _) = key("https://oauth2.googleapis.com/token");
    let date = "date: Thu, 01 Jan 2026 00:00:00 GMT\r\n".to_owned();
    let web = google(Vec::new(), ("400 Bad Request", date, REFUSED.to_owned())).await;
    let outcome = check(&web, &file).await;
    assert_eq!(outcome.cause, Cause::Misconfigured, "{outcome:?}");
    assert!(outcome.evidence.seen.contains("clock is") && outcome.evidence.seen.contains("ahead of"), "{outcome:?}");
    assert!(outcome.warnings.iter().any(|w| matches!(w, Warning::ClockSkew { .. })), "{outcome:?}");
}

#[tokio::test]
async fn a_users_file_signs_in() {
    let file = r#"{"type":"authorized_user","client_id":"c","client_secret":"canary-client","refresh_token":"canary-refresh"}"#;
    let web = google(
        Vec::new(),
        reply(
            "400 Bad Request",
            r#"{"error":"invalid_grant","error_description":"Token has been expired or revoked: canary-refresh"}"#,
        ),
    )
    .await;
    assert_eq!(check(&web, file).await.cause, Cause::Ok);
    let outcome = check(&web, &file.replace("canary-client", "canary-other")).await;
    assert_eq!(outcome.cause, Cause::ExpiredCredential, "{outcome:?}");
}

#[tokio::test]
async fn a_planted_file_sends_nothing() {
    let (file, public) = key("https://evil.example/token");
    let web = google(public, reply("400 Bad Request", REFUSED)).await;
    let outcome = check(&web, &file).await;
    assert_eq!(outcome.cause, Cause::Misconfigured, "{outcome:?}");
    assert!(outcome.evidence.seen.contains("evil.example"), "{outcome:?}");
    for broken in ["not json", r#"{"type":"external_account"}"#] {
        assert_eq!(check(&web, broken).await.cause, Cause::Misconfigured);
    }
    assert!(web.asked().is_empty());
}
