//! The form of one integration: what is typed, where the focus is, how the last test went.

use super::{Defaults, Input, Kind, Slot, Trial, validate};
use crate::{
    model::{Integration, IntegrationId},
    monitor::{Draft, DraftValue, UsualValue},
    providers::{CodedKind, Definition, Probe},
    tui::widgets::text_field::TextField,
};
use indexmap::IndexMap;
use std::sync::Arc;

/// What the user must press a second time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirm {
    /// Saving without a passed test.
    Save,
    /// Throwing away what was typed.
    Discard,
}

/// A form.
#[derive(Debug)]
pub struct Form {
    /// Tells forms apart.
    pub serial: u64,
    /// The provider.
    pub definition: Arc<Definition>,
    /// The id it has in the file now, when it is an edit.
    pub original: Option<String>,
    /// The id.
    pub id: TextField,
    /// The user chose the id's text.
    pub id_touched: bool,
    /// The title shown.
    pub name: TextField,
    /// Labels, separated by commas.
    pub tags: TextField,
    /// Time between checks.
    pub interval: TextField,
    /// When the credential dies: `2026-12-31`.
    pub expires: TextField,
    /// One per field of the definition.
    pub inputs: Vec<Input>,
    /// Where the focus is.
    pub focus: Slot,
    /// Something to say about one slot: a paste was trimmed, or refused.
    pub note: Option<(Slot, String)>,
    /// Complaints are shown beside the fields (from the first attempt to test or save on).
    pub strict: bool,
    /// Something was typed.
    pub changed: bool,
    /// Grows with every change that a test depends on.
    pub version: u64,
    /// The last test.
    pub trial: Option<Trial>,
    /// The ladder has the keys (and, on a narrow screen, the place of the form).
    pub ladder: bool,
    /// A save is under way.
    pub saving: bool,
    /// Waiting for the second press.
    pub confirm: Option<Confirm>,
    /// Why the last save failed, or nothing can be tested or saved now.
    pub failure: Option<String>,
    /// First line shown.
    pub scroll: usize,
    base: Integration,
    extra: IndexMap<String, DraftValue>,
    defaults: Defaults,
}

impl Form {
    /// An empty form. `id` is a free one.
    pub fn new(serial: u64, definition: &Arc<Definition>, id: &str, defaults: Defaults) -> Option<Form> {
        let base = Integration {
            id: IntegrationId::new(id).ok()?,
            provider: definition.id.clone(),
            name: id.to_owned(),
            tags: Vec::new(),
            fields: IndexMap::new(),
            enabled: true,
            interval: defaults.interval,
            timeout: defaults.timeout,
            attempts: defaults.attempts,
            failures_to_open: defaults.failures_to_open,
            successes_to_close: defaults.successes_to_close,
            expires: None,
            ca_file: None,
            insecure: false,
            slow: None,
            needs_scopes: Vec::new(),
        };
        Some(Form::of(serial, definition, Draft { original: None, base, values: IndexMap::new() }, defaults))
    }

    /// A form filled with a draft.
    pub fn of(serial: u64, definition: &Arc<Definition>, draft: Draft, defaults: Defaults) -> Form {
        let Draft { original, base, mut values } = draft;
        let id = base.id.as_str().to_owned();
        let mut inputs: Vec<Input> = Vec::with_capacity(definition.fields.len());
        for field in definition.fields.values() {
            let first = !inputs.iter().any(|i| i.field.secret);
            let value = values.shift_remove(&field.name);
            inputs.push(Input::new(field, value.as_ref(), &entry_name(&id, &field.name, first)));
        }
        let mut form = Form {
            serial,
            definition: Arc::clone(definition),
            id_touched: original.is_some(),
            id: TextField::new(&id),
            name: TextField::new(if base.name == id { "" } else { &base.name }),
            tags: TextField::new(&base.tags.join(", ")),
            interval: TextField::new(&if base.interval == defaults.interval {
                String::new()
            } else {
                validate::span_text(base.interval)
            }),
            expires: TextField::new(&base.expires.map_or(String::new(), validate::date_text)),
            inputs,
            focus: Slot::Id,
            note: None,
            strict: false,
            changed: false,
            version: 0,
            trial: None,
            ladder: false,
            saving: false,
            confirm: None,
            failure: None,
            scroll: 0,
            base,
            extra: values,
            original,
            defaults,
        };
        // The first thing asked for that is not there yet is where the hands want to be.
        form.focus = form.first_gap().unwrap_or(Slot::Id);
        form
    }

    /// Fills plain fields that nobody touched with what lies where other programs keep it.
    pub fn take_over(&mut self, values: &[UsualValue]) {
        for found in values {
            if let Some(input) = self.inputs.iter_mut().find(|i| i.field.name == found.field) {
                input.take_over(found);
            }
        }
        if !self.changed && self.focus.input().is_some() {
            self.focus = self.first_gap().unwrap_or(self.focus);
        }
    }

