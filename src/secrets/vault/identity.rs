//! The keys that open the vault, and what they open: x25519 identities of age.

use super::VaultError;
use crate::{model::Secret, secrets::private::quoted};
use age::{secrecy::ExposeSecret, x25519::Identity};
use std::{
    io::{Read, Write},
    path::Path,
};
use zeroize::Zeroizing;

/// The work of a passphrase, as the logarithm of scrypt's N.
const WORK: u8 = 18;
/// The shortest passphrase that seals anything, in characters.
const SHORTEST: usize = 12;

/// Reads an identity file as `age-keygen` writes it.
pub(super) fn parse(bytes: &[u8], path: &Path) -> Result<Vec<Identity>, VaultError> {
    let wrong = || {
        VaultError::new(format!(
            "{} is not an age identity file: it must hold a line AGE-SECRET-KEY-1…; put your copy of it back",
            quoted(path)
        ))
    };
    let text = std::str::from_utf8(bytes).map_err(|_| wrong())?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let identities: Vec<Identity> = lines.map(|line| line.parse().map_err(|_| wrong())).collect::<Result<_, _>>()?;
    if identities.is_empty() { Err(wrong()) } else { Ok(identities) }
}

/// A new identity.
pub(super) fn generate() -> Identity {
    Identity::generate()
}

/// The text of an identity file.
pub(super) fn text(identities: &[Identity]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(256 + 256 * identities.len()));
    text.push_str("# Opens Lampboard's vault. Keep a copy in a safe place; without it the vault is lost.\n");
    for identity in identities {
        text.push_str("# public key: ");
        text.push_str(&identity.to_public().to_string());
        text.push('\n');
        text.push_str(identity.to_string().expose_secret());
        text.push('\n');
    }
    text
}

/// Seals bytes with a passphrase, armoured, as `age --passphrase` does. A weak one is refused.
pub(super) fn seal_with_passphrase(clear: &[u8], passphrase: &Secret) -> Result<Vec<u8>, String> {
    if passphrase.expose().chars().count() < SHORTEST {
        return Err(format!(
            "the passphrase has fewer than {SHORTEST} characters; take a longer one, such as six random words"
        ));
    }
    let mut recipient = age::scrypt::Recipient::new(passphrase.expose().to_owned().into());
    // About a second on a present machine; fixed, so that a busy moment does not make a weak file.
    recipient.set_work_factor(WORK);
    let encryptor = age::Encryptor::with_recipients(std::iter::once(&recipient as &dyn age::Recipient))
        .map_err(|e| e.to_string())?;
    let mut sealed = Vec::with_capacity(2 * clear.len() + 1024);
    let armor = age::armor::ArmoredWriter::wrap_output(&mut sealed, age::armor::Format::AsciiArmor)
        .map_err(|e| e.to_string())?;
    let mut writer = encryptor.wrap_output(armor).map_err(|e| e.to_string())?;
    writer.write_all(clear).map_err(|e| e.to_string())?;
    writer.finish().and_then(|armor| armor.finish()).map_err(|e| e.to_string())?;
    Ok(sealed)
}

/// Opens bytes sealed with a passphrase. A wrong one is an error, never a way around.
pub(super) fn open_with_passphrase(
    sealed: &[u8],
    passphrase: &Secret,
    path: &Path,
) -> Result<Zeroizing<String>, VaultError> {
    let damaged = |what: &str| VaultError::new(format!("{} is damaged ({what}); put a copy of it back", quoted(path)));
    let decryptor = age::Decryptor::new_buffered(age::armor::ArmoredReader::new(sealed))
        .map_err(|_| damaged("not an age file, or its header was changed"))?;
    if !decryptor.is_scrypt() {
        return Err(VaultError::new(format!("{} is not sealed with a passphrase", quoted(path))));
    }
    let mut identity = age::scrypt::Identity::new(passphrase.expose().to_owned().into());
    identity.set_max_work_factor(WORK + 4);
    let mut reader =
        decryptor.decrypt(std::iter::once(&identity as &dyn age::Identity)).map_err(|error| match error {
            age::DecryptError::ExcessiveWork { .. } => damaged("it asks for hours of work"),
            _ => VaultError::new(format!("the passphrase does not open {}", quoted(path))),
        })?;
    let mut clear = Zeroizing::new(Vec::with_capacity(sealed.len() + 64));
    reader.read_to_end(&mut clear).map_err(|_| damaged("its content was changed or cut off"))?;
    let text = std::str::from_utf8(&clear).map_err(|_| damaged("its content is not text"))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// Opens the vault's bytes. No half-truths: a wrong identity and a damaged file are errors.
pub(super) fn decrypt(
    identities: &[Identity],
    sealed: &[u8],
    vault: &Path,
    identity: &str,
) -> Result<Zeroizing<String>, VaultError> {
    let damaged =
        |what: &str| VaultError::new(format!("the vault {} is damaged ({what}); put a copy of it back", quoted(vault)));
    let decryptor = age::Decryptor::new_buffered(age::armor::ArmoredReader::new(sealed))
        .map_err(|_| damaged("not an age file, or its header was changed"))?;
    let mut reader = decryptor.decrypt(identities.iter().map(|identity| identity as &dyn age::Identity)).map_err(
        |error| match error {
            age::DecryptError::NoMatchingKeys => VaultError::new(format!(
                "the identity {} does not open the vault {}: it was made for another one; put the right identity back",
                identity,
                quoted(vault)
            )),
            _ => damaged("its header was changed"),
        },
    )?;
    // The clear text is shorter than the sealed one: the buffer never grows, so no copy stays behind.
    let mut clear = Zeroizing::new(Vec::with_capacity(sealed.len() + 64));
    reader.read_to_end(&mut clear).map_err(|_| damaged("its content was changed or cut off"))?;
    let text = std::str::from_utf8(&clear).map_err(|_| damaged("its content is not text"))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// Seals for every identity of the file.
pub(super) fn encrypt(identities: &[Identity], clear: &[u8]) -> Result<Vec<u8>, String> {
    let recipients: Vec<_> = identities.iter().map(Identity::to_public).collect();
    let recipients = recipients.iter().map(|recipient| recipient as &dyn age::Recipient);
    let encryptor = age::Encryptor::with_recipients(recipients).map_err(|error| error.to_string())?;
    let mut sealed = Vec::with_capacity(clear.len() + 1024);
    let mut writer = encryptor.wrap_output(&mut sealed).map_err(|error| error.to_string())?;
    writer.write_all(clear).map_err(|error| error.to_string())?;
    writer.finish().map_err(|error| error.to_string())?;
    Ok(sealed)
}
