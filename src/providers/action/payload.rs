//! What a request carries: JSON made of typed values, a form, XML, or a file. What is left empty is left out.

use super::{ParamKind, Values};
use crate::providers::{
    request::{BadField, Body, Request},
    template::{Place, Template},
};
use http::{HeaderValue, header::CONTENT_TYPE};
use indexmap::IndexMap;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

/// The body of an action's request.
#[derive(Debug, Clone)]
pub(super) enum Payload {
    Nothing,
    Json(Body),
    Form(Vec<(String, Template)>),
    Xml(Template),
    File(String),
}

impl Payload {
    /// Puts it into the request.
    pub fn put(
        &self,
        request: &mut Request,
        values: &Values,
        fields: &IndexMap<String, String>,
    ) -> Result<(), BadField> {
        let text = |name: &str| values.text(name).or_else(|| fields.get(name).map(String::as_str));
        let mut typed = |kind: &'static str| {
            request.headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static(kind));
        };
        match self {
            Payload::Nothing => {}
            Payload::Json(body) => {
                let filled = json(body, values, &text)?;
                request.body = Some(filled.unwrap_or_else(|| empty(body)).to_string().into());
            }
            Payload::Form(pairs) => {
                typed("application/x-www-form-urlencoded");
                let mut form = Vec::new();
                for (name, template) in pairs {
                    if let Some(value) = template.fill(Place::Query, text)? {
                        form.push(format!("{}={value}", utf8_percent_encode(name, NON_ALPHANUMERIC)));
                    }
                }
                request.body = Some(form.join("&").into());
            }
            Payload::Xml(template) => {
                if let Some(text) = template.fill(Place::Xml, text)? {
                    typed("application/xml");
                    request.body = Some(text.into());
                }
            }
            Payload::File(param) => {
                typed("application/octet-stream");
                request.file = values.text(param).map(Into::into);
            }
        }
        Ok(())
    }
}

/// Where a parameter may stand in a path.
pub(super) fn path_place(kind: Option<ParamKind>) -> Place {
    if kind == Some(ParamKind::Path) { Place::Deep } else { Place::Path }
}

fn of_body(body: &Body) -> Vec<&Template> {
    match body {
        Body::Text(template) => vec![template],
        Body::Plain(_) => Vec::new(),
        Body::List(all) => all.iter().flat_map(of_body).collect(),
        Body::Table(all) => all.iter().flat_map(|(_, b)| of_body(b)).collect(),
    }
}

fn empty(body: &Body) -> Value {
    match body {
        Body::List(_) => Value::Array(Vec::new()),
        _ => Value::Object(serde_json::Map::new()),
    }
}

/// Fills a body. `None`: there are placeholders in it and none has a value, so that it is left out.
fn json<'a>(body: &Body, values: &Values, text: &impl Fn(&str) -> Option<&'a str>) -> Result<Option<Value>, BadField> {
    let templates = of_body(body);
    let mut named = templates.iter().flat_map(|t| t.fields()).peekable();
    if named.peek().is_some() && !named.any(|name| text(name).is_some_and(|v| !v.is_empty())) {
        return Ok(None);
    }
    Ok(match body {
        Body::Plain(plain) => Some(plain.clone()),
        Body::Text(template) => match template.whole().and_then(|name| values.json(name)) {
            Some(typed) => Some(typed.clone()),
            None => template.fill(Place::Json, text)?.map(Value::String),
        },
        Body::List(all) => {
            let filled: Result<Vec<_>, _> = all.iter().map(|b| json(b, values, text)).collect();
            Some(Value::Array(filled?.into_iter().flatten().collect()))
        }
        Body::Table(all) => {
            let mut table = serde_json::Map::new();
            for (name, b) in all {
                if let Some(value) = json(b, values, text)? {
                    table.insert(name.clone(), value);
                }
            }
            Some(Value::Object(table))
        }
    })
}
