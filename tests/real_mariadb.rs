//! The `mysql` probe against a real MariaDB, started here. `.ci/run` installs it and runs these.

#![cfg(feature = "mysql")]
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "common/loopback.rs"]
mod loopback;
#[path = "common/probe.rs"]
mod probe;
#[path = "common/server.rs"]
mod server;

use lampboard::{
    checks::mysql,
    model::{Cause, Outcome},
};
use probe::{Given, everything, given};
use server::Server;
use std::{
    path::Path,
    process::{Command, Stdio},
};

const ACCOUNTS: &str = "
create database shop;
create user board@'localhost' identified by 'canary-right';
create user late@'localhost' identified by 'canary-right' password expire;
create user shut@'localhost' identified by 'canary-right' account lock;
create user busy@'localhost' identified by 'canary-right' with max_queries_per_hour 1;
create user open@'localhost' identified by '';
create database books;
create table books.pages (text varchar(200));
insert into books.pages values ('one');
grant select on books.* to 'board'@'localhost';
flush privileges;
";

/// Debian puts servers where only the superuser looks.
fn program(name: &str) -> Command {
    let usual = Path::new("/usr/sbin").join(name);
    if usual.exists() { Command::new(usual) } else { Command::new(name) }
}

fn mariadb(own: &loopback::Certificates) -> Server {
    Server::start(|folder, port| {
        let data = folder.join("data");
        let made = Command::new("mariadb-install-db")
            .args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"])
            .arg(format!("--datadir={}", data.display()))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert!(made.success());
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
async fn every_answer_gets_its_own_verdict() {
    let own = loopback::certificates();
    let mut server = mariadb(&own);
    let port = server.port.clone();
    let ask = async |user: &str, password: &str, more: &[(&str, &str)]| -> Outcome {
        mysql::probe(&client(&port, user, password, more).trusting(own.root.clone()).input()).await
    };
    for tls in ["disable", "prefer", "require", "verify-full"] {
        let good = ask("board", "canary-right", &[("tls", tls)]).await;
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
        ("nobody", "canary-right", &[], Cause::InvalidCredential),
        ("open", "", &[], Cause::Ok),
        ("late", "canary-right", &[], Cause::ExpiredCredential),
        ("shut", "canary-right", &[], Cause::AccountProblem),
        ("busy", "canary-right", &[], Cause::QuotaExhausted),
        ("board", "canary-right", &[("database", "shop")], Cause::MissingScope),
    ] {
        let outcome = ask(user, password, more).await;
        assert_eq!(outcome.cause, cause, "{user} {more:?}: {outcome:?}");
    }
    let sized = ask("board", "canary-right", &[("database", "books")]).await;
    assert!(sized.facts.iter().any(|f| f.label == "Database size" && f.value.ends_with(" MB")), "{sized:?}");
    let unknown = mysql::probe(&client(&port, "board", "canary-right", &[("tls", "verify-full")]).input()).await;
    assert_eq!(unknown.cause, Cause::Tls, "{unknown:?}");
    let mut held = Vec::new();
    for _ in 0..40 {
        held.push(tokio::net::TcpStream::connect(format!("127.0.0.1:{port}")).await.unwrap());
    }
    let full = ask("board", "canary-right", &[]).await;
    assert_eq!(full.cause, Cause::QuotaExhausted, "{full:?}");
    drop(held);
    server.kill();
    assert_eq!(ask("board", "canary-right", &[]).await.cause, Cause::Connect);
}
