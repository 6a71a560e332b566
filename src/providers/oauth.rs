//! `[oauth]`: where a service signs people and applications in (OAuth 2.0), and what it wants to be told.

use super::{
    Definition, Probe,
    request::{BadField, address},
    template::{Place, Template},
};
use indexmap::IndexMap;
use reqwest::Url;

/// A way to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// A code is typed into a browser anywhere (device authorization grant).
    Device,
    /// A browser on this machine comes back to it (authorization code with PKCE).
    Browser,
    /// The application signs in for itself (client credentials).
    Client,
}

impl Way {
    /// One word, as the flags of `login` have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Way::Device => "device",
            Way::Browser => "browser",
            Way::Client => "client",
        }
    }
}

/// An address of the service: a path below the base, or a whole URL.
#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    /// `https://login.example`; `None`: the base.
    pub origin: Option<Template>,
    pub path: Template,
}

/// The table, compiled.
#[derive(Debug, Clone)]
pub struct OAuth {
    /// The secret field that takes the access token.
    pub field: String,
    /// The plain field with the application's id.
    pub client_id: String,
    /// The secret field with the application's secret.
    pub client_secret: Option<String>,
    /// The ways that cannot do without one.
    pub secret_for: Vec<Way>,
    /// The secret travels in a `Basic` header instead of the form.
    pub basic: bool,
    /// Where a person registers an application.
    pub app_url: Option<String>,
    /// What to know when registering it.
    pub help: String,
    pub(super) base: Option<Template>,
    pub(super) device: Option<Endpoint>,
    pub(super) authorize: Option<Endpoint>,
    pub(super) token: Endpoint,
    pub(super) client: bool,
    pub(super) scopes: Option<Template>,
    pub(super) params: Vec<(String, Template)>,
    pub(super) authorize_params: Vec<(String, Template)>,
}

/// The table with an integration's fields filled in.
#[derive(Debug, Clone)]
pub struct Endpoints {
    /// Device authorization.
    pub device: Option<Url>,
    /// Where a browser is sent.
    pub authorize: Option<Url>,
    /// Tokens.
    pub token: Url,
    /// What is asked for, separated by blanks; may be empty.
    pub scope: String,
    /// More members of requests to the device and token endpoints.
    pub params: Vec<(String, String)>,
    /// More members of the address that a browser is sent to.
    pub authorize_params: Vec<(String, String)>,
}

impl OAuth {
    /// The ways that the service has, the one to begin with first.
    pub fn ways(&self) -> Vec<Way> {
        let there = [
            (Way::Device, self.device.is_some()),
            (Way::Browser, self.authorize.is_some()),
            (Way::Client, self.client),
        ];
        there.into_iter().filter(|(_, is)| *is).map(|(way, _)| way).collect()
    }

    fn base(&self, definition: &Definition, fields: &IndexMap<String, String>) -> Result<Url, BadField> {
        let own = fields.get("oauth_url").map(|v| v.trim()).filter(|v| !v.is_empty());
        match (own, &self.base, &definition.probe) {
            (Some(own), ..) => address(own),
            (None, Some(base), _) => address(&filled(base, Place::Host, fields)?),
            (None, None, Probe::Http(probe)) => probe.request.base_url(fields),
            (None, None, Probe::Coded(_)) => Err(BadField("the definition's [oauth] has no 'base_url'".to_owned())),
        }
    }
}

impl Definition {
    /// Where these plain fields lead to (defaults filled in). Only https, but for this machine itself.
    ///
    /// # Errors
    /// The service has no sign-in, or a field does not fit its place.
    pub fn endpoints(&self, fields: &IndexMap<String, String>) -> Result<Endpoints, BadField> {
        let oauth =
            self.oauth.as_ref().ok_or_else(|| BadField(format!("{} has no sign-in of this kind", self.name)))?;
        let url = |endpoint: &Endpoint| {
            let base = match &endpoint.origin {
                Some(origin) => address(&filled(origin, Place::Host, fields)?)?,
                None => oauth.base(self, fields)?,
            };
            let mut url = base;
            let path = filled(&endpoint.path, Place::Path, fields)?;
            let joined = format!("{}{path}", url.path().trim_end_matches('/'));
            url.set_path(&joined);
            let here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
            if url.scheme() != "https" && !here {
                return Err(BadField(format!(
                    "signing in at '{}' would send secrets in the clear: the address must begin with https://",
                    crate::model::text::sanitize(url.host_str().unwrap_or_default(), 200)
                )));
            }
            Ok(url)
        };
        let all = |params: &[(String, Template)]| {
            let filled = params.iter().map(|(key, value)| Ok((key.clone(), filled(value, Place::Json, fields)?)));
            filled.filter(|p| !matches!(p, Ok((_, value)) if value.is_empty())).collect::<Result<Vec<_>, BadField>>()
        };
        Ok(Endpoints {
            device: oauth.device.as_ref().map(url).transpose()?,
            authorize: oauth.authorize.as_ref().map(url).transpose()?,
            token: url(&oauth.token)?,
            scope: oauth.scopes.as_ref().map_or(Ok(String::new()), |s| filled(s, Place::Json, fields))?,
            params: all(&oauth.params)?,
            authorize_params: all(&oauth.authorize_params)?,
        })
    }
}

fn filled(template: &Template, place: Place, fields: &IndexMap<String, String>) -> Result<String, BadField> {
    Ok(template.fill(place, |name| fields.get(name).map(String::as_str))?.unwrap_or_default())
}

/// Splits an endpoint's text: `/path`, or `https://host/path`.
pub(super) fn split(text: &str) -> Option<(Option<&str>, &str)> {
    if text.starts_with('/') {
        return Some((None, text));
    }
    let host = text.strip_prefix("https://")?;
    let slash = "https://".len() + host.find('/')?;
    Some((Some(&text[..slash]), &text[slash..]))
}
