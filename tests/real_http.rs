//! Definitions against the servers they are for: RabbitMQ, Prometheus, an npm registry and LiteLLM, started here.
//! `.ci/run` installs them and runs these.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "common/five.rs"]
mod five;
#[path = "common/probe.rs"]
mod probe;
#[path = "common/proxy.rs"]
mod proxy;
#[path = "common/server.rs"]
mod server;

#[path = "real_http/litellm.rs"]
mod litellm;
#[path = "real_http/prometheus.rs"]
mod prometheus;
#[path = "real_http/rabbitmq.rs"]
mod rabbitmq;
#[path = "real_http/verdaccio.rs"]
mod verdaccio;

const RIGHT: &str = "canary-right-5c1a";
const WRONG: &str = "canary-wrong-5c1a";

/// The address of a server at this port.
fn url(port: &str) -> String {
    format!("http://127.0.0.1:{port}")
}
