//! Times in words, in steps so coarse that an idle board seldom changes.

use jiff::{Timestamp, tz::TimeZone};
use std::time::Duration;

/// Whole seconds in coarse words: tens of seconds, minutes, hours, days.
fn coarse(seconds: i64) -> String {
    match seconds {
        s if s < 60 => format!("{} s", s / 10 * 10),
        s if s < 3600 => format!("{} m", s / 60),
        s if s < 48 * 3600 => format!("{} h", s / 3600),
        s => format!("{} d", s / 86_400),
    }
}

/// How long ago: `now`, `40 s`, `12 m`, `3 h`, `2 d`. What lies ahead (another clock) is `now`.
pub fn age(at: Timestamp, now: Timestamp) -> String {
    match now.as_second() - at.as_second() {
        s if s < 10 => "now".to_owned(),
        s => coarse(s),
    }
}

/// [`age`] as part of a sentence: `just now`, `40 s ago`.
pub fn ago(at: Timestamp, now: Timestamp) -> String {
    match age(at, now).as_str() {
        "now" => "just now".to_owned(),
        text => format!("{text} ago"),
    }
}

/// How long until: `now`, `in 10 s`, `in 40 s`, `in 12 m`.
pub fn until(at: Timestamp, now: Timestamp) -> String {
    match at.as_second() - now.as_second() {
        s if s <= 0 => "now".to_owned(),
        s if s < 60 => format!("in {} s", (s + 9) / 10 * 10),
        s => format!("in {}", coarse(s)),
    }
}

/// A length of time in words: `under 10 s`, `40 s`, `12 m`, `3 h 20 m`, `2 d 4 h`.
pub fn lasting(from: Timestamp, to: Timestamp) -> String {
    match to.as_second() - from.as_second() {
        s if s < 10 => "under 10 s".to_owned(),
        s if s < 3600 => coarse(s),
        s if s < 86_400 => format!("{} h {} m", s / 3600, s % 3600 / 60),
        s => format!("{} d {} h", s / 86_400, s % 86_400 / 3600),
    }
}

/// A latency: `0.4 ms`, `142 ms`, `1.24 s`, `12.3 s`.
pub fn latency(time: Duration) -> String {
    match time.as_secs_f64() {
        s if s < 0.001 => format!("{:.1} ms", s * 1e3),
        s if s < 0.9995 => format!("{:.0} ms", s * 1e3),
        s if s < 9.995 => format!("{s:.2} s"),
        s if s < 99.95 => format!("{s:.1} s"),
        s => format!("{s:.0} s"),
    }
}

/// A configured span: `30 s`, `5 m`, `1 h 30 m`.
pub fn span(time: Duration) -> String {
    match time.as_secs() {
        s if s < 120 && s % 60 != 0 || s < 60 => format!("{s} s"),
        s if s < 3600 => match s % 60 {
            0 => format!("{} m", s / 60),
            rest => format!("{} m {rest} s", s / 60),
        },
        s => match s % 3600 / 60 {
            0 => format!("{} h", s / 3600),
            rest => format!("{} h {rest} m", s / 3600),
        },
    }
}

/// The time of day, `14:05`; with the day when that is not today's: `May 3 14:05`.
pub fn clock(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let (at, now) = (at.to_zoned(zone.clone()), now.to_zoned(zone.clone()));
    let pattern = if at.date() == now.date() {
        "%H:%M"
    } else if at.year() == now.year() {
        "%b %-d %H:%M"
    } else {
        "%Y-%m-%d %H:%M"
    };
    at.strftime(pattern).to_string()
}

/// A day: `2026-05-03`.
pub fn day(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).expect("within range")
    }

    #[test]
    fn ages_move_in_coarse_steps() {
        for (seconds, text) in [
            (-5, "now"),
            (9, "now"),
            (10, "10 s"),
            (19, "10 s"),
            (59, "50 s"),
            (60, "1 m"),
            (3599, "59 m"),
            (7300, "2 h"),
            (200_000, "2 d"),
        ] {
            assert_eq!(age(at(0), at(seconds)), text);
        }
        assert_eq!(until(at(31), at(0)), "in 40 s");
        assert_eq!(until(at(0), at(5)), "now");
        assert_eq!(lasting(at(0), at(100_000)), "1 d 3 h");
    }

    #[test]
    fn latencies_and_spans_are_short() {
        for (ms, text) in
            [(0.4, "0.4 ms"), (142.0, "142 ms"), (999.9, "1.00 s"), (12_340.0, "12.3 s"), (120_000.0, "120 s")]
        {
            assert_eq!(latency(Duration::from_secs_f64(ms / 1000.0)), text);
        }
        for (s, text) in [(30, "30 s"), (60, "1 m"), (90, "90 s"), (300, "5 m"), (330, "5 m 30 s"), (5400, "1 h 30 m")]
        {
            assert_eq!(span(Duration::from_secs(s)), text);
        }
    }
}
