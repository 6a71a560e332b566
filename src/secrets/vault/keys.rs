//! Where the vault's identity lies and how to get at it: a key file, a systemd credential, this session's copy, a
//! passphrase, the system's keyring. The first of these that is there is used.

use super::{Stamp, VaultError, file, identity, stamp};
use crate::{
    config::paths::write_private,
    model::Secret,
    secrets::{keyring, private::quoted, resolve::Environment},
};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};
use zeroize::Zeroizing;

/// How the vault is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// A 0600 file beside the vault.
    KeyFile,
    /// systemd's `lampboard-identity`.
    Credential,
    /// A passphrase, typed or from a file.
    Passphrase,
    /// The system's keyring.
    Keyring,
}

impl Method {
    /// For people.
    pub const fn label(self) -> &'static str {
        match self {
            Method::KeyFile => "key file",
            Method::Credential => "systemd credential",
            Method::Passphrase => "passphrase",
            Method::Keyring => "system keyring",
        }
    }
}

/// Where the identity shall lie from now on.
#[derive(Debug, Clone)]
pub enum Target {
    /// In a 0600 file.
    KeyFile,
    /// In a file sealed with this passphrase.
    Passphrase(Secret),
    /// In the system's keyring.
    Keyring,
}

/// What the identity was read from: while it is equal, nothing changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// A clear file.
    Clear(PathBuf, Option<Stamp>),
    /// What was unlocked here, from the sealed file as it was then.
    Held(Option<Stamp>),
    /// A sealed file, and the file with its passphrase.
    Sealed(Option<Stamp>, PathBuf, Option<Stamp>),
    /// The keyring.
    Keyring(Option<Stamp>),
}

/// What was unlocked, and the sealed file it came from as it was then.
type Held = (Option<Stamp>, Arc<Zeroizing<String>>);

/// The places.
pub(super) struct Keys {
    /// The clear key file.
    pub(super) clear: PathBuf,
    /// The sealed one.
    pub(super) sealed: PathBuf,
    /// Says that the keyring has it.
    marker: PathBuf,
    vault: PathBuf,
    env: Arc<Environment>,
    held: Mutex<Option<Held>>,
}

impl Keys {
    pub(super) fn new(clear: &Path, vault: &Path, env: Arc<Environment>) -> Keys {
        Keys {
            clear: clear.to_owned(),
            sealed: clear.with_extension("age"),
            marker: clear.with_extension("keyring"),
            vault: vault.to_owned(),
            env,
            held: Mutex::new(None),
        }
    }

    fn in_folder_of(&self, variable: &str, name: &str) -> Option<PathBuf> {
        let folder = (self.env)(variable).filter(|f| !f.is_empty())?;
        Some(Path::new(&folder).join(name))
    }

    /// The copy that `vault unlock` leaves for this session: on a file system in memory, gone at logout.
    pub(super) fn session(&self) -> Option<PathBuf> {
        let mut name = String::from("vault-");
        for byte in self
            .vault
            .to_string_lossy()
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
            .to_be_bytes()
        {
            name.push_str(&format!("{byte:02x}"));
        }
        Some(self.in_folder_of("XDG_RUNTIME_DIR", "lampboard")?.join(name))
    }

    fn passphrase_file(&self) -> Option<PathBuf> {
        let named = (self.env)("LAMPBOARD_PASSPHRASE_FILE").filter(|p| !p.is_empty()).map(PathBuf::from);
        named.or_else(|| self.in_folder_of("CREDENTIALS_DIRECTORY", "lampboard-passphrase").filter(|p| there(p)))
    }

    /// How the vault is opened; `None`: no identity anywhere.
    pub(super) fn method(&self) -> Option<Method> {
        let credential = self.in_folder_of("CREDENTIALS_DIRECTORY", "lampboard-identity");
        if there(&self.clear) {
            Some(Method::KeyFile)
        } else if credential.is_some_and(|p| there(&p)) {
            Some(Method::Credential)
        } else if there(&self.sealed) {
            Some(Method::Passphrase)
        } else if there(&self.marker) {
            Some(Method::Keyring)
        } else {
            None
        }
    }

