//! The dozen shapes in which services tell times, each as a named filter's pure function. Results are epoch seconds.

use jiff::{Timestamp, civil, tz::TimeZone};

/// `1767225600`, `1767225600.5`: epoch seconds.
pub fn epoch(text: &str, _now: f64) -> Option<f64> {
    number(text)
}

/// Epoch milliseconds.
pub fn epoch_ms(text: &str, _now: f64) -> Option<f64> {
    number(text).map(|n| n / 1000.0)
}

/// Seconds from now.
pub fn delta(text: &str, now: f64) -> Option<f64> {
    number(text).map(|n| now + n)
}

/// Milliseconds from now.
pub fn delta_ms(text: &str, now: f64) -> Option<f64> {
    number(text).map(|n| now + n / 1000.0)
}

/// `6m0s`, `1.5s`, `20ms`, `1h2m3s` from now.
pub fn duration(text: &str, now: f64) -> Option<f64> {
    let mut rest = text.trim();
    let mut total = 0.0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let value: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit_end = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        total += value
            * match &rest[..unit_end] {
                "d" => 86_400.0,
                "h" => 3600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 1e-3,
                "us" | "µs" => 1e-6,
                "ns" => 1e-9,
                _ => return None,
            };
        rest = &rest[unit_end..];
    }
    Some(now + total)
}

/// RFC 3339, also without seconds (`2026-05-01T12:34Z`).
pub fn rfc3339(text: &str, _now: f64) -> Option<f64> {
    let text = text.trim();
    let parsed: Result<Timestamp, _> = text.parse();
    parsed.or_else(|_| text.replacen('Z', ":00Z", 1).parse()).ok().map(seconds)
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`.
pub fn http_date(text: &str, _now: f64) -> Option<f64> {
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text.trim().replace("GMT", "+0000")).ok().map(seconds)
}

/// `YYYY-MM-DD`: the start of that day in UTC.
pub fn date(text: &str, _now: f64) -> Option<f64> {
    let date: civil::Date = text.trim().parse().ok()?;
    date.to_zoned(TimeZone::UTC).ok().map(|z| seconds(z.timestamp()))
}

/// `2006-01-02 15:04:05 UTC` or with `-0700`.
pub fn datetime(text: &str, _now: f64) -> Option<f64> {
    let text = text.trim();
    if let Some(utc) = text.strip_suffix("UTC").or_else(|| text.strip_suffix("GMT")) {
        let civil: civil::DateTime = civil::DateTime::strptime("%Y-%m-%d %H:%M:%S", utc.trim()).ok()?;
        return civil.to_zoned(TimeZone::UTC).ok().map(|z| seconds(z.timestamp()));
    }
    Timestamp::strptime("%Y-%m-%d %H:%M:%S %z", text).ok().map(seconds)
}

/// `Retry-After`: seconds or an HTTP date. Zero means nothing: services send it while they still refuse.
pub fn retry_after(text: &str, now: f64) -> Option<f64> {
    match number(text) {
        Some(n) if n > 0.0 => Some(now + n),
        Some(_) => None,
        None => http_date(text, now),
    }
}

/// A number of unknown kind: above 10¹² milliseconds, above 10⁹ epoch seconds, else seconds from now.
pub fn when(text: &str, now: f64) -> Option<f64> {
    number(text)
        .map(|n| match n {
            n if n > 1e12 => n / 1000.0,
            n if n > 1e9 => n,
            n => now + n,
        })
        .or_else(|| rfc3339(text, now))
}

/// An instant between 1970 and 2200, or nothing.
pub fn timestamp(seconds: f64) -> Option<Timestamp> {
    if !(0.0..7_258_118_400.0).contains(&seconds) {
        return None;
    }
    Timestamp::from_millisecond((seconds * 1000.0) as i64).ok()
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse::<f64>().ok().filter(|n| n.is_finite())
}

fn seconds(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_is_read() {
        let now = 1_000_000_000.0;
        type Read = fn(&str, f64) -> Option<f64>;
        let cases: &[(Read, &str, Option<f64>)] = &[
            (epoch, "1767225600", Some(1_767_225_600.0)),
            (epoch, "1767225600.5", Some(1_767_225_600.5)),
            (epoch, "soon", None),
            (epoch_ms, "1767225600000", Some(1_767_225_600.0)),
            (delta, "30", Some(now + 30.0)),
            (delta_ms, "1500", Some(now + 1.5)),
            (duration, "6m0s", Some(now + 360.0)),
            (duration, "1.5s", Some(now + 1.5)),
            (duration, "20ms", Some(now + 0.02)),
            (duration, "1h2m3s", Some(now + 3723.0)),
            (duration, "12", None),
            (rfc3339, "2026-01-01T00:00:00Z", Some(1_767_225_600.0)),
            (rfc3339, "2026-01-01T00:00Z", Some(1_767_225_600.0)),
            (http_date, "Thu, 01 Jan 2026 00:00:00 GMT", Some(1_767_225_600.0)),
            (date, "2026-01-01", Some(1_767_225_600.0)),
            (datetime, "2026-01-01 00:00:00 UTC", Some(1_767_225_600.0)),
            (datetime, "2025-12-31 17:00:00 -0700", Some(1_767_225_600.0)),
            (retry_after, "0", None),
            (retry_after, "-5", None),
            (retry_after, "12", Some(now + 12.0)),
            (retry_after, "Thu, 01 Jan 2026 00:00:00 GMT", Some(1_767_225_600.0)),
            (when, "1767225600000", Some(1_767_225_600.0)),
            (when, "1767225600", Some(1_767_225_600.0)),
            (when, "60", Some(now + 60.0)),
            (when, "NaN", None),
        ];
        for (read, text, expected) in cases {
            assert_eq!(read(text, now), *expected, "'{text}'");
        }
        assert_eq!(timestamp(-1.0), None);
        assert_eq!(timestamp(1e18), None);
        assert_eq!(timestamp(f64::NAN), None);
    }
}
