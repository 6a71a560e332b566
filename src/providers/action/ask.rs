//! The HTTP half of an action: its request, the one before it that finds something out, and a free one.

use super::{
    ParamKind, Values,
    payload::{Payload, path_place},
};
use crate::{
    model::Secret,
    providers::{
        auth::Scheme,
        expression::{Expression, Scope},
        http::{Answer, HttpProbe},
        request::{BadField, Request, based, below, put_header, sign},
        template::{Place, Template},
    },
};
use http::{HeaderName, Method};
use indexmap::IndexMap;

/// Longest value taken from the answer to a preparing request, in bytes.
const TAKEN: usize = 4096;

/// One request's first line and headers.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub method: Method,
    pub path: Template,
    /// One template for each pair: one whose placeholders are all empty is left out.
    pub query: Vec<Template>,
    pub headers: Vec<(HeaderName, Template)>,
}

/// A read before the request, for values that only the service knows.
#[derive(Debug, Clone)]
pub(super) struct Prepare {
    pub ask: Ask,
    pub ok: Option<Expression>,
    pub take: Vec<(String, Expression)>,
}

/// What an answer means where the check's rules do not say.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub when: Expression,
    /// `None`: the service refuses this request.
    pub cause: Option<crate::model::Cause>,
    pub until: Option<Expression>,
    pub message: Option<Expression>,
}

/// An action over HTTP, compiled.
#[derive(Debug, Clone)]
pub struct HttpAction {
    pub(super) base: Option<Template>,
    /// `None`: the check's.
    pub(super) auth: Option<Vec<Scheme>>,
    pub(super) ask: Ask,
    pub(super) payload: Payload,
    pub(super) prepare: Option<Prepare>,
    pub(super) ok: Option<Expression>,
    pub(super) result: Option<Expression>,
    pub(super) rules: Vec<Rule>,
    /// The parameters whose slashes stay.
    pub(super) kinds: IndexMap<String, ParamKind>,
}

/// What requests are made of beside the action itself.
pub struct Means<'a> {
    /// The definition's check: base address, auth and usual headers come from it.
    pub probe: &'a HttpProbe,
    /// Plain fields.
    pub fields: &'a IndexMap<String, String>,
    /// Secret fields.
    pub secrets: &'a IndexMap<String, Secret>,
}

impl HttpAction {
    /// `GET`, `POST`.
    pub fn method(&self) -> &Method {
        &self.ask.method
    }

    /// Whether asking again could do something twice.
    pub fn changes(&self) -> bool {
        !matches!(self.ask.method, Method::GET | Method::HEAD)
    }

    /// Whether it goes to an address of its own.
    pub fn goes_elsewhere(&self) -> bool {
        self.base.is_some()
    }

