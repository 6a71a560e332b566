//! Saves a call's result in a file of its own: never over another, open to nobody else.

use std::{
    fs::OpenOptions,
    io::{ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
};

/// Writes a new file. Gives its path, or a sentence why not.
pub fn result(file: &str, text: &str) -> Result<String, String> {
    let path = match (file.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => PathBuf::from(file),
    };
    let shown = path.display().to_string();
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
    let mut made = made.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => format!("'{shown}' is there already: choose another name"),
        _ => format!("'{shown}' cannot be written: {error}"),
    })?;
    let written = made.write_all(text.as_bytes()).and_then(|()| made.sync_all());
    written.map_err(|error| {
        let _ = std::fs::remove_file(&path);
        format!("'{shown}' cannot be written: {error}")
    })?;
    Ok(shown)
}

#[cfg(test)]
mod tests {
    use super::result;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn a_result_is_private_and_replaces_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("r.csv").display().to_string();
        assert_eq!(result(&file, "a\r\n"), Ok(file.clone()));
        assert_eq!(std::fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
        assert!(result(&file, "b").unwrap_err().contains("there already"));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "a\r\n");
        assert!(result("/nonexistent/x.csv", "b").unwrap_err().contains("/nonexistent/x.csv"));
    }
}
