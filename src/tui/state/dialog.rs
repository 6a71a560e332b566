//! What lies over everything: help, palette, confirmation, theme picker, log.

use crate::{
    model::IntegrationId,
    monitor::Snapshot,
    tui::{action::Action, widgets::text_field::TextField},
};
use nucleo_matcher::{
    Config, Matcher,
    pattern::{CaseMatching, Normalization, Pattern},
};

/// One dialog.
#[derive(Debug)]
pub enum Dialog {
    /// Every action with its keys; how far scrolled.
    Help(usize),
    /// The command palette.
    Palette(Palette),
    /// Shall this integration be removed?
    ConfirmRemove(ConfirmRemove),
    /// The theme picker.
    Themes(ThemePicker),
    /// The log's last lines.
    Log(LogView),
    /// A secret is asked for.
    Prompt(super::prompt::Prompt),
    /// An action is chosen, filled in, called, its result shown.
    Call(Box<super::call::CallDialog>),
    /// A person signs in elsewhere.
    SignIn(super::sign_in::SignIn),
}

impl Dialog {
    /// The sign-in, if it is one.
    pub fn sign_in(&mut self) -> Option<&mut super::sign_in::SignIn> {
        match self {
            Dialog::SignIn(sign_in) => Some(sign_in),
            _ => None,
        }
    }
}

/// Asks before a removal. The safe answer has the focus first.
#[derive(Debug, Clone)]
pub struct ConfirmRemove {
    /// Whose.
    pub id: IntegrationId,
    /// Its name for people.
    pub name: String,
    /// The focus is on "remove".
    pub remove: bool,
}

/// The theme picker. Moving shows a theme at once; leaving restores the one before.
#[derive(Debug, Clone, Default)]
pub struct ThemePicker {
    /// Themes known; empty until told.
    pub names: Vec<String>,
    /// The row.
    pub selected: usize,
    /// First row shown.
    pub offset: usize,
}

/// The log's last lines.
#[derive(Debug, Clone, Default)]
pub struct LogView {
    /// `None` until they came.
    pub lines: Option<Vec<String>>,
    /// Lines scrolled back from the end.
    pub back: usize,
}

/// What a row of the palette does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// An action.
    Do(Action),
    /// Opens an integration.
    Open(IntegrationId),
}

/// The command palette: actions and integrations by fuzzy match.
#[derive(Debug, Clone, Default)]
pub struct Palette {
    /// What is typed.
    pub query: TextField,
    /// The rows found, the best first.
    pub found: Vec<(Command, String)>,
    /// The row.
    pub selected: usize,
    /// First row shown.
    pub offset: usize,
}

/// Rows the palette keeps: more than anybody reads.
const MOST: usize = 100;

impl Palette {
    /// Everything, as nothing is typed yet.
    pub fn new(snapshot: &Snapshot) -> Palette {
        let mut palette = Palette::default();
        palette.search(snapshot);
        palette
    }

    /// Matches anew.
    pub fn search(&mut self, snapshot: &Snapshot) {
        let query = self.query.value().trim();
        let actions = Action::ALL.iter().filter(|a| offered(**a)).map(|a| Row(Command::Do(*a), a.help().to_owned()));
        (self.selected, self.offset) = (0, 0);
        if query.is_empty() {
            self.found = actions.map(|r| (r.0, r.1)).collect();
            return;
        }
        let entries = snapshot
            .entries
            .values()
            .map(|e| Row(Command::Open(e.id().clone()), format!("Open {}", e.integration.name)));
        let pattern = Pattern::parse(query, CaseMatching::Ignore, Normalization::Smart);
        let mut matcher = Matcher::new(Config::DEFAULT);
        let found = pattern.match_list(actions.chain(entries), &mut matcher);
        self.found = found.into_iter().take(MOST).map(|(r, _)| (r.0, r.1)).collect();
    }
}

/// Moving about is for keys alone.
fn offered(action: Action) -> bool {
    use Action as A;
    !matches!(
        action,
        A::Up | A::Down | A::Left | A::Right | A::PageUp | A::PageDown | A::First | A::Last | A::Back | A::Palette
    )
}

struct Row(Command, String);

impl AsRef<str> for Row {
    fn as_ref(&self) -> &str {
        &self.1
    }
}

/// Moves a row in a list of `len` by so many, stopping at the ends.
pub fn step(selected: usize, by: isize, len: usize) -> usize {
    selected.saturating_add_signed(by).min(len.saturating_sub(1))
}

/// The first row to show so that `selected` is among the `height` shown, moving as little as can be.
pub fn scrolled(offset: usize, selected: usize, height: usize, len: usize) -> usize {
    let lowest = (selected + 1).saturating_sub(height.max(1));
    offset.min(selected).max(lowest).min(len.saturating_sub(height.max(1)).max(lowest))
}
