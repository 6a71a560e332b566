//! Calling an action from the board: what keys do, what a person sees, what is kept when something fails.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "common/board.rs"]
mod board;

use lampboard::{
    model::{Called, Cause, Ending},
    monitor::Snapshot,
    providers::{Registry, action::Call},
    tui::{
        draw::draw,
        effect::Effect,
        event::{Done, Event, Key, KeyCode},
        state::{Dialog, UiState, call::Stage},
        update::update,
    },
};
use proptest::prelude::*;
use ratatui::{Terminal, backend::TestBackend};
use serde_json::json;

const SIZES: [(u16, u16); 2] = [(80, 24), (120, 40)];

fn start(size: (u16, u16)) -> (UiState, Snapshot) {
    let mut state = board::state(size);
    state.definitions = Registry::built_in().iter().cloned().collect();
    let snapshot = board::mixed();
    update(&mut state, &snapshot, Event::Snapshot);
    (state, snapshot)
}

fn press(state: &mut UiState, snapshot: &Snapshot, keys: &str) -> Vec<Effect> {
    keys.split_whitespace().flat_map(|word| update(state, snapshot, Event::Key(board::key(word)))).collect()
}

fn type_in(state: &mut UiState, snapshot: &Snapshot, text: &str) {
    for c in text.chars() {
        update(state, snapshot, Event::Key(Key::plain(KeyCode::Char(c))));
    }
}

fn shown(state: &mut UiState, snapshot: &Snapshot, unicode: bool) -> String {
    let mut terminal = Terminal::new(TestBackend::new(state.size.0, state.size.1)).unwrap();
    let theme = board::theme(unicode);
    terminal.draw(|frame| draw(frame, snapshot, state, &theme)).unwrap();
    let buffer = terminal.backend().buffer();
    let row = |y| (0..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
    (0..buffer.area.height).map(|y| row(y) + "\n").collect()
}

/// Snapshots of one scene at both sizes.
fn scene(name: &str, prepare: impl Fn(&mut UiState, &Snapshot)) {
    for size in SIZES {
        let (mut state, snapshot) = start(size);
        prepare(&mut state, &snapshot);
        let text = shown(&mut state, &snapshot, true);
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false, description => name }, {
            insta::assert_snapshot!(format!("call-{name}-{}x{}", size.0, size.1), text);
        });
    }
}

fn stage(state: &UiState) -> Stage {
    match state.dialogs.last() {
        Some(Dialog::Call(call)) => call.stage(),
        other => panic!("no call in front: {other:?}"),
    }
}

/// The form of an action of the integration selected first, GitHub.
fn form(state: &mut UiState, snapshot: &Snapshot, search: &str) {
    press(state, snapshot, "Home Enter A");
    type_in(state, snapshot, search);
    press(state, snapshot, "Enter");
    assert_eq!(stage(state), Stage::Filling);
}

fn fill_issue(state: &mut UiState, snapshot: &Snapshot) {
    form(state, snapshot, "create an issue");
    type_in(state, snapshot, "ada/engine");
    press(state, snapshot, "Tab");
    type_in(state, snapshot, "It leaks");
    press(state, snapshot, "Tab Tab");
    type_in(state, snapshot, "bug; oil");
}

fn come(state: &mut UiState, snapshot: &Snapshot, number: u64, called: Called) {
    update(state, snapshot, Event::Done(Done::Called(number, Ok(Box::new(called)))));
}

fn done(result: serde_json::Value) -> Called {
    let latency = Some(board::ms(212));
    Called { result, code: Some(200), latency, ..Called::ended(Ending::Done) }
}

fn table() -> Called {
    let row = |n: u64| json!({ "id": format!("model-{n}"), "owned_by": if n.is_multiple_of(2) { "system" } else { "ada\n\u{2424}" }, "created": 1_754_426_384 + n });
    let columns = [("Model", "id"), ("Owner", "owned_by"), ("Created", "created")];
    let columns = columns.map(|(h, p)| (h.to_owned(), p.to_owned())).to_vec();
    Called { columns, note: Some("there are more rows: cut off after 60".into()), ..done((0..60).map(row).collect()) }
}

