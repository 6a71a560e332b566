//! One request of a definition: how it is built from fields. Pure: `checks::http` sends what this builds.

use super::{
    auth::Scheme,
    template::{Place, Template, UNRESERVED},
};
use crate::model::Secret;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header::CONTENT_TYPE};
use indexmap::IndexMap;
use percent_encoding::utf8_percent_encode;
use zeroize::Zeroizing;

/// A request ready to be sent. `Debug` shows no header value, path or query: all of them may hold the credential.
pub struct Request {
    /// `GET`, `POST`.
    pub method: Method,
    /// Whole URL.
    pub url: reqwest::Url,
    /// Headers; the credential's are marked sensitive.
    pub headers: HeaderMap,
    /// Body, JSON unless a header says otherwise.
    pub body: Option<Zeroizing<String>>,
    /// A file that is streamed from disk as the body.
    pub file: Option<std::path::PathBuf>,
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Request({} {})", self.method, self.url.host_str().unwrap_or_default())
    }
}

impl Request {
    /// One without headers and body.
    pub fn new(method: Method, url: reqwest::Url) -> Request {
        Request { method, url, headers: HeaderMap::new(), body: None, file: None }
    }

    /// Adds members to the form that is the body (`application/x-www-form-urlencoded`).
    pub(super) fn add_to_form<'a>(&mut self, members: impl Iterator<Item = (&'a str, &'a str)>) {
        let mut text = self.body.take().unwrap_or_default();
        for (name, value) in members {
            let encoded = |t| utf8_percent_encode(t, UNRESERVED);
            let separator = if text.is_empty() { "" } else { "&" };
            let pair = Zeroizing::new(format!("{separator}{}={}", encoded(name), encoded(value)));
            text.push_str(&pair);
        }
        self.body = Some(text);
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    }
}

/// A request that cannot be built from these fields. Never quotes a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadField(pub String);

/// A JSON body whose texts are templates.
#[derive(Debug, Clone)]
pub(super) enum Body {
    Text(Template),
    Plain(serde_json::Value),
    List(Vec<Body>),
    Table(Vec<(String, Body)>),
}

/// A request whose parts are templates.
#[derive(Debug, Clone)]
pub struct RequestTemplate {
    pub(super) base: Template,
    pub(super) method: Method,
    pub(super) path: Template,
    pub(super) query: Template,
    pub(super) headers: Vec<(HeaderName, Template)>,
    pub(super) body: Option<Body>,
    /// Members of a form, sent instead of a body.
    pub(super) form: Vec<(String, Template)>,
    pub(super) auth: Vec<Scheme>,
    /// Whether a field `base_url` takes the address's place.
    pub(super) movable: bool,
}

pub(super) fn body_template(value: &toml::Value, template: &mut impl FnMut(&str) -> Option<Template>) -> Option<Body> {
    Some(match value {
        toml::Value::String(text) => Body::Text(template(text)?),
        toml::Value::Array(all) => Body::List(all.iter().map(|v| body_template(v, template)).collect::<Option<_>>()?),
        toml::Value::Table(table) => Body::Table(
            table.iter().map(|(k, v)| Some((k.clone(), body_template(v, template)?))).collect::<Option<_>>()?,
        ),
        other => Body::Plain(serde_json::to_value(other).ok()?),
    })
}

impl Body {
    fn fill<'a>(&self, value: &impl Fn(&str) -> Option<&'a str>) -> Result<serde_json::Value, BadField> {
        Ok(match self {
            Body::Text(template) => template.fill(Place::Json, value)?.unwrap_or_default().into(),
            Body::Plain(plain) => plain.clone(),
            Body::List(all) => all.iter().map(|b| b.fill(value)).collect::<Result<Vec<_>, _>>()?.into(),
            Body::Table(all) => {
                let filled = all.iter().map(|(k, b)| Ok((k.clone(), b.fill(value)?)));
                serde_json::Value::Object(filled.collect::<Result<_, BadField>>()?)
            }
        })
    }
}

fn has(name: &str, fields: &IndexMap<String, String>, secrets: &IndexMap<String, Secret>) -> bool {
    secrets
        .get(name)
        .map(Secret::expose)
        .or_else(|| fields.get(name).map(String::as_str))
        .is_some_and(|v| !v.is_empty())
}

impl RequestTemplate {
    /// Whether the answer has headers alone.
    pub fn asks_head(&self) -> bool {
        self.method == Method::HEAD
    }

