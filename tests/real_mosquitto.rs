//! The `mqtt` probe against a real mosquitto, started here. `.ci/run` installs it and runs these.

#![cfg(feature = "mqtt")]
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "common/loopback.rs"]
mod loopback;
#[path = "common/probe.rs"]
mod probe;
#[path = "common/server.rs"]
mod server;

use lampboard::{checks::mqtt, model::Cause};
use probe::{everything, given};
use server::Server;
use std::{path::Path, process::Command};

/// Debian puts servers where only the superuser looks.
fn program(name: &str) -> Command {
    let usual = Path::new("/usr/sbin").join(name);
    if usual.exists() { Command::new(usual) } else { Command::new(name) }
}

fn mosquitto(config: &str) -> Server {
    let own = loopback::certificates();
    start(config, &own)
}

fn start(config: &str, own: &loopback::Certificates) -> Server {
    Server::start(|folder, port| {
        let users = folder.join("users");
        let made =
            Command::new("mosquitto_passwd").arg("-c").arg("-b").arg(&users).args(["board", "canary-right"]).status();
        assert!(made.unwrap().success());
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
async fn right_wrong_missing_and_gone_are_told_apart() {
    let mut server = mosquitto("allow_anonymous false\npassword_file FOLDER/users");
    let port = server.port.clone();
    let fields = [("host", "localhost"), ("port", &*port), ("username", "board")];
    let good = mqtt::probe(&given(&fields).secret("password", "canary-right").input()).await;
    assert_eq!((good.cause, good.identity.as_deref()), (Cause::Ok, Some("board")), "{good:?}");
    let wrong = mqtt::probe(&given(&fields).secret("password", "canary-wrong").input()).await;
    assert_eq!(wrong.cause, Cause::InvalidCredential, "{wrong:?}");
    assert!(!format!("{}{}", everything(&good), everything(&wrong)).contains("canary"));
    let nobody = mqtt::probe(&given(&[("host", "localhost"), ("port", &port)]).input()).await;
    assert_eq!(nobody.cause, Cause::MissingCredential, "{nobody:?}");
    server.kill();
    let gone = mqtt::probe(&given(&fields).secret("password", "canary-right").input()).await;
    assert_eq!(gone.cause, Cause::Connect, "{gone:?}");
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
