//! What could be better about a definition that compiles.

use super::{
    Definition, Origin, Probe, Problem,
    action::{Action, Way},
    auth::Scheme,
    compile::compile,
    request::RequestTemplate,
    template::TOKEN,
};
use crate::model::{Cause, Status};
use std::path::Path;

/// Checks one file's text: errors first, then advice (missing cost, missing examples, unreachable rules, secrets in the URL).
pub fn lint(file: &Path, text: &str) -> Vec<Problem> {
    let definition = match compile(file, text, Origin::User(file.to_owned())) {
        Ok(definition) => definition,
        Err(problems) => return problems,
    };
    let problem = |message: String| Problem { file: file.to_owned(), line: None, column: None, message };
    advice(&definition).into_iter().map(problem).collect()
}

fn advice(definition: &Definition) -> Vec<String> {
    let mut found = Vec::new();
    if definition.cost.is_empty() {
        found.push("'cost' is missing: say what one check costs".to_owned());
    }
    for field in definition.fields.values() {
        if field.help.is_empty() {
            found.push(format!("the field '{}' has no 'help'", field.name));
        }
        if field.required && field.example.is_none() {
            found.push(format!("the required field '{}' has no 'example': the demo cannot show it", field.name));
        }
    }
    found.extend(definition.actions.values().flat_map(of_action));
    let Probe::Http(probe) = &definition.probe else { return found };
    if probe.request.auth.iter().any(|s| matches!(s, Scheme::Query(_))) {
        found.push(
            "the credential travels in the URL, which ends in logs: use a header if the service takes one".to_owned(),
        );
    }
    for (at, rule) in probe.rules.iter().enumerate() {
        let earlier = probe.rules[..at]
            .iter()
            .position(|r| r.when.source() == rule.when.source() || r.when.source().trim() == "true");
        if let Some(earlier) = earlier {
            found.push(format!("rule {} is never reached: rule {} catches all it could", at + 1, earlier + 1));
        }
    }
    if probe.login.is_some() {
        let uses = |request: &RequestTemplate| request.auth.iter().any(|s| s.fields().contains(&TOKEN));
        if !uses(&probe.request) {
            found.push("there is a [login], but no [auth] uses '{{ login.token }}'".to_owned());
        }
        let shown =
            |response: bool| definition.examples.iter().any(|e| e.login.is_some() && e.response.is_some() == response);
        for (what, there) in [("a good sign-in", shown(true)), ("a sign-in that fails", shown(false))] {
            if !there {
                found.push(format!("no example shows {what} ('login' in the example)"));
            }
        }
    }
    let has =
        |wanted: fn(Status, Cause) -> bool| definition.examples.iter().any(|e| wanted(e.expect_status, e.expect_cause));
    for (what, there) in [
        ("a good answer", has(|_, c| c == Cause::Ok)),
        ("a wrong key", has(|s, _| s == Status::Unauthorized)),
        ("a rate limit", has(|s, _| s == Status::RateLimited)),
        ("a server error", has(|_, c| c == Cause::ServerError)),
    ] {
        if !there {
            found.push(format!("no example shows {what}"));
        }
    }
    for also in probe.also.iter().filter(|a| a.examples.is_empty()) {
        found.push(format!("the further question '{}' has no example", also.name));
    }
    for (example, result) in definition.replay_all() {
        found.extend(result.err().map(|error| format!("the example '{example}' fails: {error}")));
    }
    found
}

fn of_action(action: &Action) -> Vec<String> {
    let name = &action.name;
    let mut found = Vec::new();
    if action.help.is_empty() {
        found.push(format!("the action '{name}' has no 'help'"));
    }
    for param in action.params.values() {
        if param.help.is_empty() {
            found.push(format!("the parameter '{}' of the action '{name}' has no 'help'", param.name));
        }
        if param.required && param.example.is_none() {
            found.push(format!("the required parameter '{}' of the action '{name}' has no 'example'", param.name));
        }
        if let Some(Err(why)) = param.example.as_ref().map(|e| param.try_text(e)) {
            found.push(format!("the example of the parameter '{}' of the action '{name}' {why}", param.name));
        }
    }
    let Way::Http(http) = &action.way else { return found };
    if matches!(*http.method(), http::Method::DELETE) && !action.dangerous {
        found.push(format!("the action '{name}' deletes: say 'dangerous = true' so that it is asked first"));
    }
    if !action.examples.iter().any(|e| e.ending() == "done") {
        found.push(format!("no example shows the action '{name}' done"));
    }
    found
}
