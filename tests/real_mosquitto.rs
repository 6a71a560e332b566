//! The `mqtt` probe against a real mosquitto, started here. `.ci/run` installs it and runs these.

#![cfg(feature = "mqtt")]
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

use five::{Case, Five, Way};
use lampboard::{checks::mqtt, model::Cause};
use probe::given;
use server::{Server, program};
use std::process::Command;

const RIGHT: &str = "canary-right-c27f";

fn mosquitto(config: &str) -> Server {
    let own = loopback::certificates();
    start(config, &own)
}

fn start(config: &str, own: &loopback::Certificates) -> Server {
    Server::start(|folder, port| {
        let users = folder.join("users");
        for (name, first) in [("board", "-c"), ("mute", "-b")] {
            let made = Command::new("mosquitto_passwd").args([first, "-b"]).arg(&users).args([name, RIGHT]).status();
            assert!(made.unwrap().success());
        }
        std::fs::write(folder.join("acl"), "user board\ntopic readwrite #\nuser mute\ntopic deny #\n").unwrap();
        std::fs::write(folder.join("c.pem"), &own.certificate_pem).unwrap();
        std::fs::write(folder.join("k.pem"), &own.key_pem).unwrap();
        let file = folder.join("mosquitto.conf");
        let config = config.replace("FOLDER", folder.to_str().unwrap());
        // As root it would become another user, who may not look into the folder.
        let user = if rustix::process::geteuid().is_root() { "user root\n" } else { "" };
        std::fs::write(&file, format!("{user}listener {port} 127.0.0.1\n{config}\n")).unwrap();
        let mut command = program("mosquitto");
        command.arg("-c").arg(file);
        command
    })
}

#[tokio::test]
#[ignore = "needs mosquitto"]
async fn mosquitto_holds_the_five_cases() {
    let mut server = mosquitto("allow_anonymous false\npassword_file FOLDER/users\nacl_file FOLDER/acl");
    let client = |port: &str, name: &str, password: &str| {
        given(&[("host", "localhost"), ("port", port), ("username", name)]).secret("password", password)
    };
    let nobody = given(&[("host", "localhost"), ("port", &server.port)]).checked("mqtt").await;
    assert_eq!(nobody.cause, Cause::MissingCredential, "{nobody:?}");
    let five = Five {
        provider: "mqtt",
        way: Way::Tcp,
        right: &|port| client(port, "board", RIGHT),
        facts: &["Protocol", "Client id"],
        wrong: Case::Yields(client(&server.port, "board", "canary-wrong"), Cause::InvalidCredential, "CONNACK 5"),
        // Nothing is published or subscribed, so nothing is missed.
        powerless: Case::Yields(client(&server.port, "mute", RIGHT), Cause::Ok, "connection accepted"),
    };
    let good = five.hold(&mut server).await;
    assert_eq!(good.identity.as_deref(), Some("board"), "{good:?}");
}

#[tokio::test]
#[ignore = "needs mosquitto"]
async fn mosquitto_may_refuse_a_client_id() {
    let server = mosquitto("allow_anonymous false\npassword_file FOLDER/users\nclientid_prefixes desk-");
    for (id, cause) in [("desk-7", Cause::Ok), ("other-7", Cause::InvalidCredential)] {
        let fields = [("host", "localhost"), ("port", &*server.port), ("username", "board"), ("client_id", id)];
        let outcome = given(&fields).secret("password", RIGHT).checked("mqtt").await;
        assert_eq!(outcome.cause, cause, "{id}: {outcome:?}");
    }
}

#[tokio::test]
#[ignore = "needs mosquitto"]
async fn tls_is_verified() {
    let own = loopback::certificates();
    let server = start("allow_anonymous true\ncertfile FOLDER/c.pem\nkeyfile FOLDER/k.pem", &own);
    let fields = [("host", "localhost"), ("port", &*server.port), ("tls", "yes")];
    let good = mqtt::probe(&given(&fields).trusting(own.root.clone()).input()).await;
    assert_eq!(good.cause, Cause::Ok, "{good:?}");
    assert_eq!(mqtt::probe(&given(&fields).input()).await.cause, Cause::Tls);
    let plain = [("host", "localhost"), ("port", &*server.port)];
    let plain = mqtt::probe(&given(&plain).input()).await;
    assert!(matches!(plain.cause, Cause::Connect | Cause::Protocol), "{plain:?}");
}
