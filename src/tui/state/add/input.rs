//! One input of a form: plain text, a choice, a list, or a secret and the place it goes to.

use crate::{
    model::{SecretRef, Tokens},
    monitor::{self, DraftValue, UsualValue},
    providers::Field,
    tui::widgets::{secret_field::SecretField, text_field::TextField},
};
use std::collections::BTreeSet;

/// Where a secret shall lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Where it lies now (edit only).
    Keep,
    /// Typed here, kept in the vault.
    Vault,
    /// A usual place that holds something right now: a variable's name, or an `ini:` reference.
    Found(String),
    /// An environment variable.
    Env,
    /// The first line of a file.
    File,
    /// The first line a program prints.
    Command,
    /// Any reference, as the file spells it.
    Reference,
}

/// A secret and its place.
#[derive(Debug)]
pub struct SecretInput {
    /// The place chosen.
    pub place: Place,
    /// What was typed for the vault.
    pub value: SecretField,
    /// The vault entry's name.
    pub entry: TextField,
    /// The user named the entry; it no longer follows the id.
    pub entry_touched: bool,
    /// The variable's name.
    pub env: TextField,
    /// The file's path.
    pub path: TextField,
    /// The program and its arguments.
    pub command: TextField,
    /// A whole reference.
    pub reference: TextField,
    /// Where it lies now.
    pub kept: Option<SecretRef>,
    /// What a sign-in gave, as long as the value is that of it.
    pub signed: Option<Box<Tokens>>,
}

impl SecretInput {
    /// Every place that can be chosen now, in the order of the arrow keys.
    pub fn places(&self, field: &Field, env: &BTreeSet<String>) -> Vec<Place> {
        let mut out = Vec::new();
        out.extend(self.kept.as_ref().map(|_| Place::Keep));
        out.push(Place::Vault);
        out.extend(field.usual().filter(|name| env.contains(*name)).cloned().map(Place::Found));
        out.extend([Place::Env, Place::File, Place::Command, Place::Reference]);
        // A variable that was chosen stays a choice, whatever the environment says later.
        if !out.contains(&self.place) {
            out.push(self.place.clone());
        }
        out
    }

    /// The text field that belongs to the place, if it has one.
    pub fn target(&mut self) -> Option<&mut TextField> {
        match self.place {
            Place::Env => Some(&mut self.env),
            Place::File => Some(&mut self.path),
            Place::Command => Some(&mut self.command),
            Place::Reference => Some(&mut self.reference),
            Place::Keep | Place::Vault | Place::Found(_) => None,
        }
    }

    /// The text of the place's field.
    pub fn target_text(&self) -> &str {
        match self.place {
            Place::Env => self.env.value(),
            Place::File => self.path.value(),
            Place::Command => self.command.value(),
            Place::Reference => self.reference.value(),
            Place::Keep | Place::Vault | Place::Found(_) => "",
        }
        .trim()
    }

    /// What the draft gets; `None`: nothing was given.
    pub fn value(&self) -> Option<DraftValue> {
        let text = self.target_text();
        let reference =
            |make: fn(String) -> SecretRef| (!text.is_empty()).then(|| DraftValue::Reference(make(text.to_owned())));
        match &self.place {
            Place::Keep => self.kept.clone().map(DraftValue::Reference),
            Place::Vault => (!self.value.is_empty()).then(|| {
                let (secret, place) =
                    (self.value.secret(), monitor::Place::Vault(self.entry.value().trim().to_owned()));
                // Whoever changed what came from a sign-in typed something else.
                match self.signed.as_ref().filter(|tokens| tokens.access == secret) {
                    Some(tokens) => DraftValue::Signed(tokens.clone(), place),
                    None => DraftValue::Typed(secret, place),
                }
            }),
            Place::Found(name) => Some(DraftValue::Reference(SecretRef::of_place(name))),
            Place::Env => reference(SecretRef::Env),
            Place::File => reference(SecretRef::File),
            Place::Command => reference(SecretRef::Cmd),
            Place::Reference => text.parse().ok().map(DraftValue::Reference),
        }
    }
}

/// What an input is made of.
#[derive(Debug)]
pub enum Kind {
    /// One line.
    Text(TextField),
    /// One of several; `None`: none chosen.
    Choice(Vec<String>, Option<usize>),
    /// One line per item; never without a line.
    List(Vec<TextField>),
    /// A secret.
    Secret(Box<SecretInput>),
}

