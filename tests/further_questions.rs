//! The further questions of a check, against loopback servers: what they add, what they must not change, where they go.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "common/raw.rs"]
mod raw;
#[path = "common/web.rs"]
mod web;

use lampboard::{
    model::{Cause, FieldValue, Outcome, SecretRef, Status, Warning},
    providers::Definition,
};
use raw::{TOKEN, checker, definition, integration, texts};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use web::{Web, reply};

const PARTS: &str = r#"
id = "parts"
name = "Parts"
category = "cloud"
base_url = "{{ address }}"
[fields.address]
label = "Address"
required = true
[fields.other]
label = "Where the second part lives"
[fields.token]
label = "Token"
secret = true
required = true
[auth]
scheme = "bearer"
token = "{{ token }}"
[check]
kind = "http"
request = "GET /me"
cost = "three requests"
active = "status == 200 and body.ok == true"
[[also]]
name = "Files"
request = "GET /files"
active = "status == 200 and body.count is defined"
[also.facts]
"Files kept" = "body.count"
[[also.quota]]
name = "files"
limit = "body.most | int"
used = "body.count | int"
[[also]]
name = "Queues"
base_url = "{{ other }}"
request = "GET /queues"
active = "status == 200 and body.queues is defined"
"#;

/// A server that answers by the path; `None`: never.
async fn serve(answers: &'static [(&'static str, Option<(&'static str, &'static str)>)]) -> Web {
    Web::start(|asked| {
        let (status, body) = answers.iter().find(|(path, _)| *path == asked.path).and_then(|(_, answer)| *answer)?;
        Some(reply(status, body))
    })
    .await
}

