//! The event loop: keys, signals, the clock, the monitor's snapshots and notices, and the answers of effects go into
//! `update`; what changed is drawn, at the pace's leave.

use super::{
    caps::{Caps, Env},
    draw,
    effect::Effect,
    event::{Done, Event},
    executor::Executor,
    keymap::Keymap,
    pace::Pace,
    state::{UiState, add::AddState},
    terminal::{Console, HUNG_UP, is_urgent},
    theme::{self, Theme},
    update::update,
};
use crate::{
    config::Settings,
    monitor::{Handle, Notice, Snapshot},
};
use anyhow::Context as _;
use jiff::{Timestamp, tz::TimeZone};
use ratatui::Frame;
use std::{io, sync::Arc, time::Duration};
use tokio::{
    sync::{broadcast, mpsc, watch},
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};

/// How long saving or removing may still take once the board is left.
const FINISH: Duration = Duration::from_secs(2);

/// What comes from the terminal and the system.
#[derive(Debug)]
pub enum Input {
    /// A key, a paste, a new size.
    Event(Event),
    /// Stop until continued.
    Suspend,
    /// End, with this exit code.
    End(u8),
    /// The terminal is gone.
    Lost,
}

/// How the board ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The user left.
    Quit,
    /// A signal, or the loss of the terminal, wants this exit code.
    Code(u8),
}

/// A terminal as the loop needs it; the real one is [`Console`].
pub trait Stage {
    /// Columns and rows.
    ///
    /// # Errors
    /// Here and below: the terminal is gone.
    fn size(&self) -> io::Result<(u16, u16)>;
    /// Draws a frame.
    fn draw(&mut self, picture: impl FnOnce(&mut Frame<'_>)) -> io::Result<()>;
    /// Forgets what was drawn, so that the next frame is drawn whole.
    fn redraw(&mut self) -> io::Result<()>;
    /// Gives the terminal back to the shell, stops, and takes it again.
    fn suspend(&mut self) -> io::Result<()>;
    /// Sends text to the clipboard; `false`: it is too long.
    fn copy(&mut self, text: &str) -> io::Result<bool>;
    /// What comes next. Dropping the future loses nothing.
    fn next(&mut self) -> impl Future<Output = Input>;
}

/// Opens the board on this process's terminal until the user leaves or a signal ends it. `asides` are sentences from
/// outside the monitor, told as they come.
///
/// # Errors
/// The terminal cannot be taken over.
pub async fn run(handle: Handle, asides: Asides) -> anyhow::Result<Ended> {
    // Whether and how there is colour is our decision (`caps`), and reversal must survive NO_COLOR.
    crossterm::style::force_color_output(true);
    let mut console = Console::open(handle.settings().mouse).context("cannot use this terminal")?;
    let ended = drive(handle, &mut console, &Env::read(), TimeZone::system(), asides).await;
    if ended == Ended::Code(HUNG_UP) {
        console.abandon();
    }
    Ok(ended)
}

/// Sentences from outside the monitor.
pub type Asides = mpsc::UnboundedReceiver<String>;

/// The loop itself, on any stage.
pub async fn drive<S: Stage>(handle: Handle, stage: &mut S, env: &Env, zone: TimeZone, asides: Asides) -> Ended {
    let settings = handle.settings();
    let (keymap, complaints) = Keymap::with(&settings.keys);
    let definitions = handle.registry().iter().cloned().collect();
    let mut state = UiState::new(definitions, keymap, &settings, Timestamp::now());
    state.zone = zone;
    let mut board = Board {
        snapshots: handle.snapshots(),
        notices: handle.notices(),
        asides,
        executor: Executor::new(handle.clone()),
        theme: Theme::new("", Default::default(), false),
        pace: Pace::default(),
        handle,
        stage,
        env,
        state,
    };
    for complaint in complaints {
        board.say(complaint);
    }
    board.dress(&settings, &settings.theme);
    let ended = board.live().await;
    board.executor.finish(FINISH).await;
    ended
}

struct Board<'a, S> {
    handle: Handle,
    stage: &'a mut S,
    env: &'a Env,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    notices: broadcast::Receiver<Notice>,
    asides: Asides,
    executor: Executor,
    state: UiState,
    theme: Theme,
    pace: Pace,
}

/// Why the loop ends early.
type Early = Result<(), Ended>;

fn lost<T>(result: io::Result<T>) -> Result<T, Ended> {
    result.map_err(|error| {
        tracing::warn!(%error, "the terminal is gone");
        Ended::Code(HUNG_UP)
    })
}

impl<S: Stage> Board<'_, S> {
    async fn live(&mut self) -> Ended {
        let Err(ended) = self.turn().await;
        ended
    }

