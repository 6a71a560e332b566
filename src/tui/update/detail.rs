//! Keys of an opened integration, what it copies, and keeping its history fresh.

use super::{act_on, open};
use crate::{
    monitor::{Entry, Snapshot},
    tui::{
        action::Action,
        effect::Effect,
        state::{UiState, toast::Tone},
    },
};

/// Does an action on the page.
pub fn act(state: &mut UiState, snapshot: &Snapshot, action: Action) -> Vec<Effect> {
    let page = usize::from(state.size.1.saturating_sub(5).max(1));
    let Some(detail) = state.detail.as_mut() else { return Vec::new() };
    match action {
        Action::Up => detail.scroll = detail.scroll.saturating_sub(1),
        Action::Down => detail.scroll = detail.scroll.saturating_add(1),
        Action::PageUp => detail.scroll = detail.scroll.saturating_sub(page),
        Action::PageDown => detail.scroll = detail.scroll.saturating_add(page),
        Action::First => detail.scroll = 0,
        // Draw brings it back to the last full page.
        Action::Last => detail.scroll = usize::MAX,
        Action::Back => state.detail = None,
        Action::Left | Action::Right => {
            let before = state.overview.position();
            state.overview.move_entries(snapshot, if action == Action::Left { -1 } else { 1 });
            if state.overview.position() != before
                && let Some(id) = state.overview.selected.clone()
            {
                return open(state, snapshot, &id);
            }
        }
        _ => {
            let id = detail.id.clone();
            return act_on(state, snapshot, &id, action);
        }
    }
    Vec::new()
}

/// After a new snapshot: asks for the history again when there was a check, leaves when the integration is gone.
pub fn follow(state: &mut UiState, snapshot: &Snapshot) -> Vec<Effect> {
    let Some(detail) = state.detail.as_mut() else { return Vec::new() };
    let Some(entry) = snapshot.entries.get(&detail.id) else {
        let text = format!("'{}' is no longer on the board", detail.id);
        state.detail = None;
        state.toasts.push(state.now, Tone::Plain, text);
        return Vec::new();
    };
    let last = entry.outcome.as_ref().map(|o| o.at);
    if last == detail.asked_for {
        return Vec::new();
    }
    detail.asked_for = last;
    vec![Effect::FetchHistory(detail.id.clone())]
}

/// What "copy" gives: the verdict as lines to paste into a ticket. Nothing of the configuration's fields.
pub fn report(entry: &Entry) -> String {
    let mut lines = vec![
        format!("{} ({}, {})", entry.integration.name, entry.id(), entry.provider_name),
        format!("Status: {} ({})", entry.status().label(), entry.cause.label()),
    ];
    if let Some(outcome) = &entry.outcome {
        lines.push(format!("Checked: {:.0}", outcome.at));
        if !outcome.evidence.rule.is_empty() {
            lines.push(format!("Decided by: {}", outcome.evidence.rule));
        }
        if !outcome.evidence.seen.is_empty() {
            lines.push(format!("Seen: {}", outcome.evidence.seen));
        }
        if let Some(until) = outcome.until {
            lines.push(format!("Until: {until:.0}"));
        }
        lines.extend(outcome.warnings.iter().map(|w| format!("Warning: {}", w.sentence(outcome.at))));
    }
    if entry.status() != crate::model::Status::Active {
        lines.push(format!("Whose side: {}", entry.cause.blame().sentence()));
    }
    if !entry.advice.is_empty() {
        lines.push(format!("Next: {}", entry.advice));
    }
    lines.join("\n")
}
