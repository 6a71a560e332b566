//! The one pure update: state, snapshot and event in; effects out. No clock, no I/O: time comes as `Event::Tick`.

pub mod add;
mod call;
mod detail;
mod dialog;
pub mod metrics;
mod overview;
mod prompt;
mod reveal;
mod sign_in;
mod tick;

use super::{
    action::Action,
    effect::Effect,
    event::{Done, Event, Key},
    state::{Detail, Dialog, Tab, UiState, dialog::ThemePicker, toast::Tone},
};
use crate::{
    model::{IntegrationId, Status},
    monitor::{Notice, Snapshot},
};

/// Applies an event.
pub fn update(state: &mut UiState, snapshot: &Snapshot, event: Event) -> Vec<Effect> {
    state.refresh(snapshot);
    let effects = apply(state, snapshot, event);
    // The shell that takes the screen must not find a secret on it when it gives it back.
    reveal::settle(state, effects.iter().any(|e| matches!(e, Effect::Suspend)));
    state.refresh(snapshot);
    effects
}

fn apply(state: &mut UiState, snapshot: &Snapshot, event: Event) -> Vec<Effect> {
    match event {
        Event::Tick(now) => {
            let effects = to_tab(state, snapshot, &event).unwrap_or_default();
            tick::tick(state, snapshot, now);
            effects
        }
        Event::Resize(columns, rows) => {
            state.size = (columns, rows);
            state.dirty = true;
            call::resized(state);
            to_tab(state, snapshot, &event).unwrap_or_default()
        }
        Event::Key(pressed) => {
            state.dirty = true;
            key(state, snapshot, pressed, &event)
        }
        Event::Paste(ref text) => {
            state.dirty = true;
            if let Some(dialog) = state.dialogs.last_mut() {
                dialog::paste(dialog, snapshot, text);
            } else if state.tab != Tab::Overview {
                return to_tab(state, snapshot, &event).unwrap_or_default();
            } else if state.overview.filtering {
                state.overview.filter.paste(text);
            }
            Vec::new()
        }
        Event::Snapshot => {
            state.dirty = true;
            let mut effects = to_tab(state, snapshot, &event).unwrap_or_default();
            effects.extend(detail::follow(state, snapshot));
            effects
        }
        Event::Notice(ref notice) => {
            state.dirty = true;
            self::notice(state, snapshot, notice);
            to_tab(state, snapshot, &event).unwrap_or_default()
        }
        Event::Done(_) => {
            state.dirty = true;
            done(state, snapshot, event)
        }
    }
}

/// Offers an event to the tab in front, if that is one with a form. `None`: it did not want it.
fn to_tab(state: &mut UiState, snapshot: &Snapshot, event: &Event) -> Option<Vec<Effect>> {
    match state.tab {
        Tab::Overview => None,
        Tab::Add => add::update(state, snapshot, event),
        Tab::Metrics => metrics::update(state, snapshot, event),
    }
}

fn key(state: &mut UiState, snapshot: &Snapshot, key: Key, event: &Event) -> Vec<Effect> {
    // A chord that leaves the board must work wherever the focus is; a plain letter may be text.
    let action = state.keymap.action(key);
    if let Some(action @ (Action::Quit | Action::Suspend | Action::Redraw)) = action
        && (key.ctrl || matches!(key.code, super::event::KeyCode::F(_)))
    {
        return act(state, snapshot, action);
    }
    if reveal::key(state, key) {
        return Vec::new();
    }
    if !state.dialogs.is_empty() {
        return dialog::key(state, snapshot, key);
    }
    if state.tab == Tab::Overview && state.detail.is_none() && state.overview.filtering {
        return overview::filter_key(state, snapshot, key);
    }
    if let Some(effects) = to_tab(state, snapshot, event) {
        return effects;
    }
    match action {
        Some(action) => act(state, snapshot, action),
        None => {
            state.dirty = false;
            Vec::new()
        }
    }
}

