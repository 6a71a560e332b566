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

    /// Creates the folders, 0700. A folder that is already there keeps its mode: `LAMPBOARD_HOME` may name one that
    /// others use too, and every private file has its own 0600.
    pub fn create(&self) -> io::Result<()> {
        let parents = [&self.config, &self.history, &self.vault, &self.identity, &self.log, &self.state];
        let folders = parents.into_iter().filter_map(|file| file.parent()).chain([&*self.providers, &*self.themes]);
        for folder in folders {
            create_folder(folder).map_err(|error| {
                io::Error::new(error.kind(), format!("cannot make '{}': {error}", folder.display()))
            })?;
        }
        Ok(())
    }
}

fn create_folder(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
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
