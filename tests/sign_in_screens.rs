//! Signing in from the form: what the dialog shows, what its keys do, and all of it on a real terminal.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "common/board.rs"]
mod board;
#[path = "common/pty.rs"]
mod pty;
#[path = "common/sign_in.rs"]
mod sign_in;

use lampboard::{
    model::{Grant, Secret, Tokens},
    monitor::{
        DraftValue, Snapshot,
        sign_in::{Step, Way},
    },
    providers::Registry,
    tui::{
        draw::draw,
        effect::Effect,
        event::{Done, Event, Key, KeyCode},
        state::{Dialog, Tab, UiState},
        update::{self, update},
    },
};
use ratatui::{Terminal, backend::TestBackend};

const CANARY: &str = "gho_canary0123456789";

/// The form of GitHub, with the application's id typed where `client`.
fn form(client: bool, snapshot: &Snapshot, size: (u16, u16)) -> UiState {
    let mut state = board::state(size);
    state.definitions = vec![Registry::built_in().get("github").unwrap().clone()];
    state.tab = Tab::Add;
    update::add::enter(&mut state, snapshot);
    press(&mut state, snapshot, "Enter");
    if client {
        let form = state.add.form.as_mut().unwrap();
        let at = form.inputs.iter().position(|i| i.field.name == "client_id").unwrap();
        form.text(lampboard::tui::state::add::Slot::Field(at)).unwrap().set("Iv1.board");
    }
    state
}

fn press(state: &mut UiState, snapshot: &Snapshot, keys: &str) -> Vec<Effect> {
    let key = |word: &str| match word {
        "F6" => Key::plain(KeyCode::F(6)),
        word => board::key(word),
    };
    keys.split_whitespace().flat_map(|word| update(state, snapshot, Event::Key(key(word)))).collect()
}

fn done(state: &mut UiState, snapshot: &Snapshot, done: Done) -> Vec<Effect> {
    update(state, snapshot, Event::Done(done))
}

fn code() -> Step {
    Step::Code {
        code: "WDJB-MJHT".into(),
        link: "https://github.com/login/device".into(),
        direct: Some("https://github.com/login/device?user_code=WDJB-MJHT".into()),
        until: board::ago(-899),
    }
}

fn browser() -> Step {
    let link = "https://github.com/login/oauth/authorize?response_type=code&client_id=Iv1.board&redirect_uri=http%3A%2F%2F127.0.0.1%3A40123%2Fcallback&state=abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";
    Step::Browser { link: link.into(), port: 40123, until: board::ago(-600) }
}

fn tokens() -> Box<Tokens> {
    let grant = Grant {
        token_url: "https://github.com/login/oauth/access_token".into(),
        client_id: "Iv1.board".into(),
        client_secret: None,
        basic: false,
        of_client: false,
        refresh: Some(Secret::new("ghr_canary".into())),
        scope: String::new(),
        params: Vec::new(),
        expires: None,
        renew: None,
        ends: None,
    };
    Box::new(Tokens { access: Secret::new(CANARY.into()), grant })
}

fn screen(state: &mut UiState, snapshot: &Snapshot, size: (u16, u16), unicode: bool) -> String {
    let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).unwrap();
    terminal.draw(|frame| draw(frame, snapshot, state, &board::theme(unicode))).unwrap();
    let buffer = terminal.backend().buffer();
    let rows = buffer.content().chunks(size.0.into());
    let rows = rows.map(|row| row.iter().map(|c| c.symbol()).collect::<String>().trim_end().to_owned() + "\n");
    rows.collect()
}

fn shown(name: &str, scene: impl Fn(&mut UiState, &Snapshot)) {
    let snapshot = board::empty();
    for (size, unicode) in [((80, 24), true), ((120, 40), true), ((60, 15), false)] {
        let mut state = form(true, &snapshot, size);
        press(&mut state, &snapshot, "F6");
        scene(&mut state, &snapshot);
        let text = screen(&mut state, &snapshot, size, unicode);
        assert!(!text.contains("canary"));
        let name = format!("{name}{}-{}x{}", if unicode { "" } else { "-ascii" }, size.0, size.1);
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(name, text);
        });
    }
}

#[test]
fn the_dialog_shows_code_link_and_time() {
    shown("sign-in-code", |state, snapshot| drop(done(state, snapshot, Done::SignInStep(code()))));
}

#[test]
fn the_dialog_shows_a_long_link_whole() {
    shown("sign-in-browser", |state, snapshot| {
        press(state, snapshot, "w");
        done(state, snapshot, Done::SignInStep(browser()));
        press(state, snapshot, "c");
    });
}

#[test]
fn the_dialog_shows_why_it_failed() {
    shown("sign-in-failed", |state, snapshot| {
        done(state, snapshot, Done::SignedIn(Err("the code died before it was approved: begin again".into())));
    });
}

#[test]
fn the_form_says_that_there_is_a_sign_in() {
    let snapshot = board::empty();
    let mut state = form(false, &snapshot, (80, 24));
    assert!(screen(&mut state, &snapshot, (80, 24), true).contains("F6 sign in"));
    assert!(press(&mut state, &snapshot, "F6").is_empty());
    let text = screen(&mut state, &snapshot, (80, 24), true);
    assert!(text.contains("needs the id of an application") && state.dialogs.is_empty(), "{text}");
}

