//! A made-up board at a fixed instant, for tests of the screen.
#![allow(dead_code, reason = "every test file uses a part of it")]

use indexmap::IndexMap;
use jiff::{SignedDuration, Timestamp};
use lampboard::{
    config::Settings,
    model::{
        Bucket, Cause, CheckRow, CredentialFacts, Evidence, Fact, FieldValue, Incident, Integration, IntegrationId,
        Metrics, Outcome, Phases, Provenance, Quota, SecretRef, Series, Status, Warning,
    },
    monitor::{BoardHealth, Entry, Snapshot},
    tui::{
        event::{Key, KeyCode},
        keymap::Keymap,
        state::UiState,
        theme::{Role, Theme},
    },
};
use ratatui::style::{Color, Modifier, Style};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// The instant everything is told from: 2026-05-04 14:05:20 UTC.
pub fn now() -> Timestamp {
    "2026-05-04T14:05:20Z".parse().expect("a fixed instant")
}

/// So many seconds before [`now`] (negative: after).
pub fn ago(seconds: i64) -> Timestamp {
    now().checked_sub(SignedDuration::from_secs(seconds)).expect("within range")
}

/// A day of checks in one bucket.
pub fn day() -> Bucket {
    Bucket {
        start: ago(86_400),
        span: Duration::from_secs(86_400),
        total: 288,
        successful: 287,
        rate_limited: 0,
        unauthorized: 1,
        p50: Some(ms(131)),
        p95: Some(ms(240)),
        p99: Some(ms(412)),
        latency_sum: ms(40_000),
    }
}

/// A disk that fills up.
pub fn series() -> Vec<Series> {
    let points = (0..30).map(|n| (ago(300 * (30 - n)), 40.0 + n as f64)).collect();
    vec![Series { name: "disk".to_owned(), unit: "%".to_owned(), points }]
}

/// What the vault knows of the key of `openai`.
pub fn credentials() -> Vec<(String, CredentialFacts)> {
    let facts = CredentialFacts {
        stored: ago(40 * 86_400),
        rotated: Some(ago(3 * 86_400)),
        expires: None,
        hosts: vec!["api.openai.com:443".to_owned()],
        account: None,
        can_roll_back: true,
        renews: false,
    };
    vec![("key".to_owned(), facts)]
}

pub fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

pub fn id(name: &str) -> IntegrationId {
    IntegrationId::new(name).expect("a valid name")
}

pub fn integration(name: &str, provider: &str, title: &str) -> Integration {
    Integration {
        id: id(name),
        provider: provider.to_owned(),
        name: title.to_owned(),
        tags: Vec::new(),
        fields: IndexMap::new(),
        enabled: true,
        interval: Duration::from_secs(300),
        timeout: Duration::from_secs(30),
        attempts: 3,
        failures_to_open: 2,
        successes_to_close: 1,
        expires: None,
        ca_file: None,
        insecure: false,
        slow: None,
        needs_scopes: Vec::new(),
    }
}

