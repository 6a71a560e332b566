//! Keys of the ladder that lies over the form.

use super::form::{save, test};
use crate::{
    monitor::Snapshot,
    tui::{
        effect::Effect,
        event::{Key, KeyCode},
        state::{
            UiState,
            add::{Button, Form, Slot, Trial, TrialState},
        },
        update::sign_in,
    },
};

/// Applies a key.
pub fn key(state: &mut UiState, snapshot: &Snapshot, key: Key) -> Option<Vec<Effect>> {
    let form = state.add.form.as_mut()?;
    let plain = !key.ctrl && !key.alt;
    let Some(trial) = form.trial.as_mut() else {
        form.ladder = false;
        return Some(Vec::new());
    };
    if trial.running() {
        if plain && key.code == KeyCode::Esc {
            trial.end(TrialState::Cancelled);
            return Some(vec![Effect::CancelTest]);
        }
        return None;
    }
    let confirm = form.confirm.take();
    match key.code {
        KeyCode::Esc | KeyCode::Up | KeyCode::Down if plain => back_to_form(form),
        KeyCode::Tab | KeyCode::Right if plain => trial.button = trial.button.step(1),
        KeyCode::BackTab | KeyCode::Left if plain => trial.button = trial.button.step(2),
        KeyCode::F(5) if plain => return Some(test(state, snapshot)),
        KeyCode::F(6) if plain && form.definition.oauth.is_some() => {
            form.ladder = false;
            return sign_in::begin(state, snapshot);
        }
        KeyCode::Char('s') if key.ctrl && !key.alt => return Some(save(state, snapshot, confirm)),
        KeyCode::Enter | KeyCode::Char(' ') if plain => match trial.button {
            Button::Save => return Some(save(state, snapshot, confirm)),
            Button::Again => return Some(test(state, snapshot)),
            Button::Back => back_to_form(form),
        },
        _ => {
            form.confirm = confirm;
            return None;
        }
    }
    Some(Vec::new())
}

/// Where the first credential is typed, or else where it is said to lie.
pub(super) fn credential(slots: &[Slot]) -> Option<Slot> {
    let first = |wanted: fn(&Slot) -> bool| slots.iter().copied().find(wanted);
    first(|s| matches!(s, Slot::Secret(_)))
        .or_else(|| first(|s| matches!(s, Slot::Target(_))))
        .or_else(|| first(|s| matches!(s, Slot::Place(_))))
}

/// Back to the fields, to the credential if that was what failed.
fn back_to_form(form: &mut Form) {
    form.ladder = false;
    let failed = form.trial.as_ref().and_then(Trial::failed_rung);
    if matches!(failed, Some("credential" | "authenticate"))
        && let Some(slot) = credential(&form.slots())
    {
        form.focus = slot;
    }
    form.settle();
}
