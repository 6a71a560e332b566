//! Definitions against the servers they are for: RabbitMQ, Prometheus, an npm registry and LiteLLM, started here.
//! `.ci/run` installs them and runs these.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "common/probe.rs"]
mod probe;
#[path = "common/server.rs"]
mod server;

use base64::{Engine, prelude::BASE64_STANDARD};
use lampboard::model::{Cause, Outcome, Warning};
use probe::{everything, given};
use server::{Server, free_port};
use std::{
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

const RIGHT: &str = "canary-right-5c1a";
const WRONG: &str = "canary-wrong-5c1a";

fn fact<'a>(outcome: &'a Outcome, label: &str) -> &'a str {
    outcome.facts.iter().find(|f| f.label == label).map_or("", |f| &f.value)
}

fn hide_the_canaries(outcomes: &[&Outcome]) {
    for outcome in outcomes {
        assert!(!everything(outcome).contains("canary"), "{outcome:?}");
    }
}

/// Asks until the server is ready to answer for real; a listening port comes before that.
async fn settled<F: Future<Output = Outcome>>(ask: impl Fn() -> F) -> Outcome {
    let started = Instant::now();
    loop {
        let outcome = ask().await;
        if outcome.cause == Cause::Ok || started.elapsed() > Duration::from_secs(60) {
            return outcome;
        }
        tokio::task::yield_now().await;
    }
}

// ---- RabbitMQ ----

/// The broker and the name service its run time starts beside it.
struct Rabbit {
    server: Server,
    names: String,
}

impl Drop for Rabbit {
    fn drop(&mut self) {
        self.server.kill();
        let _ = Command::new("epmd").env("ERL_EPMD_PORT", &self.names).arg("-kill").stdout(Stdio::null()).status();
    }
}

/// As the broker keeps passwords: four bytes of salt, then SHA-256 over salt and password.
fn kept(password: &str) -> String {
    let salt = [7, 1, 8, 2];
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &[&salt[..], password.as_bytes()].concat());
    BASE64_STANDARD.encode([&salt[..], hash.as_ref()].concat())
}

