//! Does what `update` asked for, beside the loop, and brings the answers back.

mod save;

use super::{effect::Effect, event::Done, theme};
use crate::{
    model::text::sanitize,
    monitor::{Draft, Handle, sign_in::Way},
};
use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::Path,
    pin::Pin,
    time::Duration,
};
use tokio::{sync::mpsc, task::AbortHandle};
use tokio_util::task::TaskTracker;

/// Checks shown of one integration's past.
const ROWS: usize = 200;
/// Incidents shown.
const INCIDENTS: usize = 50;
/// Bytes of the log that are read.
const LOG: u64 = 64 * 1024;

/// What an answer belongs to: nothing in particular, or the test or sign-in of this number.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tag {
    None,
    Test(u64),
    SignIn(u64),
}

/// An answer with its tag.
type Tagged = (Tag, Done);

/// A change of files, whole.
type Change = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Runs effects against the monitor.
pub struct Executor {
    handle: Handle,
    answers: mpsc::UnboundedSender<Tagged>,
    came: mpsc::UnboundedReceiver<Tagged>,
    tasks: TaskTracker,
    /// What changes files, one after the other: an undo must not overtake the removal it undoes.
    changes: mpsc::UnboundedSender<Change>,
    test: Option<AbortHandle>,
    call: Option<AbortHandle>,
    serial: u64,
    sign_in: Option<AbortHandle>,
    sign_in_serial: u64,
}

impl Executor {
    /// Over a monitor.
    pub fn new(handle: Handle) -> Executor {
        let (answers, came) = mpsc::unbounded_channel();
        let (changes, mut asked) = mpsc::unbounded_channel::<Change>();
        let tasks = TaskTracker::new();
        tasks.spawn(async move {
            while let Some(change) = asked.recv().await {
                change.await;
            }
        });
        Executor {
            handle,
            answers,
            came,
            tasks,
            changes,
            test: None,
            call: None,
            serial: 0,
            sign_in: None,
            sign_in_serial: 0,
        }
    }

    /// The next answer. Those of a test or sign-in that was cancelled or overtaken are dropped.
    pub async fn next(&mut self) -> Done {
        loop {
            let current = [Tag::None, Tag::Test(self.serial), Tag::SignIn(self.sign_in_serial)];
            match self.came.recv().await {
                Some((tag, done)) if current.contains(&tag) => return done,
                Some(_) => {}
                None => std::future::pending().await,
            }
        }
    }

    /// Waits for what must not be cut off (saving, removing), at most so long.
    pub async fn finish(mut self, limit: Duration) {
        self.cancel();
        self.cancel_sign_in();
        // Without a sender the queue ends when it is empty.
        self.changes = mpsc::unbounded_channel().0;
        self.tasks.close();
        let _ = tokio::time::timeout(limit, self.tasks.wait()).await;
    }

    /// Starts an effect. Those that are the loop's own (quit, draw, copy, theme) mean nothing here.
    pub fn start(&mut self, effect: Effect) {
        let handle = self.handle.clone();
        match effect {
            Effect::Check(id) => handle.check(&id),
            Effect::CheckAll => handle.check_all(),
            Effect::Pause(id, paused) => self.quietly(async move { handle.pause(&id, paused).await }),
            Effect::Remove(id) => self.quietly(async move { handle.remove(&id).await }),
            Effect::UndoRemove => self.change(async move {
                match handle.undo_remove().await {
                    Ok(id) => Some(Done::Message(format!("{id} is back"))),
                    Err(why) => Some(Done::Failed(why)),
                }
            }),
            Effect::FetchDraft(id) => {
                self.answer(async move { Some(Done::Draft(handle.draft(&id).await.map(Box::new))) })
            }
            Effect::Test(draft) => self.test(*draft),
            Effect::CancelTest => self.cancel(),
            Effect::SignIn(draft, way) => self.sign_in(*draft, way),
            Effect::CancelSignIn => self.cancel_sign_in(),
            Effect::Call(number, id, call) => {
                self.cancel_call();
                let answers = self.answers.clone();
                let task = self.tasks.spawn(async move {
                    let called = handle.call(&id, &call).await.map(Box::new);
                    let _ = answers.send((Tag::None, Done::Called(number, called)));
                });
                self.call = Some(task.abort_handle());
            }
            Effect::CancelCall => self.cancel_call(),
            Effect::SaveResult { file, text } => self.change(async move {
                let saved = tokio::task::spawn_blocking(move || save::result(&file, &text)).await;
                Some(Done::ResultSaved(saved.unwrap_or_else(|_| Err("the saving was cut off".to_owned()))))
            }),
            Effect::Save(draft) => self.change(async move { Some(Done::Saved(handle.save(*draft).await)) }),
            Effect::Unlock(passphrase) => {
                self.answer(async move { Some(Done::Unlocked(handle.unlock(passphrase).await)) })
            }
            Effect::Rotate(entry, secret, other_account) => self.answer(async move {
                let result = handle.rotate(&entry, secret, other_account).await;
                if result.as_ref().is_ok_and(|r| r.done) {
                    handle.users_of(&entry).iter().for_each(|i| handle.check(&i.id));
                }
                Some(Done::Rotated(entry, result))
            }),
            Effect::RollBack(entry) => self.answer(async move {
                Some(match handle.roll_back(&entry).await {
                    Ok(()) => Done::Message(format!("'{entry}' has its old value again")),
                    Err(why) => Done::Failed(why),
                })
            }),
            Effect::ProbeEnv(places) => {
                self.answer(async move { Some(Done::Env(handle.usual_places(places).await)) });
            }
            Effect::FindUsual(serial, provider) => {
                self.answer(async move { Some(Done::Usual(serial, handle.usual_values(&provider).await)) });
            }
            Effect::FetchHistory(id) => self.answer(async move {
                let rows = handle.rows(id.clone(), ROWS).await;
                let incidents = handle.incidents(Some(id.clone()), INCIDENTS).await.unwrap_or_default();
                let day = handle.day(id.clone()).await.ok().flatten().map(Box::new);
                let credentials = handle.credentials(&id).await;
                let series = handle.series(id.clone()).await.unwrap_or_default();
                Some(Done::History { id, rows, incidents, day, credentials, series })
            }),
            Effect::FetchMetrics { id, from, to, step } => self.answer(async move {
                let buckets = handle.buckets(id.clone(), from, to, step).await;
                let incidents = handle.incidents(id.clone(), INCIDENTS).await.unwrap_or_default();
                Some(Done::Metrics { id, from, to, buckets, incidents })
            }),
            Effect::FetchLog => self.answer(async move {
                let path = handle.paths().log;
                let lines = tokio::task::spawn_blocking(move || last_lines(&path)).await.unwrap_or_default();
                Some(Done::Log(lines))
            }),
            Effect::ListThemes => self.answer(async move {
                let folder = handle.paths().themes;
                let names = tokio::task::spawn_blocking(move || theme::file::names(&folder)).await.unwrap_or_default();
                Some(Done::Themes(names))
            }),
            Effect::SaveTheme(name) => self.quietly(async move { handle.set("ui", "theme", &name).await }),
            Effect::Set(table, key, value) => self.quietly(async move { handle.set(table, key, &value).await }),
            Effect::Reload => self.quietly(async move { handle.reload().await }),
            Effect::Quit | Effect::Suspend | Effect::Redraw | Effect::Copy(_) | Effect::PreviewTheme(_) => {}
        }
    }

