//! The database probes against real servers, started here on free ports in a throw-away folder.
//! `.ci/run` installs them and runs these.

#![cfg(all(feature = "postgres", feature = "redis"))]
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "common/five.rs"]
mod five;
#[path = "common/probe.rs"]
mod probe;
#[path = "common/proxy.rs"]
mod proxy;
#[path = "common/server.rs"]
mod server;

#[path = "real_servers/postgres.rs"]
mod postgres;
#[path = "real_servers/redis.rs"]
mod redis;

use lampboard::providers::{
    Registry,
    action::{Given, Values},
};

/// Judged values of a built-in definition's action.
fn values(provider: &str, action: &str, given: &[(&str, &str)]) -> Values {
    let registry = Registry::built_in();
    let definition = registry.get(provider).unwrap();
    let given: Given = given.iter().map(|(k, v)| ((*k).to_owned(), vec![v.as_bytes().to_vec()])).collect();
    definition.actions[action].values(&given).unwrap()
}
