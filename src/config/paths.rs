//! Where every file lies: XDG through `directories`, or all under `LAMPBOARD_HOME`.

use std::{
    fs, io,
    io::Write,
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// Every path the program uses. Nothing is created by asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// `config.toml`.
    pub config: PathBuf,
    /// The user's definitions.
    pub providers: PathBuf,
    /// The user's themes.
    pub themes: PathBuf,
    /// `history.db`.
    pub history: PathBuf,
    /// `vault.age`.
    pub vault: PathBuf,
    /// The vault's identity file (0600).
    pub identity: PathBuf,
    /// `lampboard.log`.
    pub log: PathBuf,
    /// `audit.jsonl`: who did what to which secret.
    pub audit: PathBuf,
    /// `state.toml`-like small things that must survive (paused ids). In the state folder.
    pub state: PathBuf,
}

impl Paths {
    /// All under one folder.
    pub fn under(home: &Path) -> Paths {
        Paths::in_folders(home, home, home)
    }

    /// From `LAMPBOARD_HOME` (given) or the platform's conventions. Errors when there is no home at all.
    pub fn find(lampboard_home: Option<PathBuf>) -> Result<Paths, String> {
        if let Some(home) = lampboard_home.filter(|home| !home.as_os_str().is_empty()) {
            let home = std::path::absolute(&home)
                .map_err(|error| format!("LAMPBOARD_HOME '{}' is not usable: {error}", home.display()))?;
            return Ok(Paths::under(&home));
        }
        let folders = directories::ProjectDirs::from("", "", "lampboard").ok_or(
            "this account has no home folder: set HOME, or set LAMPBOARD_HOME to a folder for Lampboard's files",
        )?;
        let state = folders.state_dir().unwrap_or(folders.data_dir());
        Ok(Paths::in_folders(folders.config_dir(), folders.data_dir(), state))
    }

    // The identity lies beside the vault, not beside config.toml: people publish their config folders.
    fn in_folders(config: &Path, data: &Path, state: &Path) -> Paths {
        Paths {
            config: config.join("config.toml"),
            providers: config.join("providers"),
            themes: config.join("themes"),
            history: data.join("history.db"),
            vault: data.join("vault.age"),
            identity: data.join("identity.txt"),
            log: state.join("lampboard.log"),
            audit: state.join("audit.jsonl"),
            state: state.join("state.toml"),
        }
    }

    /// Creates the folders, 0700, and takes from other users what they must not read. A folder that is already there
    /// keeps its mode: `LAMPBOARD_HOME` may name one that others use too, and every private file has its own 0600.
    pub fn create(&self) -> io::Result<()> {
        let parents = [&self.config, &self.history, &self.vault, &self.identity, &self.log, &self.state];
        let folders = parents.into_iter().filter_map(|file| file.parent()).chain([&*self.providers, &*self.themes]);
        for folder in folders {
            create_folder(folder).map_err(|error| {
                io::Error::new(error.kind(), format!("cannot make '{}': {error}", folder.display()))
            })?;
        }
        self.own().iter().for_each(|file| make_private(file));
        Ok(())
    }

    /// The files that the program makes for itself, but for vault and identity: what others could read of those is no
    /// secret any more, so they are refused instead of mended.
    fn own(&self) -> Vec<PathBuf> {
        let beside = |file: &Path, end: &str| {
            let mut name = file.as_os_str().to_owned();
            name.push(end);
            PathBuf::from(name)
        };
        let mut files = vec![self.history.clone(), self.log.clone(), self.audit.clone(), self.state.clone()];
        files.extend(["-wal", "-shm"].map(|end| beside(&self.history, end)));
        files.extend([".1", ".2"].map(|end| beside(&self.audit, end)));
        files.push(self.log.with_extension("log.1"));
        files
    }
}

