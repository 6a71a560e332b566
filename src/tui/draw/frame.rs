//! What surrounds the tabs: header, summary line, banner of problems, toasts.

use crate::{
    model::Status,
    monitor::{BoardHealth, Snapshot},
    tui::{
        action::Action,
        state::{Tab, UiState, toast::Tone},
        theme::{Role, Theme},
        widgets::{lamp, panel, text, time},
    },
};
use ratatui::{
    Frame,
    layout::Rect,
    style::Modifier,
    text::{Line, Span},
    widgets::Clear,
};
use unicode_width::UnicodeWidthStr;

/// Tabs on the left; the board's health and the clock on the right.
pub fn header(frame: &mut Frame<'_>, area: Rect, snapshot: &Snapshot, state: &UiState, theme: &Theme) {
    frame.buffer_mut().set_style(area, theme.style(Role::Tab));
    let right = health(snapshot, state, theme, area.width);
    let room = usize::from(area.width).saturating_sub(right.width() + 1);
    let mut left = Vec::new();
    let tabs: usize = Tab::ALL.iter().map(|t| t.title().len() + 4).sum();
    if room >= tabs + 12 {
        left.push(Span::styled(" Lampboard ", theme.style(Role::Title).add_modifier(Modifier::BOLD)));
    }
    let numbered = room >= tabs + 18;
    for tab in Tab::ALL {
        let action = match tab {
            Tab::Overview => Action::Overview,
            Tab::Add => Action::Add,
            Tab::Metrics => Action::Metrics,
        };
        let key = state.keymap.keys(action).into_iter().next().filter(|_| numbered);
        let role = if tab == state.tab { Role::TabActive } else { Role::Tab };
        let text = match key {
            Some(key) => format!(" {key} {} ", tab.title()),
            None => format!(" {} ", tab.title()),
        };
        left.push(Span::raw(" "));
        left.push(Span::styled(text, theme.style(role)));
    }
    frame.render_widget(Line::from(left), Rect { width: u16::try_from(room).unwrap_or(area.width), ..area });
    frame.render_widget(right.right_aligned(), area);
}

fn health(snapshot: &Snapshot, state: &UiState, theme: &Theme, width: u16) -> Line<'static> {
    let mut spans = Vec::new();
    if !snapshot.entries.is_empty() {
        let (status, word) = match snapshot.health {
            BoardHealth::Healthy => (Status::Active, "healthy"),
            BoardHealth::Degraded => (Status::Error, "DEGRADED"),
        };
        let style = lamp::style(status, theme).add_modifier(Modifier::BOLD);
        spans.push(Span::styled(format!("{} {word}", lamp::symbol(status, theme)), style));
    }
    if width >= 60 {
        let zoned = state.now.to_zoned(state.zone.clone());
        spans.push(Span::styled(format!("  {}", zoned.strftime("%H:%M %Z")), theme.style(Role::Dim)));
    }
    spans.push(Span::raw(" "));
    Line::from(spans)
}

/// A lamp with its count per status and, where there is room, [`coming`]; whether there was.
pub fn summary(frame: &mut Frame<'_>, area: Rect, snapshot: &Snapshot, state: &UiState, theme: &Theme) -> bool {
    let width = usize::from(area.width);
    let mut numbers = [0; Status::ALL.len()];
    for entry in snapshot.entries.values() {
        if let Some(at) = Status::ALL.iter().position(|s| *s == entry.status()) {
            numbers[at] += 1;
        }
    }
    let line = [Words::All, Words::Counted, Words::None]
        .into_iter()
        .map(|words| counts(numbers, theme, words))
        .find(|line| line.width() < width)
        .unwrap_or_default();
    let used = line.width();
    frame.render_widget(line, area);
    let text = coming(snapshot, state, theme);
    let fits = used + text.width() + 3 <= width;
    if fits {
        let role = if snapshot.online { Role::Dim } else { Role::Warning };
        frame.render_widget(Line::styled(format!("{text} "), theme.style(role)).right_aligned(), area);
    }
    fits
}

