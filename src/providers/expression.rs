//! Conditions and extractions over an answer: minijinja expressions with a small filter list of our own. No statements,
//! no multiplication (an engine's fuel does not bound memory), 500 bytes at most.

use super::{filters, http::Answer, template::ACCOUNT, time};
use indexmap::IndexMap;
use jiff::Timestamp;
use minijinja::{
    Environment, ErrorKind, Expression as Compiled, UndefinedBehavior, Value, context,
    value::{Enumerator, Object, Serde},
};
use std::sync::{Arc, LazyLock, OnceLock};

/// Longest expression, in bytes.
const LONGEST: usize = 500;
/// Longest part of a body that `text` holds, in bytes.
const TEXT: usize = 64 * 1024;

/// The names an expression can use: those of [`Scope::new`].
const NAMES: [&str; 8] = ["status", "headers", "body", "text", "latency", "now", "fields", "login"];

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    environment.set_fuel(Some(20_000));
    environment.set_recursion_limit(32);
    filters::register(&mut environment);
    environment
});

/// An expression, compiled when it is first asked: of sixty built-in definitions a board uses a few.
#[derive(Clone)]
pub struct Expression {
    source: Arc<str>,
    compiled: Arc<OnceLock<Option<Compiled<'static, 'static>>>>,
}

impl std::fmt::Debug for Expression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Expression({:?})", self.source)
    }
}

impl Expression {
    /// One that is known to be right, as those of the built-in definitions are: tests check every one of them.
    pub fn trusted(source: &str) -> Expression {
        Expression { source: source.into(), compiled: Arc::default() }
    }

    /// Checks. Errors in words.
    pub fn compile(source: &str) -> Result<Expression, String> {
        if source.len() > LONGEST {
            return Err(format!("the expression has {} bytes; {LONGEST} at most", source.len()));
        }
        if outside_quotes(source).contains('*') {
            return Err("'*' is not allowed: use the filter mul(…)".to_owned());
        }
        let compiled = ENVIRONMENT.compile_expression_owned(source.to_owned()).map_err(|error| {
            let detail = error.detail().map(|d| format!(": {d}")).unwrap_or_default();
            format!("'{source}' is not an expression{detail}")
        })?;
        let unknown = compiled.undeclared_variables(false).into_iter().find(|name| !NAMES.contains(&name.as_str()));
        if let Some(name) = unknown {
            return Err(format!("'{source}' names '{name}'; there are: {}", NAMES.join(", ")));
        }
        if let Some(what) = unknown_word(source) {
            return Err(format!("'{source}' uses {what}"));
        }
        Ok(Expression::trusted(source))
    }

    /// Its text.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Its value; `None` when undefined, null or failing.
    pub fn value(&self, scope: &Scope) -> Option<Value> {
        let compile = || ENVIRONMENT.compile_expression_owned(self.source.as_ref().to_owned()).ok();
        let value = self.compiled.get_or_init(compile).as_ref()?.eval(scope.0.clone()).ok()?;
        (!value.is_undefined() && !value.is_none()).then_some(value)
    }

    /// Whether it holds; a failing expression does not.
    pub fn holds(&self, scope: &Scope) -> bool {
        self.value(scope).is_some_and(|v| v.is_true())
    }

    /// Its value as text.
    pub fn text(&self, scope: &Scope) -> Option<String> {
        let value = self.value(scope)?;
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        (!text.is_empty()).then_some(text)
    }

    /// Its value as a finite number.
    pub fn number(&self, scope: &Scope) -> Option<f64> {
        filters::number(&self.value(scope)?)
    }

    /// Its value, epoch seconds, as an instant between 1970 and 2200.
    pub fn timestamp(&self, scope: &Scope) -> Option<Timestamp> {
        time::timestamp(self.number(scope)?)
    }
}

/// The engine looks filters and tests up when it runs, where a slip would only look like a condition that never holds.
fn unknown_word(source: &str) -> Option<String> {
    let plain = outside_quotes(source);
    for (mark, kind, what) in [("|", ErrorKind::UnknownFilter, "filter"), (" is ", ErrorKind::UnknownTest, "test")] {
        for rest in plain.split(mark).skip(1) {
            let rest = rest.trim_start();
            let rest = rest.strip_prefix("not ").unwrap_or(rest).trim_start();
            let name: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            let Ok(alone) = ENVIRONMENT.compile_expression_owned(format!("''{mark}{name}")) else { continue };
            if alone.eval(()).is_err_and(|error| error.kind() == kind) {
                return Some(format!("the {what} '{name}', which there is not"));
            }
        }
    }
    None
}

fn outside_quotes(source: &str) -> String {
    let mut out = String::new();
    let mut quote = None;
    let mut escaped = false;
    for c in source.chars() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(q) if c == q => quote = None,
            Some(_) => {}
            None if c == '\'' || c == '"' => quote = Some(c),
            None => out.push(c),
        }
    }
    out
}

/// Headers by lower-case name, read only when asked for. Several of one name are joined by a comma.
#[derive(Debug)]
struct Headers(http::HeaderMap);

impl Object for Headers {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let mut all = self.0.get_all(key.as_str()?).iter().map(|v| String::from_utf8_lossy(v.as_bytes()));
        let first = all.next()?.into_owned();
        Some(Value::from(all.fold(first, |joined, more| format!("{joined}, {more}"))))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.0.keys().map(|name| Value::from(name.as_str())).collect())
    }
}

/// What expressions can see of one answer.
pub struct Scope(Value);

impl Scope {
    /// `fields` are plain values only, never secrets.
    pub fn new(answer: &Answer<'_>, fields: &IndexMap<String, String>) -> Scope {
        // JSON straight into the engine's own values: bodies may be large.
        let body: Option<Value> = serde_json::from_slice(answer.body).ok();
        let body = body.or_else(|| Some(Value::from(Serde(answer.content()?))));
        let text = String::from_utf8_lossy(&answer.body[..answer.body.len().min(TEXT)]).into_owned();
        Scope(context! {
            status => answer.status,
            headers => Value::from_object(Headers(answer.headers.clone())),
            body => body.unwrap_or(Value::UNDEFINED),
            text => text,
            latency => answer.latency.as_secs_f64() * 1000.0,
            now => answer.now.as_millisecond() as f64 / 1000.0,
            fields => Value::from(Serde(fields)),
            login => context! { account => fields.get(ACCOUNT) },
        })
    }
}

impl Scope {
    /// A text member of the body.
    pub(super) fn body_text(&self, name: &str) -> Option<String> {
        self.0.get_attr("body").ok()?.get_attr(name).ok()?.as_str().map(str::to_owned)
    }
}

/// A condition by itself, for the probe kinds whose conditions come from the user.
#[derive(Debug, Clone)]
pub struct Condition(Expression);

impl Condition {
    /// Compiles. Errors in words.
    pub fn compile(text: &str) -> Result<Condition, String> {
        Expression::compile(text).map(Condition)
    }

    /// Whether it holds for this answer.
    pub fn holds(&self, answer: &Answer<'_>, fields: &IndexMap<String, String>) -> bool {
        self.0.holds(&Scope::new(answer, fields))
    }
}
