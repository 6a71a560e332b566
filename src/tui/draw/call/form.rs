//! The form of an action's parameters: label and field on a line, help and complaint of the focused one below.

use super::window;
use crate::{
    providers::action::{Param, ParamKind},
    tui::{
        state::{
            call::{CallDialog, CallForm, form::BETWEEN},
            dialog::scrolled,
        },
        theme::{Role, Theme},
        widgets::{panel, text},
    },
};
use ratatui::{Frame, layout::Rect, text::Line};

/// Rows below the fields: rule, help, complaint.
const BELOW: usize = 4;

/// Draws it.
pub fn draw(frame: &mut Frame<'_>, area: Rect, call: &mut CallDialog, theme: &Theme) {
    let Some(form) = call.form.as_mut() else { return };
    let rows = form.fields.len() + 2 + BELOW;
    let height = u16::try_from(rows + 2).unwrap_or(u16::MAX);
    let width = area.width.saturating_sub(2).min(100);
    let inner =
        window(frame, area, width, height, &format!("{} {} {}", form.label, theme.symbol("·", "-"), call.name), theme);
    let room = usize::from(inner.width);
    let mut rows = inner.rows();
    if let Some(top) = rows.next() {
        frame.render_widget(Line::styled(text::cut(&form.help, room, theme.unicode), theme.style(Role::Dim)), top);
    }
    rows.next();
    let shown = usize::from(inner.height).saturating_sub(2 + BELOW).max(1);
    form.offset = scrolled(form.offset, form.focus, shown, form.fields.len());
    let labels = form.params.values().map(|p| p.label.chars().count() + 2).max().unwrap_or(0).min(room / 3);
    let fields = form.params.values().zip(&form.fields).enumerate().skip(form.offset).take(shown);
    for (i, (param, field)) in fields {
        let Some(place) = rows.next() else { return };
        let wrong = form.wrong.iter().any(|w| w.name == param.name);
        let role = match () {
            () if wrong => Role::Warning,
            () if i == form.focus => Role::Key,
            () => Role::Text,
        };
        let must = if param.required { "*" } else { "" };
        let label = text::left(&format!("{}{must}", param.label), labels, theme.unicode);
        let columns = u16::try_from(labels).unwrap_or(0);
        frame.render_widget(Line::styled(label, theme.style(role)), Rect { width: columns.min(place.width), ..place });
        let input = Rect { x: place.x + columns, width: place.width.saturating_sub(columns), ..place };
        field.draw(frame, input, theme, i == form.focus, &placeholder(param));
    }
    if let Some(below) = rows.next() {
        frame.render_widget(panel::rule(theme, room), below);
    }
    let Some(param) = form.focused() else { return };
    let complaint = form.complaint(&param.name);
    let role = if complaint.is_some() { Role::Warning } else { Role::Dim };
    let told = complaint.unwrap_or_else(|| about(param));
    for (place, line) in rows.zip(text::wrap(&told, room)) {
        frame.render_widget(Line::styled(line, theme.style(role)), place);
    }
}

fn placeholder(param: &Param) -> String {
    param.example.as_ref().map(|e| format!("such as {e}")).unwrap_or_default()
}

/// What the focused parameter wants.
fn about(param: &Param) -> String {
    let mut parts = vec![param.help.clone()];
    parts.push(
        match param.kind {
            ParamKind::Int => "A whole number.",
            ParamKind::Number => "A number.",
            ParamKind::Json => "JSON.",
            ParamKind::File => "The path of a file; it is streamed.",
            ParamKind::Text | ParamKind::Bool | ParamKind::Path | ParamKind::Base64 => "",
        }
        .to_owned(),
    );
    if param.list {
        parts.push(format!("Several: put '{BETWEEN}' between them."));
    }
    let choices = CallForm::choices(param);
    if !choices.is_empty() {
        let named: Vec<&str> = choices.iter().map(|c| if c.is_empty() { "(none)" } else { c.as_str() }).collect();
        parts.push(format!("One of: {}.", named.join(", ")));
    }
    let sentences = parts.into_iter().filter(|p| !p.is_empty());
    sentences.map(|p| if p.ends_with(['.', ')']) { p } else { format!("{p}.") }).collect::<Vec<_>>().join(" ")
}
