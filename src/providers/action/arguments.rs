//! From what somebody typed to typed values: every parameter judged, every complaint told.

use super::{Action, Param, ParamKind};
use crate::model::text::sanitize;
use base64::{Engine, prelude::BASE64_STANDARD};
use indexmap::IndexMap;
use serde_json::Value;

/// What was given: a parameter's name and its values. Bytes, because the content of a file need not be text.
pub type Given = IndexMap<String, Vec<Vec<u8>>>;

/// What is wrong with an argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrong {
    /// The action has no such parameter.
    Unknown,
    /// It is required and was not given.
    Missing,
    /// Its value will not do: why.
    Value(String),
}

/// One complaint about the arguments.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.sentence())]
pub struct BadArgument {
    /// The parameter's name, harmless for a terminal.
    pub name: String,
    /// What is wrong.
    pub wrong: Wrong,
}

impl BadArgument {
    fn sentence(&self) -> String {
        match &self.wrong {
            Wrong::Unknown => format!("there is no parameter '{}'", self.name),
            Wrong::Missing => format!("the parameter '{}' is missing", self.name),
            Wrong::Value(why) => format!("the parameter '{}' {why}", self.name),
        }
    }
}

/// The values of one call: as JSON for a body, as text for every other place.
#[derive(Debug, Clone, Default)]
pub struct Values(IndexMap<String, (Value, String)>);

impl Values {
    /// As JSON.
    pub fn json(&self, name: &str) -> Option<&Value> {
        self.0.get(name).map(|(json, _)| json)
    }

    /// As text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|(_, text)| text.as_str())
    }

    /// Sets a text.
    pub fn set(&mut self, name: &str, text: String) {
        self.0.insert(name.to_owned(), (Value::String(text.clone()), text));
    }

    /// Every value as text.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, (_, text))| (name.as_str(), text.as_str()))
    }
}

impl Action {
    /// Judges what was given and fills in the defaults.
    ///
    /// # Errors
    /// Every complaint: unknown names, missing parameters, values that will not do.
    pub fn values(&self, given: &Given) -> Result<Values, Vec<BadArgument>> {
        judge(&self.params, given)
    }
}

/// Judges what was given for these parameters and fills in the defaults.
///
/// # Errors
/// As [`Action::values`].
pub fn judge(params: &IndexMap<String, Param>, given: &Given) -> Result<Values, Vec<BadArgument>> {
    let mut wrong = Vec::new();
    for name in given.keys().filter(|name| !params.contains_key(*name)) {
        wrong.push(BadArgument { name: sanitize(name, 80), wrong: Wrong::Unknown });
    }
    let mut values = Values::default();
    for (name, param) in params {
        let own = given.get(name).filter(|all| all.iter().any(|v| !v.is_empty()));
        let default = || param.default.as_ref().map(|d| vec![d.clone().into_bytes()]);
        let read = match own.cloned().or_else(default) {
            Some(all) => param.read(&all).map_err(Wrong::Value),
            None if param.required => Err(Wrong::Missing),
            None => continue,
        };
        match read {
            Ok(value) => {
                values.0.insert(name.clone(), value);
            }
            Err(why) => wrong.push(BadArgument { name: name.clone(), wrong: why }),
        }
    }
    if wrong.is_empty() { Ok(values) } else { Err(wrong) }
}

impl Param {
    /// Judges one text. The complaint goes on from "the parameter 'x' ".
    pub fn try_text(&self, text: &str) -> Result<(), String> {
        self.one(text.as_bytes()).map(drop)
    }

    fn read(&self, all: &[Vec<u8>]) -> Result<(Value, String), String> {
        if self.list {
            let read: Vec<_> = all.iter().filter(|v| !v.is_empty()).map(|v| self.one(v)).collect::<Result<_, _>>()?;
            let text = read.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join(",");
            return Ok((Value::Array(read.into_iter().map(|(json, _)| json).collect()), text));
        }
        match all {
            [one] => self.one(one),
            _ => Err("takes one value".to_owned()),
        }
    }

