//! The `ping` probe on loopback, where the kernel allows it; where not, that it says so.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "common/probe.rs"]
mod probe;

use lampboard::{checks::ping, model::Cause};
use probe::given;
use rustix::net::{AddressFamily, SocketType, ipproto, socket};
use std::time::Duration;

/// Asks the kernel itself.
fn allowed() -> bool {
    socket(AddressFamily::INET, SocketType::DGRAM, Some(ipproto::ICMP)).is_ok()
}

#[tokio::test]
async fn loopback_answers_or_the_kernel_is_named() {
    let outcome = ping::probe(&given(&[("host", "127.0.0.1"), ("count", "2")]).input()).await;
    if allowed() {
        assert_eq!(outcome.cause, Cause::Ok, "{outcome:?}");
        assert!(outcome.latency.is_some() && outcome.warnings.is_empty());
        assert!(outcome.facts.iter().any(|f| f.label == "Lost" && f.value == "0 of 2"), "{outcome:?}");
    } else {
        assert_eq!(outcome.cause, Cause::Misconfigured, "{outcome:?}");
        assert!(outcome.evidence.seen.contains("ping_group_range"), "{outcome:?}");
    }
}

#[tokio::test]
async fn unknown_names_and_wrong_fields_are_told() {
    let unknown = given(&[("host", "no-such-host.invalid")]).timeout(Duration::from_secs(5));
    let outcome = ping::probe(&unknown.input()).await;
    // A name server that does not answer takes all the time.
    assert!(matches!(outcome.cause, Cause::Dns | Cause::Timeout), "{outcome:?}");
    for fields in
        [&[("count", "3")][..], &[("host", "127.0.0.1"), ("count", "0")], &[("host", "127.0.0.1"), ("count", "11")]]
    {
        assert_eq!(ping::probe(&given(fields).input()).await.cause, Cause::Misconfigured, "{fields:?}");
    }
    let other = [("host", "127.0.0.1"), ("family", "6")];
    assert_eq!(ping::probe(&given(&other).input()).await.cause, Cause::Dns);
}

#[tokio::test]
#[ignore = "needs net.ipv4.ping_group_range to hold a group of ours"]
async fn loopback_echoes_for_real() {
    assert!(allowed(), "the kernel gives no echo socket: run this as .ci/run does");
    for (host, family) in [("127.0.0.1", "4"), ("::1", "6")] {
        let outcome = given(&[("host", host), ("family", family), ("count", "3")]).checked("ping").await;
        assert_eq!(outcome.cause, Cause::Ok, "{outcome:?}");
        assert!(outcome.latency.is_some_and(|took| took < Duration::from_secs(1)), "{outcome:?}");
        assert!(outcome.facts.iter().any(|f| f.label == "Lost" && f.value == "0 of 3"), "{outcome:?}");
    }
    // Nobody has this one: no way leads there, or nothing comes back.
    let nobody = given(&[("host", "192.0.2.1"), ("count", "1")]).timeout(Duration::from_secs(2));
    let outcome = nobody.checked("ping").await;
    assert!(matches!(outcome.cause, Cause::Connect | Cause::Timeout), "{outcome:?}");
}
