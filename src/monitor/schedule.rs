//! When an integration is due next: pure, time is a value.

use crate::model::{Cause, Integration, Outcome, Status};
use jiff::Timestamp;
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

/// Longest wait between two checks of a refused credential.
const LONGEST_BACKOFF: Duration = Duration::from_secs(6 * 3600);
/// Share of a reported quota below which checks become rarer.
const SCARCE: f64 = 0.1;
/// Span over which the first checks are spread at most.
const FIRST: Duration = Duration::from_secs(60);

/// The place of an integration inside a span: always the same for the same id, evenly spread over many ids.
pub fn phase(id: &str, span: Duration) -> Duration {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    let share = (hasher.finish() >> 11) as f64 / (1u64 << 53) as f64;
    span.mul_f64(share)
}

/// The wait before the first check: within a minute even for slow intervals, spread so that there is no herd. A board of
/// few integrations is not made to wait: its whole spread is `count` × 50 ms.
pub fn first(id: &str, interval: Duration, count: usize) -> Duration {
    let few = Duration::from_millis(50) * u32::try_from(count).unwrap_or(u32::MAX);
    phase(id, interval.min(FIRST).min(few.max(Duration::from_millis(1))))
}

/// Time between two checks when all is well: never below the provider's floor.
pub fn interval(integration: &Integration, floor: Duration) -> Duration {
    integration.interval.max(floor)
}

/// The wait until the next check after this outcome. `refused`: how many checks in a row ended unauthorized.
pub fn next(interval: Duration, outcome: &Outcome, refused: u32, now: Timestamp) -> Duration {
    let mut wait = interval;
    if outcome.status() == Status::Unauthorized {
        let doubled = interval.saturating_mul(1u32.checked_shl(refused.saturating_sub(1).min(20)).unwrap_or(u32::MAX));
        wait = doubled.min(LONGEST_BACKOFF).max(interval);
    }
    if outcome.status() == Status::Active && outcome.quotas.iter().any(|q| scarce(q, now)) {
        wait = interval.saturating_mul(2);
    }
    if let Some(until) = outcome.until.filter(|_| outcome.status() == Status::RateLimited) {
        wait = wait.max(span(now, until));
    }
    if outcome.cause == Cause::OwnNetwork {
        wait = wait.min(Duration::from_secs(30));
    }
    wait
}

fn scarce(quota: &crate::model::Quota, now: Timestamp) -> bool {
    quota.share_left().is_some_and(|s| s < SCARCE) && quota.resets.is_none_or(|r| r > now)
}

/// Time from one instant to a later one; zero if it is not later.
pub fn span(from: Timestamp, to: Timestamp) -> Duration {
    Duration::from_millis(u64::try_from(to.as_millisecond() - from.as_millisecond()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn outcome(cause: Cause) -> Outcome {
        Outcome::of(cause, Timestamp::from_second(1_000).unwrap(), "", "")
    }

    #[test]
    fn the_first_checks_are_no_herd() {
        let mut slots = vec![0u32; 600];
        for n in 0..10_000 {
            let at = first(&format!("integration-{n}"), Duration::from_secs(300), 10_000);
            assert!(at < FIRST);
            slots[(at.as_millis() / 100) as usize] += 1;
        }
        let most = slots.into_iter().max().unwrap();
        assert!(most <= 200, "{most} of 10000 in one tenth of a second");
    }

    #[test]
    fn few_integrations_start_at_once() {
        assert!(first("a", Duration::from_secs(300), 10) <= Duration::from_millis(500));
    }

    #[test]
    fn a_refused_credential_is_left_alone_ever_longer() {
        let now = Timestamp::from_second(1_000).unwrap();
        let refused = outcome(Cause::InvalidCredential);
        let waits: Vec<u64> = (1..=12).map(|n| next(MINUTE, &refused, n, now).as_secs()).collect();
        assert_eq!(waits[..4], [60, 120, 240, 480]);
        assert_eq!(waits[11], LONGEST_BACKOFF.as_secs());
    }

    #[test]
    fn the_end_of_a_limit_is_waited_for() {
        let now = Timestamp::from_second(1_000).unwrap();
        let mut limited = outcome(Cause::Throttled);
        limited.until = Some(Timestamp::from_second(1_900).unwrap());
        assert_eq!(next(MINUTE, &limited, 0, now).as_secs(), 900);
        limited.until = Some(Timestamp::from_second(1_010).unwrap());
        assert_eq!(next(MINUTE, &limited, 0, now), MINUTE);
    }
}
