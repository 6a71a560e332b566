//! Azure Blob Storage against Azurite over HTTPS: by a service principal whose tokens a small endpoint hands out, by the
//! account's key and by SAS tokens. `.ci/run` installs it and runs these.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "common/five.rs"]
mod five;
#[path = "common/loopback.rs"]
mod loopback;
#[path = "common/probe.rs"]
mod probe;
#[path = "common/proxy.rs"]
mod proxy;
#[path = "common/server.rs"]
mod server;
#[path = "common/web.rs"]
mod web;

use aws_lc_rs::hmac;
use base64::{Engine, prelude::*};
use five::{Case, Five, Way};
use lampboard::model::{Cause, Outcome, Status};
use loopback::certificates;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use probe::{Given, everything, given};
use server::Server;
use std::{path::PathBuf, process::Command};
use web::{Web, reply};

const SECRET: &str = "canary-client-secret";

fn fact<'a>(outcome: &'a Outcome, label: &str) -> &'a str {
    outcome.facts.iter().find(|f| f.label == label).map_or("", |f| &f.value)
}

/// Where `.ci/run` put it.
fn azurite() -> String {
    std::env::var("LAMPBOARD_AZURITE").expect("LAMPBOARD_AZURITE names azurite's dist/src/blob/main.js")
}

/// The emulator with one account.
struct Azurite {
    server: Server,
    account: Account,
}

/// What is needed to reach it.
struct Account {
    root: PathBuf,
    key: String,
}

impl Azurite {
    fn start() -> Azurite {
        let made = certificates();
        let key = BASE64_STANDARD.encode([7; 64]);
        let server = Server::start(|own, port| {
            let (certificate, private) = (own.join("cert.pem"), own.join("key.pem"));
            std::fs::write(own.join("root.pem"), &made.root_pem).unwrap();
            std::fs::write(&certificate, &made.certificate_pem).unwrap();
            std::fs::write(&private, &made.key_pem).unwrap();
            let mut command = Command::new("node");
            command
                .arg(azurite())
                .args(["--blobPort", port, "--oauth", "basic", "--silent", "--disableTelemetry"])
                .arg("--location")
                .arg(own)
                .arg("--cert")
                .arg(certificate)
                .arg("--key")
                .arg(private)
                .env("AZURITE_ACCOUNTS", format!("board:{key}"));
            command
        });
        let root = server.folder().join("root.pem");
        Azurite { server, account: Account { root, key } }
    }

    async fn check(&self, fields: &[(&str, &str)], secret: (&str, &str)) -> Outcome {
        let given = self.account.client(&self.server.port, fields, secret);
        let outcome = given.checked("azure_blob").await;
        given.assert_hidden(&outcome);
        outcome
    }
}

impl Account {
    /// The integration with these fields and this secret, for an emulator at this port.
    fn client(&self, port: &str, fields: &[(&str, &str)], secret: (&str, &str)) -> Given {
        let url = format!("https://localhost:{port}/board");
        let mut all = vec![("base_url", &*url), ("account", "board"), ("authority", "https://login.invalid")];
        all.retain(|(name, _)| fields.iter().all(|(own, _)| own != name));
        all.extend(fields);
        given(&all).secret(secret.0, secret.1).ca_file(&self.root)
    }

    /// A SAS token of the account that may list, for `kinds` of resources, until `end`.
    fn sas(&self, kinds: &str, end: &str, key: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &BASE64_STANDARD.decode(key).unwrap());
        let text = format!("board\nl\nb\n{kinds}\n\n{end}\n\n\n2019-12-12\n");
        let signature = BASE64_STANDARD.encode(hmac::sign(&key, text.as_bytes()));
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        format!("?sv=2019-12-12&ss=b&srt={kinds}&sp=l&se={}&sig={}", encoded(end), encoded(&signature))
    }
}

/// A token as Entra makes them, for this audience, that lives for so many seconds from now.
fn token(audience: &str, lives: i64) -> String {
    let now = jiff::Timestamp::now().as_second();
    let claims = serde_json::json!({
        "aud": audience, "iss": "https://sts.windows.net/11111111-2222-3333-4444-555555555555/",
        "iat": now - 600, "nbf": now - 600, "exp": now + lives, "appid": "6666",
    });
    let part = |json: &serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(json.to_string());
    let header = serde_json::json!({ "typ": "JWT", "alg": "RS256" });
    format!("{}.{}.{}", part(&header), part(&claims), BASE64_URL_SAFE_NO_PAD.encode("signature"))
}

