//! What the kernel leaves of a program that a signal kills: where a core would lie, and whether there is one.

use super::{
    home::{Journey, With},
    pty::until,
};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    collections::BTreeSet,
    os::unix::{
        fs::MetadataExt,
        process::{CommandExt, ExitStatusExt},
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::Ordering,
};

/// Where this machine puts cores.
pub enum Place {
    /// Into a file beside these, or in the folder the program stood in.
    Folder(PathBuf),
    /// Into a program that the kernel starts.
    Pipe(String),
}

/// Where the kernel puts the core of a program that stands in `folder`.
pub fn place(folder: &Path) -> Place {
    let pattern = std::fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap_or_else(|_| "core".to_owned());
    match pattern.trim() {
        pipe if pipe.starts_with('|') => Place::Pipe(pipe.to_owned()),
        path => Place::Folder(folder.join(path).parent().unwrap_or(folder).to_owned()),
    }
}

/// The files there now.
pub fn files(folder: &Path) -> BTreeSet<PathBuf> {
    std::fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path()).filter(|p| p.is_file()).collect()
}

/// The folder where a core would lie, and what lies there already.
pub struct Watch {
    place: Place,
    there: BTreeSet<PathBuf>,
}

impl Watch {
    /// To be called before the program is killed that stands in this folder.
    pub fn over(folder: &Path) -> Watch {
        let place = place(folder);
        let there = match &place {
            Place::Folder(folder) => files(folder),
            Place::Pipe(_) => BTreeSet::new(),
        };
        Watch { place, there }
    }
}

/// The signals that leave a core.
const CORE: [Signal; 3] = [Signal::ABORT, Signal::SEGV, Signal::SYS];

impl Journey {
    /// Searches what the kernel may have left of a program killed since.
    pub fn search_cores(&mut self, watch: &Watch, signal: Signal) {
        self.cores += usize::from(CORE.contains(&signal));
        match &watch.place {
            Place::Folder(folder) => {
                let now = files(folder);
                for file in now.difference(&watch.there).filter(|p| looks_like_a_core(p)) {
                    let bytes = std::fs::read(file).unwrap_or_default();
                    self.search("core files", &file.display().to_string(), &bytes, &[]);
                    // Others may crash into the same folder.
                    let ours = bytes.windows(9).any(|w| w == b"lampboard");
                    assert!(!ours, "{signal:?} left {}", file.display());
                }
                let names = now.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join("\n");
                self.search("core pattern", "the folder where cores lie", names.as_bytes(), &[]);
            }
            // That nothing was handed over is told by the status of the dead.
            Place::Pipe(handler) => {
                self.search("core pattern", "the program that takes cores", handler.as_bytes(), &[])
            }
        }
    }

    /// A signal in the middle of a check. Some of them would leave a core.
    pub fn kill(&mut self) {
        let signal = [Signal::TERM, Signal::KILL, Signal::ABORT, Signal::SEGV, Signal::SYS][self.rng.usize(..5)];
        self.kill_by(signal, &With::default(), |_, _| {});
    }

    /// The same with one that leaves a core where it may.
    pub fn crash(&mut self) {
        let signal = CORE[self.rng.usize(..CORE.len())];
        self.kill_by(signal, &With::default(), |_, _| {});
    }

    /// The same with this one; `look` is given the id of the program while it waits for an answer.
    fn kill_by(&mut self, signal: Signal, with: &With<'_>, look: impl FnOnce(&mut Journey, u32)) {
        let watch = Watch::over(self.path());
        let before = self.server.asked.load(Ordering::SeqCst);
        let arguments = ["check", "slow", "echo-0", "lone"];
        let mut child = self.command(with, &arguments).stdin(Stdio::null()).spawn().unwrap();
        self.wait_for_requests(before);
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        let command = std::fs::read(format!("/proc/{}/cmdline", child.id())).unwrap_or_default();
        self.search("/proc/PID/cmdline", "the process list", &command, &[]);
        assert_eq!(core_limits(child.id()), ["0", "0"], "the shell's limit is still there");
        look(self, child.id());
        // Rust hands the first SIGSEGV that no memory was the reason of back to the kernel's default.
        until(
            || format!("{signal:?} ends nothing"),
            || {
                let _ = kill_process(pid, signal);
                child.try_wait().unwrap().is_some()
            },
        );
        let output = child.wait_with_output().unwrap();
        self.said(&format!("check, ended by {signal:?}"), &arguments, &output);
        // Whatever the pattern says: this tells whether the kernel wrote a core or handed one over.
        assert!(!output.status.core_dumped(), "{signal:?} left a core");
        self.search_cores(&watch, signal);
        // What was under way lies in the history's log now.
        self.search_files();
    }
}

