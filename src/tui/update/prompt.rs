//! Keys and answers of the prompt for a secret.

use super::add::{Pasted, line};
use crate::{
    model::{IntegrationId, SecretRef},
    monitor::{Rotation, Snapshot, rotate::fields_using},
    tui::{
        effect::Effect,
        event::{Key, KeyCode},
        state::{
            Dialog, UiState,
            prompt::{Ask, Prompt},
            toast::Tone,
        },
    },
};

/// The entry of the vault that an integration uses: the first, where it uses several.
pub fn entry_of(snapshot: &Snapshot, id: &IntegrationId) -> Option<String> {
    let integration = &snapshot.entries.get(id)?.integration;
    integration.secrets().find_map(|(_, reference)| match reference {
        SecretRef::Vault(entry) => Some(entry.clone()),
        _ => None,
    })
}

/// Asks for the vault's passphrase.
pub fn unlock(state: &mut UiState) {
    state.dialogs.push(Dialog::Prompt(Prompt::new(Ask::Unlock)));
}

/// Asks for a new value of the entry that this integration uses.
pub fn rotate(state: &mut UiState, snapshot: &Snapshot, id: &IntegrationId) {
    let Some(entry) = entry_of(snapshot, id) else {
        state.toasts.push(state.now, Tone::Plain, "Its credential is not in the vault: change it where it lies");
        return;
    };
    let users = snapshot.entries.values().filter(|e| fields_using(&e.integration, &entry).next().is_some());
    let users = users.map(|e| e.integration.name.clone()).collect();
    state.dialogs.push(Dialog::Prompt(Prompt::new(Ask::Rotate { entry, users, other_account: false })));
}

/// Gives a key to the prompt.
pub fn key(state: &mut UiState, key: Key) -> Vec<Effect> {
    let Some(Dialog::Prompt(prompt)) = state.dialogs.last_mut() else { return Vec::new() };
    match key.code {
        KeyCode::Esc => {
            state.dialogs.pop();
        }
        KeyCode::Enter if prompt.busy => {}
        KeyCode::Enter if prompt.value.is_empty() => prompt.note = Some("type or paste it first".to_owned()),
        KeyCode::Enter => {
            prompt.busy = true;
            prompt.note = Some(match &prompt.ask {
                Ask::Unlock => "opening the vault …".to_owned(),
                Ask::Rotate { users, .. } => format!("testing it with {} …", users.join(", ")),
            });
            let secret = prompt.value.secret();
            return vec![match &prompt.ask {
                Ask::Unlock => Effect::Unlock(secret),
                Ask::Rotate { entry, other_account, .. } => Effect::Rotate(entry.clone(), secret, *other_account),
            }];
        }
        _ if prompt.busy => {}
        _ => {
            if prompt.value.key(key) {
                changed(prompt);
            }
        }
    }
    Vec::new()
}

/// What was said of the value before does not hold for this one.
fn changed(prompt: &mut Prompt) {
    prompt.note = None;
    if let Ask::Rotate { other_account, .. } = &mut prompt.ask {
        *other_account = false;
    }
}

/// Takes a paste in.
pub fn paste(prompt: &mut Prompt, text: &str) {
    if prompt.busy {
        return;
    }
    changed(prompt);
    let file = crate::model::secret::file_in_one_line(text);
    match line(file.as_ref().map_or(text, |line| line.as_str())) {
        Pasted::Refused(why) => prompt.note = Some(why),
        Pasted::Line(text, _) if !prompt.value.replace(text) => {
            prompt.note = Some("not pasted: no secret is that long".to_owned());
        }
        Pasted::Line(..) => {}
    }
}

/// The vault was opened, or not.
pub fn unlocked(state: &mut UiState, result: Result<(), String>) {
    let at = state.dialogs.iter().position(|d| matches!(d, Dialog::Prompt(p) if p.ask == Ask::Unlock));
    match (result, at) {
        (Ok(()), at) => {
            if let Some(at) = at {
                state.dialogs.remove(at);
            }
            state.toasts.push(state.now, Tone::Good, "The vault is open");
        }
        (Err(why), Some(at)) => tell(&mut state.dialogs[at], why),
        (Err(why), None) => state.toasts.push(state.now, Tone::Bad, why),
    }
}

fn tell(dialog: &mut Dialog, why: String) {
    if let Dialog::Prompt(prompt) = dialog {
        prompt.busy = false;
        prompt.note = Some(why);
    }
}

/// A rotation ended.
pub fn rotated(state: &mut UiState, entry: &str, result: Result<Rotation, String>) {
    let at = state
        .dialogs
        .iter()
        .position(|d| matches!(d, Dialog::Prompt(p) if matches!(&p.ask, Ask::Rotate { entry: e, .. } if e == entry)));
    let refused = match &result {
        Ok(rotation) => rotation.refusal(),
        Err(why) => Some(why.clone()),
    };
    let Some(mut why) = refused else {
        if let Some(at) = at {
            state.dialogs.remove(at);
        }
        let back = state.keymap.keys(crate::tui::action::Action::RollBack).into_iter().next();
        let back = back.map(|key| format!("; {key} goes back to the old one")).unwrap_or_default();
        state.toasts.push(state.now, Tone::Good, format!("'{entry}' has its new value{back}"));
        return;
    };
    let Some(at) = at else {
        state.toasts.push(state.now, Tone::Bad, why);
        return;
    };
    let works = result.is_ok_and(|r| {
        r.other_account.is_some() && r.tests.iter().all(|(_, o)| o.status() == crate::model::Status::Active)
    });
    if works {
        why.push_str(". Enter once more takes it all the same");
        if let Dialog::Prompt(prompt) = &mut state.dialogs[at]
            && let Ask::Rotate { other_account, .. } = &mut prompt.ask
        {
            *other_account = true;
        }
    }
    tell(&mut state.dialogs[at], why);
}
