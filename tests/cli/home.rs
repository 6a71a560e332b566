//! A throw-away home and the program run in it: no terminal, nothing of the machine's environment.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// What one run of the program left.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// Fails the test unless the run ended with this code.
    #[track_caller]
    pub fn code(self, code: i32) -> Ran {
        assert_eq!(self.code, code, "{self:#?}");
        self.calm()
    }

    /// Fails the test if the run panicked or sent escape codes.
    #[track_caller]
    pub fn calm(self) -> Ran {
        for text in [&self.out, &self.err] {
            assert!(!text.contains("panicked") && !text.contains('\x1b'), "{self:#?}");
        }
        self
    }

    /// Fails the test unless all of these stand on standard error.
    #[track_caller]
    pub fn says(self, words: &[&str]) -> Ran {
        for word in words {
            assert!(self.err.contains(word), "no '{word}' in {self:#?}");
        }
        self
    }

    /// Fails the test unless all of these stand on standard output.
    #[track_caller]
    pub fn prints(self, words: &[&str]) -> Ran {
        for word in words {
            assert!(self.out.contains(word), "no '{word}' in {self:#?}");
        }
        self
    }

    /// Fails the test if any of these stands anywhere.
    #[track_caller]
    pub fn never(self, words: &[&str]) -> Ran {
        for word in words {
            assert!(!self.out.contains(word) && !self.err.contains(word), "'{word}' in {self:#?}");
        }
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }
}

/// One folder that holds every file of the program.
pub struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    /// Empty.
    pub fn new() -> Home {
        Home { folder: tempfile::tempdir().unwrap() }
    }

    /// With this config.toml.
    pub fn with(config: &str) -> Home {
        let home = Home::new();
        home.write("config.toml", config);
        home
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file below the home, private.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let file = self.file(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, text).unwrap();
        self.mode(name, 0o600);
        file
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap()
    }

    pub fn mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.file(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    /// The program in this home with an otherwise bare environment.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = bare();
        command.env("LAMPBOARD_HOME", self.path()).args(args);
        command
    }

    /// Runs the program to its end.
    pub fn run(&self, args: &[&str]) -> Ran {
        ran(self.command(args), "")
    }

    /// The same with this on standard input.
    pub fn feed(&self, args: &[&str], input: &str) -> Ran {
        ran(self.command(args), input)
    }

    /// The same with more in the environment.
    pub fn run_in(&self, env: &[(&str, &str)], args: &[&str]) -> Ran {
        let mut command = self.command(args);
        command.envs(env.iter().copied());
        ran(command, "")
    }

    /// The text with this home's path taken out, for snapshots.
    pub fn hide(&self, text: &str) -> String {
        text.replace(&self.path().display().to_string(), "HOME")
    }
}

/// The program with an empty environment, 80 columns wide.
pub fn bare() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lampboard"));
    command.env_clear().env("COLUMNS", "80").env("LC_ALL", "C.UTF-8").env("TERM", "xterm-256color");
    command
}

/// Runs a command to its end, or kills it after a minute; its input is written whole and closed.
pub fn ran(command: Command, input: &str) -> Ran {
    let mut command = assert_cmd::Command::from_std(command);
    let output = command.timeout(Duration::from_secs(60)).write_stdin(input).output().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}
