//! From a definition file's text to a [`Definition`], with every complaint at its line and column.

mod sign_in;

use super::{
    CodedKind, Definition, Example, Field, Limits, Origin, Probe, Problem, Recorded, action,
    auth::{self, Scheme},
    expression::Expression,
    http::{Also, HttpProbe, QuotaRule, Rule},
    level,
    request::{RequestTemplate, body_template},
    source,
    template::{TOKEN, Template},
};
use crate::model::{Provenance, SecretRef, id::is_valid_name};
use indexmap::IndexMap;
use std::{path::Path, time::Duration};
use toml::Spanned;

mod login;

/// Largest definition file, in bytes.
pub const LARGEST: usize = 256 * 1024;
/// Floor of definitions that name none.
const FLOOR: Duration = Duration::from_secs(10);

/// Where complaints about one file are gathered.
pub(super) struct Complaints<'a> {
    file: &'a Path,
    text: &'a str,
    found: Vec<Problem>,
    /// Expressions are taken as they are.
    trusted: bool,
    /// There is a sign-in before the requests compiled now.
    login: bool,
    /// Its token may be named here.
    token: bool,
}

impl Complaints<'_> {
    pub(super) fn at(&mut self, offset: Option<usize>, message: impl Into<String>) {
        let place = offset.map(|at| {
            let before = &self.text[..self.text.floor_char_boundary(at.min(self.text.len()))];
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            (before.matches('\n').count() + 1, column)
        });
        self.found.push(Problem {
            file: self.file.to_owned(),
            line: place.map(|p| p.0),
            column: place.map(|p| p.1),
            message: message.into(),
        });
    }

    pub(super) fn expression(&mut self, source: &Spanned<String>) -> Option<Expression> {
        if self.trusted {
            return Some(Expression::trusted(source.get_ref()));
        }
        Expression::compile(source.get_ref()).map_err(|e| self.at(Some(source.span().start), e)).ok()
    }

    pub(super) fn maybe(&mut self, source: Option<&Spanned<String>>) -> Option<Expression> {
        source.and_then(|s| self.expression(s))
    }

    /// `METHOD /path`.
    pub(super) fn request_line<'s>(&mut self, request: &'s Spanned<String>) -> Option<(http::Method, &'s str)> {
        let read = request.get_ref().split_once(' ').filter(|(_, path)| path.starts_with('/'));
        let read = read.and_then(|(method, path)| Some((method.parse::<http::Method>().ok()?, path)));
        if read.is_none() {
            self.at(Some(request.span().start), format!("'{}' is not METHOD /path", request.get_ref()));
        }
        read
    }

    pub(super) fn template(
        &mut self,
        text: &str,
        at: Option<usize>,
        fields: &IndexMap<String, Field>,
    ) -> Option<Template> {
        let template = Template::parse(text).map_err(|e| self.at(at, e)).ok()?;
        let known = |field: &str| fields.contains_key(field) || (field == TOKEN && self.token);
        let unknown = template.fields().find(|f| !known(f)).map(str::to_owned);
        if unknown.as_deref() == Some(TOKEN) {
            self.at(at, "'{{ login.token }}' is the token of a table [login]: it stands in the check's [auth] alone");
            return None;
        }
        if let Some(unknown) = unknown {
            self.at(at, format!("'{{{{ {unknown} }}}}' names no field of this definition"));
            return None;
        }
        Some(template)
    }
}

/// Compiles one file. `Err` holds every complaint found.
pub fn compile(file: &Path, text: &str, origin: Origin) -> Result<Definition, Vec<Problem>> {
    read(Complaints { file, text, found: Vec::new(), trusted: false, login: false, token: false }, origin)
}

/// Compiles a file that a test has compiled with [`compile`]: its expressions are not looked at before they are used.
pub(super) fn compile_trusted(file: &Path, text: &str) -> Result<Definition, Vec<Problem>> {
    read(Complaints { file, text, found: Vec::new(), trusted: true, login: false, token: false }, Origin::BuiltIn)
}

