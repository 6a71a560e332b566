//! Whether a file that can name programs and hosts is the user's own word.

use std::{fs::Metadata, os::unix::fs::MetadataExt};

/// Why a file with this metadata is not to be trusted by the user `own`, and what to do. `None`: it is. Root's files are
/// trusted; whoever is in a file's group was let in by its owner.
pub fn distrust(meta: &Metadata, own: u32) -> Option<&'static str> {
    if meta.uid() != own && meta.uid() != 0 {
        return Some(
            "belongs to another user, who could have Lampboard run programs of theirs: take it over with chown",
        );
    }
    (meta.mode() & 0o002 != 0).then_some(
        "may be written by everybody, who could have Lampboard run programs of theirs: look through it, then chmod o-w",
    )
}
