//! A secret asked for over the board: the vault's passphrase, or the new value of an entry.

use crate::tui::widgets::secret_field::SecretField;

/// What the secret is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// It opens the vault.
    Unlock,
    /// It replaces this entry, which these integrations use.
    Rotate {
        /// The entry.
        entry: String,
        /// Names of the integrations, for people.
        users: Vec<String>,
        /// The user was told that it belongs to another account, and wants it.
        other_account: bool,
    },
}

/// The question and what is typed.
#[derive(Debug)]
pub struct Prompt {
    /// What for.
    pub ask: Ask,
    /// What is typed; wiped when the prompt closes.
    pub value: SecretField,
    /// What came of the last try.
    pub note: Option<String>,
    /// A try is running.
    pub busy: bool,
}

impl Prompt {
    /// Nothing typed yet.
    pub fn new(ask: Ask) -> Prompt {
        Prompt { ask, value: SecretField::default(), note: None, busy: false }
    }
}
