//! The keys that open the vault, and what they open: x25519 identities of age.

use super::VaultError;
use crate::secrets::private::quoted;
use age::{secrecy::ExposeSecret, x25519::Identity};
use std::{
    io::{self, Read, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
};
use zeroize::Zeroizing;

/// Reads an identity file as `age-keygen` writes it.
pub(super) fn parse(bytes: &[u8], path: &Path) -> Result<Vec<Identity>, VaultError> {
    let wrong = || {
        VaultError(format!(
            "{} is not an age identity file: it must hold a line AGE-SECRET-KEY-1…; put your copy of it back",
            quoted(path)
        ))
    };
    let text = std::str::from_utf8(bytes).map_err(|_| wrong())?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let identities: Vec<Identity> = lines.map(|line| line.parse().map_err(|_| wrong())).collect::<Result<_, _>>()?;
    if identities.is_empty() { Err(wrong()) } else { Ok(identities) }
}

/// Makes an identity file, 0600, unless there is one. It appears whole or not at all, and never replaces another.
pub(super) fn create_if_missing(path: &Path) -> io::Result<()> {
    match std::fs::symlink_metadata(path) {
        Ok(_) => return Ok(()),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Err(_) => {}
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let identity = Identity::generate();
    let mut file = tempfile::Builder::new()
        .prefix(".lampboard-")
        .permissions(std::fs::Permissions::from_mode(0o600))
        .tempfile_in(folder)?;
    let secret = identity.to_string();
    let mut text = Zeroizing::new(String::with_capacity(512));
    text.push_str(
        "# Opens Lampboard's vault. Keep a copy in a safe place; without it the vault is lost.\n# public key: ",
    );
    text.push_str(&identity.to_public().to_string());
    text.push('\n');
    text.push_str(secret.expose_secret());
    text.push('\n');
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path).map_err(|error| error.error)?;
    std::fs::File::open(folder)?.sync_all()
}

/// Opens the vault's bytes. No half-truths: a wrong identity and a damaged file are errors.
pub(super) fn decrypt(
    identities: &[Identity],
    sealed: &[u8],
    vault: &Path,
    identity: &Path,
) -> Result<Zeroizing<String>, VaultError> {
    let damaged =
        |what: &str| VaultError(format!("the vault {} is damaged ({what}); put a copy of it back", quoted(vault)));
    let decryptor = age::Decryptor::new_buffered(age::armor::ArmoredReader::new(sealed))
        .map_err(|_| damaged("not an age file, or its header was changed"))?;
    let mut reader = decryptor.decrypt(identities.iter().map(|identity| identity as &dyn age::Identity)).map_err(
        |error| match error {
            age::DecryptError::NoMatchingKeys => VaultError(format!(
                "the identity {} does not open the vault {}: it was made for another one; put the right identity back",
                quoted(identity),
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
