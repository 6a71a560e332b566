//! When an incident opens and closes: after so many failed checks in a row, after so many good ones. Pure.

use crate::model::{Cause, Incident, IntegrationId, Outcome, Status};
use jiff::Timestamp;

/// What a check does to the incidents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Nothing.
    None,
    /// This one is open now.
    Opened(Incident),
    /// This one is closed now.
    Closed(Incident),
}

/// The run of like checks that leads up to now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Run {
    /// Good ones counted up, failed ones down.
    pub streak: i32,
    /// When the run began.
    pub began: Option<Timestamp>,
}

/// Counts a check. `open` is the incident open now.
pub fn count(
    run: &mut Run,
    open: Option<&Incident>,
    id: &IntegrationId,
    outcome: &Outcome,
    failures: u32,
    successes: u32,
) -> Change {
    // Our own network's failure says nothing about them.
    if outcome.cause == Cause::OwnNetwork || outcome.status() == Status::Inactive {
        return Change::None;
    }
    let good = outcome.status() == Status::Active;
    if (run.streak > 0) != good || run.streak == 0 {
        *run = Run { streak: 0, began: Some(outcome.at) };
    }
    run.streak = run.streak.saturating_add(if good { 1 } else { -1 });
    let long = run.streak.unsigned_abs();
    match open {
        None if !good && long >= failures.max(1) => Change::Opened(Incident {
            integration: id.clone(),
            opened: run.began.unwrap_or(outcome.at),
            closed: None,
            cause: outcome.cause,
            evidence: outcome.evidence.rule.clone(),
        }),
        Some(open) if good && long >= successes.max(1) => {
            Change::Closed(Incident { closed: Some(run.began.unwrap_or(outcome.at)), ..open.clone() })
        }
        _ => Change::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64, cause: Cause) -> Outcome {
        Outcome::of(cause, Timestamp::from_second(second).unwrap(), "rule", "")
    }

    #[test]
    fn thresholds_hold_both_ways() {
        let id = IntegrationId::new("x").unwrap();
        let mut run = Run::default();
        let mut open: Option<Incident> = None;
        let mut log = Vec::new();
        let story = [
            (1, Cause::Ok),
            (2, Cause::Timeout),
            (3, Cause::Ok),
            (4, Cause::Timeout),
            (5, Cause::OwnNetwork),
            (6, Cause::ServerError),
            (7, Cause::Timeout),
            (8, Cause::Ok),
            (9, Cause::Timeout),
            (10, Cause::Ok),
            (11, Cause::Ok),
        ];
        for (second, cause) in story {
            match count(&mut run, open.as_ref(), &id, &at(second, cause), 2, 2) {
                Change::None => {}
                Change::Opened(incident) => {
                    log.push(("opened", incident.opened.as_second()));
                    open = Some(incident);
                }
                Change::Closed(incident) => {
                    log.push(("closed", incident.closed.unwrap().as_second()));
                    open = None;
                }
            }
        }
        assert_eq!(log, [("opened", 4), ("closed", 10)]);
    }
}
