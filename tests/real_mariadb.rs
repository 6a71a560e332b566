//! The `mysql` probe against a real MariaDB, started here. `.ci/run` installs it and runs these.

#![cfg(feature = "mysql")]
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
use lampboard::{
    checks::mysql,
    model::{Cause, Outcome},
};
use probe::{Given, everything, given};
use server::{Server, program};
use std::process::Command;

const RIGHT: &str = "canary-right-b802";

const ACCOUNTS: &str = "
create database shop;
create user board@'localhost' identified by 'canary-right-b802';
create user late@'localhost' identified by 'canary-right-b802' password expire;
create user shut@'localhost' identified by 'canary-right-b802' account lock;
create user busy@'localhost' identified by 'canary-right-b802' with max_queries_per_hour 1;
create user open@'localhost' identified by '';
create database books;
create table books.pages (text varchar(200));
insert into books.pages values ('one');
grant select on books.* to 'board'@'localhost';
flush privileges;
";

fn mariadb(own: &loopback::Certificates) -> Server {
    Server::start(|folder, port| {
        let data = folder.join("data");
        let made = Command::new("mariadb-install-db")
            .args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"])
            .arg(format!("--datadir={}", data.display()))
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        std::fs::write(folder.join("root.pem"), &own.root_pem).unwrap();
        std::fs::write(folder.join("c.pem"), &own.certificate_pem).unwrap();
        std::fs::write(folder.join("k.pem"), &own.key_pem).unwrap();
        std::fs::write(folder.join("accounts.sql"), ACCOUNTS).unwrap();
        let at = folder.display();
        let mut command = program("mariadbd");
        command
            .args(["--no-defaults", "--bind-address=127.0.0.1", "--max-connections=20", "--skip-log-bin"])
            .arg(format!("--port={port}"))
            .arg(format!("--datadir={at}/data"))
            .arg(format!("--socket={at}/socket"))
            .arg(format!("--pid-file={at}/pid"))
            .arg(format!("--init-file={at}/accounts.sql"))
            .arg(format!("--ssl-cert={at}/c.pem"))
            .arg(format!("--ssl-key={at}/k.pem"));
        if rustix::process::geteuid().is_root() {
            command.arg("--user=root");
        }
        command
    })
}

fn client(port: &str, user: &str, password: &str, more: &[(&str, &str)]) -> Given {
    let mut fields = vec![("host", "localhost"), ("port", port), ("user", user)];
    fields.extend_from_slice(more);
    given(&fields).secret("password", password)
}

#[tokio::test]
#[ignore = "needs mariadb-server"]
async fn mariadb_holds_the_five_cases() {
    let own = loopback::certificates();
    let mut server = mariadb(&own);
    let port = server.port.clone();
    let ask = async |user: &str, password: &str, more: &[(&str, &str)]| -> Outcome {
        mysql::probe(&client(&port, user, password, more).trusting(own.root.clone()).input()).await
    };
    for tls in ["disable", "prefer", "require", "verify-full"] {
        let good = ask("board", RIGHT, &[("tls", tls)]).await;
        assert_eq!((good.cause, good.identity.as_deref()), (Cause::Ok, Some("board@localhost")), "{good:?}");
        assert_eq!(good.quotas[0].limit, Some(20.0));
        assert_eq!(good.certificate_expires.is_some(), tls != "disable");
        assert!(good.facts.iter().any(|f| f.label == "Version" && f.value.contains("MariaDB")), "{good:?}");
        let wrong = ask("board", "canary-wrong", &[("tls", tls)]).await;
        assert_eq!(wrong.cause, Cause::InvalidCredential, "{wrong:?}");
        assert!(!format!("{}{}", everything(&good), everything(&wrong)).contains("canary"));
    }
    for (user, password, more, cause) in [
        ("board", "", &[][..], Cause::MissingCredential),
        ("nobody", RIGHT, &[], Cause::InvalidCredential),
        ("open", "", &[], Cause::Ok),
        ("late", RIGHT, &[], Cause::ExpiredCredential),
        ("shut", RIGHT, &[], Cause::AccountProblem),
        ("busy", RIGHT, &[], Cause::QuotaExhausted),
        ("board", RIGHT, &[("database", "shop")], Cause::MissingScope),
    ] {
        let outcome = ask(user, password, more).await;
        assert_eq!(outcome.cause, cause, "{user} {more:?}: {outcome:?}");
    }
    let sized = ask("board", RIGHT, &[("database", "books")]).await;
    assert!(sized.facts.iter().any(|f| f.label == "Database size" && f.value.ends_with(" MB")), "{sized:?}");
    let unknown = mysql::probe(&client(&port, "board", RIGHT, &[("tls", "verify-full")]).input()).await;
    assert_eq!(unknown.cause, Cause::Tls, "{unknown:?}");
    let mut held = Vec::new();
    for _ in 0..40 {
        held.push(tokio::net::TcpStream::connect(format!("127.0.0.1:{port}")).await.unwrap());
    }
    let full = ask("board", RIGHT, &[]).await;
    assert_eq!(full.cause, Cause::QuotaExhausted, "{full:?}");
    drop(held);

    let root = server.folder().join("root.pem");
    let account =
        |port: &str, password: &str, more: &[(&str, &str)]| client(port, "board", password, more).ca_file(&root);
    let verified = ("tls", "verify-full");
    let five = Five {
        provider: "mysql",
        way: Way::Tcp,
        right: &|port| account(port, RIGHT, &[verified, ("database", "books")]),
        facts: &["Version", "Mode", "Connections", "Database size"],
        wrong: Case::Yields(account(&server.port, "canary-wrong", &[verified]), Cause::InvalidCredential, "1045"),
        powerless: Case::Yields(
            account(&server.port, RIGHT, &[verified, ("database", "shop")]),
            Cause::MissingScope,
            "Access denied",
        ),
    };
    let good = five.hold(&mut server).await;
    assert_eq!(good.identity.as_deref(), Some("board@localhost"), "{good:?}");
}
