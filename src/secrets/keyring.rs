//! The system's keyring (Secret Service). Every call has its own thread and a limit: a bus that never answers would
//! hang it for ever. Built in with the feature `keyring`; without, every call says so.

use crate::model::Secret;

/// The service under which the vault's identity is kept.
pub const IDENTITY: &str = "lampboard-vault";
/// The service under which single secrets are kept, for `keyring:NAME`.
pub const SECRETS: &str = "lampboard";

/// Why the keyring did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// No keyring here: none is running, or this build has no support.
    #[error("{0}")]
    Absent(String),
    /// It is there and refuses, or does not answer.
    #[error("{0}")]
    Refused(String),
}

/// Whether this build can speak with one at all.
pub const BUILT_IN: bool = cfg!(feature = "keyring");

/// Whether it works: something is written, read and removed.
///
/// # Errors
/// Why it does not.
pub fn probe() -> Result<(), KeyringError> {
    let account = format!("probe-{}", std::process::id());
    let canary = Secret::new("lampboard asks whether the keyring works".to_owned());
    set(SECRETS, &account, &canary)?;
    let read = get(SECRETS, &account);
    let removed = remove(SECRETS, &account);
    if read? != Some(canary) {
        return Err(KeyringError::Refused("the system's keyring gives back something else than was put in".to_owned()));
    }
    removed
}

#[cfg(feature = "keyring")]
mod system {
    use super::{KeyringError, Secret};
    use std::{
        sync::{OnceLock, mpsc},
        time::Duration,
    };

    /// How long a call may take.
    const LIMIT: Duration = Duration::from_secs(3);

    fn within<T: Send + 'static>(
        work: impl FnOnce() -> Result<T, keyring_core::Error> + Send + 'static,
    ) -> Result<T, KeyringError> {
        let (tell, answer) = mpsc::channel();
        let thread = std::thread::Builder::new().name("keyring".to_owned()).spawn(move || {
            let _ = tell.send(store().and_then(|()| work().map_err(said)));
        });
        thread.map_err(|e| KeyringError::Refused(format!("no thread for the system's keyring: {e}")))?;
        answer.recv_timeout(LIMIT).unwrap_or_else(|_| {
            Err(KeyringError::Refused(
                "the system's keyring did not answer within 3 s; is a window asking for its password?".to_owned(),
            ))
        })
    }

    fn store() -> Result<(), KeyringError> {
        static STORE: OnceLock<Result<(), KeyringError>> = OnceLock::new();
        let made = STORE.get_or_init(|| {
            let store = zbus_secret_service_keyring_store::Store::new()
                .map_err(|e| KeyringError::Absent(format!("no system keyring can be reached here ({})", reason(&e))))?;
            keyring_core::set_default_store(store);
            Ok(())
        });
        made.clone()
    }

    fn reason(error: &keyring_core::Error) -> String {
        crate::model::text::sanitize(&error.to_string(), 200)
    }

    fn said(error: keyring_core::Error) -> KeyringError {
        match error {
            keyring_core::Error::NoStorageAccess(_) => KeyringError::Refused(
                "the system's keyring is locked; unlock it by logging in to the desktop".to_owned(),
            ),
            error => KeyringError::Refused(format!("the system's keyring refused: {}", reason(&error))),
        }
    }

    pub(super) fn get(service: &str, account: &str) -> Result<Option<Secret>, KeyringError> {
        let (service, account) = (service.to_owned(), account.to_owned());
        within(move || match keyring_core::Entry::new(&service, &account)?.get_password() {
            Ok(text) => Ok(Some(Secret::new(text))),
            Err(keyring_core::Error::NoEntry) => Ok(None),
            Err(error) => Err(error),
        })
    }

    pub(super) fn set(service: &str, account: &str, secret: &Secret) -> Result<(), KeyringError> {
        let (service, account, secret) = (service.to_owned(), account.to_owned(), secret.clone());
        within(move || keyring_core::Entry::new(&service, &account)?.set_password(secret.expose()))
    }

    pub(super) fn remove(service: &str, account: &str) -> Result<(), KeyringError> {
        let (service, account) = (service.to_owned(), account.to_owned());
        within(move || match keyring_core::Entry::new(&service, &account)?.delete_credential() {
            Ok(()) | Err(keyring_core::Error::NoEntry) => Ok(()),
            Err(error) => Err(error),
        })
    }
}

#[cfg(not(feature = "keyring"))]
mod system {
    use super::{KeyringError, Secret};

    fn absent<T>() -> Result<T, KeyringError> {
        Err(KeyringError::Absent(
            "this build has no support for the system's keyring (build with --features keyring)".to_owned(),
        ))
    }

    pub(super) fn get(_: &str, _: &str) -> Result<Option<Secret>, KeyringError> {
        absent()
    }

    pub(super) fn set(_: &str, _: &str, _: &Secret) -> Result<(), KeyringError> {
        absent()
    }

    pub(super) fn remove(_: &str, _: &str) -> Result<(), KeyringError> {
        absent()
    }
}

/// Reads an entry; `None`: there is none. Blocks for at most 3 s, as do the others.
///
/// # Errors
/// No keyring, locked, refused, or no answer in time.
pub fn get(service: &str, account: &str) -> Result<Option<Secret>, KeyringError> {
    system::get(service, account)
}

/// Writes an entry.
///
/// # Errors
/// As [`get`].
pub fn set(service: &str, account: &str, secret: &Secret) -> Result<(), KeyringError> {
    system::set(service, account, secret)
}

/// Removes an entry; none is no error.
///
/// # Errors
/// As [`get`].
pub fn remove(service: &str, account: &str) -> Result<(), KeyringError> {
    system::remove(service, account)
}
