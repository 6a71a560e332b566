//! The seam between the monitor and the checks: the real checker, or a test's own.

use crate::{
    checks::Checker,
    model::{Integration, Outcome},
    providers::Definition,
};
use std::{pin::Pin, sync::Arc};

/// A future that may move between threads.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Makes attempts.
pub trait Probe: Send + Sync {
    /// One attempt.
    fn attempt<'a>(&'a self, integration: &'a Integration, definition: &'a Arc<Definition>) -> Pending<'a, Outcome>;
    /// Host and port it will talk to; `None`: none.
    fn host(&self, integration: &Integration, definition: &Definition) -> Option<String>;
    /// Whether this machine has a way out.
    fn online(&self) -> Pending<'_, bool>;
}

impl Probe for Checker {
    fn attempt<'a>(&'a self, integration: &'a Integration, definition: &'a Arc<Definition>) -> Pending<'a, Outcome> {
        Box::pin(Checker::attempt(self, integration, definition))
    }

    fn host(&self, integration: &Integration, definition: &Definition) -> Option<String> {
        Checker::host(self, integration, definition)
    }

    fn online(&self) -> Pending<'_, bool> {
        Box::pin(Checker::online(self))
    }
}
