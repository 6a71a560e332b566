//! What a person sees: whole screens at several sizes, and that no event at any size breaks them.

#[path = "common/board.rs"]
mod board;

use lampboard::{
    model::{Cause, CheckRow, Incident},
    monitor::Snapshot,
    tui::{
        draw::draw,
        effect::Effect,
        event::{Done, Event, Key, KeyCode},
        state::UiState,
        update::update,
    },
};
use proptest::prelude::*;
use ratatui::{Terminal, backend::TestBackend, buffer::Buffer};
use std::{sync::Arc, time::Duration};

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (60, 15)];

fn render(state: &mut UiState, snapshot: &Snapshot, size: (u16, u16), unicode: bool) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).expect("a buffer");
    let theme = board::theme(unicode);
    terminal.draw(|frame| draw(frame, snapshot, state, &theme)).expect("a buffer takes everything");
    terminal.backend().buffer().clone()
}

fn text(buffer: &Buffer) -> String {
    let area = buffer.area;
    let mut out = String::new();
    for y in area.rows().map(|r| r.y) {
        let row: String = (area.x..area.right()).map(|x| buffer[(x, y)].symbol()).collect();
        out.push_str(row.trim_end());
        out.push('\n');
    }
    out
}

/// Presses keys, given as words; gives back what was asked for.
fn press(state: &mut UiState, snapshot: &Snapshot, keys: &str) -> Vec<Effect> {
    keys.split_whitespace().flat_map(|word| update(state, snapshot, Event::Key(board::key(word)))).collect()
}

/// Snapshots of one scene at every size.
fn scene(name: &str, snapshot: &Snapshot, prepare: impl Fn(&mut UiState)) {
    for size in SIZES {
        let mut state = board::state(size);
        prepare(&mut state);
        let shown = text(&render(&mut state, snapshot, size, true));
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false, description => name }, {
            insta::assert_snapshot!(format!("{name}-{}x{}", size.0, size.1), shown);
        });
    }
}

#[test]
fn an_empty_board_shows_a_first_step() {
    scene("empty", &board::empty(), |_| {});
}

#[test]
fn a_mixed_board_tells_all_five_statuses() {
    let snapshot = board::mixed();
    scene("mixed", &snapshot, |_| {});
    scene("mixed-trouble", &snapshot, |state| {
        press(state, &board::mixed(), "j s s c");
    });
    for size in SIZES {
        let mut state = board::state(size);
        let shown = text(&render(&mut state, &snapshot, size, true));
        for word in ["active", "rate limited", "unauthorized", "error", "inactive"] {
            assert!(shown.contains(word), "{word} at {size:?}\n{shown}");
        }
    }
}

#[test]
fn problems_stand_in_a_banner() {
    let mut snapshot = board::mixed();
    snapshot.online = false;
    snapshot.problems = [
        "config.toml:12:9: unknown field 'tokn' of github; did you mean 'token'?".to_owned(),
        "providers/acme.toml: no [check]".to_owned(),
    ]
    .into();
    scene("banner", &snapshot, |_| {});
}

#[test]
fn cards_tell_the_same() {
    let snapshot = board::mixed();
    scene("cards", &snapshot, |state| {
        press(state, &snapshot, "v j");
    });
    scene("cards-grouped", &snapshot, |state| {
        press(state, &snapshot, "v c End");
    });
}

#[test]
fn the_filter_joins_its_terms() {
    let snapshot = board::mixed();
    scene("filter", &snapshot, |state| {
        press(state, &snapshot, "/ t a g : p r o d");
    });
    scene("filter-nothing", &snapshot, |state| {
        press(state, &snapshot, "/ z z z Enter");
    });
}

fn open_openai(state: &mut UiState, snapshot: &Snapshot) {
    let effects = press(state, snapshot, "j Enter");
    assert!(matches!(&effects[..], [Effect::FetchHistory(id)] if id.as_str() == "openai"), "{effects:?}");
    let row = |at: i64, cause| CheckRow { at: board::ago(at), cause, latency: Some(board::ms(111)), code: Some(401) };
    let rows = vec![
        row(61, Cause::InvalidCredential),
        row(361, Cause::InvalidCredential),
        row(100_000, Cause::ServerError),
        row(100_300, Cause::Ok),
    ];
    let incidents = vec![Incident {
        integration: board::id("openai"),
        opened: board::ago(100_000),
        closed: Some(board::ago(99_000)),
        cause: Cause::ServerError,
        evidence: "HTTP 503".to_owned(),
    }];
    update(
        state,
        snapshot,
        Event::Done(Done::History {
            id: board::id("openai"),
            rows: Ok(rows),
            incidents,
            day: Some(Box::new(board::day())),
            credentials: board::credentials(),
            series: board::series(),
        }),
    );
}

