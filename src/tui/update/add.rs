//! The add tab's part of update: picker, form, test and save. What is typed is never lost by a failure.

mod edit;
mod form;
mod ladder;
mod paste;
pub(super) use form::test;
pub(super) use paste::{Pasted, line};
mod picker;

use crate::{
    model::{IntegrationId, Status},
    monitor::{Draft, Snapshot},
    providers::Field,
    tui::{
        effect::Effect,
        event::{Done, Event},
        state::{
            Tab, UiState,
            add::{AddState, Form, Trial, TrialState},
            toast::Tone,
        },
    },
};
use std::sync::Arc;

/// Applies an event. `None`: it means nothing here, somebody else may have it. `Event::Done` is taken whatever tab is
/// in front; everything else only while the add tab is.
pub fn update(state: &mut UiState, snapshot: &Snapshot, event: &Event) -> Option<Vec<Effect>> {
    let effects = match event {
        Event::Done(done) => done_with(state, done),
        _ if state.tab != Tab::Add => None,
        Event::Key(key) if state.add.form.is_some() => form::key(state, snapshot, *key),
        Event::Key(key) => picker::key(state, snapshot, *key),
        Event::Paste(text) if state.add.form.is_some() => form::paste(state, text),
        Event::Paste(text) => picker::paste(state, text),
        _ => None,
    };
    state.dirty |= effects.is_some();
    effects
}

/// Says beside its fields what is wrong with the form in front.
pub(super) fn refuse(state: &mut UiState, snapshot: &Snapshot) {
    if let Some(form) = state.add.form.as_mut() {
        form::refuse(form, snapshot);
    }
}

/// Called when the add tab comes to the front: asks which usual variables are set.
pub fn enter(state: &mut UiState, _snapshot: &Snapshot) -> Vec<Effect> {
    state.dirty = true;
    probe(state.definitions.iter().flat_map(|d| d.fields.values()).filter(|f| f.secret).flat_map(Field::usual))
}

/// Opens the form of an existing integration. A form of the same integration that was left unfinished comes back as
/// it was left.
pub fn begin_edit(state: &mut UiState, snapshot: &Snapshot, draft: Draft) -> Vec<Effect> {
    state.tab = Tab::Add;
    state.dirty = true;
    state.add.message = None;
    state.add.put_away();
    let id = draft.original.clone().unwrap_or_else(|| draft.base.id.to_string());
    if let Some(at) = state.add.unfinished.iter().position(|f| f.original.as_deref() == Some(&id)) {
        let mut form = state.add.unfinished.remove(at);
        form.ladder = form.trial.as_ref().is_some_and(Trial::running);
        form.note = Some((form.focus, "these are your unsaved changes; [Cancel] throws them away".to_owned()));
        state.add.form = Some(form);
        return Vec::new();
    }
    let Some(definition) = state.definitions.iter().find(|d| d.id == draft.base.provider).map(Arc::clone) else {
        state.add.message = Some(format!(
            "'{id}' cannot be edited: its provider '{}' is not known. Add its definition, or edit config.toml.",
            draft.base.provider
        ));
        return Vec::new();
    };
    let draft = Draft { original: Some(id.clone()), ..draft };
    state.add.serial += 1;
    let refused = IntegrationId::new(&id)
        .ok()
        .and_then(|id| snapshot.entries.get(&id))
        .filter(|e| e.status() == Status::Unauthorized);
    let mut form = Form::of(state.add.serial, &definition, draft, state.add.defaults);
    if let Some(entry) = refused
        && let Some(slot) = ladder::credential(&form.slots())
    {
        // Whoever edits a refused integration most likely comes with a new credential.
        form.focus = slot;
        form.note = Some((slot, format!("{}: {}", entry.cause.label(), entry.advice)));
    }
    state.add.form = Some(form);
    probe(definition.fields.values().filter(|f| f.secret).flat_map(Field::usual))
}

/// Opens an empty form of a provider, the one in front put away.
fn begin_new(state: &mut UiState, snapshot: &Snapshot, provider: &str) -> Vec<Effect> {
    let Some(definition) = state.definitions.iter().find(|d| d.id == provider).map(Arc::clone) else {
        state.add.message = Some(format!("There is no provider '{provider}' any more."));
        return Vec::new();
    };
    state.add.put_away();
    state.add.message = None;
    // Whoever comes back to the picker finds all of it again, what is unfinished first.
    state.add.query.clear();
    let id = free_id(&state.add, snapshot, provider);
    state.add.serial += 1;
    state.add.form = Form::new(state.add.serial, &definition, &id, state.add.defaults);
    let mut effects = probe(definition.fields.values().filter(|f| f.secret).flat_map(Field::usual));
    if definition.fields.values().any(|f| !f.secret && !f.list && f.usual().next().is_some()) {
        effects.push(Effect::FindUsual(state.add.serial, definition.id.clone()));
    }
    effects
}

/// `github`, or `github-2` where that is taken.
fn free_id(add: &AddState, snapshot: &Snapshot, provider: &str) -> String {
    let taken = |id: &str| {
        IntegrationId::new(id).is_ok_and(|id| snapshot.entries.contains_key(&id))
            || add.unfinished.iter().any(|f| f.id.value().trim() == id)
    };
    // A provider's id may be as long as an integration's: leave room for the number.
    let stem: String = provider.chars().take(58).collect();
    std::iter::once(stem.clone()).chain((2..).map(|n| format!("{stem}-{n}"))).find(|id| !taken(id)).unwrap_or(stem)
}

fn probe<'a>(names: impl Iterator<Item = &'a String>) -> Vec<Effect> {
    let mut names: Vec<String> = names.cloned().collect();
    names.sort();
    names.dedup();
    if names.is_empty() { Vec::new() } else { vec![Effect::ProbeEnv(names)] }
}

fn done_with(state: &mut UiState, done: &Done) -> Option<Vec<Effect>> {
    match done {
        Done::Env(names) => state.add.env.extend(names.iter().cloned()),
        Done::Usual(serial, values) => {
            let forms = state.add.form.iter_mut().chain(&mut state.add.unfinished);
            for form in forms.filter(|f| f.serial == *serial) {
                form.take_over(values);
            }
        }
        Done::Rung(rung) => {
            // A rung of a test that was cancelled finds nobody, and is dropped.
            if let Some(trial) = state.add.testing().and_then(|f| f.trial.as_mut()) {
                trial.rung(rung.clone());
            }
        }
        Done::Tested(result) => {
            if let Some(form) = state.add.testing()
                && let Some(trial) = form.trial.as_mut()
            {
                trial.end(TrialState::Ended(result.clone()));
            }
        }
        Done::Saved(Ok(id)) => saved(state, id),
        Done::Saved(Err(why)) => {
            if let Some(form) = state.add.form.iter_mut().chain(&mut state.add.unfinished).find(|f| f.saving) {
                form.saving = false;
                form.ladder = false;
                form.failure = Some(format!("Not saved: {why}"));
            }
        }
        _ => return None,
    }
    Some(Vec::new())
}

/// The form has done its work; the board shows what came of it.
fn saved(state: &mut UiState, id: &IntegrationId) {
    let add = &mut state.add;
    if add.form.as_ref().is_some_and(|f| f.saving) {
        add.form = None;
        add.query.clear();
        add.selected = None;
        if state.tab == Tab::Add {
            state.tab = Tab::Overview;
            state.detail = None;
            state.overview.selected = Some(id.clone());
        }
    } else {
        add.unfinished.retain(|f| !f.saving);
    }
    state.toasts.push(state.now, Tone::Good, format!("{id} is saved"));
}