    /// Where it can be read without asking anybody; `None`: locked, or nowhere.
    pub(super) fn source(&self) -> Option<Source> {
        let credential = self.in_folder_of("CREDENTIALS_DIRECTORY", "lampboard-identity");
        let clear = [Some(self.clear.clone()), credential, self.session()].into_iter().flatten().find(|p| there(p));
        if let Some(path) = clear {
            let stamp = stamp(&path);
            return Some(Source::Clear(path, stamp));
        }
        let sealed = stamp(&self.sealed);
        if self.held.lock().unwrap_or_else(PoisonError::into_inner).as_ref().is_some_and(|(s, _)| *s == sealed) {
            return Some(Source::Held(sealed));
        }
        if sealed.is_some() {
            let passphrase = self.passphrase_file()?;
            let of_passphrase = stamp(&passphrase);
            return Some(Source::Sealed(sealed, passphrase, of_passphrase));
        }
        there(&self.marker).then(|| Source::Keyring(stamp(&self.marker)))
    }

    /// The identity file's text.
    pub(super) fn read(&self, source: &Source) -> Result<Arc<Zeroizing<String>>, VaultError> {
        match source {
            Source::Clear(path, _) => Ok(Arc::new(text(file::read(path)?, path)?)),
            Source::Held(_) => {
                let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
                held.as_ref().map(|(_, text)| text.clone()).ok_or_else(|| self.locked())
            }
            Source::Sealed(_, passphrase, _) => {
                let read = text(file::read_trusted(passphrase)?, passphrase)?;
                let line = read.trim_end_matches(['\r', '\n']);
                self.open_sealed(&Secret::new(line.to_owned()))
            }
            Source::Keyring(_) => {
                let secret =
                    keyring::get(keyring::IDENTITY, &self.account()).map_err(|e| VaultError::new(e.to_string()))?;
                let secret = secret.ok_or_else(|| {
                    VaultError::new(
                        "the system's keyring no longer has the vault's identity; put your copy of the key file back"
                            .to_owned(),
                    )
                })?;
                let text = Arc::new(Zeroizing::new(secret.expose().to_owned()));
                self.hold(stamp(&self.sealed), text.clone());
                Ok(text)
            }
        }
    }

    /// Opens the sealed file and keeps what is in it.
    pub(super) fn open_sealed(&self, passphrase: &Secret) -> Result<Arc<Zeroizing<String>>, VaultError> {
        let before = stamp(&self.sealed);
        let sealed = file::read(&self.sealed)?;
        let text = Arc::new(identity::open_with_passphrase(&sealed, passphrase, &self.sealed)?);
        self.hold(before, text.clone());
        Ok(text)
    }

