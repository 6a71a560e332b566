//! An integration being made or edited, before it is saved. Used by the form and by `lampboard add`.

use crate::model::{FieldValue, Integration, Secret, SecretRef, Tokens};
use indexmap::IndexMap;

/// Where a typed secret shall be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In the vault, under this name.
    Vault(String),
}

/// The value of one field of a draft. `Debug` shows no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DraftValue {
    /// Plain.
    Text(String),
    /// Plain list.
    List(Vec<String>),
    /// A secret that already lies somewhere.
    Reference(SecretRef),
    /// A secret just typed, and where to put it on save.
    Typed(Secret, Place),
    /// What a sign-in just gave, and where to put it on save.
    Signed(Box<Tokens>, Place),
}

/// An integration being made or edited.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The id it has in the file now, when it is an edit.
    pub original: Option<String>,
    /// The integration without its fields (`fields` is empty here).
    pub base: Integration,
    /// Its fields.
    pub values: IndexMap<String, DraftValue>,
}

impl Draft {
    /// The integration as it will stand in config.toml: typed secrets as references to where they will lie.
    pub fn integration(&self) -> Integration {
        let mut integration = self.base.clone();
        integration.fields = self
            .values
            .iter()
            .map(|(name, value)| {
                let value = match value {
                    DraftValue::Text(text) => FieldValue::Text(text.clone()),
                    DraftValue::List(list) => FieldValue::List(list.clone()),
                    DraftValue::Reference(reference) => FieldValue::Secret(reference.clone()),
                    DraftValue::Typed(_, Place::Vault(entry)) | DraftValue::Signed(_, Place::Vault(entry)) => {
                        FieldValue::Secret(SecretRef::Vault(entry.clone()))
                    }
                };
                (name.clone(), value)
            })
            .collect();
        integration
    }

    /// The secrets typed or signed in for, by field.
    pub fn typed(&self) -> IndexMap<String, Secret> {
        let typed = self.values.iter().filter_map(|(name, value)| match value {
            DraftValue::Typed(secret, _) => Some((name.clone(), secret.clone())),
            DraftValue::Signed(tokens, _) => Some((name.clone(), tokens.access.clone())),
            _ => None,
        });
        typed.collect()
    }

    /// A draft of an integration as it is.
    pub fn of(integration: &Integration) -> Draft {
        let values = integration.fields.iter().map(|(name, value)| {
            let value = match value {
                FieldValue::Text(text) => DraftValue::Text(text.clone()),
                FieldValue::List(list) => DraftValue::List(list.clone()),
                FieldValue::Secret(reference) => DraftValue::Reference(reference.clone()),
            };
            (name.clone(), value)
        });
        Draft {
            original: Some(integration.id.to_string()),
            base: Integration { fields: IndexMap::new(), ..integration.clone() },
            values: values.collect(),
        }
    }
}
