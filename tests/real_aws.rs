//! AWS and S3 against moto, which checks signatures and policies; started here on a free port. `.ci/run` installs it and
//! runs these.

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

#[path = "real_aws/actions.rs"]
mod actions;
#[path = "real_aws/moto.rs"]
mod moto;

use five::{Case, Five, Way};
use lampboard::model::{Cause, Status, Warning};
use moto::{Moto, client, fact, key};

#[tokio::test]
#[ignore = "needs moto"]
async fn moto_holds_the_five_cases_of_aws() {
    let mut moto = Moto::start().await;
    let good = moto.check("aws", "", &moto.ada).await;
    assert_eq!(good.cause, Cause::Ok, "{good:?}");
    assert_eq!(good.identity.as_deref(), Some("arn:aws:iam::123456789012:user/ada"));
    for (label, wanted) in [
        ("Account", "123456789012"),
        ("S3 buckets", "1"),
        ("EC2 instances running", "1"),
        ("DynamoDB tables", "1"),
        ("CloudWatch alarms ringing", "0"),
    ] {
        assert_eq!(fact(&good, label), Some(wanted), "{label}: {good:?}");
    }
    // Who he is, anybody may ask; each further question has a verdict of its own.
    let nobody = moto.check("aws", "", &moto.bob).await;
    assert_eq!(nobody.identity.as_deref(), Some("arn:aws:iam::123456789012:user/bob"), "{nobody:?}");
    for name in ["S3", "EC2", "DynamoDB", "CloudWatch"] {
        assert!(fact(&nobody, name).is_some_and(|f| f.starts_with("no permission: ")), "{name}: {nobody:?}");
    }
    let unknown = moto.check("aws", "", &key("AKIAIOSFODNN7EXAMPLE", &moto.ada.1)).await;
    assert_eq!(unknown.cause, Cause::InvalidCredential, "{unknown:?}");
    let port = moto.server.port.clone();
    let five = Five {
        provider: "aws",
        way: Way::Tcp,
        right: &|port| client(port, "", &moto.ada),
        facts: &["Account", "User", "S3 buckets", "DynamoDB tables"],
        wrong: Case::Yields(client(&port, "", &key(&moto.ada.0, &moto.bob.1)), Cause::InvalidCredential, "signature"),
        powerless: Case::Yields(client(&port, "", &moto.bob).needs("DynamoDB"), Cause::MissingScope, "no permission"),
    };
    five.hold(&mut moto.server).await;
}

#[tokio::test]
#[ignore = "needs moto"]
async fn moto_holds_the_five_cases_of_s3() {
    let mut moto = Moto::start().await;
    let store = moto.check("s3", "", &moto.ada).await;
    assert_eq!(store.cause, Cause::Ok, "{store:?}");
    assert_eq!((fact(&store, "Buckets"), fact(&store, "First bucket")), (Some("1"), Some("backups")));
    let bucket = moto.check("s3", "/backups", &moto.ada).await;
    assert_eq!((bucket.cause, fact(&bucket, "Bucket")), (Cause::Ok, Some("backups")), "{bucket:?}");
    assert_eq!(moto.check("s3", "/nowhere", &moto.ada).await.cause, Cause::Misconfigured);
    let unknown = moto.check("s3", "", &key("AKIAIOSFODNN7EXAMPLE", &moto.ada.1)).await;
    assert_eq!(unknown.cause, Cause::InvalidCredential, "{unknown:?}");
    for path in ["", "/backups"] {
        let denied = moto.check("s3", path, &moto.bob).await;
        assert_eq!((denied.cause, denied.status()), (Cause::MissingScope, Status::Unauthorized), "{denied:?}");
        assert!(denied.warnings.iter().any(|w| matches!(w, Warning::MissingScope { .. })), "{denied:?}");
    }
    let port = moto.server.port.clone();
    let five = Five {
        provider: "s3",
        way: Way::Tcp,
        right: &|port| client(port, "/backups", &moto.ada),
        facts: &["Bucket"],
        wrong: Case::Yields(
            client(&port, "/backups", &key(&moto.ada.0, &moto.bob.1)),
            Cause::InvalidCredential,
            "signature",
        ),
        powerless: Case::Yields(client(&port, "/backups", &moto.bob), Cause::MissingScope, "s3:ListBucket"),
    };
    five.hold(&mut moto.server).await;
}

/// The server's clock goes wrong instead of ours: what differs is the same.
#[tokio::test]
#[ignore = "needs moto and faketime"]
async fn moto_shows_a_wrong_clock_apart_from_a_wrong_secret() {
    for clock in ["-40m", "+40m"] {
        let moto = Moto::at(clock).await;
        let wrong = key(&moto.ada.0, &moto.bob.1);
        for provider in ["aws", "s3"] {
            let skewed = moto.check(provider, "", &wrong).await;
            assert_eq!(skewed.cause, Cause::Misconfigured, "{skewed:?}");
            assert!(skewed.evidence.seen.starts_with("the clock of this machine is wrong"), "{skewed:?}");
            let told = skewed.warnings.iter().find_map(|w| match w {
                Warning::ClockSkew { seconds } => Some(seconds.abs()),
                _ => None,
            });
            assert!(told.is_some_and(|s| (2300..=2500).contains(&s)), "{skewed:?}");
        }
    }
}
