//! The bounded queue between the monitor and the writer: pushing never waits, a full queue gives up its oldest sample.

use crate::model::{Incident, IntegrationId, Outcome};
use jiff::Timestamp;
use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Most messages waiting.
const CAPACITY: usize = 50_000;

/// One thing to write.
pub enum Message {
    /// A finished check.
    Check {
        /// Whose.
        id: IntegrationId,
        /// What came out.
        outcome: Arc<Outcome>,
        /// Since when its status lasts.
        since: Timestamp,
        /// Consecutive checks of its kind.
        streak: i32,
    },
    /// An incident opened or closed.
    Incident(Incident),
    /// An integration has another name now.
    Rename(IntegrationId, IntegrationId),
    /// Tell when everything before is written.
    Flush(tokio::sync::oneshot::Sender<()>),
}

#[derive(Default)]
struct Waiting {
    messages: VecDeque<Message>,
    dropped: u64,
    stopped: bool,
    hurried: bool,
}

/// The queue.
#[derive(Default)]
pub struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a message; never waits.
    pub fn push(&self, message: Message) {
        let mut waiting = self.lock();
        waiting.hurried |= matches!(message, Message::Flush(_));
        if waiting.messages.len() >= CAPACITY
            && let Some(oldest) = waiting.messages.iter().position(|m| matches!(m, Message::Check { .. }))
        {
            waiting.messages.remove(oldest);
            waiting.dropped += 1;
        }
        waiting.messages.push_back(message);
        drop(waiting);
        self.changed.notify_one();
    }

    /// Puts a batch back in front, in its order.
    pub fn put_back(&self, batch: Vec<Message>) {
        let mut waiting = self.lock();
        for message in batch.into_iter().rev() {
            waiting.messages.push_front(message);
        }
    }

    /// Samples given up so far.
    pub fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// Asks the writer to finish.
    pub fn stop(&self) {
        self.lock().stopped = true;
        self.changed.notify_one();
    }

    /// Waits for messages and takes up to `most`: at once when somebody waits for them, else after gathering for `gather`.
    /// `None`: nothing is left and the queue is stopped. An empty batch: `idle` went by.
    pub fn take(&self, most: usize, gather: Duration, idle: Duration) -> Option<Vec<Message>> {
        let quiet = |w: &mut Waiting| w.messages.is_empty() && !w.stopped;
        let (waiting, _) =
            self.changed.wait_timeout_while(self.lock(), idle, quiet).unwrap_or_else(PoisonError::into_inner);
        let gathering = |w: &mut Waiting| w.messages.len() < most && !w.hurried && !w.stopped && !w.messages.is_empty();
        let (mut waiting, _) =
            self.changed.wait_timeout_while(waiting, gather, gathering).unwrap_or_else(PoisonError::into_inner);
        if waiting.messages.is_empty() && waiting.stopped {
            return None;
        }
        let count = waiting.messages.len().min(most);
        let batch: Vec<Message> = waiting.messages.drain(..count).collect();
        waiting.hurried = waiting.messages.iter().any(|m| matches!(m, Message::Flush(_)));
        Some(batch)
    }

    /// Whether the writer was asked to finish.
    pub fn stopped(&self) -> bool {
        self.lock().stopped
    }

    /// Waits, unless stopped.
    pub fn rest(&self, time: Duration) {
        let _ = self.changed.wait_timeout_while(self.lock(), time, |w| !w.stopped && !w.hurried);
    }
}
