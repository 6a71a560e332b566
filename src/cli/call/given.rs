//! Parameters from the command line: `key=value` as it stands, `key@file` for what a file holds.

use crate::{
    cli::{Exit, Failure},
    model::text::sanitize,
    providers::action::{Action, Given, ParamKind},
};
use std::{io::Read, path::Path};

/// Most bytes taken from a file that becomes a parameter; a parameter of the kind `file` is streamed and has no limit.
const LARGEST: u64 = 1 << 20;

/// Reads the words after the action's name.
pub fn read(words: &[String], action: &Action) -> Result<Given, Failure> {
    let mut given = Given::new();
    for word in words {
        let Some(at) = word.find(['=', '@']) else {
            let why = format!("'{}' is no parameter: write key=value, or key@file", sanitize(word, 60));
            return Err(Failure::new(Exit::Usage, why));
        };
        let (name, value) = (&word[..at], &word[at + 1..]);
        let streamed = action.params.get(name).is_some_and(|p| p.kind == ParamKind::File);
        let known = action.params.contains_key(name);
        let value = match word.as_bytes()[at] {
            b'@' if known && !streamed => bytes(Path::new(value))?,
            _ => value.as_bytes().to_vec(),
        };
        given.entry(name.to_owned()).or_default().push(value);
    }
    Ok(given)
}

/// What a file holds; `-` is standard input.
fn bytes(file: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |why: String| Failure::new(Exit::Failed, format!("'{}' {why}", file.display()));
    let mut bytes = Vec::new();
    let source: Box<dyn Read> = match file.to_str() {
        Some("-") => Box::new(std::io::stdin()),
        _ => Box::new(std::fs::File::open(file).map_err(|e| failed(format!("cannot be read: {e}")))?),
    };
    source.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|e| failed(format!("cannot be read: {e}")))?;
    if bytes.len() as u64 > LARGEST {
        return Err(failed("is larger than 1 MiB".to_owned()));
    }
    Ok(bytes)
}

/// The same as text.
pub fn text(file: &Path) -> Result<String, Failure> {
    String::from_utf8(bytes(file)?)
        .map_err(|_| Failure::new(Exit::Failed, format!("'{}' is not text (UTF-8)", file.display())))
}
