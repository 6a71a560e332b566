//! Examples: replayed through the real classification, by tests, by `provider test` and by the demo.

use super::{
    Definition, Example, Probe, Recorded,
    action::ActionExample,
    http::{Answer, HttpProbe, Reading},
    template::ACCOUNT,
};
use crate::model::{Cause, Secret};
use http::{HeaderMap, HeaderName, HeaderValue};
use indexmap::IndexMap;
use jiff::Timestamp;

/// Replaces `{{now+3600}}`, `{{now-60}}` by epoch seconds and `{{iso+3600}}` by RFC 3339, counted from `now` (epoch seconds).
pub fn fill(text: &str, now: i64) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("{{") {
        let Some(end) = rest[at..].find("}}") else { break };
        let inner = rest[at + 2..at + end].trim();
        out.push_str(&rest[..at]);
        match instant(inner, now) {
            Some(filled) => out.push_str(&filled),
            None => out.push_str(&rest[at..at + end + 2]),
        }
        rest = &rest[at + end + 2..];
    }
    out.push_str(rest);
    out
}

fn instant(inner: &str, now: i64) -> Option<String> {
    let (kind, offset) = inner.split_at_checked(3)?;
    let offset = offset.trim();
    let shift: i64 =
        if offset.is_empty() { 0 } else { offset.replace(' ', "").trim_start_matches('+').parse().ok()? };
    let at = now.checked_add(shift)?;
    match kind {
        "now" => Some(at.to_string()),
        "iso" => Timestamp::from_second(at).ok().map(|t| t.to_string()),
        _ => None,
    }
}

impl Definition {
    /// The values of an example: the fields' own examples and defaults, the example's fields over them; no secrets.
    pub fn example_fields(&self, example: &Example) -> IndexMap<String, String> {
        let mut fields = self.usual_fields();
        let plain = |(name, _): &(&String, &String)| self.fields.get(*name).is_some_and(|f| !f.secret);
        fields.extend(example.fields.iter().filter(plain).map(|(n, v)| (n.clone(), v.clone())));
        if let Probe::Http(probe) = &self.probe {
            let account = probe.login.as_ref().and_then(|login| login.account(&self.example_secrets()));
            fields.extend(account.map(|account| (ACCOUNT.to_owned(), account)));
        }
        fields
    }

    /// The fields' own examples and defaults; no secrets.
    pub(super) fn usual_fields(&self) -> IndexMap<String, String> {
        let plain = self.fields.iter().filter(|(_, f)| !f.secret);
        plain.filter_map(|(name, f)| Some((name.clone(), f.example.as_ref().or(f.default.as_ref())?.clone()))).collect()
    }

    /// The secret fields' own examples.
    pub fn example_secrets(&self) -> IndexMap<String, Secret> {
        let secrets = self.fields.iter().filter(|(_, f)| f.secret);
        secrets.filter_map(|(name, f)| Some((name.clone(), Secret::new(f.example.clone()?)))).collect()
    }

    /// Runs every example through the real engine, those of further questions and of actions too: name and result.
    pub fn replay_all(&self) -> Vec<(String, Result<(), String>)> {
        let own = self.examples.iter().map(|e| (e.name.clone(), self.replay(e)));
        let also = match &self.probe {
            Probe::Http(probe) => probe.also.as_slice(),
            Probe::Coded(_) => &[],
        };
        let further = also.iter().flat_map(|also| {
            let name = |e: &Example| format!("{}: {}", also.name, e.name);
            also.examples.iter().map(move |e| (name(e), self.replay_with(&also.probe, e)))
        });
        let actions = self.actions.values().flat_map(|action| {
            let replay =
                move |e: &ActionExample| (format!("{}: {}", action.name, e.name), self.replay_action(action, e));
            action.examples.iter().map(replay)
        });
        own.chain(further).chain(actions).collect()
    }

    /// Runs an example through the real classification. Errors with what came out instead.
    pub fn replay(&self, example: &Example) -> Result<(), String> {
        match &self.probe {
            Probe::Http(probe) => self.replay_with(probe, example),
            Probe::Coded(_) => Err("examples are for http checks".to_owned()),
        }
    }