#[test]
fn keys_copy_the_link_take_another_way_and_cancel() {
    let snapshot = board::empty();
    let mut state = form(true, &snapshot, (80, 24));
    let begun = press(&mut state, &snapshot, "F6");
    let [Effect::SignIn(draft, Way::Device)] = &begun[..] else { panic!("{begun:?}") };
    assert_eq!(draft.values["client_id"], DraftValue::Text("Iv1.board".into()));
    assert!(press(&mut state, &snapshot, "c").is_empty(), "there is no link yet");
    done(&mut state, &snapshot, Done::SignInStep(code()));
    let copied = press(&mut state, &snapshot, "c");
    assert!(matches!(&copied[..], [Effect::Copy(link)] if link.ends_with("user_code=WDJB-MJHT")), "{copied:?}");
    // The clock shows on the screen: a second makes a new picture.
    state.dirty = false;
    update(&mut state, &snapshot, Event::Tick(board::ago(-1)));
    assert!(state.dirty && screen(&mut state, &snapshot, (80, 24), true).contains("14:58 left"));
    let other = press(&mut state, &snapshot, "w");
    assert!(matches!(&other[..], [Effect::SignIn(_, Way::Browser)]), "{other:?}");
    done(&mut state, &snapshot, Done::SignedIn(Err("no".into())));
    let again = press(&mut state, &snapshot, "Enter");
    assert!(matches!(&again[..], [Effect::SignIn(_, Way::Browser)]), "{again:?}");
    let left = press(&mut state, &snapshot, "Esc");
    assert!(matches!(&left[..], [Effect::CancelSignIn]) && state.dialogs.is_empty());
    // What comes too late changes nothing.
    done(&mut state, &snapshot, Done::SignInStep(code()));
    assert!(done(&mut state, &snapshot, Done::SignedIn(Ok(tokens()))).is_empty());
    assert!(state.add.form.as_ref().unwrap().draft().unwrap().typed().is_empty());
}

#[test]
fn what_came_of_it_is_tested_and_typing_over_it_is_another_secret() {
    let snapshot = board::empty();
    let mut state = form(true, &snapshot, (80, 24));
    press(&mut state, &snapshot, "F6");
    done(&mut state, &snapshot, Done::SignInStep(code()));
    let test = done(&mut state, &snapshot, Done::SignedIn(Ok(tokens())));
    let [Effect::Test(draft)] = &test[..] else { panic!("{test:?}") };
    assert!(matches!(&draft.values["token"], DraftValue::Signed(t, _) if t.access.expose() == CANARY));
    assert!(!matches!(state.dialogs.last(), Some(Dialog::SignIn(_))));
    press(&mut state, &snapshot, "Esc Esc x");
    let form = state.add.form.as_ref().unwrap();
    assert!(matches!(&form.draft().unwrap().values["token"], DraftValue::Typed(..)), "{:?}", form.draft());
    assert!(!format!("{state:?}").contains("canary"));
}

#[test]
fn on_a_terminal_from_the_form_to_the_vault() {
    use base64::{Engine, prelude::BASE64_STANDARD};
    let pending = vec![sign_in::Turn::Says("authorization_pending"); 10_000];
    let service = sign_in::SignIn::serve(&pending);
    let home = tempfile::tempdir().unwrap();
    let url = service.url();
    let config = format!(
        "[integrations.gh]\nprovider = \"github\"\nattempts = 1\nfields = {{ base_url = \"{url}\", oauth_url = \"{url}\", \
         client_id = \"board\", token = \"env:NOTHING_IS_HERE\" }}\n"
    );
    std::fs::write(home.path().join("config.toml"), config).unwrap();
    let mut app = pty::App::start(pty::lampboard(home.path()), 100, 40);
    app.see("unauthorized");
    app.send("e");
    app.see("F6 sign in");
    app.send("\x1b[17~");
    app.see("WDJB-MJHT");
    app.send("c");
    let osc = format!("\x1b]52;c;{}", BASE64_STANDARD.encode(format!("{url}/login/device?user_code=WDJB-MJHT")));
    let has = |raw: Vec<u8>| raw.windows(osc.len()).any(|w| w == osc.as_bytes());
    pty::until(|| "the link in the clipboard".to_owned(), || has(app.raw()));
    // Esc leaves all as it was; then once more, to the end.
    app.send("\x1b");
    app.see("Edit gh");
    pty::until(|| "the dialog goes".to_owned(), || !app.text().contains("WDJB-MJHT"));
    app.send("\x1b[17~");
    app.see("WDJB-MJHT");
    service.seen().turns.clear();
    app.see("Tested: it works");
    app.send("\x13");
    app.see("gh is saved");
    app.see("active");
    let config = std::fs::read_to_string(home.path().join("config.toml")).unwrap();
    assert!(config.contains("vault:gh"), "{config}");
    app.send("q");
    assert_eq!(app.exit(), 0);
    app.is_clean();
    assert!(!String::from_utf8_lossy(&app.raw()).contains("canary"));
}