    fn answer(&self, work: impl Future<Output = Option<Done>> + Send + 'static) {
        let answers = self.answers.clone();
        self.tasks.spawn(async move {
            if let Some(done) = work.await {
                let _ = answers.send((Tag::None, done));
            }
        });
    }

    fn change(&self, work: impl Future<Output = Option<Done>> + Send + 'static) {
        let answers = self.answers.clone();
        let change: Change = Box::pin(async move {
            if let Some(done) = work.await {
                let _ = answers.send((Tag::None, done));
            }
        });
        let _ = self.changes.send(change);
    }

    /// The snapshot shows what went well; only a failure needs words.
    fn quietly(&self, work: impl Future<Output = Result<(), String>> + Send + 'static) {
        self.change(async move { work.await.err().map(Done::Failed) });
    }

    fn test(&mut self, draft: Draft) {
        self.cancel();
        let (serial, answers, handle) = (Tag::Test(self.serial), self.answers.clone(), self.handle.clone());
        let task = self.tasks.spawn(async move {
            let (report, mut rungs) = mpsc::unbounded_channel();
            let test = handle.test(draft, report);
            tokio::pin!(test);
            let result = loop {
                tokio::select! {
                    biased;
                    Some(rung) = rungs.recv() => drop(answers.send((serial, Done::Rung(rung)))),
                    result = &mut test => break result,
                }
            };
            while let Ok(rung) = rungs.try_recv() {
                let _ = answers.send((serial, Done::Rung(rung)));
            }
            let _ = answers.send((serial, Done::Tested(result.map(Box::new))));
        });
        self.test = Some(task.abort_handle());
    }

    fn cancel_call(&mut self) {
        if let Some(call) = self.call.take() {
            call.abort();
        }
    }

    fn sign_in(&mut self, draft: Draft, way: Way) {
        self.cancel_sign_in();
        let (tag, answers, handle) = (Tag::SignIn(self.sign_in_serial), self.answers.clone(), self.handle.clone());
        let task = self.tasks.spawn(async move {
            let (report, mut steps) = mpsc::unbounded_channel();
            let work = handle.sign_in(&draft, Some(way), report);
            tokio::pin!(work);
            let result = loop {
                tokio::select! {
                    biased;
                    Some(step) = steps.recv() => drop(answers.send((tag, Done::SignInStep(step)))),
                    result = &mut work => break result,
                }
            };
            let _ = answers.send((tag, Done::SignedIn(result.map(Box::new))));
        });
        self.sign_in = Some(task.abort_handle());
    }

    fn cancel_sign_in(&mut self) {
        self.sign_in_serial += 1;
        if let Some(sign_in) = self.sign_in.take() {
            sign_in.abort();
        }
    }

    fn cancel(&mut self) {
        self.serial += 1;
        if let Some(test) = self.test.take() {
            test.abort();
        }
    }
}

/// The log's end, as printable lines. A log that cannot be read has one line that says so.
fn last_lines(path: &Path) -> Vec<String> {
    let read = || {
        let mut file = File::open(path)?;
        let skipped = file.metadata()?.len().saturating_sub(LOG);
        file.seek(SeekFrom::Start(skipped))?;
        let mut bytes = Vec::new();
        file.take(LOG).read_to_end(&mut bytes)?;
        Ok::<_, std::io::Error>((bytes, skipped > 0))
    };
    match read() {
        Ok((bytes, cut)) => {
            let text = String::from_utf8_lossy(&bytes);
            text.lines().skip(usize::from(cut)).map(|l| sanitize(l, 4000)).collect()
        }
        Err(error) => vec![format!("cannot read '{}': {error}", path.display())],
    }
}
