//! Frames, rules and key hints in the theme's colours, with an ASCII shape where there is nothing else.

use crate::tui::theme::{Role, Theme};
use ratatui::{
    symbols::border,
    text::{Line, Span},
    widgets::Block,
};

const ASCII: border::Set<'_> = border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};

/// A frame with a title. `focus` draws it in the focus colour.
pub fn framed<'a>(theme: &Theme, title: impl Into<Line<'a>>, focus: bool) -> Block<'a> {
    Block::bordered()
        .border_set(if theme.unicode { border::ROUNDED } else { ASCII })
        .border_style(theme.style(if focus { Role::BorderFocus } else { Role::Border }))
        .style(theme.style(Role::Text))
        .title(title)
}

/// A horizontal rule of `width` columns.
pub fn rule(theme: &Theme, width: usize) -> Line<'static> {
    Line::from(Span::styled(theme.symbol("─", "-").repeat(width), theme.style(Role::Border)))
}

/// The separator between two facts on one line.
pub fn dot(theme: &Theme) -> &'static str {
    theme.symbol(" · ", " | ")
}

/// `key label` pairs, as many as fit in `width` columns; pairs are left out from the end.
pub fn hints(theme: &Theme, pairs: &[(String, &str)], width: usize) -> Line<'static> {
    let (mut spans, mut used) = (Vec::new(), 1);
    spans.push(Span::raw(" "));
    for (key, label) in pairs {
        let text = format!(" {label}  ");
        let w = unicode_width::UnicodeWidthStr::width(key.as_str()) + text.chars().count();
        // The blanks after the last one may fall off.
        if used + w > width + 2 {
            break;
        }
        used += w;
        spans.push(Span::styled(key.clone(), theme.style(Role::Key)));
        spans.push(Span::styled(text, theme.style(Role::Dim)));
    }
    Line::from(spans)
}
