//! Everything that can happen to the board, in our own words (no crossterm types).

use crate::{
    checks::Rung,
    model::{Bucket, Called, CheckRow, CredentialFacts, Incident, IntegrationId, Outcome, Series, Tokens},
    monitor::{Draft, Notice, Rotation, UsualValue, sign_in::Step},
};
use jiff::Timestamp;

/// A key without its modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub enum KeyCode {
    Char(char),
    Enter,
    Esc,
    Tab,
    BackTab,
    Backspace,
    Delete,
    Insert,
    Up,
    Down,
    Left,
    Right,
    Home,
    End,
    PageUp,
    PageDown,
    F(u8),
}

/// A key press. SHIFT is dropped for characters and BackTab.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Key {
    pub code: KeyCode,
    pub ctrl: bool,
    pub alt: bool,
    pub shift: bool,
}

impl Key {
    /// A plain key.
    pub const fn plain(code: KeyCode) -> Self {
        Key { code, ctrl: false, alt: false, shift: false }
    }

    /// With Ctrl.
    pub const fn ctrl(c: char) -> Self {
        Key { code: KeyCode::Char(c), ctrl: true, alt: false, shift: false }
    }
}

/// What an effect brought back.
#[derive(Debug, Clone)]
pub enum Done {
    /// A rung of the running test changed.
    Rung(Rung),
    /// The test ended.
    Tested(Result<Box<Outcome>, String>),
    /// The draft was saved (or not: why).
    Saved(Result<IntegrationId, String>),
    /// A draft for the edit form.
    Draft(Result<Box<Draft>, String>),
    /// History for the detail view.
    History {
        /// Whose.
        id: IntegrationId,
        /// Latest rows, newest first.
        rows: Result<Vec<CheckRow>, String>,
        /// Its incidents, newest first.
        incidents: Vec<Incident>,
        /// The last 24 hours in one.
        day: Option<Box<Bucket>>,
        /// What is known of its credentials, by field.
        credentials: Vec<(String, CredentialFacts)>,
        /// What its checks measured lately.
        series: Vec<Series>,
    },
    /// Buckets for the metrics tab, with the request they answer.
    Metrics {
        /// Whose; `None`: the whole board.
        id: Option<IntegrationId>,
        /// From.
        from: Timestamp,
        /// To.
        to: Timestamp,
        /// The answer.
        buckets: Result<Vec<Bucket>, String>,
        /// Incidents in view, newest first.
        incidents: Vec<Incident>,
    },
    /// The vault was opened, or not: why.
    Unlocked(Result<(), String>),
    /// The rotation of this entry ended.
    Rotated(String, Result<Rotation, String>),
    /// A sign-in wants something of a person.
    SignInStep(Step),
    /// The sign-in ended.
    SignedIn(Result<Box<Tokens>, String>),
    /// The call of this number ended; `Err`: it never began.
    Called(u64, Result<Box<Called>, String>),
    /// A result was saved in this file, or not: why.
    ResultSaved(Result<String, String>),
    /// The last lines of the log.
    Log(Vec<String>),
    /// A sentence for a toast.
    Message(String),
    /// A sentence for a toast that stays longer.
    Failed(String),
    /// The usual places that hold something (asked for by `Effect::ProbeEnv`).
    Env(Vec<String>),
    /// What plain fields usually hold here, for the form of this number.
    Usual(u64, Vec<UsualValue>),
    /// Themes known and the one in use, for the picker.
    Themes(Vec<String>),
}

/// Everything `update` may be told.
#[derive(Debug, Clone)]
pub enum Event {
    /// A key press (or repeat).
    Key(Key),
    /// A bracketed paste, as it came.
    Paste(zeroize::Zeroizing<String>),
    /// The terminal's new size: columns, rows.
    Resize(u16, u16),
    /// The clock, once a second at most.
    Tick(Timestamp),
    /// A new snapshot is there.
    Snapshot,
    /// From the monitor.
    Notice(Notice),
    /// An effect came back.
    Done(Done),
}
