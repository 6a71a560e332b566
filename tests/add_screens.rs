//! The add tab and the metrics tab: what they ask for, what they keep, what they show.

#[path = "common/board.rs"]
mod board;

use indexmap::IndexMap;
use jiff::Timestamp;
use lampboard::{
    checks::{Rung, RungState},
    model::{Bucket, Cause, Evidence, Incident, IntegrationId, Outcome, SecretRef, Warning},
    monitor::{self, Draft, DraftValue, Snapshot},
    providers::{Category, CodedKind, Definition, Field, Limits, Origin, Probe},
    tui::{
        draw,
        effect::Effect,
        event::{Done, Event, Key, KeyCode},
        state::{
            Tab, UiState,
            add::{Place, Slot},
        },
        update::{self, add::begin_edit, update},
    },
};
use proptest::prelude::*;
use ratatui::{Frame, Terminal, backend::TestBackend};
use std::{sync::Arc, time::Duration};
use zeroize::Zeroizing;

const CANARY: &str = "ghp_canary0123456789abcdefghijklmnopqrst";

fn field(name: &str, label: &str, help: &str) -> Field {
    Field { name: name.to_owned(), label: label.to_owned(), help: help.to_owned(), ..Field::default() }
}

fn definition(id: &str, name: &str, category: Category, cost: &str, fields: Vec<Field>) -> Arc<Definition> {
    Arc::new(Definition {
        untold: Vec::new(),
        proved: None,
        id: id.to_owned(),
        name: name.to_owned(),
        category,
        docs: Some(format!("https://docs.{id}.example")),
        key_url: (category != Category::Generic).then(|| format!("https://{id}.example/settings/keys")),
        cost: cost.to_owned(),
        fields: fields.into_iter().map(|f| (f.name.clone(), f)).collect(),
        probe: Probe::Coded(if id == "command" { CodedKind::Command } else { CodedKind::HttpAny }),
        limits: Limits::default(),
        min_interval: Duration::from_secs(30),
        status_page: Some(format!("https://status.{id}.example")),
        advice: IndexMap::from([(Cause::InvalidCredential, "Make a new key and paste it here.".to_owned())]),
        examples: Vec::new(),
        oauth: None,
        actions: IndexMap::new(),
        origin: Origin::BuiltIn,
    })
}

fn definitions() -> Vec<Arc<Definition>> {
    let secret = |label: &str, env: &[&str], pattern: &str| Field {
        secret: true,
        required: true,
        env: env.iter().map(|e| (*e).to_owned()).collect(),
        files: if label.starts_with("Personal") { vec!["ini:~/.config/tool#.token".to_owned()] } else { Vec::new() },
        pattern: Some(pattern.to_owned()),
        ..field("token", label, "Needs no scope for the check.")
    };
    let base = Field {
        env: vec!["GITHUB_API_URL".to_owned()],
        default: Some("https://api.github.com".to_owned()),
        ..field("base_url", "Base URL", "Another one only for Enterprise Server.")
    };
    let key = secret("API key", &["OPENAI_API_KEY"], "^sk-");
    let other = Field { env: Vec::new(), pattern: None, ..key.clone() };
    vec![
        definition(
            "github",
            "GitHub",
            Category::DevTool,
            "free; 1 of 5000 requests per hour",
            vec![secret("Personal access token", &["GITHUB_TOKEN", "GH_TOKEN"], "^(ghp_|github_pat_|gho_)"), base],
        ),
        definition("openai", "OpenAI", Category::Ai, "free; lists models", vec![key]),
        definition("anthropic", "Anthropic", Category::Ai, "free; lists models", vec![other.clone()]),
        definition("gitlab", "GitLab", Category::DevTool, "free", vec![other.clone()]),
        definition("slack", "Slack", Category::Messaging, "free; 1 of 20 per minute", vec![other.clone()]),
        definition("cloudflare", "Cloudflare", Category::Cloud, "free; 1 of 1200 per 5 minutes", vec![other]),
        definition(
            "command",
            "Command",
            Category::Generic,
            "what the program costs",
            vec![
                Field { required: true, ..field("program", "Program", "A Nagios plugin or any program.") },
                Field {
                    list: true,
                    ..field("arguments", "Arguments", "As the program takes them; there is no shell.")
                },
                Field {
                    choices: ["exit code", "first line", "both"].map(str::to_owned).to_vec(),
                    default: Some("exit code".to_owned()),
                    ..field("judge", "Judged by", "What decides.")
                },
            ],
        ),
        definition("postgres", "PostgreSQL", Category::Database, "one SELECT 1", Vec::new()),
    ]
}

fn fresh(size: (u16, u16)) -> UiState {
    let mut state = board::state(size);
    state.definitions = definitions();
    state
}

/// The add tab in front, with what `enter` asks for answered.
fn adding(size: (u16, u16), snapshot: &Snapshot) -> UiState {
    let mut state = fresh(size);
    state.tab = Tab::Add;
    update::add::enter(&mut state, snapshot);
    state
}

fn press(state: &mut UiState, snapshot: &Snapshot, keys: &str) -> Vec<Effect> {
    let key = |word: &str| if word == "F5" { Key::plain(KeyCode::F(5)) } else { board::key(word) };
    keys.split_whitespace().flat_map(|word| update(state, snapshot, Event::Key(key(word)))).collect()
}

