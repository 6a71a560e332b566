//! Drives a program in a pseudo-terminal and looks at the screen a user would see.
#![allow(dead_code, reason = "every test file uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    io::{Read, Write},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// How long a condition may take on a slow machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Polls until the condition holds.
pub fn until(what: impl Fn() -> String, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "waited in vain: {}", what());
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A program on a terminal.
pub struct App {
    master: Option<Box<dyn MasterPty + Send>>,
    keys: Option<Box<dyn Write + Send>>,
    child: Box<dyn Child + Send + Sync>,
    reader: Option<std::thread::JoinHandle<()>>,
    deaf: Arc<AtomicBool>,
    screen: Arc<Mutex<vt100::Parser>>,
    raw: Arc<Mutex<Vec<u8>>>,
}

/// The program with an own home, and nothing of ours in its environment but what a terminal gives.
pub fn lampboard(home: &Path) -> CommandBuilder {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_lampboard"));
    command.env_clear();
    command.env("TERM", "xterm-256color");
    command.env("LANG", "C.UTF-8");
    command.env("PATH", std::env::var("PATH").unwrap_or_default());
    command.env("LAMPBOARD_HOME", home);
    command
}

pub const fn size(columns: u16, rows: u16) -> PtySize {
    PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }
}

impl App {
    pub fn start(command: CommandBuilder, columns: u16, rows: u16) -> App {
        let pair = native_pty_system().openpty(size(columns, rows)).unwrap();
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let screen = Arc::new(Mutex::new(vt100::Parser::new(rows.try_into().unwrap(), columns.try_into().unwrap(), 0)));
        let raw = Arc::new(Mutex::new(Vec::new()));
        let deaf = Arc::new(AtomicBool::new(false));
        let mut output = pair.master.try_clone_reader().unwrap();
        let (to_screen, to_raw, stop) = (screen.clone(), raw.clone(), deaf.clone());
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 65536];
            while let Ok(n @ 1..) = output.read(&mut buffer) {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                to_screen.lock().unwrap().process(&buffer[..n]);
                to_raw.lock().unwrap().extend(&buffer[..n]);
            }
        });
        let keys = pair.master.take_writer().unwrap();
        App { master: Some(pair.master), keys: Some(keys), child, reader: Some(reader), deaf, screen, raw }
    }

    pub fn text(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    pub fn raw(&self) -> Vec<u8> {
        self.raw.lock().unwrap().clone()
    }

    pub fn with_screen<T>(&self, look: impl FnOnce(&vt100::Screen) -> T) -> T {
        look(self.screen.lock().unwrap().screen())
    }

    /// Waits until the screen holds the text.
    pub fn see(&self, text: &str) {
        until(|| format!("'{text}' on\n{}", self.text()), || self.text().contains(text));
    }

    pub fn send(&mut self, bytes: &str) {
        let keys = self.keys.as_mut().unwrap();
        keys.write_all(bytes.as_bytes()).unwrap();
        keys.flush().unwrap();
    }

    pub fn resize(&self, columns: u16, rows: u16) {
        self.screen.lock().unwrap().screen_mut().set_size(rows.try_into().unwrap(), columns.try_into().unwrap());
        self.master.as_ref().unwrap().resize(size(columns, rows)).unwrap();
    }

    pub fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.process_id().unwrap()).unwrap()).unwrap()
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// The state letter of the process: `S`, `R`, `T` …
    pub fn state(&self) -> char {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid().as_raw_nonzero())).unwrap_or_default();
        stat.rsplit(')').next().and_then(|rest| rest.trim().chars().next()).unwrap_or('-')
    }

    /// Waits for the end; its exit code.
    pub fn exit(&mut self) -> u32 {
        let mut code = None;
        let child = &mut self.child;
        until(
            || "the program still runs".to_owned(),
            || {
                code = child.try_wait().unwrap().map(|s| s.exit_code());
                code.is_some()
            },
        );
        // All it wrote is read when the terminal's other end is closed.
        if let Some(reader) = self.reader.take() {
            until(|| "output without end".to_owned(), || reader.is_finished());
        }
        code.unwrap()
    }

    /// Presses Ctrl-C as often as it takes: after an Esc it is another chord, and a key that comes together with a new
    /// size is read with the next one.
    pub fn quit(&mut self) -> u32 {
        let (child, keys) = (&mut self.child, self.keys.as_mut().unwrap());
        until(
            || "the program does not quit".to_owned(),
            || {
                // Nobody may be there any more to read it.
                let _ = keys.write_all(b"\x03");
                child.try_wait().unwrap().is_some()
            },
        );
        self.exit()
    }

    /// The terminal as a shell wants to find it.
    pub fn is_clean(&self) {
        self.with_screen(|screen| {
            assert!(!screen.alternate_screen(), "the alternate screen is left on");
            assert!(!screen.hide_cursor(), "the cursor is hidden");
            assert!(!screen.bracketed_paste(), "bracketed paste is left on");
            assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None, "the mouse is caught");
        });
        let modes = self.master.as_ref().unwrap().get_termios().map(|t| format!("{:?}", t.local_flags));
        let modes = modes.unwrap_or_default();
        assert!(modes.contains("ICANON") && modes.contains("ECHO"), "raw mode is left on: {modes}");
    }

    /// Takes the terminal away.
    pub fn hang_up(&mut self) {
        self.deaf.store(true, Ordering::SeqCst);
        // The reader sits in a read: any output wakes it.
        self.send("?");
        if let Some(reader) = self.reader.take() {
            until(|| "the reader still reads".to_owned(), || reader.is_finished());
        }
        self.keys = None;
        self.master = None;
    }
}

impl Drop for App {
    fn drop(&mut self) {
        // Only ever our own child, and only if it is still there.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
