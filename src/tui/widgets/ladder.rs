//! A test as a ladder: each rung with its lamp, time, finding and advice, the verdict below.

use super::{lamp, text, time};
use crate::{
    checks::{Rung, RungState},
    model::{Outcome, Status},
    providers::Definition,
    tui::{
        state::add::{Trial, TrialState},
        theme::{Role, Theme},
    },
};
use jiff::Timestamp;
use ratatui::text::{Line, Span};

/// Columns of a rung's name.
const NAME: usize = 13;
/// Columns of its time.
const TIME: usize = 8;

/// The ladder in lines of at most `width` columns.
pub fn lines(
    trial: &Trial,
    definition: &Definition,
    now: Timestamp,
    width: usize,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let mut out = Vec::new();
    for rung in &trial.rungs {
        rung_lines(rung, width, theme, &mut out);
    }
    if trial.running() {
        for name in trial.expected.iter().filter(|n| !trial.rungs.iter().any(|r| r.name == **n)) {
            out.push(Line::from(vec![
                Span::styled(mark(None, theme), theme.style(Role::Dim)),
                Span::styled(text::left(name, NAME, theme.unicode), theme.style(Role::Dim)),
            ]));
        }
    }
    out.push(Line::default());
    match &trial.state {
        TrialState::Running => {
            out.push(plain("Testing… nothing is saved yet.", "Testing... nothing is saved yet.", theme))
        }
        TrialState::Cancelled => {
            out.push(plain("Cancelled. Nothing was saved.", "Cancelled. Nothing was saved.", theme))
        }
        TrialState::Ended(Err(why)) => {
            push(&mut out, &format!("{}{why}", mark(Some(RungState::Failed), theme)), Role::Error, width, theme);
        }
        TrialState::Ended(Ok(outcome)) => verdict(outcome, definition, now, width, theme, &mut out),
    }
    out
}

fn plain(unicode: &'static str, ascii: &'static str, theme: &Theme) -> Line<'static> {
    Line::from(Span::styled(theme.symbol(unicode, ascii), theme.style(Role::Dim)))
}

/// A lamp of a fixed width, a blank behind it. `None`: not reached yet.
fn mark(state: Option<RungState>, theme: &Theme) -> &'static str {
    match state {
        None => theme.symbol("·  ", "[ ] "),
        Some(RungState::Running) => theme.symbol("◌  ", "[.] "),
        Some(RungState::Passed) => theme.symbol("●  ", "[*] "),
        Some(RungState::Failed) => theme.symbol("✖  ", "[x] "),
        Some(RungState::Skipped) => theme.symbol("–  ", "[-] "),
    }
}

fn role(state: RungState) -> Role {
    match state {
        RungState::Running => Role::Title,
        RungState::Passed => Role::Good,
        RungState::Failed => Role::Error,
        RungState::Skipped => Role::Dim,
    }
}

fn rung_lines(rung: &Rung, width: usize, theme: &Theme, out: &mut Vec<Line<'static>>) {
    let mark = mark(Some(rung.state), theme);
    let indent = mark.chars().count() + NAME + TIME + 2;
    let took = match (rung.time, rung.state) {
        (Some(took), _) => time::latency(took),
        (None, RungState::Running) => String::new(),
        (None, _) => "-".to_owned(),
    };
    let body = if rung.state == RungState::Skipped { Role::Dim } else { Role::Text };
    let mut head = vec![
        Span::styled(mark, theme.style(role(rung.state))),
        Span::styled(text::left(rung.name, NAME, theme.unicode), theme.style(body)),
        Span::styled(text::right(&took, TIME, theme.unicode), theme.style(Role::Dim)),
        Span::raw("  "),
    ];
    let detail = match (rung.state, rung.detail.as_str()) {
        (RungState::Skipped, "") => "not needed",
        (_, detail) => detail,
    };
    let detail_role = if rung.state == RungState::Failed { Role::Error } else { body };
    // On a narrow panel the finding has lines of its own.
    let beside = width.saturating_sub(indent);
    let (under, own) = if beside >= 20 { (indent, true) } else { (mark.chars().count(), false) };
    let mut pieces = text::wrap(detail, width.saturating_sub(under)).into_iter();
    if own && let Some(first) = pieces.next() {
        head.push(Span::styled(first, theme.style(detail_role)));
    }
    out.push(Line::from(head));
    let pad = || Span::raw(" ".repeat(under));
    out.extend(pieces.map(|piece| Line::from(vec![pad(), Span::styled(piece, theme.style(detail_role))])));
    if !rung.advice.is_empty() {
        let arrow = theme.symbol("→ ", "> ");
        for (i, piece) in text::wrap(&rung.advice, width.saturating_sub(under + 2)).into_iter().enumerate() {
            let lead = if i == 0 { arrow } else { "  " };
            out.push(Line::from(vec![
                pad(),
                Span::styled(lead, theme.style(Role::Key)),
                Span::styled(piece, theme.style(Role::Text)),
            ]));
        }
    }
}

fn verdict(
    outcome: &Outcome,
    definition: &Definition,
    now: Timestamp,
    width: usize,
    theme: &Theme,
    out: &mut Vec<Line<'static>>,
) {
    let status = outcome.status();
    let mut head = vec![
        Span::styled(format!("{} ", lamp::symbol(status, theme)), lamp::style(status, theme)),
        Span::styled(status.label(), lamp::style(status, theme)),
    ];
    let dot = theme.symbol(" · ", " | ");
    if status != Status::Active && outcome.cause.label() != status.label() {
        head.push(Span::styled(format!("{dot}{}", outcome.cause.label()), theme.style(Role::Text)));
    }
    if let Some(latency) = outcome.latency {
        head.push(Span::styled(format!("{dot}{}", time::latency(latency)), theme.style(Role::Dim)));
    }
    out.push(Line::from(head));
    if status == Status::Active {
        if let Some(who) = &outcome.identity {
            push(out, &format!("This credential is {who}."), Role::Text, width, theme);
        }
    } else {
        push(out, &format!("Whose: {}.", outcome.cause.blame().sentence()), Role::Text, width, theme);
        let evidence = &outcome.evidence;
        let seen = if evidence.seen.is_empty() { String::new() } else { format!("{dot}{}", evidence.seen) };
        push(out, &format!("Decided by: {}{seen}", evidence.rule), Role::Dim, width, theme);
        let told = outcome.until.map(|until| format!("It ends {}.", time::until(until, now)));
        push(out, told.as_deref().unwrap_or_default(), Role::Text, width, theme);
        let advised = definition.advice.get(&outcome.cause).map(String::as_str).unwrap_or_default();
        push(out, advised, Role::Text, width, theme);
    }
    for warning in &outcome.warnings {
        push(out, &format!("! {}", warning.sentence(now)), Role::Warning, width, theme);
    }
}

fn push(out: &mut Vec<Line<'static>>, text: &str, role: Role, width: usize, theme: &Theme) {
    out.extend(text::wrap(text, width).into_iter().map(|piece| Line::from(Span::styled(piece, theme.style(role)))));
}
