//! The parameters of an action, compiled.

use super::super::{
    Param, ParamKind,
    source::{self, Kind},
};
use crate::providers::{Field, compile::Complaints};
use indexmap::IndexMap;

/// Compiles a form, every complaint told.
pub(super) fn compile(
    c: &mut Complaints<'_>,
    source: IndexMap<String, source::Param>,
    fields: &IndexMap<String, Field>,
    at: Option<usize>,
) -> IndexMap<String, Param> {
    let mut params = IndexMap::new();
    for (name, p) in source {
        let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if !plain {
            c.at(at, format!("'{name}' is not a parameter's name: lower-case letters, digits and '_'"));
        }
        if fields.contains_key(&name) {
            c.at(at, format!("the parameter '{name}' has the name of a field: give it another"));
        }
        let pattern = p.pattern.as_ref().and_then(|pattern| {
            let read = regex_lite::Regex::new(pattern.get_ref());
            let wrong = |e| {
                c.at(Some(pattern.span().start), format!("the pattern of '{name}' is not a regular expression: {e}"))
            };
            read.map_err(wrong).ok()
        });
        let param = Param {
            name: name.clone(),
            label: p.label,
            help: p.help,
            kind: kind(p.kind),
            required: p.required,
            list: p.list,
            default: p.default.as_ref().map(|d| d.get_ref().clone()),
            choices: p.choices,
            pattern,
            example: p.example,
        };
        if let Some(default) = &p.default
            && let Err(why) = param.try_text(default.get_ref())
        {
            c.at(Some(default.span().start), format!("the default of '{name}' {why}"));
        }
        params.insert(name, param);
    }
    params
}

fn kind(kind: Kind) -> ParamKind {
    match kind {
        Kind::Text => ParamKind::Text,
        Kind::Int => ParamKind::Int,
        Kind::Number => ParamKind::Number,
        Kind::Bool => ParamKind::Bool,
        Kind::Json => ParamKind::Json,
        Kind::Path => ParamKind::Path,
        Kind::Base64 => ParamKind::Base64,
        Kind::File => ParamKind::File,
    }
}
