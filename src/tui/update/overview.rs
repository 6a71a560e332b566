//! Keys of the overview and of its filter.

use super::{act_on, open};
use crate::{
    monitor::Snapshot,
    tui::{
        action::Action,
        effect::Effect,
        event::{Key, KeyCode},
        state::{
            UiState,
            overview::{CARD, View},
        },
    },
};

/// Rows that are not the list: header, summary, column heads, rule, two lines about the selection, footer.
const AROUND: u16 = 7;

/// Lines one page moves.
fn page(state: &UiState) -> isize {
    let rows = state.size.1.saturating_sub(AROUND);
    let lines = match state.overview.view {
        View::Table => rows,
        View::Cards => rows / CARD.1,
    };
    // One line stays in view, to keep one's place.
    isize::try_from(lines.saturating_sub(1).max(1)).unwrap_or(1)
}

/// Does an action in the list.
pub fn act(state: &mut UiState, snapshot: &Snapshot, action: Action) -> Vec<Effect> {
    let page = page(state);
    let overview = &mut state.overview;
    match action {
        Action::Up => overview.move_lines(snapshot, -1),
        Action::Down => overview.move_lines(snapshot, 1),
        Action::Left if overview.view == View::Cards => overview.move_entries(snapshot, -1),
        Action::Right if overview.view == View::Cards => overview.move_entries(snapshot, 1),
        Action::PageUp => overview.move_lines(snapshot, -page),
        Action::PageDown => overview.move_lines(snapshot, page),
        Action::First => overview.select(snapshot, 0),
        Action::Last => overview.select(snapshot, usize::MAX),
        Action::Filter => overview.filtering = true,
        Action::View => {
            overview.view = if overview.view == View::Table { View::Cards } else { View::Table };
            overview.offset = 0;
            return vec![Effect::Set("ui", "view", overview.view.as_str().to_owned())];
        }
        Action::Sort => overview.sort = overview.sort.next(),
        Action::Group => overview.grouped = !overview.grouped,
        Action::Back => {
            if overview.filter.is_empty() {
                state.toasts.clear();
            } else {
                overview.filter.clear();
            }
        }
        Action::Open => {
            if let Some(id) = overview.selected.clone() {
                return open(state, snapshot, &id);
            }
        }
        _ => {
            if let Some(id) = overview.selected.clone() {
                return act_on(state, snapshot, &id, action);
            }
        }
    }
    Vec::new()
}

/// A key while the filter is being typed: the list stays movable.
pub fn filter_key(state: &mut UiState, snapshot: &Snapshot, key: Key) -> Vec<Effect> {
    let overview = &mut state.overview;
    match key.code {
        KeyCode::Enter => overview.filtering = false,
        KeyCode::Esc => {
            overview.filtering = false;
            overview.filter.clear();
        }
        // Backspace in the empty field leaves it, as in pagers.
        KeyCode::Backspace if overview.filter.is_empty() => overview.filtering = false,
        KeyCode::Up => overview.move_lines(snapshot, -1),
        KeyCode::Down => overview.move_lines(snapshot, 1),
        KeyCode::Tab => overview.filter.set(&complete(overview.filter.value())),
        _ => {
            overview.filter.key(key);
        }
    }
    Vec::new()
}

/// Completes a key of the filter at the end of the text: `st` becomes `status:`.
fn complete(text: &str) -> String {
    let (before, word) = text.rsplit_once(' ').map_or(("", text), |(b, w)| (b, w));
    let keys = ["status:", "tag:", "provider:", "category:"];
    match keys.iter().find(|k| !word.is_empty() && k.starts_with(word)) {
        Some(key) if before.is_empty() => (*key).to_owned(),
        Some(key) => format!("{before} {key}"),
        None => text.to_owned(),
    }
}
