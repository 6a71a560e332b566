//! A one-line text field: our keys to edits, pastes made one line, a view that keeps the cursor visible.
//!
//! Not for secrets: the buffer below keeps cut text and is not zeroized.

use crate::tui::{
    event::{Key, KeyCode},
    theme::{Role, Theme},
};
use ratatui::{
    Frame,
    layout::{Position, Rect},
    text::{Line, Span},
};
use tui_input::{Input, InputRequest};
use unicode_width::UnicodeWidthChar;

/// The longest text a field takes, in bytes: pastes beyond it are cut.
pub const MAX: usize = 4096;

/// A line of text being edited.
#[derive(Debug, Clone, Default)]
pub struct TextField {
    input: Input,
}

impl TextField {
    /// A field holding `value`, the cursor behind it.
    pub fn new(value: &str) -> Self {
        let mut field = TextField::default();
        field.paste(value);
        field
    }

    /// The text.
    pub fn value(&self) -> &str {
        self.input.value()
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.value().is_empty()
    }

    /// Columns before the cursor.
    pub fn cursor_column(&self) -> usize {
        self.input.visual_cursor()
    }

    /// Replaces the text; the cursor goes behind it.
    pub fn set(&mut self, value: &str) {
        *self = TextField::new(value);
    }

    /// Empties it.
    pub fn clear(&mut self) {
        self.input = Input::default();
    }

    /// Applies a key. `false`: the key means nothing to a text field, somebody else may have it.
    pub fn key(&mut self, key: Key) -> bool {
        let Some(request) = request(key) else { return false };
        if matches!(request, InputRequest::InsertChar(_)) && self.value().len() >= MAX {
            return true;
        }
        self.input.handle(request);
        true
    }

    /// Inserts a paste at the cursor: trimmed, its line breaks and tabs as spaces, other controls left out.
    pub fn paste(&mut self, text: &str) {
        for c in text.trim_matches(['\r', '\n', '\t']).chars() {
            if self.value().len() >= MAX {
                return;
            }
            let c = if matches!(c, '\r' | '\n' | '\t') { ' ' } else { c };
            if !c.is_control() {
                self.input.handle(InputRequest::InsertChar(c));
            }
        }
    }

    /// Draws the text in the first row of `area`, scrolled so that the cursor shows, and places the terminal's
    /// cursor when focused. `placeholder` stands dim while nothing is typed.
    pub fn draw(&self, frame: &mut Frame<'_>, area: Rect, theme: &Theme, focused: bool, placeholder: &str) {
        if area.width == 0 || area.height == 0 {
            return;
        }
        let area = Rect { height: 1, ..area };
        let style = theme.style(if focused { Role::InputFocus } else { Role::Input });
        frame.buffer_mut().set_style(area, style);
        if self.is_empty() {
            frame.render_widget(Line::from(Span::styled(placeholder, theme.style(Role::Dim))), area);
        } else {
            let (text, _) = self.view(area.width);
            frame.render_widget(Line::from(Span::styled(text, style)), area);
        }
        if focused {
            let (_, column) = self.view(area.width);
            frame.set_cursor_position(Position::new(area.x.saturating_add(column), area.y));
        }
    }

    /// The part of the text that shows in `width` columns, and the cursor's column in it.
    pub fn view(&self, width: u16) -> (String, u16) {
        let width = usize::from(width);
        let cursor = self.cursor_column();
        // One column stays free for the cursor behind the last character.
        let start = (cursor + 1).saturating_sub(width);
        let (mut column, mut shown, mut text) = (0, 0, String::new());
        for c in self.value().chars() {
            let w = c.width().unwrap_or(0);
            if column >= start && shown + w <= width {
                text.push(c);
                shown += w;
            } else if column >= start {
                break;
            } else if column + w > start {
                // A wide character cut by the left edge leaves a blank half.
                text.push(' ');
                shown += 1;
            }
            column += w;
        }
        (text, u16::try_from(cursor.saturating_sub(start)).unwrap_or(u16::MAX))
    }
}

