//! The search of every file of a home.

use super::home::Journey;

/// Where a secret lies because the user put it there: the only places of the home that may hold one, and whose.
const ALLOWED: [(&str, &[&str]); 8] = [
    ("app.ini", &["ini"]),
    ("key.json", &["key-file"]),
    ("passphrase.txt", &["passphrase"]),
    ("token.txt", &["file"]),
    ("printed.txt", &["cmd"]),
    ("credentials/token", &["credential"]),
    ("bare.toml", &["bare"]),
    ("identity.txt", &["identity"]),
];

/// What kind of place a file is.
fn sink(name: &str) -> &'static str {
    match name {
        "history.db" => "database",
        "history.db-wal" | "history.db-shm" => "WAL",
        "lampboard.log" | "lampboard.log.1" => "log",
        "audit.jsonl" | "audit.jsonl.1" => "audit",
        "config.toml" => "config",
        "vault.age" | "export.age" => "vault file",
        _ if name.ends_with(".cmdline") => "/proc/PID/cmdline",
        _ if name.ends_with(".environ") => "/proc/PID/environ",
        _ if name.ends_with(".csv") || name.ends_with(".json") => "saved results",
        _ => "other files",
    }
}

impl Journey {
    /// Searches every file of the home, names included.
    pub fn search_files(&mut self) {
        let home = self.path().to_owned();
        let mut folders = vec![home.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                let path = entry.path();
                let name = path.strip_prefix(&home).unwrap().to_string_lossy().into_owned();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                // The key that `vault unlock` leaves for the session lies there.
                let session: &[&str] = if name.starts_with("run/lampboard/vault-") { &["identity"] } else { &[] };
                let allowed = ALLOWED.iter().find(|(file, _)| *file == name).map_or(session, |(_, kinds)| kinds);
                let Ok(bytes) = std::fs::read(&path) else { continue };
                self.samples += usize::from(name.starts_with("samples/") && bytes.len() > 20);
                if bytes.is_empty() {
                    continue;
                }
                self.search(sink(&name), &name, &[name.as_bytes(), b"\n", &bytes].concat(), allowed);
            }
        }
    }

    /// What a key of the vault reads must turn up nowhere but in its file.
    pub fn keep_identities(&mut self) {
        let mut files = vec![self.file("identity.txt")];
        files.extend(std::fs::read_dir(self.file("run/lampboard")).into_iter().flatten().flatten().map(|e| e.path()));
        for text in files.iter().filter_map(|f| std::fs::read_to_string(f).ok()) {
            for key in text.lines().filter_map(|l| l.strip_prefix("AGE-SECRET-KEY-1")) {
                if !self.canaries.all.iter().any(|(_, known)| known == key) {
                    self.canaries.keep("identity", key, key);
                }
            }
        }
    }
}
