//! Lampboard: a board of lamps, one for each service you depend on.
//!
//! The library behind the `lampboard` program. Rooms and who may import whom are told in
//! ARCHITECTURE.md and held by `tests/architecture.rs`.

pub mod checks;
pub mod cli;
pub mod config;
pub mod demo;
pub mod logging;
pub mod model;
pub mod monitor;
pub mod panics;
pub mod providers;
pub mod secrets;
pub mod store;
pub mod tui;
