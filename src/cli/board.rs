//! Without a subcommand: one round of checks.

use super::{Answer, Out, check};
use std::path::PathBuf;

pub(super) fn run(config: Option<PathBuf>, out: &mut Out) -> Answer {
    check::run(config, &[], out)
}
