//! The sections about now: verdict, next step, warnings, timing, quotas, facts.

use super::{View, page::Page};
use crate::{
    model::{Cause, Phases, Provenance, Quota, Status},
    tui::{
        theme::{Role, Theme},
        widgets::{lamp, quota_bar, time},
    },
};
use ratatui::{style::Modifier, text::Span};
use std::time::Duration;

impl View<'_> {
    /// What it is, since when, what decided it, whose side it lies on.
    pub(super) fn verdict(&self, page: &mut Page<'_>) {
        let (entry, state) = (self.entry, self.state);
        let status = entry.status();
        page.heading("Verdict");
        page.styled("Status", &self.headline(), lamp::style(status, self.theme).add_modifier(Modifier::BOLD));
        if let Some(since) = entry.since {
            let clock = time::clock(since, state.now, &state.zone);
            page.pair("Since", &format!("{clock}, for {}", time::lasting(since, state.now)), Role::Text);
        }
        if let Some(outcome) = &entry.outcome {
            // Paused or locked now: what the last check said is of then.
            let label = if outcome.cause == entry.cause { "Evidence" } else { "Last verdict" };
            if outcome.cause != entry.cause {
                page.styled(label, &lamp::verdict(outcome.cause), lamp::style(outcome.status(), self.theme));
            }
            let label = if outcome.cause == entry.cause { label } else { "" };
            if !outcome.evidence.rule.is_empty() {
                page.pair(label, &outcome.evidence.rule, Role::Text);
            }
            if !outcome.evidence.seen.is_empty() {
                page.pair("Seen", &format!("\"{}\"", outcome.evidence.seen), Role::Text);
            }
            if let Some(identity) = &outcome.identity {
                page.pair("Identity", identity, Role::Text);
            }
        }
        if !matches!(status, Status::Active) && entry.cause != Cause::NeverChecked {
            page.pair("Whose side", entry.cause.blame().sentence(), Role::Text);
        }
    }

    /// The advice.
    pub(super) fn next_step(&self, page: &mut Page<'_>) {
        if !self.entry.advice.is_empty() {
            page.heading("What to do next");
            page.sentence(&self.entry.advice, Role::Text);
        }
    }

    /// Everything beside the status.
    pub(super) fn warnings(&self, page: &mut Page<'_>) {
        let Some(outcome) = self.entry.outcome.as_ref().filter(|o| !o.warnings.is_empty()) else { return };
        page.heading("Warnings");
        for warning in &outcome.warnings {
            let mark = self.theme.symbol("▲", "!");
            page.sentence(&format!("{mark} {}", warning.sentence(self.state.now)), Role::Warning);
        }
    }

    /// The last check: when, how long, where the time went.
    pub(super) fn timing(&self, page: &mut Page<'_>) {
        let Some(outcome) = &self.entry.outcome else { return };
        page.heading("Last check");
        let dot = crate::tui::widgets::panel::dot(self.theme);
        let mut parts = vec![time::ago(outcome.at, self.state.now)];
        parts.extend(outcome.latency.map(time::latency));
        parts.extend(outcome.code.map(|c| format!("code {c}")));
        if outcome.attempts > 1 {
            parts.push(format!("{} attempts", outcome.attempts));
        }
        page.pair("Made", &parts.join(dot), Role::Text);
        let phases = named(&outcome.phases);
        if phases.is_empty() {
            return;
        }
        let room = page.width.saturating_sub(super::page::LABEL);
        page.spans("Phases", phase_bar(&phases, room.min(48), self.theme));
        let legend: Vec<String> = phases
            .iter()
            .map(|(i, name, t)| format!("{} {name} {}", shade(*i, self.theme), time::latency(*t)))
            .collect();
        page.pair("", &legend.join(dot), Role::Dim);
    }

    /// Every budget with its bar, reset and provenance.
    pub(super) fn quotas(&self, page: &mut Page<'_>) {
        let Some(outcome) = self.entry.outcome.as_ref().filter(|o| !o.quotas.is_empty()) else { return };
        page.heading("Quotas");
        for quota in &outcome.quotas {
            let mut spans = Vec::new();
            if let Some(share) = quota.share_left() {
                spans.extend(quota_bar::bar(share, 16, self.theme));
                let percent = format!(" {:>3}%  ", quota_bar::percent(share));
                spans.push(Span::styled(percent, self.theme.style(quota_bar::role(share))));
            }
            spans.push(Span::styled(amount(quota), self.theme.style(Role::Text)));
            page.spans(&quota.name, spans);
            let mut notes = Vec::new();
            if let Some(resets) = quota.resets {
                let clock = time::clock(resets, self.state.now, &self.state.zone);
                notes.push(if resets > self.state.now {
                    format!("fills up {} ({clock})", time::until(resets, self.state.now))
                } else {
                    format!("was to fill up at {clock}")
                });
            }
            notes.push(format!("{} {}", provenance(quota.provenance), time::ago(quota.at, self.state.now)));
            page.pair("", &notes.join(", "), Role::Dim);
        }
    }

    /// Declared facts.
    pub(super) fn facts(&self, page: &mut Page<'_>) {
        let Some(outcome) = self.entry.outcome.as_ref().filter(|o| !o.facts.is_empty()) else { return };
        page.heading("Facts");
        for fact in &outcome.facts {
            page.pair(&fact.label, &fact.value, Role::Text);
        }
    }
}

fn amount(quota: &Quota) -> String {
    let unit = if quota.unit.is_empty() { String::new() } else { format!(" {}", quota.unit) };
    match (quota.left, quota.limit) {
        (Some(left), Some(limit)) => {
            format!("{} of {}{unit}", quota_bar::number(left), quota_bar::number(limit))
        }
        (Some(left), None) => format!("{}{unit} left", quota_bar::number(left)),
        (None, Some(limit)) => format!("limit {}{unit}", quota_bar::number(limit)),
        (None, None) => "-".to_owned(),
    }
}

const fn provenance(provenance: Provenance) -> &'static str {
    match provenance {
        Provenance::Reported => "reported",
        Provenance::Derived => "derived",
        Provenance::Estimated => "estimated",
    }
}

/// The phases that could be told, each with its place, by which it is shaded.
fn named(phases: &Phases) -> Vec<(usize, &'static str, Duration)> {
    let all =
        [("name", phases.dns), ("connect", phases.connect), ("TLS", phases.tls), ("first byte", phases.first_byte)];
    all.into_iter().enumerate().filter_map(|(i, (name, time))| Some((i, name, time?))).collect()
}

fn shade(phase: usize, theme: &Theme) -> &'static str {
    let (unicode, ascii) = [("░", "n"), ("▒", "c"), ("▓", "t"), ("█", "#")][phase.min(3)];
    theme.symbol(unicode, ascii)
}

/// Phases side by side, each at least one column wide.
fn phase_bar(phases: &[(usize, &str, Duration)], width: usize, theme: &Theme) -> Vec<Span<'static>> {
    let total: f64 = phases.iter().map(|p| p.2.as_secs_f64()).sum();
    let spare = width.saturating_sub(phases.len()) as f64;
    phases
        .iter()
        .map(|(phase, _, t)| {
            let columns = 1 + if total > 0.0 { (t.as_secs_f64() / total * spare).floor() as usize } else { 0 };
            let role = if phase % 2 == 0 { Role::Chart } else { Role::ChartSecond };
            Span::styled(shade(*phase, theme).repeat(columns), theme.style(role))
        })
        .collect()
}