fn read(mut complaints: Complaints<'_>, origin: Origin) -> Result<Definition, Vec<Problem>> {
    let text = complaints.text;
    if text.len() > LARGEST {
        complaints.at(None, format!("the file has {} bytes; {LARGEST} at most", text.len()));
        return Err(complaints.found);
    }
    let source: source::File = match toml::from_str(text) {
        Ok(source) => source,
        Err(error) => {
            complaints.at(error.span().map(|s| s.start), error.message());
            return Err(complaints.found);
        }
    };
    let definition = assemble(&mut complaints, source, origin);
    match definition {
        Some(definition) if complaints.found.is_empty() => Ok(definition),
        _ => Err(complaints.found),
    }
}

fn assemble(c: &mut Complaints<'_>, source: source::File, origin: Origin) -> Option<Definition> {
    let id = source.id.get_ref().clone();
    if !is_valid_name(&id) {
        c.at(
            Some(source.id.span().start),
            format!("'{id}' is not a valid id: lower-case letters, digits, '-' and '_'"),
        );
    }
    let stem = c.file.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    if stem != id {
        c.at(Some(source.id.span().start), format!("the id '{id}' must equal the file's name '{stem}'"));
    }
    let fields = fields(c, source.fields);
    for word in source.untold.iter().filter(|w| !level::UNTOLD.contains(&w.get_ref().as_str())) {
        let known = level::UNTOLD.join(", ");
        c.at(Some(word.span().start), format!("'{}' cannot be untold; there are: {known}", word.get_ref()));
    }
    let untold = source.untold.into_iter().map(Spanned::into_inner).collect();
    let min_interval = match &source.min_interval {
        None => FLOOR,
        Some(text) => floor(text.get_ref()).unwrap_or_else(|| {
            c.at(Some(text.span().start), format!("'{}' is not a time: write \"30s\" or \"5m\"", text.get_ref()));
            FLOOR
        }),
    };
    c.login = source.login.is_some();
    let auth = auth(c, source.auth, &fields);
    let kind = source.check.kind.get_ref().clone();
    let at = source.check.kind.span().start;
    let cost = source.check.cost.clone();
    let probe = match kind.as_str() {
        "http" => {
            let parts = Parts { quota: source.quota, facts: source.facts, expiry: source.expiry };
            let probe = http(c, source.check, source.base_url.as_ref(), parts, auth, source.also, &fields);
            let login = source.login.zip(source.base_url).map(|(l, base)| login::login(c, l, &base, &fields));
            probe.map(|p| Probe::Http(Box::new(HttpProbe { login: login.flatten(), ..p })))
        }
        other => {
            let kind = CodedKind::parse(other);
            if kind.is_none() {
                c.at(
                    Some(at),
                    format!(
                        "'{other}' is not a kind of check: http, http_any, tcp, tls, dns, ping, command, redis, postgres, mysql, mongodb, sqlite, nats, mqtt, kafka, smtp"
                    ),
                );
            }
            kind.map(Probe::Coded)
        }
    }?;
    let oauth = source.oauth.and_then(|table| sign_in::compile(c, table, &probe, &fields));
    let compile = |(name, action)| {
        let compiled = action::compile::compile(c, name, action, &probe, &fields)?;
        Some((compiled.name.clone(), compiled))
    };
    let actions = source.action.into_iter().filter_map(compile).collect();
    let limits = Limits {
        second: source.limits.second,
        minute: source.limits.minute,
        hour: source.limits.hour,
        day: source.limits.day,
    };
    for example in source.example.iter().filter(|e| e.response.is_none() && e.login.is_none()) {
        c.at(None, format!("the example '{}' has no 'response'", example.name));
    }
    let examples = source.example.into_iter().map(example).collect();
    Some(Definition {
        id,
        name: source.name,
        category: source.category,
        docs: source.docs,
        key_url: source.key_url,
        cost,
        fields,
        probe,
        oauth,
        limits,
        min_interval,
        status_page: source.status_page,
        untold,
        proved: source.proved,
        advice: source.advice,
        examples,
        actions,
        origin,
    })
}

fn floor(text: &str) -> Option<Duration> {
    let seconds = super::time::duration(text, 0.0).filter(|s| (1.0..=86_400.0).contains(s))?;
    Some(Duration::from_secs_f64(seconds))
}

