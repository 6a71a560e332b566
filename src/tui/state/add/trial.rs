//! A test of a form as it runs: its rungs, its end, the buttons under it.

use crate::{
    checks::{Rung, RungState},
    model::{Outcome, Status},
};

/// The rungs of a check over HTTP, in order.
pub const RUNGS: [&str; 8] = ["credential", "resolve", "connect", "tls", "answer", "authenticate", "identity", "quota"];

/// How a test stands.
#[derive(Debug, Clone, PartialEq)]
pub enum TrialState {
    /// Rungs are coming in.
    Running,
    /// It ended with a verdict, or could not be made: why.
    Ended(Result<Box<Outcome>, String>),
    /// The user stopped it.
    Cancelled,
}

/// The buttons under a ladder.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Button {
    #[default]
    Save,
    Again,
    Back,
}

impl Button {
    /// From left to right.
    pub const ALL: [Button; 3] = [Button::Save, Button::Again, Button::Back];

    /// The button `by` places further, around the end.
    pub fn step(self, by: usize) -> Button {
        let at = Button::ALL.iter().position(|b| *b == self).unwrap_or(0);
        Button::ALL[(at + by) % Button::ALL.len()]
    }
}

/// One test.
#[derive(Debug, Clone)]
pub struct Trial {
    /// How it stands.
    pub state: TrialState,
    /// What came in, in order.
    pub rungs: Vec<Rung>,
    /// Rungs to expect, for the outline while it runs.
    pub expected: &'static [&'static str],
    /// The form's version that is tested.
    pub version: u64,
    /// The button with the focus.
    pub button: Button,
}

impl Trial {
    /// A test just started.
    pub fn new(version: u64, expected: &'static [&'static str]) -> Self {
        Trial { state: TrialState::Running, rungs: Vec::new(), expected, version, button: Button::default() }
    }

    /// Whether it still runs.
    pub fn running(&self) -> bool {
        self.state == TrialState::Running
    }

    /// Whether it proved that the integration works.
    pub fn passed(&self) -> bool {
        matches!(&self.state, TrialState::Ended(Ok(outcome)) if outcome.status() == Status::Active)
    }

    /// Takes in a rung that changed.
    pub fn rung(&mut self, rung: Rung) {
        match self.rungs.iter_mut().find(|r| r.name == rung.name) {
            Some(known) => *known = rung,
            None => self.rungs.push(rung),
        }
    }

    /// Ends it. A rung that never said how it ended counts as skipped.
    pub fn end(&mut self, state: TrialState) {
        for rung in self.rungs.iter_mut().filter(|r| r.state == RungState::Running) {
            rung.state = RungState::Skipped;
        }
        self.state = state;
        self.button = if self.passed() { Button::Save } else { Button::Back };
    }

    /// The name of the rung that failed first.
    pub fn failed_rung(&self) -> Option<&'static str> {
        self.rungs.iter().find(|r| r.state == RungState::Failed).map(|r| r.name)
    }
}
