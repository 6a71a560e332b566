//! What lies where other programs keep it: values of plain fields, taken over into forms.

use crate::{model::text::sanitize, providers::Field, secrets::Resolver};

/// Longest value taken over, in bytes.
const LONGEST: usize = 500;

/// A value found at a usual place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsualValue {
    /// The field it is for.
    pub field: String,
    /// What is there; one line without control characters.
    pub value: String,
    /// Where: the name of a variable, or an `ini:` reference.
    pub place: String,
}

/// The first value of a plain field's usual places that would do.
pub async fn value(resolver: &Resolver, field: &Field) -> Option<UsualValue> {
    if field.secret || field.list {
        return None;
    }
    for place in field.usual() {
        let Some(found) = resolver.usual(place).await else { continue };
        let value = found.expose().trim();
        let clean = value.len() <= LONGEST && sanitize(value, LONGEST) == value;
        let allowed = field.choices.is_empty() || field.choices.iter().any(|c| c == value);
        if clean && allowed && !value.is_empty() {
            return Some(UsualValue { field: field.name.clone(), value: value.to_owned(), place: place.clone() });
        }
    }
    None
}
