//! From an `[action.NAME]` table to an [`Action`], with every complaint at its line and column.

mod params;

use super::{
    Action, CodedAction, FREE, HttpAction, LONGEST, ParamKind, Way,
    ask::{Ask, Prepare, Rule},
    example,
    payload::Payload,
    source,
};
use crate::{
    model::id::is_valid_name,
    providers::{
        Field, Probe,
        compile::{Complaints, auth},
        request::body_template,
        template::Template,
    },
};
use indexmap::IndexMap;
use std::time::Duration;
use toml::Spanned;

/// What templates of one action may name.
struct Names<'a> {
    fields: &'a IndexMap<String, Field>,
    /// Parameters and what a preparing request finds out.
    own: Vec<String>,
}

/// Compiles one action.
pub(in crate::providers) fn compile(
    c: &mut Complaints<'_>,
    name: String,
    source: source::Action,
    probe: &Probe,
    fields: &IndexMap<String, Field>,
) -> Option<Action> {
    let at = Some(source.label.span().start);
    if !is_valid_name(&name) || name == FREE {
        c.at(
            at,
            format!("'{name}' is not an action's name: lower-case letters, digits, '-' and '_', and not '{FREE}'"),
        );
    }
    let params = params::compile(c, source.params, fields, at);
    let taken = source.prepare.iter().flat_map(|p| p.take.keys()).filter(|n| !params.contains_key(*n));
    let names = Names { fields, own: params.keys().chain(taken).cloned().collect() };
    let timeout = source.timeout.as_ref().and_then(|text| {
        let time =
            crate::providers::time::duration(text.get_ref(), 0.0).filter(|s| (1.0..=LONGEST.as_secs_f64()).contains(s));
        if time.is_none() {
            c.at(Some(text.span().start), format!("'{}' is not a time up to an hour: write \"60s\"", text.get_ref()));
        }
        time.map(Duration::from_secs_f64)
    });
    let examples = source.example.into_iter().map(|e| example::compile(c, e, at)).collect::<Option<Vec<_>>>()?;
    let way = match (probe, &source.coded, &source.request) {
        (Probe::Coded(kind), Some(word), None) => {
            let Some(coded) = CodedAction::parse(*kind, word.get_ref()) else {
                let known = CodedAction::of(*kind).join(", ");
                let known = if known.is_empty() { "none".to_owned() } else { known };
                c.at(
                    Some(word.span().start),
                    format!(
                        "'{}' is nothing that the kind '{}' can do; there is: {known}",
                        word.get_ref(),
                        kind.as_str()
                    ),
                );
                return None;
            };
            for wanted in coded.params().iter().filter(|p| !params.contains_key(**p)) {
                c.at(at, format!("the action '{name}' needs the parameter '{wanted}'"));
            }
            Way::Coded(coded)
        }
        (Probe::Http(_), None, Some(request)) => {
            let ask = ask(c, request, &source.headers, &names)?;
            let bodies = [source.body.is_some(), source.form.is_some(), source.xml.is_some(), source.upload.is_some()];
            if bodies.into_iter().filter(|given| *given).count() > 1 {
                c.at(at, "an action has one of 'body', 'form', 'xml' and 'upload'");
            }
            let payload = if let Some(body) = &source.body {
                Payload::Json(body_template(body, &mut |text| template(c, text, at, &names))?)
            } else if let Some(form) = &source.form {
                let pair = |(name, text): (&String, &Spanned<String>)| Some((name.clone(), spanned(c, text, &names)?));
                Payload::Form(form.iter().map(pair).collect::<Option<_>>()?)
            } else if let Some(xml) = &source.xml {
                Payload::Xml(spanned(c, xml, &names)?)
            } else if let Some(upload) = &source.upload {
                if params.get(upload.get_ref()).is_none_or(|p| p.kind != ParamKind::File) {
                    c.at(
                        Some(upload.span().start),
                        format!("'{}' is no parameter of the kind 'file'", upload.get_ref()),
                    );
                }
                Payload::File(upload.get_ref().clone())
            } else {
                Payload::Nothing
            };
            let rules = source.rule.iter().map(|r| {
                Some(Rule {
                    when: c.expression(&r.when)?,
                    cause: r.cause,
                    until: c.maybe(r.until.as_ref()),
                    message: c.maybe(r.message.as_ref()),
                })
            });
            let rules = rules.collect::<Option<_>>()?;
            let prepare = match &source.prepare {
                None => None,
                Some(prepare) => Some(Prepare {
                    ask: ask_before(c, prepare, &names)?,
                    ok: c.maybe(prepare.ok.as_ref()),
                    take: prepare
                        .take
                        .iter()
                        .map(|(n, e)| Some((n.clone(), c.expression(e)?)))
                        .collect::<Option<_>>()?,
                }),
            };
            let base = match &source.base_url {
                None => None,
                Some(base) => Some(c.template(base.get_ref(), Some(base.span().start), fields)?),
            };
            Way::Http(Box::new(HttpAction {
                base,
                auth: source.auth.map(|own| auth(c, own, fields)),
                ask,
                payload,
                prepare,
                ok: c.maybe(source.ok.as_ref()),
                result: c.maybe(source.result.as_ref()),
                rules,
                kinds: params.iter().map(|(n, p)| (n.clone(), p.kind)).collect(),
            }))
        }
        (Probe::Http(_), ..) => {
            c.at(at, format!("the action '{name}' needs 'request', such as \"POST /items\""));
            return None;
        }
        (Probe::Coded(kind), ..) => {
            c.at(at, format!("the action '{name}' needs 'coded': what the kind '{}' shall do", kind.as_str()));
            return None;
        }
    };
    Some(Action {
        name,
        label: source.label.into_inner(),
        help: source.help,
        dangerous: source.dangerous,
        timeout,
        params,
        columns: source.columns.into_iter().collect(),
        way,
        examples,
    })
}

