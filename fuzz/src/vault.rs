//! The vault's files: any bytes are refused or read, nothing is told of what they hold, and a refused vault stays.
//!
//! Byte 0: 0 the bytes are `vault.age`, 1 they are the identity, 2 they are the clear text within. A byte 1 in a clear
//! text is the canary.

use age::secrecy::ExposeSecret;
use lampboard::{model::Secret, secrets::Vault};
use std::{
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::LazyLock,
};

static IDENTITY: LazyLock<age::x25519::Identity> = LazyLock::new(age::x25519::Identity::generate);

/// Where files are cheap.
pub fn fast() -> PathBuf {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() }
}

fn write(path: &Path, bytes: &[u8]) {
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).expect("a file");
    file.write_all(bytes).expect("room");
}

fn seal(clear: &[u8]) -> Vec<u8> {
    let recipient = IDENTITY.to_public();
    let encryptor =
        age::Encryptor::with_recipients(std::iter::once(&recipient as &dyn age::Recipient)).expect("a recipient");
    let mut sealed = Vec::new();
    let mut writer = encryptor.wrap_output(&mut sealed).expect("memory takes everything");
    writer.write_all(clear).expect("memory takes everything");
    writer.finish().expect("memory takes everything");
    sealed
}

/// Opens a vault made of the bytes.
pub fn run(data: &[u8]) {
    if super::guessed(data) {
        return;
    }
    let [how, rest @ ..] = data else { return };
    let planted = rest.iter().flat_map(|b| if *b == 1 { super::CANARY.as_bytes() } else { std::slice::from_ref(b) });
    let (sealed, identity) = match how % 3 {
        0 => (rest.to_vec(), IDENTITY.to_string().expose_secret().as_bytes().to_vec()),
        1 => (seal(b"# Lampboard's vault\n"), rest.to_vec()),
        _ => {
            let clear: Vec<u8> = planted.copied().collect();
            (seal(&clear), IDENTITY.to_string().expose_secret().as_bytes().to_vec())
        }
    };
    let folder = tempfile::tempdir_in(fast()).expect("a folder");
    let (file, key) = (folder.path().join("vault.age"), folder.path().join("identity.txt"));
    write(&file, &sealed);
    write(&key, &identity);
    let vault = Vault::new(&file, &key);
    super::assert_hidden(&format!("{:?}", vault.status()));
    let list = match vault.list() {
        Ok(list) => list,
        Err(error) => {
            super::assert_harmless(&error.message, 1000);
            vault.set("probe", &Secret::new("value".to_owned())).expect_err("a refused vault is not written over");
            assert_eq!(std::fs::read(&file).expect("it is there"), sealed, "a refused vault stays as it is");
            return;
        }
    };
    let values = |vault: &Vault| -> Vec<_> {
        list.iter().map(|(name, _)| vault.get(name).expect("it opens").expect("it is listed")).collect()
    };
    let before = values(&vault);
    if vault.set("probe", &Secret::new("value".to_owned())).is_ok() {
        let again = Vault::new(&file, &key);
        for ((name, _), (old, new)) in list.iter().zip(before.iter().zip(values(&again))) {
            assert!(name == "probe" || *old == new, "another entry changed");
        }
        assert_eq!(again.get("probe").expect("it opens").expect("it was stored").expose(), "value");
    }
}
