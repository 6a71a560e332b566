//! Memory by the number of integrations, the herd at the start, keys to pictures, and bytes to an idle terminal.

#![allow(clippy::print_stdout, reason = "a bench prints its figures")]
#![allow(clippy::unwrap_used, reason = "a bench that panics has failed")]

#[path = "support.rs"]
mod support;

use lampboard::{
    model::{Cause, Integration, Outcome},
    monitor::probe::{Pending, Probe},
    providers::Definition,
    tui::{
        caps::Env,
        event::{Event, Key, KeyCode},
        run::{Input, Stage, drive},
    },
};
use ratatui::{Frame, Terminal, TerminalOptions, Viewport, backend::CrosstermBackend, layout::Rect};
use std::{
    io::{self, Write},
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use support::{Server, integrations, monitor, rank, resident};
use tokio::sync::mpsc;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.iter().any(|a| a == "--serve") {
        support::serve();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    if let Some(at) = arguments.iter().position(|a| a == "--memory") {
        let (count, port) = (arguments[at + 1].parse().unwrap(), arguments[at + 2].parse().unwrap());
        return runtime.block_on(memory(count, port));
    }
    let server = Server::start();
    println!("resident memory, every integration checked over HTTP, history and screen on");
    for count in [100, 1000, 10_000] {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--memory", &count.to_string(), &server.port.to_string()])
            .output()
            .unwrap();
        assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));
        print!("{}", String::from_utf8_lossy(&child.stdout));
    }
    runtime.block_on(async {
        herd().await;
        keys(100, 0).await;
        keys(10_000, 0).await;
        keys(2000, 1000).await;
        idle().await;
    });
}

/// Counts what is written and knows the instant of the last key and picture.
#[derive(Clone, Default)]
struct Seen {
    bytes: Arc<AtomicUsize>,
    key: Arc<Mutex<Option<Instant>>>,
    times: Arc<Mutex<Vec<f64>>>,
    ready: Arc<AtomicBool>,
}

struct Counting(Arc<AtomicUsize>);

impl Write for Counting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.fetch_add(bytes.len(), Ordering::Relaxed);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Bench {
    terminal: Terminal<CrosstermBackend<Counting>>,
    inputs: mpsc::UnboundedReceiver<Input>,
    seen: Seen,
}

impl Stage for Bench {
    fn size(&self) -> io::Result<(u16, u16)> {
        Ok((120, 40))
    }

    fn draw(&mut self, picture: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.terminal.draw(picture)?;
        self.seen.ready.store(true, Ordering::SeqCst);
        if let Some(at) = self.seen.key.lock().unwrap().take() {
            self.seen.times.lock().unwrap().push(at.elapsed().as_secs_f64() * 1000.0);
        }
        Ok(())
    }

    fn redraw(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn suspend(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn copy(&mut self, _: &str) -> io::Result<bool> {
        Ok(true)
    }

    async fn next(&mut self) -> Input {
        self.inputs.recv().await.unwrap_or(Input::Lost)
    }
}

/// Nothing is told from outside the monitor.
fn nothing() -> mpsc::UnboundedReceiver<String> {
    mpsc::unbounded_channel().1
}

fn stage() -> (Bench, mpsc::UnboundedSender<Input>, Seen) {
    let (keys, inputs) = mpsc::unbounded_channel();
    let seen = Seen::default();
    let backend = CrosstermBackend::new(Counting(seen.bytes.clone()));
    let options = TerminalOptions { viewport: Viewport::Fixed(Rect::new(0, 0, 120, 40)) };
    let terminal = Terminal::with_options(backend, options).unwrap();
    (Bench { terminal, inputs, seen: seen.clone() }, keys, seen)
}

fn env() -> Env {
    Env { lang: Some("C.UTF-8".to_owned()), term: Some("xterm-256color".to_owned()), ..Env::default() }
}

/// Active after a moment, or never if the id begins with `hang`.
#[derive(Default)]
struct World {
    starts: Mutex<Vec<Instant>>,
}

impl Probe for World {
    fn attempt<'a>(&'a self, integration: &'a Integration, _: &'a Arc<Definition>) -> Pending<'a, Outcome> {
        self.starts.lock().unwrap().push(Instant::now());
        let hangs = integration.id.as_str().starts_with("hang");
        Box::pin(async move {
            if hangs {
                tokio::time::sleep(Duration::from_secs(600)).await;
            }
            let mut outcome = Outcome::of(Cause::Ok, jiff::Timestamp::now(), "made up", "");
            outcome.latency = Some(Duration::from_millis(20));
            outcome
        })
    }

    fn host(&self, integration: &Integration, _: &Definition) -> Option<String> {
        Some(integration.id.to_string())
    }

    fn online(&self) -> Pending<'_, bool> {
        Box::pin(std::future::ready(true))
    }
}

