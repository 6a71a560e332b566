//! One user's home, the program run in it, and the search of all it says.

use super::{
    canaries::{Canaries, Leak, without_escapes},
    server::Server,
};
use portable_pty::CommandBuilder;
use std::{
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::Ordering,
    time::Duration,
};

/// One user's journey through one home.
pub struct Journey {
    pub rng: fastrand::Rng,
    pub canaries: Canaries,
    pub server: Server,
    pub leaks: Vec<Leak>,
    /// What was done, for whoever reads a failure.
    pub steps: Vec<String>,
    /// The passphrase of the vault, when it has one.
    pub passphrase: Option<String>,
    pub samples: usize,
    /// Checks and calls that panicked in the program.
    pub panics: usize,
    /// Commands that said that there was no room.
    pub full: usize,
    /// Commands that said that nothing may be written.
    pub read_only: usize,
    /// Programs killed in a way that leaves a core, and looked for one.
    pub cores: usize,
    env: String,
    folder: Folder,
}

struct Folder {
    folder: tempfile::TempDir,
    mounted: bool,
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.mounted {
            let _ = Command::new("umount").arg("-l").arg(self.folder.path()).status();
        }
    }
}

/// What a run has beside its arguments.
#[derive(Default)]
pub struct With<'a> {
    /// Words for the shell before it: limits.
    pub limits: &'a str,
    /// More of its environment.
    pub env: &'a [(&'a str, &'a str)],
    /// Another copy of the program.
    pub program: Option<&'a str>,
    /// Another user to run it as.
    pub user: Option<u32>,
}

/// What a run left.
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// Whether either says so.
    pub fn says(&self, words: &str) -> bool {
        self.out.contains(words) || self.err.contains(words)
    }
}

impl Journey {
    /// A furnished home. `number` chooses what is out of order in it from the start.
    pub fn new(seed: u64, number: usize) -> Journey {
        Journey::within(seed, number, false)
    }

    /// The same on a file system of its own with room for 1 MiB. Only where one may be mounted, and others do not see it.
    pub fn on_small_disk(seed: u64) -> Journey {
        Journey::within(seed, 0, true)
    }

    fn within(seed: u64, number: usize, small: bool) -> Journey {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut canaries = Canaries::default();
        let env = canaries.plant("env", &mut rng);
        let folder = tempfile::tempdir().unwrap();
        if small {
            let mount = ["-t", "tmpfs", "-o", "size=1m,mode=0700", "tmpfs"];
            let mounted = Command::new("mount").args(mount).arg(folder.path()).output().unwrap();
            assert!(mounted.status.success(), "{mounted:?}");
        }
        let mut journey = Journey {
            server: Server::start(rng.u64(..)),
            rng,
            canaries,
            leaks: Vec::new(),
            steps: Vec::new(),
            passphrase: None,
            samples: 0,
            panics: 0,
            full: 0,
            read_only: 0,
            cores: 0,
            env,
            folder: Folder { folder, mounted: small },
        };
        journey.furnish(number);
        journey
    }

