//! Calls an action: the same credentials, limits and masks as a check's, and one line in the audit log.

mod http;

use super::{
    Checker, Input,
    advice::advice,
    client::Client,
    failure,
    login::Attempt,
    prepare,
    scrub::Scrub,
    stream::{failed, timed_out},
};
use crate::{
    model::{Called, Cause, Ending, Integration, Outcome, Secret},
    providers::{
        Definition, Probe,
        action::{Action, Call, CodedAction, Values, Way},
        http::HttpProbe,
        login::Login,
    },
};
use ::http::Method;
use futures_util::FutureExt;
use indexmap::IndexMap;
use std::{panic::AssertUnwindSafe, time::Duration};

/// Why a call ended before its result.
#[derive(Debug)]
pub enum Stop {
    /// As a check would have failed.
    Failed(Box<Outcome>),
    /// The service refuses this very request.
    Refused(String),
}

impl Stop {
    /// The credential is good and may not do this.
    pub fn not_permitted(step: &str, seen: &str) -> Stop {
        Stop::Failed(failed(Cause::MissingScope, format!("{step} is not permitted"), seen))
    }
}

impl From<Box<Outcome>> for Stop {
    fn from(outcome: Box<Outcome>) -> Stop {
        Stop::Failed(outcome)
    }
}

/// What a call works with.
struct Work<'a> {
    definition: &'a Definition,
    input: Input<'a>,
    client: &'a Client,
}

/// Tells the audit log once, even of a call that is dropped halfway.
struct Told<'a> {
    checker: &'a Checker,
    action: String,
    target: &'a str,
    outcome: Option<Result<(), String>>,
}

impl Drop for Told<'_> {
    fn drop(&mut self) {
        let outcome = self.outcome.take().unwrap_or_else(|| Err("cut off".to_owned()));
        if let Some(audit) = self.checker.resolver().vault.audit() {
            let outcome = outcome.as_ref().err().map_or(Ok(()), |why| Err(why.as_str()));
            audit.tell(&self.action, self.target, outcome);
        }
    }
}

impl Checker {
    /// Calls it. Ends within the action's limit (plus what the secrets' resolution takes), never panics outward.
    pub async fn call(&self, integration: &Integration, definition: &Definition, call: &Call) -> Called {
        let name = crate::model::text::sanitize(call.name(), 80);
        let target = integration.id.as_str();
        let mut told = Told { checker: self, action: format!("call.{name}"), target, outcome: None };
        let run = AssertUnwindSafe(self.call_unwatched(integration, definition, call));
        let mut called = run.catch_unwind().await.unwrap_or_else(|_| {
            tracing::error!(integration = %integration.id, "a call panicked");
            stopped(Stop::Failed(failed(Cause::Internal, "the call panicked", "the log tells where")))
        });
        told.outcome = Some(match (&called.ending, called.code) {
            (Ending::Done, _) => Ok(()),
            (ending, Some(code)) => Err(format!("{} ({code})", ending.as_str())),
            (ending, None) => Err(ending.as_str().to_owned()),
        });
        if let Ending::Failed { cause, advice: text, seen, .. } = &mut called.ending {
            *text = next(definition, call, *cause, seen.starts_with(failure::NO_CONNECTION));
        }
        called
    }

    async fn call_unwatched(&self, integration: &Integration, definition: &Definition, call: &Call) -> Called {
        let action = match call {
            Call::Free { .. } => None,
            Call::Action { name, .. } => match definition.actions.get(name) {
                Some(action) => Some(action),
                None => return stopped(Stop::Refused(format!("{} has no action '{name}'", definition.name))),
            },
        };
        let (fields, lists) = prepare::fields(integration, definition);
        let own = match (action.map(|a| &a.way), &definition.probe) {
            (Some(Way::Http(http)), Probe::Http(probe)) if http.goes_elsewhere() => Some(http.host(probe, &fields)),
            _ => None,
        };
        let destinations = match own {
            Some(host) => prepare::destinations_of(host, &[], integration, definition),
            None => prepare::destinations(integration, definition),
        };
        let secrets = match self.secrets_for(integration, definition, &destinations).await {
            Ok(secrets) => secrets,
            Err(outcome) => return stopped(Stop::Failed(outcome)),
        };
        #[cfg(debug_assertions)]
        super::fault::panic_if_named(integration, &secrets);
        let client = match self.client(integration) {
            Ok(client) => client,
            Err(why) => return stopped(Stop::Failed(failed(Cause::Misconfigured, "TLS settings", &why))),
        };
        let mut again = true;
        loop {
            let attempt =
                Attempt { logins: self.logins(), integration, client: &client, fields: &fields, secrets: &secrets };
            let timeout = limit(integration, action);
            let signed = match login(definition, &fields, &secrets) {
                None => None,
                Some((probe, login)) => match attempt.signed_in(probe, login, timeout).await {
                    Ok(signed) => Some(signed),
                    Err(outcome) => return Scrub::new(&secrets).called(stopped(Stop::Failed(outcome))),
                },
            };
            let (fields, secrets) = signed.as_ref().map_or((&fields, &secrets), |s| (&s.fields, &s.secrets));
            let input = Input { integration, fields, lists: &lists, secrets, timeout, tls: client.tls.clone() };
            let mut called = once(&Work { definition, input, client: &client }, call, action).await;
            if let Some(signed) = signed.as_ref().filter(|_| is_refused(&called)) {
                attempt.refused(signed).await;
                // A kept token may have been withdrawn before its time. Who is refused has done nothing yet.
                if signed.kept && std::mem::take(&mut again) {
                    continue;
                }
            }
            if let Some(columns) = action.map(|a| &a.columns).filter(|c| !c.is_empty()) {
                called.columns.clone_from(columns);
            }
            return Scrub::new(secrets).called(called);
        }
    }
}

