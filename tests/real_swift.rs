//! The definition `s3` against OpenStack Swift with its S3 interface, a store that runs in production; started here on a free
//! port. `.ci/run` installs it and tells its Python in LAMPBOARD_PYTHON.

#![cfg(feature = "aws")]
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "common/five.rs"]
mod five;
#[path = "common/probe.rs"]
mod probe;
#[path = "common/proxy.rs"]
mod proxy;
#[path = "common/server.rs"]
mod server;

use five::{Case, Five, Way};
use lampboard::model::{Cause, Outcome};
use probe::{Given, everything, given};
use server::Server;
use std::process::Command;

/// What tests/swift/server.py gives its users.
const RIGHT: &str = "canary-right-2b6d";

fn python() -> String {
    std::env::var("LAMPBOARD_PYTHON").expect("LAMPBOARD_PYTHON names the Python that has swift")
}

/// Swift, started by this program and what stands before it.
fn swift(before: &[&str]) -> Server {
    let python = python();
    let line = [before, &[&*python, "tests/swift/server.py"]].concat();
    Server::start(|folder, port| {
        let mut command = Command::new(line[0]);
        command.args(&line[1..]).arg(folder).arg(port);
        command
    })
}

fn client(port: &str, path: &str, key: &str, secret: &str) -> Given {
    let url = format!("http://127.0.0.1:{port}{path}");
    given(&[("base_url", &*url)]).secret("access_key_id", key).secret("secret_access_key", secret)
}

async fn check(server: &Server, path: &str, key: &str, secret: &str) -> Outcome {
    let outcome = client(&server.port, path, key, secret).checked("s3").await;
    assert!(!everything(&outcome).contains("canary"), "{outcome:?}");
    outcome
}

fn fact<'a>(outcome: &'a Outcome, label: &str) -> &'a str {
    outcome.facts.iter().find(|f| f.label == label).map_or("", |f| &f.value)
}

#[tokio::test]
#[ignore = "needs swift"]
async fn swift_holds_the_five_cases() {
    let mut server = swift(&[]);
    let right = check(&server, "", "shop:ada", RIGHT).await;
    assert_eq!(right.cause, Cause::Ok, "{right:?}");
    assert_eq!((fact(&right, "Buckets"), fact(&right, "First bucket")), ("1", "backups"), "{right:?}");
    let bucket = check(&server, "/backups", "shop:ada", RIGHT).await;
    assert_eq!((bucket.cause, fact(&bucket, "First object")), (Cause::Ok, "2026.tar"), "{bucket:?}");
    let unknown = check(&server, "", "shop:eve", RIGHT).await;
    assert_eq!(unknown.cause, Cause::InvalidCredential, "{unknown:?}");
    let absent = check(&server, "/nothing", "shop:ada", RIGHT).await;
    assert_eq!(absent.cause, Cause::Misconfigured, "{absent:?}");
    assert!(absent.evidence.seen.contains("bucket"), "{absent:?}");
    let port = server.port.clone();
    let five = Five {
        provider: "s3",
        way: Way::Tcp,
        right: &|port| client(port, "/backups", "shop:ada", RIGHT),
        facts: &["Bucket", "First object"],
        wrong: Case::Yields(
            client(&port, "/backups", "shop:ada", "canary-wrong"),
            Cause::InvalidCredential,
            "signature",
        ),
        powerless: Case::Yields(client(&port, "/backups", "shop:bob", RIGHT), Cause::MissingScope, "s3:ListBucket"),
    };
    five.hold(&mut server).await;
}

#[tokio::test]
#[ignore = "needs swift and faketime"]
async fn swift_with_another_clock_is_told_from_a_wrong_key() {
    let server = swift(&["faketime", "-f", "+2h"]);
    let outcome = check(&server, "", "shop:ada", RIGHT).await;
    assert_eq!(outcome.cause, Cause::Misconfigured, "{outcome:?}");
    assert!(outcome.evidence.seen.contains("clock"), "{outcome:?}");
}