/// An entry checked `checked` seconds ago with this cause.
pub fn entry(name: &str, provider: (&str, &str, &'static str), title: &str, cause: Cause, checked: i64) -> Entry {
    let mut outcome = Outcome::of(cause, ago(checked), "", "");
    outcome.latency = Some(ms(80 + 37 * (name.len() as u64 % 9)));
    let seed = name.bytes().map(u64::from).sum::<u64>();
    let recent: Vec<CheckRow> = (0..24)
        .map(|i| CheckRow {
            at: ago(checked + 300 * (23 - i)),
            cause: if i > 21 { cause } else { Cause::Ok },
            latency: Some(ms(60 + (seed * (i as u64 + 3) * 7919) % 190)),
            code: Some(200),
        })
        .collect();
    Entry {
        integration: Arc::new(integration(name, provider.0, title)),
        provider_name: provider.1.into(),
        category: provider.2,
        cause,
        since: Some(ago(4 * 3600 + checked)),
        outcome: Some(Arc::new(outcome)),
        recent: recent.into(),
        metrics: Metrics {
            total: 1234,
            successful: 1231,
            failed: 3,
            rate_limit_hits: 0,
            average: Some(ms(142)),
            p50: Some(ms(131)),
            p95: Some(ms(240)),
            p99: Some(ms(412)),
            last: Some(ago(checked)),
        },
        incident: None,
        checking: false,
        next: Some(ago(checked - 300)),
        advice: "".into(),
    }
}

fn with(mut entry: Entry, change: impl FnOnce(&mut Entry, &mut Outcome)) -> Entry {
    let mut outcome = entry.outcome.take().map(|o| (*o).clone()).expect("checked");
    change(&mut entry, &mut outcome);
    entry.outcome = Some(Arc::new(outcome));
    entry
}

fn edit(entry: &mut Entry, change: impl FnOnce(&mut Integration)) {
    change(Arc::make_mut(&mut entry.integration));
}

fn quota(name: &str, unit: &str, limit: f64, left: f64, resets: i64) -> Quota {
    Quota {
        name: name.to_owned(),
        unit: unit.to_owned(),
        limit: Some(limit),
        left: Some(left),
        resets: Some(ago(-resets)),
        provenance: Provenance::Reported,
        at: ago(34),
    }
}

/// A snapshot of these entries.
pub fn snapshot(entries: Vec<Entry>) -> Snapshot {
    let bad = |e: &Entry| !matches!(e.status(), Status::Active | Status::Inactive);
    let health = if entries.iter().any(bad) { BoardHealth::Degraded } else { BoardHealth::Healthy };
    Snapshot {
        version: 1,
        at: now(),
        next: (!entries.is_empty()).then(|| ago(-34)),
        health,
        entries: entries.into_iter().map(|e| (e.id().clone(), Arc::new(e))).collect(),
        ..Snapshot::empty(now())
    }
}

/// Nothing configured.
pub fn empty() -> Snapshot {
    Snapshot::empty(now())
}

/// All five statuses, warnings, quotas, an incident.
pub fn mixed() -> Snapshot {
    let github = ("github", "GitHub", "dev-tool");
    let ok = Cause::Ok;
    let mut work = with(entry("github-work", github, "GitHub work", ok, 34), |e, o| {
        o.quotas = vec![quota("core", "requests", 5000.0, 4180.0, 1980), quota("search", "requests", 30.0, 28.0, 41)];
        o.identity = Some("octocat".to_owned());
        o.facts = vec![
            Fact { label: "User".to_owned(), value: "octocat".to_owned() },
            Fact { label: "Scopes".to_owned(), value: "repo, read:org, workflow".to_owned() },
        ];
        o.evidence =
            Evidence { rule: "status == 200 and body.login is defined".to_owned(), seen: "HTTP 200".to_owned() };
        o.code = Some(200);
        o.phases = Phases { dns: Some(ms(4)), connect: Some(ms(21)), tls: Some(ms(38)), first_byte: Some(ms(92)) };
        o.credential_expires = Some(ago(-12 * 86_400));
        o.certificate_expires = Some(ago(-200 * 86_400));
        o.warnings = vec![Warning::CredentialExpires { at: ago(-12 * 86_400) }];
        e.since = Some(ago(3 * 86_400));
    });
    edit(&mut work, |i| {
        i.tags = vec!["prod".to_owned(), "code".to_owned()];
        i.fields.insert("token".to_owned(), FieldValue::Secret(SecretRef::Vault("github-work".to_owned())));
    });
    let openai = with(entry("openai", ("openai", "OpenAI", "ai"), "OpenAI", Cause::InvalidCredential, 61), |e, o| {
        o.evidence = Evidence {
            rule: "rule 2: body.error.code == 'invalid_api_key'".to_owned(),
            seen: "Incorrect API key provided: sk-proj-****".to_owned(),
        };
        o.code = Some(401);
        o.phases = Phases { dns: Some(ms(3)), connect: Some(ms(18)), tls: Some(ms(29)), first_byte: Some(ms(61)) };
        e.advice =
            "Create a new key at https://platform.openai.com/api-keys and store it with: lampboard secret set openai"
                .into();
        edit(e, |i| {
            i.fields.insert("key".to_owned(), FieldValue::Secret(SecretRef::Vault("openai".to_owned())));
        });
        e.incident = Some(Arc::new(Incident {
            integration: e.id().clone(),
            opened: ago(4 * 3600),
            closed: None,
            cause: Cause::InvalidCredential,
            evidence: "HTTP 401".to_owned(),
        }));
        e.metrics = Metrics { total: 480, successful: 431, failed: 49, ..e.metrics };
    });
    let anthropic =
        with(entry("anthropic", ("anthropic", "Anthropic", "ai"), "Anthropic", Cause::QuotaExhausted, 12), |e, o| {
            o.until = Some(ago(-1500));
            o.quotas = vec![quota("tokens per day", "tokens", 1_000_000.0, 0.0, 1500)];
            o.evidence = Evidence {
                rule: "rule 1: status == 429".to_owned(),
                seen: "anthropic-ratelimit-tokens-remaining: 0".to_owned(),
            };
            e.advice = "Wait until the quota fills up at 14:30, or raise the limit of the workspace.".into();
            e.metrics.rate_limit_hits = 3;
        });
    let slack = with(entry("slack", ("slack", "Slack", "messaging"), "Slack ops", ok, 130), |e, o| {
        o.warnings = vec![Warning::Slow, Warning::MissingScope { scope: "users:read".to_owned() }];
        edit(e, |i| i.tags = vec!["prod".to_owned()]);
    });
    let database = with(
        entry("orders-db", ("postgres", "PostgreSQL", "database"), "Orders database", Cause::Timeout, 7),
        |e, o| {
            o.latency = Some(Duration::from_secs(30));
            o.attempts = 3;
            o.evidence =
                Evidence { rule: "connect: no answer within 30 s".to_owned(), seen: "db.example.net:5432".to_owned() };
            e.advice =
                "Nothing answers at db.example.net:5432. Check the host, the port and the firewall between.".into();
            e.metrics = Metrics { total: 900, successful: 760, failed: 140, average: Some(ms(1240)), ..e.metrics };
        },
    );
    let redis = with(entry("cache", ("redis", "Redis", "database"), "Cache", Cause::ServerError, 22), |e, o| {
        o.evidence = Evidence {
            rule: "server said".to_owned(),
            seen: "LOADING Redis is loading the dataset in memory".to_owned(),
        };
        e.advice = "The server is up but not ready. It usually passes within minutes.".into();
    });
    let mut jira = entry("jira", ("jira", "Jira", "dev-tool"), "Jira", Cause::Paused, 86_400);
    (jira.next, jira.cause) = (None, Cause::Paused);
    let mut fresh = entry("cdn", ("cloudflare", "Cloudflare", "cloud"), "CDN", Cause::NeverChecked, 0);
    (fresh.outcome, fresh.recent, fresh.metrics, fresh.since) = (None, [].into(), Metrics::default(), None);
    fresh.checking = true;
    let mut gaps = entry("site", ("http", "HTTP", "generic"), "Web site with a rather long name", ok, 4000);
    gaps.recent = gaps
        .recent
        .iter()
        .enumerate()
        .map(|(i, r)| CheckRow { cause: if (8..12).contains(&i) { Cause::Paused } else { r.cause }, ..*r })
        .collect::<Vec<_>>()
        .into();
    let search = with(entry("search", ("elasticsearch", "Elasticsearch", "database"), "Search", ok, 3), |_, o| {
        o.quotas = vec![quota("disk", "bytes", 1e12, 8e10, 86_400)];
        o.warnings = vec![Warning::QuotaLow { quota: "disk".to_owned(), percent_left: 8 }];
    });
    snapshot(vec![work, openai, anthropic, slack, database, redis, jira, fresh, gaps, search])
}

/// So many integrations, one in seven not well.
pub fn many(count: usize) -> Snapshot {
    let causes = [Cause::Ok, Cause::Ok, Cause::Ok, Cause::Timeout, Cause::Ok, Cause::Ok, Cause::Throttled];
    let shelves = ["ai", "dev-tool", "database"];
    snapshot(
        (0..count)
            .map(|i| {
                let provider = ("http", "HTTP", shelves[i % 3]);
                entry(&format!("service-{i}"), provider, &format!("Service {i}"), causes[i % 7], (i % 300) as i64)
            })
            .collect(),
    )
}

/// The state a fresh board starts with, at a size.
pub fn state(size: (u16, u16)) -> UiState {
    let mut state = UiState::new(Vec::new(), Keymap::standard(), &Settings::default(), now());
    state.size = size;
    state
}

/// A theme with every role in some colour.
pub fn theme(unicode: bool) -> Theme {
    let style = |role| match role {
        Role::Dim | Role::Inactive => Style::new().fg(Color::DarkGray),
        Role::Title | Role::TabActive => Style::new().add_modifier(Modifier::BOLD),
        Role::Border => Style::new().fg(Color::DarkGray),
        Role::BorderFocus | Role::Key => Style::new().fg(Color::Cyan),
        Role::Selection => Style::new().add_modifier(Modifier::REVERSED),
        Role::Active | Role::Good | Role::QuotaHigh => Style::new().fg(Color::Green),
        Role::RateLimited | Role::Warning | Role::QuotaMiddle => Style::new().fg(Color::Yellow),
        Role::Unauthorized => Style::new().fg(Color::Magenta),
        Role::Error | Role::QuotaLow => Style::new().fg(Color::Red),
        Role::Chart => Style::new().fg(Color::Blue),
        Role::ChartSecond => Style::new().fg(Color::Cyan),
        Role::Toast | Role::Banner => Style::new().bg(Color::DarkGray),
        _ => Style::new(),
    };
    let roles = [
        Role::Text,
        Role::Dim,
        Role::Title,
        Role::Border,
        Role::BorderFocus,
        Role::Selection,
        Role::Tab,
        Role::TabActive,
        Role::Active,
        Role::RateLimited,
        Role::Unauthorized,
        Role::Error,
        Role::Inactive,
        Role::Warning,
        Role::Good,
        Role::QuotaHigh,
        Role::QuotaMiddle,
        Role::QuotaLow,
        Role::Chart,
        Role::ChartSecond,
        Role::Key,
        Role::Input,
        Role::InputFocus,
        Role::Toast,
        Role::Banner,
    ];
    Theme::new("test", roles.into_iter().map(|r| (r, style(r))).collect::<BTreeMap<_, _>>(), unicode)
}

/// The key a word stands for: `j`, `Enter`, `Ctrl-C`, `Alt-b`.
pub fn key(word: &str) -> Key {
    if let Some(rest) = word.strip_prefix("Ctrl-") {
        return Key { ctrl: true, ..key(rest) };
    }
    if let Some(rest) = word.strip_prefix("Alt-") {
        return Key { alt: true, ..key(rest) };
    }
    let mut chars = word.chars();
    Key::plain(match (word, chars.next(), chars.next()) {
        ("Enter", ..) => KeyCode::Enter,
        ("Esc", ..) => KeyCode::Esc,
        ("Tab", ..) => KeyCode::Tab,
        ("BackTab", ..) => KeyCode::BackTab,
        ("Backspace", ..) => KeyCode::Backspace,
        ("Delete", ..) => KeyCode::Delete,
        ("Up", ..) => KeyCode::Up,
        ("Down", ..) => KeyCode::Down,
        ("Left", ..) => KeyCode::Left,
        ("Right", ..) => KeyCode::Right,
        ("Home", ..) => KeyCode::Home,
        ("End", ..) => KeyCode::End,
        ("PageUp", ..) => KeyCode::PageUp,
        ("PageDown", ..) => KeyCode::PageDown,
        (_, Some(c), None) => KeyCode::Char(c),
        _ => panic!("no such key: {word}"),
    })
}
