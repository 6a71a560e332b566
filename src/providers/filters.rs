//! The filters and tests that expressions may use. A filter that cannot do its work yields undefined: a strange answer
//! must not hide the verdict.

use super::time;
use jiff::Timestamp;
use minijinja::{
    Environment, State, Value,
    value::{Serde, ValueKind},
};

/// A finite number, from a number or from text.
pub fn number(value: &Value) -> Option<f64> {
    let number = match value.as_str() {
        Some(text) => text.trim().parse().ok(),
        None => f64::try_from(value.clone()).ok(),
    };
    number.filter(|n: &f64| n.is_finite())
}

fn text(value: &Value) -> Option<String> {
    match value.kind() {
        ValueKind::Undefined | ValueKind::None => None,
        ValueKind::String => value.as_str().map(str::to_owned),
        _ => Some(value.to_string()),
    }
}

fn or_undefined<T: Into<Value>>(value: Option<T>) -> Value {
    value.map_or(Value::UNDEFINED, Into::into)
}

fn items(value: &Value) -> Option<Vec<Value>> {
    matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable)
        .then(|| value.try_iter().ok().map(Iterator::collect))?
}

fn now(state: &State<'_, '_>) -> f64 {
    state.lookup("now").as_ref().and_then(number).unwrap_or_else(|| Timestamp::now().as_millisecond() as f64 / 1000.0)
}

fn time_filter(environment: &mut Environment<'static>, name: &'static str, read: fn(&str, f64) -> Option<f64>) {
    environment.add_filter(name, move |state: &State<'_, '_>, value: Value| {
        or_undefined(text(&value).and_then(|t| read(&t, now(state))))
    });
}

/// Adds them all.
pub fn register(environment: &mut Environment<'static>) {
    for (name, read) in [
        ("epoch", time::epoch as fn(&str, f64) -> Option<f64>),
        ("epoch_ms", time::epoch_ms),
        ("delta", time::delta),
        ("delta_ms", time::delta_ms),
        ("duration", time::duration),
        ("rfc3339", time::rfc3339),
        ("http_date", time::http_date),
        ("date", time::date),
        ("datetime", time::datetime),
        ("retry_after", time::retry_after),
        ("when", time::when),
    ] {
        time_filter(environment, name, read);
    }
    texts(environment);
    numbers(environment);
    sequences(environment);
    environment.add_test("defined", |value: Value| !value.is_undefined());
    environment.add_test("undefined", |value: Value| value.is_undefined());
    environment.add_test("none", |value: Value| value.is_none());
}

fn texts(environment: &mut Environment<'static>) {
    environment.add_filter("lower", |v: Value| or_undefined(text(&v).map(|t| t.to_lowercase())));
    environment.add_filter("upper", |v: Value| or_undefined(text(&v).map(|t| t.to_uppercase())));
    environment.add_filter("trim", |v: Value| or_undefined(text(&v).map(|t| t.trim().to_owned())));
    environment.add_filter("str", |v: Value| or_undefined(text(&v)));
    environment.add_filter("starts_with", |v: Value, with: String| text(&v).is_some_and(|t| t.starts_with(&with)));
    environment.add_filter("contains", |v: Value, part: Value| match items(&v) {
        Some(all) => all.contains(&part),
        None => text(&v).zip(text(&part)).is_some_and(|(t, p)| t.contains(&p)),
    });
    environment.add_filter("matches", |v: Value, pattern: String| {
        text(&v).is_some_and(|t| regex_lite::Regex::new(&pattern).is_ok_and(|r| r.is_match(&t)))
    });
    environment.add_filter("split", |v: Value, by: String| {
        or_undefined(text(&v).filter(|_| !by.is_empty()).map(|t| t.split(&by).map(Value::from).collect::<Vec<_>>()))
    });
    environment.add_filter("json", |v: Value| {
        or_undefined(
            text(&v).and_then(|t| serde_json::from_str::<serde_json::Value>(&t).ok()).map(|j| Value::from(Serde(&j))),
        )
    });
    // `"default";r=50;t=30` (RFC 9651 parameters): the value of `name=`.
    environment.add_filter("header_param", |v: Value, name: String| {
        or_undefined(text(&v).and_then(|t| {
            let found = t.split([';', ',']).find_map(|part| part.trim().strip_prefix(name.as_str())?.strip_prefix('='));
            found.map(|f| f.trim_matches('"').to_owned())
        }))
    });
}

fn numbers(environment: &mut Environment<'static>) {
    environment.add_filter("int", |v: Value| or_undefined(number(&v).map(|n| n.trunc() as i64)));
    environment.add_filter("float", |v: Value| or_undefined(number(&v)));
    environment.add_filter("min", |v: Value, other: Value| {
        or_undefined(number(&v).zip(number(&other)).map(|(a, b)| a.min(b)))
    });
    environment.add_filter("max", |v: Value, other: Value| {
        or_undefined(number(&v).zip(number(&other)).map(|(a, b)| a.max(b)))
    });
    environment.add_filter("mul", |v: Value, by: Value| or_undefined(number(&v).zip(number(&by)).map(|(a, b)| a * b)));
    environment.add_filter("pct", |v: Value, of: Value| {
        or_undefined(number(&v).zip(number(&of)).filter(|(_, of)| *of != 0.0).map(|(a, of)| a / of * 100.0))
    });
}

fn sequences(environment: &mut Environment<'static>) {
    environment.add_filter("len", |v: Value| or_undefined(v.len().and_then(|n| i64::try_from(n).ok())));
    // In XML several elements of one name are a list, one alone is not.
    environment.add_filter("list", |v: Value| match items(&v) {
        Some(all) => Value::from(all),
        None if v.is_undefined() || v.is_none() => Value::from(Vec::<Value>::new()),
        None => Value::from(vec![v]),
    });
    environment.add_filter("first", |v: Value| or_undefined(items(&v).and_then(|i| i.into_iter().next())));
    environment.add_filter("last", |v: Value| or_undefined(items(&v).and_then(|i| i.into_iter().next_back())));
    environment.add_filter("join", |v: Value, separator: String| {
        or_undefined(items(&v).map(|i| i.iter().filter_map(text).take(100).collect::<Vec<_>>().join(&separator)))
    });
    environment.add_filter("pairs", |v: Value| {
        let all = (v.kind() == ValueKind::Map).then(|| v.try_iter().ok()).flatten();
        let one = |key: Value| Some(format!("{}: {}", text(&key)?, text(&v.get_item(&key).ok()?)?));
        or_undefined(all.map(|keys| keys.filter_map(one).take(100).collect::<Vec<_>>().join("; ")))
    });
    environment.add_filter("get", |v: Value, key: Value| match key.as_usize() {
        Some(at) if items(&v).is_some() => or_undefined(items(&v).and_then(|i| i.into_iter().nth(at))),
        _ => v.get_item(&key).unwrap_or(Value::UNDEFINED),
    });
    environment.add_filter("default", |v: Value, other: Value| if v.is_undefined() || v.is_none() { other } else { v });
}