#[test]
fn a_call_from_the_list_to_the_saved_result() {
    let (mut state, snapshot) = start((80, 24));
    fill_issue(&mut state, &snapshot);
    let effects = press(&mut state, &snapshot, "Ctrl-s");
    let [Effect::Call(1, id, call)] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(id.as_str(), "github-work");
    let Call::Action { name, values } = &**call else { panic!("{call:?}") };
    assert_eq!(name, "create_issue");
    assert_eq!(values.json("labels"), Some(&json!(["bug", "oil"])));
    assert_eq!((values.text("title"), values.text("body")), (Some("It leaks"), None));
    assert_eq!(stage(&state), Stage::Running);
    assert!(press(&mut state, &snapshot, "Enter j Ctrl-s").is_empty(), "one call at a time");
    come(&mut state, &snapshot, 1, done(json!({ "number": 7 })));
    assert_eq!(stage(&state), Stage::Result);
    assert!(press(&mut state, &snapshot, "s").is_empty());
    assert!(shown(&mut state, &snapshot, true).contains("Save as github-work-create_issue-20260504-140520.json"));
    let effects = press(&mut state, &snapshot, "Enter");
    let [Effect::SaveResult { file, text }] = &effects[..] else { panic!("{effects:?}") };
    assert!(file.ends_with(".json") && text.contains("\"number\": 7"), "{effects:?}");
    let news = |result| Event::Done(Done::ResultSaved(result));
    update(&mut state, &snapshot, news(Err("'x' is there already".into())));
    assert_eq!(stage(&state), Stage::Saving, "the name can be changed");
    assert!(shown(&mut state, &snapshot, true).contains("there already"));
    update(&mut state, &snapshot, news(Ok("x.json".into())));
    assert_eq!(stage(&state), Stage::Result);
    assert!(shown(&mut state, &snapshot, true).contains("saved in 'x.json'"));
    press(&mut state, &snapshot, "Esc");
    assert_eq!(stage(&state), Stage::Filling);
    assert!(shown(&mut state, &snapshot, true).contains("It leaks"), "what was typed is kept");
    press(&mut state, &snapshot, "Esc");
    assert_eq!(stage(&state), Stage::Choosing);
    press(&mut state, &snapshot, "Esc");
    assert!(state.dialogs.is_empty() && state.detail.is_some());
}

#[test]
fn a_wrong_parameter_is_told_where_it_stands_and_nothing_is_called() {
    let (mut state, snapshot) = start((80, 24));
    form(&mut state, &snapshot, "create an issue");
    type_in(&mut state, &snapshot, "no-slash");
    press(&mut state, &snapshot, "Down");
    assert!(press(&mut state, &snapshot, "Ctrl-s").is_empty());
    let text = shown(&mut state, &snapshot, true);
    assert!(text.contains("'repo' does not look right") && text.contains("'ada/engine'"), "{text}");
    type_in(&mut state, &snapshot, "/x");
    assert!(!shown(&mut state, &snapshot, true).contains("does not look right"), "typing takes it back");
    assert!(press(&mut state, &snapshot, "Ctrl-s").is_empty());
    assert!(shown(&mut state, &snapshot, true).contains("'title' is missing"));
}

#[test]
fn a_dangerous_action_is_asked_about_and_no_is_the_first_answer() {
    let (mut state, snapshot) = start((80, 24));
    form(&mut state, &snapshot, "replace");
    for text in ["ada/engine", "README.md", "Hello", "Say hello"] {
        type_in(&mut state, &snapshot, text);
        press(&mut state, &snapshot, "Tab");
    }
    assert!(press(&mut state, &snapshot, "Ctrl-s").is_empty());
    assert_eq!(stage(&state), Stage::Asking);
    assert!(press(&mut state, &snapshot, "Enter").is_empty());
    assert_eq!(stage(&state), Stage::Filling);
    let effects = press(&mut state, &snapshot, "Ctrl-s y");
    assert!(matches!(&effects[..], [Effect::Call(1, ..)]), "{effects:?}");
}

#[test]
fn a_call_that_was_cut_off_is_not_heard_of_again() {
    let (mut state, snapshot) = start((80, 24));
    fill_issue(&mut state, &snapshot);
    press(&mut state, &snapshot, "Ctrl-s");
    let effects = press(&mut state, &snapshot, "Esc");
    assert!(matches!(&effects[..], [Effect::CancelCall]), "{effects:?}");
    come(&mut state, &snapshot, 1, done(json!("too late")));
    assert_eq!(stage(&state), Stage::Filling);
    let effects = press(&mut state, &snapshot, "Ctrl-s");
    assert!(matches!(&effects[..], [Effect::Call(2, ..)]), "{effects:?}");
    come(&mut state, &snapshot, 1, done(json!("too late")));
    assert_eq!(stage(&state), Stage::Running);
}

#[test]
fn a_table_is_scrolled_and_turned_into_json() {
    let (mut state, snapshot) = start((80, 24));
    fill_issue(&mut state, &snapshot);
    press(&mut state, &snapshot, "Ctrl-s");
    come(&mut state, &snapshot, 1, table());
    press(&mut state, &snapshot, "End");
    let text = shown(&mut state, &snapshot, true);
    assert!(text.contains("model-59") && text.contains("Model ") && !text.contains("model-0 "), "{text}");
    press(&mut state, &snapshot, "Home Right");
    assert!(!shown(&mut state, &snapshot, true).contains("model-1 "));
    press(&mut state, &snapshot, "v");
    let text = shown(&mut state, &snapshot, true);
    assert!(text.contains("\"id\": \"model-0\""), "{text}");
    press(&mut state, &snapshot, "v s");
    let effects = press(&mut state, &snapshot, "Enter");
    let [Effect::SaveResult { file, text }] = &effects[..] else { panic!("{effects:?}") };
    assert!(
        file.ends_with(".csv") && text.starts_with("Model,Owner,Created\r\nmodel-0,system,1754426384\r\n"),
        "{text}"
    );
}

