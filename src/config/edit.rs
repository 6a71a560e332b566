//! Changes to config.toml that keep its comments and order.

mod document;
mod values;

use super::{
    Diagnostic,
    file::read_text,
    paths::write_private,
    schema::{Raw, Value as Read},
    settings, suggest,
};
use crate::model::{Integration, text::sanitize};
use std::{
    fs::{File, TryLockError},
    io,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    time::{Duration, Instant},
};
use toml_edit::{Item, Table, Value};

const LOCK_PATIENCE: Duration = Duration::from_secs(10);

/// What an edit could not do.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum EditError {
    #[error("{0}")]
    Syntax(super::Diagnostic),
    #[error("cannot write '{path}': {source}")]
    Io { path: String, source: std::io::Error },
    #[error("there is already an integration '{0}'; choose another id, or remove that one first")]
    Exists(String),
    #[error("{0}")]
    Invalid(String),
}

/// Adds or replaces `[integrations.ID]`; keys equal to `defaults` are left out; `rename_from` moves a table.
/// Reads the file anew, locks against other writers, writes atomically. Keys and fields whose value is the same stay
/// as they are written; keys that Lampboard does not know stay too.
///
/// # Errors
/// The file is not valid TOML, cannot be read or written, or another integration has the new id.
pub fn upsert(
    file: &Path,
    integration: &Integration,
    defaults: &super::Settings,
    rename_from: Option<&str>,
) -> Result<(), EditError> {
    change(file, |document| {
        let id = integration.id.as_str();
        let integrations = document.integrations()?;
        if let Some(old) = rename_from.filter(|old| *old != id) {
            if integrations.contains_key(id) {
                return Err(EditError::Exists(id.to_owned()));
            }
            document::rename(integrations, old, id);
        }
        let integrations = document.integrations()?;
        if integrations.get(id).is_none_or(Item::is_none) {
            integrations.insert(id, Item::Table(Table::new()));
        }
        let table = integrations.get_mut(id).and_then(Item::as_table_like_mut).ok_or_else(|| {
            EditError::Invalid(format!("'integrations.{id}' in config.toml is not a table; mend it by hand first"))
        })?;
        values::write(table, integration, defaults);
        Ok(())
    })
}

/// Removes a table and returns its text, so that [`restore`] can undo it. `None`: there was none.
///
/// # Errors
/// The file is not valid TOML, or cannot be read or written.
pub fn remove(file: &Path, id: &str) -> Result<Option<String>, EditError> {
    let mut removed = None;
    change(file, |document| {
        removed = document.take(id)?;
        Ok(())
    })?;
    Ok(removed)
}

/// Puts a removed table's text back, where it was.
///
/// # Errors
/// The file is not valid TOML, cannot be read or written, or has an integration of that id again.
pub fn restore(file: &Path, text: &str) -> Result<(), EditError> {
    change(file, |document| document.put_back(text))
}

/// Sets one key of one table (`ui`, `theme`, "nord"), keeping comments.
///
/// # Errors
/// There is no such key, or it takes other values; the file is not valid TOML, or cannot be read or written.
pub fn set(file: &Path, table: &str, key: &str, value: &str) -> Result<(), EditError> {
    let new: Value = if table == "keys" {
        if key.is_empty() || sanitize(key, 64) != key || sanitize(value, 64) != value {
            return Err(EditError::Invalid("a key must be a chord such as ctrl-t, with an action".to_owned()));
        }
        value.into()
    } else {
        let row = settings::find(table, key).ok_or_else(|| {
            let known = settings::TABLES.into_iter().chain(["keys"]);
            EditError::Invalid(match suggest::nearest(table, known) {
                Some(known) if known == table => settings::unknown_key(table, key),
                _ => format!("there is no table of settings '{}' in config.toml", sanitize(table, 40)),
            })
        })?;
        let read = row.rule.read(Raw::Variable(value));
        match read.map_err(|wanted| EditError::Invalid(format!("{key} must be {wanted}")))? {
            Read::Count(count) => i64::from(settings::small(count)).into(),
            Read::Flag(flag) => flag.into(),
            Read::Span(span) => super::duration::text(span).into(),
            Read::Text(text) => text.into(),
        }
    };
    change(file, |document| {
        let target = document.table(table)?;
        values::put(target, key, new.clone());
        Ok(())
    })
}

/// Read, change, write, under a lock that other processes keep too. What does not change is not written.
fn change(file: &Path, edit: impl FnOnce(&mut document::Document) -> Result<(), EditError>) -> Result<(), EditError> {
    let failed = |source| EditError::Io { path: sanitize(&file.to_string_lossy(), 1024), source };
    let _lock = lock(file).map_err(failed)?;
    let text = read_text(file).map_err(EditError::Syntax)?;
    let mut document = document::Document::parse(file, &text)?;
    edit(&mut document)?;
    let new = document.to_string();
    if new == text {
        return Ok(());
    }
    // A faulty edit must not reach the disk: the file would be refused at the next start.
    if let Err(complaint) = document::Document::parse(file, &new) {
        return Err(EditError::Invalid(format!("the change would break the file and was not made; {complaint}")));
    }
    write_private(file, new.as_bytes()).map_err(failed)
}

/// Locks `.config.toml.lock` beside the file, for as long as the handle lives.
fn lock(file: &Path) -> io::Result<File> {
    let mut name = std::ffi::OsString::from(".");
    name.push(file.file_name().ok_or_else(|| io::Error::other("it names no file"))?);
    name.push(".lock");
    let path = file.with_file_name(name);
    let lock = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
        .open(&path)?;
    let start = Instant::now();
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(lock),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if start.elapsed() > LOCK_PATIENCE => {
                return Err(io::Error::other(
                    "another program has held its lock for 10 s; end or resume it, then try again",
                ));
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}

fn syntax(file: &Path, text: &str, error: &toml_edit::TomlError) -> EditError {
    let source = super::diagnostic::Source::new(file, text);
    let message = format!("not valid TOML: {}; mend this first, the file was left as it is", error.message());
    let complaint: Diagnostic = source.complaint(Some(error.span().unwrap_or(0..0)), message);
    EditError::Syntax(complaint)
}

#[cfg(test)]
mod tests;