fn ask(
    c: &mut Complaints<'_>,
    request: &Spanned<String>,
    headers: &IndexMap<String, Spanned<String>>,
    names: &Names<'_>,
) -> Option<Ask> {
    let at = Some(request.span().start);
    let (method, path) = c.request_line(request)?;
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let query = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| template(c, pair, at, names));
    let query = query.collect::<Option<_>>()?;
    let mut own = Vec::new();
    for (name, value) in headers {
        match name.parse::<http::HeaderName>() {
            Ok(header) => own.push((header, spanned(c, value, names)?)),
            Err(_) => c.at(Some(value.span().start), format!("'{name}' is not a header's name")),
        }
    }
    Some(Ask { method, path: template(c, path, at, names)?, query, headers: own })
}

fn ask_before(c: &mut Complaints<'_>, prepare: &source::Prepare, names: &Names<'_>) -> Option<Ask> {
    let ask = ask(c, &prepare.request, &prepare.headers, names)?;
    if ask.method != http::Method::GET {
        c.at(Some(prepare.request.span().start), "a preparing request only reads: begin it with GET");
    }
    Some(ask)
}

fn spanned(c: &mut Complaints<'_>, text: &Spanned<String>, names: &Names<'_>) -> Option<Template> {
    template(c, text.get_ref(), Some(text.span().start), names)
}

fn template(c: &mut Complaints<'_>, text: &str, at: Option<usize>, names: &Names<'_>) -> Option<Template> {
    let template = Template::parse(text).map_err(|e| c.at(at, e)).ok()?;
    for name in template.fields() {
        if names.own.iter().any(|own| own == name) {
            continue;
        }
        match names.fields.get(name) {
            Some(field) if field.secret => {
                c.at(at, format!("'{{{{ {name} }}}}' is a secret: only [auth] may name it"));
                return None;
            }
            Some(_) => {}
            None => {
                c.at(
                    at,
                    format!("'{{{{ {name} }}}}' names no parameter of this action and no field of this definition"),
                );
                return None;
            }
        }
    }
    Some(template)
}
