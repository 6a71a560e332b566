//! From crossterm's events and the system's signals to our own.

use super::event::{Event, Key, KeyCode};
use crossterm::event::{self as term, KeyEventKind, KeyModifiers, MouseEventKind};
use std::io;
use tokio::signal::unix::{self, SignalKind};
use zeroize::Zeroizing;

/// The number of SIGTSTP on every system we build for.
const TSTP: i32 = rustix::process::Signal::TSTP.as_raw();

/// Our event for one of crossterm's; `None`: it means nothing to us.
pub fn translate(event: term::Event) -> Option<Event> {
    match event {
        term::Event::Key(key) if key.kind != KeyEventKind::Release => translate_key(key).map(Event::Key),
        term::Event::Paste(text) => Some(Event::Paste(Zeroizing::new(text))),
        term::Event::Resize(columns, rows) => Some(Event::Resize(columns, rows)),
        // The wheel moves the selection, as its keys do.
        term::Event::Mouse(mouse) => match mouse.kind {
            MouseEventKind::ScrollUp => Some(Event::Key(Key::plain(KeyCode::Up))),
            MouseEventKind::ScrollDown => Some(Event::Key(Key::plain(KeyCode::Down))),
            _ => None,
        },
        _ => None,
    }
}

fn translate_key(key: term::KeyEvent) -> Option<Key> {
    let code = match key.code {
        term::KeyCode::Char(c) => KeyCode::Char(c),
        term::KeyCode::Enter => KeyCode::Enter,
        term::KeyCode::Esc => KeyCode::Esc,
        term::KeyCode::Tab => KeyCode::Tab,
        term::KeyCode::BackTab => KeyCode::BackTab,
        term::KeyCode::Backspace => KeyCode::Backspace,
        term::KeyCode::Delete => KeyCode::Delete,
        term::KeyCode::Insert => KeyCode::Insert,
        term::KeyCode::Up => KeyCode::Up,
        term::KeyCode::Down => KeyCode::Down,
        term::KeyCode::Left => KeyCode::Left,
        term::KeyCode::Right => KeyCode::Right,
        term::KeyCode::Home => KeyCode::Home,
        term::KeyCode::End => KeyCode::End,
        term::KeyCode::PageUp => KeyCode::PageUp,
        term::KeyCode::PageDown => KeyCode::PageDown,
        term::KeyCode::F(n) => KeyCode::F(n),
        _ => return None,
    };
    let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
    let alt = key.modifiers.contains(KeyModifiers::ALT);
    Some(match code {
        // Some terminals send Backspace as Ctrl-H.
        KeyCode::Char('h') if ctrl && !alt => Key::plain(KeyCode::Backspace),
        // A character already says whether Shift was held, and terminals disagree about telling it again.
        KeyCode::Char(_) | KeyCode::BackTab => Key { code, ctrl, alt, shift: false },
        KeyCode::Tab if key.modifiers.contains(KeyModifiers::SHIFT) => Key::plain(KeyCode::BackTab),
        _ => Key { code, ctrl, alt, shift: key.modifiers.contains(KeyModifiers::SHIFT) },
    })
}

/// A signal, by what it wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Stop until continued.
    Stop,
    /// The terminal is gone.
    HangUp,
    /// End, with this exit code.
    End(u8),
}

/// Listens for the signals that end or stop a terminal program.
pub struct Signals {
    terminate: unix::Signal,
    interrupt: unix::Signal,
    quit: unix::Signal,
    hang_up: unix::Signal,
    stop: unix::Signal,
}

impl Signals {
    /// From now on. Errors: the system refuses a handler.
    pub fn listen() -> io::Result<Signals> {
        Ok(Signals {
            terminate: unix::signal(SignalKind::terminate())?,
            interrupt: unix::signal(SignalKind::interrupt())?,
            quit: unix::signal(SignalKind::quit())?,
            hang_up: unix::signal(SignalKind::hangup())?,
            stop: unix::signal(SignalKind::from_raw(TSTP))?,
        })
    }

    /// The next one.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.hang_up.recv() => Signal::HangUp,
            _ = self.terminate.recv() => Signal::End(143),
            _ = self.interrupt.recv() => Signal::End(130),
            _ = self.quit.recv() => Signal::End(131),
            _ = self.stop.recv() => Signal::Stop,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(code: term::KeyCode, modifiers: KeyModifiers) -> Option<Event> {
        translate(term::Event::Key(term::KeyEvent::new(code, modifiers)))
    }

    #[test]
    fn what_terminals_really_send() {
        for (code, modifiers, wanted) in [
            (term::KeyCode::Char('A'), KeyModifiers::SHIFT, Key::plain(KeyCode::Char('A'))),
            (term::KeyCode::Char('?'), KeyModifiers::NONE, Key::plain(KeyCode::Char('?'))),
            (term::KeyCode::BackTab, KeyModifiers::SHIFT, Key::plain(KeyCode::BackTab)),
            (term::KeyCode::Tab, KeyModifiers::SHIFT, Key::plain(KeyCode::BackTab)),
            (term::KeyCode::Char('h'), KeyModifiers::CONTROL, Key::plain(KeyCode::Backspace)),
            (term::KeyCode::Char('c'), KeyModifiers::CONTROL, Key::ctrl('c')),
        ] {
            assert!(matches!(key(code, modifiers), Some(Event::Key(k)) if k == wanted), "{code:?} {modifiers:?}");
        }
        assert!(key(term::KeyCode::CapsLock, KeyModifiers::NONE).is_none());
        let mut release = term::KeyEvent::new(term::KeyCode::Enter, KeyModifiers::NONE);
        release.kind = KeyEventKind::Release;
        assert!(translate(term::Event::Key(release)).is_none());
    }
}
