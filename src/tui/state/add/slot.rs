//! Everything in a form that can have the focus, and how the focus moves.

use super::{Form, Kind, Place};

/// Something in the form that can have the focus. Numbers are those of the inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Slot {
    /// The id.
    Id,
    /// The title shown.
    Name,
    /// Labels.
    Tags,
    /// Time between checks.
    Interval,
    /// When the credential dies.
    Expires,
    /// A plain or a chosen value.
    Field(usize),
    /// One item of a list.
    Item(usize, usize),
    /// Where a secret goes.
    Place(usize),
    /// The secret itself.
    Secret(usize),
    /// The name of its vault entry.
    Entry(usize),
    /// Variable, path, command or reference.
    Target(usize),
    /// The button.
    Test,
    /// The button.
    Save,
    /// The button.
    Cancel,
}

impl Slot {
    /// The input it belongs to.
    pub fn input(self) -> Option<usize> {
        match self {
            Slot::Field(i) | Slot::Item(i, _) | Slot::Place(i) | Slot::Secret(i) | Slot::Entry(i) | Slot::Target(i) => {
                Some(i)
            }
            _ => None,
        }
    }

    /// Whether it is one of the buttons.
    pub fn is_button(self) -> bool {
        matches!(self, Slot::Test | Slot::Save | Slot::Cancel)
    }
}

impl Form {
    /// Whether the form asks when the credential dies.
    pub fn asks_expiry(&self) -> bool {
        self.inputs.iter().any(|i| i.field.secret)
    }

    /// Everything that can have the focus, from top to bottom.
    pub fn slots(&self) -> Vec<Slot> {
        let mut out = vec![Slot::Id];
        for (i, input) in self.inputs.iter().enumerate() {
            match &input.kind {
                Kind::Text(_) | Kind::Choice(..) => out.push(Slot::Field(i)),
                Kind::List(items) => out.extend((0..items.len()).map(|item| Slot::Item(i, item))),
                Kind::Secret(secret) => {
                    out.push(Slot::Place(i));
                    match secret.place {
                        Place::Vault => out.extend([Slot::Secret(i), Slot::Entry(i)]),
                        Place::Env | Place::File | Place::Command | Place::Reference => out.push(Slot::Target(i)),
                        Place::Keep | Place::Found(_) => {}
                    }
                }
            }
        }
        out.extend([Slot::Name, Slot::Tags, Slot::Interval]);
        if self.asks_expiry() {
            out.push(Slot::Expires);
        }
        out.extend([Slot::Test, Slot::Save, Slot::Cancel]);
        out
    }

    /// Moves the focus by `by` slots, around the ends.
    pub fn step(&mut self, by: isize) {
        let slots = self.slots();
        let at = slots.iter().position(|s| *s == self.focus).unwrap_or(0);
        let next = (at as isize + by).rem_euclid(slots.len() as isize);
        self.focus = slots.get(usize::try_from(next).unwrap_or(0)).copied().unwrap_or(Slot::Id);
    }

    /// Moves by `by` slots and stops at the ends.
    pub fn jump(&mut self, by: isize) {
        let slots = self.slots();
        let at = slots.iter().position(|s| *s == self.focus).unwrap_or(0);
        let next = at.saturating_add_signed(by).min(slots.len() - 1);
        self.focus = slots.get(next).copied().unwrap_or(Slot::Id);
    }

    /// Brings the focus back to something that exists.
    pub fn settle(&mut self) {
        let slots = self.slots();
        if !slots.contains(&self.focus) {
            let same = self.focus.input().and_then(|i| slots.iter().rev().find(|s| s.input() == Some(i)));
            self.focus = same.copied().unwrap_or(Slot::Id);
        }
    }

    /// The first slot that is required and empty.
    pub(super) fn first_gap(&self) -> Option<Slot> {
        self.slots().into_iter().find(|slot| {
            let Some(input) = slot.input().and_then(|i| self.inputs.get(i)) else { return false };
            input.field.required
                && input.field.default.is_none()
                && input.value().is_none()
                && !matches!(slot, Slot::Place(_))
        })
    }
}
