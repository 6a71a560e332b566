//! The configuration: where files lie, what config.toml says, and edits that keep its comments.

pub mod diagnostic;
pub mod duration;
pub mod edit;
pub mod file;
mod integration;
mod layers;
pub mod paths;
mod schema;
mod settings;
pub mod suggest;

pub use diagnostic::Diagnostic;
pub use file::{Config, Settings};
pub use paths::Paths;
