//! What each fuzz target does with its bytes: pure functions of them that panic when something that must hold does not.
//!
//! The fuzzer calls them, and so does `tests/fuzz_corpus.rs` with every file of `corpus/`.

pub mod classification;
pub mod config;
pub mod definition;
pub mod paste;
pub mod vault;

/// A target.
pub type Target = fn(&[u8]);

/// Every target by its name.
pub const ALL: [(&str, Target); 5] = [
    ("config", config::run),
    ("definition", definition::run),
    ("classification", classification::run),
    ("vault", vault::run),
    ("paste", paste::run),
];

/// A secret that no output may hold. Longer than any key or word that a complaint repeats.
pub const CANARY: &str = "Zq7xCANARY0f3b9d5e71a2c84657d0e9f1b3a5c7d9e1f3b5";

/// The input as text, where every byte 1 is a canary. `None`: it is not text, or holds a piece of it anyway.
pub fn planted(data: &[u8]) -> Option<String> {
    if guessed(data) {
        return None;
    }
    Some(std::str::from_utf8(data).ok()?.replace('\u{1}', CANARY))
}

/// Whether the input holds a piece of the canary by itself, in any case, for addresses become small letters. The fuzzer reads
/// it off our comparisons; such inputs prove nothing.
pub fn guessed(data: &[u8]) -> bool {
    CANARY.as_bytes().windows(10).any(|piece| data.windows(10).any(|w| w.eq_ignore_ascii_case(piece)))
}

/// Panics when a text could drive a terminal, holds the canary, or is out of all proportion.
pub fn assert_harmless(text: &str, most: usize) {
    let bad = text.chars().find(|c| {
        c.is_control() && *c != '\n'
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
    });
    assert_eq!(bad, None, "{text:?}");
    assert!(text.len() <= most, "{} bytes: {text:?}", text.len());
    assert_hidden(text);
}

/// Panics when ten characters in a row of the canary are in the text.
pub fn assert_hidden(text: &str) {
    for piece in CANARY.as_bytes().windows(10) {
        let piece = std::str::from_utf8(piece).unwrap_or_default();
        assert!(!text.contains(piece), "a secret is told: {text:?}");
    }
}
