//! The sections about before: checks, credentials, schedule, incidents, errors.

use super::{View, page::Page};
use crate::{
    model::{CredentialFacts, Incident, SecretRef, Status},
    tui::{
        draw::table,
        theme::Role,
        widgets::{lamp, panel, sparkline, text, time},
    },
};
use ratatui::text::{Line, Span};

/// Rows of incidents and errors shown.
const MOST: usize = 8;

impl View<'_> {
    /// The latest checks as a strip, and the totals.
    pub(super) fn checks(&self, page: &mut Page<'_>) {
        let (entry, theme) = (self.entry, self.theme);
        let metrics = &entry.metrics;
        page.heading("Checks");
        if !entry.recent.is_empty() {
            let width = entry.recent.len().min(page.width.saturating_sub(super::page::LABEL));
            page.spans("Latest", sparkline::recent(&entry.recent, width, theme).spans);
        }
        if metrics.total == 0 {
            page.pair("Requests", "none yet", Role::Dim);
            return;
        }
        let dot = panel::dot(theme);
        let mut counts = vec![text::counted(metrics.total, "request"), format!("{} failed", metrics.failed)];
        counts.extend(metrics.success_rate().map(|r| format!("{} good", table::rate(r))));
        if metrics.rate_limit_hits > 0 {
            counts.push(format!("{} times rate limited", metrics.rate_limit_hits));
        }
        page.pair("Totals", &counts.join(dot), Role::Text);
        let times =
            [("mean", metrics.average), ("latest p50", metrics.p50), ("p95", metrics.p95), ("p99", metrics.p99)];
        let times: Vec<String> =
            times.into_iter().filter_map(|(name, t)| Some(format!("{name} {}", time::latency(t?)))).collect();
        if !times.is_empty() {
            page.pair("Latency", &times.join(dot), Role::Text);
        }
        if let Some(day) = self.state.detail.as_ref().and_then(|d| d.day.as_ref()) {
            let mut facts = vec![text::counted(day.total, "request")];
            if day.total > 0 {
                facts.push(format!("{} good", table::rate(day.successful as f64 / day.total as f64)));
            }
            let times = [("p50", day.p50), ("p95", day.p95), ("p99", day.p99)];
            facts.extend(times.into_iter().filter_map(|(name, t)| Some(format!("{name} {}", time::latency(t?)))));
            page.pair("Last 24 h", &facts.join(dot), Role::Text);
        }
    }

    /// Measured numbers: a curve from least to most, and the latest.
    pub(super) fn series(&self, page: &mut Page<'_>) {
        let series = self.state.detail.as_ref().map(|d| d.series.as_slice()).unwrap_or_default();
        if series.is_empty() {
            return;
        }
        page.heading("Measured");
        for series in series.iter().take(MOST) {
            let values: Vec<f64> = series.points.iter().map(|(_, v)| *v).collect();
            let Some(last) = values.last() else { continue };
            let width = page.width.saturating_sub(super::page::LABEL + 14).min(40);
            let mut spans = sparkline::curve(&values, width, self.theme).spans;
            spans.push(Span::styled(format!("  {last}{}", series.unit), self.theme.style(Role::Text)));
            page.spans(&series.name, spans);
        }
    }

    fn about(&self, facts: &CredentialFacts) -> String {
        let ago = |at| match time::age(at, self.state.now).as_str() {
            "now" => "just now".to_owned(),
            age => format!("{age} ago"),
        };
        let mut known = vec![format!("stored {}", ago(facts.stored))];
        known.extend(facts.rotated.map(|at| format!("replaced {}", ago(at))));
        let rows = self.state.detail.iter().flat_map(|d| &d.rows).flatten().flatten();
        let good =
            rows.filter(|row| row.status() == Status::Active && row.at >= facts.valued()).map(|row| row.at).max();
        known.extend(good.map(|at| format!("proved good {}", ago(at))));
        if facts.can_roll_back {
            known.push("the old value is kept".to_owned());
        }
        if !facts.hosts.is_empty() {
            known.push(format!("only for {}", facts.hosts.join(", ")));
        }
        known.join(panel::dot(self.theme))
    }

    /// Where each credential lies and when it dies. Never what it is.
    pub(super) fn credentials(&self, page: &mut Page<'_>) {
        let (entry, state) = (self.entry, self.state);
        let outcome = entry.outcome.as_ref();
        let stated = entry.integration.expires.map(|at| (at, "as you stated"));
        let told = outcome.and_then(|o| o.credential_expires).map(|at| (at, "as the service says"));
        let certificate = outcome.and_then(|o| o.certificate_expires);
        if entry.integration.secrets().next().is_none() && stated.is_none() && told.is_none() && certificate.is_none() {
            return;
        }
        page.heading("Credentials");
        let dots = self.theme.symbol("••••••••", "********");
        for (field, reference) in entry.integration.secrets() {
            page.pair(field, &format!("{dots}  {}", place(reference)), Role::Text);
            let known = state.detail.iter().flat_map(|d| &d.credentials).find(|(f, _)| f == field);
            if let Some((_, facts)) = known {
                page.pair("", &self.about(facts), Role::Dim);
            }
        }
        let death = |at: jiff::Timestamp| {
            let day = time::day(at, &state.zone);
            if at <= state.now {
                (format!("{day}, {} ago", time::lasting(at, state.now)), Role::Unauthorized)
            } else if at.as_second() - state.now.as_second() < 30 * 86_400 {
                (format!("{day}, in {}", time::lasting(state.now, at)), Role::Warning)
            } else {
                let days = (at.as_second() - state.now.as_second()) / 86_400;
                (format!("{day}, in {days} days"), Role::Text)
            }
        };
        match told.or(stated) {
            Some((at, who)) => {
                let (words, role) = death(at);
                page.pair("Expires", &format!("{words} ({who})"), role);
            }
            None if entry.integration.secrets().next().is_some() => page.pair("Expires", "not known", Role::Dim),
            None => {}
        }
        if let Some(at) = certificate {
            let (words, role) = death(at);
            page.pair("Certificate", &words, role);
        }
    }

    /// How often, when next, how patient.
    pub(super) fn schedule(&self, page: &mut Page<'_>) {
        let (entry, state) = (self.entry, self.state);
        let integration = &entry.integration;
        page.heading("Schedule");
        let next = match entry.next {
            _ if entry.checking => "being checked now".to_owned(),
            Some(at) => format!("next {}", time::until(at, state.now)),
            None => "paused".to_owned(),
        };
        let dot = panel::dot(self.theme);
        page.pair("Every", &format!("{}{dot}{next}", time::span(integration.interval)), Role::Text);
        let attempts = if integration.attempts == 1 {
            "1 attempt".to_owned()
        } else {
            format!("up to {} attempts", integration.attempts)
        };
        page.pair("Patience", &format!("{attempts}, {} each", time::span(integration.timeout)), Role::Text);
        let incident = format!(
            "opens after {} failed, closes after {} good",
            integration.failures_to_open, integration.successes_to_close
        );
        page.pair("Incident", &incident, Role::Text);
    }

    /// The latest incidents, the open one first.
    pub(super) fn incidents(&self, page: &mut Page<'_>) {
        let (state, theme) = (self.state, self.theme);
        let open = self.entry.incident.as_deref();
        let told = &self.detail.incidents;
        // The snapshot may know of the open one before the history does, which keeps milliseconds.
        let at = |incident: &Incident| incident.opened.as_millisecond();
        let ahead = open.filter(|o| !told.iter().any(|i| at(i) == at(o)));
        if ahead.is_none() && told.is_empty() {
            return;
        }
        page.heading("Incidents");
        for incident in ahead.into_iter().chain(told).take(MOST) {
            let from = time::clock(incident.opened, state.now, &state.zone);
            let (until, status) = match incident.closed {
                Some(closed) => (format!("for {}", time::lasting(incident.opened, closed)), Status::Inactive),
                None => (format!("open, {}", time::lasting(incident.opened, state.now)), incident.cause.status()),
            };
            let dot = panel::dot(theme);
            let words = format!(
                "{} {from}{dot}{until}{dot}{}{}",
                lamp::symbol(status, theme),
                incident.cause.label(),
                if incident.evidence.is_empty() { String::new() } else { format!("{dot}{}", incident.evidence) }
            );
            page.line(&words, if incident.closed.is_some() { Role::Dim } else { lamp::role(status) });
        }
    }

    /// The latest checks that were not good.
    pub(super) fn errors(&self, page: &mut Page<'_>) {
        let (state, theme) = (self.state, self.theme);
        let rows = match &self.detail.rows {
            None => return,
            Some(Err(why)) => {
                page.heading("Recent errors");
                page.sentence(&format!("The history cannot be read: {why}"), Role::Warning);
                return;
            }
            Some(Ok(rows)) => rows,
        };
        let mut bad =
            rows.iter().filter(|r| !matches!(r.status(), Status::Active | Status::Inactive)).take(MOST).peekable();
        if bad.peek().is_none() {
            return;
        }
        page.heading("Recent errors");
        for row in bad {
            let dot = panel::dot(theme);
            let mut words = format!("{}{dot}{}", time::clock(row.at, state.now, &state.zone), row.cause.label());
            if let Some(code) = row.code {
                words.push_str(&format!("{dot}code {code}"));
            }
            if let Some(latency) = row.latency {
                words.push_str(&format!("{dot}{}", time::latency(latency)));
            }
            page.lines.push(Line::from(vec![
                Span::styled(format!("{} ", lamp::symbol(row.status(), theme)), lamp::style(row.status(), theme)),
                Span::styled(words, theme.style(Role::Dim)),
            ]));
        }
    }
}

/// Where a secret lies, in words.
fn place(reference: &SecretRef) -> String {
    match reference {
        SecretRef::Vault(name) => format!("in the vault as '{name}'"),
        SecretRef::Keyring(name) => format!("in the keyring as '{name}'"),
        SecretRef::Credential(name) => format!("systemd credential '{name}'"),
        SecretRef::Env(name) => format!("from ${name}"),
        SecretRef::File(path) => format!("from the file {path}"),
        SecretRef::Ini { path, section, .. } => format!("from [{section}] of the file {path}"),
        SecretRef::Cmd(command) => {
            // Arguments may be private; the program's name says enough.
            let program = command.split_whitespace().next().unwrap_or_default();
            format!("printed by '{program}'")
        }
    }
}
