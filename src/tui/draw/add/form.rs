//! The form: its title, its fields, what is to be known now, help below or beside, the ladder beside or in its place.

use super::{PANEL, fields, picker::hint, rows, rule, side, split, wrapped};
use crate::{
    monitor::Snapshot,
    tui::{
        state::{
            UiState,
            add::{Button, Form, Trial, form::Confirm},
        },
        theme::{Role, Theme},
        widgets::{ladder, text},
    },
};
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    text::{Line, Span},
};

/// Draws it.
pub fn draw(
    frame: &mut Frame<'_>,
    area: Rect,
    panel: Option<Rect>,
    snapshot: &Snapshot,
    state: &mut UiState,
    theme: &Theme,
) {
    let now = state.now;
    let alone = state.dialogs.is_empty();
    let env = &state.add.env;
    let Some(form) = state.add.form.as_mut() else { return };
    let width = usize::from(area.width);
    let status = status_lines(form, width.saturating_sub(2), theme);
    let narrow_help = if panel.is_none() && !form.ladder && area.height >= 16 { 2 } else { 0 };
    let [head, link, top, body, bottom, foot, help] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(u16::from(form.definition.key_url.is_some() && area.height >= 12)),
        Constraint::Length(1),
        Constraint::Min(0),
        Constraint::Length(1),
        Constraint::Length(u16::try_from(status.len()).unwrap_or(1).min(area.height / 3)),
        Constraint::Length(narrow_help),
    ])
    .areas(area);
    title(frame, head, link, form, theme);
    let inside = |r: Rect| Rect { x: r.x + 1, width: r.width.saturating_sub(2), ..r };
    let (above, below) = if form.ladder && panel.is_none() {
        if let Some(trial) = &form.trial {
            let inner = inside(body);
            let lines = ladder::lines(trial, &form.definition, now, inner.width.into(), theme);
            trial_draw(frame, inner, lines, trial, form.confirm, theme);
        }
        (0, 0)
    } else {
        fields::draw(frame, body, snapshot, form, env, alone, theme)
    };
    let word = |n: usize, way: &str| if n == 0 { String::new() } else { format!("{n} more {way}") };
    frame.render_widget(rule(&word(above, "above"), width, theme), top);
    frame.render_widget(rule(&word(below, "below"), width, theme), bottom);
    rows(frame, inside(foot), status);
    let (label, sentence) = side::help(form, form.focus);
    rows(frame, inside(help), wrapped(&sentence, Role::Dim, width.saturating_sub(2), theme));
    let Some(panel) = panel else { return };
    let mut lines = vec![Line::from(Span::styled(label, theme.style(Role::Title)))];
    lines.extend(wrapped(&sentence, Role::Text, panel.width.into(), theme));
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).min(panel.height);
    rows(frame, panel, lines);
    if let Some(trial) = &form.trial {
        let y = (panel.y + height + 1).max(panel.y + 7);
        let room = panel.bottom().saturating_sub(y);
        if room >= 3 {
            let area = Rect { y, height: room, ..panel };
            let heading = Line::from(Span::styled("Test", theme.style(Role::Title)));
            frame.render_widget(heading, Rect { height: 1, ..area });
            let inner = Rect { y: y + 1, height: room - 1, ..area };
            let lines = ladder::lines(trial, &form.definition, now, PANEL.into(), theme);
            if form.ladder {
                trial_draw(frame, inner, lines, trial, form.confirm, theme);
            } else {
                rows(frame, inner, lines);
            }
        }
    }
}

fn title(frame: &mut Frame<'_>, head: Rect, link: Rect, form: &Form, theme: &Theme) {
    let what = match &form.original {
        Some(id) => format!(" Edit {id}"),
        None => format!(" Add {}", form.definition.name),
    };
    let left = vec![Span::styled(what, theme.style(Role::Title))];
    let keys = match &form.trial {
        Some(trial) if form.ladder && trial.running() => hint(&[("Esc", "cancel the test")], theme),
        _ if form.ladder => hint(&[("F5", "test again"), ("Ctrl-S", "save"), ("Esc", "back to the form")], theme),
        _ if form.definition.oauth.is_some() => {
            hint(&[("F6", "sign in"), ("F5", "test"), ("Ctrl-S", "save"), ("Esc", "back")], theme)
        }
        _ => hint(&[("F5", "test"), ("Ctrl-S", "save"), ("Esc", "back")], theme),
    };
    frame.render_widget(split(left, keys, head.width.into()), head);
    if let Some(url) = &form.definition.key_url {
        let url = text::cut(url, usize::from(link.width).saturating_sub(19), theme.unicode);
        frame.render_widget(
            Line::from(vec![
                Span::styled(" Keys are made at ", theme.style(Role::Dim)),
                Span::styled(url, theme.style(Role::Text)),
            ]),
            link,
        );
    }
}

/// The ladder with its buttons always in view.
fn trial_draw(
    frame: &mut Frame<'_>,
    area: Rect,
    lines: Vec<Line<'static>>,
    trial: &Trial,
    confirm: Option<Confirm>,
    theme: &Theme,
) {
    if trial.running() {
        rows(frame, area, lines);
        return;
    }
    let wanted = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let at = wanted.saturating_add(1).min(area.height.saturating_sub(1));
    rows(frame, Rect { height: at, ..area }, lines);
    let save = if confirm == Some(Confirm::Save) { "Save anyway" } else { "Save" };
    let buttons = [(Button::Save, save), (Button::Again, "Test again"), (Button::Back, "Back")]
        .map(|(b, word)| (b == trial.button, word));
    frame
        .render_widget(super::button_row(&buttons, theme), Rect { y: area.y + at, height: area.height.min(1), ..area });
}

/// What stands above the help: the one thing to know now.
fn status_lines(form: &Form, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let again = "Press the same key again to save anyway, or F5 to test.";
    let (sentence, role) = if form.saving {
        ("Saving. What you typed stays until it is done.".to_owned(), Role::Title)
    } else if let Some(why) = &form.failure {
        (why.clone(), Role::Error)
    } else if form.confirm == Some(Confirm::Discard) {
        ("Press again to throw away what you typed.".to_owned(), Role::Warning)
    } else if form.confirm == Some(Confirm::Save) {
        let why = match &form.trial {
            None => "This was not tested.",
            Some(trial) if trial.version != form.version => "This changed since the last test.",
            Some(_) => "The test did not pass.",
        };
        (format!("{why} {again}"), Role::Warning)
    } else if form.proved() {
        ("Tested: it works. Ctrl-S saves.".to_owned(), Role::Good)
    } else {
        match &form.trial {
            Some(trial) if trial.running() => ("Testing. Esc cancels.".to_owned(), Role::Dim),
            Some(trial) if trial.version == form.version => {
                ("The last test did not pass. F5 tests again.".to_owned(), Role::Warning)
            }
            Some(_) => ("Changed since the last test. F5 tests again.".to_owned(), Role::Dim),
            None => ("* is required. F5 tests before anything is saved.".to_owned(), Role::Dim),
        }
    };
    wrapped(&sentence, role, width, theme)
}
