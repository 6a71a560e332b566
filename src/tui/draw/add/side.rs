//! What stands beside picker and form: about the provider, about the field under the focus.

use super::wrapped;
use crate::{
    providers::Definition,
    tui::{
        state::add::{AddState, Form, Slot, picker, validate},
        theme::{Role, Theme},
    },
};
use ratatui::text::{Line, Span};

/// Everything worth knowing about a provider before it is picked.
pub fn about(definition: &Definition, add: &AddState, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let mut out = vec![
        Line::from(Span::styled(definition.name.clone(), theme.style(Role::Title))),
        Line::from(Span::styled(picker::shelf(definition.category), theme.style(Role::Dim))),
    ];
    let mut part = |title: &'static str, lines: Vec<Line<'static>>| {
        if !lines.is_empty() {
            out.push(Line::default());
            out.push(Line::from(Span::styled(title, theme.style(Role::Dim))));
            out.extend(lines);
        }
    };
    let text = |text: &str| wrapped(text, Role::Text, width, theme);
    part("One check costs", text(&definition.cost));
    let level = definition.level();
    part("Quality", text(&format!("{}: {}", level.as_str(), level.promise())));
    part("Keys are made at", definition.key_url.as_deref().map(text).unwrap_or_default());
    let asked = definition.fields.values().map(|field| {
        let mark = if field.required && field.default.is_none() { " *" } else { "" };
        let found = field.usual().find(|name| add.env.contains(*name));
        let mut spans = vec![
            Span::styled(field.label.clone(), theme.style(Role::Text)),
            Span::styled(mark, theme.style(Role::Warning)),
        ];
        if let Some(variable) = found {
            spans.push(Span::styled(format!("  {}", super::fields::place_name(variable)), theme.style(Role::Good)));
        }
        Line::from(spans)
    });
    part("It asks for", asked.collect());
    part("Documentation", definition.docs.as_deref().map(text).unwrap_or_default());
    part("Status page", definition.status_page.as_deref().map(text).unwrap_or_default());
    out
}

/// The label and the help of what has the focus.
pub fn help(form: &Form, slot: Slot) -> (String, String) {
    let own = |label: &str, help: &str| (label.to_owned(), help.to_owned());
    if let Some(input) = slot.input().and_then(|i| form.inputs.get(i)) {
        let field = &input.field;
        let mut help = match slot {
            Slot::Place(_) => {
                "Where it shall lie: the encrypted vault, or somewhere it lies already. config.toml only ever names the place. Arrow keys choose."
                    .to_owned()
            }
            Slot::Entry(_) => {
                "The entry's name in the vault. Integrations may share an entry; saving a new secret under a used name replaces it for all.".to_owned()
            }
            Slot::Secret(_) => format!("{}. Ctrl-R shows it for 5 s, Ctrl-U clears it.", field.help.trim_end_matches('.')),
            Slot::Item(..) => format!("{} One item per line: Enter adds one, Backspace on an empty one removes it.", field.help),
            _ => field.help.clone(),
        };
        if matches!(slot, Slot::Secret(_)) && form.definition.oauth.as_ref().is_some_and(|o| o.field == field.name) {
            help.push_str(" F6 signs in instead.");
        }
        if matches!(slot, Slot::Secret(_) | Slot::Target(_) | Slot::Field(_)) && !field.env.is_empty() {
            help.push_str(&format!(" Usual variable: {}.", field.env.join(", ")));
        }
        return (field.label.clone(), help.trim().to_owned());
    }
    match slot {
        Slot::Id => {
            own("Id", "The short name in config.toml, on the command line and in alerts: a-z, 0-9, '-' and '_'.")
        }
        Slot::Name => own("Name", "The title on the board. Empty: the id."),
        Slot::Tags => own("Tags", "Your own labels for the filter, separated by commas."),
        Slot::Interval => (
            "Interval".to_owned(),
            format!(
                "Time between two checks: 30s, 5m, 1h. Empty: {}. One check costs: {}.",
                validate::span_text(form.usual_interval()),
                form.definition.cost.trim_end_matches('.')
            ),
        ),
        Slot::Expires => own(
            "Expires",
            "The last day of the credential (2026-12-31), if you know it: most services do not tell. The board warns before.",
        ),
        Slot::Test => own("Test", "Tries the integration step by step. Nothing is saved."),
        Slot::Save => own("Save", "Typed secrets go to the vault, the rest to config.toml with your comments kept."),
        Slot::Cancel => own("Cancel", "Throws this form away. Esc only puts it aside."),
        _ => own("", ""),
    }
}
