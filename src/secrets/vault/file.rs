//! The vault's files: bounded reads that trust nobody else's file, and the lock that keeps writers apart.

use super::VaultError;
use crate::secrets::private;
use std::{
    fs::{self, File, TryLockError},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::Path,
    time::{Duration, Instant},
};
use zeroize::Zeroizing;

/// A larger file is refused, in bytes.
pub(super) const MAX_BYTES: usize = 16 << 20;
const LOCK_PATIENCE: Duration = Duration::from_secs(10);
const OFLAGS_NOFOLLOW: i32 = rustix::fs::OFlags::NOFOLLOW.bits() as i32;

/// What told a file apart from its earlier self, ownership and mode included.
pub(super) type Stamp = (u64, u64, u64, i64, i64, i64, i64, u32, u32);

/// The file as it is now; `None`: it cannot be seen.
pub(super) fn stamp(path: &Path) -> Option<Stamp> {
    let meta = fs::symlink_metadata(path).ok()?;
    Some((
        meta.dev(),
        meta.ino(),
        meta.len(),
        meta.mtime(),
        meta.mtime_nsec(),
        meta.ctime(),
        meta.ctime_nsec(),
        meta.mode(),
        meta.uid(),
    ))
}

/// Reads a file of our own.
pub(super) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let (file, meta) = private::open(path, false).map_err(|error| {
        if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) {
            VaultError::new(format!("{} is a symbolic link; put the file itself there", private::quoted(path)))
        } else {
            failed("read", path, &error)
        }
    })?;
    if let Some(reason) = private::distrust(path, &meta) {
        return Err(VaultError::new(reason));
    }
    bounded(file, path)
}

/// Reads a file that others may own (systemd's credentials belong to root and are read through an access list).
pub(super) fn read_trusted(path: &Path) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let (file, meta) = private::open(path, true).map_err(|error| failed("read", path, &error))?;
    if meta.mode() & 0o007 != 0 {
        return Err(VaultError::new(format!(
            "{0} can be read or written by everybody; run: chmod o= {0}",
            private::quoted(path)
        )));
    }
    bounded(file, path)
}

fn bounded(file: File, path: &Path) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    private::read(file, MAX_BYTES)
        .map_err(|error| failed("read", path, &error))?
        .ok_or_else(|| VaultError::new(format!("{} is larger than 16 MiB; that is no vault", private::quoted(path))))
}

/// Makes a folder, 0700, if it is not there.
pub(super) fn make_folder(folder: &Path) -> Result<(), VaultError> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| failed("make", folder, &error))
}

/// Keeps other writers out, of this and of other programs, while the file lives.
pub(super) fn lock(vault: &Path) -> Result<File, VaultError> {
    lock_as(&vault.with_extension("lock"), LOCK_PATIENCE)
}

/// The same under another name, with a patience of its own.
pub(super) fn lock_as(path: &Path, patience: Duration) -> Result<File, VaultError> {
    let file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(OFLAGS_NOFOLLOW)
        .open(path)
        .map_err(|error| failed("lock", path, &error))?;
    let start = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(failed("lock", path, &error)),
            Err(TryLockError::WouldBlock) if start.elapsed() > patience => {
                return Err(VaultError::new(format!(
                    "another program has held {} for {} s; end or resume it, then try again",
                    private::quoted(path),
                    patience.as_secs()
                )));
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}

/// What could not be done to which file, and why.
pub(super) fn failed(verb: &str, path: &Path, error: &io::Error) -> VaultError {
    VaultError::new(format!("cannot {verb} {}: {error}", private::quoted(path)))
}
