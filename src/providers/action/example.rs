//! Examples of actions: what is sent for these parameters, and what the recorded answer means. Replayed by tests, `lint`
//! and `provider test`.

use super::{Action, Given, Way, ask::Means, source};
use crate::{
    model::{Cause, Ending, Secret},
    providers::{
        Definition, Probe, Recorded,
        compile::{Complaints, recorded},
        template::{ACCOUNT, TOKEN},
    },
};
use serde_json::Value;

/// An answer with what it means: executable documentation.
#[derive(Debug, Clone)]
pub struct ActionExample {
    /// What it shows.
    pub name: String,
    given: Given,
    prepared: Option<Recorded>,
    /// The request's first line below the base address, and its body.
    sends: Option<(String, Option<String>)>,
    response: Recorded,
    control: String,
    ending: String,
    seen: Option<String>,
    result: Option<Value>,
}

impl ActionExample {
    /// The word of its ending.
    pub fn ending(&self) -> &str {
        &self.ending
    }
}

pub(super) fn compile(c: &mut Complaints<'_>, source: source::Example, at: Option<usize>) -> Option<ActionExample> {
    let ending = source.expect.ending;
    if !matches!(&*ending, "done" | "refused") && Cause::parse(&ending).is_none_or(|cause| cause == Cause::Ok) {
        c.at(at, format!("'{ending}' is no ending of an action: done, refused, or a cause of failure"));
        return None;
    }
    let result = match source.expect.result.as_deref().map(serde_json::from_str) {
        None => None,
        Some(Ok(result)) => Some(result),
        Some(Err(error)) => {
            c.at(at, format!("the result of the example '{}' is not JSON: {error}", source.name));
            return None;
        }
    };
    let given = source.params.into_iter().map(|(name, value)| match value {
        source::OneOrMany::One(text) => (name, vec![text.into_bytes()]),
        source::OneOrMany::Many(all) => (name, all.into_iter().map(String::into_bytes).collect()),
    });
    Some(ActionExample {
        name: source.name,
        given: given.collect(),
        prepared: source.prepared.map(recorded),
        sends: source.sends.map(|s| (s.request, s.body)),
        response: recorded(source.response),
        control: source.control.unwrap_or_else(|| "{}".to_owned()),
        ending,
        seen: source.expect.seen,
        result,
    })
}

impl Definition {
    /// Runs an action's example through the real engine. Errors with what came out instead.
    ///
    /// # Errors
    /// A sentence for each thing that is not as the example says.
    pub fn replay_action(&self, action: &Action, example: &ActionExample) -> Result<(), String> {
        let (Probe::Http(probe), Way::Http(http)) = (&self.probe, &action.way) else {
            return Err("examples are for http actions".to_owned());
        };
        let mut fields = self.usual_fields();
        let mut secrets = self.example_secrets();
        if let Some(login) = &probe.login {
            fields.extend(login.account(&secrets).map(|account| (ACCOUNT.to_owned(), account)));
            secrets.insert(TOKEN.to_owned(), Secret::new("example".to_owned()));
        }
        let mut values = action
            .values(&example.given)
            .map_err(|all| all.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))?;
        let means = Means { probe, fields: &fields, secrets: &secrets };
        if http.preparing(&means, &values).map_err(|e| e.0)?.is_some() {
            let prepared =
                example.prepared.as_ref().ok_or("'prepared' is missing: the answer to the request before")?;
            if !prepared.answered(&prepared.body, |answer| http.prepared(answer, &fields, &mut values))? {
                return Err("the answer to the preparing request says that it cannot go on".to_owned());
            }
        }
        let request = http.request(&means, &values).map_err(|e| e.0)?;
        let mut wrong = Vec::new();
        if let Some((line, body)) = &example.sends {
            let base = http.request_base(probe, &fields).map_err(|e| e.0)?;
            let query = request.url.query().map(|q| format!("?{q}")).unwrap_or_default();
            let path = request.url.path().strip_prefix(base.path().trim_end_matches('/')).unwrap_or_default();
            let sent = format!("{} {path}{query}", request.method);
            if sent != *line {
                wrong.push(format!("'{sent}' is sent, expected '{line}'"));
            }
            if let Some(wanted) = body {
                let sent = request.body.as_ref().map(|b| b.as_str()).unwrap_or_default();
                let json = |text: &str| serde_json::from_str::<Value>(text).ok();
                if sent != *wanted && (json(sent).is_none() || json(sent) != json(wanted)) {
                    wrong.push(format!("the body '{sent}' is sent, expected '{wanted}'"));
                }
            }
        }
        fields.extend(values.texts().map(|(n, t)| (n.to_owned(), t.to_owned())));
        let response = &example.response;
        let told = response.answered(&response.body, |answer| http.read(probe, answer, &fields))?;
        if told.ending.as_str() != example.ending {
            wrong.push(format!(
                "it ends '{}' ({}), expected '{}'",
                told.ending.as_str(),
                told.ending.seen(),
                example.ending
            ));
        }
        if let Some(seen) = example.seen.as_ref().filter(|seen| told.ending.seen() != **seen) {
            wrong.push(format!("'{}' is seen, expected '{seen}'", told.ending.seen()));
        }
        if let Some(result) = example.result.as_ref().filter(|result| told.result != **result) {
            wrong.push(format!("the result is {}, expected {result}", told.result));
        }
        if told.ending == Ending::Done && !response.body.trim().is_empty() {
            let control = response.answered(&example.control, |answer| http.read(probe, answer, &fields))?;
            if control.ending == Ending::Done {
                wrong.push(format!("with the body '{}' it is done too: 'ok' proves nothing", example.control));
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
    }
}