/// Does what an action means here and now.
fn act(state: &mut UiState, snapshot: &Snapshot, action: Action) -> Vec<Effect> {
    match action {
        Action::Quit => return vec![Effect::Quit],
        Action::Suspend => return vec![Effect::Suspend],
        Action::Redraw => return vec![Effect::Redraw],
        Action::Help => state.dialogs.push(Dialog::Help(0)),
        Action::Palette => state.dialogs.push(Dialog::Palette(super::state::dialog::Palette::new(snapshot))),
        Action::Themes => {
            state.dialogs.push(Dialog::Themes(ThemePicker::default()));
            return vec![Effect::ListThemes];
        }
        Action::Log => {
            state.dialogs.push(Dialog::Log(Default::default()));
            return vec![Effect::FetchLog];
        }
        Action::NextTab => return open_tab(state, snapshot, state.tab.neighbour(1)),
        Action::PreviousTab => return open_tab(state, snapshot, state.tab.neighbour(Tab::ALL.len() - 1)),
        Action::Overview => return open_tab(state, snapshot, Tab::Overview),
        Action::Add => return open_tab(state, snapshot, Tab::Add),
        Action::Metrics => return open_tab(state, snapshot, Tab::Metrics),
        Action::TestAll => {
            if snapshot.entries.is_empty() {
                state.toasts.push(state.now, Tone::Plain, "Nothing to test yet");
                return Vec::new();
            }
            let count = snapshot.entries.len();
            let what = if count == 1 { "integration" } else { "integrations" };
            state.toasts.push(state.now, Tone::Plain, format!("Testing {count} {what}"));
            return vec![Effect::CheckAll];
        }
        Action::Unlock => prompt::unlock(state),
        Action::Undo => return vec![Effect::UndoRemove],
        Action::Reload => return vec![Effect::Reload],
        _ if state.tab != Tab::Overview => {
            if action == Action::Back {
                return open_tab(state, snapshot, Tab::Overview);
            }
        }
        _ if state.detail.is_some() => return detail::act(state, snapshot, action),
        _ => return overview::act(state, snapshot, action),
    }
    Vec::new()
}

fn open_tab(state: &mut UiState, snapshot: &Snapshot, tab: Tab) -> Vec<Effect> {
    let again = state.tab == tab;
    state.tab = tab;
    match tab {
        // The overview's key, pressed in an opened integration, goes back to the list.
        Tab::Overview => {
            if again {
                state.detail = None;
            }
            Vec::new()
        }
        Tab::Add => add::enter(state, snapshot),
        Tab::Metrics => metrics::enter(state, snapshot),
    }
}

/// Opens an integration.
fn open(state: &mut UiState, snapshot: &Snapshot, id: &IntegrationId) -> Vec<Effect> {
    let asked_for = snapshot.entries.get(id).and_then(|e| e.outcome.as_ref()).map(|o| o.at);
    state.tab = Tab::Overview;
    state.overview.select_id(snapshot, id);
    state.detail = Some(Detail::new(id.clone(), asked_for));
    vec![Effect::FetchHistory(id.clone())]
}

/// What can be done to one integration, from the list and from its own page alike.
fn act_on(state: &mut UiState, snapshot: &Snapshot, id: &IntegrationId, action: Action) -> Vec<Effect> {
    let Some(entry) = snapshot.entries.get(id) else { return Vec::new() };
    match action {
        Action::Test => vec![Effect::Check(id.clone())],
        Action::Edit => vec![Effect::FetchDraft(id.clone())],
        Action::Pause => vec![Effect::Pause(id.clone(), entry.cause != crate::model::Cause::Paused)],
        Action::Rotate => {
            prompt::rotate(state, snapshot, id);
            Vec::new()
        }
        Action::RollBack => prompt::entry_of(snapshot, id).map(Effect::RollBack).into_iter().collect(),
        Action::Remove => {
            state.dialogs.push(Dialog::ConfirmRemove(super::state::dialog::ConfirmRemove {
                id: id.clone(),
                name: entry.integration.name.clone(),
                remove: false,
            }));
            Vec::new()
        }
        Action::Actions => {
            call::open(state, entry);
            Vec::new()
        }
        Action::Copy => {
            state.toasts.push(state.now, Tone::Good, "Copied the verdict and its evidence");
            vec![Effect::Copy(detail::report(entry))]
        }
        _ => Vec::new(),
    }
}

