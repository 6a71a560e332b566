//! A home full of planted secrets, and the program run in it.

use super::{
    canaries::{Canaries, Leak, without_escapes},
    server::{ANSWERS, Server},
};
use portable_pty::CommandBuilder;
use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::Ordering,
    time::Duration,
};

/// Where a secret lies because the user put it there: the only places of the home that may hold one, and whose.
const ALLOWED: [(&str, &[&str]); 5] = [
    ("token.txt", &["file"]),
    ("printed.txt", &["cmd"]),
    ("credentials/token", &["credential"]),
    ("bare.toml", &["bare"]),
    ("identity.txt", &["identity"]),
];

/// How a credential is sent.
const SCHEMES: [(&str, &str); 4] = [
    ("bearer", "token = \"{{ token }}\""),
    ("header", "headers = { x-key = \"key {{ token }}\" }"),
    ("basic", "username = \"ada\"\npassword = \"{{ token }}\""),
    ("query", "query = { key = \"{{ token }}\" }"),
];

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
    env: String,
    folder: Folder,
}

enum Folder {
    Plain(tempfile::TempDir),
    /// A small file system of its own, which fills up.
    Small(tempfile::TempDir),
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Folder::Small(folder) = self {
            let _ = Command::new("umount").arg("-l").arg(folder.path()).status();
        }
    }
}

/// A home; on a file system of 2 MiB where we are root and may mount one.
fn folder(small: bool) -> Folder {
    let folder = tempfile::tempdir().unwrap();
    if small && rustix::process::geteuid().is_root() {
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=2m,mode=0700", "tmpfs"]).arg(folder.path()).output();
        if mounted.is_ok_and(|o| o.status.success()) {
            return Folder::Small(folder);
        }
    }
    Folder::Plain(folder)
}

fn write(path: &Path, text: &str, mode: u32) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// A definition that looks at everything the server throws back.
fn definition(scheme: &str, how: &str) -> String {
    format!(
        "id = \"{scheme}\"\nname = \"Echo\"\ncategory = \"generic\"\nbase_url = \"{{{{ base_url }}}}\"\n\
         [fields.base_url]\nlabel = \"Address\"\nrequired = true\n[fields.token]\nlabel = \"Token\"\nsecret = true\nrequired = true\n\
         [auth]\nscheme = \"{scheme}\"\n{how}\n[check]\nkind = \"http\"\nrequest = \"GET /me\"\nactive = \"status == 200 and body.ok == true\"\n\
         identity = \"body.name\"\ndegraded = \"headers['x-note']\"\n\
         [[check.rule]]\nwhen = \"status == 403\"\ncause = \"ok\"\nmissing_scope = \"headers['www-authenticate']\"\n\
         [facts]\nEverything = \"body.all\"\nNote = \"headers['x-note']\"\nPercent = \"body.percent\"\nBase = \"body.base64\"\nJson = \"body.json\"\n"
    )
}

impl Journey {
    /// A furnished home. `number` chooses what is out of order in it from the start.
    pub fn new(seed: u64, number: usize) -> Journey {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut canaries = Canaries::default();
        let env = canaries.plant("env", &mut rng);
        let mut journey = Journey {
            rng,
            canaries,
            server: Server::start(),
            leaks: Vec::new(),
            steps: Vec::new(),
            passphrase: None,
            samples: 0,
            env,
            folder: folder(number % 5 == 4),
        };
        journey.furnish(number);
        journey
    }

