//! Keys and pastes for the value under the focus.

use super::paste::{self, Pasted};
use crate::{
    model::secret::file_in_one_line,
    tui::{
        event::{Key, KeyCode},
        state::add::{Form, Kind, Place, Slot},
        widgets::text_field::{self, TextField},
    },
};
use std::collections::BTreeSet;

/// Most items a list takes: more is a mistaken paste.
pub const ITEMS: usize = 200;

/// A key for the value under the focus. `false`: it means nothing there.
pub fn key(form: &mut Form, env: &BTreeSet<String>, key: Key) -> bool {
    let plain = !key.ctrl && !key.alt;
    let right = key.code == KeyCode::Right || key.code == KeyCode::Char(' ');
    let slot = form.focus;
    let arrow = plain && matches!(key.code, KeyCode::Left | KeyCode::Right | KeyCode::Char(' '));
    match slot {
        Slot::Place(i) if arrow => {
            choose_place(form, i, env, right);
            return true;
        }
        Slot::Place(i) => {
            let typing = matches!(key.code, KeyCode::Char(_)) && plain;
            return typing && into_place(form, i) && self::key(form, env, key);
        }
        Slot::Field(i) if arrow && matches!(form.inputs.get(i).map(|x| &x.kind), Some(Kind::Choice(..))) => {
            choose(form, i, right);
            return true;
        }
        Slot::Item(i, item) if key.code == KeyCode::Backspace && remove_empty(form, i, item) => return true,
        _ => {}
    }
    let (taken, changed) = match slot {
        Slot::Secret(i) => match form.secret(i) {
            Some(secret) => {
                let before = secret.value.count();
                let taken = secret.value.key(key);
                (taken, secret.value.count() != before)
            }
            None => (false, false),
        },
        slot => match form.text(slot) {
            Some(text) => {
                let before = text.value().to_owned();
                let taken = text.key(key);
                (taken, text.value() != before)
            }
            None => (false, false),
        },
    };
    if changed {
        form.note = None;
        form.touched(slot);
    }
    taken
}

/// Typing on the place of a secret goes straight into the secret (or the place's own text).
fn into_place(form: &mut Form, i: usize) -> bool {
    let Some(secret) = form.secret(i) else { return false };
    match secret.place {
        Place::Keep | Place::Found(_) | Place::Vault => {
            secret.place = Place::Vault;
            form.focus = Slot::Secret(i);
        }
        _ => form.focus = Slot::Target(i),
    }
    true
}

fn choose_place(form: &mut Form, i: usize, env: &BTreeSet<String>, right: bool) {
    let Some(field) = form.inputs.get(i).map(|x| x.field.clone()) else { return };
    let Some(secret) = form.secret(i) else { return };
    let places = secret.places(&field, env);
    let at = places.iter().position(|p| *p == secret.place).unwrap_or(0);
    let next = (at + if right { 1 } else { places.len() - 1 }) % places.len();
    secret.place = places[next].clone();
    form.touched(Slot::Place(i));
}

fn choose(form: &mut Form, i: usize, right: bool) {
    let Some(input) = form.inputs.get_mut(i) else { return };
    let optional = !input.field.required && input.field.default.is_none();
    let Kind::Choice(options, at) = &mut input.kind else { return };
    let count = options.len();
    *at = match (*at, right) {
        (None, true) => Some(0),
        (None, false) => Some(count - 1),
        (Some(n), true) if n + 1 < count => Some(n + 1),
        (Some(n), false) if n > 0 => Some(n - 1),
        (Some(_), _) if optional => None,
        (Some(_), true) => Some(0),
        (Some(_), false) => Some(count - 1),
    };
    form.touched(Slot::Field(i));
}

/// Backspace on an empty item takes the line away. `false`: it is not empty, or the only one.
pub fn remove_empty(form: &mut Form, i: usize, item: usize) -> bool {
    let Some(Kind::List(items)) = form.inputs.get_mut(i).map(|x| &mut x.kind) else { return false };
    if items.len() < 2 || !items.get(item).is_some_and(TextField::is_empty) {
        return false;
    }
    items.remove(item);
    form.touched(Slot::Item(i, item));
    form.focus = Slot::Item(i, item.saturating_sub(1));
    true
}

/// Applies a paste to the value under the focus.
pub fn paste(form: &mut Form, text: &str) {
    if let Slot::Place(i) = form.focus {
        into_place(form, i);
    }
    let slot = form.focus;
    if let Slot::Item(i, item) = slot
        && paste::lines(text).nth(1).is_some()
    {
        paste_items(form, i, item, text);
        return;
    }
    // A key file has many lines, and is one secret.
    let file = matches!(slot, Slot::Secret(_)).then(|| file_in_one_line(text)).flatten();
    let text = file.as_ref().map_or(text, |line| line.as_str());
    let note = match paste::line(text) {
        Pasted::Refused(why) => Some(why),
        Pasted::Line(text, trimmed) => {
            let mut replaced = false;
            let taken = match slot {
                // What lies under the mask cannot be edited: a second paste means another secret, not more of the first.
                Slot::Secret(i) => form.secret(i).is_some_and(|secret| {
                    replaced = !secret.value.is_empty();
                    secret.value.replace(text)
                }),
                slot => match form.text(slot) {
                    Some(field) if field.value().len() + text.len() <= text_field::MAX => {
                        field.paste(text);
                        true
                    }
                    Some(_) => false,
                    // A choice is not typed.
                    None => return,
                },
            };
            if taken {
                form.touched(slot);
                match (replaced, trimmed) {
                    (true, _) => Some("the paste replaced what was there".to_owned()),
                    (false, true) => Some("white space around the paste was left out".to_owned()),
                    (false, false) => None,
                }
            } else {
                Some("not pasted: it is longer than this field takes".to_owned())
            }
        }
    };
    form.note = note.map(|note| (slot, note));
}

fn paste_items(form: &mut Form, i: usize, item: usize, text: &str) {
    let Some(Kind::List(items)) = form.inputs.get_mut(i).map(|x| &mut x.kind) else { return };
    let at = if items.get(item).is_some_and(TextField::is_empty) {
        items.remove(item);
        item
    } else {
        (item + 1).min(items.len())
    };
    let room = ITEMS.saturating_sub(items.len());
    let new: Vec<_> = paste::lines(text).take(room).map(TextField::new).collect();
    let count = new.len();
    items.splice(at..at, new);
    if items.is_empty() {
        items.push(TextField::default());
    }
    let last = Slot::Item(i, (at + count).saturating_sub(1).min(items.len() - 1));
    form.focus = last;
    form.touched(last);
    form.note = Some((last, format!("{count} lines pasted, one item each")));
}
