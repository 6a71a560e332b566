//! The file as a document: tables by name, moved, taken out and put back.

use super::EditError;
use std::path::Path;
use toml_edit::{DocumentMut, Item, Table, TableLike};

/// Names, in a removed table's text, the integration that stood after it.
const BEFORE: &str = "# stood before: ";

/// config.toml, comments and order included.
#[derive(Debug)]
pub(super) struct Document(DocumentMut);

impl std::fmt::Display for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl Document {
    pub(super) fn parse(file: &Path, text: &str) -> Result<Document, EditError> {
        text.parse().map(Document).map_err(|error| super::syntax(file, text, &error))
    }

    /// A top-level table, made at need.
    pub(super) fn table(&mut self, name: &str) -> Result<&mut dyn TableLike, EditError> {
        let item = self.0.entry(name).or_insert_with(|| Item::Table(Table::new()));
        item.as_table_like_mut()
            .ok_or_else(|| EditError::Invalid(format!("'{name}' in config.toml is not a table; mend it by hand first")))
    }

    /// The table of integrations, made at need (without a header of its own).
    pub(super) fn integrations(&mut self) -> Result<&mut dyn TableLike, EditError> {
        if !self.0.contains_key("integrations") {
            let mut table = Table::new();
            table.set_implicit(true);
            self.0.insert("integrations", Item::Table(table));
        }
        self.table("integrations")
    }

    /// Takes an integration out, as text that [`Document::put_back`] understands.
    pub(super) fn take(&mut self, id: &str) -> Result<Option<String>, EditError> {
        if !self.0.contains_key("integrations") {
            return Ok(None);
        }
        let integrations = self.integrations()?;
        let Some(position) = integrations.iter().position(|(key, _)| key == id) else { return Ok(None) };
        let next = integrations.iter().nth(position + 1).map(|(key, _)| key.to_owned());
        let Some(item) = integrations.remove(id) else { return Ok(None) };
        let mut alone = Document(DocumentMut::new());
        alone.integrations()?.insert(id, item);
        let body = alone.to_string();
        Ok(Some(match next {
            Some(next) => format!("{BEFORE}{next}\n{body}"),
            None => body,
        }))
    }

    /// Puts an integration back, before the one it stood before if that is still there, else at the end.
    pub(super) fn put_back(&mut self, text: &str) -> Result<(), EditError> {
        let (before, body) = match text.strip_prefix(BEFORE).and_then(|rest| rest.split_once('\n')) {
            Some((next, body)) => (Some(next), body),
            None => (None, text),
        };
        let mut alone = Document::parse(Path::new("the removed integration"), body)?;
        let removed = alone.integrations()?;
        let ids: Vec<String> = removed.iter().map(|(key, _)| key.to_owned()).collect();
        for id in ids {
            let Some(mut item) = removed.remove(&id) else { continue };
            let integrations = self.integrations()?;
            if integrations.contains_key(&id) {
                return Err(EditError::Exists(id));
            }
            let next =
                before.and_then(|next| integrations.get(next)).and_then(Item::as_table).and_then(Table::position);
            if let (Some(next), Item::Table(table)) = (next, &mut item) {
                // Tables are written in the order of their positions: twice as many leave room between any two.
                position(self.0.as_table_mut(), &|old| old.map(|old| old * 2));
                position(table, &|_| Some(next * 2 - 1));
            } else if let Item::Table(table) = &mut item {
                position(table, &|_| None);
            }
            self.integrations()?.insert(&id, item);
        }
        Ok(())
    }
}

/// Gives a table another key, leaving it where it stands.
pub(super) fn rename(tables: &mut dyn TableLike, old: &str, new: &str) {
    if let Some(item) = tables.remove(old) {
        tables.insert(new, item);
    }
}

fn position(table: &mut Table, new: &dyn Fn(Option<isize>) -> Option<isize>) {
    table.set_position(new(table.position()));
    for (_, item) in table.iter_mut() {
        match item {
            Item::Table(table) => position(table, new),
            Item::ArrayOfTables(tables) => tables.iter_mut().for_each(|table| position(table, new)),
            _ => {}
        }
    }
}
