//! What every probe is given.

use super::stream::failed;
use crate::model::{Cause, Integration, Outcome, Secret};
use indexmap::IndexMap;
use std::time::Duration;

/// One attempt's input: everything resolved, nothing left to look up.
pub struct Input<'a> {
    /// The integration.
    pub integration: &'a Integration,
    /// Plain fields with the definition's defaults filled in.
    pub fields: &'a IndexMap<String, String>,
    /// List fields.
    pub lists: &'a IndexMap<String, Vec<String>>,
    /// Secret fields, resolved.
    pub secrets: &'a IndexMap<String, Secret>,
    /// Time this attempt may take in all.
    pub timeout: Duration,
    /// The client TLS configuration to use for raw TLS (platform roots, own CA, or unverified when the user said so).
    pub tls: std::sync::Arc<rustls::ClientConfig>,
}

impl Input<'_> {
    /// A plain field, if it has a value.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str).filter(|v| !v.is_empty())
    }

    /// A secret, if it has a value.
    pub fn secret(&self, name: &str) -> Option<&Secret> {
        self.secrets.get(name).filter(|s| !s.is_empty())
    }

    /// The field `tls` where it is `yes` or `no`, which is what an empty one means.
    pub fn wants_tls(&self) -> Result<bool, Box<Outcome>> {
        match self.field("tls").unwrap_or("no") {
            "yes" => Ok(true),
            "no" => Ok(false),
            other => Err(failed(Cause::Misconfigured, "field 'tls'", &format!("'{other}' is neither yes nor no"))),
        }
    }

    /// User name and password, where only both together make sense. `None`: neither was given.
    pub fn account(&self) -> Result<Option<(&str, &Secret)>, Box<Outcome>> {
        match (self.field("username"), self.secret("password")) {
            (None, None) => Ok(None),
            (Some(user), Some(password)) => Ok(Some((user, password))),
            (Some(_), None) => {
                Err(failed(Cause::MissingCredential, "field 'password'", "a user name, but no password"))
            }
            (None, Some(_)) => Err(failed(Cause::Misconfigured, "field 'username'", "a password, but no user name")),
        }
    }
}
