//! A status as a lamp: a shape of its own, a word and a colour, so that none of the three is needed alone.

use crate::{
    model::{Cause, Status},
    tui::theme::{Role, Theme},
};
use ratatui::style::Style;

/// The shape of a status: distinct for each, one column (three without Unicode).
pub fn symbol(status: Status, theme: &Theme) -> &'static str {
    let (unicode, ascii) = match status {
        Status::Active => ("●", "[*]"),
        Status::RateLimited => ("◐", "[~]"),
        Status::Unauthorized => ("▲", "[!]"),
        Status::Error => ("✖", "[x]"),
        Status::Inactive => ("○", "[ ]"),
    };
    theme.symbol(unicode, ascii)
}

/// The role that colours a status.
pub fn role(status: Status) -> Role {
    match status {
        Status::Active => Role::Active,
        Status::RateLimited => Role::RateLimited,
        Status::Unauthorized => Role::Unauthorized,
        Status::Error => Role::Error,
        Status::Inactive => Role::Inactive,
    }
}

/// The style of a status.
pub fn style(status: Status, theme: &Theme) -> Style {
    theme.style(role(status))
}

/// Status and cause in words: `active`, `error: timed out`.
pub fn verdict(cause: Cause) -> String {
    match cause {
        Cause::Ok => Status::Active.label().to_owned(),
        other => format!("{}: {}", other.status().label(), other.label()),
    }
}

/// How bad a status is, for sorting: the worst first.
pub fn severity(status: Status) -> u8 {
    match status {
        Status::Error => 0,
        Status::Unauthorized => 1,
        Status::RateLimited => 2,
        Status::Inactive => 3,
        Status::Active => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, HashSet};

    #[test]
    fn every_status_has_a_shape_of_its_own() {
        for unicode in [true, false] {
            let theme = Theme::new("plain", BTreeMap::new(), unicode);
            let shapes: HashSet<_> = Status::ALL.iter().map(|s| symbol(*s, &theme)).collect();
            assert_eq!(shapes.len(), 5);
        }
    }
}
