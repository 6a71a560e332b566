//! Verdaccio, an npm registry.

use crate::{
    RIGHT, WRONG,
    five::{Case, Five, Way},
    probe::given,
    server::Server,
    url,
};
use lampboard::model::Cause;
use std::process::Command;

/// Where `.ci/run` put the registry's package.
fn verdaccio() -> String {
    std::env::var("LAMPBOARD_VERDACCIO").expect("LAMPBOARD_VERDACCIO names verdaccio's bin/verdaccio")
}

/// A new user's token.
async fn sign_up(url: &str, name: &str) -> String {
    let body = serde_json::json!({ "name": name, "password": RIGHT, "type": "user" });
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.put(format!("{url}/-/user/org.couchdb.user:{name}")).json(&body).send().await.unwrap();
    answer.json::<serde_json::Value>().await.unwrap()["token"].as_str().unwrap().to_owned()
}

#[tokio::test]
#[ignore = "needs verdaccio"]
async fn an_npm_registry_holds_the_five_cases() {
    let mut server = Server::start(|folder, port| {
        let at = folder.display();
        let settings = format!(
            "storage: {at}/storage\nauth:\n  htpasswd:\n    file: {at}/users\nuplinks: {{}}\npackages:\n  '**':\n    access: ada\n    publish: ada\nlog: {{ type: file, path: {at}/log, level: error }}\n"
        );
        std::fs::write(folder.join("v.yaml"), settings).unwrap();
        let mut command = Command::new("node");
        command
            .arg(verdaccio())
            .args(["--listen", &format!("127.0.0.1:{port}"), "--config"])
            .arg(folder.join("v.yaml"));
        command
    });
    let (ada, bob) = (sign_up(&url(&server.port), "ada").await, sign_up(&url(&server.port), "bob").await);
    let client = |port: &str, token: &str| given(&[("base_url", &*url(port))]).secret("token", token);
    // The rule is in force: bob is known, and no package is for him.
    let asked = reqwest::Client::builder().no_proxy().build().unwrap();
    let package = asked.get(format!("{}/left", url(&server.port))).bearer_auth(&bob).send().await.unwrap();
    assert_eq!(package.status(), 403);
    let five = Five {
        provider: "npm",
        way: Way::Tcp,
        right: &|port| client(port, &ada),
        facts: &["User"],
        wrong: Case::Yields(client(&server.port, WRONG), Cause::InvalidCredential, "knows no user"),
        // No package is asked for: who somebody is, everybody known may ask.
        powerless: Case::Yields(client(&server.port, &bob), Cause::Ok, r#"identity: Some("bob")"#),
    };
    let good = five.hold(&mut server).await;
    assert_eq!(good.identity.as_deref(), Some("ada"), "{good:?}");
}