    fn replay_with(&self, probe: &HttpProbe, example: &Example) -> Result<(), String> {
        let response = match (self.read_login(probe, example)?, &example.response) {
            (Some(refused), _) => Err(refused),
            (None, Some(response)) => Ok(response),
            (None, None) => {
                return Err("the sign-in goes well: say in 'response' what the check was answered".to_owned());
            }
        };
        let reading = match &response {
            Ok(response) => self.read_example(probe, example, response, &response.body)?,
            Err(refused) => refused.clone(),
        };
        let mut wrong = Vec::new();
        let mut expect = |what: &str, found: String, wanted: String| {
            if found != wanted {
                wrong.push(format!("{what} is {found}, expected {wanted}"));
            }
        };
        expect("the status", reading.cause.status().as_str().into(), example.expect_status.as_str().into());
        expect("the cause", format!("{} ({})", reading.cause.as_str(), reading.rule), {
            let wanted = example.expect_cause.as_str();
            if reading.cause == example.expect_cause {
                format!("{wanted} ({})", reading.rule)
            } else {
                wanted.to_owned()
            }
        });
        if let Some(wanted) = &example.expect_identity {
            expect("the identity", format!("{:?}", reading.identity), format!("{:?}", Some(wanted)));
        }
        if let Some(wanted) = example.expect_until {
            expect("the end of the limit", reading.until.is_some().to_string(), wanted.to_string());
        }
        if let Some(wanted) = &example.expect_missing_scope {
            expect("the missing scope", format!("{:?}", reading.missing_scope), format!("{:?}", Some(wanted)));
        }
        if let Some(wanted) = example.expect_quota_left {
            let left = reading.quotas.iter().find_map(|q| q.left);
            expect("the quota left", format!("{left:?}"), format!("{:?}", Some(wanted)));
        }
        if let (Cause::Ok, None, Ok(response)) = (reading.cause, &reading.missing_scope, response) {
            let control = example.control.as_deref().unwrap_or("{}");
            // An answer to HEAD has no body to be taken away, but headers.
            let bare = Recorded { status: response.status, ..Recorded::default() };
            let response = if probe.request.asks_head() { &bare } else { response };
            if self.read_example(probe, example, response, control)?.cause == Cause::Ok {
                wrong.push(format!("the same answer with the body '{control}' is active too: 'active' proves nothing"));
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
    }

    fn read_example(
        &self,
        probe: &HttpProbe,
        example: &Example,
        recorded: &Recorded,
        body: &str,
    ) -> Result<Reading, String> {
        recorded.answered(body, |answer| probe.read(answer, &self.example_fields(example)))
    }

    /// What the sign-in of an example ends with, unless it goes well.
    fn read_login(&self, probe: &HttpProbe, example: &Example) -> Result<Option<Reading>, String> {
        let (login, recorded) = match (&probe.login, &example.login) {
            (Some(login), Some(recorded)) => (login, recorded),
            (None, Some(_)) => {
                return Err("there is a 'login' in it, but the definition has no table [login]".to_owned());
            }
            (_, None) => return Ok(None),
        };
        let fields = self.example_fields(example);
        let read = |body: &str| recorded.answered(body, |answer| login.read(answer, &fields));
        match read(&recorded.body)? {
            Err(reading) => Ok(Some(*reading)),
            Ok(_) if read("{}")?.is_ok() => {
                Err("the sign-in gives a token without its body: 'token' reads none".to_owned())
            }
            Ok(_) => Ok(None),
        }
    }
}

impl Recorded {
    /// As classification sees it, with this body in place of its own.
    pub(super) fn answered<T>(&self, body: &str, read: impl FnOnce(&Answer<'_>) -> T) -> Result<T, String> {
        let now = Timestamp::now();
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let name: HeaderName = name.parse().map_err(|_| format!("'{name}' is not a header's name"))?;
            let value = HeaderValue::from_str(&fill(value, now.as_second()))
                .map_err(|_| format!("the value of '{name}' cannot be sent"))?;
            headers.insert(name, value);
        }
        let body = fill(body, now.as_second());
        let latency = std::time::Duration::from_millis(50);
        Ok(read(&Answer { status: self.status, headers: &headers, body: body.as_bytes(), now, latency }))
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn instants_are_filled() {
        assert_eq!(super::fill("a {{now+60}} b {{iso-0}} {{ x }}", 0), "a 60 b 1970-01-01T00:00:00Z {{ x }}");
        assert_eq!(super::fill("{{now", 0), "{{now");
    }
}
