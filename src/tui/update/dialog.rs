//! Keys while a dialog lies over the screen: the topmost has them all.

use super::{act, open};
use crate::{
    monitor::Snapshot,
    tui::{
        action::Action,
        effect::Effect,
        event::{Key, KeyCode},
        state::{
            Dialog, UiState,
            dialog::{Command, step},
            toast::Tone,
        },
    },
};

/// A movement in a list of rows.
enum Move {
    By(isize),
    First,
    Last,
}

fn movement(state: &UiState, key: Key) -> Option<Move> {
    let page = isize::try_from(state.size.1 / 2).unwrap_or(10).max(1);
    Some(match state.keymap.action(key)? {
        Action::Up => Move::By(-1),
        Action::Down => Move::By(1),
        Action::PageUp => Move::By(-page),
        Action::PageDown => Move::By(page),
        Action::First => Move::First,
        Action::Last => Move::Last,
        _ => return None,
    })
}

fn moved(at: usize, movement: Move, len: usize) -> usize {
    match movement {
        Move::By(by) => step(at, by, len),
        Move::First => 0,
        Move::Last => len.saturating_sub(1),
    }
}

/// Gives a key to the topmost dialog.
pub fn key(state: &mut UiState, snapshot: &Snapshot, key: Key) -> Vec<Effect> {
    let action = state.keymap.action(key);
    let leaves = key.code == KeyCode::Esc || matches!(action, Some(Action::Back | Action::Quit));
    let step_by = movement(state, key);
    let Some(dialog) = state.dialogs.last_mut() else { return Vec::new() };
    match dialog {
        Dialog::Palette(_) => return palette_key(state, snapshot, key),
        Dialog::Prompt(_) => return super::prompt::key(state, key),
        Dialog::SignIn(_) => return super::sign_in::key(state, key),
        Dialog::Call(_) => return super::call::key(state, key),
        Dialog::ConfirmRemove(_) => return confirm_key(state, key),
        Dialog::Themes(_) => return theme_key(state, key, step_by, leaves),
        Dialog::Help(scroll) => match step_by {
            // Draw brings it back to the last full page.
            Some(movement) => *scroll = moved(*scroll, movement, Action::ALL.len() + 1),
            None if leaves || matches!(action, Some(Action::Help)) || key.code == KeyCode::Enter => {
                state.dialogs.pop();
            }
            None => {}
        },
        Dialog::Log(log) => match step_by {
            Some(movement) => {
                let len = log.lines.as_ref().map_or(0, Vec::len);
                let top = len.saturating_sub(1).saturating_sub(log.back);
                log.back = len.saturating_sub(1) - moved(top, movement, len);
            }
            None if leaves || matches!(action, Some(Action::Log)) => {
                state.dialogs.pop();
            }
            None if action == Some(Action::Reload) => return vec![Effect::FetchLog],
            None => {}
        },
    }
    Vec::new()
}

/// Gives a paste to the topmost dialog.
pub fn paste(dialog: &mut Dialog, snapshot: &Snapshot, text: &str) {
    match dialog {
        Dialog::Palette(palette) => {
            palette.query.paste(text);
            palette.search(snapshot);
        }
        Dialog::Prompt(prompt) => super::prompt::paste(prompt, text),
        Dialog::Call(call) => super::call::paste(call, text),
        _ => {}
    }
}

/// How far a key moves the selection of a list beneath a line that is typed in; `None`: it does something else.
pub(super) fn in_list(key: Key) -> Option<isize> {
    match key.code {
        KeyCode::Up | KeyCode::BackTab => Some(-1),
        KeyCode::Down | KeyCode::Tab => Some(1),
        KeyCode::PageUp => Some(-10),
        KeyCode::PageDown => Some(10),
        KeyCode::Char('p') if key.ctrl => Some(-1),
        KeyCode::Char('n') if key.ctrl => Some(1),
        _ => None,
    }
}

