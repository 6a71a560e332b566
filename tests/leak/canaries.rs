//! Planted secrets, every form in which a text could hide one, and the search for all of them at once.

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::collections::{BTreeMap, HashMap};

/// So many bytes in a row of a secret (or of a form of it) are a leak.
const WINDOW: usize = 10;

/// Something found where it must not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leak {
    pub place: String,
    pub kind: String,
    pub form: &'static str,
    /// With what stands around it.
    pub piece: String,
}

/// The planted secrets of one home.
#[derive(Default)]
pub struct Canaries {
    /// Kind and value, in the order of planting.
    pub all: Vec<(String, String)>,
    windows: HashMap<Vec<u8>, (usize, &'static str)>,
    /// First two bytes of the windows: most bytes searched begin none.
    first: Vec<bool>,
    /// For each kind of place: how often it was searched, and how many bytes it held in all.
    pub sinks: BTreeMap<&'static str, (usize, usize)>,
}

/// A fresh secret with characters that every encoding writes differently, and the part that only it has.
pub fn fresh(kind: &str, rng: &mut fastrand::Rng) -> (String, String) {
    // What is not random is strewn about: no window may be made of it alone.
    let body = format!(
        "{:08x}/{:04x}+\"{:04x}\\&{:04x}=%z{:08x}{:08x}",
        rng.u32(..),
        rng.u16(..),
        rng.u16(..),
        rng.u16(..),
        rng.u32(..),
        rng.u32(..)
    );
    (format!("CANARY-{kind}-{body}"), body)
}

impl Canaries {
    /// A fresh secret of this kind, known from now on.
    pub fn plant(&mut self, kind: &str, rng: &mut fastrand::Rng) -> String {
        let (value, body) = fresh(kind, rng);
        self.keep(kind, &value, &body);
        value
    }

    /// A secret that the program or a server made. `body` is what only it has.
    pub fn keep(&mut self, kind: &str, value: &str, body: &str) {
        let at = self.all.len();
        self.all.push((kind.to_owned(), value.to_owned()));
        for (form, text) in forms(body) {
            for window in text.as_bytes().windows(WINDOW) {
                if self.first.is_empty() {
                    self.first = vec![false; 1 << 16];
                }
                self.first[usize::from(window[0]) << 8 | usize::from(window[1])] = true;
                self.windows.entry(window.to_vec()).or_insert((at, form));
            }
        }
    }

    /// Every secret that the bytes hold a piece of, except these kinds. `sink` is the kind of place.
    pub fn search(&mut self, sink: &'static str, place: &str, bytes: &[u8], allowed: &[&str]) -> Vec<Leak> {
        let (times, held) = self.sinks.entry(sink).or_default();
        *times += 1;
        *held += bytes.len();
        let mut found: Vec<Leak> = Vec::new();
        for (start, window) in bytes.windows(WINDOW).enumerate() {
            if !self.first.get(usize::from(window[0]) << 8 | usize::from(window[1])).is_some_and(|first| *first) {
                continue;
            }
            let Some((at, form)) = self.windows.get(window) else { continue };
            let kind = &self.all[*at].0;
            if !allowed.contains(&kind.as_str()) && !found.iter().any(|l| l.kind == *kind) {
                let around = &bytes[start.saturating_sub(60)..bytes.len().min(start + 40)];
                let piece = String::from_utf8_lossy(around).into_owned();
                found.push(Leak { place: place.to_owned(), kind: kind.clone(), form, piece });
            }
        }
        found
    }
}

/// Every form of a secret's own part.
pub fn forms(body: &str) -> Vec<(&'static str, String)> {
    let percent = utf8_percent_encode(body, NON_ALPHANUMERIC).to_string();
    let json = serde_json::to_string(body).unwrap();
    let mut forms = vec![
        ("plain", body.to_owned()),
        ("percent", percent.clone()),
        ("percent, lower case", percent.to_lowercase()),
        ("json", json[1..json.len() - 1].to_owned()),
        ("hex", body.bytes().map(|b| format!("{b:02x}")).collect()),
    ];
    for before in 0..3 {
        let bytes = ["u".repeat(before).as_bytes(), body.as_bytes()].concat();
        for (name, encoded) in
            [("base64", BASE64_STANDARD.encode(&bytes)), ("base64url", BASE64_URL_SAFE.encode(&bytes))]
        {
            // The ends depend on the neighbours.
            forms.push((name, encoded[4..encoded.len() - 4].to_owned()));
        }
    }
    forms
}

/// What is left of a terminal's bytes without its control sequences: text that was drawn in pieces of style.
pub fn without_escapes(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let mut bytes = raw.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            0x1b if bytes.next_if_eq(&b'[').is_some() => {
                while bytes.next().is_some_and(|b| !(0x40..=0x7e).contains(&b)) {}
            }
            0x1b => {}
            byte => out.push(byte),
        }
    }
    out
}