#[test]
fn the_detail_tells_whose_fault_it_is_and_what_to_do() {
    let snapshot = board::mixed();
    scene("detail", &snapshot, |state| open_openai(state, &snapshot));
    scene("detail-end", &snapshot, |state| {
        open_openai(state, &snapshot);
        press(state, &snapshot, "End");
    });
    scene("detail-active", &snapshot, |state| {
        press(state, &snapshot, "Home Enter");
    });
}

#[test]
fn an_open_incident_is_shown_once_though_the_history_keeps_milliseconds() {
    let mut snapshot = board::mixed();
    let opened = board::ago(60) + Duration::from_nanos(1_234_567);
    let incident = |opened| Incident {
        integration: board::id("openai"),
        opened,
        closed: None,
        cause: Cause::InvalidCredential,
        evidence: "only once".to_owned(),
    };
    let entry = snapshot.entries.get_mut(&board::id("openai")).expect("on the board");
    Arc::make_mut(entry).incident = Some(Arc::new(incident(opened)));
    let mut state = board::state((120, 60));
    press(&mut state, &snapshot, "j Enter");
    let kept = jiff::Timestamp::from_millisecond(opened.as_millisecond()).expect("a time");
    let incidents = vec![incident(kept)];
    let done = Done::History {
        id: board::id("openai"),
        rows: Ok(Vec::new()),
        incidents,
        day: None,
        credentials: Vec::new(),
        series: Vec::new(),
    };
    update(&mut state, &snapshot, Event::Done(done));
    let shown = text(&render(&mut state, &snapshot, (120, 60), true));
    assert_eq!(shown.matches("only once").count(), 1, "{shown}");
}

#[test]
fn help_is_made_from_the_keymap() {
    let snapshot = board::mixed();
    scene("help", &snapshot, |state| {
        press(state, &snapshot, "?");
    });
}

#[test]
fn the_palette_finds_actions_and_integrations() {
    let snapshot = board::mixed();
    scene("palette", &snapshot, |state| {
        press(state, &snapshot, ": t e s t");
    });
    scene("palette-open", &snapshot, |state| {
        press(state, &snapshot, ": o r d b");
    });
}

#[test]
fn a_removal_asks_first_and_tells_how_to_undo() {
    let snapshot = board::mixed();
    scene("confirm", &snapshot, |state| {
        press(state, &snapshot, "d");
    });
    scene("removed", &snapshot, |state| {
        let effects = press(state, &snapshot, "d y");
        assert!(matches!(&effects[..], [Effect::Remove(id)] if id.as_str() == "github-work"), "{effects:?}");
    });
}

#[test]
fn a_secret_is_asked_for_behind_a_mask() {
    let snapshot = board::mixed();
    scene("unlock", &snapshot, |state| {
        press(state, &snapshot, "U");
        update(state, &snapshot, Event::Paste("correct horse battery staple\n".to_owned().into()));
        let effects = press(state, &snapshot, "Enter");
        assert!(matches!(&effects[..], [Effect::Unlock(_)]), "{effects:?}");
        let why = Err("the passphrase does not open identity.age".to_owned());
        update(state, &snapshot, Event::Done(Done::Unlocked(why)));
    });
    scene("rotate", &snapshot, |state| {
        press(state, &snapshot, "R h u n t e r 2");
        assert!(!format!("{state:?}").contains("hunter2"));
    });
    scene("revealed", &snapshot, |state| {
        press(state, &snapshot, "R h u n t e r 2 Ctrl-r");
        assert!(!format!("{state:?}").contains("hunter2"));
    });
}

#[test]
fn themes_and_log_lie_over_the_board() {
    let snapshot = board::mixed();
    scene("themes", &snapshot, |state| {
        press(state, &snapshot, ":");
        for c in "theme".chars() {
            update(state, &snapshot, Event::Key(Key::plain(KeyCode::Char(c))));
        }
        press(state, &snapshot, "Enter");
        let names = ["ansi", "lamp", "paper", "high-contrast"].map(str::to_owned).to_vec();
        update(state, &snapshot, Event::Done(Done::Themes(names)));
    });
    scene("log", &snapshot, |state| {
        press(state, &snapshot, ": l o g Enter");
        let lines = (0..60).map(|i| format!("2026-05-04T14:04:{i:02}Z  INFO check of service {i} ended")).collect();
        update(state, &snapshot, Event::Done(Done::Log(lines)));
    });
}

#[test]
fn without_unicode_every_character_is_ascii() {
    let snapshot = board::mixed();
    for keys in ["", "v g", "Enter", "j Enter", "?", ":", "d", "/ t"] {
        let mut state = board::state((80, 24));
        press(&mut state, &snapshot, keys);
        let shown = text(&render(&mut state, &snapshot, (80, 24), false));
        let odd: Vec<char> = shown.chars().filter(|c| !c.is_ascii()).collect();
        // Names of arrow keys come from the keymap, which knows nothing of the terminal.
        let odd: Vec<char> = odd.into_iter().filter(|c| !"↑↓←→".contains(*c)).collect();
        assert!(odd.is_empty(), "{keys}: {odd:?}\n{shown}");
    }
    let mut state = board::state((80, 24));
    insta::assert_snapshot!("ascii-80x24", text(&render(&mut state, &snapshot, (80, 24), false)));
}

