//! The terminal's life cycle: every way out of the board leaves a clean terminal, and a lost terminal ends the process.
//!
//! Not `ratatui::init`: its panic hook undoes the screen for a panic in any thread, while the board goes on drawing.
//! Not `Terminal::clear`: it asks the terminal for the cursor, and the answer races with the keys.

use super::{
    event::Event,
    input::{Signal, Signals, translate},
    run::{Input, Stage},
};
use crossterm::{
    clipboard::CopyToClipboard,
    cursor::Show,
    event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture, EventStream},
    execute, queue,
    terminal::{
        BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
        enable_raw_mode,
    },
};
use futures_util::StreamExt as _;
use ratatui::{Frame, Terminal, backend::CrosstermBackend, layout::Rect};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::{
    io::{self, BufWriter, Stdout, Write, stdout},
    mem::ManuallyDrop,
    sync::atomic::{AtomicBool, Ordering},
    thread::ThreadId,
    time::Duration,
};
use tokio::sync::mpsc;

/// Bytes gathered before they go to the terminal: a full frame of a large screen in one write.
const BUFFER: usize = 64 * 1024;

/// Bytes of a clipboard text: terminals drop longer sequences.
const COPY: usize = 74_000;

/// How long the board may take to put its history away once the terminal is gone.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// The exit code of a process whose terminal went away.
pub const HUNG_UP: u8 = 129;

/// The screen is ours.
static ON: AtomicBool = AtomicBool::new(false);

type Tty = Terminal<CrosstermBackend<BufWriter<Stdout>>>;

/// The real terminal, its keys, and the signals.
pub struct Console {
    // Its own `Drop` writes to a terminal that may be gone, and panics if that fails.
    terminal: ManuallyDrop<Tty>,
    events: Option<EventStream>,
    signals: Signals,
    lost: mpsc::Receiver<()>,
    mouse: bool,
}

impl Console {
    /// Takes the terminal over. Errors: it cannot be put into raw mode, or is not writable.
    pub fn open(mouse: bool) -> io::Result<Console> {
        let signals = Signals::listen()?;
        let lost = watch_hang_up();
        catch_panics();
        enter(mouse)?;
        let backend = CrosstermBackend::new(BufWriter::with_capacity(BUFFER, stdout()));
        let terminal = Terminal::new(backend).inspect_err(|_| leave())?;
        Ok(Console { terminal: ManuallyDrop::new(terminal), events: Some(EventStream::new()), signals, lost, mouse })
    }

    /// Leaves a terminal that is, or may be, gone: without a word to it if it is.
    pub fn abandon(self) {
        if hung_up(Some(&Timespec::default())) {
            ON.store(false, Ordering::SeqCst);
        }
        leave();
        // What drops reads and writes once more.
        std::mem::forget(self);
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        self.events = None;
        leave();
    }
}

impl Stage for Console {
    fn size(&self) -> io::Result<(u16, u16)> {
        self.terminal.size().map(|s| (s.width, s.height))
    }

    fn draw(&mut self, picture: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        self.terminal.draw(picture)?;
        execute!(self.terminal.backend_mut(), EndSynchronizedUpdate)
    }

    fn redraw(&mut self) -> io::Result<()> {
        let size = self.terminal.size()?;
        self.terminal.resize(Rect::from((ratatui::layout::Position::ORIGIN, size)))
    }

    fn suspend(&mut self) -> io::Result<()> {
        // Dropped, not only left alone: its thread would read the keys meant for the shell.
        self.events = None;
        leave();
        rustix::process::kill_current_process_group(rustix::process::Signal::STOP)?;
        enter(self.mouse)?;
        self.events = Some(EventStream::new());
        self.redraw()
    }

    fn copy(&mut self, text: &str) -> io::Result<bool> {
        if text.len() > COPY * 3 / 4 {
            return Ok(false);
        }
        execute!(self.terminal.backend_mut(), CopyToClipboard::to_clipboard_from(text))?;
        Ok(true)
    }

    async fn next(&mut self) -> Input {
        loop {
            let Some(events) = &mut self.events else { return Input::Lost };
            tokio::select! {
                biased;
                signal = self.signals.next() => return match signal {
                    Signal::Stop => Input::Suspend,
                    Signal::HangUp => Input::Lost,
                    Signal::End(code) => Input::End(code),
                },
                _ = self.lost.recv() => return Input::Lost,
                event = events.next() => match event {
                    Some(Ok(event)) => if let Some(event) = translate(event) { return Input::Event(event) },
                    Some(Err(_)) | None => return Input::Lost,
                },
            }
        }
    }
}

fn enter(mouse: bool) -> io::Result<()> {
    enable_raw_mode()?;
    ON.store(true, Ordering::SeqCst);
    let mut out = stdout();
    let entered = execute!(out, EnterAlternateScreen, EnableBracketedPaste)
        .and_then(|()| if mouse { execute!(out, EnableMouseCapture) } else { Ok(()) });
    entered.inspect_err(|_| leave())
}

/// Undoes everything, once, without ever failing: the same for the end, an error, a panic, a signal and suspension.
fn leave() {
    if !ON.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = stdout();
    let _ = execute!(out, EndSynchronizedUpdate);
    let _ = execute!(out, DisableBracketedPaste);
    let _ = execute!(out, DisableMouseCapture);
    let _ = execute!(out, LeaveAlternateScreen);
    let _ = execute!(out, Show);
    let _ = disable_raw_mode();
    let _ = out.flush();
}

/// A panic of the drawing thread gives the terminal back before it is told. One anywhere else goes to the log: the
/// board lives on, and a text on the screen would only tear it.
fn catch_panics() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    let ours: ThreadId = std::thread::current().id();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            tracing::error!(place = crate::panics::place(panic), text = crate::panics::text(panic), "internal error");
            if std::thread::current().id() == ours {
                leave();
                before(panic);
            } else if !ON.load(Ordering::SeqCst) {
                before(panic);
            }
        }));
    });
}

/// Watches for a terminal that goes away without a signal (the child of a leader that ignores SIGHUP): reading it
/// would then spin for ever. Once it is gone the board has [`LAST_WORDS`] to end by itself.
fn watch_hang_up() -> mpsc::Receiver<()> {
    let (tell, lost) = mpsc::channel(1);
    let watch = move || {
        if !hung_up(None) {
            return;
        }
        let _ = tell.try_send(());
        std::thread::sleep(LAST_WORDS);
        std::process::exit(i32::from(HUNG_UP));
    };
    if std::thread::Builder::new().name("hang-up".to_owned()).spawn(watch).is_err() {
        tracing::warn!("no thread to watch for a lost terminal");
    }
    lost
}

/// Whether the terminal is gone, once `limit` is over or it goes; `None` waits for that.
fn hung_up(limit: Option<&Timespec>) -> bool {
    let stdin = io::stdin();
    loop {
        // Asking for no event at all: a lost terminal is told nevertheless, and keys wake nobody.
        let mut fds = [PollFd::new(&stdin, PollFlags::empty())];
        match poll(&mut fds, limit) {
            Ok(0) if limit.is_some() => return false,
            Ok(_) if !fds[0].revents().is_empty() => return true,
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return false,
        }
    }
}

/// Whether a pasted or pressed event is worth a frame at once: the user waits for it.
pub const fn is_urgent(event: &Event) -> bool {
    matches!(event, Event::Key(_) | Event::Paste(_) | Event::Resize(..))
}