fn write(state: &mut UiState, snapshot: &Snapshot, text: &str) {
    for c in text.chars() {
        update(state, snapshot, Event::Key(Key::plain(KeyCode::Char(c))));
    }
}

fn paste(state: &mut UiState, snapshot: &Snapshot, text: &str) {
    update(state, snapshot, Event::Paste(Zeroizing::new(text.to_owned())));
}

fn done(state: &mut UiState, snapshot: &Snapshot, done: Done) {
    update(state, snapshot, Event::Done(done));
}

fn focus(state: &mut UiState, slot: Slot) {
    let form = state.add.form.as_mut().expect("a form");
    assert!(form.slots().contains(&slot), "{slot:?} of {:?}", form.slots());
    form.focus = slot;
}

fn github(size: (u16, u16), snapshot: &Snapshot) -> UiState {
    let mut state = adding(size, snapshot);
    write(&mut state, snapshot, "github");
    press(&mut state, snapshot, "Enter");
    state
}

fn draft(effects: &[Effect]) -> &Draft {
    effects
        .iter()
        .find_map(|e| match e {
            Effect::Test(draft) | Effect::Save(draft) => Some(&**draft),
            _ => None,
        })
        .unwrap_or_else(|| panic!("no draft in {effects:?}"))
}

fn rung(name: &'static str, state: RungState, ms: u64, detail: &str) -> Rung {
    let time = (ms > 0).then(|| Duration::from_millis(ms));
    Rung { name, state, time, detail: detail.to_owned(), advice: String::new() }
}

fn climb(state: &mut UiState, snapshot: &Snapshot, to: usize, last: RungState) {
    let all = [
        ("credential", 1, "typed here"),
        ("resolve", 4, "140.82.121.5"),
        ("connect", 21, "140.82.121.5:443"),
        ("tls", 38, "TLS 1.3, certificate good for 120 days"),
        ("answer", 92, "HTTP 200"),
        ("authenticate", 1, "the credential is accepted"),
        ("identity", 1, "octocat"),
        ("quota", 1, "4180 of 5000 left"),
    ];
    for (i, (name, ms, detail)) in all.into_iter().enumerate().take(to + 1) {
        done(state, snapshot, Done::Rung(rung(name, RungState::Running, 0, "")));
        let end = if i == to { last } else { RungState::Passed };
        let mut ended = rung(name, end, if end == RungState::Running { 0 } else { ms }, detail);
        if end == RungState::Running {
            ended.detail.clear();
        }
        if end == RungState::Failed {
            ended.detail = "HTTP 401: Bad credentials".to_owned();
            ended.advice = "The service does not know this token. Make a new one and paste it whole.".to_owned();
        }
        done(state, snapshot, Done::Rung(ended));
    }
}

fn good() -> Outcome {
    let mut outcome = Outcome::of(Cause::Ok, board::now(), "status == 200", "HTTP 200");
    outcome.identity = Some("octocat".to_owned());
    outcome.latency = Some(Duration::from_millis(152));
    outcome.warnings = vec![Warning::CredentialExpires { at: board::ago(-12 * 86_400) }];
    outcome
}

fn bad() -> Outcome {
    let mut outcome = Outcome::of(Cause::InvalidCredential, board::now(), "status == 401", "Bad credentials");
    outcome.evidence = Evidence { rule: "rule 2: status == 401".to_owned(), seen: "Bad credentials".to_owned() };
    outcome
}

/// Tested with this outcome.
fn tested(state: &mut UiState, snapshot: &Snapshot, outcome: Outcome) {
    press(state, snapshot, "F5");
    done(state, snapshot, Done::Tested(Ok(Box::new(outcome))));
}

/// The whole screen.
fn screen(state: &mut UiState, snapshot: &Snapshot, size: (u16, u16), unicode: bool) -> String {
    shot(size, |frame| draw::draw(frame, snapshot, state, &board::theme(unicode)))
}

/// The tab alone, as it stands between header and footer.
fn body(state: &mut UiState, snapshot: &Snapshot, size: (u16, u16), unicode: bool) -> String {
    let theme = board::theme(unicode);
    shot((size.0, size.1 - 2), |frame| match state.tab {
        Tab::Add => draw::add::draw(frame, frame.area(), snapshot, state, &theme),
        Tab::Metrics => draw::metrics::draw(frame, frame.area(), snapshot, state, &theme),
        Tab::Overview => panic!("not here"),
    })
}

fn shot(size: (u16, u16), paint: impl FnOnce(&mut Frame<'_>)) -> String {
    let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).expect("a buffer");
    terminal.draw(paint).expect("a buffer takes everything");
    let buffer = terminal.backend().buffer();
    let mut out = String::new();
    for y in 0..size.1 {
        let row: String = (0..size.0).map(|x| buffer[(x, y)].symbol()).collect();
        out.push_str(row.trim_end());
        out.push('\n');
    }
    out
}

