//! Keys and tokens of NATS for tests: an operator, its account and users, made as their tools make them.

#![allow(dead_code, reason = "every test file uses a part of it")]

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use data_encoding::BASE32_NOPAD;
use serde_json::{Value, json};

/// First byte of a key's kind.
pub const OPERATOR: u8 = 14 << 3;
/// The same.
pub const ACCOUNT: u8 = 0;
/// The same.
pub const USER: u8 = 20 << 3;

/// A pair of keys.
pub struct Key {
    kind: u8,
    seed: [u8; 32],
}

impl Key {
    /// A key that is the same in every run.
    pub fn new(kind: u8, number: u8) -> Key {
        Key { kind, seed: [number; 32] }
    }

    fn pair(&self) -> Ed25519KeyPair {
        Ed25519KeyPair::from_seed_unchecked(&self.seed).unwrap()
    }

    /// `S…`.
    pub fn seed(&self) -> String {
        let prefix = [18 << 3 | self.kind >> 5, (self.kind & 31) << 3];
        written(&[&prefix[..], &self.seed].concat())
    }

    /// `U…`, `A…`, `O…`.
    pub fn public(&self) -> String {
        written(&[&[self.kind][..], self.pair().public_key().as_ref()].concat())
    }

    /// A token about `subject`, signed by this key. `exp`: seconds since 1970.
    pub fn token(&self, subject: &Key, kind: &str, exp: Option<i64>) -> String {
        let mut claims = json!({
            "jti": "test", "iat": 1_700_000_000, "iss": self.public(), "sub": subject.public(), "name": kind,
            "nats": { "type": kind, "version": 2 },
        });
        match kind {
            "account" => claims["nats"]["limits"] = limits(),
            "user" => {
                for limit in ["subs", "data", "payload"] {
                    claims["nats"][limit] = json!(-1);
                }
            }
            _ => {}
        }
        if let Some(exp) = exp {
            claims["exp"] = json!(exp);
        }
        let part = |json: &Value| BASE64_URL_SAFE_NO_PAD.encode(json.to_string());
        let text = format!("{}.{}", part(&json!({ "typ": "JWT", "alg": "ed25519-nkey" })), part(&claims));
        let signature = BASE64_URL_SAFE_NO_PAD.encode(self.pair().sign(text.as_bytes()));
        format!("{text}.{signature}")
    }
}

fn limits() -> Value {
    json!({ "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "conn": -1, "leaf": -1, "wildcards": true })
}

/// A `.creds` file.
pub fn creds(token: &str, seed: &str) -> String {
    format!(
        "-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n\
         ************************* IMPORTANT *************************\n\
         NKEYs are sensitive.\n\n-----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
    )
}

fn written(bytes: &[u8]) -> String {
    let mut sum = 0_u16;
    for byte in bytes {
        sum ^= u16::from(*byte) << 8;
        for _ in 0..8 {
            sum = if sum & 0x8000 == 0 { sum << 1 } else { sum << 1 ^ 0x1021 };
        }
    }
    BASE32_NOPAD.encode(&[bytes, &sum.to_le_bytes()].concat())
}
