//! The rows of the form: labels, inputs, and what is said beneath each.

use super::button_row;
use crate::{
    model::SecretRef,
    monitor::Snapshot,
    tui::{
        state::add::{Form, Kind, Place, SecretInput, Slot, form::Confirm, validate},
        theme::{Role, Theme},
        widgets::text,
    },
};
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};
use std::collections::BTreeSet;

/// A row of the form.
enum Row {
    Input(Slot, String, bool),
    Note(Slot, Line<'static>),
    Buttons,
    Blank,
}

impl Row {
    fn slot(&self) -> Option<Slot> {
        match self {
            Row::Input(slot, ..) | Row::Note(slot, _) => Some(*slot),
            Row::Buttons | Row::Blank => None,
        }
    }
}

/// Draws the fields; how many rows are out of view above and below.
pub fn draw(
    frame: &mut Frame<'_>,
    area: Rect,
    snapshot: &Snapshot,
    form: &mut Form,
    env: &BTreeSet<String>,
    alone: bool,
    theme: &Theme,
) -> (usize, usize) {
    let label = (area.width * 3 / 8).clamp(12, 30);
    let input = area.width.saturating_sub(label + 2);
    let all = layout(form, snapshot, env, usize::from(input), theme);
    let height = usize::from(area.height);
    // The focus with everything said about it stays in view.
    let button = form.focus.is_button();
    let focused = |row: &Row| row.slot() == Some(form.focus) || button && matches!(row, Row::Buttons);
    let first = all.iter().position(focused).unwrap_or(0);
    let last = all.iter().rposition(focused).unwrap_or(first);
    let mut scroll = form.scroll.max((last + 1).saturating_sub(height)).min(first);
    scroll = scroll.min(all.len().saturating_sub(height));
    form.scroll = scroll;
    let below = all.len().saturating_sub(scroll + height);
    for (row, area) in all.into_iter().skip(scroll).zip(area.rows()) {
        let value = Rect { x: area.x + label, width: input, ..area };
        match row {
            Row::Blank => {}
            Row::Note(_, line) => frame.render_widget(line, value),
            Row::Buttons => {
                let at = |slot| form.focus == slot && !form.ladder;
                let save = if form.confirm == Some(Confirm::Save) { "Save anyway" } else { "Save" };
                let cancel = if form.confirm == Some(Confirm::Discard) { "Throw away" } else { "Cancel" };
                let buttons = [(at(Slot::Test), "Test"), (at(Slot::Save), save), (at(Slot::Cancel), cancel)];
                frame.render_widget(
                    button_row(&buttons, theme),
                    Rect { x: value.x.saturating_sub(1), width: input + 1, ..value },
                );
            }
            Row::Input(slot, name, required) => {
                let focus = slot == form.focus && !form.ladder;
                let width = usize::from(label).saturating_sub(if required { 6 } else { 4 });
                let mut spans = vec![
                    Span::styled(if focus { theme.symbol(" ▸ ", " > ") } else { "   " }, theme.style(Role::Key)),
                    Span::styled(
                        text::cut(&name, width, theme.unicode),
                        theme.style(if focus { Role::Title } else { Role::Text }),
                    ),
                ];
                if required {
                    spans.push(Span::styled(" *", theme.style(Role::Warning)));
                }
                frame.render_widget(Line::from(spans), Rect { width: label, ..area });
                draw_input(frame, value, form, slot, focus && alone && !form.saving, theme);
            }
        }
    }
    (scroll, below)
}

fn draw_input(frame: &mut Frame<'_>, area: Rect, form: &mut Form, slot: Slot, focus: bool, theme: &Theme) {
    let style = theme.style(if focus { Role::InputFocus } else { Role::Input });
    let placeholder = placeholder(form, slot);
    match slot {
        Slot::Secret(i) => {
            if let Some(secret) = form.secret(i) {
                secret.value.draw(frame, area, theme, focus, &placeholder);
            }
        }
        Slot::Place(i) => {
            if let Some(secret) = form.secret(i) {
                let (word, about) = place_words(secret);
                let word = text::cut(&word, usize::from(area.width).saturating_sub(4), theme.unicode);
                frame.render_widget(chooser(&word, &about, style, theme), area);
            }
        }
        slot => {
            if let Some(text) = form.text(slot) {
                text.draw(frame, area, theme, focus, &placeholder);
            } else if let Some(Kind::Choice(options, at)) =
                slot.input().and_then(|i| form.inputs.get(i)).map(|i| &i.kind)
            {
                let word = at.and_then(|at| options.get(at)).map_or("-", String::as_str);
                let about = at.map_or(String::new(), |at| format!("{} of {}", at + 1, options.len()));
                let word = text::cut(word, usize::from(area.width).saturating_sub(4), theme.unicode);
                frame.render_widget(chooser(&word, &about, style, theme), area);
            }
        }
    }
}

fn chooser(word: &str, about: &str, style: ratatui::style::Style, theme: &Theme) -> Line<'static> {
    Line::from(vec![
        Span::styled(theme.symbol("‹ ", "< "), theme.style(Role::Key)),
        Span::styled(word.to_owned(), style),
        Span::styled(theme.symbol(" ›", " >"), theme.style(Role::Key)),
        Span::styled(format!("  {about}"), theme.style(Role::Dim)),
    ])
}

fn place_words(secret: &SecretInput) -> (String, String) {
    let (word, about) = match &secret.place {
        Place::Keep => {
            let kept = secret.kept.as_ref().map(ToString::to_string).unwrap_or_default();
            return (crate::model::text::sanitize(&kept, 60), "unchanged".to_owned());
        }
        Place::Found(name) => return (SecretRef::of_place(name).to_string(), "there now, nothing to paste".to_owned()),
        Place::Vault => ("vault", "encrypted on this machine"),
        Place::Env => ("env:VAR", "a variable of the board"),
        Place::File => ("file:PATH", "the first line of a file"),
        Place::Command => ("cmd:PROGRAM", "the first line it prints"),
        Place::Reference => ("reference", "as config.toml spells it"),
    };
    (word.to_owned(), about.to_owned())
}

