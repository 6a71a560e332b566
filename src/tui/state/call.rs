//! What an integration can do: the choice of an action, its form, the running call, its result.

pub mod form;
pub mod result;

pub use form::CallForm;
pub use result::ResultView;

use crate::{
    model::IntegrationId,
    providers::{
        Definition,
        action::{FREE, free_params},
    },
    tui::widgets::text_field::TextField,
};
use nucleo_matcher::{
    Config, Matcher,
    pattern::{CaseMatching, Normalization, Pattern},
};
use std::sync::Arc;

/// One action to choose, or the free request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Its name.
    pub name: String,
    /// A few words for a person.
    pub label: String,
    /// It is asked about first.
    pub dangerous: bool,
}

impl AsRef<str> for Offer {
    fn as_ref(&self) -> &str {
        &self.label
    }
}

/// The dialog. What was typed is kept while it is open, whatever came of it.
#[derive(Debug)]
pub struct CallDialog {
    /// Whose.
    pub id: IntegrationId,
    /// Its name for people.
    pub name: String,
    /// Its provider.
    pub definition: Arc<Definition>,
    /// What is typed to find an action.
    pub query: TextField,
    /// The actions found, the best first.
    pub found: Vec<Offer>,
    /// The row.
    pub selected: usize,
    /// First row shown.
    pub offset: usize,
    /// The chosen action's form.
    pub form: Option<CallForm>,
    /// The call that runs, by its number.
    pub running: Option<u64>,
    /// What came of it.
    pub result: Option<ResultView>,
}

/// Which part of the dialog is in front.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Stage {
    Choosing,
    Filling,
    Asking,
    Running,
    Result,
    Saving,
}

impl CallDialog {
    /// Everything its provider offers; `None`: nothing.
    pub fn new(id: IntegrationId, name: &str, definition: &Arc<Definition>) -> Option<CallDialog> {
        let mut dialog = CallDialog {
            id,
            name: name.to_owned(),
            definition: definition.clone(),
            query: TextField::default(),
            found: Vec::new(),
            selected: 0,
            offset: 0,
            form: None,
            running: None,
            result: None,
        };
        dialog.search();
        (!dialog.found.is_empty()).then_some(dialog)
    }

    fn offers(&self) -> impl Iterator<Item = Offer> {
        let own = self.definition.actions.values();
        let own = own.map(|a| Offer { name: a.name.clone(), label: a.label.clone(), dangerous: a.dangerous });
        let free = self.definition.takes_free();
        own.chain(free.then(|| Offer {
            name: FREE.to_owned(),
            label: "Request anything under its address".to_owned(),
            dangerous: false,
        }))
    }

    /// Matches anew.
    pub fn search(&mut self) {
        (self.selected, self.offset) = (0, 0);
        let query = self.query.value().trim();
        if query.is_empty() {
            self.found = self.offers().collect();
            return;
        }
        let pattern = Pattern::parse(query, CaseMatching::Ignore, Normalization::Smart);
        let found = pattern.match_list(self.offers(), &mut Matcher::new(Config::DEFAULT));
        self.found = found.into_iter().map(|(offer, _)| offer).collect();
    }

    /// Opens the form of the selected action; the one typed into before stays if it is the same.
    pub fn choose(&mut self) {
        let Some(offer) = self.found.get(self.selected).cloned() else { return };
        if self.form.as_ref().is_some_and(|f| f.action == offer.name) {
            self.form.iter_mut().for_each(|f| f.put_away = false);
            return;
        }
        let (help, params) = match self.definition.actions.get(&offer.name) {
            Some(action) => (action.help.clone(), action.params.clone()),
            None => ("With its credential and its usual headers".to_owned(), free_params()),
        };
        self.form = Some(CallForm::new(offer, help, params));
    }

    /// What is in front.
    pub fn stage(&self) -> Stage {
        match (&self.form, &self.result) {
            _ if self.running.is_some() => Stage::Running,
            (_, Some(result)) if result.file.is_some() => Stage::Saving,
            (_, Some(_)) => Stage::Result,
            (Some(form), _) if form.asking.is_some() => Stage::Asking,
            (Some(form), _) if !form.put_away => Stage::Filling,
            _ => Stage::Choosing,
        }
    }
}
