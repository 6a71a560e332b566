//! What the kernel leaves of a program that a signal kills: where a core would lie, and whether there is one.

use super::{
    home::{Journey, With},
    pty::until,
};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    collections::BTreeSet,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::Stdio,
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

impl Journey {
    /// A signal in the middle of a check. Some of them would leave a core.
    pub fn kill(&mut self) {
        let place = place(self.path());
        let there = match &place {
            Place::Folder(folder) => files(folder),
            Place::Pipe(_) => BTreeSet::new(),
        };
        let before = self.server.asked.load(Ordering::SeqCst);
        let arguments = ["check", "slow", "echo-0", "lone"];
        let mut child = self.command(&With::default(), &arguments).stdin(Stdio::null()).spawn().unwrap();
        self.wait_for_requests(before);
        let signal = [Signal::TERM, Signal::KILL, Signal::ABORT, Signal::SEGV, Signal::QUIT][self.rng.usize(..5)];
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        let command = std::fs::read(format!("/proc/{}/cmdline", child.id())).unwrap_or_default();
        self.search("/proc/PID/cmdline", "the process list", &command, &[]);
        assert_eq!(core_limits(child.id()), ["0", "0"], "the shell's limit is still there");
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
        assert!(!output.status.core_dumped(), "{signal:?} left a core");
        if matches!(signal, Signal::ABORT | Signal::SEGV | Signal::QUIT) {
            self.cores += 1;
        }
        match place {
            Place::Folder(folder) => {
                for file in files(&folder).difference(&there).filter(|p| looks_like_a_core(p)) {
                    let bytes = std::fs::read(file).unwrap_or_default();
                    self.search("core files", &file.display().to_string(), &bytes, &[]);
                    // Others may crash into the same folder.
                    let ours = bytes.windows(9).any(|w| w == b"lampboard");
                    assert!(!ours, "{signal:?} left {}", file.display());
                }
                let names = files(&folder).iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join("\n");
                self.search("core pattern", "the folder where cores lie", names.as_bytes(), &[]);
            }
            Place::Pipe(handler) => {
                self.search("core pattern", "the program that takes cores", handler.as_bytes(), &[])
            }
        }
        // What was under way lies in the history's log now.
        self.search_files();
    }
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