    /// Host and port it talks to, for the binding of secrets.
    pub fn host(&self, probe: &HttpProbe, fields: &IndexMap<String, String>) -> Option<String> {
        let url = self.request_base(probe, fields).ok()?;
        Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?))
    }

    /// The address under which it asks.
    pub(super) fn request_base(
        &self,
        probe: &HttpProbe,
        fields: &IndexMap<String, String>,
    ) -> Result<reqwest::Url, BadField> {
        match &self.base {
            Some(base) => based(base, fields, true),
            None => probe.request.base_url(fields),
        }
    }

    /// The request.
    pub fn request(&self, means: &Means<'_>, values: &Values) -> Result<Request, BadField> {
        let mut request = self.begin(&self.ask, means, values)?;
        self.payload.put(&mut request, values, means.fields)?;
        self.sign(request, means)
    }

    /// The request to be made before, if there is one and what it finds out was not given.
    pub fn preparing(&self, means: &Means<'_>, values: &Values) -> Result<Option<Request>, BadField> {
        let wanted = |p: &&Prepare| p.take.iter().any(|(name, _)| values.text(name).is_none());
        let Some(prepare) = self.prepare.as_ref().filter(wanted) else { return Ok(None) };
        let request = self.begin(&prepare.ask, means, values)?;
        self.sign(request, means).map(Some)
    }

    /// Takes what the preparing answer holds. `false`: it says that the action cannot go on.
    pub fn prepared(&self, answer: &Answer<'_>, fields: &IndexMap<String, String>, values: &mut Values) -> bool {
        let Some(prepare) = &self.prepare else { return true };
        let scope = Scope::new(answer, fields);
        let ok = prepare.ok.as_ref().map_or((200..300).contains(&answer.status), |ok| ok.holds(&scope));
        if ok {
            for (name, expression) in &prepare.take {
                if let Some(text) = expression.text(&scope).filter(|t| values.text(name).is_none() && t.len() <= TAKEN)
                {
                    values.set(name, text);
                }
            }
        }
        ok
    }

    fn sign(&self, mut request: Request, means: &Means<'_>) -> Result<Request, BadField> {
        let auth = self.auth.as_ref().unwrap_or(&means.probe.request.auth);
        sign(auth, &mut request, means.fields, means.secrets)?;
        Ok(request)
    }

    fn begin(&self, ask: &Ask, means: &Means<'_>, values: &Values) -> Result<Request, BadField> {
        let text = |name: &str| values.text(name).or_else(|| means.fields.get(name).map(String::as_str));
        let place = |name: &str| path_place(self.kinds.get(name).copied());
        let path = ask.path.fill_by(place, text)?.unwrap_or_default();
        let mut query = Vec::new();
        for pair in &ask.query {
            query.extend(pair.fill(Place::Query, text)?);
        }
        let url = below(self.request_base(means.probe, means.fields)?, &path, &query.join("&"));
        let mut request = Request::new(ask.method.clone(), url);
        let usual =
            means.probe.request.headers.iter().filter(|(name, _)| ask.headers.iter().all(|(own, _)| own != name));
        for (name, template) in usual.chain(&ask.headers) {
            put_header(&mut request.headers, name, template, text)?;
        }
        Ok(request)
    }
}

impl HttpProbe {
    /// A request of the user's own: any path under the base address, the credential and the usual headers as in a check.
    pub fn free(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
        fields: &IndexMap<String, String>,
        secrets: &IndexMap<String, Secret>,
    ) -> Result<Request, BadField> {
        let mut request = Request::new(method, under(self.request.base_url(fields)?, path)?);
        for (name, template) in &self.request.headers {
            put_header(&mut request.headers, name, template, |name| fields.get(name).map(String::as_str))?;
        }
        request.body = body.map(Into::into);
        self.request.sign(&mut request, fields, secrets)?;
        Ok(request)
    }
}

/// A path with its query under a base address; never above it, never elsewhere.
pub fn under(base: reqwest::Url, path: &str) -> Result<reqwest::Url, BadField> {
    let shown = || crate::model::text::sanitize(path, 100);
    if !path.starts_with('/') {
        return Err(BadField(format!(
            "'{}' is not a path under {}: begin it with '/', without the host",
            shown(),
            base.as_str().trim_end_matches('/')
        )));
    }
    let path = path.split('#').next().unwrap_or_default();
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let dots = |part: &str| matches!(part.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
    if path.split(['/', '\\']).any(dots) {
        return Err(BadField(format!("'{}' may not hold '.' or '..' as a part of its path", shown())));
    }
    Ok(below(base, path, query))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_free_path_stays_under_its_base() {
        let to = |path: &str| under("https://api.example/v1/".parse().unwrap(), path).map(|u| u.to_string());
        assert_eq!(to("/users?q=a b").unwrap(), "https://api.example/v1/users?q=a%20b");
        assert_eq!(to("/").unwrap(), "https://api.example/v1/");
        assert_eq!(to("//evil.example/x").unwrap(), "https://api.example/v1//evil.example/x");
        assert_eq!(to("/a@evil.example#f").unwrap(), "https://api.example/v1/a@evil.example");
        for bad in ["users", "https://evil.example/", "/../admin", "/a/%2e%2E/b", "/a\\..\\b", ""] {
            assert!(to(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_path_leaves_the_base(path in "/\\PC{0,40}") {
            if let Ok(url) = under("https://api.example/v1".parse().unwrap(), &path) {
                prop_assert_eq!(url.host_str(), Some("api.example"));
                prop_assert!(url.path().starts_with("/v1"), "{}", url);
                prop_assert!(url.username().is_empty() && url.fragment().is_none());
            }
        }
    }
}