/// Snapshots of one scene at both sizes, and once in ASCII.
fn scene(name: &str, snapshot: &Snapshot, prepare: impl Fn(&mut UiState)) {
    for (size, unicode) in [((80, 24), true), ((120, 40), true), ((80, 24), false)] {
        let mut state = fresh(size);
        state.tab = Tab::Add;
        prepare(&mut state);
        let shown = body(&mut state, snapshot, size, unicode);
        if !unicode {
            assert!(shown.is_ascii(), "{name} without Unicode:\n{shown}");
        }
        let kind = if unicode { "" } else { "-ascii" };
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(format!("add-{name}{kind}-{}x{}", size.0, size.1), shown);
        });
    }
}

fn filled(state: &mut UiState, snapshot: &Snapshot) {
    write(state, snapshot, "github");
    press(state, snapshot, "Enter");
    paste(state, snapshot, CANARY);
}

// ---- picker ----

#[test]
fn the_picker_shows_shelves_and_finds_by_name_and_category() {
    let snapshot = board::mixed();
    scene("picker", &snapshot, |state| done(state, &board::mixed(), Done::Env(vec!["OPENAI_API_KEY".to_owned()])));
    scene("picker-search", &snapshot, |state| write(state, &board::mixed(), "git"));
    scene("picker-nothing", &snapshot, |state| write(state, &board::mixed(), "zzz"));
    let mut state = adding((80, 24), &snapshot);
    write(&mut state, &snapshot, "databases");
    press(&mut state, &snapshot, "Enter");
    assert_eq!(state.add.form.as_ref().unwrap().definition.id, "postgres");
}

#[test]
fn entering_asks_for_the_usual_variables_and_a_provider_for_its_own() {
    let snapshot = board::empty();
    let mut state = fresh((80, 24));
    state.tab = Tab::Add;
    let asked = update::add::enter(&mut state, &snapshot);
    assert!(
        matches!(&asked[..], [Effect::ProbeEnv(names)] if names == &["GH_TOKEN", "GITHUB_TOKEN", "OPENAI_API_KEY", "ini:~/.config/tool#.token"]),
        "{asked:?}"
    );
    write(&mut state, &snapshot, "openai");
    let asked = press(&mut state, &snapshot, "Enter");
    assert!(matches!(&asked[..], [Effect::ProbeEnv(names)] if names == &["OPENAI_API_KEY"]), "{asked:?}");
}

#[test]
fn the_boards_keys_stay_within_reach_until_something_is_searched_for() {
    let snapshot = board::empty();
    let mut state = adding((80, 24), &snapshot);
    press(&mut state, &snapshot, "1");
    assert_eq!(state.tab, Tab::Overview);
    let mut state = adding((80, 24), &snapshot);
    press(&mut state, &snapshot, "q q Esc");
    assert_eq!((state.tab, state.add.query.value()), (Tab::Add, ""));
    press(&mut state, &snapshot, "Esc");
    assert_eq!(state.tab, Tab::Overview);
}

// ---- form ----

#[test]
fn the_form_is_made_from_the_definition() {
    let snapshot = board::mixed();
    scene("form", &snapshot, |state| filled(state, &board::mixed()));
    scene("form-env", &snapshot, |state| {
        let snapshot = board::mixed();
        done(state, &snapshot, Done::Env(vec!["GITHUB_TOKEN".to_owned()]));
        write(state, &snapshot, "github");
        press(state, &snapshot, "Enter BackTab");
    });
    scene("form-usual", &snapshot, |state| {
        let snapshot = board::mixed();
        write(state, &snapshot, "github");
        let asked = press(state, &snapshot, "Enter");
        let [_, Effect::FindUsual(serial, provider)] = &asked[..] else { panic!("{asked:?}") };
        assert_eq!(provider, "github");
        let value = |field: &str, value: &str, place: &str| monitor::UsualValue {
            field: field.to_owned(),
            value: value.to_owned(),
            place: place.to_owned(),
        };
        let found = vec![value("base_url", "https://github.example.org/api/v3", "GITHUB_API_URL")];
        done(state, &snapshot, Done::Usual(*serial, found));
        done(state, &snapshot, Done::Usual(*serial + 1, vec![value("base_url", "https://other.example", "X")]));
        done(state, &snapshot, Done::Env(vec!["ini:~/.config/tool#.token".to_owned()]));
    });
    scene("form-list", &snapshot, |state| {
        let snapshot = board::mixed();
        write(state, &snapshot, "command");
        press(state, &snapshot, "Enter");
        write(state, &snapshot, "check_http");
        press(state, &snapshot, "Tab");
        paste(state, &snapshot, "-H\r\nexample.org\r\n-w\r\n5,10\r\n");
        press(state, &snapshot, "Tab Right");
    });
    scene("form-errors", &snapshot, |state| {
        let snapshot = board::mixed();
        write(state, &snapshot, "github");
        press(state, &snapshot, "Enter");
        focus(state, Slot::Id);
        press(state, &snapshot, "Ctrl-u");
        write(state, &snapshot, "openai");
        focus(state, Slot::Interval);
        write(state, &snapshot, "soon");
        focus(state, Slot::Expires);
        write(state, &snapshot, "tomorrow");
        press(state, &snapshot, "Ctrl-s");
    });
    scene("form-hint", &snapshot, |state| {
        let snapshot = board::mixed();
        write(state, &snapshot, "github");
        press(state, &snapshot, "Enter");
        paste(state, &snapshot, " wrong-kind-of-key \r\n");
    });
}

