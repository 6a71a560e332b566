//! Spans of time as people write them: `30s`, `5m`, `1h30m`, `2d`, `250ms`.

use std::time::Duration;

const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

/// Reads `1h30m` (units from large to small, each once) or whole seconds (`300`). `None`: anything else.
pub fn parse(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    if !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()) {
        return rest.parse().ok().map(Duration::from_secs);
    }
    let (mut total, mut next) = (0u64, 0);
    while !rest.is_empty() || next == 0 {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let index = UNITS.iter().position(|(name, _)| *name == &rest[..unit])?;
        if index < next {
            return None;
        }
        next = index + 1;
        total = total.checked_add(number.checked_mul(UNITS[index].1)?)?;
        rest = rest[unit..].trim_start();
    }
    Some(Duration::from_millis(total))
}

/// Writes a span so that [`parse`] reads it back, to the millisecond: `1h30m`, `0s`.
pub fn text(span: Duration) -> String {
    let mut left = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    let mut out = String::new();
    for (name, millis) in UNITS {
        if left >= millis {
            out.push_str(&format!("{}{name}", left / millis));
            left %= millis;
        }
    }
    if out.is_empty() { "0s".to_owned() } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write() {
        for (written, seconds) in
            [("30s", 30), ("5m", 300), ("1h30m", 5400), ("2d", 172_800), ("300", 300), ("1h 5s", 3605)]
        {
            assert_eq!(parse(written), Some(Duration::from_secs(seconds)), "{written}");
        }
        assert_eq!(parse("1s250ms"), Some(Duration::from_millis(1250)));
        for bad in
            ["", " ", "m", "5x", "1.5h", "-5s", "5s5m", "5m5m", "5 minutes", "99999999999999999999d", "٣s", "1hé"]
        {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn text_is_read_back() {
        for millis in [0, 1, 999, 1000, 5000, 90_000, 5_400_000, 172_800_000, 93_784_005] {
            let span = Duration::from_millis(millis);
            assert_eq!(parse(&text(span)), Some(span), "{}", text(span));
        }
    }
}
