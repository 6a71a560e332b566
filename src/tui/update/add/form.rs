//! Keys of the form: focus, buttons, test and save.

use super::{
    edit::{self, ITEMS, remove_empty},
    ladder,
};
use crate::{
    monitor::Snapshot,
    tui::{
        effect::Effect,
        event::{Key, KeyCode},
        state::{
            Tab, UiState,
            add::{Form, Kind, Slot, Trial, TrialState, form::Confirm, validate},
        },
        update::sign_in,
        widgets::text_field::TextField,
    },
};

/// How many fields a page key moves.
const PAGE: isize = 6;

/// Applies a key.
pub fn key(state: &mut UiState, snapshot: &Snapshot, key: Key) -> Option<Vec<Effect>> {
    let form = state.add.form.as_mut()?;
    let plain = !key.ctrl && !key.alt;
    if form.saving {
        // Nothing typed now could still get into what is being saved; keys of the whole board stay alive.
        let ours = plain && !matches!(key.code, KeyCode::F(_)) || key == Key::ctrl('s');
        return ours.then(Vec::new);
    }
    if form.ladder {
        return ladder::key(state, snapshot, key);
    }
    let confirm = form.confirm.take();
    match key.code {
        KeyCode::Tab | KeyCode::Down if plain => form.step(1),
        KeyCode::BackTab | KeyCode::Up if plain => form.step(-1),
        KeyCode::PageDown if plain => form.jump(PAGE),
        KeyCode::PageUp if plain => form.jump(-PAGE),
        KeyCode::F(5) if plain => return Some(test(state, snapshot)),
        KeyCode::F(6) if plain => return sign_in::begin(state, snapshot),
        KeyCode::Char('s') if key.ctrl && !key.alt => return Some(save(state, snapshot, confirm)),
        KeyCode::Esc if plain => leave(state),
        KeyCode::Enter if plain => return Some(activate(state, snapshot, confirm)),
        KeyCode::Char(' ') if plain && form.focus.is_button() => return Some(activate(state, snapshot, confirm)),
        KeyCode::Left | KeyCode::Right if plain && form.focus.is_button() => {
            form.focus = neighbour(form.focus, key.code == KeyCode::Right);
        }
        _ if form.focus.is_button() => {
            form.confirm = confirm;
            return None;
        }
        _ => return edit::key(form, &state.add.env, key).then(Vec::new),
    }
    Some(Vec::new())
}

/// The button beside another.
fn neighbour(button: Slot, right: bool) -> Slot {
    const ROW: [Slot; 3] = [Slot::Test, Slot::Save, Slot::Cancel];
    let at = ROW.iter().position(|b| *b == button).unwrap_or(0);
    ROW[(at + if right { 1 } else { 2 }) % 3]
}

/// Enter: the next field, a new line of a list, or the button's work.
fn activate(state: &mut UiState, snapshot: &Snapshot, confirm: Option<Confirm>) -> Vec<Effect> {
    let Some(form) = state.add.form.as_mut() else { return Vec::new() };
    match form.focus {
        Slot::Test => return test(state, snapshot),
        Slot::Save => return save(state, snapshot, confirm),
        Slot::Cancel => discard(state, confirm),
        Slot::Item(i, item) => match form.inputs.get_mut(i).map(|x| &mut x.kind) {
            Some(Kind::List(items)) if items.len() < ITEMS && items.get(item).is_some_and(|t| !t.is_empty()) => {
                items.insert(item + 1, TextField::default());
                form.focus = Slot::Item(i, item + 1);
            }
            // An empty line ends the list, and goes.
            Some(Kind::List(items)) if items.len() > 1 && items.get(item).is_some_and(TextField::is_empty) => {
                form.step(1);
                let after = form.focus;
                remove_empty(form, i, item);
                form.focus = match after {
                    Slot::Item(same, n) if same == i => Slot::Item(i, n - 1),
                    other => other,
                };
            }
            _ => form.step(1),
        },
        _ => form.step(1),
    }
    Vec::new()
}

/// Applies a paste.
pub fn paste(state: &mut UiState, text: &str) -> Option<Vec<Effect>> {
    let form = state.add.form.as_mut()?;
    if !(form.saving || form.ladder || form.focus.is_button()) {
        form.confirm = None;
        edit::paste(form, text);
    }
    Some(Vec::new())
}

/// Esc: one step back. Nothing typed is lost: the form waits in the picker.
fn leave(state: &mut UiState) {
    let edit = state.add.form.as_ref().is_some_and(|f| f.original.is_some());
    state.add.put_away();
    if edit {
        state.tab = Tab::Overview;
    }
}

/// Throws the form away, if it is empty or on the second press.
fn discard(state: &mut UiState, confirm: Option<Confirm>) {
    let Some(form) = state.add.form.as_mut() else { return };
    if form.changed && confirm != Some(Confirm::Discard) {
        form.confirm = Some(Confirm::Discard);
        return;
    }
    let edit = form.original.is_some();
    state.add.form = None;
    if edit {
        state.tab = Tab::Overview;
    }
}

/// Complaints beside the fields, the focus on the first. `true`: there are some.
pub(super) fn refuse(form: &mut Form, snapshot: &Snapshot) -> bool {
    form.strict = true;
    let complaints = validate::complaints(form, snapshot);
    let Some((slot, _)) = complaints.first() else { return false };
    form.focus = *slot;
    form.ladder = false;
    form.failure = Some(match complaints.len() {
        1 => "One thing is missing or wrong: see beside the field.".to_owned(),
        n => format!("{n} things are missing or wrong: see beside the fields."),
    });
    true
}

/// Tests what is typed; the ladder comes to the front.
pub fn test(state: &mut UiState, snapshot: &Snapshot) -> Vec<Effect> {
    let mut effects = Vec::new();
    let Some(form) = state.add.form.as_mut() else { return effects };
    if refuse(form, snapshot) {
        return effects;
    }
    let Some(draft) = form.draft() else { return effects };
    form.failure = None;
    form.note = None;
    // One test runs at a time: one left behind in another form gives way.
    if let Some(trial) = state.add.testing().and_then(|f| f.trial.as_mut()) {
        trial.end(TrialState::Cancelled);
        effects.push(Effect::CancelTest);
    }
    let Some(form) = state.add.form.as_mut() else { return effects };
    form.trial = Some(Trial::new(form.version, form.expected_rungs()));
    form.ladder = true;
    effects.push(Effect::Test(Box::new(draft)));
    effects
}

/// Saves what passed its test; anything else on the second press only.
pub fn save(state: &mut UiState, snapshot: &Snapshot, confirm: Option<Confirm>) -> Vec<Effect> {
    let Some(form) = state.add.form.as_mut() else { return Vec::new() };
    if refuse(form, snapshot) {
        return Vec::new();
    }
    if !form.proved() && confirm != Some(Confirm::Save) {
        form.confirm = Some(Confirm::Save);
        return Vec::new();
    }
    let Some(draft) = form.draft() else { return Vec::new() };
    form.saving = true;
    form.failure = None;
    vec![Effect::Save(Box::new(draft))]
}
