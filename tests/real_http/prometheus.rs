//! Prometheus with basic authentication.

use crate::{
    RIGHT, WRONG,
    five::{Case, Five, Way},
    probe::given,
    server::Server,
    url,
};
use lampboard::model::Cause;
use std::process::Command;

/// What `htpasswd -B` makes of [`RIGHT`].
const HASHED: &str = "$2b$05$abcdefghijklmnopqrstuuuDFyE6AN9eNwEmYzvei5U2O66LY4JwO";

#[tokio::test]
#[ignore = "needs prometheus"]
async fn prometheus_holds_the_five_cases() {
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
    let client = |port: &str, password: &str| {
        given(&[("base_url", &url(port)), ("username", "board")]).secret("password", password)
    };
    let five = Five {
        provider: "prometheus",
        way: Way::Tcp,
        right: &|port| client(port, RIGHT),
        facts: &["Version", "Go"],
        wrong: Case::Yields(client(&server.port, WRONG), Cause::InvalidCredential, "401"),
        powerless: Case::NotApplicable("basic authentication lets in or does not: there are no rights"),
    };
    let missing = given(&[("base_url", &url(&server.port))]).checked("prometheus").await;
    assert_ne!(missing.cause, Cause::Ok, "{missing:?}");
    five.hold(&mut server).await;
}
