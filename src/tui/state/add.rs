//! The add tab: picker, forms, the test's ladder.

pub mod form;
pub mod input;
pub mod picker;
pub mod slot;
pub mod trial;
pub mod validate;

pub use form::Form;
pub use input::{Input, Kind, Place, SecretInput};
pub use picker::Pick;
pub use slot::Slot;
pub use trial::{Button, Trial, TrialState};

use crate::{config::Settings, tui::widgets::text_field::TextField};
use std::{collections::BTreeSet, time::Duration};

/// What a new integration gets where the form says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Defaults {
    /// Time between checks.
    pub interval: Duration,
    /// Total time of one attempt.
    pub timeout: Duration,
    /// Attempts in one check.
    pub attempts: u32,
    /// Failures that open an incident.
    pub failures_to_open: u32,
    /// Successes that close it.
    pub successes_to_close: u32,
}

impl Default for Defaults {
    fn default() -> Self {
        Defaults {
            interval: Duration::from_secs(300),
            timeout: Duration::from_secs(30),
            attempts: 3,
            failures_to_open: 2,
            successes_to_close: 1,
        }
    }
}

impl From<&Settings> for Defaults {
    fn from(settings: &Settings) -> Self {
        Defaults {
            interval: settings.interval,
            timeout: settings.timeout,
            attempts: settings.attempts,
            failures_to_open: settings.failures_to_open,
            successes_to_close: settings.successes_to_close,
        }
    }
}

/// The add tab's state. What was typed stays until it is saved or thrown away by the user: a form that is left goes
/// to `unfinished`.
#[derive(Debug, Default)]
pub struct AddState {
    /// What the user searches for in the picker.
    pub query: TextField,
    /// The picker's selection.
    pub selected: Option<Pick>,
    /// First row shown by the picker.
    pub scroll: usize,
    /// The form in front; `None`: the picker is.
    pub form: Option<Form>,
    /// Forms left with something typed in them, oldest first.
    pub unfinished: Vec<Form>,
    /// Environment variables known to be set (names only).
    pub env: BTreeSet<String>,
    /// What a new integration starts from.
    pub defaults: Defaults,
    /// Something to say in the picker.
    pub message: Option<String>,
    /// Grows with every form, to tell them apart.
    pub serial: u64,
}

impl AddState {
    /// With the board's own defaults.
    pub fn new(settings: &Settings) -> Self {
        AddState { defaults: settings.into(), ..AddState::default() }
    }

    /// The form whose test is running, wherever it is.
    pub fn testing(&mut self) -> Option<&mut Form> {
        self.form.iter_mut().chain(&mut self.unfinished).find(|f| f.trial.as_ref().is_some_and(Trial::running))
    }

    /// Puts the form in front away: kept if something was typed, dropped if not.
    pub fn put_away(&mut self) {
        if let Some(form) = self.form.take()
            && (form.changed || form.saving || form.trial.as_ref().is_some_and(Trial::running))
        {
            self.unfinished.push(form);
        }
    }
}
