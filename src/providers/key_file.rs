//! Google's JSON key files as a sign-in: a service account signs an assertion (RFC 7523, RS256), a user's file trades its refresh
//! token. What is in the file is used and never shown.

use super::{challenge::place, request::BadField};
use crate::model::text::sanitize;
use aws_lc_rs::{rand::SystemRandom, rsa::KeyPair, signature::RSA_PKCS1_SHA256};
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use jiff::Timestamp;
use reqwest::Url;
use serde::Deserialize;
use zeroize::Zeroizing;

/// How long an assertion asks its token to live, in seconds: the most that is given.
const LIFE: i64 = 3600;

/// The members used, whatever the type.
#[derive(Deserialize)]
struct KeyFile {
    #[serde(rename = "type")]
    kind: Option<String>,
    client_email: Option<String>,
    private_key: Option<Zeroizing<String>>,
    private_key_id: Option<String>,
    token_uri: Option<String>,
    client_id: Option<String>,
    client_secret: Option<Zeroizing<String>>,
    refresh_token: Option<Zeroizing<String>>,
}

/// One member of a form.
pub(super) type Member = (&'static str, Zeroizing<String>);

fn parse(text: &str) -> Result<KeyFile, BadField> {
    serde_json::from_str(text).map_err(|_| {
        BadField(
            "the credential is not a key file: store the whole JSON text that the console gave, from { to }".to_owned(),
        )
    })
}

fn missing(what: &str) -> BadField {
    BadField(format!("the key file has no '{what}': store the whole JSON text that the console gave"))
}

/// The account of a key file, which is no secret.
pub(super) fn account(text: &str) -> Option<String> {
    parse(text).ok()?.client_email.map(|email| sanitize(&email, 200))
}

/// Whether the file signs with the time of this machine.
pub(super) fn is_signed(text: &str) -> bool {
    parse(text).is_ok_and(|file| file.kind.as_deref() == Some("service_account"))
}

/// The form for the token `endpoint`. `trusted`: other hosts that a file may name as its token service; it is never sent there.
pub(super) fn form(text: &str, scope: &str, endpoint: &Url, trusted: &[String]) -> Result<Vec<Member>, BadField> {
    let file = parse(text)?;
    let known = |host: &str| {
        let named = |t: &String| place(t).is_some_and(|(trusted, _)| trusted == host);
        endpoint.host_str().is_some_and(|own| own.eq_ignore_ascii_case(host)) || trusted.iter().any(named)
    };
    if let Some(named) = file.token_uri.as_deref().filter(|uri| !place(uri).is_some_and(|(host, _)| known(&host))) {
        let (named, own) = (sanitize(named, 120), endpoint.host_str().unwrap_or_default());
        return Err(BadField(format!(
            "the key file names '{named}' as its token service, and this check signs in at '{own}': nothing was sent"
        )));
    }
    match file.kind.as_deref() {
        Some("service_account") => Ok(vec![
            ("grant_type", Zeroizing::new("urn:ietf:params:oauth:grant-type:jwt-bearer".to_owned())),
            ("assertion", assertion(&file, scope, endpoint, Timestamp::now())?),
        ]),
        Some("authorized_user") => Ok(vec![
            ("grant_type", Zeroizing::new("refresh_token".to_owned())),
            ("client_id", Zeroizing::new(file.client_id.ok_or_else(|| missing("client_id"))?)),
            ("client_secret", file.client_secret.ok_or_else(|| missing("client_secret"))?),
            ("refresh_token", file.refresh_token.ok_or_else(|| missing("refresh_token"))?),
        ]),
        other => Err(BadField(format!(
            "a key file of the type '{}' cannot be used: make a key of a service account, or give the application-default file of a user",
            sanitize(other.unwrap_or("none"), 60)
        ))),
    }
}

fn assertion(file: &KeyFile, scope: &str, endpoint: &Url, now: Timestamp) -> Result<Zeroizing<String>, BadField> {
    let email = file.client_email.as_deref().ok_or_else(|| missing("client_email"))?;
    let key = pair(file.private_key.as_ref().ok_or_else(|| missing("private_key"))?)?;
    let mut header = serde_json::json!({ "alg": "RS256", "typ": "JWT" });
    if let Some(id) = &file.private_key_id {
        header["kid"] = id.as_str().into();
    }
    let issued = now.as_second();
    let claims = serde_json::json!({
        "iss": email, "scope": scope, "aud": endpoint.as_str(), "iat": issued, "exp": issued + LIFE,
    });
    let part = |json: &serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(json.to_string());
    let mut text = Zeroizing::new(format!("{}.{}", part(&header), part(&claims)));
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).map_err(|_| unusable())?;
    text.push('.');
    text.push_str(&BASE64_URL_SAFE_NO_PAD.encode(signature));
    Ok(text)
}

fn unusable() -> BadField {
    BadField("the 'private_key' of the key file is no RSA key in PEM: store the JSON text as it was given".to_owned())
}

