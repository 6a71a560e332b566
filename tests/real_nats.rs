//! The `nats` probe against a real nats-server, started here. `.ci/run` installs it and runs these.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "common/five.rs"]
mod five;
#[path = "common/loopback.rs"]
mod loopback;
#[path = "common/nats_keys.rs"]
mod nats_keys;
#[path = "common/probe.rs"]
mod probe;
#[path = "common/proxy.rs"]
mod proxy;
#[path = "common/server.rs"]
mod server;

use five::{Case, Five, Way};
use lampboard::{checks::nats, model::Cause};
use nats_keys::{ACCOUNT, Key, OPERATOR, USER, creds};
use probe::{Given, given};
use server::Server;
use std::process::Command;

const RIGHT: &str = "canary-right-3e90";

fn nats_server(config: &str) -> Server {
    Server::start(|folder, port| {
        let file = folder.join("nats.conf");
        let config = config.replace("FOLDER", folder.to_str().unwrap());
        std::fs::write(&file, format!("host: 127.0.0.1\nport: {port}\nserver_name: lamp\n{config}\n")).unwrap();
        let mut command = Command::new("nats-server");
        command.arg("-c").arg(file);
        command
    })
}

fn user(port: &str, name: &str, password: &str) -> Given {
    given(&[("host", "localhost"), ("port", port), ("username", name)]).secret("password", password)
}

