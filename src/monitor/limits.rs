//! Client-side limits over several windows at once: pure, time is a value.

use crate::providers::Limits;
use std::time::Duration;
use tokio::time::Instant;

/// For each window (a second, a minute, an hour, a day) the earliest instant at which the next check conforms
/// (the generic cell rate algorithm: a burst of the window's whole budget, refilled evenly).
#[derive(Debug, Clone)]
pub struct Limiter(Vec<Window>);

#[derive(Debug, Clone)]
struct Window {
    /// Time between two checks when the budget is spent evenly.
    every: Duration,
    /// How far ahead of an even spending one may be.
    ahead: Duration,
    /// When the budget would be whole again.
    full: Option<Instant>,
}

impl Limiter {
    /// No limits set: nothing ever waits.
    pub fn new(limits: Limits) -> Limiter {
        let windows = [(limits.second, 1), (limits.minute, 60), (limits.hour, 3600), (limits.day, 86_400)];
        let window = |(limit, seconds): (Option<u32>, u64)| {
            let limit = limit?.max(1);
            let every = Duration::from_secs(seconds) / limit;
            Some(Window { every, ahead: every * (limit - 1), full: None })
        };
        Limiter(windows.into_iter().filter_map(window).collect())
    }

    /// How long the next check must wait: zero if it may go now.
    pub fn wait(&self, now: Instant) -> Duration {
        let wait = |w: &Window| {
            w.full.map_or(Duration::ZERO, |full| full.saturating_duration_since(now).saturating_sub(w.ahead))
        };
        self.0.iter().map(wait).max().unwrap_or_default()
    }

    /// Counts a check made now.
    pub fn spend(&mut self, now: Instant) {
        for window in &mut self.0 {
            let full = window.full.filter(|full| *full > now).unwrap_or(now);
            window.full = Some(full + window.every);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_window_holds_at_once() {
        let limits = Limits { second: Some(2), minute: Some(3), ..Limits::default() };
        let mut limiter = Limiter::new(limits);
        let start = Instant::now();
        for _ in 0..2 {
            assert_eq!(limiter.wait(start), Duration::ZERO);
            limiter.spend(start);
        }
        assert_eq!(limiter.wait(start), Duration::from_millis(500), "the second's budget is spent");
        let later = start + Duration::from_secs(1);
        assert_eq!(limiter.wait(later), Duration::ZERO);
        limiter.spend(later);
        let wait = limiter.wait(later);
        assert!(
            wait > Duration::from_secs(18) && wait <= Duration::from_secs(20),
            "the minute's budget is spent: {wait:?}"
        );
        assert_eq!(limiter.wait(start + Duration::from_secs(61)), Duration::ZERO);
    }

    #[test]
    fn no_limits_never_wait() {
        let mut limiter = Limiter::new(Limits::default());
        let now = Instant::now();
        limiter.spend(now);
        assert_eq!(limiter.wait(now), Duration::ZERO);
    }
}
