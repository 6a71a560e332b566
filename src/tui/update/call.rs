//! Keys of the dialog that calls an action: choose, fill in, confirm.

mod result;

pub use result::{came, saved};

use crate::{
    monitor::Entry,
    tui::{
        effect::Effect,
        event::{Key, KeyCode},
        state::{
            Dialog, UiState,
            call::{CallDialog, Stage},
            dialog::step,
            toast::Tone,
        },
        update::dialog::in_list,
    },
};

/// Columns that the dialog's frame and margins take.
const FRAME: u16 = 6;

/// Opens the list of what this integration can do.
pub fn open(state: &mut UiState, entry: &Entry) {
    let integration = &entry.integration;
    let definition = state.definitions.iter().find(|d| d.id == integration.provider);
    let dialog = definition.and_then(|d| CallDialog::new(integration.id.clone(), &integration.name, d));
    match dialog {
        Some(dialog) => state.dialogs.push(Dialog::Call(Box::new(dialog))),
        None => {
            let text = format!("{} offers no action", entry.provider_name);
            state.toasts.push(state.now, Tone::Plain, text);
        }
    }
}

fn dialog(state: &mut UiState) -> Option<&mut CallDialog> {
    state.dialogs.iter_mut().rev().find_map(|d| match d {
        Dialog::Call(call) => Some(&mut **call),
        _ => None,
    })
}

fn width(state: &UiState) -> usize {
    usize::from(state.size.0.saturating_sub(FRAME))
}

/// The screen has another size: what is laid out is laid out anew.
pub fn resized(state: &mut UiState) {
    let width = width(state);
    if let Some(view) = dialog(state).and_then(|d| d.result.as_mut()) {
        view.lay_out(width);
    }
}

/// Gives a key to the dialog.
pub fn key(state: &mut UiState, key: Key) -> Vec<Effect> {
    let action = state.keymap.action(key);
    let Some(Dialog::Call(call)) = state.dialogs.last_mut() else { return Vec::new() };
    match call.stage() {
        Stage::Choosing => choosing(state, key),
        Stage::Filling => filling(state, key),
        Stage::Asking => asking(state, key),
        Stage::Running => running(state, key),
        Stage::Result => result::looking(state, key, action),
        Stage::Saving => result::saving(call, key),
    }
}

/// Takes a paste in.
pub fn paste(call: &mut CallDialog, text: &str) {
    match call.stage() {
        Stage::Choosing => {
            call.query.paste(text);
            call.search();
        }
        Stage::Filling => {
            if let Some(form) = &mut call.form
                && let Some(field) = form.fields.get_mut(form.focus)
            {
                field.paste(text);
            }
        }
        Stage::Saving => call.result.iter_mut().flat_map(|r| r.file.as_mut()).for_each(|file| file.paste(text)),
        Stage::Asking | Stage::Running | Stage::Result => {}
    }
}

fn choosing(state: &mut UiState, key: Key) -> Vec<Effect> {
    let Some(Dialog::Call(call)) = state.dialogs.last_mut() else { return Vec::new() };
    if let Some(by) = in_list(key) {
        call.selected = step(call.selected, by, call.found.len());
        return Vec::new();
    }
    match key.code {
        KeyCode::Esc => {
            state.dialogs.pop();
        }
        KeyCode::Enter => {
            call.choose();
            // Nothing to fill in: the form would only be in the way.
            if call.form.as_ref().is_some_and(|f| f.params.is_empty()) {
                return submit(state);
            }
        }
        _ => {
            if call.query.key(key) {
                call.search();
            }
        }
    }
    Vec::new()
}

fn filling(state: &mut UiState, key: Key) -> Vec<Effect> {
    let Some(form) = dialog(state).and_then(|d| d.form.as_mut()) else { return Vec::new() };
    let len = form.fields.len();
    match key.code {
        KeyCode::Esc => form.put_away = true,
        KeyCode::Char('s') if key.ctrl => return submit(state),
        KeyCode::Enter if form.focus + 1 >= len => return submit(state),
        KeyCode::Enter | KeyCode::Tab | KeyCode::Down => form.focus = step(form.focus, 1, len),
        KeyCode::BackTab | KeyCode::Up => form.focus = step(form.focus, -1, len),
        KeyCode::Left if form.leaf(-1) => form.wrong.clear(),
        KeyCode::Right | KeyCode::Char(' ') if form.leaf(1) => form.wrong.clear(),
        _ => {
            if let Some(field) = form.fields.get_mut(form.focus)
                && field.key(key)
            {
                let name = form.params.get_index(form.focus).map(|(name, _)| name.clone());
                form.wrong.retain(|w| Some(&w.name) != name.as_ref());
            }
        }
    }
    Vec::new()
}

/// Calls what is filled in, or asks about it first.
fn submit(state: &mut UiState) -> Vec<Effect> {
    let Some(form) = dialog(state).and_then(|d| d.form.as_mut()) else { return Vec::new() };
    let Some(call) = form.call() else { return Vec::new() };
    form.asking = Some((Box::new(call), false));
    if form.dangerous { Vec::new() } else { go(state) }
}

fn go(state: &mut UiState) -> Vec<Effect> {
    state.calls += 1;
    let number = state.calls;
    let Some(dialog) = dialog(state) else { return Vec::new() };
    let Some((call, _)) = dialog.form.as_mut().and_then(|f| f.asking.take()) else { return Vec::new() };
    dialog.running = Some(number);
    vec![Effect::Call(number, dialog.id.clone(), call)]
}

fn asking(state: &mut UiState, key: Key) -> Vec<Effect> {
    let Some(form) = dialog(state).and_then(|d| d.form.as_mut()) else { return Vec::new() };
    let Some((_, yes)) = form.asking.as_mut() else { return Vec::new() };
    let answer = match key.code {
        KeyCode::Char('y' | 'Y') if !key.ctrl && !key.alt => true,
        KeyCode::Char('n' | 'N' | 'q') if !key.ctrl && !key.alt => false,
        KeyCode::Esc => false,
        KeyCode::Enter => *yes,
        KeyCode::Left | KeyCode::Right | KeyCode::Tab | KeyCode::BackTab | KeyCode::Char('h' | 'l') => {
            *yes = !*yes;
            return Vec::new();
        }
        _ => return Vec::new(),
    };
    if answer {
        return go(state);
    }
    form.asking = None;
    form.put_away |= form.params.is_empty();
    Vec::new()
}

fn running(state: &mut UiState, key: Key) -> Vec<Effect> {
    if key.code != KeyCode::Esc {
        return Vec::new();
    }
    let Some(dialog) = dialog(state) else { return Vec::new() };
    dialog.running = None;
    dialog.form.iter_mut().for_each(|f| f.put_away |= f.params.is_empty());
    let text = "Cut off. It may have been done all the same";
    state.toasts.push(state.now, Tone::Plain, text);
    vec![Effect::CancelCall]
}
