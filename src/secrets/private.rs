//! Reading files that hold secrets: bounded, into wiped memory, judged on the open descriptor.

use rustix::fs::{Mode, OFlags};
use std::{
    fs::{File, Metadata},
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::Path,
};
use zeroize::Zeroizing;

/// Opens a regular file for reading, never waiting for a pipe's other end.
pub(super) fn open(path: &Path, follow: bool) -> io::Result<(File, Metadata)> {
    let mut flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    flags.set(OFlags::NOFOLLOW, !follow);
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    let meta = file.metadata()?;
    if !meta.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    Ok((file, meta))
}

/// Reads at most `max` bytes; `None`: there are more. The buffer never grows, so no copy stays behind.
pub(super) fn read(mut file: File, max: usize) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    // Files of pseudo file systems tell the size 0.
    let known = match file.metadata()?.len().min(max as u64) as usize {
        0 => max.min(64 << 10),
        known => known,
    };
    let mut bytes = Zeroizing::new(vec![0; known + 1]);
    let mut filled = 0;
    while filled < bytes.len() {
        match file.read(&mut bytes[filled..]) {
            Ok(0) => {
                bytes.truncate(filled);
                return Ok(Some(bytes));
            }
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    // It holds more than its size told: too much, or still being written.
    Ok(None)
}

/// Why a private file must not be trusted, with the command that mends it.
pub(super) fn distrust(path: &Path, meta: &Metadata) -> Option<String> {
    let shown = quoted(path);
    if meta.uid() != rustix::process::geteuid().as_raw() {
        Some(format!("{shown} belongs to another user; run: sudo chown \"$(id -un)\" {shown} && chmod 600 {shown}"))
    } else if meta.mode() & 0o077 != 0 {
        let mode = meta.mode() & 0o777;
        Some(format!("{shown} can be read or written by other users (mode {mode:04o}); run: chmod 600 {shown}"))
    } else {
        None
    }
}

/// A path as a shell takes it, safe to print.
pub(super) fn quoted(path: &Path) -> String {
    let text = crate::model::text::sanitize(&path.to_string_lossy(), 1024);
    if text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._-+@".contains(&b)) {
        text
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}