/// When the next check is due, and whether this machine is online.
pub fn coming(snapshot: &Snapshot, state: &UiState, theme: &Theme) -> String {
    let online = if snapshot.online { "online" } else { "OFFLINE" };
    match snapshot.next {
        Some(next) => format!("next check {}{}{online}", time::until(next, state.now), panel::dot(theme)),
        None => online.to_owned(),
    }
}

/// For which counts the status is written out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Words {
    All,
    Counted,
    None,
}

fn counts(numbers: [usize; Status::ALL.len()], theme: &Theme, words: Words) -> Line<'static> {
    let mut spans = vec![Span::raw(" ")];
    for (status, count) in Status::ALL.into_iter().zip(numbers) {
        let style = if count == 0 { theme.style(Role::Dim) } else { lamp::style(status, theme) };
        let written = words == Words::All || words == Words::Counted && count > 0;
        let word = if written { format!(" {}", status.label()) } else { String::new() };
        spans.push(Span::styled(format!("{} {count}", lamp::symbol(status, theme)), style));
        spans.push(Span::styled(format!("{word}  "), theme.style(if count == 0 { Role::Dim } else { Role::Text })));
    }
    // The blanks behind the last one are not part of it.
    if let Some(last) = spans.last_mut() {
        last.content = last.content.trim_end().to_owned().into();
    }
    Line::from(spans)
}

/// The banner's sentences: at most two rows, and how many more there are.
pub fn banner_lines(snapshot: &Snapshot, theme: &Theme, area: Rect) -> Vec<String> {
    let offline = "This machine has no way out: checks wait until it is online again. Nobody else is blamed.";
    let mut all: Vec<&str> = Vec::new();
    if !snapshot.online {
        all.push(offline);
    }
    all.extend(snapshot.problems.iter().map(String::as_str));
    let most = if area.height >= 20 { 2 } else { 1 };
    let more = all.len().saturating_sub(most);
    let mark = theme.symbol("▲", "!");
    let shown = all.len().min(most);
    all.into_iter()
        .take(most)
        .enumerate()
        .map(|(i, sentence)| {
            let tail = if more > 0 && i + 1 == shown { format!("  (+{more} more)") } else { String::new() };
            let room = usize::from(area.width).saturating_sub(4 + tail.width());
            format!(" {mark} {}{tail}", text::cut(sentence, room, theme.unicode))
        })
        .collect()
}

/// Draws the banner.
pub fn banner(frame: &mut Frame<'_>, area: Rect, lines: Vec<String>, theme: &Theme) {
    frame.buffer_mut().set_style(area, theme.style(Role::Banner));
    for (row, line) in area.rows().zip(lines) {
        frame.render_widget(Line::styled(line, theme.style(Role::Banner)), row);
    }
}

/// Draws the toasts over the lower right corner, above the footer.
pub fn toasts(frame: &mut Frame<'_>, area: Rect, state: &UiState, theme: &Theme) {
    let mut y = area.bottom().saturating_sub(2);
    for toast in state.toasts.list().iter().rev() {
        let (mark, role) = match toast.tone {
            Tone::Plain => (theme.symbol("›", ">"), Role::Toast),
            Tone::Good => (theme.symbol("✔", "+"), Role::Good),
            Tone::Bad => (theme.symbol("✖", "x"), Role::Error),
        };
        let most = usize::from(area.width).saturating_sub(10).max(20);
        let text = text::cut(&toast.text, most, theme.unicode);
        let width = u16::try_from(text.width() + 6).unwrap_or(area.width).min(area.width);
        let row = Rect { x: area.right().saturating_sub(width + 1).max(area.x), y, width, height: 1 };
        let row = row.intersection(area);
        frame.render_widget(Clear, row);
        frame.buffer_mut().set_style(row, theme.style(Role::Toast));
        // The mark takes the tone's colour and leaves the toast's background.
        let mark_style = ratatui::style::Style { bg: None, ..theme.style(role) };
        let line = Line::from(vec![
            Span::styled(format!("  {mark} "), mark_style.add_modifier(Modifier::BOLD)),
            Span::raw(text),
            Span::raw("  "),
        ]);
        frame.render_widget(line, row);
        if y <= area.y + 1 {
            break;
        }
        y -= 1;
    }
}