/// `board` may all, `mute` may neither publish nor subscribe.
const USERS: &str = "authorization { users: [
  { user: board, password: canary-right-3e90 },
  { user: mute, password: canary-right-3e90, permissions: { publish: { deny: \">\" }, subscribe: { deny: \">\" } } },
] }";

#[tokio::test]
#[ignore = "needs nats-server"]
async fn nats_holds_the_five_cases() {
    let mut server = nats_server(USERS);
    let fields = [("host", "127.0.0.1"), ("port", &*server.port)];
    assert_eq!(given(&fields).checked("nats").await.cause, Cause::MissingCredential);
    let five = Five {
        provider: "nats",
        way: Way::Tcp,
        right: &|port| user(port, "board", RIGHT),
        facts: &["Version", "Server", "Largest message"],
        wrong: Case::Yields(user(&server.port, "board", "canary-wrong"), Cause::InvalidCredential, "Authorization"),
        // Nothing is published or subscribed, so nothing is missed.
        powerless: Case::Yields(user(&server.port, "mute", RIGHT), Cause::Ok, "PONG"),
    };
    let good = five.hold(&mut server).await;
    assert_eq!(good.identity.as_deref(), Some("board"), "{good:?}");
}

#[tokio::test]
#[ignore = "needs nats-server"]
async fn tokens_and_open_servers_work() {
    let server = nats_server("authorization { token: canary-token }");
    let fields = [("host", "127.0.0.1"), ("port", &*server.port)];
    let good = nats::probe(&given(&fields).secret("token", "canary-token").input()).await;
    assert_eq!(good.cause, Cause::Ok, "{good:?}");
    let wrong = nats::probe(&given(&fields).secret("token", "canary-wrong").input()).await;
    assert_eq!(wrong.cause, Cause::InvalidCredential, "{wrong:?}");
    let server = nats_server("");
    let open = nats::probe(&given(&[("host", "127.0.0.1"), ("port", &*server.port)]).input()).await;
    assert_eq!(open.cause, Cause::Ok, "{open:?}");
    assert!(open.facts.iter().any(|f| f.value == "not required"), "{open:?}");
}

fn keyed(port: &str, secret: &str) -> Given {
    given(&[("host", "127.0.0.1"), ("port", port)]).secret("creds", secret)
}

#[tokio::test]
#[ignore = "needs nats-server"]
async fn a_key_signs_in_where_its_public_half_is_known() {
    let (known, stranger) = (Key::new(USER, 1), Key::new(USER, 2));
    let server = nats_server(&format!("authorization {{ users: [ {{ nkey: {} }} ] }}", known.public()));
    let good = keyed(&server.port, &known.seed()).checked("nats").await;
    assert_eq!((good.cause, good.identity), (Cause::Ok, Some(known.public())));
    let wrong = keyed(&server.port, &stranger.seed()).checked("nats").await;
    assert_eq!(wrong.cause, Cause::InvalidCredential, "{wrong:?}");
    let none = given(&[("host", "127.0.0.1"), ("port", &*server.port)]).checked("nats").await;
    assert_eq!(none.cause, Cause::MissingCredential, "{none:?}");
    let by_name = nats_server(USERS);
    let refused = keyed(&by_name.port, &known.seed()).checked("nats").await;
    assert_eq!(refused.cause, Cause::InvalidCredential, "{refused:?}");
}

#[tokio::test]
#[ignore = "needs nats-server"]
async fn a_creds_file_signs_in_where_its_account_is_known() {
    let (operator, account, user) = (Key::new(OPERATOR, 3), Key::new(ACCOUNT, 4), Key::new(USER, 5));
    let server = nats_server(&format!(
        "operator: {}\nresolver: MEMORY\nresolver_preload: {{ {}: {} }}",
        operator.token(&operator, "operator", None),
        account.public(),
        operator.token(&account, "account", None),
    ));
    let ends = 4_000_000_000;
    let good = creds(&account.token(&user, "user", Some(ends)), &user.seed());
    let good = keyed(&server.port, &good).checked("nats").await;
    assert_eq!((good.cause, good.identity.clone()), (Cause::Ok, Some(user.public())), "{good:?}");
    assert_eq!(good.credential_expires.map(|at| at.as_second()), Some(ends));
    // On one line, as a form may take it.
    let flat = creds(&account.token(&user, "user", None), &user.seed()).replace('\n', " ");
    assert_eq!(keyed(&server.port, &flat).checked("nats").await.cause, Cause::Ok);
    let stranger = Key::new(ACCOUNT, 6);
    for (token, seed, cause) in [
        (stranger.token(&user, "user", None), user.seed(), Cause::InvalidCredential),
        (account.token(&user, "user", None), Key::new(USER, 7).seed(), Cause::InvalidCredential),
        (account.token(&user, "user", Some(1_700_000_001)), user.seed(), Cause::ExpiredCredential),
    ] {
        let outcome = keyed(&server.port, &creds(&token, &seed)).checked("nats").await;
        assert_eq!(outcome.cause, cause, "{outcome:?}");
    }
}

#[tokio::test]
#[ignore = "needs nats-server"]
async fn a_full_server_says_so() {
    let server = nats_server("max_connections: 1");
    let held = tokio::net::TcpStream::connect(format!("127.0.0.1:{}", server.port)).await.unwrap();
    let started = std::time::Instant::now();
    let mut outcome = nats::probe(&given(&[("host", "127.0.0.1"), ("port", &*server.port)]).input()).await;
    // The connection that waited for the start may still hold the only place, then ours does.
    while outcome.cause == Cause::Ok && started.elapsed() < std::time::Duration::from_secs(10) {
        outcome = nats::probe(&given(&[("host", "127.0.0.1"), ("port", &*server.port)]).input()).await;
    }
    assert_eq!(outcome.cause, Cause::QuotaExhausted, "{outcome:?}");
    drop(held);
}

#[tokio::test]
#[ignore = "needs nats-server"]
async fn tls_is_used_where_the_server_requires_it() {
    let own = loopback::certificates();
    let (certificate, key) = (own.certificate_pem.clone(), own.key_pem.clone());
    let server = Server::start(|folder, port| {
        std::fs::write(folder.join("c.pem"), &certificate).unwrap();
        std::fs::write(folder.join("k.pem"), &key).unwrap();
        let at = folder.display();
        let config =
            format!("host: 127.0.0.1\nport: {port}\ntls {{ cert_file: \"{at}/c.pem\", key_file: \"{at}/k.pem\" }}\n");
        std::fs::write(folder.join("nats.conf"), config).unwrap();
        let mut command = Command::new("nats-server");
        command.arg("-c").arg(folder.join("nats.conf"));
        command
    });
    for tls in ["auto", "yes"] {
        let fields = [("host", "localhost"), ("port", &*server.port), ("tls", tls)];
        let good = nats::probe(&given(&fields).trusting(own.root.clone()).input()).await;
        assert_eq!(good.cause, Cause::Ok, "{good:?}");
        assert!(good.certificate_expires.is_some());
        let unknown = nats::probe(&given(&fields).input()).await;
        assert_eq!(unknown.cause, Cause::Tls, "{unknown:?}");
    }
    let fields = [("host", "localhost"), ("port", &*server.port), ("tls", "no")];
    assert_eq!(nats::probe(&given(&fields).input()).await.cause, Cause::Misconfigured);
}
