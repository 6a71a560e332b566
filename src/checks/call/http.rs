//! Calls over HTTP: the request before, the request, the answer's reading.

use super::{Stop, Work};
use crate::{
    checks::{
        http::{Exchange, exchange},
        http_any,
        stream::failed,
    },
    model::{Called, Cause},
    providers::{
        Probe,
        action::{HttpAction, Means, Told, Values, read_free},
        http::HttpProbe,
        request::BadField,
    },
};
use http::Method;

fn bad(error: BadField) -> Stop {
    Stop::Refused(error.0)
}

fn called(exchange: &Exchange, told: Told) -> Called {
    Called {
        code: Some(exchange.status),
        latency: Some(exchange.latency),
        result: told.result,
        ..Called::ended(told.ending)
    }
}

fn probe<'a>(work: &Work<'a>) -> Option<&'a HttpProbe> {
    match &work.definition.probe {
        Probe::Http(probe) => Some(probe),
        Probe::Coded(_) => None,
    }
}

/// One of the definition's actions.
pub async fn action(work: &Work<'_>, action: &HttpAction, mut values: Values) -> Result<Called, Stop> {
    let input = &work.input;
    let probe = probe(work).ok_or_else(|| Stop::Failed(failed(Cause::Internal, "the action", "it is not of HTTP")))?;
    let means = Means { probe, fields: input.fields, secrets: input.secrets };
    let mut left = input.timeout;
    if let Some(request) = action.preparing(&means, &values).map_err(bad)? {
        let answer = exchange(work.client, request, left).await?;
        left = left.saturating_sub(answer.latency);
        if !action.prepared(&answer.answer(), input.fields, &mut values) {
            // Never "done": nothing was done yet.
            let told = read_free(Some(probe), &answer.answer(), input.fields);
            let mut called = called(&answer, told);
            if called.is_done() {
                called.ending = crate::model::Ending::Refused {
                    seen: "the look-up before it was not answered as expected".to_owned(),
                };
            }
            return Ok(called);
        }
    }
    let request = action.request(&means, &values).map_err(bad)?;
    let answer = exchange(work.client, request, left).await?;
    let mut fields = input.fields.clone();
    fields.extend(values.texts().map(|(name, text)| (name.to_owned(), text.to_owned())));
    Ok(called(&answer, action.read(probe, &answer.answer(), &fields)))
}

/// A request of the user's own.
pub async fn free(work: &Work<'_>, method: Method, path: &str, body: Option<String>) -> Result<Called, Stop> {
    let input = &work.input;
    let probe = probe(work);
    let request = match probe {
        Some(probe) => probe.free(method, path, body, input.fields, input.secrets).map_err(bad)?,
        None if work.definition.takes_free() => http_any::free(input, method, path, body).map_err(Stop::Refused)?,
        None => return Err(Stop::Refused(format!("{} does not speak HTTP", work.definition.name))),
    };
    let answer = exchange(work.client, request, input.timeout).await?;
    Ok(called(&answer, read_free(probe, &answer.answer(), input.fields)))
}