/// One input of a form.
#[derive(Debug)]
pub struct Input {
    /// What the definition says about it.
    pub field: Field,
    /// What was typed.
    pub kind: Kind,
    /// The field's pattern, if it is a good one.
    pub pattern: Option<regex_lite::Regex>,
    /// The file has a value for it already (edit).
    pub was_set: bool,
    /// What was taken over from a usual place, if it was.
    pub taken: Option<UsualValue>,
}

impl Input {
    /// An empty input, or one filled with the value it has now. `entry` is the usual name of its vault entry.
    pub fn new(field: &Field, value: Option<&DraftValue>, entry: &str) -> Self {
        let plain = match value {
            Some(DraftValue::Text(text)) => text.clone(),
            Some(DraftValue::List(items)) => items.join("\n"),
            Some(DraftValue::Reference(reference)) if !field.secret => reference.to_string(),
            _ => String::new(),
        };
        let kind = if field.secret {
            let kept = match value {
                Some(DraftValue::Reference(reference)) => Some(reference.clone()),
                _ => None,
            };
            let named = match &kept {
                Some(SecretRef::Vault(name)) => name.as_str(),
                _ => entry,
            };
            let mut secret = SecretInput {
                place: if kept.is_some() { Place::Keep } else { Place::Vault },
                value: SecretField::default(),
                entry: TextField::new(named),
                entry_touched: matches!(kept, Some(SecretRef::Vault(_))),
                env: TextField::new(field.env.first().map_or("", String::as_str)),
                path: TextField::default(),
                command: TextField::default(),
                reference: TextField::default(),
                kept,
                signed: None,
            };
            if let Some(DraftValue::Typed(typed, monitor::Place::Vault(name))) = value {
                secret.value.push_str(typed.expose());
                secret.entry.set(name);
            }
            Kind::Secret(Box::new(secret))
        } else if field.list {
            let text = if value.is_some() { plain } else { field.default.clone().unwrap_or_default() };
            Kind::List(text.split('\n').map(TextField::new).collect())
        } else if !field.choices.is_empty() {
            let mut options = field.choices.clone();
            let wanted = if value.is_some() { Some(plain) } else { field.default.clone() };
            let at = wanted.filter(|w| !w.is_empty()).map(|wanted| match options.iter().position(|o| *o == wanted) {
                Some(at) => at,
                None => {
                    options.push(wanted);
                    options.len() - 1
                }
            });
            Kind::Choice(options, at)
        } else {
            Kind::Text(TextField::new(&plain))
        };
        let pattern = field.pattern.as_deref().and_then(|p| regex_lite::Regex::new(p).ok());
        Input { field: field.clone(), kind, pattern, was_set: value.is_some(), taken: None }
    }

    /// Takes a value over, if there is none yet.
    pub fn take_over(&mut self, found: &UsualValue) {
        if self.was_set {
            return;
        }
        match &mut self.kind {
            Kind::Text(text) if text.value().is_empty() => text.set(&found.value),
            Kind::Choice(options, at) if at.and_then(|at| options.get(at)) == self.field.default.as_ref() => {
                let Some(found) = options.iter().position(|o| *o == found.value) else { return };
                *at = Some(found);
            }
            _ => return,
        }
        self.taken = Some(found.clone());
    }

    /// Where its value was taken from, as long as it is that one.
    pub fn taken_from(&self) -> Option<&str> {
        let taken = self.taken.as_ref()?;
        let now = match &self.kind {
            Kind::Text(text) => text.value(),
            Kind::Choice(options, at) => options.get((*at)?)?,
            Kind::List(_) | Kind::Secret(_) => return None,
        };
        (now == taken.value).then_some(&*taken.place)
    }

    /// What the draft gets; `None`: nothing was given, and the default holds if there is one.
    pub fn value(&self) -> Option<DraftValue> {
        match &self.kind {
            Kind::Text(text) => {
                let text = text.value().trim();
                (!text.is_empty()).then(|| DraftValue::Text(text.to_owned()))
            }
            Kind::Choice(options, at) => {
                let chosen = options.get((*at)?)?;
                // A default that was never touched need not be written down.
                let untold = !self.was_set && self.field.default.as_ref() == Some(chosen);
                (!untold).then(|| DraftValue::Text(chosen.clone()))
            }
            Kind::List(items) => {
                // Within an item blanks may matter: it can be an argument.
                let items: Vec<_> =
                    items.iter().map(TextField::value).filter(|i| !i.is_empty()).map(str::to_owned).collect();
                (!items.is_empty()).then_some(DraftValue::List(items))
            }
            Kind::Secret(secret) => secret.value(),
        }
    }
}
