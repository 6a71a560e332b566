//! What a build leaves out says so and checks nothing. For builds without default features.

#![cfg(not(any(
    feature = "aws",
    feature = "kafka",
    feature = "mongodb",
    feature = "mqtt",
    feature = "mysql",
    feature = "postgres",
    feature = "redis",
    feature = "smtp"
)))]
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "common/probe.rs"]
mod probe;

use lampboard::model::{Cause, Status};
use probe::given;

#[tokio::test]
async fn what_is_left_out_says_what_to_build_with() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (port, url) = (address.port().to_string(), format!("http://{address}"));
    for (provider, feature, asked) in [
        ("kafka", "kafka", given(&[("host", "127.0.0.1"), ("port", &port), ("username", "ada")])),
        ("mongodb", "mongodb", given(&[("host", "127.0.0.1"), ("port", &port), ("username", "ada")])),
        ("mqtt", "mqtt", given(&[("host", "127.0.0.1"), ("port", &port)])),
        ("redis", "redis", given(&[("host", "127.0.0.1"), ("port", &port)])),
        ("mysql", "mysql", given(&[("host", "127.0.0.1"), ("port", &port), ("user", "ada")])),
        ("postgres", "postgres", given(&[("host", "127.0.0.1"), ("port", &port), ("user", "ada")])),
        ("smtp", "smtp", given(&[("host", "127.0.0.1"), ("port", &port), ("username", "ada")])),
        ("aws", "aws", given(&[("base_url", &url)]).secret("access_key_id", "AKIA").secret("secret_access_key", "x")),
    ] {
        let outcome = asked.secret("password", "canary").checked(provider).await;
        assert_eq!((outcome.cause, outcome.status()), (Cause::NotInstalled, Status::Inactive), "{outcome:?}");
        assert!(outcome.evidence.seen.contains(&format!("build with the feature '{feature}'")), "{outcome:?}");
    }
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "nothing was asked");
}