#[test]
fn a_free_id_is_proposed_and_the_vault_entry_follows_it() {
    let mut snapshot = board::mixed();
    let state = github((80, 24), &snapshot);
    assert_eq!(state.add.form.as_ref().unwrap().id.value(), "github");
    snapshot = board::snapshot(vec![board::entry("github", ("github", "GitHub", "dev-tool"), "G", Cause::Ok, 3)]);
    let mut state = github((80, 24), &snapshot);
    assert_eq!(state.add.form.as_ref().unwrap().id.value(), "github-2");
    paste(&mut state, &snapshot, CANARY);
    focus(&mut state, Slot::Id);
    write(&mut state, &snapshot, "x");
    let effects = press(&mut state, &snapshot, "F5");
    let wanted = DraftValue::Typed(
        lampboard::model::Secret::new(CANARY.to_owned()),
        monitor::Place::Vault("github-2x".to_owned()),
    );
    let made = draft(&effects);
    assert_eq!(made.values.get("token"), Some(&wanted));
    assert_eq!((made.base.id.as_str(), made.base.name.as_str()), ("github-2x", "github-2x"));
    assert!(!made.values.contains_key("base_url"), "a default is not written down");
}

#[test]
fn a_secret_shows_nowhere_but_in_its_draft() {
    let snapshot = board::empty();
    let mut state = github((80, 24), &snapshot);
    paste(&mut state, &snapshot, &format!("  {CANARY}\r\n"));
    let effects = press(&mut state, &snapshot, "F5");
    match draft(&effects).values.get("token") {
        Some(DraftValue::Typed(secret, _)) => assert_eq!(secret.expose(), CANARY, "trimmed and whole"),
        other => panic!("{other:?}"),
    }
    let saved = {
        done(&mut state, &snapshot, Done::Tested(Ok(Box::new(good()))));
        press(&mut state, &snapshot, "Ctrl-s")
    };
    for size in [(80, 24), (120, 40)] {
        let seen = screen(&mut state, &snapshot, size, true);
        assert!(!seen.contains("canary"), "{seen}");
    }
    for text in [format!("{state:?}"), format!("{effects:?}"), format!("{saved:?}")] {
        assert!(!text.contains("canary"), "{text}");
    }
}

#[test]
fn a_paste_is_trimmed_with_a_note_and_refused_with_line_breaks() {
    let snapshot = board::empty();
    let mut state = github((80, 24), &snapshot);
    paste(&mut state, &snapshot, " abc \r\n");
    let seen = screen(&mut state, &snapshot, (80, 24), true);
    assert!(seen.contains("3 characters") && seen.contains("white space around the paste was left out"), "{seen}");
    paste(&mut state, &snapshot, "one\r\ntwo");
    let seen = screen(&mut state, &snapshot, (80, 24), true);
    assert!(seen.contains("3 characters") && seen.contains("it has 2 lines"), "{seen}");
    focus(&mut state, Slot::Name);
    paste(&mut state, &snapshot, "\tMy hub\n");
    assert_eq!(state.add.form.as_ref().unwrap().name.value(), "My hub");
    paste(&mut state, &snapshot, "a\rb");
    assert_eq!(state.add.form.as_ref().unwrap().name.value(), "My hub");
}

#[test]
fn a_key_file_is_pasted_whole_into_a_secret_alone() {
    let snapshot = board::empty();
    let mut state = github((80, 24), &snapshot);
    paste(&mut state, &snapshot, "{\r\n\t\"a\": \"x\\ny\"\r\n}\r\n");
    let seen = screen(&mut state, &snapshot, (80, 24), true);
    assert!(seen.contains("13 characters"), "{seen}");
    focus(&mut state, Slot::Name);
    paste(&mut state, &snapshot, "{\n\"a\": 1\n}");
    let seen = screen(&mut state, &snapshot, (80, 24), true);
    assert!(seen.contains("it has 3 lines"), "{seen}");
}

#[test]
fn every_place_of_a_secret_becomes_its_reference() {
    let snapshot = board::empty();
    for (place, typed, wanted) in [
        (Place::Found("GH_TOKEN".to_owned()), "", "env:GH_TOKEN"),
        (Place::Env, "", "env:GITHUB_TOKEN"),
        (Place::File, "/run/secrets/x", "file:/run/secrets/x"),
        (Place::Command, "pass show x", "cmd:pass show x"),
        (Place::Reference, "vault:shared", "vault:shared"),
    ] {
        let mut state = github((80, 24), &snapshot);
        done(&mut state, &snapshot, Done::Env(vec!["GH_TOKEN".to_owned()]));
        focus(&mut state, Slot::Place(0));
        for _ in 0..12 {
            if state.add.form.as_mut().unwrap().secret(0).unwrap().place == place {
                break;
            }
            press(&mut state, &snapshot, "Right");
        }
        write(&mut state, &snapshot, typed);
        let effects = press(&mut state, &snapshot, "F5");
        let reference: SecretRef = wanted.parse().unwrap();
        assert_eq!(draft(&effects).values.get("token"), Some(&DraftValue::Reference(reference)), "{place:?}");
    }
}

