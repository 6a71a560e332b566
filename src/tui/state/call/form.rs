//! The form of an action's parameters.

use super::Offer;
use crate::{
    providers::action::{BadArgument, Call, FREE, Given, Param, ParamKind, arguments::judge, free_call},
    tui::widgets::text_field::TextField,
};
use indexmap::IndexMap;

/// What stands between several values of one parameter.
pub const BETWEEN: char = ';';

/// The form.
#[derive(Debug)]
pub struct CallForm {
    /// The action's name, or the free request's.
    pub action: String,
    /// For people.
    pub label: String,
    /// One sentence.
    pub help: String,
    /// It is asked about first.
    pub dangerous: bool,
    /// The parameters, in the order of the definition.
    pub params: IndexMap<String, Param>,
    /// What is typed, one for each parameter.
    pub fields: Vec<TextField>,
    /// The field with the cursor.
    pub focus: usize,
    /// First field shown.
    pub offset: usize,
    /// What is wrong, by parameter.
    pub wrong: Vec<BadArgument>,
    /// The call that is asked about; the flag: the focus is on "do it".
    pub asking: Option<(Box<Call>, bool)>,
    /// The list of actions is in front again.
    pub put_away: bool,
}

impl CallForm {
    /// With the defaults filled in.
    pub fn new(offer: Offer, help: String, params: IndexMap<String, Param>) -> CallForm {
        let fields = params.values().map(|p| TextField::new(p.default.as_deref().unwrap_or_default())).collect();
        CallForm {
            action: offer.name,
            label: offer.label,
            help,
            dangerous: offer.dangerous,
            params,
            fields,
            focus: 0,
            offset: 0,
            wrong: Vec::new(),
            asking: None,
            put_away: false,
        }
    }

    /// The parameter with the cursor.
    pub fn focused(&self) -> Option<&Param> {
        self.params.get_index(self.focus).map(|(_, p)| p)
    }

    /// The values to leaf through, where there is a choice.
    pub fn choices(param: &Param) -> Vec<String> {
        let own = if param.kind == ParamKind::Bool {
            vec!["true".to_owned(), "false".to_owned()]
        } else {
            param.choices.clone()
        };
        let none = (!own.is_empty() && !param.required && param.default.is_none()).then(String::new);
        none.into_iter().chain(own).collect()
    }

    /// Leafs through the choices of the focused field. `false`: it has none.
    pub fn leaf(&mut self, by: isize) -> bool {
        let Some(choices) = self.focused().map(CallForm::choices).filter(|c| !c.is_empty()) else { return false };
        let Some(field) = self.fields.get_mut(self.focus) else { return false };
        let len = choices.len().cast_signed();
        let at = choices.iter().position(|c| c == field.value()).map_or(-1, usize::cast_signed);
        let next = (at + by).rem_euclid(len).cast_unsigned();
        field.set(&choices[next]);
        true
    }

    /// The call that is filled in. On complaints they are kept, and the first one's field has the cursor.
    pub fn call(&mut self) -> Option<Call> {
        let mut given = Given::new();
        for ((name, param), field) in self.params.iter().zip(&self.fields) {
            let text = field.value();
            let values: Vec<Vec<u8>> = match param.list {
                true => text.split(BETWEEN).map(|v| v.trim().as_bytes().to_vec()).collect(),
                false => vec![text.as_bytes().to_vec()],
            };
            given.insert(name.clone(), values);
        }
        match judge(&self.params, &given) {
            Ok(values) if self.action == FREE => free_call(&values),
            Ok(values) => Some(Call::Action { name: self.action.clone(), values }),
            Err(wrong) => {
                let first = wrong.first().and_then(|w| self.params.get_index_of(&w.name));
                self.focus = first.unwrap_or(self.focus);
                self.wrong = wrong;
                None
            }
        }
    }

    /// What is wrong with a parameter.
    pub fn complaint(&self, name: &str) -> Option<String> {
        self.wrong.iter().find(|w| w.name == name).map(ToString::to_string)
    }
}
