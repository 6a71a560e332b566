//! How a check is made: one kind of probe per file, and the ladder that tests a draft rung by rung.

pub mod advice;
mod also;
pub mod call;
mod capped;
pub mod checker;
mod client;
pub mod command;
pub mod dns;
mod failure;
#[cfg(debug_assertions)]
mod fault;
mod http;
mod http_any;
pub mod input;
#[cfg(feature = "kafka")]
pub mod kafka;
pub mod ladder;
mod login;
#[cfg(feature = "mongodb")]
pub mod mongodb;
#[cfg(feature = "mqtt")]
pub mod mqtt;
#[cfg(feature = "mysql")]
pub mod mysql;
pub mod nats;
mod network;
pub mod oauth;
pub mod ping;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod prepare;
#[cfg(feature = "redis")]
pub mod redis;
mod resolve;
#[cfg(any(feature = "kafka", feature = "mongodb"))]
mod scram;
pub mod scrub;
#[cfg(feature = "smtp")]
pub mod smtp;
pub mod sqlite;
mod stream;
pub mod tcp;
pub mod tls;
mod token_life;
mod wire;

pub use checker::{Checker, Network};
pub use input::Input;
pub use ladder::{Rung, RungState};
