//! The definition `graphql` against a GraphQL server, npm's graphql-yoga, started here on a free port. `.ci/run` installs it
//! and tells its folder in LAMPBOARD_GRAPHQL_YOGA.

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
use lampboard::model::{Cause, Outcome, Status};
use probe::{everything, given};
use server::Server;
use std::process::Command;

/// What tests/graphql/server.mjs lets in.
const RIGHT: &str = "canary-right-91fe";

async fn ask(server: &Server, query: &str, secret: (&str, &str)) -> Outcome {
    let url = format!("http://127.0.0.1:{}/graphql", server.port);
    let given = given(&[("base_url", &url), ("query", query)]).secret(secret.0, secret.1);
    let outcome = given.checked("graphql").await;
    assert!(!everything(&outcome).contains("canary"), "{outcome:?}");
    outcome
}

#[tokio::test]
#[ignore = "needs graphql-yoga"]
async fn a_graphql_server_holds_the_five_cases() {
    let mut server = Server::start(|_, port| {
        let mut command = Command::new("node");
        command.args(["tests/graphql/server.mjs", port]);
        command
    });
    let (right, wrong) = (("token", RIGHT), ("token", "canary-wrong"));
    let session = format!("x-session={RIGHT}");
    for credential in [right, ("headers", &session), ("api_key", RIGHT)] {
        for query in ["{ viewer { id name } }", "{ account { id } }"] {
            let good = ask(&server, query, credential).await;
            assert_eq!((good.cause, good.status()), (Cause::Ok, Status::Active), "{query}: {good:?}");
        }
    }
    for (query, credential, cause) in [
        // Some servers refuse, some see nobody.
        ("{ account { id } }", wrong, Cause::InvalidCredential),
        ("{ viewer { id name } }", wrong, Cause::InvalidCredential),
        ("{ kept }", right, Cause::MissingScope),
        ("{ __typename }", right, Cause::Misconfigured),
        ("{ nothing }", right, Cause::Misconfigured),
        ("{ viewer {", right, Cause::Misconfigured),
        ("{ broken }", right, Cause::ServerError),
    ] {
        let outcome = ask(&server, query, credential).await;
        assert_eq!(outcome.cause, cause, "{query}: {outcome:?}");
    }
    let busy = ask(&server, "{ busy }", right).await;
    assert_eq!(busy.cause, Cause::Throttled, "{busy:?}");
    assert!(busy.until.is_some_and(|until| until > busy.at), "{busy:?}");
    let client = |port: &str, query: &str, token: &str| {
        let url = format!("http://127.0.0.1:{port}/graphql");
        given(&[("base_url", &*url), ("query", query)]).secret("token", token)
    };
    let five = Five {
        provider: "graphql",
        way: Way::Tcp,
        right: &|port| client(port, "{ viewer { id } }", RIGHT),
        facts: &[],
        wrong: Case::Yields(
            client(&server.port, "{ viewer { id } }", "canary-wrong"),
            Cause::InvalidCredential,
            "saw nobody",
        ),
        powerless: Case::Yields(client(&server.port, "{ kept }", RIGHT), Cause::MissingScope, "Not for you"),
    };
    five.hold(&mut server).await;
}
