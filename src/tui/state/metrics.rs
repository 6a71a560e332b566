//! The metrics tab: whose, which span, what came back.

use crate::{
    model::{Bucket, Incident, IntegrationId},
    monitor::Snapshot,
    tui::effect::Effect,
};
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// Most buckets in one span: one column each on the narrowest screen.
const BUCKETS: u64 = 60;

/// Bucket sizes, in seconds, that people can read.
const STEPS: [u64; 14] = [60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10_800, 21_600, 28_800, 43_200, 86_400];

/// How far back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Span {
    Hour,
    #[default]
    Day,
    Week,
    Month,
}

impl Span {
    /// From short to long.
    pub const ALL: [Span; 4] = [Span::Hour, Span::Day, Span::Week, Span::Month];

    /// How it is written.
    pub const fn label(self) -> &'static str {
        match self {
            Span::Hour => "1h",
            Span::Day => "24h",
            Span::Week => "7d",
            Span::Month => "30d",
        }
    }

    /// In seconds.
    pub const fn seconds(self) -> u64 {
        match self {
            Span::Hour => 3600,
            Span::Day => 86_400,
            Span::Week => 604_800,
            Span::Month => 2_592_000,
        }
    }

    /// The next longer one, or itself.
    pub fn longer(self) -> Span {
        let at = Span::ALL.iter().position(|s| *s == self).unwrap_or(0);
        Span::ALL[(at + 1).min(Span::ALL.len() - 1)]
    }

    /// The next shorter one, or itself.
    pub fn shorter(self) -> Span {
        let at = Span::ALL.iter().position(|s| *s == self).unwrap_or(0);
        Span::ALL[at.saturating_sub(1)]
    }

    /// The bucket size for checks `interval` apart: at most sixty buckets, none so small that it must often be empty.
    pub fn step(self, interval: Duration) -> Duration {
        let whole = self.seconds();
        let least = (whole / BUCKETS).max(interval.as_secs().min(whole));
        let step = STEPS.iter().copied().find(|s| *s >= least && whole.is_multiple_of(*s)).unwrap_or(whole);
        Duration::from_secs(step)
    }
}

/// What was asked for: an answer to anything else is stale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Whose; `None`: the whole board.
    pub id: Option<IntegrationId>,
    /// From.
    pub from: Timestamp,
    /// To.
    pub to: Timestamp,
    /// Bucket size.
    pub step: Duration,
    /// Time between checks, the shortest in view.
    pub interval: Duration,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Series {
    /// What it answers.
    pub request: Request,
    /// Oldest first.
    pub buckets: Vec<Bucket>,
    /// Open ones first, then the newest first.
    pub incidents: Vec<Incident>,
}

/// The metrics tab's state.
#[derive(Debug, Default)]
pub struct MetricsState {
    /// Whose; `None`: the whole board.
    pub whose: Option<IntegrationId>,
    /// How far back.
    pub span: Span,
    /// The last request, while its answer is awaited.
    pub asked: Option<Request>,
    /// When it was made.
    pub asked_at: Option<Timestamp>,
    /// The last good answer.
    pub series: Option<Series>,
    /// Why the last request failed.
    pub failure: Option<String>,
    /// First row shown of the list.
    pub scroll: usize,
}

impl MetricsState {
    /// Asks for what is shown now.
    pub fn fetch(&mut self, snapshot: &Snapshot, now: Timestamp) -> Effect {
        // An integration that is gone gives way to the board.
        if self.whose.as_ref().is_some_and(|id| !snapshot.entries.contains_key(id)) {
            self.whose = None;
        }
        let interval = match &self.whose {
            Some(id) => snapshot.entries.get(id).map(|e| e.integration.interval),
            None => snapshot.entries.values().map(|e| e.integration.interval).min(),
        };
        let interval = interval.unwrap_or(Duration::from_secs(300));
        let step = self.span.step(interval);
        // Bucket edges stay where they are from one request to the next.
        let size = i64::try_from(step.as_secs()).unwrap_or(3600).max(1);
        let end = (now.as_second().div_euclid(size) + 1).saturating_mul(size);
        let to = Timestamp::from_second(end).unwrap_or(now);
        let whole = SignedDuration::from_secs(i64::try_from(self.span.seconds()).unwrap_or(3600));
        let from = to.checked_sub(whole).unwrap_or(to);
        let request = Request { id: self.whose.clone(), from, to, step, interval };
        if self.series.as_ref().is_some_and(|s| !s.request.same_view(&request)) {
            self.series = None;
        }
        self.failure = None;
        self.asked = Some(request);
        self.asked_at = Some(now);
        Effect::FetchMetrics { id: self.whose.clone(), from, to, step }
    }

