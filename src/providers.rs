//! Provider definitions: one TOML file holds everything Lampboard knows about a service.
//! The format is documented in docs/providers.md.

pub mod action;
pub mod auth;
pub mod builtin;
pub mod challenge;
pub mod compile;
pub mod definition;
pub mod example;
pub mod expression;
mod filters;
pub mod http;
mod key_file;
pub mod level;
pub mod lint;
pub mod login;
pub mod oauth;
pub mod read;
pub mod registry;
pub mod request;
mod source;
pub mod template;
pub mod time;
mod xml;

pub use definition::{Category, CodedKind, Definition, Example, Field, Limits, Origin, Probe, Recorded};
pub use registry::{Problem, Registry};