#[test]
fn what_is_wrong_is_said_beside_the_field_and_nothing_is_sent() {
    let snapshot = board::mixed();
    type Case<'a> = (&'a str, &'a dyn Fn(&mut UiState));
    let cases: [Case<'_>; 8] = [
        ("type or paste it", &|_| {}),
        ("is taken by another", &|s| retype(s, Slot::Id, "openai")),
        ("not a valid name", &|s| retype(s, Slot::Id, "Not Valid")),
        ("an id is needed", &|s| retype(s, Slot::Id, "")),
        ("not a length of time", &|s| retype(s, Slot::Interval, "soon")),
        ("shortest interval", &|s| retype(s, Slot::Interval, "1s")),
        ("is not a date", &|s| retype(s, Slot::Expires, "31.12.")),
        ("a vault entry is named", &|s| {
            paste(s, &board::mixed(), CANARY);
            retype(s, Slot::Entry(0), "../x");
        }),
    ];
    for (sentence, spoil) in cases {
        let mut state = github((120, 40), &snapshot);
        spoil(&mut state);
        for keys in ["F5", "Ctrl-s", "Ctrl-s"] {
            let effects = press(&mut state, &snapshot, keys);
            assert!(effects.is_empty(), "{sentence}: {effects:?}");
        }
        let seen = screen(&mut state, &snapshot, (120, 40), true);
        assert!(seen.contains(sentence), "{sentence}\n{seen}");
    }
}

fn retype(state: &mut UiState, slot: Slot, text: &str) {
    focus(state, slot);
    press(state, &board::mixed(), "Ctrl-e Ctrl-u");
    write(state, &board::mixed(), text);
}

#[test]
fn a_secret_mistaken_for_a_variable_is_not_quoted() {
    let snapshot = board::empty();
    let mut state = github((120, 40), &snapshot);
    focus(&mut state, Slot::Place(0));
    press(&mut state, &snapshot, "Left");
    retype(&mut state, Slot::Target(0), "sk-bare");
    press(&mut state, &snapshot, "F5");
    let seen = screen(&mut state, &snapshot, (120, 40), true);
    let complaint: Vec<_> = seen.lines().filter(|l| l.contains("not a reference")).collect();
    assert!(matches!(complaint[..], [line] if !line.contains("bare")), "{seen}");
}

#[test]
fn lists_choices_and_optional_values_reach_the_draft() {
    let snapshot = board::empty();
    let mut state = adding((80, 24), &snapshot);
    write(&mut state, &snapshot, "command");
    press(&mut state, &snapshot, "Enter");
    write(&mut state, &snapshot, "/usr/lib/check_http");
    press(&mut state, &snapshot, "Enter");
    write(&mut state, &snapshot, "-w");
    press(&mut state, &snapshot, "Enter");
    write(&mut state, &snapshot, "5,10");
    press(&mut state, &snapshot, "Enter Enter Right");
    retype(&mut state, Slot::Tags, "prod, ci,prod");
    retype(&mut state, Slot::Interval, "10m");
    let effects = press(&mut state, &snapshot, "F5");
    let made = draft(&effects);
    assert_eq!(made.values.get("program"), Some(&DraftValue::Text("/usr/lib/check_http".to_owned())));
    assert_eq!(made.values.get("arguments"), Some(&DraftValue::List(vec!["-w".to_owned(), "5,10".to_owned()])));
    assert_eq!(made.values.get("judge"), Some(&DraftValue::Text("first line".to_owned())));
    assert_eq!((made.base.tags.join("|").as_str(), made.base.interval.as_secs()), ("prod|ci", 600));
}

// ---- test and save ----

#[test]
fn a_test_climbs_its_ladder() {
    let snapshot = board::mixed();
    scene("ladder-running", &snapshot, |state| {
        let snapshot = board::mixed();
        filled(state, &snapshot);
        press(state, &snapshot, "F5");
        climb(state, &snapshot, 4, RungState::Running);
    });
    scene("ladder-failed", &snapshot, |state| {
        let snapshot = board::mixed();
        filled(state, &snapshot);
        press(state, &snapshot, "F5");
        climb(state, &snapshot, 5, RungState::Failed);
        done(state, &snapshot, Done::Rung(rung("identity", RungState::Skipped, 0, "")));
        done(state, &snapshot, Done::Tested(Ok(Box::new(bad()))));
        press(state, &snapshot, "Ctrl-s");
    });
    scene("ladder-passed", &snapshot, |state| {
        let snapshot = board::mixed();
        filled(state, &snapshot);
        press(state, &snapshot, "F5");
        climb(state, &snapshot, 7, RungState::Passed);
        done(state, &snapshot, Done::Tested(Ok(Box::new(good()))));
    });
}

#[test]
fn a_passed_test_saves_at_once_and_leads_to_the_overview() {
    let snapshot = board::empty();
    let mut state = github((80, 24), &snapshot);
    paste(&mut state, &snapshot, CANARY);
    tested(&mut state, &snapshot, good());
    let effects = press(&mut state, &snapshot, "Enter");
    assert!(matches!(effects[..], [Effect::Save(_)]), "{effects:?}");
    let id = IntegrationId::new("github").unwrap();
    done(&mut state, &snapshot, Done::Saved(Ok(id)));
    assert!(state.add.form.is_none() && state.add.unfinished.is_empty());
    assert_eq!(state.tab, Tab::Overview);
}