fn fields(c: &mut Complaints<'_>, source: IndexMap<String, source::Field>) -> IndexMap<String, Field> {
    let mut fields = IndexMap::new();
    for (name, f) in source {
        let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if !plain {
            c.at(None, format!("'{name}' is not a field's name: lower-case letters, digits and '_'"));
        }
        if f.secret && f.default.is_some() {
            c.at(None, format!("the secret field '{name}' may have no default"));
        }
        for file in &f.files {
            if !matches!(file.get_ref().parse(), Ok(SecretRef::Ini { .. })) {
                let message = "'files' takes references such as \"ini:~/.config/tool#SECTION.KEY\"";
                c.at(Some(file.span().start), message);
            }
        }
        if let Some(pattern) = &f.pattern
            && let Err(error) = regex_lite::Regex::new(pattern.get_ref())
        {
            c.at(Some(pattern.span().start), format!("the pattern of '{name}' is not a regular expression: {error}"));
        }
        let field = Field {
            name: name.clone(),
            label: f.label,
            secret: f.secret,
            required: f.required,
            list: f.list,
            default: f.default,
            env: f.env,
            files: f.files.into_iter().map(Spanned::into_inner).collect(),
            pattern: f.pattern.map(Spanned::into_inner),
            choices: f.choices,
            help: f.help,
            example: f.example,
        };
        fields.insert(name, field);
    }
    fields
}

/// Compiles the alternatives of a sign-in.
pub(super) fn auth(c: &mut Complaints<'_>, source: source::OneOrMany, fields: &IndexMap<String, Field>) -> Vec<Scheme> {
    // A table that may also be an array of tables loses its spans, so the place is looked for.
    let auth_at = c.text.find("[auth").or_else(|| c.text.find("auth"));
    c.token = c.login;
    let schemes = auth::compile(source.into_vec(), |text| {
        let at = auth_at.and_then(|from| Some(from + c.text[from..].find(text)?));
        c.template(text, at.or(auth_at), fields)
    });
    c.token = false;
    schemes.unwrap_or_else(|error| {
        c.at(auth_at, error);
        Vec::new()
    })
}

/// What is read from an answer beside its verdict.
struct Parts {
    quota: Vec<source::Quota>,
    facts: IndexMap<String, Spanned<String>>,
    expiry: source::Expiry,
}

fn http(
    c: &mut Complaints<'_>,
    check: source::Check,
    base_url: Option<&Spanned<String>>,
    parts: Parts,
    auth: Vec<Scheme>,
    also: Vec<source::Also>,
    fields: &IndexMap<String, Field>,
) -> Option<HttpProbe> {
    let kind_at = check.kind.span().start;
    let Some(base_url) = base_url else {
        c.at(Some(kind_at), "an http check needs 'base_url'");
        return None;
    };
    let Some(line) = &check.request else {
        c.at(Some(kind_at), "an http check needs 'request', such as \"GET /user\"");
        return None;
    };
    let Some(active) = &check.active else {
        c.at(Some(kind_at), "an http check needs 'active': the expected status and the expected content");
        return None;
    };
    let also = also
        .into_iter()
        .filter_map(|also| {
            let auth = also.auth.map_or_else(|| auth.clone(), |own| self::auth(c, own, fields));
            let base = also.base_url.as_ref().unwrap_or(base_url);
            let request = request(c, base, &also.request, &also.headers, also.body.as_ref(), auth, fields);
            let request = with_form(c, request, &also.form, fields);
            let parts = Parts { quota: also.quota, facts: also.facts, expiry: also.expiry };
            let mut probe = judged(c, request, &also.active, &also.rule, parts)?;
            probe.identity = c.maybe(also.identity.as_ref());
            let examples = also.example.into_iter().map(example).collect();
            Some(Also { name: also.name, probe, decides: also.decides, examples })
        })
        .collect();
    let request = request(c, base_url, line, &check.headers, check.body.as_ref(), auth, fields);
    let request = with_form(c, request, &check.form, fields);
    let mut probe = judged(c, request, active, &check.rule, parts)?;
    probe.identity = c.maybe(check.identity.as_ref());
    probe.degraded = c.maybe(check.degraded.as_ref());
    probe.also = also;
    Some(probe)
}

