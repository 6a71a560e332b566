//! The real loop over a real monitor with a made-up world: no terminal, no network.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use lampboard::{
    checks::{Checker, Network},
    config::{Config, Paths},
    model::{Cause, Integration, Outcome},
    monitor::{
        Handle, Started,
        probe::{Pending, Probe},
    },
    providers::{Definition, Registry},
    secrets::{Audit, Resolver, Vault},
    store::{Retention, Store},
    tui::{
        caps::Env,
        event::{Event, Key, KeyCode},
        run::{Ended, Input, Stage, drive},
    },
};
use ratatui::{Frame, Terminal, backend::TestBackend};
use std::{
    io,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::mpsc,
};

const DAY: Duration = Duration::from_secs(86_400);
const RETENTION: Retention = Retention { raw: DAY, minutes: DAY, hours: DAY };

/// Answers by the integration's name: `hang…` never, `bad…` refused, everything else active.
struct World;

impl Probe for World {
    fn attempt<'a>(&'a self, integration: &'a Integration, _: &'a Arc<Definition>) -> Pending<'a, Outcome> {
        let name = integration.id.as_str();
        let now = jiff::Timestamp::now();
        if name.starts_with("hang") {
            return Box::pin(std::future::pending());
        }
        let cause = if name.starts_with("bad") { Cause::InvalidCredential } else { Cause::Ok };
        let mut outcome = Outcome::of(cause, now, "made up", "");
        outcome.latency = Some(Duration::from_millis(12));
        Box::pin(std::future::ready(outcome))
    }

    fn host(&self, integration: &Integration, _: &Definition) -> Option<String> {
        Some(integration.id.to_string())
    }

    fn online(&self) -> Pending<'_, bool> {
        Box::pin(std::future::ready(true))
    }
}

/// What a test sees of its stage.
#[derive(Clone, Default)]
struct Seen {
    picture: Arc<Mutex<String>>,
    frames: Arc<AtomicUsize>,
    suspended: Arc<AtomicUsize>,
    copied: Arc<Mutex<Vec<String>>>,
}

struct FakeStage {
    terminal: Terminal<TestBackend>,
    inputs: mpsc::UnboundedReceiver<Input>,
    seen: Seen,
    broken: bool,
}

impl Stage for FakeStage {
    fn size(&self) -> io::Result<(u16, u16)> {
        Ok((80, 24))
    }

