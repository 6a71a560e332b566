//! One configured use of a provider: its fields, its schedule, where its secrets lie.

use super::IntegrationId;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr, time::Duration};

/// Where a secret lives. The configuration holds these, never the secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum SecretRef {
    /// An entry of the age vault: `vault:NAME`.
    Vault(String),
    /// An entry of the system's keyring: `keyring:NAME`.
    Keyring(String),
    /// A systemd credential: `credential:NAME`.
    Credential(String),
    /// An environment variable: `env:VAR`.
    Env(String),
    /// The first line of a file: `file:PATH`.
    File(String),
    /// One value of an INI file: `ini:PATH#SECTION.KEY` (a file of another program, such as `~/.aws/credentials`).
    Ini {
        /// The file.
        path: String,
        /// The section's name; empty for what stands before the first one.
        section: String,
        /// The key.
        key: String,
    },
    /// The first line a program prints: `cmd:PROGRAM ARG…` (split like a shell would, run without one).
    Cmd(String),
}

/// A text that is not `vault: keyring: credential: env: file: ini: cmd:` and something after it.
/// It never quotes the text, which may be a bare secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a secret reference: write one of vault:NAME, keyring:NAME, credential:NAME, env:VAR, file:PATH, \
     ini:PATH#SECTION.KEY, cmd:PROGRAM"
)]
pub struct NotAReference;

impl FromStr for SecretRef {
    type Err = NotAReference;
    fn from_str(text: &str) -> Result<Self, NotAReference> {
        let (scheme, rest) = text.split_once(':').ok_or(NotAReference)?;
        let rest = rest.trim();
        if rest.is_empty() {
            return Err(NotAReference);
        }
        let named = |name: &str| if super::id::is_valid_name(name) { Ok(name.to_owned()) } else { Err(NotAReference) };
        Ok(match scheme {
            "vault" => SecretRef::Vault(named(rest)?),
            "keyring" => SecretRef::Keyring(named(rest)?),
            "credential" => SecretRef::Credential(rest.to_owned()),
            "env" => SecretRef::Env(rest.to_owned()),
            "file" => SecretRef::File(rest.to_owned()),
            "ini" => {
                let (path, place) = rest.rsplit_once('#').ok_or(NotAReference)?;
                // A key before the first section may hold dots of its own; a section's name too.
                let (section, key) = match place.strip_prefix('.') {
                    Some(key) => ("", key),
                    None => place.rsplit_once('.').ok_or(NotAReference)?,
                };
                if path.is_empty() || key.is_empty() {
                    return Err(NotAReference);
                }
                SecretRef::Ini { path: path.to_owned(), section: section.to_owned(), key: key.to_owned() }
            }
            "cmd" => SecretRef::Cmd(rest.to_owned()),
            _ => return Err(NotAReference),
        })
    }
}

impl SecretRef {
    /// The reference of a usual place: the name of a variable, or a whole reference (`ini:…`).
    pub fn of_place(place: &str) -> SecretRef {
        place.parse().unwrap_or_else(|_| SecretRef::Env(place.to_owned()))
    }
}

impl TryFrom<String> for SecretRef {
    type Error = NotAReference;
    fn try_from(text: String) -> Result<Self, NotAReference> {
        text.parse()
    }
}

impl From<SecretRef> for String {
    fn from(reference: SecretRef) -> String {
        reference.to_string()
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, rest) = match self {
            SecretRef::Vault(n) => ("vault", n),
            SecretRef::Keyring(n) => ("keyring", n),
            SecretRef::Credential(n) => ("credential", n),
            SecretRef::Env(n) => ("env", n),
            SecretRef::File(n) => ("file", n),
            SecretRef::Ini { path, section, key } => return write!(f, "ini:{path}#{section}.{key}"),
            SecretRef::Cmd(n) => ("cmd", n),
        };
        write!(f, "{scheme}:{rest}")
    }
}

/// The value of one field of the provider's form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldValue {
    /// A plain value.
    Text(String),
    /// A list (the arguments of a command).
    List(Vec<String>),
    /// A secret's whereabouts.
    Secret(SecretRef),
}

impl FieldValue {
    /// The plain value, if it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            FieldValue::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// One configured use of a provider, with every default filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Integration {
    /// Its table key in the configuration.
    pub id: IntegrationId,
    /// The provider's id.
    pub provider: String,
    /// The title shown; the id when the user gave none.
    pub name: String,
    /// The user's labels, for filters.
    pub tags: Vec<String>,
    /// Field name to value, in the order of the file.
    pub fields: IndexMap<String, FieldValue>,
    /// `false`: kept in the file, not on the board's schedule (paused for good).
    pub enabled: bool,
    /// Time between checks.
    pub interval: Duration,
    /// Total time one attempt may take.
    pub timeout: Duration,
    /// Attempts in one check, the first included (1 to 10).
    pub attempts: u32,
    /// Consecutive failed checks that open an incident (≥ 1).
    pub failures_to_open: u32,
    /// Consecutive good checks that close it (≥ 1).
    pub successes_to_close: u32,
    /// The user's own statement of when the credential dies.
    pub expires: Option<jiff::Timestamp>,
    /// A PEM file of roots trusted for this integration in addition to the platform's.
    pub ca_file: Option<String>,
    /// Do not verify TLS certificates. Never the default; shown as a warning.
    pub insecure: bool,
    /// Latency above which an active integration gets the warning `slow`.
    pub slow: Option<Duration>,
    /// Scopes without which the integration counts as unauthorized.
    pub needs_scopes: Vec<String>,
}

impl Integration {
    /// The secret references among the fields, with the field's name.
    pub fn secrets(&self) -> impl Iterator<Item = (&str, &SecretRef)> {
        self.fields.iter().filter_map(|(name, value)| match value {
            FieldValue::Secret(reference) => Some((name.as_str(), reference)),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::SecretRef;

    #[test]
    fn a_value_of_an_ini_file_is_told_by_section_and_key() {
        for (text, wanted) in [
            (
                "ini:~/.aws/config#profile dev.eu.aws_secret_access_key",
                ("~/.aws/config", "profile dev.eu", "aws_secret_access_key"),
            ),
            ("ini:/a#b#default.key", ("/a#b", "default", "key")),
            ("ini:~/.rc#.//host.example/:_token", ("~/.rc", "", "//host.example/:_token")),
        ] {
            let read: SecretRef = text.parse().unwrap();
            let (path, section, key) = wanted;
            assert_eq!(read, SecretRef::Ini { path: path.into(), section: section.into(), key: key.into() });
            assert_eq!(read.to_string(), text);
        }
        for bad in ["ini:", "ini:/a", "ini:/a#key", "ini:#default.key", "ini:/a#default.", "ini:/a#."] {
            assert!(bad.parse::<SecretRef>().is_err(), "{bad}");
        }
    }
}