    async fn turn(&mut self) -> Result<std::convert::Infallible, Ended> {
        self.state.size = lost(self.stage.size())?;
        self.tell(Event::Snapshot)?;
        let mut clock = interval(Duration::from_secs(1));
        clock.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let (mut monitored, mut noticed) = (true, true);
        loop {
            let now = Instant::now();
            let due = self.pace.due(now.into_std()).map(Instant::from_std);
            tokio::select! {
                biased;
                () = sleep_until(due.unwrap_or(now)), if due.is_some() => self.draw()?,
                input = self.stage.next() => self.take(input)?,
                done = self.executor.next() => self.tell(Event::Done(done))?,
                changed = self.snapshots.changed(), if monitored => match changed {
                    Ok(()) => self.tell(Event::Snapshot)?,
                    Err(_) => {
                        monitored = false;
                        self.say("the monitor has stopped: nothing is checked any more. Leave and start Lampboard again; the log says why".to_owned());
                    }
                },
                notice = self.notices.recv(), if noticed => match notice {
                    Ok(notice) => {
                        if matches!(notice, Notice::Reloaded) {
                            self.renew();
                        }
                        self.tell(Event::Notice(notice))?;
                    }
                    Err(broadcast::error::RecvError::Lagged(missed)) => tracing::warn!(missed, "notices were missed"),
                    Err(broadcast::error::RecvError::Closed) => noticed = false,
                },
                Some(aside) = self.asides.recv() => self.tell(Event::Notice(Notice::Message(aside)))?,
                _ = clock.tick() => self.tell(Event::Tick(Timestamp::now()))?,
            }
        }
    }

    fn take(&mut self, input: Input) -> Early {
        match input {
            Input::Event(event) => self.tell(event),
            Input::Suspend => self.suspend(),
            Input::End(code) => Err(Ended::Code(code)),
            Input::Lost => Err(Ended::Code(HUNG_UP)),
        }
    }

    /// One event through `update`, and what came of it.
    fn tell(&mut self, event: Event) -> Early {
        let urgent = is_urgent(&event);
        let snapshot = self.snapshots.borrow_and_update().clone();
        let effects = update(&mut self.state, &snapshot, event);
        if std::mem::take(&mut self.state.dirty) {
            self.pace.want(urgent);
        }
        effects.into_iter().try_for_each(|effect| self.start(effect))
    }

    fn start(&mut self, effect: Effect) -> Early {
        match effect {
            Effect::Quit => return Err(Ended::Quit),
            Effect::Suspend => return self.suspend(),
            Effect::Redraw => {
                lost(self.stage.redraw())?;
                self.pace.want(true);
            }
            Effect::Copy(text) => {
                if !lost(self.stage.copy(&text))? {
                    self.say("too long for the terminal's clipboard".to_owned());
                }
            }
            Effect::PreviewTheme(name) => self.dress(&self.handle.settings(), &name),
            Effect::SaveTheme(name) => {
                self.dress(&self.handle.settings(), &name);
                self.executor.start(Effect::SaveTheme(name));
            }
            effect => self.executor.start(effect),
        }
        Ok(())
    }

    fn suspend(&mut self) -> Early {
        lost(self.stage.suspend())?;
        self.state.size = lost(self.stage.size())?;
        self.pace.want(true);
        self.tell(Event::Tick(Timestamp::now()))
    }

    fn draw(&mut self) -> Early {
        let snapshot = self.snapshots.borrow().clone();
        let (state, theme) = (&mut self.state, &self.theme);
        lost(self.stage.draw(|frame| draw::draw(frame, &snapshot, state, theme)))?;
        self.pace.drawn(Instant::now().into_std());
        Ok(())
    }

    /// A sentence for the user.
    fn say(&mut self, text: String) {
        let snapshot = self.snapshots.borrow().clone();
        update(&mut self.state, &snapshot, Event::Done(Done::Failed(text)));
        self.state.dirty = false;
        self.pace.want(false);
    }

    /// Puts a theme on.
    fn dress(&mut self, settings: &Settings, name: &str) {
        let caps = Caps::find(&settings.color, &settings.ascii, self.env);
        let (theme, warnings) = theme::load(name, &self.handle.paths().themes, caps);
        self.theme = theme;
        self.pace.want(true);
        if let Some(first) = warnings.first() {
            let more = warnings.len() - 1;
            self.say(if more == 0 { first.clone() } else { format!("{first} (and {more} more like it)") });
        }
    }

    /// Takes settings and definitions as they were read anew.
    fn renew(&mut self) {
        let settings = self.handle.settings();
        self.state.definitions = self.handle.registry().iter().cloned().collect();
        let (keymap, complaints) = Keymap::with(&settings.keys);
        if keymap != self.state.keymap {
            self.state.keymap = keymap;
            complaints.into_iter().for_each(|c| self.say(c));
        }
        self.state.add.defaults = AddState::new(&settings).defaults;
        self.state.theme.clone_from(&settings.theme);
        self.dress(&settings, &settings.theme);
    }
}