#[test]
fn a_free_request_is_offered_where_there_is_http_and_nothing_elsewhere() {
    let (mut state, snapshot) = start((80, 24));
    form(&mut state, &snapshot, "request anything");
    press(&mut state, &snapshot, "Right Right Tab");
    type_in(&mut state, &snapshot, "/rate_limit");
    press(&mut state, &snapshot, "Tab");
    type_in(&mut state, &snapshot, "{\"a\":1}");
    let effects = press(&mut state, &snapshot, "Enter");
    let [Effect::Call(1, _, call)] = &effects[..] else { panic!("{effects:?}") };
    let Call::Free { method, path, body } = &**call else { panic!("{call:?}") };
    assert_eq!((method.as_str(), &**path, body.as_deref()), ("POST", "/rate_limit", Some("{\"a\":1}")));

    let (mut state, _) = start((80, 24));
    let snapshot = board::snapshot(vec![board::entry("port", ("tcp", "TCP port", "generic"), "Port", Cause::Ok, 1)]);
    update(&mut state, &snapshot, Event::Snapshot);
    press(&mut state, &snapshot, "A");
    assert!(state.dialogs.is_empty());
    assert!(shown(&mut state, &snapshot, true).contains("TCP port offers no action"));
}

#[test]
fn an_action_without_parameters_is_called_at_once() {
    let (mut state, snapshot) = start((80, 24));
    press(&mut state, &snapshot, "Home Down A");
    type_in(&mut state, &snapshot, "list");
    let effects = press(&mut state, &snapshot, "Enter");
    assert!(matches!(&effects[..], [Effect::Call(1, id, _)] if id.as_str() == "openai"), "{effects:?}");
    come(&mut state, &snapshot, 1, table());
    press(&mut state, &snapshot, "Esc");
    assert_eq!(stage(&state), Stage::Choosing);
}

#[test]
fn what_a_person_sees() {
    scene("choose", |state, snapshot| {
        press(state, snapshot, "Home Enter A");
    });
    scene("form", fill_issue);
    scene("wrong", |state, snapshot| {
        form(state, snapshot, "create an issue");
        type_in(state, snapshot, "engine");
        press(state, snapshot, "Ctrl-s");
    });
    scene("ask", |state, snapshot| {
        form(state, snapshot, "replace");
        for text in ["ada/engine", "README.md", "Hello", "Say hello"] {
            type_in(state, snapshot, text);
            press(state, snapshot, "Tab");
        }
        press(state, snapshot, "Ctrl-s");
    });
    let called = |state: &mut UiState, snapshot: &Snapshot, called: Called| {
        fill_issue(state, snapshot);
        press(state, snapshot, "Ctrl-s");
        come(state, snapshot, 1, called);
    };
    scene("table", |state, snapshot| called(state, snapshot, table()));
    scene("json", |state, snapshot| {
        called(state, snapshot, done(json!({ "number": 7, "labels": ["bug", "oil"], "user": { "login": "ada" } })));
        press(state, snapshot, "s");
    });
    scene("refused", |state, snapshot| {
        let ending = Ending::Refused { seen: "Validation Failed: No commits between main and main".into() };
        let result =
            json!({ "message": "Validation Failed", "errors": [{ "message": "No commits between main and main" }] });
        called(state, snapshot, Called { code: Some(422), result, ..Called::ended(ending) });
    });
    scene("text", |state, snapshot| {
        let prose =
            "Hello, and a sentence that is so long that it does not fit into a line of the smaller screen.\n\nThe end.";
        called(state, snapshot, done(json!(prose)));
    });
}

proptest! {
    #[test]
    fn no_keys_and_no_size_break_it(
        keys in proptest::collection::vec(0usize..22, 0..60),
        (columns, rows) in (1u16..130, 1u16..40),
        answer in 0usize..4,
    ) {
        let words = ["A", "Enter", "Esc", "Tab", "BackTab", "Up", "Down", "Left", "Right", "Home", "End", "PageUp", "PageDown",
            "s", "v", "y", "n", "x", "Backspace", "Ctrl-s", "q", "/"];
        let (mut state, snapshot) = start((columns, rows));
        press(&mut state, &snapshot, "Home Enter A Enter");
        for key in keys {
            for effect in press(&mut state, &snapshot, words[key]) {
                if let Effect::Call(number, ..) = effect {
                    let called = match answer {
                        0 => table(),
                        1 => done(json!("text\nlines")),
                        2 => Called::ended(Ending::Refused { seen: "no".into() }),
                        _ => done(json!(null)),
                    };
                    come(&mut state, &snapshot, number, called);
                }
            }
            shown(&mut state, &snapshot, false);
        }
        update(&mut state, &snapshot, Event::Resize(rows.max(2), columns));
        shown(&mut state, &snapshot, true);
    }
}
