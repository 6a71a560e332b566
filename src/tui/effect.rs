//! What `update` asks for: data, so that tests can read it. (The executor lives beside the loop.)

use crate::{
    model::{IntegrationId, Secret},
    monitor::{Draft, sign_in::Way},
    providers::action::Call,
};
use jiff::Timestamp;
use std::time::Duration;

/// Something to be done outside `update`.
#[derive(Debug, Clone)]
pub enum Effect {
    /// Leave the board.
    Quit,
    /// Stop until the shell brings us back.
    Suspend,
    /// Draw everything anew.
    Redraw,
    /// Check one now.
    Check(IntegrationId),
    /// Check all now.
    CheckAll,
    /// Pause (`true`) or resume.
    Pause(IntegrationId, bool),
    /// Remove from the configuration.
    Remove(IntegrationId),
    /// Put the last removed one back.
    UndoRemove,
    /// Fetch the draft of an existing integration: answered by `Done::Draft`.
    FetchDraft(IntegrationId),
    /// Test a draft: `Done::Rung`… then `Done::Tested`.
    Test(Box<Draft>),
    /// Cancel the running test.
    CancelTest,
    /// Sign in with what a draft says: `Done::SignInStep`, then `Done::SignedIn`.
    SignIn(Box<Draft>, Way),
    /// Cancel the running sign-in.
    CancelSignIn,
    /// Save a draft: `Done::Saved`.
    Save(Box<Draft>),
    /// Open the vault with this passphrase: `Done::Unlocked`.
    Unlock(Secret),
    /// Give an entry a new value, of another account too if that is meant: `Done::Rotated`.
    Rotate(String, Secret, bool),
    /// Put an entry's old value back.
    RollBack(String),
    /// Which of these usual places (variables, `ini:` references) hold something: `Done::Env`.
    ProbeEnv(Vec<String>),
    /// What the plain fields of this provider usually hold here, for the form of this number: `Done::Usual`.
    FindUsual(u64, String),
    /// History of one integration: `Done::History`.
    FetchHistory(IntegrationId),
    /// Buckets and incidents for the metrics tab: `Done::Metrics`.
    FetchMetrics {
        /// Whose; `None`: the whole board.
        id: Option<IntegrationId>,
        /// From.
        from: Timestamp,
        /// To.
        to: Timestamp,
        /// Bucket size.
        step: Duration,
    },
    /// Call an action: `Done::Called` with this number.
    Call(u64, IntegrationId, Box<Call>),
    /// Cut the running call off.
    CancelCall,
    /// Save a result in a new file: `Done::ResultSaved`.
    SaveResult {
        /// As typed; `~/` is the home folder.
        file: String,
        /// What goes into it.
        text: String,
    },
    /// The log's last lines: `Done::Log`.
    FetchLog,
    /// Send text to the clipboard through the terminal (OSC 52). Never a secret.
    Copy(String),
    /// Names of the themes: `Done::Themes`.
    ListThemes,
    /// Use this theme now, without saving.
    PreviewTheme(String),
    /// Use and save this theme.
    SaveTheme(String),
    /// Read config and definitions anew.
    Reload,
    /// Save one key of config.toml (`ui`, `view`, `cards`).
    Set(&'static str, &'static str, String),
}