    pub fn path(&self) -> &Path {
        self.folder.folder.path()
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// A fresh secret of this kind.
    pub fn plant(&mut self, kind: &str) -> String {
        self.canaries.plant(kind, &mut self.rng)
    }

    pub fn url(&self, answer: &str) -> String {
        format!("http://127.0.0.1:{}/{answer}", self.server.port)
    }

    /// Whether so many requests came in, and waits for it.
    pub fn wait_for_requests(&self, more_than: usize) {
        super::pty::until(
            || "a request at the server".to_owned(),
            || self.server.asked.load(Ordering::SeqCst) > more_than,
        );
    }

    fn environment(&self) -> Vec<(&'static str, String)> {
        let path = |name: &str| self.file(name).display().to_string();
        vec![
            ("LAMPBOARD_HOME", path("")),
            ("LAMPBOARD_LOG", "trace".to_owned()),
            ("CANARY", self.env.clone()),
            ("CREDENTIALS_DIRECTORY", path("credentials")),
            ("XDG_RUNTIME_DIR", path("run")),
            ("TMPDIR", path("tmp")),
            ("HOME", path("")),
            ("RUST_BACKTRACE", "full".to_owned()),
            ("PATH", std::env::var("PATH").unwrap_or_default()),
        ]
    }

    /// The program over this home, cores allowed by the shell.
    pub fn command(&self, with: &With<'_>, arguments: &[&str]) -> Command {
        let mut command = Command::new("sh");
        let script = format!("ulimit -c unlimited 2>/dev/null; {} exec \"$0\" \"$@\"", with.limits);
        command.args(["-c", &script, with.program.unwrap_or(env!("CARGO_BIN_EXE_lampboard"))]).args(arguments);
        if let Some(user) = with.user {
            command.uid(user).gid(user);
        }
        command.env_clear().envs(self.environment()).envs(with.env.iter().copied()).current_dir(self.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// The board over this home, cores allowed by the shell.
    pub fn board(&self) -> CommandBuilder {
        let mut command = CommandBuilder::new("sh");
        let script = "ulimit -c unlimited 2>/dev/null; exec \"$0\"";
        command.args(["-c", script, env!("CARGO_BIN_EXE_lampboard")]);
        command.env_clear();
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        self.environment().into_iter().for_each(|(name, value)| command.env(name, value));
        command.cwd(self.path());
        command
    }

    /// Runs a command to its end and searches what it said.
    pub fn run(&mut self, arguments: &[&str], input: &str) -> Option<i32> {
        self.run_with(&With::default(), arguments, input).code
    }

    /// The same with more. Only a program that lacks something, or was told to, may panic.
    pub fn run_with(&mut self, with: &With<'_>, arguments: &[&str], input: &str) -> Ran {
        let output = assert_cmd::Command::from_std(self.command(with, arguments))
            .write_stdin(input)
            .timeout(Duration::from_secs(60))
            .output()
            .unwrap();
        let place = format!("{arguments:?} {} {:?}", with.limits, with.env);
        let ran = self.said(&place, arguments, &output);
        let may_panic = !with.limits.is_empty() || !with.env.is_empty();
        assert!(may_panic || !ran.says("panicked at"), "{place}: {}{}", ran.out, ran.err);
        ran
    }

    /// Notes the end of a run as a step, and searches what it said.
    pub fn said(&mut self, place: &str, arguments: &[&str], output: &std::process::Output) -> Ran {
        let sink = match arguments {
            all if all.contains(&"--bundle") => "diagnostics bundle",
            all if all.contains(&"--json") => "--json",
            _ => "stdout",
        };
        self.search(sink, place, &output.stdout, &[]);
        self.search("stderr", place, &output.stderr, &[]);
        self.steps.push(format!("{place} -> {:?}", output.status));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let ran = Ran { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) };
        self.full += usize::from(ran.says("No space left on device") || ran.says("disk is full"));
        self.read_only += usize::from(ran.says("Read-only file system") || ran.says("readonly database"));
        ran
    }

    /// Searches for every secret, those that the server made up meanwhile among them.
    pub fn search(&mut self, sink: &'static str, place: &str, bytes: &[u8], allowed: &[&str]) {
        for (kind, value, body) in self.server.given.lock().unwrap().drain(..) {
            self.canaries.keep(&kind, &value, &body);
        }
        let found = self.canaries.search(sink, place, bytes, allowed);
        self.leaks.extend(found);
    }

    /// Searches what was sent to a terminal.
    pub fn search_terminal(&mut self, place: &str, raw: &[u8], screen: &str) {
        for (what, bytes) in [("raw", raw), ("without styles", &without_escapes(raw)), ("screen", screen.as_bytes())] {
            self.search("terminal", &format!("{place}, {what}"), bytes, &[]);
        }
    }
}