/// The key inside PEM armour.
fn pair(pem: &str) -> Result<KeyPair, BadField> {
    let body = pem.split("-----").nth(2).ok_or_else(unusable)?;
    let mut text = Zeroizing::new(String::with_capacity(body.len()));
    body.split_ascii_whitespace().for_each(|line| text.push_str(line));
    let der = Zeroizing::new(BASE64_STANDARD.decode(text.as_bytes()).map_err(|_| unusable())?);
    let pair = if pem.contains("BEGIN RSA PRIVATE KEY") { KeyPair::from_der(&der) } else { KeyPair::from_pkcs8(&der) };
    pair.map_err(|_| unusable())
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::{
        encoding::{AsDer, Pkcs8V1Der},
        rsa::{KeyPair as Pair, KeySize},
        signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey},
    };

    fn endpoint() -> Url {
        Url::parse("https://tokens.example/token").unwrap()
    }

    fn file(more: &str) -> (String, Vec<u8>) {
        let pair = Pair::generate(KeySize::Rsa2048).unwrap();
        let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let der = der.as_ref();
        let lines: Vec<String> = BASE64_STANDARD
            .encode(der)
            .as_bytes()
            .chunks(64)
            .map(|l| String::from_utf8_lossy(l).into_owned())
            .collect();
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"));
        let text = serde_json::json!({
            "type": "service_account", "client_email": "a@b.example", "private_key": pem, "private_key_id": "k1",
        });
        (text.to_string().replace("\"type\"", &format!("{more}\"type\"")), pair.public_key().as_ref().to_vec())
    }

    #[test]
    fn an_assertion_is_signed_by_the_key() {
        let (text, public) = file("");
        let form = form(&text, "read", &endpoint(), &[]).unwrap();
        assert_eq!(*form[0].1, "urn:ietf:params:oauth:grant-type:jwt-bearer");
        let (signed, signature) = form[1].1.rsplit_once('.').unwrap();
        let decode = |t: &str| BASE64_URL_SAFE_NO_PAD.decode(t).unwrap();
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public)
            .verify(signed.as_bytes(), &decode(signature))
            .unwrap();
        let parts: Vec<serde_json::Value> =
            signed.split('.').map(|p| serde_json::from_slice(&decode(p)).unwrap()).collect();
        assert_eq!(parts[0], serde_json::json!({ "alg": "RS256", "typ": "JWT", "kid": "k1" }));
        let claim = |name: &str| parts[1][name].as_str().unwrap_or_default().to_owned();
        assert_eq!(
            [claim("iss"), claim("scope"), claim("aud")],
            ["a@b.example", "read", "https://tokens.example/token"]
        );
        let now = Timestamp::now().as_second();
        let issued = parts[1]["iat"].as_i64().unwrap();
        assert!((now - 60..=now).contains(&issued) && parts[1]["exp"] == issued + 3600);
        assert_eq!(account(&text).as_deref(), Some("a@b.example"));
        assert!(is_signed(&text));
    }

    #[test]
    fn a_file_that_names_another_token_service_is_not_used() {
        let trusted = ["other.example".to_owned()];
        for (uri, good) in [
            ("https://tokens.example/token", true),
            ("https://other.example/o/token", true),
            ("https://evil.example/token", false),
            ("https://tokens.example.evil.example/token", false),
            ("https://tokens.example@evil.example/token", false),
            ("", false),
        ] {
            let (text, _) = file(&format!("\"token_uri\":\"{uri}\","));
            assert_eq!(form(&text, "read", &endpoint(), &trusted).is_ok(), good, "{uri}");
        }
    }

    #[test]
    fn a_users_file_trades_its_refresh_token() {
        let text = r#"{"type":"authorized_user","client_id":"c","client_secret":"s3cr3t","refresh_token":"r3fr3sh"}"#;
        let form = form(text, "", &endpoint(), &[]).unwrap();
        let all: Vec<(&str, &str)> = form.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let wanted = [
            ("grant_type", "refresh_token"),
            ("client_id", "c"),
            ("client_secret", "s3cr3t"),
            ("refresh_token", "r3fr3sh"),
        ];
        assert_eq!(all, wanted);
        assert!(!is_signed(text));
    }

    #[test]
    fn what_is_wrong_is_said_without_the_secret() {
        let key = r#""private_key":"-----BEGIN PRIVATE KEY-----\nczNjcjN0\n-----END PRIVATE KEY-----\n""#;
        for (text, told) in [
            ("s3cr3t".to_owned(), "not a key file"),
            (r#"{"type":"external_account","x":"s3cr3t"}"#.to_owned(), "type 'external_account'"),
            (r#"{"private_key":"s3cr3t"}"#.to_owned(), "type 'none'"),
            (r#"{"type":"service_account","private_key":"s3cr3t"}"#.to_owned(), "no 'client_email'"),
            (r#"{"type":"service_account","client_email":"a","private_key":"s3cr3t"}"#.to_owned(), "no RSA key"),
            (format!(r#"{{"type":"service_account","client_email":"a",{key}}}"#), "no RSA key"),
            (r#"{"type":"authorized_user","client_id":"c","client_secret":"s3cr3t"}"#.to_owned(), "no 'refresh_token'"),
        ] {
            let error = form(&text, "", &endpoint(), &[]).unwrap_err().0;
            assert!(error.contains(told) && !error.contains("s3cr3t") && !error.contains("czNj"), "{error}");
        }
    }
}