fn rules(c: &mut Complaints<'_>, rules: &[source::Rule]) -> Vec<Rule> {
    rules
        .iter()
        .filter_map(|r| {
            Some(Rule {
                when: c.expression(&r.when)?,
                cause: r.cause,
                until: c.maybe(r.until.as_ref()),
                message: c.maybe(r.message.as_ref()),
                missing_scope: c.maybe(r.missing_scope.as_ref()),
            })
        })
        .collect()
}

fn judged(
    c: &mut Complaints<'_>,
    request: Option<RequestTemplate>,
    active: &Spanned<String>,
    rules: &[source::Rule],
    parts: Parts,
) -> Option<HttpProbe> {
    let rules = self::rules(c, rules);
    let quotas = parts
        .quota
        .iter()
        .map(|q| QuotaRule {
            name: q.name.clone(),
            unit: q.unit.clone(),
            limit: c.maybe(q.limit.as_ref()),
            left: c.maybe(q.left.as_ref()),
            used: c.maybe(q.used.as_ref()),
            resets: c.maybe(q.resets.as_ref()),
            provenance: q.provenance.unwrap_or(Provenance::Reported),
        })
        .collect();
    let facts = parts.facts.iter().filter_map(|(label, e)| Some((label.clone(), c.expression(e)?))).collect();
    Some(HttpProbe {
        active: c.expression(active)?,
        identity: None,
        degraded: None,
        rules,
        quotas,
        facts,
        expires: c.maybe(parts.expiry.credential.as_ref()),
        also: Vec::new(),
        login: None,
        request: request?,
    })
}

fn request(
    c: &mut Complaints<'_>,
    base_url: &Spanned<String>,
    line: &Spanned<String>,
    given: &IndexMap<String, Spanned<String>>,
    body: Option<&toml::Value>,
    auth: Vec<Scheme>,
    fields: &IndexMap<String, Field>,
) -> Option<RequestTemplate> {
    let at = Some(line.span().start);
    let (method, path) = c.request_line(line)?;
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let path = c.template(path, at, fields);
    let query = c.template(query, at, fields);
    let base = c.template(base_url.get_ref(), Some(base_url.span().start), fields);
    let mut headers = Vec::new();
    for (name, value) in given {
        match name.parse::<http::HeaderName>() {
            Ok(header) => {
                if let Some(value) = c.template(value.get_ref(), Some(value.span().start), fields) {
                    headers.push((header, value));
                }
            }
            Err(_) => c.at(Some(value.span().start), format!("'{name}' is not a header's name")),
        }
    }
    let body = body.map(|body| body_template(body, &mut |text| c.template(text, None, fields)));
    Some(RequestTemplate {
        base: base?,
        method,
        path: path?,
        query: query?,
        headers,
        body: body.flatten(),
        form: Vec::new(),
        auth,
        movable: true,
    })
}

/// The request with a form for a body.
fn with_form(
    c: &mut Complaints<'_>,
    request: Option<RequestTemplate>,
    source: &IndexMap<String, Spanned<String>>,
    fields: &IndexMap<String, Field>,
) -> Option<RequestTemplate> {
    let mut request = request?;
    for (name, value) in source {
        let at = Some(value.span().start);
        if request.body.is_some() {
            c.at(at, "a request has one body: 'form' or 'body', not both");
        }
        request.form.push((name.clone(), c.template(value.get_ref(), at, fields)?));
    }
    Some(request)
}

pub(super) fn recorded(source: source::Response) -> Recorded {
    Recorded { status: source.status, headers: source.headers.into_iter().collect(), body: source.body }
}

fn example(source: source::Example) -> Example {
    Example {
        name: source.name,
        login: source.login.map(recorded),
        response: source.response.map(recorded),
        fields: source.fields,
        control: source.control,
        expect_status: source.expect.status,
        expect_cause: source.expect.cause,
        expect_identity: source.expect.identity,
        expect_quota_left: source.expect.quota_left,
        expect_until: source.expect.until,
        expect_missing_scope: source.expect.missing_scope,
    }
}
