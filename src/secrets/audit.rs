//! The audit log: append-only JSON lines, 0600, told who did what to which secret and how it ended. Never a value.

use crate::model::text::sanitize;
use std::{
    fs::{self, OpenOptions},
    io::{self, BufRead, BufReader, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Mutex,
};

/// Size at which the log moves aside, in bytes; the last two files are kept beside the present one.
const ROTATE_AT: u64 = 1 << 20;
const KEPT: u32 = 2;
const NOFOLLOW: i32 = rustix::fs::OFlags::NOFOLLOW.bits() as i32;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Record {
    /// When.
    pub at: jiff::Timestamp,
    /// The user of the system.
    pub user: String,
    /// The process.
    pub pid: u32,
    /// What was done: `secret.set`, `secret.rotate`, `vault.unlock`, …
    pub action: String,
    /// To what: a vault entry, an integration, a file.
    pub target: String,
    /// `ok`, or why it failed.
    pub outcome: String,
}

/// Appends to one file.
#[derive(Debug)]
pub struct Audit {
    path: PathBuf,
    writing: Mutex<()>,
}

impl Audit {
    /// Into this file; it is made with the first line.
    pub fn new(path: &Path) -> Audit {
        Audit { path: path.to_owned(), writing: Mutex::new(()) }
    }

    /// Appends a line. A log that cannot be written is told in the program's log and stops nothing.
    pub fn tell(&self, action: &str, target: &str, outcome: Result<(), &str>) {
        let record = Record {
            at: jiff::Timestamp::now(),
            user: rustix::process::getuid().as_raw().to_string(),
            pid: std::process::id(),
            action: action.to_owned(),
            target: sanitize(target, 200),
            outcome: outcome.map_or_else(|why| sanitize(why, 300), |()| "ok".to_owned()),
        };
        if let Err(error) = self.append(&record) {
            tracing::warn!(%error, action, "the audit log cannot be written");
        }
    }

    fn append(&self, record: &Record) -> io::Result<()> {
        let mut line = serde_json::to_string(record).map_err(io::Error::other)?;
        line.push('\n');
        let _one = self.writing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if fs::metadata(&self.path).is_ok_and(|m| m.len() >= ROTATE_AT) {
            for number in (1..KEPT).rev() {
                let _ = fs::rename(self.numbered(number), self.numbered(number + 1));
            }
            fs::rename(&self.path, self.numbered(1))?;
        }
        let mut file =
            OpenOptions::new().append(true).create(true).mode(0o600).custom_flags(NOFOLLOW).open(&self.path)?;
        // One write: lines of several programs do not mix.
        file.write_all(line.as_bytes())
    }

    fn numbered(&self, number: u32) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{number}"));
        PathBuf::from(name)
    }

    /// The latest lines, oldest first, the kept files included. Lines that are not ours are left out.
    ///
    /// # Errors
    /// A file is there and cannot be read.
    pub fn latest(&self, count: usize) -> io::Result<Vec<Record>> {
        let mut records = Vec::new();
        let older = (1..=KEPT).rev().map(|n| self.numbered(n));
        for path in older.chain([self.path.clone()]) {
            match fs::File::open(&path) {
                Ok(file) => {
                    let lines = BufReader::new(file).lines().map_while(Result::ok);
                    records.extend(lines.filter_map(|line| serde_json::from_str(&line).ok()));
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        records.drain(..records.len().saturating_sub(count));
        Ok(records)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn lines_are_private_whole_and_rotated() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let audit = Audit::new(&path);
        audit.tell("secret.set", "git\nhub", Ok(()));
        audit.tell("vault.unlock", "vault", Err("the passphrase is wrong"));
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        let records = audit.latest(10).unwrap();
        assert_eq!(records.len(), 2);
        assert!(!records[0].target.contains('\n'));
        assert_eq!(records[1].outcome, "the passphrase is wrong");

        fs::OpenOptions::new().append(true).open(&path).unwrap().set_len(ROTATE_AT).unwrap();
        audit.tell("secret.remove", "github", Ok(()));
        assert!(path.with_extension("jsonl.1").exists());
        assert_eq!(audit.latest(1).unwrap()[0].action, "secret.remove");
    }

    #[test]
    fn lines_of_several_writers_stay_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        std::thread::scope(|scope| {
            for writer in 0..8 {
                let path = &path;
                scope.spawn(move || {
                    let audit = Audit::new(path);
                    (0..50).for_each(|n| audit.tell("secret.set", &format!("{writer}-{n}"), Ok(())));
                });
            }
        });
        assert_eq!(Audit::new(&path).latest(1000).unwrap().len(), 400);
    }
}
