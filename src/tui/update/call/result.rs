//! Keys over a call's result: scroll, turn, save; and the news of calls and files.

use super::{dialog, width};
use crate::{
    model::Called,
    tui::{
        action::Action,
        effect::Effect,
        event::{Key, KeyCode},
        state::{
            UiState,
            call::{CallDialog, ResultView},
            toast::Tone,
        },
        widgets::text_field::TextField,
    },
};

/// Keys over a result.
pub(super) fn looking(state: &mut UiState, key: Key, action: Option<Action>) -> Vec<Effect> {
    let (width, now, zone) = (width(state), state.now, state.zone.clone());
    let page = usize::from(state.size.1 / 2).max(1);
    let Some(dialog) = dialog(state) else { return Vec::new() };
    let Some(view) = dialog.result.as_mut() else { return Vec::new() };
    match action {
        _ if key.code == KeyCode::Esc => leave(dialog),
        Some(Action::Up) => view.scroll = view.scroll.saturating_sub(1),
        Some(Action::Down) => view.scroll = view.scroll.saturating_add(1),
        Some(Action::PageUp) => view.scroll = view.scroll.saturating_sub(page),
        Some(Action::PageDown) => view.scroll = view.scroll.saturating_add(page),
        Some(Action::First) => (view.scroll, view.across) = (0, 0),
        // Draw brings it back to the last full page.
        Some(Action::Last) => view.scroll = usize::MAX,
        Some(Action::Left) => view.across = view.across.saturating_sub(8),
        Some(Action::Right) => view.across = (view.across + 8).min(view.width().saturating_sub(8)),
        Some(Action::View) if view.is_table() => {
            view.as_json = !view.as_json;
            (view.scroll, view.across) = (0, 0);
            view.lay_out(width);
        }
        Some(Action::Sort) if view.called.is_done() => {
            let ending = if view.is_table() && !view.as_json { "csv" } else { "json" };
            let at = now.to_zoned(zone).strftime("%Y%m%d-%H%M%S");
            view.note = None;
            view.file = Some(TextField::new(&format!("{}-{}-{at}.{ending}", dialog.id, view.action)));
        }
        Some(Action::Back | Action::Quit) => leave(dialog),
        _ => {}
    }
    Vec::new()
}

/// From a result back to the form that led to it.
fn leave(dialog: &mut CallDialog) {
    dialog.result = None;
    dialog.form.iter_mut().for_each(|f| f.put_away |= f.params.is_empty());
}

/// Keys while the name of a file is asked.
pub(super) fn saving(dialog: &mut CallDialog, key: Key) -> Vec<Effect> {
    let Some(view) = dialog.result.as_mut() else { return Vec::new() };
    let Some(file) = view.file.as_mut() else { return Vec::new() };
    match key.code {
        KeyCode::Esc => view.file = None,
        KeyCode::Enter if file.value().trim().is_empty() => {}
        KeyCode::Enter => {
            let name = file.value().trim().to_owned();
            let csv = name.to_ascii_lowercase().ends_with(".csv");
            let text = if csv { view.called.csv() } else { view.called.json() };
            return vec![Effect::SaveResult { file: name, text }];
        }
        _ => {
            view.note = None;
            file.key(key);
        }
    }
    Vec::new()
}

/// A call ended.
pub fn came(state: &mut UiState, number: u64, result: Result<Box<Called>, String>) {
    let width = width(state);
    let Some(dialog) = dialog(state).filter(|d| d.running == Some(number)) else { return };
    dialog.running = None;
    let (action, label) = dialog.form.as_ref().map(|f| (f.action.clone(), f.label.clone())).unwrap_or_default();
    match result {
        Ok(called) => dialog.result = Some(ResultView::new(*called, &action, &label, width)),
        Err(why) => {
            dialog.form.iter_mut().for_each(|f| f.put_away |= f.params.is_empty());
            state.toasts.push(state.now, Tone::Bad, why);
        }
    }
}

/// A result was saved, or not.
pub fn saved(state: &mut UiState, result: Result<String, String>) {
    let Some(view) = dialog(state).and_then(|d| d.result.as_mut()) else {
        if let Err(why) = result {
            state.toasts.push(state.now, Tone::Bad, why);
        }
        return;
    };
    if result.is_ok() {
        view.file = None;
    }
    view.note = Some(result);
}