/// The sign-in that comes first, if there is one.
fn login<'a>(
    definition: &'a Definition,
    fields: &IndexMap<String, String>,
    secrets: &IndexMap<String, Secret>,
) -> Option<(&'a HttpProbe, &'a Login)> {
    let Probe::Http(probe) = &definition.probe else { return None };
    let login = probe.login.as_ref().filter(|login| login.wanted(&probe.request, fields, secrets))?;
    Some((probe, login))
}

fn is_refused(called: &Called) -> bool {
    use Cause::{ExpiredCredential, InvalidCredential};
    matches!(called.ending, Ending::Failed { cause: InvalidCredential | ExpiredCredential, .. })
}

async fn once(work: &Work<'_>, call: &Call, action: Option<&Action>) -> Called {
    let called = match (call, action) {
        (Call::Free { method, path, body }, _) => http::free(work, method.clone(), path, body.clone()).await,
        (Call::Action { values, .. }, Some(action)) => match &action.way {
            Way::Http(http) => http::action(work, http, values.clone()).await,
            Way::Coded(coded) => coded_action(&work.input, *coded, values).await,
        },
        (Call::Action { .. }, None) => Err(Stop::Refused("no such action".to_owned())),
    };
    called.unwrap_or_else(stopped)
}

async fn coded_action(input: &Input<'_>, action: CodedAction, values: &Values) -> Result<Called, Stop> {
    let started = std::time::Instant::now();
    let done = Called::ended(Ending::Done);
    let work = async {
        match action {
            #[cfg(feature = "redis")]
            CodedAction::RedisGet | CodedAction::RedisSet => {
                Ok(Called { result: super::redis::action::call(input, action, values).await?, ..done })
            }
            #[cfg(feature = "postgres")]
            CodedAction::PostgresQuery => {
                let told = super::postgres::action::call(input, values).await?;
                let columns = told.names.into_iter().map(|name| (name.clone(), name)).collect();
                Ok(Called { result: told.rows.into(), columns, note: told.note, ..done })
            }
            #[cfg(not(all(feature = "redis", feature = "postgres")))]
            _ => {
                let _ = (values, done);
                Err(Stop::Failed(failed(Cause::NotInstalled, "not built in", "this build cannot do it")))
            }
        }
    };
    let late = |_| Stop::Failed(timed_out("the call", input.timeout));
    let called: Result<Called, Stop> = tokio::time::timeout(input.timeout, work).await.map_err(late)?;
    Ok(Called { latency: Some(started.elapsed()), ..called? })
}

fn stopped(stop: Stop) -> Called {
    match stop {
        Stop::Refused(seen) => Called::ended(Ending::Refused { seen }),
        Stop::Failed(outcome) => {
            let parts = [outcome.evidence.rule.as_str(), outcome.evidence.seen.as_str()];
            let seen = parts.into_iter().filter(|p| !p.is_empty()).collect::<Vec<_>>().join(": ");
            let ending = Ending::Failed { cause: outcome.cause, until: outcome.until, seen, advice: String::new() };
            Called { code: outcome.code, latency: outcome.latency, ..Called::ended(ending) }
        }
    }
}

/// What to do next. Where a request may have been carried out without our hearing of it, that comes first.
fn next(definition: &Definition, call: &Call, cause: Cause, unsent: bool) -> String {
    let changes = match call {
        Call::Free { method, .. } => !matches!(*method, Method::GET | Method::HEAD),
        Call::Action { name, .. } => definition.actions.get(name).is_some_and(Action::changes),
    };
    let text = match cause {
        Cause::UnexpectedResponse => String::new(),
        cause => advice(definition, cause),
    };
    if changes && !unsent && matches!(cause, Cause::Timeout | Cause::Connect | Cause::Protocol | Cause::ServerError) {
        return format!("It may have been done all the same: look before you ask again. {text}").trim_end().to_owned();
    }
    text
}

/// How long a call of this action may take.
pub fn limit(integration: &Integration, action: Option<&Action>) -> Duration {
    action.and_then(|a| a.timeout).unwrap_or(integration.timeout)
}