fn notice(state: &mut UiState, snapshot: &Snapshot, notice: &Notice) {
    let now = state.now;
    let entry = |id: &IntegrationId| snapshot.entries.get(id);
    let name = |id: &IntegrationId| entry(id).map_or_else(|| id.to_string(), |e| e.integration.name.clone());
    match notice {
        // From or to inactive is the start, or the user's own doing: nothing new to them.
        Notice::Changed { from: Status::Inactive, to: Status::Active, .. }
        | Notice::Changed { to: Status::Inactive, .. } => {}
        Notice::Changed { id, to: Status::Active, .. } => {
            state.toasts.push_grouped(now, Tone::Good, format!("{} works again", name(id)), "integrations recovered");
        }
        Notice::Changed { id, to, .. } => {
            let cause = entry(id).filter(|e| e.status() == *to).map(|e| format!(": {}", e.cause.label()));
            let text = format!("{} is {}{}", name(id), is_word(*to), cause.unwrap_or_default());
            state.toasts.push_grouped(now, Tone::Bad, text, "integrations changed for the worse");
        }
        Notice::Checked(id) => {
            let Some(entry) = entry(id) else { return };
            let time = entry.outcome.as_ref().and_then(|o| o.latency).map(super::widgets::time::latency);
            let verdict = super::widgets::lamp::verdict(entry.cause);
            let text = match time {
                Some(time) => format!("{}: {verdict}, {time}", name(id)),
                None => format!("{}: {verdict}", name(id)),
            };
            let tone = if entry.status() == Status::Active { Tone::Good } else { Tone::Plain };
            state.toasts.push_grouped(now, tone, text, "tests finished");
        }
        Notice::Incident(_) => {}
        Notice::Reloaded => {
            // After a removal or a save the user knows; the word about undoing is worth more.
            if state.toasts.is_empty() {
                state.toasts.push(now, Tone::Plain, "Configuration read again");
            }
        }
        Notice::ClockJump(seconds) => {
            let jump = std::time::Duration::from_secs(seconds.unsigned_abs());
            let text = format!("The clock jumped by {}; the time between is a gap", super::widgets::time::span(jump));
            state.toasts.push(now, Tone::Plain, text);
        }
        Notice::Message(text) => state.toasts.push(now, Tone::Plain, text.clone()),
    }
}

const fn is_word(status: Status) -> &'static str {
    match status {
        Status::Error => "in error",
        other => other.label(),
    }
}

fn done(state: &mut UiState, snapshot: &Snapshot, event: Event) -> Vec<Effect> {
    let Event::Done(answer) = event else { return Vec::new() };
    match answer {
        Done::Rung(_) | Done::Tested(_) | Done::Saved(_) | Done::Env(_) | Done::Usual(..) => {
            return add::update(state, snapshot, &Event::Done(answer)).unwrap_or_default();
        }
        Done::Metrics { .. } => {
            return metrics::update(state, snapshot, &Event::Done(answer)).unwrap_or_default();
        }
        Done::Draft(Ok(draft)) => {
            return add::begin_edit(state, snapshot, *draft);
        }
        Done::Draft(Err(why)) | Done::Failed(why) => state.toasts.push(state.now, Tone::Bad, why),
        Done::Message(text) => state.toasts.push(state.now, Tone::Plain, text),
        Done::History { id, rows, incidents, day, credentials, series } => {
            if let Some(detail) = state.detail.as_mut().filter(|d| d.id == id) {
                detail.rows = Some(rows);
                detail.incidents = incidents;
                detail.day = day;
                detail.credentials = credentials;
                detail.series = series;
            }
        }
        Done::Unlocked(result) => prompt::unlocked(state, result),
        Done::SignInStep(step) => sign_in::step(state, step),
        Done::SignedIn(result) => return sign_in::done(state, snapshot, result),
        Done::Rotated(entry, result) => prompt::rotated(state, &entry, result),
        Done::Called(number, result) => call::came(state, number, result),
        Done::ResultSaved(result) => call::saved(state, result),
        Done::Log(lines) => dialog::log_came(state, lines),
        Done::Themes(names) => dialog::themes_came(state, names),
    }
    Vec::new()
}