fn palette_key(state: &mut UiState, snapshot: &Snapshot, key: Key) -> Vec<Effect> {
    let Some(Dialog::Palette(palette)) = state.dialogs.last_mut() else { return Vec::new() };
    if let Some(by) = in_list(key) {
        palette.selected = step(palette.selected, by, palette.found.len());
        return Vec::new();
    }
    match key.code {
        KeyCode::Esc => {
            state.dialogs.pop();
        }
        KeyCode::Enter => {
            let command = palette.found.get(palette.selected).map(|(command, _)| command.clone());
            if command.is_some() {
                state.dialogs.pop();
            }
            return match command {
                Some(Command::Do(action)) => act(state, snapshot, action),
                Some(Command::Open(id)) => open(state, snapshot, &id),
                None => Vec::new(),
            };
        }
        _ => {
            if palette.query.key(key) {
                palette.search(snapshot);
            }
        }
    }
    Vec::new()
}

fn confirm_key(state: &mut UiState, key: Key) -> Vec<Effect> {
    let Some(Dialog::ConfirmRemove(confirm)) = state.dialogs.last_mut() else { return Vec::new() };
    let answer = match key.code {
        KeyCode::Char('y' | 'Y') if !key.ctrl && !key.alt => Some(true),
        KeyCode::Char('n' | 'N' | 'q') if !key.ctrl && !key.alt => Some(false),
        KeyCode::Esc => Some(false),
        KeyCode::Enter => Some(confirm.remove),
        KeyCode::Left | KeyCode::Right | KeyCode::Tab | KeyCode::BackTab | KeyCode::Char('h' | 'l') => {
            confirm.remove = !confirm.remove;
            None
        }
        _ => None,
    };
    let Some(remove) = answer else { return Vec::new() };
    let (id, name) = (confirm.id.clone(), confirm.name.clone());
    state.dialogs.pop();
    if !remove {
        return Vec::new();
    }
    if state.detail.as_ref().is_some_and(|d| d.id == id) {
        state.detail = None;
    }
    let undo = state.keymap.keys(Action::Undo).into_iter().next();
    let text = match undo {
        Some(key) => format!("Removed {name}. {key} undoes it"),
        None => format!("Removed {name}"),
    };
    state.toasts.push(state.now, Tone::Plain, text);
    vec![Effect::Remove(id)]
}

fn theme_key(state: &mut UiState, key: Key, step_by: Option<Move>, leaves: bool) -> Vec<Effect> {
    let Some(Dialog::Themes(picker)) = state.dialogs.last_mut() else { return Vec::new() };
    if let Some(movement) = step_by {
        let before = picker.selected;
        picker.selected = moved(before, movement, picker.names.len());
        return match picker.names.get(picker.selected) {
            Some(name) if picker.selected != before => vec![Effect::PreviewTheme(name.clone())],
            _ => Vec::new(),
        };
    }
    if key.code == KeyCode::Enter {
        let chosen = picker.names.get(picker.selected).cloned();
        state.dialogs.pop();
        return match chosen {
            Some(name) => {
                state.theme.clone_from(&name);
                vec![Effect::SaveTheme(name)]
            }
            None => Vec::new(),
        };
    }
    if leaves {
        state.dialogs.pop();
        return vec![Effect::PreviewTheme(state.theme.clone())];
    }
    Vec::new()
}

/// The log's lines came.
pub fn log_came(state: &mut UiState, lines: Vec<String>) {
    for dialog in &mut state.dialogs {
        if let Dialog::Log(log) = dialog {
            log.back = log.back.min(lines.len().saturating_sub(1));
            log.lines = Some(lines);
            return;
        }
    }
}

/// The themes' names came; the one in use is selected.
pub fn themes_came(state: &mut UiState, names: Vec<String>) {
    let current = state.theme.clone();
    for dialog in &mut state.dialogs {
        if let Dialog::Themes(picker) = dialog {
            picker.selected = names.iter().position(|n| *n == current).unwrap_or(0);
            picker.names = names;
            return;
        }
    }
}