    /// The text field under the focus. A secret has none.
    pub fn text(&mut self, slot: Slot) -> Option<&mut TextField> {
        match slot {
            Slot::Id => Some(&mut self.id),
            Slot::Name => Some(&mut self.name),
            Slot::Tags => Some(&mut self.tags),
            Slot::Interval => Some(&mut self.interval),
            Slot::Expires => Some(&mut self.expires),
            Slot::Field(i) => match &mut self.inputs.get_mut(i)?.kind {
                Kind::Text(text) => Some(text),
                _ => None,
            },
            Slot::Item(i, item) => match &mut self.inputs.get_mut(i)?.kind {
                Kind::List(items) => items.get_mut(item),
                _ => None,
            },
            Slot::Entry(i) => Some(&mut self.secret(i)?.entry),
            Slot::Target(i) => self.secret(i)?.target(),
            Slot::Place(_) | Slot::Secret(_) | Slot::Test | Slot::Save | Slot::Cancel => None,
        }
    }

    /// The secret of an input.
    pub fn secret(&mut self, i: usize) -> Option<&mut super::SecretInput> {
        match &mut self.inputs.get_mut(i)?.kind {
            Kind::Secret(secret) => Some(secret),
            _ => None,
        }
    }

    /// Notes that `slot` was changed by the user.
    pub fn touched(&mut self, slot: Slot) {
        self.changed = true;
        self.failure = None;
        if slot.input().is_some() && !matches!(slot, Slot::Entry(_)) {
            self.version += 1;
        }
        match slot {
            Slot::Id => {
                self.id_touched = true;
                self.name_entries();
            }
            Slot::Entry(i) => {
                if let Some(secret) = self.secret(i) {
                    secret.entry_touched = true;
                }
            }
            _ => {}
        }
    }

    /// Lets vault entries that nobody named follow the id.
    fn name_entries(&mut self) {
        let id = self.id.value().trim().to_owned();
        let mut first = true;
        for input in &mut self.inputs {
            if let Kind::Secret(secret) = &mut input.kind {
                if !secret.entry_touched {
                    secret.entry.set(&entry_name(&id, &input.field.name, first));
                }
                first = false;
            }
        }
    }

    /// Whether the content as it stands now has passed a test.
    pub fn proved(&self) -> bool {
        self.trial.as_ref().is_some_and(|t| t.passed() && t.version == self.version)
    }

    /// Rungs to expect of a test.
    pub fn expected_rungs(&self) -> &'static [&'static str] {
        match self.definition.probe {
            Probe::Http(_) | Probe::Coded(CodedKind::HttpAny) => &super::trial::RUNGS,
            Probe::Coded(_) => &[],
        }
    }

    /// What the definition's defaults and the board's say for the interval.
    pub fn usual_interval(&self) -> std::time::Duration {
        self.defaults.interval.max(self.definition.min_interval)
    }

    /// The draft as it stands. `None` while something in it is not valid: see [`validate::complaints`].
    pub fn draft(&self) -> Option<Draft> {
        let mut base = self.base.clone();
        base.id = IntegrationId::new(self.id.value().trim()).ok()?;
        base.name = match self.name.value().trim() {
            "" => base.id.as_str().to_owned(),
            name => name.to_owned(),
        };
        base.tags = tags(self.tags.value());
        base.interval = match self.interval.value().trim() {
            "" => self.defaults.interval,
            text => validate::span(text)?,
        };
        base.expires = match self.expires.value().trim() {
            "" => None,
            // The time of day the file gave is not the form's to change.
            text if self.base.expires.map(validate::date_text).as_deref() == Some(text) => self.base.expires,
            text => Some(validate::date(text)?),
        };
        let mut values = IndexMap::new();
        for input in &self.inputs {
            if let Some(value) = input.value() {
                values.insert(input.field.name.clone(), value);
            }
        }
        values.extend(self.extra.iter().map(|(name, value)| (name.clone(), value.clone())));
        Some(Draft { original: self.original.clone(), base, values })
    }
}

/// Labels without blanks around them, each once.
fn tags(text: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for tag in text.split([',', ';']).map(str::trim).filter(|t| !t.is_empty()) {
        if !out.iter().any(|t| t == tag) {
            out.push(tag.to_owned());
        }
    }
    out
}

/// The usual name of a vault entry: the id for the first secret, the id and the field for the others.
fn entry_name(id: &str, field: &str, first: bool) -> String {
    if first { id.to_owned() } else { format!("{id}-{}", field.to_lowercase()).chars().take(64).collect() }
}