fn request(key: Key) -> Option<InputRequest> {
    use InputRequest as R;
    Some(match (key.code, key.ctrl, key.alt) {
        (KeyCode::Char(c), false, false) if !c.is_control() => R::InsertChar(c),
        (KeyCode::Char('a'), true, false) | (KeyCode::Home, _, _) => R::GoToStart,
        (KeyCode::Char('e'), true, false) | (KeyCode::End, _, _) => R::GoToEnd,
        (KeyCode::Char('u'), true, false) => R::DeleteFromStart,
        (KeyCode::Char('k'), true, false) => R::DeleteTillEnd,
        (KeyCode::Char('w'), true, false) | (KeyCode::Backspace, _, true) | (KeyCode::Backspace, true, _) => {
            R::DeletePrevWord
        }
        (KeyCode::Char('y'), true, false) => R::Yank,
        (KeyCode::Char('h'), true, false) | (KeyCode::Backspace, false, false) => R::DeletePrevChar,
        (KeyCode::Char('d'), false, true) => R::DeleteNextWord,
        (KeyCode::Delete, _, _) => R::DeleteNextChar,
        (KeyCode::Char('b'), false, true) | (KeyCode::Left, true, _) | (KeyCode::Left, _, true) => R::GoToPrevWord,
        (KeyCode::Char('f'), false, true) | (KeyCode::Right, true, _) | (KeyCode::Right, _, true) => R::GoToNextWord,
        (KeyCode::Left, false, false) => R::GoToPrevChar,
        (KeyCode::Right, false, false) => R::GoToNextChar,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn type_in(field: &mut TextField, text: &str) {
        for c in text.chars() {
            assert!(field.key(Key::plain(KeyCode::Char(c))));
        }
    }

    fn alt(c: char) -> Key {
        Key { alt: true, ..Key::plain(KeyCode::Char(c)) }
    }

    #[test]
    fn words_are_walked_and_deleted_with_the_shell_s_keys() {
        let mut field = TextField::default();
        type_in(&mut field, "one two three");
        field.key(alt('b'));
        field.key(Key::ctrl('w'));
        assert_eq!(field.value(), "one three");
        field.key(Key::ctrl('a'));
        field.key(alt('f'));
        assert_eq!(field.cursor_column(), 4);
        field.key(Key::ctrl('u'));
        assert_eq!(field.value(), "three");
        field.key(Key::ctrl('e'));
        type_in(&mut field, "!");
        assert_eq!(field.value(), "three!");
    }

    #[test]
    fn keys_of_others_are_left_to_them() {
        let mut field = TextField::new("x");
        for code in [KeyCode::Enter, KeyCode::Esc, KeyCode::Tab, KeyCode::Up, KeyCode::Down, KeyCode::F(1)] {
            assert!(!field.key(Key::plain(code)), "{code:?}");
        }
        assert!(!field.key(Key::ctrl('c')));
        assert_eq!(field.value(), "x");
    }

    #[test]
    fn a_paste_becomes_one_bounded_line() {
        let mut field = TextField::default();
        field.paste("\r\na\tb\r\nc\x1b[31m\n");
        assert_eq!(field.value(), "a b  c[31m");
        field.paste(&"x".repeat(MAX * 2));
        assert!(field.value().len() <= MAX);
    }

    #[test]
    fn the_cursor_is_always_in_view() {
        let mut field = TextField::new("日本語 and more than fits");
        for _ in 0..30 {
            for width in 1..12 {
                let (text, column) = field.view(width);
                assert!(column < width, "{text:?} {column} {width}");
                assert!(unicode_width::UnicodeWidthStr::width(text.as_str()) <= usize::from(width));
            }
            field.key(Key::plain(KeyCode::Left));
        }
    }
}
