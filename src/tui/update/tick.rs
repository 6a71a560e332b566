//! The clock: what a new second changes on the screen. Mostly nothing, and then no frame is drawn.

use crate::{
    monitor::{Entry, Snapshot},
    tui::{
        state::{Dialog, Tab, UiState, overview::ListLine},
        widgets::time,
    },
};
use jiff::Timestamp;

/// Sets the clock and marks the screen dirty if a visible word depends on it.
pub fn tick(state: &mut UiState, snapshot: &Snapshot, now: Timestamp) {
    let before = state.now;
    state.now = now;
    let expired = state.toasts.expire(now);
    state.dirty |= expired || differs(state, snapshot, before, now);
}

fn differs(state: &UiState, snapshot: &Snapshot, before: Timestamp, now: Timestamp) -> bool {
    let minute = |at: Timestamp| at.as_second().div_euclid(60);
    let next = |now: Timestamp| snapshot.next.map(|at| time::until(at, now));
    if minute(before) != minute(now) || next(before) != next(now) {
        return true;
    }
    if state.dialogs.iter().any(|d| matches!(d, Dialog::SignIn(s) if s.step.is_some())) {
        return true;
    }
    if state.tab != Tab::Overview {
        return false;
    }
    if let Some(detail) = &state.detail {
        // Every age and countdown of the page moves at tens of seconds from some instant of its own.
        return snapshot.entries.get(&detail.id).is_some_and(|entry| words(entry, before) != words(entry, now));
    }
    let moved = |entry: &Entry| words(entry, before) != words(entry, now);
    visible(state).any(|position| state.overview.entry(snapshot, position).is_some_and(moved))
}

fn last(entry: &Entry) -> Option<Timestamp> {
    entry.outcome.as_ref().map(|o| o.at)
}

fn words(entry: &Entry, now: Timestamp) -> Vec<String> {
    let quotas = entry.outcome.iter().flat_map(|o| o.quotas.iter().flat_map(|q| [Some(q.at), q.resets]));
    let until = entry.outcome.as_ref().and_then(|o| o.until);
    let times = [last(entry), entry.since, entry.next, until];
    times
        .into_iter()
        .chain(quotas)
        .flatten()
        .map(|at| if at > now { time::until(at, now) } else { time::age(at, now) })
        .collect()
}

/// Positions that may be on the screen.
fn visible(state: &UiState) -> impl Iterator<Item = usize> + '_ {
    let lines = state.overview.lines();
    let from = state.overview.offset.min(lines.len());
    let to = (from + usize::from(state.size.1)).min(lines.len());
    lines[from..to].iter().flat_map(|line| match line {
        ListLine::Items(range) => range.clone(),
        ListLine::Heading(..) => 0..0,
    })
}
