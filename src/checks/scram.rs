//! SCRAM-SHA-256 and SCRAM-SHA-512 (RFC 5802, RFC 7677): the password is proven to the server, and the server's knowledge of it to us.

use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    digest::{self, digest},
    hmac, pbkdf2,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use std::num::NonZeroU32;
use zeroize::Zeroizing;

/// Rounds believed: fewer would let a false server guess passwords fast, more would hold this machine up.
const ROUNDS: std::ops::RangeInclusive<u32> = 4096..=200_000;

/// The two in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hash {
    /// SCRAM-SHA-256.
    Sha256,
    /// SCRAM-SHA-512.
    #[cfg(feature = "kafka")]
    Sha512,
}

/// An exchange under way.
pub struct Scram {
    hash: Hash,
    bare: String,
    nonce: String,
}

/// What must come back from a server that knows the password.
pub struct Expected(String);

impl Scram {
    /// Begins. A nonce is random and without commas.
    pub fn new(hash: Hash, user: &str, nonce: String) -> Scram {
        Scram { hash, bare: format!("n={},r={nonce}", user.replace('=', "=3D").replace(',', "=2C")), nonce }
    }

    /// The first message.
    pub fn first(&self) -> String {
        format!("n,,{}", self.bare)
    }

    /// The last message, for the server's first. An error says what is wrong with that.
    pub fn last(&self, server: &str, password: &str) -> Result<(String, Expected), &'static str> {
        let part = |key: &str| server.split(',').find_map(|p| p.strip_prefix(key));
        let nonce = part("r=").filter(|n| n.len() > self.nonce.len() && n.starts_with(&self.nonce));
        let nonce = nonce.ok_or("the server's nonce does not go on from ours")?;
        let salt = part("s=").and_then(|s| BASE64_STANDARD.decode(s).ok()).ok_or("the salt is missing")?;
        let rounds = part("i=").and_then(|i| i.parse().ok()).filter(|i| ROUNDS.contains(i)).and_then(NonZeroU32::new);
        let rounds = rounds.ok_or("the number of rounds is not believable")?;
        let (slow, fast, plain) = match self.hash {
            Hash::Sha256 => (pbkdf2::PBKDF2_HMAC_SHA256, hmac::HMAC_SHA256, &digest::SHA256),
            #[cfg(feature = "kafka")]
            Hash::Sha512 => (pbkdf2::PBKDF2_HMAC_SHA512, hmac::HMAC_SHA512, &digest::SHA512),
        };
        let mut salted = Zeroizing::new(vec![0; plain.output_len()]);
        pbkdf2::derive(slow, rounds, &salt, password.as_bytes(), &mut salted);
        let sign = |key: &[u8], text: &str| hmac::sign(&hmac::Key::new(fast, key), text.as_bytes());
        let unproven = format!("c=biws,r={nonce}");
        let whole = format!("{},{server},{unproven}", self.bare);
        let client = sign(salted.as_ref(), "Client Key");
        let signature = sign(digest(plain, client.as_ref()).as_ref(), &whole);
        let proof: Vec<u8> = client.as_ref().iter().zip(signature.as_ref()).map(|(a, b)| a ^ b).collect();
        let expected = sign(sign(salted.as_ref(), "Server Key").as_ref(), &whole);
        let expected = format!("v={}", BASE64_STANDARD.encode(expected.as_ref()));
        Ok((format!("{unproven},p={}", BASE64_STANDARD.encode(proof)), Expected(expected)))
    }
}

impl Expected {
    /// Whether the server's last message is it.
    pub fn fits(&self, server: &str) -> bool {
        verify_slices_are_equal(self.0.as_bytes(), server.as_bytes()).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The exchange printed in RFC 7677, section 3.
    #[test]
    fn the_standards_own_exchange_comes_out() {
        let scram = Scram::new(Hash::Sha256, "user", "rOprNGfwEbeRWgbNEkqO".into());
        assert_eq!(scram.first(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        let server = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
        let (last, expected) = scram.last(server, "pencil").unwrap();
        assert_eq!(
            last,
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        );
        assert!(expected.fits("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
        assert!(!expected.fits("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5=") && !expected.fits(""));
    }

    #[test]
    fn unbelievable_servers_are_refused() {
        let scram = Scram::new(Hash::Sha256, "a,b=c", "nonce".into());
        assert_eq!(scram.first(), "n,,n=a=2Cb=3Dc,r=nonce");
        for server in ["", "r=nonce,s=AAAA,i=4096", "r=other1,s=AAAA,i=4096", "r=nonce1,s=AAAA,i=1", "r=nonce1,i=4096"]
        {
            assert!(scram.last(server, "pencil").is_err(), "{server}");
        }
        assert!(scram.last("r=nonce1,s=AAAA,i=999999999", "pencil").is_err());
    }
}
