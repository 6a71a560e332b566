//! The metrics tab's part of update: whose and how far back, fetching again every half minute, stale answers dropped.

use crate::{
    model::IntegrationId,
    monitor::Snapshot,
    tui::{
        action::Action,
        effect::Effect,
        event::{Done, Event, Key, KeyCode},
        state::{Tab, UiState},
    },
};
use jiff::Timestamp;

/// Seconds between two fetches of the same view.
const REFETCH: i64 = 30;

/// Applies an event. `None`: it means nothing here. `Done::Metrics` is taken whatever tab is in front.
pub fn update(state: &mut UiState, snapshot: &Snapshot, event: &Event) -> Option<Vec<Effect>> {
    match event {
        Event::Done(Done::Metrics { id, from, to, buckets, incidents }) => {
            state.dirty |= state.metrics.answer(id, (*from, *to), buckets, incidents);
            Some(Vec::new())
        }
        _ if state.tab != Tab::Metrics => None,
        Event::Key(key) => self::key(state, snapshot, *key),
        Event::Tick(now) => Some(tick(state, snapshot, *now)),
        _ => None,
    }
}

/// Called when the metrics tab comes to the front.
pub fn enter(state: &mut UiState, snapshot: &Snapshot) -> Vec<Effect> {
    fetch(state, snapshot)
}

fn fetch(state: &mut UiState, snapshot: &Snapshot) -> Vec<Effect> {
    state.dirty = true;
    vec![state.metrics.fetch(snapshot, state.now)]
}

fn tick(state: &mut UiState, snapshot: &Snapshot, now: Timestamp) -> Vec<Effect> {
    let age = state.metrics.asked_at.map(|at| now.as_second() - at.as_second());
    // A clock set back counts as long ago: it would else never be time.
    if age.is_some_and(|age| (0..REFETCH).contains(&age)) {
        return Vec::new();
    }
    state.dirty = true;
    vec![state.metrics.fetch(snapshot, now)]
}

fn key(state: &mut UiState, snapshot: &Snapshot, key: Key) -> Option<Vec<Effect>> {
    let action = match (key.code, key.ctrl || key.alt) {
        (KeyCode::Up | KeyCode::Left, false) => Some(Action::Up),
        (KeyCode::Down | KeyCode::Right, false) => Some(Action::Down),
        (KeyCode::Home, false) => Some(Action::First),
        (KeyCode::End, false) => Some(Action::Last),
        (KeyCode::Char('['), false) => Some(Action::Shorter),
        (KeyCode::Char(']'), false) => Some(Action::Longer),
        _ => state.keymap.action(key),
    };
    let span = state.metrics.span;
    match action? {
        Action::Up | Action::Left => step(state, snapshot, false),
        Action::Down | Action::Right => step(state, snapshot, true),
        Action::First => state.metrics.whose = None,
        Action::Last => state.metrics.whose = snapshot.entries.keys().next_back().cloned(),
        Action::Longer if span != span.longer() => state.metrics.span = span.longer(),
        Action::Shorter if span != span.shorter() => state.metrics.span = span.shorter(),
        Action::Longer | Action::Shorter => return Some(Vec::new()),
        Action::Test => return state.metrics.whose.clone().map(|id| vec![Effect::Check(id)]),
        _ => return None,
    }
    Some(fetch(state, snapshot))
}

/// The next in the round: the whole board, then every integration in the order of the file.
fn step(state: &mut UiState, snapshot: &Snapshot, down: bool) {
    let all: Vec<Option<&IntegrationId>> = std::iter::once(None).chain(snapshot.entries.keys().map(Some)).collect();
    let at = all.iter().position(|id| *id == state.metrics.whose.as_ref()).unwrap_or(0);
    let next = if down { at + 1 } else { at + all.len() - 1 } % all.len();
    state.metrics.whose = all[next].cloned();
}
