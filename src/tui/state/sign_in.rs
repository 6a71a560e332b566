//! The dialog that waits for a person to sign in elsewhere.

use crate::monitor::sign_in::{Step, Way};

/// One sign-in, under way or failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIn {
    /// The form it belongs to.
    pub form: u64,
    /// The service, for people.
    pub service: String,
    /// The way taken.
    pub way: Way,
    /// The ways that there are.
    pub ways: Vec<Way>,
    /// What a person has to do; `None`: the service was not heard yet.
    pub step: Option<Step>,
    /// Why it failed; nothing is under way then.
    pub failure: Option<String>,
    /// The link was sent to the clipboard.
    pub copied: bool,
}

impl SignIn {
    /// By this way, nothing heard yet.
    pub fn new(form: u64, service: &str, way: Way, ways: Vec<Way>) -> SignIn {
        let service = service.to_owned();
        SignIn { form, service, way, ways, step: None, failure: None, copied: false }
    }

    /// The way after this one; `None`: there is no other.
    pub fn other(&self) -> Option<Way> {
        let at = self.ways.iter().position(|w| *w == self.way)?;
        Some(self.ways[(at + 1) % self.ways.len()]).filter(|w| *w != self.way)
    }

    /// The link to open, with the code in it where there is such a one.
    pub fn link(&self) -> Option<&str> {
        match self.step.as_ref()? {
            Step::Code { link, direct, .. } => Some(direct.as_ref().unwrap_or(link)),
            Step::Browser { link, .. } => Some(link),
        }
    }
}