    fn hold(&self, stamp: Option<Stamp>, text: Arc<Zeroizing<String>>) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some((stamp, text));
    }

    /// Leaves a copy for this session's other programs.
    pub(super) fn keep_for_session(&self, text: &str) -> Result<PathBuf, VaultError> {
        let path = self.session().ok_or_else(|| {
            VaultError::new("this session has no folder of its own ($XDG_RUNTIME_DIR is not set), so the vault is open for this program alone".to_owned())
        })?;
        let folder = path.parent().unwrap_or(Path::new("/"));
        file::make_folder(folder)?;
        write_private(&path, text.as_bytes()).map_err(|e| file::failed("write", &path, &e))?;
        Ok(path)
    }

    /// Forgets what was unlocked. `false`: a clear key file opens the vault, so it cannot be locked.
    pub(super) fn forget(&self) -> Result<bool, VaultError> {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = None;
        if let Some(session) = self.session() {
            remove(&session)?;
        }
        Ok(!there(&self.clear))
    }

    /// Puts the identity where it shall lie.
    pub(super) fn store(&self, target: &Target, text: &str) -> Result<(), VaultError> {
        match target {
            Target::KeyFile => {
                write_private(&self.clear, text.as_bytes()).map_err(|e| file::failed("write", &self.clear, &e))
            }
            Target::Passphrase(passphrase) => {
                let sealed = identity::seal_with_passphrase(text.as_bytes(), passphrase).map_err(VaultError::new)?;
                write_private(&self.sealed, &sealed).map_err(|e| file::failed("write", &self.sealed, &e))?;
                self.hold(stamp(&self.sealed), Arc::new(Zeroizing::new(text.to_owned())));
                Ok(())
            }
            Target::Keyring => {
                keyring::set(keyring::IDENTITY, &self.account(), &Secret::new(text.to_owned()))
                    .map_err(|e| VaultError::new(e.to_string()))?;
                let note = b"The identity of the vault beside this file is in the system's keyring.\n";
                write_private(&self.marker, note).map_err(|e| file::failed("write", &self.marker, &e))
            }
        }
    }

    /// Removes every place but the target's.
    pub(super) fn remove_others(&self, target: &Target) -> Result<(), VaultError> {
        if !matches!(target, Target::KeyFile) {
            wipe(&self.clear)?;
        }
        if !matches!(target, Target::Passphrase(_)) {
            remove(&self.sealed)?;
        }
        if !matches!(target, Target::Keyring) && there(&self.marker) {
            // The entry itself may be out of reach by now; what it opened is gone.
            let _ = keyring::remove(keyring::IDENTITY, &self.account());
            remove(&self.marker)?;
        }
        if let Some(session) = self.session() {
            remove(&session)?;
        }
        Ok(())
    }

    pub(super) fn remove_sealed(&self) -> Result<(), VaultError> {
        remove(&self.sealed)
    }

    /// Places that are asked before the target, and would hide it.
    pub(super) fn ahead_of(&self, target: &Target) -> Ahead {
        Ahead {
            clear: !matches!(target, Target::KeyFile) && there(&self.clear),
            sealed: matches!(target, Target::Keyring) && there(&self.sealed),
        }
    }

    fn account(&self) -> String {
        self.vault.to_string_lossy().into_owned()
    }

    /// The error of a vault that waits for its key.
    pub(super) fn locked(&self) -> VaultError {
        let message = if there(&self.sealed) {
            "the vault is locked: unlock it with its passphrase (key U on the board, or: lampboard vault unlock)"
                .to_owned()
        } else {
            format!(
                "the vault is locked: its identity file {} is not there; put your copy of it back (mode 600)",
                quoted(&self.clear)
            )
        };
        VaultError { message, locked: true }
    }
}

/// See [`Keys::ahead_of`].
pub(super) struct Ahead {
    pub(super) clear: bool,
    pub(super) sealed: bool,
}

fn text(bytes: Zeroizing<Vec<u8>>, path: &Path) -> Result<Zeroizing<String>, VaultError> {
    let text = std::str::from_utf8(&bytes).map_err(|_| VaultError::new(format!("{} is not text", quoted(path))))?;
    Ok(Zeroizing::new(text.to_owned()))
}

fn there(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

fn remove(path: &Path) -> Result<(), VaultError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(file::failed("remove", path, &error)),
        _ => Ok(()),
    }
}

/// Overwrites and removes. On file systems that copy on write the old blocks may live on: that is why changing the
/// method makes a new identity too.
fn wipe(path: &Path) -> Result<(), VaultError> {
    if let Ok(meta) = fs::symlink_metadata(path)
        && meta.is_file()
        && let Ok(mut file) = fs::OpenOptions::new().write(true).open(path)
    {
        let zeros = vec![0; usize::try_from(meta.len()).unwrap_or(0).min(1 << 20)];
        let _ = io::Write::write_all(&mut file, &zeros).and_then(|()| file.sync_all());
    }
    remove(path)
}