#[test]
fn saving_without_proof_needs_a_second_press() {
    let snapshot = board::empty();
    let mut state = github((80, 24), &snapshot);
    paste(&mut state, &snapshot, CANARY);
    assert!(press(&mut state, &snapshot, "Ctrl-s").is_empty());
    assert!(screen(&mut state, &snapshot, (80, 24), true).contains("save anyway"));
    // Anything in between takes the question back.
    assert!(press(&mut state, &snapshot, "Tab Ctrl-s").is_empty());
    assert!(matches!(press(&mut state, &snapshot, "Ctrl-s")[..], [Effect::Save(_)]));

    let mut state = github((80, 24), &snapshot);
    paste(&mut state, &snapshot, CANARY);
    tested(&mut state, &snapshot, bad());
    assert!(press(&mut state, &snapshot, "Ctrl-s").is_empty());
    assert!(matches!(press(&mut state, &snapshot, "Ctrl-s")[..], [Effect::Save(_)]));

    // A change after the test makes the proof void.
    let mut state = github((80, 24), &snapshot);
    paste(&mut state, &snapshot, CANARY);
    tested(&mut state, &snapshot, good());
    press(&mut state, &snapshot, "Esc");
    focus(&mut state, Slot::Secret(0));
    write(&mut state, &snapshot, "x");
    assert!(press(&mut state, &snapshot, "Ctrl-s").is_empty());
}

#[test]
fn a_failing_save_keeps_everything_and_says_why() {
    let snapshot = board::empty();
    let mut state = github((80, 24), &snapshot);
    paste(&mut state, &snapshot, CANARY);
    press(&mut state, &snapshot, "Ctrl-s Ctrl-s");
    // Keys typed while it is being saved change nothing.
    write(&mut state, &snapshot, "zzz");
    done(&mut state, &snapshot, Done::Saved(Err("the disk is full".to_owned())));
    let seen = screen(&mut state, &snapshot, (80, 24), true);
    assert!(seen.contains("Not saved: the disk is full") && seen.contains("40 characters"), "{seen}");
    assert_eq!(state.tab, Tab::Add);
}

#[test]
fn a_cancelled_test_takes_no_late_rungs() {
    let snapshot = board::empty();
    let mut state = github((80, 24), &snapshot);
    paste(&mut state, &snapshot, CANARY);
    press(&mut state, &snapshot, "F5");
    climb(&mut state, &snapshot, 2, RungState::Running);
    assert!(matches!(press(&mut state, &snapshot, "Esc")[..], [Effect::CancelTest]));
    done(&mut state, &snapshot, Done::Rung(rung("tls", RungState::Passed, 1, "")));
    done(&mut state, &snapshot, Done::Tested(Ok(Box::new(good()))));
    let form = state.add.form.as_ref().unwrap();
    assert!(!form.proved() && form.trial.as_ref().unwrap().rungs.len() == 3);
}

#[test]
fn what_was_typed_survives_tabs_and_other_forms() {
    let snapshot = board::mixed();
    let mut state = github((80, 24), &snapshot);
    paste(&mut state, &snapshot, CANARY);
    state.tab = Tab::Metrics;
    state.tab = Tab::Add;
    update::add::enter(&mut state, &snapshot);
    assert!(screen(&mut state, &snapshot, (80, 24), true).contains("40 characters"));
    press(&mut state, &snapshot, "Esc");
    assert!(state.add.form.is_none());
    let seen = screen(&mut state, &snapshot, (80, 24), true);
    assert!(seen.contains("Unfinished"), "{seen}");
    begin_edit(&mut state, &board::empty(), existing());
    press(&mut state, &snapshot, "Esc");
    assert_eq!((state.tab, state.add.unfinished.len()), (Tab::Overview, 1));
    state.tab = Tab::Add;
    press(&mut state, &snapshot, "PageUp PageUp Enter");
    assert!(screen(&mut state, &snapshot, (80, 24), true).contains("40 characters"));
    // Only the button throws away, and asks.
    focus(&mut state, Slot::Cancel);
    press(&mut state, &snapshot, "Enter");
    assert!(state.add.form.is_some());
    press(&mut state, &snapshot, "Enter");
    assert!(state.add.form.is_none() && state.add.unfinished.is_empty());
}

// ---- edit ----

fn existing() -> Draft {
    let mut base = board::integration("github-work", "github", "GitHub work");
    base.tags = vec!["prod".to_owned()];
    base.interval = Duration::from_secs(600);
    base.expires = Some("2026-09-01T12:00:00Z".parse().expect("an instant"));
    base.attempts = 7;
    let values = IndexMap::from([
        ("token".to_owned(), DraftValue::Reference(SecretRef::Vault("shared".to_owned()))),
        ("left_over".to_owned(), DraftValue::Text("kept".to_owned())),
    ]);
    Draft { original: Some("github-work".to_owned()), base, values }
}

#[test]
fn an_edit_changes_only_what_was_changed() {
    let snapshot = board::mixed();
    let mut state = fresh((80, 24));
    begin_edit(&mut state, &board::empty(), existing());
    assert_eq!(state.tab, Tab::Add);
    press(&mut state, &snapshot, "Ctrl-s");
    let effects = press(&mut state, &snapshot, "Ctrl-s");
    let (made, was) = (draft(&effects), existing());
    assert_eq!((&made.original, &made.base, &made.values), (&was.original, &was.base, &was.values));
}