    /// The feature that this build would need to sign it and has not.
    pub fn lacks(&self) -> Option<&'static str> {
        let signed = self.auth.iter().any(|scheme| matches!(scheme, Scheme::SigV4(_)));
        (signed && !cfg!(feature = "aws")).then_some("aws")
    }

    /// Whether some scheme of its signs this machine's time along.
    pub fn signs_the_time(&self) -> bool {
        let timed = |s: &Scheme| matches!(s, Scheme::SigV4(_) | Scheme::SharedKey(_) | Scheme::KeyFile { .. });
        self.auth.iter().any(timed)
    }

    /// Whether a credential travels with it.
    pub fn signs(&self) -> bool {
        self.auth.iter().any(|scheme| !scheme.fields().is_empty())
    }

    /// Builds the request: templates are filled with each position's encoder, the auth scheme applied.
    /// `fields` are plain values (defaults filled in), `secrets` the resolved secret fields.
    pub fn build(
        &self,
        fields: &IndexMap<String, String>,
        secrets: &IndexMap<String, Secret>,
    ) -> Result<Request, BadField> {
        let mut request = self.unsigned(fields)?;
        self.sign(&mut request, fields, secrets)?;
        Ok(request)
    }

    /// The same without a credential.
    pub fn unsigned(&self, fields: &IndexMap<String, String>) -> Result<Request, BadField> {
        let plain = |name: &str| fields.get(name).map(String::as_str);
        let path = self.path.fill(Place::Path, plain)?.unwrap_or_default();
        let query = self.query.fill(Place::Query, plain)?.unwrap_or_default();
        let mut request = Request::new(self.method.clone(), below(self.base_url(fields)?, &path, &query));
        for (name, template) in &self.headers {
            put_header(&mut request.headers, name, template, plain)?;
        }
        let body = self.body.as_ref().map(|b| b.fill(&plain)).transpose()?;
        request.body = body.map(|b| Zeroizing::new(b.to_string()));
        if !self.form.is_empty() {
            let mut members = Vec::new();
            for (name, template) in &self.form {
                if let Some(value) = template.fill(Place::Json, plain)? {
                    members.push((name.as_str(), value));
                }
            }
            request.add_to_form(members.iter().map(|(name, value)| (*name, value.as_str())));
        }
        Ok(request)
    }

    /// Puts the credential in: the first scheme whose fields all have values.
    pub fn sign(
        &self,
        request: &mut Request,
        fields: &IndexMap<String, String>,
        secrets: &IndexMap<String, Secret>,
    ) -> Result<(), BadField> {
        sign(&self.auth, request, fields, secrets)
    }

    /// Whether a request to an address without a path of its own is this one.
    pub fn is_for(&self, method: &Method, path: &str, fields: &IndexMap<String, String>) -> bool {
        let own = self.path.fill(Place::Path, |name| fields.get(name).map(String::as_str));
        self.method == method && own.is_ok_and(|own| own.as_deref() == Some(path))
    }

    /// Whether some scheme has all it needs.
    pub(super) fn is_ready(&self, fields: &IndexMap<String, String>, secrets: &IndexMap<String, Secret>) -> bool {
        self.auth.iter().any(|s| s.fields().iter().all(|name| has(name, fields, secrets)))
    }

    /// Whether some scheme has a part of what it needs.
    pub(super) fn is_begun(&self, fields: &IndexMap<String, String>, secrets: &IndexMap<String, Secret>) -> bool {
        self.auth.iter().any(|s| s.fields().iter().any(|name| has(name, fields, secrets)))
    }

    /// The base URL these fields lead to. Only http and https, no user name or password in it.
    pub fn base_url(&self, fields: &IndexMap<String, String>) -> Result<reqwest::Url, BadField> {
        based(&self.base, fields, self.movable)
    }
}

/// The address a base leads to with these fields. A field `base_url` takes its place where that may move it.
pub(super) fn based(
    base: &Template,
    fields: &IndexMap<String, String>,
    movable: bool,
) -> Result<reqwest::Url, BadField> {
    let own = fields.get("base_url").map(|v| v.trim()).filter(|v| !v.is_empty() && movable);
    let text = match (own, base.whole()) {
        (Some(own), _) => own.to_owned(),
        (None, Some(name)) => fields.get(name).map(|v| v.trim().to_owned()).unwrap_or_default(),
        (None, None) => base.fill(Place::Host, |name| fields.get(name).map(String::as_str))?.unwrap_or_default(),
    };
    address(&text)
}

/// Reads an address: only http and https, nobody's name or password in it, nothing behind the path.
pub(super) fn address(text: &str) -> Result<reqwest::Url, BadField> {
    let bad = |why: &str| BadField(format!("the address '{}' {why}", crate::model::text::sanitize(text, 200)));
    let url = reqwest::Url::parse(text).map_err(|_| bad("is not a URL: write one like https://example.org"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(bad("must begin with https:// or http://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(BadField(
            "the address holds a user name or password: use the fields of the form for them".to_owned(),
        ));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(bad("must end before '?' and '#'"));
    }
    Ok(url)
}

/// Puts the credential in: the first of these schemes whose fields all have values.
pub(super) fn sign(
    auth: &[Scheme],
    request: &mut Request,
    fields: &IndexMap<String, String>,
    secrets: &IndexMap<String, Secret>,
) -> Result<(), BadField> {
    let any = |name: &str| secrets.get(name).map(Secret::expose).or_else(|| fields.get(name).map(String::as_str));
    let given = |name: &&str| has(name, fields, secrets);
    if let Some(scheme) = auth.iter().find(|s| s.fields().iter().all(given)) {
        scheme.sign(request, &any)?;
    } else if let Some(begun) = auth.iter().find(|s| auth.len() == 1 || s.fields().iter().any(given)) {
        let missing = begun.fields().into_iter().find(|f| !given(f)).unwrap_or_default();
        return Err(BadField(format!("the field '{missing}' is empty: the check cannot sign in without it")));
    }
    Ok(())
}

/// The URL of a path under a base. A request for "/" is one for the address itself: some servers know no other way to
/// write it.
pub(super) fn below(mut base: reqwest::Url, path: &str, query: &str) -> reqwest::Url {
    if path != "/" {
        let joined = format!("{}{path}", base.path().trim_end_matches('/'));
        base.set_path(&joined);
    }
    if !query.is_empty() {
        base.set_query(Some(query));
    }
    base
}

/// Sets a header; one whose placeholders are all empty is left out.
pub(super) fn put_header<'a>(
    headers: &mut HeaderMap,
    name: &HeaderName,
    template: &Template,
    value: impl Fn(&str) -> Option<&'a str>,
) -> Result<(), BadField> {
    if let Some(text) = template.fill(Place::Header, value)? {
        let value = HeaderValue::from_str(&text)
            .map_err(|_| BadField(format!("the header '{name}' would hold characters that no header may carry")))?;
        headers.insert(name.clone(), value);
    }
    Ok(())
}