fn create_folder(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Takes a file of ours from other users. What is no file, not ours or not there is left as it is: `doctor` tells.
fn make_private(path: &Path) {
    use rustix::fs::{Mode, OFlags};
    // Judged and changed on the descriptor, so that nobody can put another file in its place meanwhile.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOFOLLOW;
    let Ok(file) = rustix::fs::open(path, flags, Mode::empty()).map(fs::File::from) else { return };
    let Ok(meta) = file.metadata() else { return };
    let ours = meta.is_file() && meta.uid() == rustix::process::geteuid().as_raw();
    if ours && meta.mode() & 0o077 != 0 {
        let _ = file.set_permissions(fs::Permissions::from_mode(meta.mode() & 0o700));
    }
}

/// Writes a file whole or not at all: temporary file 0600 beside it, fsync, rename. Follows a symlink only to a
/// regular file we own. Used for config, vault, identity and exports.
///
/// # Errors
/// Those of the file system, and a refusal when the path leads to anything but a regular file.
pub fn write_private(path: &Path, data: &[u8]) -> io::Result<()> {
    let target = match fs::symlink_metadata(path) {
        Ok(meta) if meta.file_type().is_symlink() => {
            let target = fs::canonicalize(path)?;
            let meta = fs::metadata(&target)?;
            if !meta.is_file() || meta.uid() != rustix::process::geteuid().as_raw() {
                return Err(io::Error::other("it is a symbolic link to something that is not a file of yours"));
            }
            target
        }
        Ok(meta) if !meta.is_file() => return Err(io::Error::other("it is not a regular file")),
        Ok(_) => path.to_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_owned(),
        Err(error) => return Err(error),
    };
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut file = tempfile::Builder::new()
        .prefix(".lampboard-")
        .suffix(".tmp")
        .permissions(fs::Permissions::from_mode(0o600))
        .tempfile_in(folder)?;
    file.write_all(data)?;
    file.as_file().sync_all()?;
    file.persist(&target).map_err(|error| error.error)?;
    fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn one_home_holds_everything_and_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("a/b");
        let paths = Paths::find(Some(home.clone())).unwrap();
        paths.create().unwrap();
        paths.create().unwrap();
        for path in [&paths.config, &paths.providers, &paths.history, &paths.vault, &paths.identity, &paths.log] {
            assert!(path.starts_with(&home), "{path:?}");
        }
        assert_eq!((mode(&home), mode(&paths.providers), mode(&paths.themes)), (0o700, 0o700, 0o700));
    }

    #[test]
    fn a_home_that_is_a_file_is_an_error_with_its_name() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = Paths::under(&file.path().join("home")).create().unwrap_err();
        assert!(error.to_string().contains("home"), "{error}");
    }

    #[test]
    fn a_written_file_is_private_whatever_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        write_private(&path, b"one").unwrap();
        assert_eq!(mode(&path), 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        write_private(&path, b"two").unwrap();
        assert_eq!((mode(&path), fs::read(&path).unwrap()), (0o600, b"two".to_vec()));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
    }

    #[test]
    fn what_others_may_read_is_taken_from_them_and_links_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let paths = Paths::under(folder.path());
        let loose = |path: &Path| {
            fs::write(path, "x").unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(0o666)).unwrap();
        };
        let elsewhere = folder.path().join("elsewhere");
        loose(&elsewhere);
        symlink(&elsewhere, &paths.audit).unwrap();
        paths.own().iter().filter(|p| **p != paths.audit).for_each(|path| loose(path));
        loose(&paths.vault);
        paths.create().unwrap();
        for path in paths.own().iter().filter(|p| **p != paths.audit) {
            assert_eq!(mode(path), 0o600, "{path:?}");
        }
        assert_eq!((mode(&elsewhere), mode(&paths.vault)), (0o666, 0o666));
    }

    #[test]
    fn a_link_is_kept_and_its_target_written() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("dotfiles.toml"), folder.path().join("config.toml"));
        fs::write(&real, "old").unwrap();
        symlink(&real, &link).unwrap();
        write_private(&link, b"new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().file_type().is_symlink());
        assert_eq!(fs::read(&real).unwrap(), b"new");
    }

    #[test]
    fn links_to_other_things_folders_and_nothing_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        for (name, target) in [("device", "/dev/null"), ("folder", "/tmp"), ("nothing", "/nonexistent/x")] {
            let link = folder.path().join(name);
            symlink(target, &link).unwrap();
            assert!(write_private(&link, b"x").is_err(), "{name}");
        }
        assert!(write_private(folder.path(), b"x").is_err());
    }

    #[test]
    fn a_reader_never_sees_half_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.toml");
        write_private(&path, &[b'a'; 50_000]).unwrap();
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                for letter in b'a'..=b'z' {
                    write_private(&path, &[letter; 50_000]).unwrap();
                }
            });
            while !writer.is_finished() {
                let seen = fs::read(&path).unwrap();
                assert!(seen.len() == 50_000 && seen.iter().all(|byte| *byte == seen[0]));
            }
        });
    }
}
