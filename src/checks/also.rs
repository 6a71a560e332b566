//! The further questions of a check: asked side by side once the first was answered well. What they yield are facts and
//! quotas. A refusal is a fact too: it changes the verdict only where the definition lets it decide, or the user declared the
//! permission as needed.

use super::{client::Client, http};
use crate::{
    model::{Cause, Fact, Integration, Outcome, Secret, Status, Warning, text::sanitize},
    providers::http::{Also, HttpProbe},
};
use futures_util::future::join_all;
use indexmap::IndexMap;
use std::time::Duration;

/// One attempt of a check and, once it is answered well, of its further questions; plain fields and secrets are `given`.
pub async fn check(
    client: &Client,
    probe: &HttpProbe,
    (fields, secrets): (&IndexMap<String, String>, &IndexMap<String, Secret>),
    integration: &Integration,
    timeout: Duration,
) -> Outcome {
    let mut outcome = http::probe(client, probe, fields, secrets, timeout).await;
    if outcome.status() == Status::Active {
        let left = timeout.saturating_sub(outcome.latency.unwrap_or_default());
        ask(client, probe, fields, secrets, integration, left, &mut outcome).await;
    }
    outcome
}

/// Asks all of them, within `left` in all, and adds what they tell to the outcome.
async fn ask(
    client: &Client,
    probe: &HttpProbe,
    fields: &IndexMap<String, String>,
    secrets: &IndexMap<String, Secret>,
    integration: &Integration,
    left: Duration,
    outcome: &mut Outcome,
) {
    let asked = probe.also.iter().map(|also| http::probe(client, &also.probe, fields, secrets, left));
    for (also, answer) in probe.also.iter().zip(join_all(asked).await) {
        let refused = matches!(answer.cause, Cause::InvalidCredential | Cause::MissingScope);
        add(also, answer, outcome);
        if refused && integration.needs_scopes.contains(&also.name) {
            outcome.warnings.push(Warning::MissingScope { scope: also.name.clone() });
        }
    }
}

fn add(also: &Also, answer: Outcome, outcome: &mut Outcome) {
    if also.decides.contains(&answer.cause) {
        outcome.cause = answer.cause;
        outcome.until = answer.until;
        outcome.evidence = answer.evidence.clone();
    }
    outcome.identity = outcome.identity.take().or(answer.identity);
    outcome.quotas.extend(answer.quotas);
    let ends = [outcome.credential_expires, answer.credential_expires];
    outcome.credential_expires = ends.into_iter().flatten().min();
    let seen = &answer.evidence.seen;
    let verdict = match answer.cause {
        Cause::Ok => {
            outcome.facts.extend(answer.facts.iter().cloned());
            if !answer.facts.is_empty() {
                return;
            }
            "allowed".to_owned()
        }
        Cause::InvalidCredential | Cause::MissingScope => format!("no permission: {seen}"),
        cause => format!("{}: {seen}", cause.label()),
    };
    outcome.facts.push(Fact { label: also.name.clone(), value: sanitize(verdict.trim_end_matches([':', ' ']), 200) });
}
