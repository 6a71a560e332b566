//! An input for secrets: a fixed buffer that is wiped, a mask that says nothing but "something is here".
//!
//! There is no cursor, no undo and no yank: a secret is typed or pasted at the end, rubbed out, or cleared. It may be
//! looked at for a few seconds; when that ends is told by whoever knows the time (`update::reveal`).

use crate::{
    model::Secret,
    tui::{
        event::{Key, KeyCode},
        theme::{Role, Theme},
        widgets::text,
    },
};
use jiff::Timestamp;
use ratatui::{
    Frame,
    layout::{Position, Rect},
    text::{Line, Span},
};
use std::fmt;
use unicode_width::UnicodeWidthStr;
use zeroize::{Zeroize, Zeroizing};

/// The most a secret may hold, in bytes. The buffer has this size from the start and never moves, so that no copy
/// of a shorter one is left behind in memory.
pub const CAPACITY: usize = 16 * 1024;

/// A secret being typed. Not `Clone`; `Debug` shows nothing of it.
pub struct SecretField {
    bytes: Zeroizing<Vec<u8>>,
    /// Shown in clear until then.
    shown_until: Option<Timestamp>,
}

impl Default for SecretField {
    fn default() -> Self {
        SecretField { bytes: Zeroizing::new(Vec::with_capacity(CAPACITY)), shown_until: None }
    }
}

impl fmt::Debug for SecretField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretField(••••)")
    }
}

impl SecretField {
    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// How many characters it holds.
    pub fn count(&self) -> usize {
        self.text().chars().count()
    }

    /// The secret, for the draft.
    pub fn secret(&self) -> Secret {
        Secret::new(self.text().to_owned())
    }

    /// Whether the expression finds something in it.
    pub fn matches(&self, pattern: &regex_lite::Regex) -> bool {
        pattern.is_match(self.text())
    }

    /// Wipes it.
    pub fn clear(&mut self) {
        self.bytes.zeroize();
        self.shown_until = None;
    }

    /// Until when it is shown in clear; `None`: it is masked.
    pub fn shown_until(&self) -> Option<Timestamp> {
        self.shown_until
    }

    /// Shows it in clear until then, or masks it.
    pub fn show(&mut self, until: Option<Timestamp>) {
        self.shown_until = until.filter(|_| !self.is_empty());
    }

    /// Appends text that has no control characters. `false`: it does not fit, and nothing was taken.
    pub fn push_str(&mut self, text: &str) -> bool {
        if text.chars().any(char::is_control) || self.bytes.len() + text.len() > CAPACITY {
            return false;
        }
        self.bytes.extend_from_slice(text.as_bytes());
        true
    }

    /// Takes text in place of what was typed, under the same conditions.
    pub fn replace(&mut self, text: &str) -> bool {
        if text.chars().any(char::is_control) || text.len() > CAPACITY {
            return false;
        }
        self.clear();
        self.push_str(text)
    }

    /// Applies a key. `false`: the key means nothing here, somebody else may have it.
    pub fn key(&mut self, key: Key) -> bool {
        match (key.code, key.ctrl, key.alt) {
            (KeyCode::Char('u'), true, false) => self.clear(),
            (KeyCode::Char('h'), true, false) | (KeyCode::Backspace, _, _) => self.pop(),
            (KeyCode::Char(c), false, false) => {
                let mut buffer = [0; 4];
                self.push_str(c.encode_utf8(&mut buffer));
                buffer.zeroize();
            }
            _ => return false,
        }
        true
    }

    /// What may be shown of it in so many columns: a mask of fixed length (or the secret, while it is looked at) and
    /// the count. Empty while nothing is typed.
    pub fn shown(&self, theme: &Theme, width: usize) -> (String, String) {
        let count = match self.count() {
            0 => return (String::new(), String::new()),
            1 => "1 character".to_owned(),
            n => format!("{n} characters"),
        };
        let seen = match self.shown_until {
            None => theme.symbol("••••••••", "********").to_owned(),
            Some(_) => {
                let clear = Zeroizing::new(crate::model::text::sanitize(self.text(), CAPACITY));
                text::cut(&clear, width.saturating_sub(count.len() + 2).max(8), theme.unicode)
            }
        };
        (seen, count)
    }

    /// Draws mask and count in the first row of `area`; the terminal's cursor goes behind the mask when focused.
    pub fn draw(&self, frame: &mut Frame<'_>, area: Rect, theme: &Theme, focused: bool, placeholder: &str) {
        if area.is_empty() {
            return;
        }
        let area = Rect { height: 1, ..area };
        let style = theme.style(if focused { Role::InputFocus } else { Role::Input });
        frame.buffer_mut().set_style(area, style);
        let (mask, count) = self.shown(theme, usize::from(area.width));
        let column = u16::try_from(mask.width()).unwrap_or(0);
        let line = if mask.is_empty() {
            Line::from(Span::styled(placeholder, theme.style(Role::Dim)))
        } else {
            Line::from(vec![Span::styled(mask, style), Span::raw("  "), Span::styled(count, theme.style(Role::Dim))])
        };
        frame.render_widget(line, area);
        if focused && column < area.width {
            frame.set_cursor_position(Position::new(area.x + column, area.y));
        }
    }

    fn text(&self) -> &str {
        // Only whole characters go in and come out.
        std::str::from_utf8(&self.bytes).unwrap_or("")
    }

    fn pop(&mut self) {
        let Some(last) = self.text().chars().next_back() else { return };
        let keep = self.bytes.len() - last.len_utf8();
        // Shortening a vector leaves the old bytes behind its end.
        self.bytes[keep..].zeroize();
        self.bytes.truncate(keep);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_what_is_typed_and_shows_only_how_much() {
        let mut field = SecretField::default();
        let place = field.bytes.as_ptr();
        assert!(field.push_str("sk-canary-ключ"));
        field.key(Key::plain(KeyCode::Char('!')));
        field.key(Key::plain(KeyCode::Backspace));
        field.key(Key::plain(KeyCode::Backspace));
        assert_eq!(field.secret().expose(), "sk-canary-клю");
        assert_eq!(field.count(), 13);
        let theme = Theme::new("plain", Default::default(), false);
        assert_eq!(field.shown(&theme, 40), ("********".to_owned(), "13 characters".to_owned()));
        field.show(Some(Timestamp::UNIX_EPOCH));
        assert_eq!(field.shown(&theme, 40).1, "13 characters");
        assert!(field.shown(&theme, 40).0.starts_with("sk-canary-"));
        assert!(field.shown(&theme, 24).0.width() <= 9, "{:?}", field.shown(&theme, 24));
        assert!(!format!("{field:?}").contains("canary"));
        field.key(Key::ctrl('u'));
        assert!(field.is_empty() && field.shown_until().is_none());
        assert_eq!(place, field.bytes.as_ptr());
    }

    #[test]
    fn nothing_comes_back_after_clearing_and_control_characters_stay_out() {
        let mut field = SecretField::default();
        field.push_str("once");
        field.key(Key::ctrl('u'));
        assert!(!field.key(Key::ctrl('y')));
        assert!(field.is_empty());
        assert!(!field.push_str("a\x1b[0m"));
        assert!(!field.push_str(&"x".repeat(CAPACITY + 1)));
        assert!(field.is_empty());
    }
}