#[test]
fn retyping_the_secret_of_an_edit_rotates_it_in_its_place() {
    let snapshot = board::mixed();
    let mut state = fresh((80, 24));
    begin_edit(&mut state, &board::empty(), existing());
    scene("form-edit", &snapshot, |state| {
        begin_edit(state, &board::empty(), existing());
    });
    focus(&mut state, Slot::Place(0));
    paste(&mut state, &snapshot, CANARY);
    let effects = press(&mut state, &snapshot, "F5");
    match draft(&effects).values.get("token") {
        Some(DraftValue::Typed(_, monitor::Place::Vault(name))) => assert_eq!(name, "shared"),
        other => panic!("{other:?}"),
    }
    // Asked to edit it again: the changes are still there.
    press(&mut state, &snapshot, "Esc");
    begin_edit(&mut state, &board::empty(), existing());
    assert!(screen(&mut state, &snapshot, (80, 24), true).contains("unsaved changes"));
}

#[test]
fn an_edit_of_an_unknown_provider_says_so() {
    let snapshot = board::mixed();
    let mut state = fresh((120, 40));
    let mut draft = existing();
    draft.base.provider = "gone".to_owned();
    begin_edit(&mut state, &board::empty(), draft);
    let seen = screen(&mut state, &snapshot, (120, 40), true);
    assert!(state.add.form.is_none() && seen.contains("'gone' is not known"), "{seen}");
}

// ---- metrics ----

fn open_metrics(size: (u16, u16), snapshot: &Snapshot) -> (UiState, Effect) {
    let mut state = fresh(size);
    state.tab = Tab::Metrics;
    let effect = update::metrics::enter(&mut state, snapshot).pop().expect("a fetch");
    (state, effect)
}

/// Answers a fetch with made-up buckets: a failure here and there, a gap in the middle.
fn answer(effect: &Effect, empty: bool) -> Done {
    let Effect::FetchMetrics { id, from, to, step } = effect else { panic!("{effect:?}") };
    let step_seconds = i64::try_from(step.as_secs()).expect("small numbers");
    let count = (to.as_second() - from.as_second()) / step_seconds;
    let buckets = (0..count)
        .filter(|i| !empty && !(count / 2..count / 2 + 5).contains(i))
        .map(|i| {
            let wave = u64::try_from((i * i * 7 + i * 13) % 40).expect("small numbers");
            let failed = if i % 17 == 3 { 3 } else { 0 };
            let total = 18 + wave / 8;
            let ms = Duration::from_millis;
            Bucket {
                start: Timestamp::from_second(from.as_second() + i * step_seconds).expect("small numbers"),
                span: *step,
                total,
                successful: total - failed,
                rate_limited: failed / 2,
                unauthorized: 0,
                p50: Some(ms(90 + wave)),
                p95: Some(ms(180 + 3 * wave)),
                p99: Some(ms(260 + 4 * wave)),
                latency_sum: ms((95 + wave) * (total - failed)),
            }
        })
        .collect();
    let incident = |name: &str, opened, closed: Option<i64>, cause| Incident {
        integration: board::id(name),
        opened: board::ago(opened),
        closed: closed.map(board::ago),
        cause,
        evidence: String::new(),
    };
    let incidents = vec![
        incident("slack", 9000, Some(8100), Cause::Throttled),
        incident("openai", 14_400, None, Cause::InvalidCredential),
        incident("orders-db", 40_000, Some(33_000), Cause::Timeout),
    ];
    let incidents = if empty { Vec::new() } else { incidents };
    Done::Metrics { id: id.clone(), from: *from, to: *to, buckets: Ok(buckets), incidents }
}

fn metrics_scene(name: &str, prepare: impl Fn(&mut UiState, &Snapshot)) {
    let snapshot = board::mixed();
    for (size, unicode) in [((80, 24), true), ((120, 40), true), ((80, 24), false), ((60, 15), true)] {
        let (mut state, _) = open_metrics(size, &snapshot);
        prepare(&mut state, &snapshot);
        let shown = body(&mut state, &snapshot, size, unicode);
        if !unicode {
            assert!(shown.is_ascii(), "{name} without Unicode:\n{shown}");
        }
        let kind = if unicode { "" } else { "-ascii" };
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(format!("metrics-{name}{kind}-{}x{}", size.0, size.1), shown);
        });
    }
}

fn refetch(state: &mut UiState, snapshot: &Snapshot) -> Effect {
    update::metrics::enter(state, snapshot).pop().expect("a fetch")
}

#[test]
fn metrics_of_the_board_and_of_one() {
    metrics_scene("board", |state, snapshot| {
        let effect = refetch(state, snapshot);
        done(state, snapshot, answer(&effect, false));
    });
    metrics_scene("one", |state, snapshot| {
        let effect = press(state, snapshot, "Down").pop().expect("a fetch");
        done(state, snapshot, answer(&effect, false));
    });
    metrics_scene("empty", |state, snapshot| {
        let effect = refetch(state, snapshot);
        done(state, snapshot, answer(&effect, true));
    });
    metrics_scene("waiting", |_, _| {});
}

