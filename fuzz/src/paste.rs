//! Keys and pastes for the forms: nothing breaks the screen, and what is pasted into a secret is never drawn.
//!
//! The bytes are chunks that end with a zero byte. A chunk's first byte says what it is: `k` each further byte is a
//! key, `p` the rest is pasted, `r` the size becomes these two bytes, `t` so many seconds pass. A byte 1 in a paste is a canary where a secret
//! has the focus, and nothing elsewhere.

use lampboard::{
    config::Settings,
    monitor::Snapshot,
    providers::{Definition, Registry},
    tui::{
        draw,
        event::{Event, Key, KeyCode},
        keymap::Keymap,
        state::{
            Dialog, Tab, UiState,
            add::Slot,
            prompt::{Ask, Prompt},
        },
        theme::Theme,
        update::update,
    },
};
use ratatui::{Terminal, backend::TestBackend};
use std::sync::{Arc, LazyLock};
use zeroize::Zeroizing;

static DEFINITIONS: LazyLock<Vec<Arc<Definition>>> = LazyLock::new(|| Registry::built_in().iter().cloned().collect());
const NOW: jiff::Timestamp = jiff::Timestamp::constant(1_790_000_000, 0);

fn key(byte: u8) -> Key {
    match byte {
        b'\n' => Key::plain(KeyCode::Enter),
        b'\t' => Key::plain(KeyCode::Tab),
        0x1b => Key::plain(KeyCode::Esc),
        0x7f => Key::plain(KeyCode::Backspace),
        0x80 => Key::plain(KeyCode::Up),
        0x81 => Key::plain(KeyCode::Down),
        0x82 => Key::plain(KeyCode::Left),
        0x83 => Key::plain(KeyCode::Right),
        0x84 => Key::plain(KeyCode::BackTab),
        0x85 => Key::plain(KeyCode::F(5)),
        0x86 => Key::plain(KeyCode::Delete),
        0x87 => Key::plain(KeyCode::Home),
        0x88 => Key::plain(KeyCode::End),
        2..=26 => Key::ctrl(char::from(b'a' + byte - 1)),
        byte => Key::plain(KeyCode::Char(char::from(byte))),
    }
}

/// Whether what is pasted now goes into a secret.
fn secret_has_focus(state: &UiState) -> bool {
    match state.dialogs.last() {
        Some(Dialog::Prompt(_)) => true,
        Some(_) => false,
        None => {
            state.tab == Tab::Add
                && state.add.form.as_ref().is_some_and(|f| matches!(f.focus, Slot::Secret(_)) && !f.ladder)
        }
    }
}

/// Whether the user looks at the secret right now.
fn looked_at(state: &mut UiState) -> bool {
    if let Some(Dialog::Prompt(prompt)) = state.dialogs.last() {
        return prompt.value.shown_until().is_some();
    }
    let Some(form) = state.add.form.as_mut() else { return false };
    let Slot::Secret(i) = form.focus else { return false };
    form.secret(i).is_some_and(|secret| secret.value.shown_until().is_some())
}

/// Lets the bytes use the add tab (or the passphrase's prompt, when the first byte is `u`).
pub fn run(data: &[u8]) {
    // Keys that write nothing may lie between those that do.
    let written: Vec<u8> = data.iter().copied().filter(u8::is_ascii_graphic).collect();
    if super::guessed(&written) {
        return;
    }
    let snapshot = Snapshot::empty(NOW);
    let mut state = UiState::new(DEFINITIONS.clone(), Keymap::standard(), &Settings::default(), NOW);
    state.size = (80, 24);
    state.tab = Tab::Add;
    let data = match data {
        [b'u', rest @ ..] => {
            state.dialogs.push(Dialog::Prompt(Prompt::new(Ask::Unlock)));
            rest
        }
        data => data,
    };
    let theme = Theme::new("plain", Default::default(), true);
    let mut now = NOW;
    for chunk in data.split(|b| *b == 0).take(60) {
        match chunk {
            [b'k', keys @ ..] => {
                for byte in keys.iter().take(60) {
                    update(&mut state, &snapshot, Event::Key(key(*byte)));
                }
            }
            [b'p', text @ ..] => {
                let canary = if secret_has_focus(&state) { super::CANARY } else { "" };
                let text = String::from_utf8_lossy(text).replace('\u{1}', canary);
                update(&mut state, &snapshot, Event::Paste(Zeroizing::new(text)));
            }
            [b'r', width, height, ..] => {
                update(&mut state, &snapshot, Event::Resize(u16::from(*width), u16::from(*height)));
            }
            [b't', seconds, ..] => {
                now += jiff::SignedDuration::from_secs((*seconds).into());
                update(&mut state, &snapshot, Event::Tick(now));
                assert!(!(looked_at(&mut state) && *seconds >= 5), "a secret is looked at for {seconds} s");
            }
            _ => continue,
        }
        super::assert_hidden(&format!("{:?} {:?}", state.add.form, state.dialogs));
        let (width, height) = (state.size.0.max(1), state.size.1.max(1));
        let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a buffer");
        terminal.draw(|frame| draw::draw(frame, &snapshot, &mut state, &theme)).expect("a buffer takes everything");
        let screen: String = terminal.backend().buffer().content().iter().map(|cell| cell.symbol()).collect();
        assert!(!screen.contains(|c: char| c.is_control()), "{screen:?}");
        if !looked_at(&mut state) {
            super::assert_hidden(&screen);
        }
    }
}
