//! A secret looked at: only the one under the focus, only after a key, and never for longer than five seconds.

use crate::tui::{
    event::Key,
    state::{
        Dialog, Tab, UiState,
        add::{Kind, Slot},
    },
    widgets::secret_field::SecretField,
};
use jiff::SignedDuration;

/// Longest time in clear.
const SHOWN: SignedDuration = SignedDuration::from_secs(5);
/// The key that shows and masks. No letter: in this field every letter is text.
const KEY: Key = Key::ctrl('r');

/// Takes the key that shows or masks the secret under the focus. `false`: it is another key, or there is no secret.
pub fn key(state: &mut UiState, key: Key) -> bool {
    let until = state.now + SHOWN;
    match focused(state) {
        Some(field) if key == KEY => {
            let until = field.shown_until().is_none().then_some(until);
            field.show(until);
            true
        }
        _ => false,
    }
}

/// Masks what lost the focus or was seen long enough; with `all`, everything.
pub fn settle(state: &mut UiState, all: bool) {
    let now = state.now;
    let before = fields(state).filter(|f| f.shown_until().is_some()).count();
    if before == 0 {
        return;
    }
    // A clock that is set back must not make it longer.
    let in_time = |until: &jiff::Timestamp| *until > now && until.duration_since(now) <= SHOWN;
    let kept = focused(state).and_then(|f| f.shown_until()).filter(in_time).filter(|_| !all);
    fields(state).for_each(|f| f.show(None));
    if let Some(field) = focused(state) {
        field.show(kept);
    }
    state.dirty |= before != usize::from(kept.is_some());
}

/// The secret that has the keys.
fn focused(state: &mut UiState) -> Option<&mut SecretField> {
    match state.dialogs.last_mut() {
        Some(Dialog::Prompt(prompt)) => return (!prompt.busy).then_some(&mut prompt.value),
        Some(_) => return None,
        None if state.tab != Tab::Add => return None,
        None => {}
    }
    let form = state.add.form.as_mut().filter(|f| !f.ladder && !f.saving)?;
    match form.focus {
        Slot::Secret(i) => form.secret(i).map(|secret| &mut secret.value),
        _ => None,
    }
}

/// Every secret field there is.
fn fields(state: &mut UiState) -> impl Iterator<Item = &mut SecretField> {
    let prompts = state.dialogs.iter_mut().filter_map(|dialog| match dialog {
        Dialog::Prompt(prompt) => Some(&mut prompt.value),
        _ => None,
    });
    let forms = state.add.form.iter_mut().chain(&mut state.add.unfinished);
    let inputs = forms.flat_map(|form| &mut form.inputs).filter_map(|input| match &mut input.kind {
        Kind::Secret(secret) => Some(&mut secret.value),
        _ => None,
    });
    prompts.chain(inputs)
}