fn rabbit() -> Rabbit {
    let (names, amqp, peers) = (free_port(), free_port(), free_port());
    let server = Server::start(|folder, port| {
        let at = folder.display();
        let user = |name: &str, tags: &str| {
            format!(
                r#"{{"name":"{name}","password_hash":"{}","hashing_algorithm":"rabbit_password_hashing_sha256","tags":"{tags}"}}"#,
                kept(RIGHT)
            )
        };
        let definitions = format!(
            r#"{{"users":[{},{}],"vhosts":[{{"name":"/"}}],"permissions":[{{"user":"board","vhost":"/","configure":"","write":"","read":".*"}}]}}"#,
            user("board", "monitoring"),
            user("nobody", "")
        );
        std::fs::write(folder.join("definitions.json"), definitions).unwrap();
        std::fs::write(folder.join("plugins"), "[rabbitmq_management].").unwrap();
        let settings = format!(
            "listeners.tcp.1 = 127.0.0.1:{amqp}\nmanagement.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {port}\nload_definitions = {at}/definitions.json\n"
        );
        std::fs::write(folder.join("rabbitmq.conf"), settings).unwrap();
        let mut command = Command::new("/usr/lib/rabbitmq/bin/rabbitmq-server");
        command
            .env("HOME", folder)
            .env("ERL_EPMD_PORT", &names)
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_DIST_PORT", &peers)
            .env("RABBITMQ_NODENAME", format!("board{port}@localhost"))
            .env("RABBITMQ_CONFIG_FILE", folder.join("rabbitmq.conf"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", folder.join("plugins"))
            .env("RABBITMQ_MNESIA_BASE", folder.join("data"))
            .env("RABBITMQ_LOG_BASE", folder.join("log"));
        command
    });
    Rabbit { server, names }
}

#[tokio::test]
#[ignore = "needs rabbitmq-server"]
async fn rabbitmq_tells_right_wrong_powerless_and_gone_apart() {
    let mut rabbit = rabbit();
    let url = format!("http://127.0.0.1:{}", rabbit.server.port);
    let ask = async |user: &str, password: &str| {
        given(&[("base_url", &url), ("username", user)]).secret("password", password).checked("rabbitmq").await
    };
    let right = settled(|| ask("board", RIGHT)).await;
    assert_eq!(right.cause, Cause::Ok, "{right:?}");
    assert!(right.identity.as_deref().is_some_and(|i| i.starts_with("board @ ")), "{right:?}");
    assert!(!fact(&right, "Version").is_empty() && fact(&right, "Queues") == "0", "{right:?}");
    let wrong = ask("board", WRONG).await;
    assert_eq!(wrong.cause, Cause::InvalidCredential, "{wrong:?}");
    let powerless = ask("nobody", RIGHT).await;
    assert_eq!(powerless.cause, Cause::Ok, "{powerless:?}");
    assert_eq!(powerless.warnings, [Warning::MissingScope { scope: "management".to_owned() }]);
    rabbit.server.kill();
    let gone = ask("board", RIGHT).await;
    assert_eq!(gone.cause, Cause::Connect, "{gone:?}");
    hide_the_canaries(&[&right, &wrong, &powerless, &gone]);
}

// ---- Prometheus ----

/// What `htpasswd -B` makes of [`RIGHT`].
const HASHED: &str = "$2b$05$abcdefghijklmnopqrstuuuDFyE6AN9eNwEmYzvei5U2O66LY4JwO";

#[tokio::test]
#[ignore = "needs prometheus"]
async fn prometheus_tells_right_wrong_missing_and_gone_apart() {
    let mut server = Server::start(|folder, port| {
        std::fs::write(folder.join("p.yml"), "scrape_configs: []\n").unwrap();
        std::fs::write(folder.join("web.yml"), format!("basic_auth_users:\n  board: {HASHED}\n")).unwrap();
        let mut command = Command::new("prometheus");
        command
            .arg(format!("--config.file={}/p.yml", folder.display()))
            .arg(format!("--web.config.file={}/web.yml", folder.display()))
            .arg(format!("--storage.tsdb.path={}/data", folder.display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"));
        command
    });
    let url = format!("http://127.0.0.1:{}", server.port);
    let ask = async |password: &str| {
        given(&[("base_url", &url), ("username", "board")]).secret("password", password).checked("prometheus").await
    };
    let right = settled(|| ask(RIGHT)).await;
    assert_eq!(right.cause, Cause::Ok, "{right:?}");
    assert!(!fact(&right, "Version").is_empty());
    let wrong = ask(WRONG).await;
    assert_eq!(wrong.cause, Cause::InvalidCredential, "{wrong:?}");
    let missing = given(&[("base_url", &url)]).checked("prometheus").await;
    assert_ne!(missing.cause, Cause::Ok, "{missing:?}");
    server.kill();
    let gone = ask(RIGHT).await;
    assert_eq!(gone.cause, Cause::Connect, "{gone:?}");
    hide_the_canaries(&[&right, &wrong, &missing, &gone]);
}

// ---- npm registry ----

/// Where `.ci/run` put the registry's package.
fn verdaccio() -> String {
    std::env::var("LAMPBOARD_VERDACCIO").expect("LAMPBOARD_VERDACCIO names verdaccio's bin/verdaccio")
}

async fn sign_up(url: &str) -> String {
    let body = serde_json::json!({ "name": "board", "password": RIGHT, "type": "user" });
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.put(format!("{url}/-/user/org.couchdb.user:board")).json(&body).send().await.unwrap();
    answer.json::<serde_json::Value>().await.unwrap()["token"].as_str().unwrap().to_owned()
}

#[tokio::test]
#[ignore = "needs verdaccio"]
async fn an_npm_registry_tells_right_wrong_and_gone_apart() {
    let mut server = Server::start(|folder: &Path, port| {
        let at = folder.display();
        let settings = format!(
            "storage: {at}/storage\nauth:\n  htpasswd:\n    file: {at}/users\nuplinks: {{}}\npackages:\n  '**':\n    access: $authenticated\nlog: {{ type: file, path: {at}/log, level: error }}\n"
        );
        std::fs::write(folder.join("v.yaml"), settings).unwrap();
        let mut command = Command::new("node");
        command
            .arg(verdaccio())
            .args(["--listen", &format!("127.0.0.1:{port}"), "--config"])
            .arg(folder.join("v.yaml"));
        command
    });
    let url = format!("http://127.0.0.1:{}/", server.port);
    let token = sign_up(url.trim_end_matches('/')).await;
    let ask = async |token: &str| given(&[("base_url", &url)]).secret("token", token).checked("npm").await;
    let right = ask(&token).await;
    assert_eq!((right.cause, right.identity.as_deref()), (Cause::Ok, Some("board")), "{right:?}");
    let wrong = ask(WRONG).await;
    assert_eq!(wrong.cause, Cause::InvalidCredential, "{wrong:?}");
    server.kill();
    let gone = ask(&token).await;
    assert_eq!(gone.cause, Cause::Connect, "{gone:?}");
    assert!([&right, &wrong, &gone].iter().all(|o| !everything(o).contains(&token)));
    hide_the_canaries(&[&right, &wrong, &gone]);
}

// ---- LiteLLM ----

#[tokio::test]
#[ignore = "needs litellm"]
async fn litellm_tells_right_wrong_and_gone_apart() {
    let program = std::env::var("LAMPBOARD_LITELLM").expect("LAMPBOARD_LITELLM names the program 'litellm'");
    let key = format!("sk-{RIGHT}");
    let mut server = Server::start(|folder, port| {
        let settings = format!(
            "model_list:\n  - model_name: fake\n    litellm_params: {{ model: openai/fake, api_key: none, api_base: \"http://127.0.0.1:9/\" }}\ngeneral_settings: {{ master_key: {key} }}\n"
        );
        std::fs::write(folder.join("litellm.yaml"), settings).unwrap();
        let mut command = Command::new(&program);
        command
            .env("DISABLE_ADMIN_UI", "True")
            .env("LITELLM_LOCAL_MODEL_COST_MAP", "True")
            .env("HOME", folder)
            .current_dir(folder)
            .args(["--host", "127.0.0.1", "--port", port, "--config"])
            .arg(folder.join("litellm.yaml"));
        command
    });
    let url = format!("http://127.0.0.1:{}", server.port);
    let ask = async |key: &str| given(&[("base_url", &url)]).secret("api_key", key).checked("litellm").await;
    let right = settled(|| ask(&key)).await;
    assert_eq!((right.cause, fact(&right, "First model")), (Cause::Ok, "fake"), "{right:?}");
    assert!(right.facts.iter().any(|f| f.label == "Key record"), "{right:?}");
    let wrong = ask(&format!("sk-{WRONG}")).await;
    assert_eq!(wrong.cause, Cause::InvalidCredential, "{wrong:?}");
    server.kill();
    let gone = ask(&key).await;
    assert_eq!(gone.cause, Cause::Connect, "{gone:?}");
    hide_the_canaries(&[&right, &wrong, &gone]);
}