    /// Takes an answer in. `false`: it is stale.
    pub fn answer(
        &mut self,
        id: &Option<IntegrationId>,
        (from, to): (Timestamp, Timestamp),
        buckets: &Result<Vec<Bucket>, String>,
        incidents: &[Incident],
    ) -> bool {
        let Some(request) = self.asked.take_if(|r| r.id == *id && r.from == from && r.to == to) else { return false };
        match buckets {
            Ok(buckets) => {
                let mut buckets = buckets.clone();
                buckets.sort_by_key(|b| b.start);
                let mut incidents: Vec<_> = incidents
                    .iter()
                    .filter(|i| i.opened < to && i.closed.is_none_or(|closed| closed >= from))
                    .filter(|i| id.as_ref().is_none_or(|id| *id == i.integration))
                    .cloned()
                    .collect();
                incidents.sort_by_key(|i| (i.closed.is_some(), std::cmp::Reverse(i.opened)));
                self.failure = None;
                self.series = Some(Series { request, buckets, incidents });
            }
            Err(why) => self.failure = Some(why.clone()),
        }
        true
    }
}

impl Request {
    /// Whether both show the same thing, be it at another time.
    fn same_view(&self, other: &Request) -> bool {
        self.id == other.id
            && self.step == other.step
            && self.to.duration_since(self.from) == other.to.duration_since(other.from)
    }
}

/// Sums over a series. Percentiles over several buckets are estimates: medians cannot be added.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Totals {
    /// Checks.
    pub requests: u64,
    /// Of these, active.
    pub successful: u64,
    /// Of these, rate limited.
    pub rate_limited: u64,
    /// Mean latency of the successful ones.
    pub average: Option<Duration>,
    /// Median, 95th and 99th percentile.
    pub percentiles: [Option<Duration>; 3],
    /// The percentiles are weighted means of the buckets' own.
    pub estimated: bool,
}

impl Totals {
    /// Adds buckets up.
    pub fn of(buckets: &[Bucket]) -> Totals {
        let sum = |of: fn(&Bucket) -> u64| buckets.iter().map(of).fold(0, u64::saturating_add);
        let successful = sum(|b| b.successful);
        let time: Duration = buckets.iter().map(|b| b.latency_sum).fold(Duration::ZERO, Duration::saturating_add);
        let weighted = |of: fn(&Bucket) -> Option<Duration>| {
            let known = || buckets.iter().filter_map(|b| Some((of(b)?.as_secs_f64(), b.successful.max(1) as f64)));
            let weight: f64 = known().map(|(_, w)| w).sum();
            let mean = known().map(|(v, w)| v * w).sum::<f64>() / weight;
            (weight > 0.0).then(|| Duration::try_from_secs_f64(mean).ok()).flatten()
        };
        Totals {
            requests: sum(|b| b.total),
            successful,
            rate_limited: sum(|b| b.rate_limited),
            average: (successful > 0).then(|| time.div_f64(successful as f64)),
            percentiles: [weighted(|b| b.p50), weighted(|b| b.p95), weighted(|b| b.p99)],
            estimated: buckets.iter().filter(|b| b.p50.is_some()).count() > 1,
        }
    }

    /// The share of successful requests; `None` before the first.
    pub fn success_rate(&self) -> Option<f64> {
        (self.requests > 0).then(|| self.successful as f64 / self.requests as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_divide_the_span_and_are_no_shorter_than_the_interval() {
        for span in Span::ALL {
            for seconds in [1, 5, 60, 300, 3600, 86_400, 10_000_000] {
                let step = span.step(Duration::from_secs(seconds)).as_secs();
                assert_eq!(span.seconds() % step, 0, "{span:?} {seconds}");
                assert!(span.seconds() / step <= 60);
                assert!(step >= seconds.min(span.seconds()));
            }
        }
        assert_eq!(Span::Hour.step(Duration::from_secs(300)), Duration::from_secs(300));
        assert_eq!(Span::Month.longer(), Span::Month);
        assert_eq!(Span::Hour.shorter(), Span::Hour);
    }

    #[test]
    fn nothing_is_unknown_and_not_zero() {
        let totals = Totals::of(&[]);
        assert_eq!((totals.success_rate(), totals.average, totals.percentiles), (None, None, [None; 3]));
    }
}