fn placeholder(form: &Form, slot: Slot) -> String {
    match slot {
        Slot::Name => format!("{}  (the id)", form.id.value()),
        Slot::Tags => "none".to_owned(),
        Slot::Interval => format!("{}  (usual)", validate::span_text(form.usual_interval())),
        Slot::Expires => "2026-12-31, if you know".to_owned(),
        Slot::Secret(_) => "type or paste".to_owned(),
        Slot::Field(i) | Slot::Item(i, _) => match form.inputs.get(i).map(|i| &i.field) {
            Some(field) => match (&field.default, &field.example) {
                (Some(default), _) if !default.is_empty() && !field.list => format!("{default}  (default)"),
                (_, Some(example)) if !example.is_empty() => format!("like {example}"),
                _ if field.required => String::new(),
                _ => "optional".to_owned(),
            },
            None => String::new(),
        },
        Slot::Target(i) => match form.inputs.get(i).map(|i| &i.kind) {
            Some(Kind::Secret(secret)) => match secret.place {
                Place::Env => "MY_TOKEN",
                Place::File => "/run/secrets/token",
                Place::Command => "pass show work/token",
                _ => "vault:NAME, keyring:NAME, env:VAR, file:PATH, ini:PATH#SECTION.KEY, cmd:PROGRAM",
            }
            .to_owned(),
            _ => String::new(),
        },
        _ => String::new(),
    }
}

/// Every row from top to bottom.
fn layout(form: &Form, snapshot: &Snapshot, env: &BTreeSet<String>, width: usize, theme: &Theme) -> Vec<Row> {
    let complaints = if form.strict { validate::complaints(form, snapshot) } else { Vec::new() };
    let mut out = Vec::new();
    let mut shelf = 0;
    for slot in form.slots() {
        if slot.is_button() {
            continue;
        }
        // Calm: one empty row between the id, the provider's own fields and the board's.
        let now = match slot {
            Slot::Id => 0,
            _ if slot.input().is_some() => 1,
            _ => 2,
        };
        if now != shelf {
            out.push(Row::Blank);
            shelf = now;
        }
        let (label, required) = label(form, slot);
        out.push(Row::Input(slot, label, required));
        let mut note = |text: &str, mark: &str, role: Role| {
            for (i, piece) in text::wrap(text, width.saturating_sub(2)).into_iter().enumerate() {
                let lead = if i == 0 { mark } else { " " };
                out.push(Row::Note(slot, Line::from(Span::styled(format!("{lead} {piece}"), theme.style(role)))));
            }
        };
        for (_, sentence) in complaints.iter().filter(|(at, _)| *at == slot) {
            note(sentence, theme.symbol("✖", "x"), Role::Error);
        }
        if let Some(sentence) = validate::hint(form, slot) {
            note(&sentence, "!", Role::Warning);
        }
        if let Some((_, sentence)) = form.note.as_ref().filter(|(at, _)| *at == slot) {
            note(sentence, theme.symbol("·", "-"), Role::Dim);
        }
        let taken = if let Slot::Field(i) = slot { form.inputs.get(i).and_then(|i| i.taken_from()) } else { None };
        if let Some(place) = taken {
            note(&format!("taken from {place}"), theme.symbol("●", "*"), Role::Good);
        }
        if let Slot::Place(i) = slot
            && let Some(input) = form.inputs.get(i)
            && let Kind::Secret(secret) = &input.kind
            && secret.place == Place::Vault
            && secret.value.is_empty()
            && let Some(name) = input.field.usual().find(|name| env.contains(*name))
        {
            let (what, reference) = (place_name(name), SecretRef::of_place(name));
            note(&format!("{what}: press the right arrow here to use {reference}"), theme.symbol("●", "*"), Role::Good);
        }
    }
    out.push(Row::Blank);
    out.push(Row::Buttons);
    out
}

/// `GH_TOKEN is set`, `~/.aws/credentials has one`.
pub(super) fn place_name(usual: &str) -> String {
    match SecretRef::of_place(usual) {
        SecretRef::Ini { path, .. } => format!("{path} has one"),
        _ => format!("{usual} is set"),
    }
}

fn label(form: &Form, slot: Slot) -> (String, bool) {
    let own = |label: &str| (label.to_owned(), false);
    let field = slot.input().and_then(|i| form.inputs.get(i));
    let name = field.map(|i| i.field.label.as_str()).unwrap_or_default();
    let required = field.is_some_and(|i| i.field.required && i.field.default.is_none());
    match slot {
        Slot::Id => ("Id".to_owned(), true),
        Slot::Name => own("Name"),
        Slot::Tags => own("Tags"),
        Slot::Interval => own("Interval"),
        Slot::Expires => own("Expires"),
        Slot::Item(_, item) if item > 0 => own(""),
        Slot::Field(_) | Slot::Place(_) | Slot::Item(..) => (name.to_owned(), required),
        Slot::Secret(_) => own("  secret"),
        Slot::Entry(_) => own("  vault entry"),
        Slot::Target(_) => own(match field.map(|i| &i.kind) {
            Some(Kind::Secret(secret)) => match secret.place {
                Place::Env => "  variable",
                Place::File => "  path",
                Place::Command => "  program",
                _ => "  reference",
            },
            _ => "",
        }),
        Slot::Test | Slot::Save | Slot::Cancel => own(""),
    }
}
