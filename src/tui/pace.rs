//! When a frame may be drawn: at once for the user's keys, at most thirty a second for everything else. Pure.

use std::time::{Duration, Instant};

/// Between two frames nobody waits for.
pub const CALM: Duration = Duration::from_millis(33);
/// Between two frames, the second of which answers a key.
pub const URGENT: Duration = Duration::from_millis(4);

/// The limiter.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pace {
    last: Option<Instant>,
    gap: Option<Duration>,
}

impl Pace {
    /// Something visible changed; `urgent`: the user waits for it.
    pub fn want(&mut self, urgent: bool) {
        let gap = if urgent { URGENT } else { CALM };
        self.gap = Some(self.gap.map_or(gap, |g| g.min(gap)));
    }

    /// When the next frame is due; `None`: nothing changed.
    pub fn due(&self, now: Instant) -> Option<Instant> {
        let gap = self.gap?;
        Some(self.last.map_or(now, |last| last + gap))
    }

    /// A frame was drawn.
    pub fn drawn(&mut self, now: Instant) {
        *self = Pace { last: Some(now), gap: None };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_draws_nothing_and_a_storm_is_limited() {
        let start = Instant::now();
        let mut pace = Pace::default();
        assert_eq!(pace.due(start), None);
        pace.want(false);
        assert_eq!(pace.due(start), Some(start), "the first frame waits for nobody");
        pace.drawn(start);
        assert_eq!(pace.due(start), None);
        pace.want(false);
        assert_eq!(pace.due(start), Some(start + CALM));
        pace.want(true);
        pace.want(false);
        assert_eq!(pace.due(start), Some(start + URGENT), "a key overtakes what was waiting, and is not held up again");
    }
}
