//! The real program from outside: exit codes, messages, help, JSON, secrets, files that are wrong or out of reach.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "cli/add.rs"]
mod add;
#[path = "cli/board.rs"]
mod board;
#[path = "cli/calls.rs"]
mod calls;
#[path = "cli/codes.rs"]
mod codes;
#[path = "cli/configs.rs"]
mod configs;
#[path = "cli/doctor.rs"]
mod doctor;
#[path = "cli/help.rs"]
mod help;
#[path = "cli/home.rs"]
mod home;
#[path = "cli/integrations.rs"]
mod integrations;
#[path = "cli/json.rs"]
mod json;
#[path = "cli/login.rs"]
mod login;
#[path = "cli/places.rs"]
mod places;
#[path = "cli/providers.rs"]
mod providers;
#[path = "cli/recorder.rs"]
mod recorder;
#[path = "cli/secrets.rs"]
mod secrets;
#[path = "cli/server.rs"]
mod server;
#[path = "common/sign_in.rs"]
mod sign_in;
#[path = "cli/trust.rs"]
mod trust;