#[test]
fn a_tiny_screen_says_so() {
    let snapshot = board::mixed();
    let mut state = board::state((30, 5));
    assert!(text(&render(&mut state, &snapshot, (30, 5), true)).contains("too small: need 40×10"));
    let mut state = board::state((40, 10));
    let shown = text(&render(&mut state, &snapshot, (40, 10), true));
    assert!(shown.contains("GitHub work") && !shown.contains("too small"), "{shown}");
    insta::assert_snapshot!("smallest-40x10", shown);
}

#[test]
fn colours_follow_meaning() {
    let snapshot = board::snapshot(board::mixed().entries.values().take(3).map(|e| (**e).clone()).collect());
    let mut state = board::state((60, 10));
    insta::assert_debug_snapshot!("style-60x10", render(&mut state, &snapshot, (60, 10), true));
}

#[test]
fn only_what_is_visible_of_ten_thousand_is_built() {
    let snapshot = board::many(10_000);
    let mut state = board::state((80, 24));
    press(&mut state, &snapshot, "End");
    assert!(text(&render(&mut state, &snapshot, (80, 24), true)).contains("Service 9999"));
    press(&mut state, &snapshot, "c Home v End v /");
    for c in "service 123 status:err".chars() {
        update(&mut state, &snapshot, Event::Key(Key::plain(KeyCode::Char(c))));
    }
    let shown = text(&render(&mut state, &snapshot, (80, 24), true));
    assert!(shown.contains("of 10000") && shown.contains("timed out"), "{shown}");
}

#[test]
fn an_idle_minute_changes_few_cells() {
    let snapshot = board::mixed();
    let mut state = board::state((80, 24));
    let mut before = render(&mut state, &snapshot, (80, 24), true);
    let mut changed = 0;
    for second in 1..=60 {
        state.dirty = false;
        update(&mut state, &snapshot, Event::Tick(board::ago(-second)));
        let after = render(&mut state, &snapshot, (80, 24), true);
        let cells = before.diff(&after).len();
        assert!(state.dirty || cells == 0, "a change at second {second} was not announced");
        changed += cells;
        before = after;
    }
    assert!(changed < 120, "{changed} cells in a minute");
}

fn any_event() -> impl Strategy<Value = Event> {
    let code = prop_oneof![
        8 => prop::sample::select("qtTedpyvsgu?:/aCL123jknR+- xö日".chars().collect::<Vec<_>>()).prop_map(KeyCode::Char),
        6 => prop::sample::select(vec![
            KeyCode::Enter, KeyCode::Esc, KeyCode::Tab, KeyCode::BackTab, KeyCode::Backspace, KeyCode::Delete,
            KeyCode::Up, KeyCode::Down, KeyCode::Left, KeyCode::Right, KeyCode::Home, KeyCode::End, KeyCode::PageUp,
            KeyCode::PageDown, KeyCode::F(5),
        ]),
    ];
    let key = (code, prop::bool::weighted(0.1), prop::bool::weighted(0.1))
        .prop_map(|(code, ctrl, alt)| Event::Key(Key { code, ctrl, alt, shift: false }));
    prop_oneof![
        20 => key,
        1 => "\\PC{0,40}".prop_map(|s| Event::Paste(s.into())),
        2 => (0u16..200, 0u16..60).prop_map(|(w, h)| Event::Resize(w, h)),
        1 => (-100_000i64..100_000).prop_map(|s| Event::Tick(board::ago(s))),
        1 => Just(Event::Snapshot),
        1 => Just(Event::Done(Done::Failed("something is wrong".to_owned()))),
        1 => Just(Event::Done(Done::Themes(vec!["lamp".to_owned(), "paper".to_owned()]))),
        1 => Just(Event::Done(Done::Log(vec!["one".to_owned(), "two".to_owned()]))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_event_at_any_size_breaks_the_screen(
        events in prop::collection::vec(any_event(), 0..40),
        boards in prop::collection::vec(0usize..3, 1..4),
        size in (0u16..200, 0u16..60),
    ) {
        let mut state = board::state(size);
        let chunk = events.len().div_ceil(boards.len()).max(1);
        let mut chunks = events.chunks(chunk);
        for (version, board) in boards.iter().enumerate() {
            let mut snapshot = match board { 0 => board::empty(), 1 => board::mixed(), _ => board::many(40) };
            snapshot.version = version as u64 + 1;
            for event in chunks.next().unwrap_or_default() {
                update(&mut state, &snapshot, event.clone());
                let size = state.size;
                let first = render(&mut state, &snapshot, size, true);
                let second = render(&mut state, &snapshot, size, true);
                prop_assert_eq!(first, second);
            }
        }
    }
}