const GOOD: (&str, Option<(&str, &str)>) = ("/me", Some(("200 OK", r#"{"ok":true}"#)));
const FILES: (&str, Option<(&str, &str)>) = ("/files", Some(("200 OK", r#"{"count":7,"most":10}"#)));
const REFUSED: (&str, Option<(&str, &str)>) = ("/queues", Some(("403 Forbidden", r#"{"message":"not yours"}"#)));

async fn check(definition: &Arc<Definition>, fields: &[(&str, &str)], needs: &[&str], timeout: u64) -> Outcome {
    let mut integration = integration("");
    integration.provider = "parts".to_owned();
    integration.fields.clear();
    integration.fields.insert("token".to_owned(), FieldValue::Secret(SecretRef::Env("TOKEN".into())));
    integration.fields.extend(fields.iter().map(|(n, v)| ((*n).to_owned(), FieldValue::Text((*v).to_owned()))));
    integration.needs_scopes = needs.iter().map(|n| (*n).to_owned()).collect();
    integration.timeout = Duration::from_secs(timeout);
    checker(None).attempt(&integration, definition).await
}

fn fact(outcome: &Outcome, label: &str) -> String {
    outcome.facts.iter().find(|f| f.label == label).map(|f| f.value.clone()).unwrap_or_default()
}

#[tokio::test]
async fn they_add_facts_and_quotas_and_a_refusal_is_a_fact() {
    let Web { url, .. } = serve(&[GOOD, FILES, REFUSED]).await;
    let definition = definition(PARTS);
    let outcome = check(&definition, &[("address", &url), ("other", &url)], &[], 20).await;
    assert_eq!(outcome.cause, Cause::Ok);
    assert_eq!(fact(&outcome, "Files kept"), "7");
    assert_eq!(outcome.quotas[0].left, Some(3.0));
    assert_eq!(fact(&outcome, "Queues"), "no permission: not yours");
    assert!(outcome.warnings.is_empty(), "{:?}", outcome.warnings);
}

#[tokio::test]
async fn a_permission_declared_as_needed_decides() {
    let Web { url, .. } = serve(&[GOOD, FILES, REFUSED]).await;
    let definition = definition(PARTS);
    let outcome = check(&definition, &[("address", &url), ("other", &url)], &["Queues"], 20).await;
    assert_eq!(outcome.cause, Cause::MissingScope);
    assert!(outcome.warnings.contains(&Warning::MissingScope { scope: "Queues".to_owned() }));
}

#[tokio::test]
async fn a_cause_that_may_decide_does_and_the_identity_is_found_where_it_is_told() {
    const SPENT: (&str, Option<(&str, &str)>) = ("/files", Some(("200 OK", r#"{"count":10,"most":10,"owner":"ada"}"#)));
    let Web { url, .. } = serve(&[GOOD, SPENT, REFUSED]).await;
    let text = PARTS.replacen(
        "active = \"status == 200 and body.count is defined\"\n",
        "active = \"status == 200 and body.count is defined\"\nidentity = \"body.owner\"\ndecides = [\"quota_exhausted\"]\n\
         [[also.rule]]\nwhen = \"body.count >= body.most\"\ncause = \"quota_exhausted\"\nmessage = \"'full'\"\n",
        1,
    );
    let outcome = check(&definition(&text), &[("address", &url), ("other", &url)], &[], 20).await;
    assert_eq!((outcome.cause, &*outcome.evidence.seen), (Cause::QuotaExhausted, "full"));
    assert_eq!(outcome.quotas[0].left, Some(0.0));
    // A refusal of a part whose refusals do not decide is still only a fact.
    assert_eq!(fact(&outcome, "Queues"), "no permission: not yours");
    let with_room =
        serve(&[GOOD, ("/files", Some(("200 OK", r#"{"count":1,"most":10,"owner":"ada"}"#))), REFUSED]).await;
    let outcome = check(&definition(&text), &[("address", &with_room.url), ("other", &url)], &[], 20).await;
    assert_eq!((outcome.cause, outcome.identity.as_deref()), (Cause::Ok, Some("ada")));
}

#[tokio::test]
async fn a_silent_part_ends_with_the_check_and_changes_nothing() {
    let Web { url, .. } = serve(&[GOOD, FILES, ("/queues", None)]).await;
    let definition = definition(PARTS);
    let started = Instant::now();
    let outcome = check(&definition, &[("address", &url), ("other", &url)], &[], 1).await;
    assert!(started.elapsed() < Duration::from_secs(15));
    assert_eq!(outcome.cause, Cause::Ok);
    assert_eq!(fact(&outcome, "Files kept"), "7");
    assert!(fact(&outcome, "Queues").starts_with(Cause::Timeout.label()), "{:?}", outcome.facts);
}

#[tokio::test]
async fn nothing_more_is_asked_when_the_first_answer_is_bad() {
    let server = serve(&[("/me", Some(("401 Unauthorized", "{}"))), FILES, REFUSED]).await;
    let definition = definition(PARTS);
    let outcome = check(&definition, &[("address", &server.url), ("other", &server.url)], &[], 20).await;
    assert_eq!(outcome.status(), Status::Unauthorized);
    assert_eq!(server.asked().len(), 1);
    assert!(outcome.facts.is_empty());
}

#[tokio::test]
async fn what_a_part_echoes_is_masked() {
    const ECHO: (&str, Option<(&str, &str)>) =
        ("/queues", Some(("403 Forbidden", r#"{"message":"tok-7f3a9c51e8d2b604 may not"}"#)));
    let server = serve(&[GOOD, FILES, ECHO]).await;
    let definition = definition(PARTS);
    let outcome = check(&definition, &[("address", &server.url), ("other", &server.url)], &[], 20).await;
    assert_eq!(fact(&outcome, "Queues"), "no permission: •••• may not");
    assert!(texts(&outcome).iter().all(|t| !t.contains(TOKEN)));
    let signed = server.asked().iter().filter(|asked| asked.header("authorization").contains(TOKEN)).count();
    assert_eq!(signed, 3, "all three were signed");
}

#[tokio::test]
async fn the_credential_is_bound_to_every_host_it_is_sent_to() {
    let Web { url: first, .. } = serve(&[GOOD, FILES]).await;
    let Web { url: second, .. } = serve(&[REFUSED]).await;
    let definition = definition(PARTS);
    let mut integration = integration("");
    integration.fields.clear();
    for (name, url) in [("address", &first), ("other", &second)] {
        integration.fields.insert(name.to_owned(), FieldValue::Text(url.clone()));
    }
    let hosts = checker(None).destinations(&integration, &definition);
    assert_eq!(hosts, [first, second].map(|u| u.trim_start_matches("http://").to_owned()));
}
