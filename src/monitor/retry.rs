//! Whether and when an attempt is repeated: transport errors and 5xx only, with jittered back-off. Pure.

use crate::model::Outcome;
use std::time::Duration;

/// First wait; doubled with every attempt.
const FIRST: Duration = Duration::from_millis(500);
/// Longest wait.
const LONGEST: Duration = Duration::from_secs(10);

/// The wait before attempt `made` + 1, or `None` if there is none. `share`: a random number from 0 to 1.
pub fn wait(outcome: &Outcome, made: u32, attempts: u32, share: f64) -> Option<Duration> {
    if made >= attempts || !outcome.cause.is_transient() {
        return None;
    }
    let whole = FIRST.saturating_mul(1u32.checked_shl(made.saturating_sub(1).min(10)).unwrap_or(u32::MAX)).min(LONGEST);
    Some(whole.mul_f64(0.5 + share.clamp(0.0, 1.0) / 2.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Cause;

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let outcome = |cause| Outcome::of(cause, jiff::Timestamp::UNIX_EPOCH, "", "");
        for cause in Cause::ALL {
            assert_eq!(wait(&outcome(*cause), 1, 3, 1.0).is_some(), cause.is_transient(), "{cause:?}");
        }
        let timeout = outcome(Cause::Timeout);
        assert_eq!(wait(&timeout, 1, 3, 1.0), Some(Duration::from_millis(500)));
        assert_eq!(wait(&timeout, 2, 3, 0.0), Some(Duration::from_millis(500)));
        assert_eq!(wait(&timeout, 3, 3, 1.0), None);
        assert_eq!(wait(&timeout, 9, 10, 1.0), Some(LONGEST));
    }
}
