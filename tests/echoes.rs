//! A server that throws the credential back, in any encoding and anywhere in its answer: no outcome shows a piece of it.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "common/raw.rs"]
mod raw;

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use lampboard::model::{Cause, Outcome};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use raw::{NOSY, Server, answer};

/// Holds what every encoding writes differently.
const SECRET: &str = "s3cr3t-Zq\"9\\/k+y=v&w%41~T?end7";

fn base64(before: usize) -> String {
    BASE64_STANDARD.encode(["u".repeat(before).as_bytes(), SECRET.as_bytes(), b"!"].concat())
}

fn base64_url(before: usize) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(["u".repeat(before).as_bytes(), SECRET.as_bytes(), b"!"].concat())
}

fn form_encoded() -> String {
    let url = reqwest::Url::parse_with_params("http://x/", [("k", SECRET)]).unwrap();
    url.query().unwrap()[2..].to_owned()
}

/// What a server may make of it, and whether the middle alone counts (the ends depend on the neighbours).
fn forms() -> Vec<(String, bool)> {
    let percent = utf8_percent_encode(SECRET, NON_ALPHANUMERIC).to_string();
    let json = serde_json::to_string(SECRET).unwrap();
    let mut forms = vec![
        (SECRET.to_owned(), false),
        (percent.to_ascii_lowercase().replace("zq", "Zq").replace("~t", "~T").replace("%7et", "%7eT"), false),
        (percent, false),
        (form_encoded(), false),
        (json[1..json.len() - 1].to_owned(), false),
        (json[1..json.len() - 1].replace('/', "\\/"), false),
        (SECRET.replace('&', "&amp;").replace('"', "&quot;"), false),
    ];
    forms.extend((0..3).flat_map(|before| [(base64(before), true), (base64_url(before), true)]));
    forms.extend((0..3).map(|before| (base64(before).replace('+', "%2B").replace('/', "%2F"), true)));
    forms
}

/// Panics when a text holds eight characters in a row of any form.
fn assert_unseen(outcome: &Outcome, what: &str) {
    for text in raw::texts(outcome) {
        for (form, middle) in forms() {
            let form = if middle { &form[4..form.len() - 4] } else { &form[..] };
            for piece in form.as_bytes().windows(8).map(String::from_utf8_lossy) {
                assert!(!text.contains(&*piece), "{what}: {piece:?} in {text:?}");
            }
        }
    }
}

#[tokio::test]
async fn no_form_of_the_credential_survives_into_an_outcome() {
    let (checker, definition) = (raw::checker_knowing(SECRET, None), raw::definition(NOSY));
    for (form, _) in forms() {
        // From the first byte over the edge at which texts are cut.
        for before in [0, 30, 140, 165, 180, 190] {
            let message = format!("{}{form} tail", ".".repeat(before));
            let body = serde_json::json!({ "message": message, "name": message, "degraded": message, "ok": true });
            let header = format!("x-message: {message}\r\n");
            for status in ["200 OK", "401 No", "409 Odd", "418 Odd", "500 Broken"] {
                let server = Server::answering(answer(status, &header, body.to_string().as_bytes())).await;
                let outcome = checker.attempt(&raw::integration(&server.url()), &definition).await;
                assert!(server.heads()[0].contains(SECRET), "it was sent");
                assert!(outcome.code.is_some(), "{outcome:?}");
                assert_unseen(&outcome, status);
            }
            let page = format!("<html><title>{message}</title></html>");
            let server = Server::answering(answer("200 OK", "", page.as_bytes())).await;
            let outcome = checker.attempt(&raw::integration(&server.url()), &definition).await;
            assert_eq!(outcome.cause, Cause::UnexpectedResponse);
            assert_unseen(&outcome, "a page");
        }
    }
}

#[tokio::test]
async fn what_is_said_around_it_stays_readable() {
    let (checker, definition) = (raw::checker_knowing(SECRET, None), raw::definition(NOSY));
    let message = serde_json::json!({ "message": format!("the key {SECRET} is not known here") }).to_string();
    let server = Server::answering(answer("401 No", "", message.as_bytes())).await;
    let outcome = checker.attempt(&raw::integration(&server.url()), &definition).await;
    assert_eq!(outcome.evidence.seen, "the key •••• is not known here");
}