/// The user that nobody is, for what root would see anyway.
const NOBODY: u32 = 65_534;

/// Neither the kernel nor another program of the same user is given the memory of a check that is under way. The files
/// below /proc/PID belong to root when the kernel hands nothing over, a pipe in the core pattern or not.
#[test]
fn what_a_killed_program_knew_is_handed_to_nobody() {
    let mut journey = Journey::new(3, 0);
    let root = rustix::process::geteuid().is_root();
    let program = journey.file("program");
    let mut with = With::default();
    if root {
        // Wherever it was built, this one may be run by everybody.
        std::fs::copy(env!("CARGO_BIN_EXE_lampboard"), &program).unwrap();
        let given = Command::new("chown").args(["-R", &NOBODY.to_string()]).arg(journey.path()).status().unwrap();
        assert!(given.success());
        with = With { program: program.to_str(), user: Some(NOBODY), ..with };
    }
    let own = if root { NOBODY } else { rustix::process::geteuid().as_raw() };
    for signal in CORE {
        let user = with.user;
        journey.kill_by(signal, &with, |journey, pid| {
            let owner = |file: &str| std::fs::metadata(file).unwrap().uid();
            assert_eq!(owner(&format!("/proc/{pid}")), own, "it runs as somebody else");
            for name in ["mem", "environ", "maps"] {
                assert_eq!(owner(&format!("/proc/{pid}/{name}")), 0, "{name} is there for its user");
            }
            let mut spy = Command::new("cat");
            spy.args(["environ", "maps", "mem", "cmdline"].map(|name| format!("/proc/{pid}/{name}")));
            if let Some(user) = user {
                spy.uid(user).gid(user);
            }
            let seen = spy.output().unwrap();
            journey.search("/proc/PID/environ", "what a program of the same user sees", &seen.stdout, &[]);
            let said = String::from_utf8_lossy(&seen.stderr).into_owned();
            assert_eq!(said.matches("Permission denied").count(), 3, "{said}");
        });
    }
    assert!(journey.leaks.is_empty(), "{:?}", journey.leaks);
    // What they would see of a program that guards nothing.
    let mut careless = Command::new("sleep");
    careless.arg("60").env("CANARY", journey.plant("env"));
    if root {
        careless.uid(NOBODY).gid(NOBODY);
    }
    let mut careless = careless.spawn().unwrap();
    let file = format!("/proc/{}/environ", careless.id());
    until(|| "the careless program runs".to_owned(), || std::fs::read(&file).is_ok_and(|bytes| !bytes.is_empty()));
    assert_eq!(std::fs::metadata(&file).unwrap().uid(), own);
    let seen = std::fs::read(&file).unwrap();
    careless.kill().unwrap();
    careless.wait().unwrap();
    journey.search("/proc/PID/environ", "a careless program", &seen, &[]);
    assert!(!journey.leaks.is_empty(), "the search would not have seen it");
}

/// By its first bytes: a name can be anything.
pub fn looks_like_a_core(file: &Path) -> bool {
    use std::io::Read;
    let mut head = [0; 18];
    let read = std::fs::File::open(file).and_then(|mut f| f.read_exact(&mut head));
    // An ELF file of the type ET_CORE, in either byte order.
    read.is_ok() && head.starts_with(b"\x7fELF") && (head[16..18] == [4, 0] || head[16..18] == [0, 4])
}

/// The soft and the hard limit of a running program's core.
pub fn core_limits(pid: u32) -> [String; 2] {
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap_or_default();
    let line = limits.lines().find_map(|l| l.strip_prefix("Max core file size")).unwrap_or_default();
    let mut words = line.split_whitespace().map(str::to_owned);
    [words.next().unwrap_or_default(), words.next().unwrap_or_default()]
}