    /// Reads one value. The complaint goes on from "the parameter 'x' ".
    fn one(&self, bytes: &[u8]) -> Result<(Value, String), String> {
        if self.kind == ParamKind::Base64 {
            let text = BASE64_STANDARD.encode(bytes);
            return Ok((Value::String(text.clone()), text));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| "is not text (UTF-8)".to_owned())?;
        let shown = || sanitize(text, 60);
        if !self.choices.is_empty() && !self.choices.iter().any(|c| c == text) {
            return Err(format!("cannot be '{}'; there are: {}", shown(), self.choices.join(", ")));
        }
        if let Some(pattern) = self.pattern.as_ref().filter(|p| !p.is_match(text)) {
            let example = self.example.as_ref().map(|e| format!("; write it like '{e}'")).unwrap_or_default();
            return Err(format!("does not look right: '{}' does not match {pattern}{example}", shown()));
        }
        let json = match self.kind {
            ParamKind::Text | ParamKind::File | ParamKind::Base64 => Value::String(text.to_owned()),
            ParamKind::Path if text.split('/').any(|part| matches!(part, "." | "..")) => {
                return Err(format!("may not hold '.' or '..' as a part of its path: '{}'", shown()));
            }
            ParamKind::Path => Value::String(text.to_owned()),
            ParamKind::Int => {
                let number: i64 =
                    text.trim().parse().map_err(|_| format!("must be a whole number, not '{}'", shown()))?;
                number.into()
            }
            ParamKind::Number => {
                let number: Option<f64> = text.trim().parse().ok();
                let number = number.and_then(serde_json::Number::from_f64);
                Value::Number(number.ok_or_else(|| format!("must be a number, not '{}'", shown()))?)
            }
            ParamKind::Bool => match text.trim() {
                "true" | "yes" => true.into(),
                "false" | "no" => false.into(),
                _ => return Err(format!("must be true or false, not '{}'", shown())),
            },
            ParamKind::Json => {
                serde_json::from_str(text).map_err(|error| format!("is not JSON: {error} in '{}'", shown()))?
            }
        };
        let text = match &json {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        Ok((json, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn param(kind: ParamKind) -> Param {
        Param {
            name: "p".into(),
            label: "P".into(),
            help: String::new(),
            kind,
            required: false,
            list: false,
            default: None,
            choices: Vec::new(),
            pattern: None,
            example: None,
        }
    }

    #[test]
    fn values_become_what_their_kind_says() {
        let json = |kind, text: &str| param(kind).one(text.as_bytes()).map(|(json, _)| json);
        assert_eq!(json(ParamKind::Int, "7"), Ok(7.into()));
        assert_eq!(json(ParamKind::Number, "0.5"), Ok(serde_json::json!(0.5)));
        assert_eq!(json(ParamKind::Bool, "yes"), Ok(true.into()));
        assert_eq!(json(ParamKind::Json, "{\"a\":[1]}"), Ok(serde_json::json!({ "a": [1] })));
        assert_eq!(json(ParamKind::Text, "7"), Ok("7".into()));
        assert_eq!(param(ParamKind::Base64).one(b"\xff\x00").unwrap().1, "/wA=");
        for (kind, bad) in [
            (ParamKind::Int, "7.5"),
            (ParamKind::Number, "NaN"),
            (ParamKind::Bool, "maybe"),
            (ParamKind::Json, "{"),
            (ParamKind::Path, "a/../b"),
        ] {
            let why = json(kind, bad).unwrap_err();
            assert!(why.contains(&format!("'{bad}'")), "{why}");
        }
        assert!(param(ParamKind::Text).one(b"\xff").is_err());
    }

    #[test]
    fn a_list_takes_several_and_one_value_takes_one() {
        let both = [b"a".to_vec(), b"b".to_vec()];
        assert!(param(ParamKind::Text).read(&both).is_err());
        let list = Param { list: true, ..param(ParamKind::Text) };
        assert_eq!(list.read(&both).unwrap(), (serde_json::json!(["a", "b"]), "a,b".to_owned()));
    }
}
