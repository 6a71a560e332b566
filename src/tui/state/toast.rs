//! Short messages that go by themselves. Many of one kind become one.

use jiff::Timestamp;

/// How a toast is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Tone {
    Plain,
    Good,
    Bad,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toast {
    /// What it says, one sentence.
    pub text: String,
    /// How it is meant.
    pub tone: Tone,
    /// When it goes.
    pub until: Timestamp,
    group: Option<&'static str>,
    count: usize,
}

/// The messages shown now, the latest last.
#[derive(Debug, Clone, Default)]
pub struct Toasts {
    list: Vec<Toast>,
}

/// At most so many at once; the oldest makes room.
pub const MOST: usize = 3;

/// Seconds a plain one stays.
const SHORT: i64 = 5;
/// Seconds one stays that tells of trouble.
const LONG: i64 = 12;

impl Toasts {
    /// The messages, the latest last.
    pub fn list(&self) -> &[Toast] {
        &self.list
    }

    /// Whether none is shown.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Shows a message. The same text again only stays longer.
    pub fn push(&mut self, now: Timestamp, tone: Tone, text: impl Into<String>) {
        self.add(now, tone, text.into(), None);
    }

    /// Shows a message of a kind of which there may be hundreds at once: from the second on they become one,
    /// "`count` `what`".
    pub fn push_grouped(&mut self, now: Timestamp, tone: Tone, text: impl Into<String>, what: &'static str) {
        let fresh = self.list.iter_mut().find(|t| t.group == Some(what));
        match fresh {
            Some(toast) => {
                toast.count += 1;
                toast.text = format!("{} {what}", toast.count);
                toast.tone = if tone == Tone::Bad { Tone::Bad } else { toast.tone };
                toast.until = until(now, toast.tone);
            }
            None => self.add(now, tone, text.into(), Some(what)),
        }
    }

    /// Takes away what has had its time; whether anything went.
    pub fn expire(&mut self, now: Timestamp) -> bool {
        let before = self.list.len();
        // A clock set back must not keep a message for ever.
        self.list.retain(|t| t.until > now && t.until.as_second() - now.as_second() <= LONG + 1);
        self.list.len() != before
    }

    /// Takes all away.
    pub fn clear(&mut self) {
        self.list.clear();
    }

    fn add(&mut self, now: Timestamp, tone: Tone, text: String, group: Option<&'static str>) {
        self.list.retain(|t| t.text != text);
        self.list.push(Toast { text, tone, until: until(now, tone), group, count: 1 });
        if self.list.len() > MOST {
            self.list.remove(0);
        }
    }
}

fn until(now: Timestamp, tone: Tone) -> Timestamp {
    let seconds = if tone == Tone::Bad { LONG } else { SHORT };
    now.checked_add(jiff::SignedDuration::from_secs(seconds)).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).expect("within range")
    }

    #[test]
    fn toasts_go_by_themselves_and_bad_ones_later() {
        let mut toasts = Toasts::default();
        toasts.push(at(0), Tone::Plain, "copied");
        toasts.push(at(0), Tone::Bad, "cannot save");
        assert!(!toasts.expire(at(4)));
        assert!(toasts.expire(at(6)));
        assert_eq!(toasts.list().len(), 1);
        assert!(toasts.expire(at(13)));
        assert!(toasts.is_empty());
    }

    #[test]
    fn a_clock_set_back_does_not_keep_them() {
        let mut toasts = Toasts::default();
        toasts.push(at(0), Tone::Bad, "x");
        assert!(toasts.expire(at(-86_400)));
    }

    #[test]
    fn a_storm_becomes_one_line() {
        let mut toasts = Toasts::default();
        for i in 0..500 {
            toasts.push_grouped(at(0), Tone::Plain, format!("service {i} changed"), "integrations changed");
        }
        assert_eq!(toasts.list().len(), 1);
        assert_eq!(toasts.list()[0].text, "500 integrations changed");
    }
}
