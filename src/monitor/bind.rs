//! Matches the configuration's entries with their definitions: unknown fields, missing fields, bare secrets.

use crate::{
    config::{Config, Diagnostic, diagnostic::shown_name, file::Entry, suggest},
    model::{FieldValue, Integration, SecretRef},
    providers::{Definition, Field, Registry},
};
use indexmap::IndexMap;
use std::{path::Path, sync::Arc};

/// An entry matched with its definition, or what is wrong with it.
pub type Bound = Result<(Integration, Arc<Definition>), Vec<Diagnostic>>;

/// Binds every entry; the good ones come back beside the complaints.
pub fn bind(config: &Config, registry: &Registry) -> (Vec<Integration>, Vec<Diagnostic>) {
    let (mut good, mut complaints) = (Vec::new(), Vec::new());
    for entry in &config.entries {
        match one(entry, registry, &config.file) {
            Ok((integration, _)) => good.push(integration),
            Err(found) => complaints.extend(found),
        }
    }
    (good, complaints)
}

/// Binds one entry. A bare secret in a secret field is a complaint that names the command which stores it, and never
/// quotes the value.
pub fn one(entry: &Entry, registry: &Registry, file: &Path) -> Bound {
    let id = &entry.integration.id;
    let complain = |key: &str, message: String| {
        let (line, column) = entry.positions.get(key).copied().unwrap_or((entry.line, 0));
        Diagnostic { file: file.to_owned(), line, column, message, source: None }
    };
    let provider = &entry.integration.provider;
    let Some(definition) = registry.get(provider) else {
        let near = suggest::hint(provider, registry.iter().map(|d| d.id.as_str()));
        let message = format!(
            "integration '{id}': no provider '{}'{near}; all of them: lampboard provider list",
            shown_name(provider)
        );
        return Err(vec![complain(".provider", message)]);
    };
    let mut wrong = Vec::new();
    let mut fields = IndexMap::new();
    for (name, value) in &entry.integration.fields {
        let Some(field) = definition.fields.get(name) else {
            let near = suggest::hint(name, definition.fields.keys().map(String::as_str));
            wrong.push(complain(
                name,
                format!("integration '{id}': {} has no field '{}'{near}", definition.name, shown_name(name)),
            ));
            continue;
        };
        match read(id.as_str(), field, value) {
            Ok(value) => {
                fields.insert(name.clone(), value);
            }
            Err(message) => wrong.push(complain(name, message)),
        }
    }
    for field in definition
        .fields
        .values()
        .filter(|f| f.required && f.default.is_none() && !fields.contains_key(f.name.as_str()))
    {
        // A secret that is not there yet is the board's business: it says so and offers the form.
        if !field.secret && !entry.positions.contains_key(&field.name) {
            wrong.push(complain(
                "",
                format!("integration '{id}': the field '{}' is missing ({})", field.name, field.label),
            ));
        }
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let mut integration = entry.integration.clone();
    integration.fields = fields;
    Ok((integration, definition.clone()))
}

fn read(id: &str, field: &Field, value: &FieldValue) -> Result<FieldValue, String> {
    let name = &field.name;
    if field.secret {
        return match value {
            FieldValue::Secret(reference) => Ok(FieldValue::Secret(reference.clone())),
            FieldValue::Text(text) => text.parse::<SecretRef>().map(FieldValue::Secret).map_err(|_| {
                format!(
                    "integration '{id}': the field '{name}' holds a secret in plain text, which config.toml must not. \
                     Store it with: lampboard secret set {id} — then write {name} = \"vault:{id}\""
                )
            }),
            FieldValue::List(_) => {
                Err(format!("integration '{id}': the field '{name}' takes a reference such as \"vault:{id}\""))
            }
        };
    }
    match value {
        FieldValue::List(_) if !field.list => {
            Err(format!("integration '{id}': the field '{name}' takes one value, not a list"))
        }
        FieldValue::Text(text) if field.list => Ok(FieldValue::List(vec![text.clone()])),
        FieldValue::Text(text) if !field.choices.is_empty() && !field.choices.contains(text) => Err(format!(
            "integration '{id}': '{}' is no choice for '{name}': write one of {}",
            shown_name(text),
            field.choices.join(", ")
        )),
        value => Ok(value.clone()),
    }
}