#[test]
fn stale_answers_are_dropped() {
    let snapshot = board::mixed();
    let (mut state, first) = open_metrics((80, 24), &snapshot);
    let second = press(&mut state, &snapshot, "]").pop().expect("a fetch");
    done(&mut state, &snapshot, answer(&first, false));
    assert!(state.metrics.series.is_none());
    done(&mut state, &snapshot, answer(&second, false));
    let before = state.metrics.series.as_ref().map(|s| s.buckets.len());
    assert!(before.is_some_and(|n| n > 0));
    // The same answer once more, or one of another integration: nobody waits for it.
    done(&mut state, &snapshot, answer(&second, true));
    assert_eq!(state.metrics.series.as_ref().map(|s| s.buckets.len()), before);
}

#[test]
fn metrics_are_fetched_anew_every_half_minute_while_open() {
    let snapshot = board::mixed();
    let (mut state, first) = open_metrics((80, 24), &snapshot);
    done(&mut state, &snapshot, answer(&first, false));
    let mut fetches = 0;
    for second in 1..=95 {
        let effects = update(&mut state, &snapshot, Event::Tick(board::ago(-second)));
        fetches += effects.iter().filter(|e| matches!(e, Effect::FetchMetrics { .. })).count();
    }
    assert_eq!(fetches, 3);
    assert!(state.metrics.series.is_some(), "what is shown stays until the next answer");
    state.tab = Tab::Overview;
    assert!(update(&mut state, &snapshot, Event::Tick(board::ago(-300))).is_empty());
}

#[test]
fn a_failed_fetch_says_why() {
    let snapshot = board::mixed();
    let (mut state, effect) = open_metrics((80, 24), &snapshot);
    let Done::Metrics { id, from, to, .. } = answer(&effect, true) else { unreachable!() };
    let buckets = Err("the history is closed".to_owned());
    done(&mut state, &snapshot, Done::Metrics { id, from, to, buckets, incidents: Vec::new() });
    assert!(screen(&mut state, &snapshot, (80, 24), true).contains("the history is closed"));
}

#[test]
fn an_integration_that_is_gone_gives_way_to_the_board() {
    let snapshot = board::mixed();
    let (mut state, _) = open_metrics((80, 24), &snapshot);
    press(&mut state, &snapshot, "End");
    assert!(state.metrics.whose.is_some());
    let effect = refetch(&mut state, &board::empty());
    assert!(matches!(effect, Effect::FetchMetrics { id: None, .. }));
}

// ---- robustness ----

fn any_event() -> impl Strategy<Value = Event> {
    use KeyCode as K;
    let codes = vec![
        K::Enter,
        K::Esc,
        K::Tab,
        K::BackTab,
        K::Backspace,
        K::Delete,
        K::Up,
        K::Down,
        K::Left,
        K::Right,
        K::Home,
        K::End,
        K::PageUp,
        K::PageDown,
        K::F(5),
        K::Char(' '),
        K::Char('['),
        K::Char(']'),
    ];
    let outcome = prop_oneof![Just(good()), Just(bad())];
    prop_oneof![
        6 => (proptest::sample::select(codes), proptest::bool::weighted(0.1))
            .prop_map(|(code, ctrl)| Event::Key(Key { ctrl, ..Key::plain(code) })),
        4 => proptest::char::any().prop_map(|c| Event::Key(Key::plain(K::Char(c)))),
        2 => proptest::sample::select(vec!['s', 'u', 'a', 'h', 'w']).prop_map(|c| Event::Key(Key::ctrl(c))),
        2 => ".{0,40}".prop_map(|t| Event::Paste(Zeroizing::new(t))),
        1 => "(a\r){0,300}".prop_map(|t| Event::Paste(Zeroizing::new(t))),
        1 => outcome.prop_map(|o| Event::Done(Done::Tested(Ok(Box::new(o))))),
        1 => Just(Event::Done(Done::Saved(Err("no".to_owned())))),
        1 => Just(Event::Done(Done::Saved(Ok(board::id("github"))))),
        1 => Just(Event::Done(Done::Rung(rung("tls", RungState::Failed, 3, "a long finding that must be wrapped somewhere")))),
        1 => Just(Event::Done(Done::Env(vec!["GH_TOKEN".to_owned()]))),
        1 => (0i64..100_000).prop_map(|s| Event::Tick(board::ago(-s))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn no_key_at_any_size_breaks_it(
        events in proptest::collection::vec(any_event(), 1..80),
        start in 0usize..4, width in 0u16..180, height in 0u16..60, unicode: bool,
    ) {
        let snapshot = board::mixed();
        let mut state = match start {
            0 => adding((width, height), &snapshot),
            1 => github((width, height), &snapshot),
            2 => open_metrics((width, height), &snapshot).0,
            _ => {
                let mut state = adding((width, height), &snapshot);
                write(&mut state, &snapshot, "command");
                press(&mut state, &snapshot, "Enter");
                state
            }
        };
        for event in events {
            for effect in update(&mut state, &snapshot, event) {
                if matches!(effect, Effect::FetchMetrics { .. }) {
                    done(&mut state, &snapshot, answer(&effect, false));
                }
            }
            // Every screen twice: drawing must not drift.
            let once = screen(&mut state, &snapshot, (width, height), unicode);
            prop_assert_eq!(once, screen(&mut state, &snapshot, (width, height), unicode));
        }
    }
}
