//! What keys and news do: state, snapshot and event in; effects out.

#[path = "common/board.rs"]
mod board;

use lampboard::{
    model::{Cause, Status},
    monitor::{Notice, Snapshot},
    tui::{
        action::Action,
        effect::Effect,
        event::{Done, Event, Key, KeyCode},
        state::{
            Dialog, Tab, UiState,
            overview::{Sort, View},
        },
        update::update,
    },
};
use rstest::rstest;
use std::sync::Arc;

fn start() -> (UiState, Snapshot) {
    let mut state = board::state((80, 24));
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

/// The key of an action, as the keymap has it: remaps and defaults may change, meanings may not.
fn key_of(state: &UiState, action: Action) -> Key {
    let codes = (' '..='~').map(KeyCode::Char).chain([
        KeyCode::Enter,
        KeyCode::Esc,
        KeyCode::Tab,
        KeyCode::BackTab,
        KeyCode::Up,
        KeyCode::Down,
        KeyCode::Left,
        KeyCode::Right,
        KeyCode::Home,
        KeyCode::End,
        KeyCode::PageUp,
        KeyCode::PageDown,
    ]);
    let ctrl = codes.clone().map(|code| Key { ctrl: true, ..Key::plain(code) });
    codes
        .map(Key::plain)
        .chain(ctrl)
        .find(|key| state.keymap.action(*key) == Some(action))
        .unwrap_or_else(|| panic!("{action:?} has no key"))
}

fn act(state: &mut UiState, snapshot: &Snapshot, action: Action) -> Vec<Effect> {
    let key = key_of(state, action);
    update(state, snapshot, Event::Key(key))
}

fn selected(state: &UiState) -> &str {
    state.overview.selected.as_ref().map_or("", |id| id.as_str())
}

#[rstest]
#[case(Action::Quit, "Quit")]
#[case(Action::Suspend, "Suspend")]
#[case(Action::Redraw, "Redraw")]
#[case(Action::Test, "Check(IntegrationId(\"github-work\"))")]
#[case(Action::TestAll, "CheckAll")]
#[case(Action::Edit, "FetchDraft(IntegrationId(\"github-work\"))")]
#[case(Action::Pause, "Pause(IntegrationId(\"github-work\"), true)")]
#[case(Action::Undo, "UndoRemove")]
#[case(Action::Reload, "Reload")]
#[case(Action::Open, "FetchHistory(IntegrationId(\"github-work\"))")]
#[case(Action::View, "Set(\"ui\", \"view\", \"cards\")")]
#[case(Action::Log, "FetchLog")]
#[case(Action::Themes, "ListThemes")]
fn an_action_asks_for_its_effect(#[case] action: Action, #[case] effect: &str) {
    let (mut state, snapshot) = start();
    let effects = act(&mut state, &snapshot, action);
    assert_eq!(effects.len(), 1, "{effects:?}");
    assert_eq!(format!("{:?}", effects[0]), effect);
}

#[rstest]
#[case(Action::Test)]
#[case(Action::Edit)]
#[case(Action::Pause)]
#[case(Action::Copy)]
fn an_opened_integration_takes_the_same_actions(#[case] action: Action) {
    let (mut listed, snapshot) = start();
    let (mut opened, _) = start();
    act(&mut opened, &snapshot, Action::Open);
    let in_list = format!("{:?}", act(&mut listed, &snapshot, action));
    assert_eq!(format!("{:?}", act(&mut opened, &snapshot, action)), in_list);
    assert_ne!(in_list, "[]");
}

#[test]
fn no_action_panics_on_an_empty_board_or_asks_for_what_is_not_there() {
    for action in Action::ALL {
        let mut state = board::state((80, 24));
        let effects = act(&mut state, &board::empty(), *action);
        let about_one = effects.iter().any(|e| {
            matches!(
                e,
                Effect::Check(_)
                    | Effect::CheckAll
                    | Effect::Pause(..)
                    | Effect::FetchDraft(_)
                    | Effect::FetchHistory(_)
            )
        });
        assert!(!about_one, "{action:?}: {effects:?}");
    }
}

#[test]
fn a_paused_one_is_resumed() {
    let (mut state, snapshot) = start();
    state.overview.select_id(&snapshot, &board::id("jira"));
    let effects = act(&mut state, &snapshot, Action::Pause);
    assert!(matches!(&effects[..], [Effect::Pause(id, false)] if id.as_str() == "jira"), "{effects:?}");
}

#[test]
fn the_selection_is_an_integration_not_a_row() {
    let (mut state, snapshot) = start();
    press(&mut state, &snapshot, "Down Down");
    assert_eq!(selected(&state), "anthropic");
    // Sorted, grouped, shrunk: still the same one.
    for action in [Action::Sort, Action::Sort, Action::Group, Action::View] {
        act(&mut state, &snapshot, action);
        assert_eq!(selected(&state), "anthropic", "after {action:?}");
    }
    let mut fewer = snapshot.clone();
    fewer.version += 1;
    fewer.entries.shift_remove(&board::id("openai"));
    update(&mut state, &fewer, Event::Snapshot);
    assert_eq!(selected(&state), "anthropic");
}

#[test]
fn when_the_selected_one_goes_its_neighbour_is_selected() {
    let (mut state, mut snapshot) = start();
    press(&mut state, &snapshot, "Down Down");
    snapshot.version += 1;
    snapshot.entries.shift_remove(&board::id("anthropic"));
    update(&mut state, &snapshot, Event::Snapshot);
    assert_eq!(selected(&state), "slack");
    snapshot.version += 1;
    snapshot.entries.clear();
    update(&mut state, &snapshot, Event::Snapshot);
    assert!(state.overview.selected.is_none());
}

#[test]
fn movement_stops_at_the_ends_and_pages() {
    let (mut state, _) = start();
    let snapshot = board::many(500);
    update(&mut state, &snapshot, Event::Snapshot);
    press(&mut state, &snapshot, "Up");
    assert_eq!(state.overview.position(), 0);
    press(&mut state, &snapshot, "PageDown");
    let page = state.overview.position();
    assert!((5..24).contains(&page), "{page}");
    press(&mut state, &snapshot, "PageUp End Down");
    assert_eq!(state.overview.position(), 499);
    press(&mut state, &snapshot, "Home");
    assert_eq!(state.overview.position(), 0);
}

#[test]
fn cards_move_in_two_directions_and_keep_their_column() {
    let (mut state, snapshot) = start();
    act(&mut state, &snapshot, Action::View);
    assert_eq!(state.overview.view, View::Cards);
    press(&mut state, &snapshot, "Right Down");
    assert_eq!(state.overview.position(), 3);
    press(&mut state, &snapshot, "Left Up");
    assert_eq!(state.overview.position(), 0);
}

#[test]
fn sorting_goes_round() {
    let (mut state, snapshot) = start();
    let first = |state: &mut UiState| {
        press(state, &snapshot, "Home");
        selected(state).to_owned()
    };
    act(&mut state, &snapshot, Action::Sort);
    assert_eq!((state.overview.sort, first(&mut state).as_str()), (Sort::Name, "anthropic"));
    act(&mut state, &snapshot, Action::Sort);
    assert_eq!(state.overview.sort, Sort::Status);
    let id = first(&mut state);
    assert_eq!(snapshot.entries[id.as_str()].status(), Status::Error);
    act(&mut state, &snapshot, Action::Sort);
    assert_eq!((state.overview.sort, first(&mut state).as_str()), (Sort::Latency, "orders-db"));
    act(&mut state, &snapshot, Action::Sort);
    assert_eq!((state.overview.sort, first(&mut state).as_str()), (Sort::LastCheck, "search"));
    act(&mut state, &snapshot, Action::Sort);
    assert_eq!(state.overview.sort, Sort::Config);
}

#[rstest]
#[case("", 10)]
#[case("status:", 10)]
#[case("status:error", 2)]
#[case("status:rate", 1)]
#[case("tag:PROD", 2)]
#[case("tag:pro", 0)]
#[case("provider:post", 1)]
#[case("category:database", 3)]
#[case("category:database status:err", 2)]
#[case("category:database status:err cache", 1)]
#[case("refused", 1)]
#[case("git hub", 1)]
#[case("nothing-like-it", 0)]
#[case("http://x", 0)]
fn filter_terms_are_joined(#[case] filter: &str, #[case] count: usize) {
    let (mut state, snapshot) = start();
    act(&mut state, &snapshot, Action::Filter);
    type_in(&mut state, &snapshot, filter);
    assert_eq!(state.overview.len(), count);
    press(&mut state, &snapshot, "Enter");
    assert!(!state.overview.filtering);
    assert_eq!(state.overview.len(), count);
    act(&mut state, &snapshot, Action::Back);
    assert_eq!(state.overview.len(), 10);
}

#[test]
fn letters_in_the_filter_are_text_and_arrows_still_move() {
    let (mut state, snapshot) = start();
    act(&mut state, &snapshot, Action::Filter);
    let effects = press(&mut state, &snapshot, "q t d");
    assert!(effects.is_empty() && state.dialogs.is_empty());
    assert_eq!(state.overview.filter.value(), "qtd");
    press(&mut state, &snapshot, "Esc");
    assert!(state.overview.filter.is_empty() && !state.overview.filtering);
    act(&mut state, &snapshot, Action::Filter);
    press(&mut state, &snapshot, "Down");
    assert_eq!(state.overview.position(), 1);
    type_in(&mut state, &snapshot, "st");
    press(&mut state, &snapshot, "Tab");
    assert_eq!(state.overview.filter.value(), "status:");
    update(&mut state, &snapshot, Event::Paste("error\r".to_owned().into()));
    assert_eq!(state.overview.len(), 2);
    let effects = press(&mut state, &snapshot, "Ctrl-c");
    assert!(matches!(effects[..], [Effect::Quit]), "Ctrl-C leaves from a text field too");
}

#[test]
fn a_removal_needs_a_yes() {
    for no in ["n", "Esc", "Enter", "q"] {
        let (mut state, snapshot) = start();
        act(&mut state, &snapshot, Action::Remove);
        assert!(matches!(state.dialogs[..], [Dialog::ConfirmRemove(_)]));
        assert!(press(&mut state, &snapshot, no).is_empty(), "{no}");
        assert!(state.dialogs.is_empty(), "{no}");
    }
    for yes in ["y", "Tab Enter", "Left Enter"] {
        let (mut state, snapshot) = start();
        act(&mut state, &snapshot, Action::Remove);
        let effects = press(&mut state, &snapshot, yes);
        assert!(matches!(&effects[..], [Effect::Remove(id)] if id.as_str() == "github-work"), "{yes}: {effects:?}");
        assert!(state.toasts.list()[0].text.contains("undoes"));
    }
}

#[test]
fn keys_reach_only_the_topmost_dialog() {
    let (mut state, snapshot) = start();
    act(&mut state, &snapshot, Action::Help);
    for action in [Action::Test, Action::Remove, Action::TestAll, Action::Edit, Action::Pause] {
        assert!(act(&mut state, &snapshot, action).is_empty(), "{action:?}");
        assert_eq!(state.dialogs.len(), 1);
    }
    assert!(act(&mut state, &snapshot, Action::Quit).is_empty(), "closes the help, not the board");
    assert!(state.dialogs.is_empty());
}

#[test]
fn the_palette_does_what_it_found() {
    let (mut state, snapshot) = start();
    act(&mut state, &snapshot, Action::Palette);
    type_in(&mut state, &snapshot, "test all");
    let effects = press(&mut state, &snapshot, "Enter");
    assert!(matches!(effects[..], [Effect::CheckAll]), "{effects:?}");
    act(&mut state, &snapshot, Action::Palette);
    type_in(&mut state, &snapshot, "open orders");
    let effects = press(&mut state, &snapshot, "Enter");
    assert!(matches!(&effects[..], [Effect::FetchHistory(id)] if id.as_str() == "orders-db"), "{effects:?}");
    assert_eq!(selected(&state), "orders-db");
    act(&mut state, &snapshot, Action::Palette);
    type_in(&mut state, &snapshot, "zzzzzz");
    assert!(press(&mut state, &snapshot, "Enter").is_empty());
    assert_eq!(state.dialogs.len(), 1, "nothing found, nothing done");
}

#[test]
fn a_theme_is_tried_at_once_and_restored_on_leaving() {
    let names = || Done::Themes(["ansi", "lamp", "paper"].map(str::to_owned).to_vec());
    let (mut state, snapshot) = start();
    state.theme = "lamp".to_owned();
    act(&mut state, &snapshot, Action::Themes);
    update(&mut state, &snapshot, Event::Done(names()));
    let effects = press(&mut state, &snapshot, "Down Down");
    assert!(matches!(&effects[..], [Effect::PreviewTheme(name)] if name == "paper"), "{effects:?}");
    let effects = press(&mut state, &snapshot, "Esc");
    assert!(matches!(&effects[..], [Effect::PreviewTheme(name)] if name == "lamp"), "{effects:?}");
    act(&mut state, &snapshot, Action::Themes);
    update(&mut state, &snapshot, Event::Done(names()));
    let effects = press(&mut state, &snapshot, "Up Enter");
    assert!(matches!(&effects[..], [Effect::PreviewTheme(a), Effect::SaveTheme(b)] if a == "ansi" && b == "ansi"));
    assert_eq!(state.theme, "ansi");
}

#[test]
fn an_opened_integration_follows_its_checks_and_leaves_with_it() {
    let (mut state, mut snapshot) = start();
    act(&mut state, &snapshot, Action::Open);
    snapshot.version += 1;
    assert!(update(&mut state, &snapshot, Event::Snapshot).is_empty(), "no new check, nothing to fetch");
    let entry = snapshot.entries.get_mut("github-work").expect("there");
    let entry = Arc::make_mut(entry);
    let mut outcome = (**entry.outcome.as_ref().expect("checked")).clone();
    outcome.at = board::now();
    entry.outcome = Some(Arc::new(outcome));
    snapshot.version += 1;
    let effects = update(&mut state, &snapshot, Event::Snapshot);
    assert!(matches!(effects[..], [Effect::FetchHistory(_)]), "{effects:?}");
    let late = Done::History {
        id: board::id("openai"),
        rows: Ok(Vec::new()),
        incidents: Vec::new(),
        day: None,
        credentials: Vec::new(),
        series: Vec::new(),
    };
    update(&mut state, &snapshot, Event::Done(late));
    assert!(state.detail.as_ref().is_some_and(|d| d.rows.is_none()), "another's history is not shown");
    snapshot.version += 1;
    snapshot.entries.shift_remove("github-work");
    update(&mut state, &snapshot, Event::Snapshot);
    assert!(state.detail.is_none());
    assert!(!state.toasts.is_empty());
}

#[test]
fn left_and_right_walk_through_opened_integrations() {
    let (mut state, snapshot) = start();
    act(&mut state, &snapshot, Action::Open);
    let effects = press(&mut state, &snapshot, "Right");
    assert!(matches!(&effects[..], [Effect::FetchHistory(id)] if id.as_str() == "openai"));
    assert!(press(&mut state, &snapshot, "Left").len() == 1 && press(&mut state, &snapshot, "Left").is_empty());
    act(&mut state, &snapshot, Action::Back);
    assert!(state.detail.is_none());
    assert_eq!(selected(&state), "github-work");
}

#[test]
fn a_copy_tells_the_verdict_and_no_configuration() {
    let (mut state, snapshot) = start();
    state.overview.select_id(&snapshot, &board::id("openai"));
    let effects = act(&mut state, &snapshot, Action::Copy);
    let [Effect::Copy(text)] = &effects[..] else { panic!("{effects:?}") };
    for part in ["OpenAI", "unauthorized", "credential refused", "invalid_api_key", "your credential"] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    assert!(!text.contains("OPENAI_API_KEY"), "{text}");
}

#[test]
fn tabs_go_round() {
    let (mut state, snapshot) = start();
    for tab in [Tab::Add, Tab::Metrics, Tab::Overview] {
        state.tab = tab.neighbour(2);
        act(&mut state, &snapshot, Action::Overview);
        assert_eq!(state.tab, Tab::Overview);
    }
    assert_eq!(Tab::Overview.neighbour(1), Tab::Add);
    assert_eq!(Tab::Metrics.neighbour(1), Tab::Overview);
    act(&mut state, &snapshot, Action::Metrics);
    assert_eq!(state.tab, Tab::Metrics);
}

#[test]
fn news_become_toasts_but_a_storm_one_line() {
    let (mut state, snapshot) = start();
    let changed = |id: &str, from, to| Event::Notice(Notice::Changed { id: board::id(id), from, to });
    update(&mut state, &snapshot, changed("cdn", Status::Inactive, Status::Active));
    assert!(state.toasts.is_empty(), "the first good check is no news");
    update(&mut state, &snapshot, changed("orders-db", Status::Active, Status::Error));
    assert_eq!(state.toasts.list()[0].text, "Orders database is in error: timed out");
    for _ in 0..200 {
        update(&mut state, &snapshot, changed("cache", Status::Active, Status::Error));
    }
    assert_eq!(state.toasts.list().len(), 1);
    assert!(state.toasts.list()[0].text.starts_with("201 "));
    update(&mut state, &snapshot, changed("cache", Status::Error, Status::Active));
    assert_eq!(state.toasts.list()[1].text, "Cache works again");
    update(&mut state, &snapshot, Event::Tick(board::ago(-60)));
    assert!(state.toasts.is_empty());
}

#[test]
fn a_second_in_which_no_word_changes_draws_nothing() {
    let snapshot = board::snapshot(vec![board::entry("a", ("http", "HTTP", "generic"), "A", Cause::Ok, 12)]);
    let mut state = board::state((80, 24));
    update(&mut state, &snapshot, Event::Snapshot);
    state.dirty = false;
    update(&mut state, &snapshot, Event::Tick(board::ago(-1)));
    assert!(!state.dirty);
    update(&mut state, &snapshot, Event::Tick(board::ago(-40)));
    assert!(state.dirty);
}

#[test]
fn a_key_without_a_meaning_changes_nothing() {
    let (mut state, snapshot) = start();
    state.dirty = false;
    let effects = update(&mut state, &snapshot, Event::Key(Key::plain(KeyCode::F(11))));
    assert!(effects.is_empty() && !state.dirty);
}

#[test]
fn failures_come_back_as_sentences() {
    let (mut state, snapshot) = start();
    update(&mut state, &snapshot, Event::Done(Done::Draft(Err("cannot read config.toml".to_owned()))));
    update(&mut state, &snapshot, Event::Done(Done::Failed("the disk is full".to_owned())));
    let texts: Vec<_> = state.toasts.list().iter().map(|t| t.text.as_str()).collect();
    assert_eq!(texts, ["cannot read config.toml", "the disk is full"]);
    assert_eq!(state.tab, Tab::Overview);
}

/// The passphrase typed into the prompt, as the screen would show it.
fn looked_at(state: &UiState) -> bool {
    match state.dialogs.iter().find(|d| matches!(d, Dialog::Prompt(_))) {
        Some(Dialog::Prompt(prompt)) => prompt.value.shown(&board::theme(true), 60).0 == "hunter2",
        _ => false,
    }
}

#[test]
fn a_secret_is_looked_at_for_five_seconds_at_most() {
    let (mut state, snapshot) = start();
    press(&mut state, &snapshot, "U h u n t e r 2");
    assert!(!looked_at(&state), "masked unless asked for");
    // The key shows and masks.
    press(&mut state, &snapshot, "Ctrl-r");
    assert!(looked_at(&state));
    press(&mut state, &snapshot, "Ctrl-r");
    assert!(!looked_at(&state));
    // Time masks it, and tells the screen so.
    press(&mut state, &snapshot, "Ctrl-r");
    for second in 1..5 {
        update(&mut state, &snapshot, Event::Tick(board::ago(-second)));
        assert!(looked_at(&state), "after {second} s");
    }
    state.dirty = false;
    update(&mut state, &snapshot, Event::Tick(board::ago(-5)));
    assert!(!looked_at(&state) && state.dirty);
    // A clock that is set back does not make it longer.
    press(&mut state, &snapshot, "Ctrl-r");
    update(&mut state, &snapshot, Event::Tick(board::ago(3600)));
    assert!(!looked_at(&state));
}

#[test]
fn a_secret_that_loses_the_focus_is_masked_at_once() {
    let (mut state, snapshot) = start();
    // Nothing typed: nothing to look at.
    press(&mut state, &snapshot, "U Ctrl-r h u n t e r 2");
    assert!(!looked_at(&state));
    // The suspended program, the running try.
    for keys in ["Ctrl-z", "Enter"] {
        press(&mut state, &snapshot, "Ctrl-r");
        assert!(looked_at(&state));
        press(&mut state, &snapshot, keys);
        assert!(!looked_at(&state), "{keys}");
    }
    // While it is tried there is nothing to look at either.
    press(&mut state, &snapshot, "Ctrl-r");
    assert!(!looked_at(&state));
}