async fn memory(count: usize, port: u16) {
    let home = tempfile::tempdir().unwrap();
    let before = resident();
    let handle = monitor(home.path(), &integrations(count, port, "5m"), None, true);
    let (mut bench, keys, seen) = stage();
    let board = {
        let handle = handle.clone();
        tokio::spawn(async move { drive(handle, &mut bench, &env(), jiff::tz::TimeZone::UTC, nothing()).await })
    };
    handle.round(None).await;
    // What was kept open for the round is closed by then; the schedule's own first checks run along.
    tokio::time::sleep(Duration::from_secs(12)).await;
    let all = handle.snapshots().borrow().entries.values().all(|e| e.metrics.total > 0);
    assert!(all && seen.ready.load(Ordering::SeqCst));
    println!("{count:>6} integrations: {:.1} MiB ({before:.1} MiB before)", resident());
    keys.send(Input::End(0)).unwrap();
    board.await.unwrap();
    handle.stop(Duration::from_secs(5)).await;
}

async fn herd() {
    let home = tempfile::tempdir().unwrap();
    let world = Arc::new(World::default());
    let handle = monitor(home.path(), &integrations(1000, 9, "30s"), Some(world.clone()), true);
    let start = Instant::now();
    while world.starts.lock().unwrap().len() < 1000 && start.elapsed() < Duration::from_secs(60) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut at: Vec<f64> = world.starts.lock().unwrap().iter().map(|t| t.duration_since(start).as_secs_f64()).collect();
    at.sort_by(f64::total_cmp);
    let busiest = (0..at.len()).map(|i| at[i..].iter().take_while(|t| **t < at[i] + 0.1).count()).max().unwrap();
    println!(
        "herd: of {} first checks {:.1} % fell into the busiest 100 ms; the last began after {:.1} s",
        at.len(),
        busiest as f64 * 100.0 / at.len() as f64,
        at.last().unwrap()
    );
    handle.stop(Duration::from_secs(5)).await;
}

async fn keys(count: usize, hanging: usize) {
    let home = tempfile::tempdir().unwrap();
    let text = integrations(count, 9, "30s");
    let text = (0..hanging)
        .fold(text, |t, n| t.replacen(&format!("[integrations.s{n}]"), &format!("[integrations.hang{n}]"), 1));
    let handle = monitor(home.path(), &text, Some(Arc::new(World::default())), true);
    let (mut bench, keys, seen) = stage();
    let board = {
        let handle = handle.clone();
        tokio::spawn(async move { drive(handle, &mut bench, &env(), jiff::tz::TimeZone::UTC, nothing()).await })
    };
    while !seen.ready.load(Ordering::SeqCst) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    for n in 0..300 {
        *seen.key.lock().unwrap() = Some(Instant::now());
        let code = if n % 40 < 20 { KeyCode::Down } else { KeyCode::Up };
        keys.send(Input::Event(Event::Key(Key::plain(code)))).unwrap();
        tokio::time::sleep(Duration::from_millis(37)).await;
    }
    let late = handle
        .snapshots()
        .borrow()
        .entries
        .values()
        .filter(|e| !e.id().as_str().starts_with("hang"))
        .filter(|e| {
            e.next.is_some_and(|next| next < jiff::Timestamp::now() - jiff::SignedDuration::from_secs(1)) && !e.checking
        })
        .count();
    let mut times = seen.times.lock().unwrap().clone();
    times.sort_by(f64::total_cmp);
    println!(
        "key to picture, {count} integrations ({hanging} of them hanging): {:.2} ms at the median, {:.2} ms at the 95th percentile; {late} of the others late",
        rank(&times, 0.5),
        rank(&times, 0.95)
    );
    keys.send(Input::End(0)).unwrap();
    board.await.unwrap();
    handle.stop(Duration::from_secs(5)).await;
}

async fn idle() {
    let home = tempfile::tempdir().unwrap();
    let handle = monitor(home.path(), &integrations(100, 9, "5m"), Some(Arc::new(World::default())), true);
    let (mut bench, keys, seen) = stage();
    let board = {
        let handle = handle.clone();
        tokio::spawn(async move { drive(handle, &mut bench, &env(), jiff::tz::TimeZone::UTC, nothing()).await })
    };
    handle.round(None).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let (before, start) = (seen.bytes.load(Ordering::SeqCst), Instant::now());
    tokio::time::sleep(Duration::from_secs(60)).await;
    let bytes = seen.bytes.load(Ordering::SeqCst) - before;
    println!(
        "idle board of 100 integrations, checks going on every 5 min: {:.0} bytes/s",
        bytes as f64 / start.elapsed().as_secs_f64()
    );
    keys.send(Input::End(0)).unwrap();
    board.await.unwrap();
    handle.stop(Duration::from_secs(5)).await;
}
