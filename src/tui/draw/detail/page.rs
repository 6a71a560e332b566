//! A column of text under construction: headings, labelled values, wrapped sentences.

use crate::tui::{
    theme::{Role, Theme},
    widgets::text,
};
use ratatui::{
    style::{Modifier, Style},
    text::{Line, Span},
};
use unicode_width::UnicodeWidthStr;

/// Columns of a label.
pub const LABEL: usize = 13;

/// The column.
pub struct Page<'a> {
    /// What is written so far.
    pub lines: Vec<Line<'static>>,
    /// Its columns.
    pub width: usize,
    theme: &'a Theme,
}

impl<'a> Page<'a> {
    /// An empty one.
    pub fn new(width: u16, theme: &'a Theme) -> Self {
        Page { lines: Vec::new(), width: usize::from(width), theme }
    }

    /// A heading: the word, then a rule to the edge.
    pub fn heading(&mut self, title: &str) {
        if !self.lines.is_empty() {
            self.lines.push(Line::default());
        }
        let rule = self.width.saturating_sub(title.width() + 1);
        self.lines.push(Line::from(vec![
            Span::styled(format!("{title} "), self.theme.style(Role::Title).add_modifier(Modifier::BOLD)),
            Span::styled(self.theme.symbol("─", "-").repeat(rule), self.theme.style(Role::Border)),
        ]));
    }

    /// A label and a value; the value goes on below itself.
    pub fn pair(&mut self, label: &str, value: &str, role: Role) {
        self.styled(label, value, self.theme.style(role));
    }

    /// [`Page::pair`] in any style.
    pub fn styled(&mut self, label: &str, value: &str, style: Style) {
        let room = self.width.saturating_sub(LABEL).max(8);
        let mut first = true;
        for line in text::wrap(value, room) {
            let label = if first { label } else { "" };
            first = false;
            self.lines.push(Line::from(vec![
                Span::styled(text::left(label, LABEL - 1, self.theme.unicode), self.theme.style(Role::Dim)),
                Span::raw(" "),
                Span::styled(line, style),
            ]));
        }
    }

    /// A label and ready spans, on one line.
    pub fn spans(&mut self, label: &str, spans: Vec<Span<'static>>) {
        let mut line = vec![
            Span::styled(text::left(label, LABEL - 1, self.theme.unicode), self.theme.style(Role::Dim)),
            Span::raw(" "),
        ];
        line.extend(spans);
        self.lines.push(Line::from(line));
    }

    /// A wrapped sentence.
    pub fn sentence(&mut self, words: &str, role: Role) {
        let style = self.theme.style(role);
        self.lines.extend(text::wrap(words, self.width).into_iter().map(|l| Line::from(Span::styled(l, style))));
    }

    /// One line, cut to the width.
    pub fn line(&mut self, words: &str, role: Role) {
        let cut = text::cut(words, self.width, self.theme.unicode);
        self.lines.push(Line::from(Span::styled(cut, self.theme.style(role))));
    }
}
