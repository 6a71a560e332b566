//! Credentials of NATS that sign the server's challenge: an NKEY seed alone, or a `.creds` file, which holds the user's JSON
//! web token and the seed. Source: the NATS documentation on NKEYs and on decentralized JWT authentication.

use crate::checks::token_life::token_in;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use data_encoding::BASE32_NOPAD;
use zeroize::Zeroizing;

/// First five bits: a seed.
const SEED: u8 = 18 << 3;
/// First byte of a user's public key, which a seed repeats in its second five bits.
const USER: u8 = 20 << 3;
/// Bytes of a seed: two of prefix, the key, two of checksum.
const LENGTH: usize = 36;

/// What signs, and the token it stands for.
pub struct Signer {
    /// The user's token, where the server knows users by those.
    pub jwt: Option<Zeroizing<String>>,
    key: Ed25519KeyPair,
}

impl Signer {
    /// From a seed or a whole `.creds` file, line breaks or not.
    ///
    /// # Errors
    /// What is wrong with it; never a piece of it.
    pub fn read(text: &str) -> Result<Signer, &'static str> {
        let jwt = token_in(text);
        if jwt.is_none() && text.contains("BEGIN NATS") {
            return Err("the file holds no JSON web token");
        }
        let mut words = text.split_ascii_whitespace();
        let seed = words.find(|word| word.starts_with('S') && word.len() == BASE32_NOPAD.encode_len(LENGTH));
        let key = key(seed.ok_or("no NKEY seed is in it: 58 characters that begin with SU")?)?;
        Ok(Signer { jwt: jwt.map(|jwt| Zeroizing::new(jwt.to_owned())), key })
    }

    /// The public half as NATS writes it, `U…`.
    pub fn public_key(&self) -> String {
        let mut bytes = vec![USER];
        bytes.extend_from_slice(self.key.public_key().as_ref());
        let sum = checksum(&bytes);
        bytes.extend(sum.to_le_bytes());
        BASE32_NOPAD.encode(&bytes)
    }

    /// The signature of the server's challenge, as CONNECT takes it.
    pub fn sign(&self, nonce: &str) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.key.sign(nonce.as_bytes()))
    }
}

fn key(seed: &str) -> Result<Ed25519KeyPair, &'static str> {
    let mut bytes = Zeroizing::new([0_u8; LENGTH]);
    let decoded = BASE32_NOPAD.decode_mut(seed.as_bytes(), &mut *bytes);
    if !decoded.is_ok_and(|length| length == LENGTH) {
        return Err("the NKEY seed is not written in base32");
    }
    let (body, sum) = bytes.split_at(LENGTH - 2);
    if checksum(body).to_le_bytes() != sum {
        return Err("the NKEY seed does not fit its own checksum: a character is wrong");
    }
    if body[0] & 0xf8 != SEED {
        return Err("the NKEY is no seed: a seed begins with SU");
    }
    if (body[0] & 7) << 5 | body[1] >> 3 != USER {
        return Err("the NKEY seed is no user's: a user's begins with SU");
    }
    Ed25519KeyPair::from_seed_unchecked(&body[2..]).map_err(|_| "the NKEY seed is no key")
}

/// CRC-16 as XMODEM has it.
fn checksum(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |sum: u16, byte| {
        (0..8).fold(sum ^ u16::from(*byte) << 8, |sum, _| sum << 1 ^ if sum & 0x8000 != 0 { 0x1021 } else { 0 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_xmodems() {
        assert_eq!(checksum(b"123456789"), 0x31c3);
        assert_eq!(checksum(b""), 0);
    }

    #[test]
    fn seeds_are_read_whole_or_refused_with_the_reason() {
        let seed = |prefix: [u8; 2]| {
            let mut bytes = prefix.to_vec();
            bytes.extend([7; 32]);
            let sum = checksum(&bytes);
            bytes.extend(sum.to_le_bytes());
            BASE32_NOPAD.encode(&bytes)
        };
        let user = seed([SEED | USER >> 5, (USER & 31) << 3]);
        let signer = Signer::read(&user).unwrap();
        assert!(signer.jwt.is_none() && signer.public_key().starts_with('U'), "{}", signer.public_key());
        let account = seed([SEED, 0]);
        let mut typo = user.clone();
        typo.replace_range(20..21, if &user[20..21] == "A" { "B" } else { "A" });
        for (text, why) in [
            (account.as_str(), "no user's"),
            (&typo, "checksum"),
            (&user.to_lowercase(), "no NKEY seed"),
            (&user[..57], "no NKEY seed"),
            (&format!("-----BEGIN NATS USER JWT-----\n-----BEGIN USER NKEY SEED-----\n{user}"), "no JSON web token"),
            ("", "no NKEY seed"),
        ] {
            let said = Signer::read(text).err().unwrap();
            assert!(said.contains(why), "{said}");
        }
    }
}