    fn draw(&mut self, picture: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        if self.broken {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.terminal.draw(picture).unwrap();
        let buffer = self.terminal.backend().buffer();
        let lines = buffer.content().chunks(80).map(|l| l.iter().map(|c| c.symbol()).collect::<String>());
        *self.seen.picture.lock().unwrap() = lines.collect::<Vec<_>>().join("\n");
        self.seen.frames.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    fn redraw(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn suspend(&mut self) -> io::Result<()> {
        self.seen.suspended.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    fn copy(&mut self, text: &str) -> io::Result<bool> {
        self.seen.copied.lock().unwrap().push(text.to_owned());
        Ok(true)
    }

    async fn next(&mut self) -> Input {
        self.inputs.recv().await.unwrap_or(Input::Lost)
    }
}

/// A board running in its own task.
struct Running {
    asides: mpsc::UnboundedSender<String>,
    keys: mpsc::UnboundedSender<Input>,
    seen: Seen,
    handle: Handle,
    board: tokio::task::JoinHandle<Ended>,
}

fn monitor(home: &Path, config: &str, probe: Arc<dyn Probe>) -> Handle {
    let paths = Paths::under(home);
    paths.create().unwrap();
    std::fs::write(&paths.config, config).unwrap();
    let config = Config::load(&paths.config).unwrap();
    let (store, _) = Store::open(&paths.history, RETENTION);
    let vault = Vault::new(&paths.vault, &paths.identity).with_audit(Audit::new(&paths.audit));
    let resolver = Resolver::new(Arc::new(vault)).with_env(|_| None);
    let network = Network { proxy: "none".to_owned(), ..Network::default() };
    let checker = Checker::new(&network, resolver.clone()).unwrap();
    let registry = Registry::built_in();
    let started = Started { config, registry, paths, resolver, store, problems: Vec::new(), watch_files: false };
    Handle::start_with(started, probe, Some(checker), true).unwrap()
}

fn run(home: &Path, config: &str) -> Running {
    let handle = monitor(home, config, Arc::new(World));
    let (keys, inputs) = mpsc::unbounded_channel();
    let seen = Seen::default();
    let (asides, told) = mpsc::unbounded_channel();
    let (for_stage, for_board) = (seen.clone(), handle.clone());
    let local = async move {
        let mut stage = FakeStage {
            terminal: Terminal::new(TestBackend::new(80, 24)).unwrap(),
            inputs,
            seen: for_stage,
            broken: false,
        };
        let env = Env { lang: Some("C.UTF-8".to_owned()), ..Env::default() };
        drive(for_board, &mut stage, &env, jiff::tz::TimeZone::UTC, told).await
    };
    Running { asides, keys, seen, handle, board: tokio::spawn(local) }
}

impl Running {
    fn press(&self, keys: &str) {
        for word in keys.split_whitespace() {
            let key = match word {
                "Enter" => Key::plain(KeyCode::Enter),
                "Esc" => Key::plain(KeyCode::Esc),
                "Down" => Key::plain(KeyCode::Down),
                word => match word.strip_prefix("Ctrl-") {
                    Some(c) => Key::ctrl(c.chars().next().unwrap()),
                    None => Key::plain(KeyCode::Char(word.chars().next().unwrap())),
                },
            };
            self.keys.send(Input::Event(Event::Key(key))).unwrap();
        }
    }

    async fn until(&self, what: &str, holds: impl Fn() -> bool) {
        for _ in 0..4000 {
            if holds() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("waited in vain for {what}:\n{}", self.picture());
    }

    fn picture(&self) -> String {
        self.seen.picture.lock().unwrap().clone()
    }

    async fn see(&self, text: &str) {
        self.until(&format!("'{text}'"), || self.picture().contains(text)).await;
    }

    async fn miss(&self, text: &str) {
        self.until(&format!("no '{text}'"), || !self.picture().contains(text)).await;
    }

    async fn end(self) -> Ended {
        tokio::time::timeout(Duration::from_secs(20), self.board).await.unwrap().unwrap()
    }
}

fn integrations(names: &[&str]) -> String {
    names
        .iter()
        .map(|n| format!("[integrations.{n}]\nprovider = \"http\"\nfields = {{ url = \"http://127.0.0.1:9\" }}\n"))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checks_reach_the_screen_and_keys_reach_the_checks() {
    let home = tempfile::tempdir().unwrap();
    let board = run(home.path(), &integrations(&["alpha", "bad-one", "hang-one"]));
    board.press("T");
    board.see("unauthorized: refused").await;
    board.see("● 1 active").await;
    // One that hangs neither stops the others nor the keys.
    board.press("Enter");
    board.see("Verdict").await;
    board.press("y");
    board.see("Copied").await;
    assert!(board.seen.copied.lock().unwrap()[0].contains("alpha"));
    board.press("p");
    board.see("paused").await;
    board.press("Esc q");
    assert_eq!(board.end().await, Ended::Quit);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removal_can_be_undone_and_survives_in_the_file() {
    let home = tempfile::tempdir().unwrap();
    let board = run(home.path(), &integrations(&["alpha", "beta"]));
    let file = || std::fs::read_to_string(home.path().join("config.toml")).unwrap();
    board.see("alpha").await;
    board.press("d y");
    board.until("the file without it", || !file().contains("alpha")).await;
    board.see("Removed alpha").await;
    board.press("u");
    board.until("the file with it", || file().contains("alpha")).await;
    board.see("alpha is back").await;
    board.press("u");
    board.see("nothing was removed").await;
    board.press("Ctrl-c");
    assert_eq!(board.end().await, Ended::Quit);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_theme_is_tried_left_and_kept() {
    let home = tempfile::tempdir().unwrap();
    let board = run(home.path(), &integrations(&["alpha"]));
    let file = || std::fs::read_to_string(home.path().join("config.toml")).unwrap();
    board.see("alpha").await;
    board.press("Ctrl-t");
    board.see("high-contrast").await;
    board.press("Down Esc");
    board.miss("high-contrast").await;
    assert!(!file().contains("theme"), "leaving the picker saves nothing");
    board.press("Ctrl-t");
    board.see("high-contrast").await;
    board.press("Down Enter");
    board.until("the saved theme", || file().contains("theme = \"light\"")).await;
    board.press("q");
    assert_eq!(board.end().await, Ended::Quit);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_configuration_changes_board_and_keys() {
    let home = tempfile::tempdir().unwrap();
    let board = run(home.path(), &integrations(&["alpha"]));
    board.see("alpha").await;
    let text = format!("[keys]\nx = \"help\"\nz = \"hepl\"\n{}", integrations(&["alpha", "gamma"]));
    std::fs::write(home.path().join("config.toml"), &text).unwrap();
    board.press("r");
    board.see("gamma").await;
    board.see("'hepl' is no action").await;
    board.press("x");
    board.see("Suspend to the shell").await;
    board.press("Esc");
    std::fs::write(home.path().join("config.toml"), "[board]\nintervall = 3\n").unwrap();
    board.press("r");
    // The last good one stays, and the complaint is on the screen.
    board.see("intervall").await;
    board.see("gamma").await;
    board.press("q");
    assert_eq!(board.end().await, Ended::Quit);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_keys_is_taken_whole_and_drawn_seldom() {
    let home = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..200).map(|n| format!("s{n:03}")).collect();
    let board = run(home.path(), &integrations(&names.iter().map(String::as_str).collect::<Vec<_>>()));
    board.see("s000").await;
    let before = board.seen.frames.load(Ordering::SeqCst);
    for _ in 0..10_000 {
        board.press("Down");
    }
    board.see("▸ ● s199").await;
    let frames = board.seen.frames.load(Ordering::SeqCst) - before;
    assert!(frames < 5000, "{frames} frames for 10000 keys");
    board.press("q");
    assert_eq!(board.end().await, Ended::Quit);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn suspension_signals_and_losses() {
    let home = tempfile::tempdir().unwrap();
    let board = run(home.path(), "");
    board.see("Lampboard").await;
    board.press("Ctrl-z");
    board.until("suspension", || board.seen.suspended.load(Ordering::SeqCst) == 1).await;
    board.keys.send(Input::Suspend).unwrap();
    board.until("suspension", || board.seen.suspended.load(Ordering::SeqCst) == 2).await;
    board.keys.send(Input::End(143)).unwrap();
    assert_eq!(board.end().await, Ended::Code(143));

    let board = run(home.path(), "");
    board.keys.send(Input::Lost).unwrap();
    assert_eq!(board.end().await, Ended::Code(129));

    let handle = monitor(home.path(), "", Arc::new(World));
    let (_keys, inputs) = mpsc::unbounded_channel();
    let (_asides, told) = mpsc::unbounded_channel();
    let terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    let mut stage = FakeStage { terminal, inputs, seen: Seen::default(), broken: true };
    let ended = drive(handle, &mut stage, &Env::default(), jiff::tz::TimeZone::UTC, told).await;
    assert_eq!(ended, Ended::Code(129), "a terminal that cannot be drawn on is lost");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sentence_from_outside_the_monitor_is_told() {
    let home = tempfile::tempdir().unwrap();
    let board = run(home.path(), "");
    board.asides.send("no keyring today".to_owned()).unwrap();
    board.see("no keyring today").await;
    board.press("q");
    assert_eq!(board.end().await, Ended::Quit);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_monitor_that_stopped_is_told_of() {
    let home = tempfile::tempdir().unwrap();
    let board = run(home.path(), &integrations(&["alpha"]));
    board.see("alpha").await;
    board.handle.stop(Duration::from_secs(5)).await;
    board.see("the monitor has stopped").await;
    board.press("d y");
    board.press("q");
    assert_eq!(board.end().await, Ended::Quit);
}

/// Answers each request with its first line as JSON; `/hang` never. Tells when a connection was given up.
async fn echo() -> (String, mpsc::UnboundedReceiver<()>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/health", listener.local_addr().unwrap());
    let (tell, gone) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let tell = tell.clone();
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.windows(4).any(|w| w == b"\r\n\r\n") {
                    if stream.read_buf(&mut head).await.unwrap() == 0 {
                        return;
                    }
                }
                let line = String::from_utf8_lossy(&head).lines().next().unwrap().to_owned();
                if line.contains("/hang") {
                    let _ = stream.read_buf(&mut head).await;
                    return tell.send(()).unwrap();
                }
                let body = format!("[{{\"asked\":\"{line}\"}}]");
                let answer =
                    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
                stream.write_all(answer.as_bytes()).await.unwrap();
            });
        }
    });
    (url, gone)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_goes_out_comes_back_is_saved_and_can_be_cut_off() {
    let home = tempfile::tempdir().unwrap();
    let (url, mut gone) = echo().await;
    let config = format!("[integrations.web]\nprovider = \"http\"\nfields = {{ url = \"{url}\" }}\n");
    let board = run(home.path(), &config);
    let paste = |text: &str| board.keys.send(Input::Event(Event::Paste(text.to_owned().into()))).unwrap();
    board.see("web").await;
    board.press("A");
    board.see("Request anything under its address").await;
    board.press("Enter");
    board.see("With its credential").await;
    board.press("Down");
    paste("/things?x=1");
    board.press("Ctrl-s");
    board.see("GET /things?x=1 HTTP/1.1").await;
    board.see("done (HTTP 200)").await;
    board.press("s Ctrl-u");
    let file = home.path().join("out.csv");
    paste(&file.display().to_string());
    board.press("Enter");
    board.until("the file", || file.exists()).await;
    board.see("saved in").await;
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "asked\r\nGET /things?x=1 HTTP/1.1\r\n");

    board.press("Esc");
    board.see("With its credential").await;
    board.press("Ctrl-u");
    paste("/hang");
    board.press("Ctrl-s");
    board.see("asking web").await;
    board.press("Esc");
    board.see("Cut off").await;
    tokio::time::timeout(Duration::from_secs(20), gone.recv()).await.unwrap().unwrap();
    let log = home.path().join("audit.jsonl");
    let told = || std::fs::read_to_string(&log).unwrap_or_default();
    board.until("the audit log", || told().lines().count() == 2).await;
    assert!(told().contains("\"action\":\"call.request\",\"target\":\"web\",\"outcome\":\"ok\""), "{}", told());
    assert!(told().contains("\"outcome\":\"cut off\"") && !told().contains("things"), "{}", told());
    board.press("Esc Esc Ctrl-c");
    assert_eq!(board.end().await, Ended::Quit);
}
