//! Signing in from the form: what comes of it lies in its field like a secret just typed, and is tested at once.

use super::add;
use crate::{
    model::Tokens,
    monitor::{
        Snapshot,
        sign_in::{Step, Way},
    },
    tui::{
        effect::Effect,
        event::{Key, KeyCode},
        state::{
            Dialog, UiState,
            add::{Form, Kind, Place, Slot},
            sign_in::SignIn,
            toast::Tone,
        },
    },
};

/// Begins with the provider's first way. `None`: the form in front has no sign-in.
pub fn begin(state: &mut UiState, snapshot: &Snapshot) -> Option<Vec<Effect>> {
    let form = state.add.form.as_mut()?;
    let oauth = form.definition.oauth.clone()?;
    let ways = oauth.ways();
    let way = *ways.first()?;
    let id = form.inputs.iter().position(|i| i.field.name == oauth.client_id)?;
    if form.inputs[id].value().is_none() {
        let place = oauth.app_url.map(|url| format!(" Register one at {url}.")).unwrap_or_default();
        form.focus = Slot::Field(id);
        form.note =
            Some((form.focus, format!("signing in needs the id of an application of yours.{place} {}", oauth.help)));
        return Some(Vec::new());
    }
    let sign_in = SignIn::new(form.serial, &form.definition.name, way, ways);
    let Some(effect) = start(form, way) else {
        add::refuse(state, snapshot);
        return Some(Vec::new());
    };
    state.dialogs.push(Dialog::SignIn(sign_in));
    Some(vec![effect])
}

fn start(form: &Form, way: Way) -> Option<Effect> {
    Some(Effect::SignIn(Box::new(form.draft()?), way))
}

/// Gives a key to the dialog.
pub fn key(state: &mut UiState, key: Key) -> Vec<Effect> {
    let form = state.add.form.as_ref();
    let Some(Dialog::SignIn(dialog)) = state.dialogs.last_mut() else { return Vec::new() };
    if key.ctrl || key.alt {
        return Vec::new();
    }
    let way = match key.code {
        KeyCode::Esc => {
            state.dialogs.pop();
            return vec![Effect::CancelSignIn];
        }
        KeyCode::Char('c') => {
            let link = dialog.link().map(ToOwned::to_owned);
            dialog.copied |= link.is_some();
            return link.map(Effect::Copy).into_iter().collect();
        }
        KeyCode::Char('w') => dialog.other(),
        KeyCode::Enter if dialog.failure.is_some() => Some(dialog.way),
        _ => None,
    };
    let Some((way, effect)) = way.and_then(|way| Some((way, start(form?, way)?))) else { return Vec::new() };
    *dialog = SignIn::new(dialog.form, &dialog.service, way, std::mem::take(&mut dialog.ways));
    vec![effect]
}

/// There is something for a person to do.
pub fn step(state: &mut UiState, step: Step) {
    if let Some(dialog) = state.dialogs.iter_mut().find_map(Dialog::sign_in) {
        dialog.step = Some(step);
    }
}

/// It ended. A dialog that was closed meanwhile wants none of it.
pub fn done(state: &mut UiState, snapshot: &Snapshot, result: Result<Box<Tokens>, String>) -> Vec<Effect> {
    let Some(at) = state.dialogs.iter_mut().position(|d| d.sign_in().is_some()) else { return Vec::new() };
    let tokens = match result {
        Ok(tokens) => tokens,
        Err(why) => {
            if let Some(dialog) = state.dialogs[at].sign_in() {
                (dialog.step, dialog.failure) = (None, Some(why));
            }
            return Vec::new();
        }
    };
    let Dialog::SignIn(dialog) = state.dialogs.remove(at) else { return Vec::new() };
    let Some(form) = state.add.form.as_mut().filter(|f| f.serial == dialog.form) else { return Vec::new() };
    let renews = tokens.grant.renewable();
    if !take(form, *tokens) {
        state.toasts.push(state.now, Tone::Bad, "Signed in, but the token is longer than a field takes");
        return Vec::new();
    }
    let how = if renews { ", and it renews itself" } else { "" };
    state.toasts.push(state.now, Tone::Good, format!("Signed in to {}{how}", dialog.service));
    add::test(state, snapshot)
}

/// Puts the tokens into their field. `false`: they do not fit.
fn take(form: &mut Form, tokens: Tokens) -> bool {
    let Some(field) = form.definition.oauth.as_ref().map(|o| o.field.clone()) else { return false };
    let Some(i) = form.inputs.iter().position(|i| i.field.name == field) else { return false };
    let Some(Kind::Secret(secret)) = form.inputs.get_mut(i).map(|i| &mut i.kind) else { return false };
    if !secret.value.replace(tokens.access.expose()) {
        return false;
    }
    secret.place = Place::Vault;
    secret.signed = Some(Box::new(tokens));
    form.focus = Slot::Secret(i);
    form.touched(form.focus);
    form.note = Some((form.focus, "from the sign-in".to_owned()));
    true
}