#[tokio::test]
#[ignore = "needs azurite"]
async fn azurite_tells_tokens_right_wrong_expired_misdirected_and_gone_apart() {
    let mut azurite = Azurite::start();
    let entra = Web::start(|asked| {
        let wanted = asked.form("scope") == "https://storage.azure.com/.default";
        if !wanted || asked.form("client_secret") != SECRET {
            let refused =
                r#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided."}"#;
            return Some(reply("401 Unauthorized", refused));
        }
        let token = match &*asked.form("client_id") {
            "old" => token("https://storage.azure.com", -60),
            "other" => token("https://management.azure.com", 3600),
            "broken" => "canary-no-token".to_owned(),
            _ => token("https://storage.azure.com", 3600),
        };
        Some(reply("200 OK", &serde_json::json!({ "access_token": token, "expires_in": 3599 }).to_string()))
    })
    .await;
    let ask = async |azurite: &Azurite, client: &str, secret: &str| {
        let fields = [("authority", &*entra.url), ("tenant_id", "example.org"), ("client_id", client)];
        azurite.check(&fields, ("client_secret", secret)).await
    };
    let right = ask(&azurite, "board", SECRET).await;
    assert_eq!((right.cause, right.identity.as_deref()), (Cause::Ok, Some("board")), "{right:?}");
    assert_eq!((fact(&right, "Containers"), fact(&right, "Kind")), ("0", "StorageV2"), "{right:?}");
    let wrong = ask(&azurite, "board", "canary-wrong").await;
    assert_eq!(wrong.cause, Cause::InvalidCredential, "{wrong:?}");
    assert!(wrong.evidence.rule.starts_with("sign-in: "), "{wrong:?}");
    assert_eq!(ask(&azurite, "old", SECRET).await.cause, Cause::ExpiredCredential);
    let other = ask(&azurite, "other", SECRET).await;
    assert_eq!(other.cause, Cause::Misconfigured, "{other:?}");
    let broken = ask(&azurite, "broken", SECRET).await;
    assert_eq!(broken.cause, Cause::InvalidCredential, "{broken:?}");
    assert!(!everything(&broken).contains("canary"), "{broken:?}");
    azurite.server.kill();
    assert_eq!(ask(&azurite, "board", SECRET).await.cause, Cause::Connect);
}

#[tokio::test]
#[ignore = "needs azurite"]
async fn azurite_holds_the_five_cases() {
    let mut azurite = Azurite::start();
    let account = &azurite.account;
    let (port, other) = (azurite.server.port.clone(), BASE64_STANDARD.encode([8; 64]));
    let none = azurite.check(&[], ("account_key", "")).await;
    assert_eq!(none.cause, Cause::Misconfigured, "{none:?}");
    let far = "2199-01-01T00:00:00Z";
    for (token, status) in [
        (account.sas("s", far, &account.key), Status::Active),
        (account.sas("s", far, &other), Status::Unauthorized),
        (account.sas("s", "2020-01-01T00:00:00Z", &account.key), Status::Unauthorized),
    ] {
        let outcome = azurite.check(&[], ("sas_token", &token)).await;
        assert_eq!(outcome.status(), status, "{outcome:?}");
        let signature = token.rsplit_once("sig=").unwrap().1;
        assert!(!everything(&outcome).contains(signature), "{outcome:?}");
    }
    // For objects alone: it may not list the containers.
    let narrow = account.sas("o", far, &account.key);
    let five = Five {
        provider: "azure_blob",
        way: Way::Tcp,
        right: &|port| account.client(port, &[], ("account_key", &account.key)),
        facts: &["Containers", "Kind"],
        wrong: Case::Yields(
            account.client(&port, &[], ("account_key", &other)),
            Cause::InvalidCredential,
            "Authentication",
        ),
        powerless: Case::Yields(account.client(&port, &[], ("sas_token", &narrow)), Cause::MissingScope, "403"),
    };
    let good = five.hold(&mut azurite.server).await;
    assert_eq!((good.identity.as_deref(), fact(&good, "Containers")), (Some("board"), "0"), "{good:?}");
}
