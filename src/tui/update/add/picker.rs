//! Keys of the picker: typing searches, arrows choose, Enter opens the form.

use crate::{
    monitor::Snapshot,
    tui::{
        effect::Effect,
        event::{Key, KeyCode},
        state::{
            Tab, UiState,
            add::{Pick, picker},
        },
    },
};

/// How many rows a page key moves.
const PAGE: isize = 8;

/// Applies a key.
pub fn key(state: &mut UiState, snapshot: &Snapshot, key: Key) -> Option<Vec<Effect>> {
    let plain = !key.ctrl && !key.alt;
    match key.code {
        KeyCode::Up if plain => step(state, -1),
        KeyCode::Down if plain => step(state, 1),
        KeyCode::PageUp if plain => step(state, -PAGE),
        KeyCode::PageDown if plain => step(state, PAGE),
        KeyCode::Enter if plain => return Some(open(state, snapshot)),
        KeyCode::Esc if plain => {
            if state.add.query.is_empty() {
                state.tab = Tab::Overview;
            } else {
                search(state, |query| query.clear());
            }
        }
        // The keys of the whole board stay within reach until something is searched for.
        KeyCode::Char(c) if plain && state.add.query.is_empty() && (!c.is_alphabetic()) => return None,
        KeyCode::Left | KeyCode::Right | KeyCode::Home | KeyCode::End if state.add.query.is_empty() => return None,
        _ => {
            let mut taken = false;
            search(state, |query| taken = query.key(key));
            return taken.then(Vec::new);
        }
    }
    Some(Vec::new())
}

/// A paste goes into the search.
pub fn paste(state: &mut UiState, text: &str) -> Option<Vec<Effect>> {
    search(state, |query| query.paste(text.trim()));
    Some(Vec::new())
}

/// Changes the search; the best match is selected when it became another one.
fn search(state: &mut UiState, change: impl FnOnce(&mut crate::tui::widgets::text_field::TextField)) {
    let before = state.add.query.value().to_owned();
    change(&mut state.add.query);
    state.add.message = None;
    if before != state.add.query.value() {
        state.add.selected = None;
        state.add.scroll = 0;
    }
}

fn step(state: &mut UiState, by: isize) {
    let rows = picker::rows(&state.add, &state.definitions);
    let picks: Vec<Pick> = rows.iter().filter_map(picker::Row::pick).collect();
    let now = picker::selected(&state.add, &rows).and_then(|at| rows.get(at)).and_then(picker::Row::pick);
    let at = picks.iter().position(|p| now.as_ref() == Some(p)).unwrap_or(0);
    let last = picks.len().saturating_sub(1);
    let next = match by {
        // One step goes around the ends, a page stops there.
        1 if at == last => 0,
        -1 if at == 0 => last,
        by => at.saturating_add_signed(by).min(last),
    };
    state.add.selected = picks.get(next).cloned();
}

fn open(state: &mut UiState, snapshot: &Snapshot) -> Vec<Effect> {
    let rows = picker::rows(&state.add, &state.definitions);
    match picker::selected(&state.add, &rows).and_then(|at| rows.get(at)).and_then(picker::Row::pick) {
        Some(Pick::Provider(id)) => super::begin_new(state, snapshot, &id),
        Some(Pick::Unfinished(serial)) => {
            if let Some(at) = state.add.unfinished.iter().position(|f| f.serial == serial) {
                state.add.form = Some(state.add.unfinished.remove(at));
            }
            Vec::new()
        }
        None => Vec::new(),
    }
}