    pub fn path(&self) -> &Path {
        match &self.folder {
            Folder::Plain(folder) | Folder::Small(folder) => folder.path(),
        }
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

    fn furnish(&mut self, number: usize) {
        for (name, kind) in [("token.txt", "file"), ("printed.txt", "cmd"), ("credentials/token", "credential")] {
            let secret = self.plant(kind);
            write(&self.file(name), &secret, 0o600);
        }
        // Every program that is run tells what it could see, and what others could see of its parent.
        let samples = self.file("samples");
        std::fs::create_dir(&samples).unwrap();
        let look = format!(
            "#!/bin/sh\ncat /proc/$$/cmdline /proc/$$/environ /proc/$PPID/cmdline /proc/self/environ >> '{}'/$$ 2>/dev/null\n",
            samples.display()
        );
        let print = format!("{look}cat '{0}'\ncat '{0}' >&2\n", self.file("printed.txt").display());
        write(&self.file("print.sh"), &print, 0o700);
        write(&self.file("plugin.sh"), &format!("{look}echo \"OK - $# | load=1\"\nexit ${{1:-0}}\n"), 0o700);
        for (scheme, how) in SCHEMES {
            write(&self.file(&format!("providers/{scheme}.toml")), &definition(scheme, how), 0o600);
        }
        for folder in ["run", "tmp"] {
            std::fs::create_dir_all(self.file(folder)).unwrap();
            std::fs::set_permissions(self.file(folder), std::fs::Permissions::from_mode(0o700)).unwrap();
        }
        if number % 5 == 3 {
            // Something in the way of the history.
            std::fs::create_dir(self.file("history.db")).unwrap();
        }
        self.configure();
        for entry in ["canary", "lone"] {
            let secret = self.plant("vault");
            self.run(&["secret", "set", entry], &secret);
        }
        self.keep_identities();
    }

    /// Writes config.toml anew: every kind of reference, each with some scheme and some answer.
    pub fn configure(&mut self) {
        let references = [
            "vault:canary".to_owned(),
            "env:CANARY".to_owned(),
            format!("file:{}", self.file("token.txt").display()),
            format!("cmd:{}", self.file("print.sh").display()),
            "credential:token".to_owned(),
        ];
        let mut text = "[network]\nproxy = \"none\"\n[board]\nattempts = 1\nfailures_to_open = 1\n".to_owned();
        let add = |text: &mut String, name: &str, scheme: &str, answer: &str, reference: &str, port: u16| {
            text.push_str(&format!(
                "[integrations.{name}]\nprovider = \"{scheme}\"\ntimeout = \"2s\"\n\
                 fields = {{ base_url = \"http://127.0.0.1:{port}/{answer}\", token = \"{reference}\" }}\n"
            ));
        };
        let port = self.server.port;
        for n in 0..12 {
            let (scheme, _) = SCHEMES[self.rng.usize(..SCHEMES.len())];
            // All but the one that never answers: it is asked for by name.
            let answer = ANSWERS[self.rng.usize(..ANSWERS.len() - 1)];
            add(&mut text, &format!("echo-{n}"), scheme, answer, &references[n % references.len()], port);
        }
        add(&mut text, "slow", "bearer", "slow", "env:CANARY", port);
        add(&mut text, "lone", "bearer", "200", "vault:lone", port);
        text.push_str("[integrations.away]\nprovider = \"query\"\nfields = { base_url = \"http://127.0.0.1:1\", token = \"vault:canary\" }\n");
        text.push_str(&format!(
            "[integrations.plugin]\nprovider = \"command\"\nfields = {{ command = [\"{}\", \"{}\"] }}\n",
            self.file("plugin.sh").display(),
            self.rng.u8(0..4)
        ));
        write(&self.file("config.toml"), &text, 0o600);
    }

    /// What a key of the vault reads must turn up nowhere but in its file.
    pub fn keep_identities(&mut self) {
        let mut files = vec![self.file("identity.txt")];
        files.extend(std::fs::read_dir(self.file("run/lampboard")).into_iter().flatten().flatten().map(|e| e.path()));
        for text in files.iter().filter_map(|f| std::fs::read_to_string(f).ok()) {
            for key in text.lines().filter_map(|l| l.strip_prefix("AGE-SECRET-KEY-1")) {
                if !self.canaries.all.iter().any(|(_, known)| known == key) {
                    self.canaries.keep("identity", key, key);
                }
            }
        }
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

    /// The program over this home, cores allowed by the shell; `limits` are further words for the shell.
    pub fn command(&self, limits: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("sh");
        let script = format!("ulimit -c unlimited 2>/dev/null; {limits} exec \"$0\" \"$@\"");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_lampboard")]).args(arguments);
        command.env_clear().envs(self.environment()).current_dir(self.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// The board over this home.
    pub fn board(&self) -> CommandBuilder {
        let mut command = super::pty::lampboard(self.path());
        self.environment().into_iter().for_each(|(name, value)| command.env(name, value));
        command.cwd(self.path());
        command
    }

    /// Runs a command to its end and searches what it said.
    pub fn run(&mut self, arguments: &[&str], input: &str) -> Option<i32> {
        self.run_with("", arguments, input, "").0
    }

    /// The same under limits; `what` is told beside the arguments. What a dying program says may be a panic.
    pub fn run_with(&mut self, limits: &str, arguments: &[&str], input: &str, what: &str) -> (Option<i32>, String) {
        let output = assert_cmd::Command::from_std(self.command(limits, arguments))
            .write_stdin(input)
            .timeout(Duration::from_secs(60))
            .output()
            .unwrap();
        let place = format!("{arguments:?} {limits} {what}");
        let said = [output.stdout, output.stderr].concat();
        let found = self.canaries.search(&place, &said, &[]);
        self.leaks.extend(found);
        let text = String::from_utf8_lossy(&said).into_owned();
        assert!(!limits.is_empty() || !text.contains("panicked"), "{place}: {text}");
        self.steps.push(format!("{place} -> {:?}", output.status));
        (output.status.code(), text)
    }

    /// Searches what was sent to a terminal.
    pub fn search_terminal(&mut self, place: &str, raw: &[u8], screen: &str) {
        for (what, bytes) in [("raw", raw), ("without styles", &without_escapes(raw)), ("screen", screen.as_bytes())] {
            let found = self.canaries.search(&format!("{place}, {what}"), bytes, &[]);
            self.leaks.extend(found);
        }
    }

    /// Searches every file of the home, names included.
    pub fn search_files(&mut self) {
        let home = self.path().to_owned();
        let mut folders = vec![home.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                let path = entry.path();
                let name = path.strip_prefix(&home).unwrap().to_string_lossy().into_owned();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                // The key that `vault unlock` leaves for the session lies there.
                let session: &[&str] = if name.starts_with("run/lampboard/vault-") { &["identity"] } else { &[] };
                let allowed = ALLOWED.iter().find(|(file, _)| *file == name).map_or(session, |(_, kinds)| kinds);
                let Ok(bytes) = std::fs::read(&path) else { continue };
                self.samples += usize::from(name.starts_with("samples/") && bytes.len() > 100);
                let found = self.canaries.search(&name, &[name.as_bytes(), b"\n", &bytes].concat(), allowed);
                self.leaks.extend(found);
            }
        }
    }
}
