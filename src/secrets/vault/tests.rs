//! What the vault keeps, and what it refuses.

use super::*;

mod methods;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

struct Home {
    _folder: tempfile::TempDir,
    file: PathBuf,
    identity: PathBuf,
}

impl Home {
    fn new() -> Home {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        Home { file: path.join("vault.age"), identity: path.join("identity.txt"), _folder: folder }
    }

    fn vault(&self) -> Vault {
        Vault::new(&self.file, &self.identity)
    }
}

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn secrets_come_back_from_another_vault_over_the_same_file() {
    let home = Home::new();
    let vault = home.vault();
    assert_eq!(vault.get("a").unwrap(), None);
    assert!(vault.list().unwrap().is_empty() && !vault.remove("a").unwrap());
    assert!(!home.file.exists() && !home.identity.exists(), "asking makes nothing");

    let odd = "q\"uo\\te \t\u{1}\u{7f}é😀 'x' = #";
    vault.set("odd", &secret(odd)).unwrap();
    vault.set("a", &secret("one")).unwrap();
    vault.set("a", &secret("two")).unwrap();
    let other = home.vault();
    assert_eq!(other.get("odd").unwrap(), Some(secret(odd)));
    assert_eq!(other.get("a").unwrap(), Some(secret("two")));
    let names: Vec<_> = other.list().unwrap().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["a", "odd"]);
    assert!(other.remove("a").unwrap() && !other.remove("a").unwrap());
    assert_eq!(vault.get("a").unwrap(), None, "the first one notices");
}

#[test]
fn files_are_private_and_hold_no_clear_text() {
    let home = Home::new();
    home.vault().set("name-of-it", &secret("hunter2hunter2")).unwrap();
    assert_eq!((mode(&home.file), mode(&home.identity)), (0o600, 0o600));
    assert_eq!(mode(home.file.parent().unwrap()), 0o700);
    let sealed = fs::read(&home.file).unwrap();
    assert!(sealed.starts_with(b"age-encryption.org/v1\n-> X25519 "));
    for clear in [&b"hunter2"[..], b"name-of-it", b"entries"] {
        assert!(!sealed.windows(clear.len()).any(|window| window == clear));
    }
}

#[test]
fn what_cannot_be_kept_is_refused() {
    let vault = Home::new().vault();
    for (name, value) in [("../x", "v"), ("", "v"), ("A", "v"), ("a", ""), ("a", &*"x".repeat(MAX_SECRET + 1))] {
        let error = vault.set(name, &secret(value)).unwrap_err().to_string();
        assert!(error.len() < 200, "{error}");
    }
}

#[test]
fn files_open_to_others_are_refused_with_the_remedy() {
    let home = Home::new();
    home.vault().set("a", &secret("hunter2")).unwrap();
    for path in [&home.file, &home.identity] {
        for loose in [0o640, 0o604, 0o620, 0o601] {
            // One vault that has it in memory already, one that has not.
            let warm = home.vault();
            warm.get("a").unwrap();
            chmod(path, loose);
            for vault in [warm, home.vault()] {
                let error = vault.get("a").unwrap_err().to_string();
                assert!(error.contains(&format!("run: chmod 600 {}", path.display())), "{error}");
                assert!(vault.set("a", &secret("new")).is_err());
            }
            chmod(path, 0o600);
        }
    }
    assert_eq!(home.vault().get("a").unwrap(), Some(secret("hunter2")));
}

#[test]
fn links_are_refused() {
    let home = Home::new();
    home.vault().set("a", &secret("hunter2")).unwrap();
    let elsewhere = home.file.with_file_name("elsewhere.age");
    fs::rename(&home.file, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &home.file).unwrap();
    assert!(home.vault().get("a").unwrap_err().to_string().contains("symbolic link"));
    assert!(home.vault().set("a", &secret("x")).is_err());
}

#[test]
fn a_missing_identity_locks_and_a_wrong_one_is_an_error_and_neither_is_replaced() {
    let home = Home::new();
    home.vault().set("a", &secret("hunter2")).unwrap();
    let sealed = fs::read(&home.file).unwrap();
    let kept = fs::read(&home.identity).unwrap();

    fs::remove_file(&home.identity).unwrap();
    assert!(home.vault().is_locked());
    for error in [home.vault().get("a").unwrap_err(), home.vault().set("a", &secret("x")).unwrap_err()] {
        assert!(error.to_string().contains("locked"), "{error}");
    }
    assert!(!home.identity.exists(), "no new identity is made over an old vault");

    write_private(&home.identity, identity::text(&[identity::generate()]).as_bytes()).unwrap();
    for error in [home.vault().get("a").unwrap_err(), home.vault().remove("a").unwrap_err()] {
        assert!(error.to_string().contains("does not open the vault"), "{error}");
    }
    write_private(&home.identity, b"hunter2").unwrap();
    let error = home.vault().get("a").unwrap_err().to_string();
    assert!(error.contains("not an age identity file") && !error.contains("hunter2"), "{error}");
    assert_eq!(fs::read(&home.file).unwrap(), sealed);
    write_private(&home.identity, &kept).unwrap();
    assert_eq!(home.vault().get("a").unwrap(), Some(secret("hunter2")));
}

#[test]
fn a_damaged_vault_is_an_error_and_stays_as_it_is() {
    let home = Home::new();
    home.vault().set("a", &secret("hunter2")).unwrap();
    let sealed = fs::read(&home.file).unwrap();
    let mut damaged: Vec<Vec<u8>> = (0..sealed.len()).step_by(5).map(|cut| sealed[..cut].to_vec()).collect();
    for at in (0..sealed.len()).step_by(7) {
        let mut copy = sealed.clone();
        copy[at] ^= 1;
        damaged.push(copy);
    }
    damaged.push(b"[entries.a]\nvalue = \"plain\"\n".to_vec());
    for bytes in damaged {
        write_private(&home.file, &bytes).unwrap();
        assert!(home.vault().get("a").is_err());
        assert!(home.vault().set("b", &secret("x")).is_err());
        assert_eq!(fs::read(&home.file).unwrap(), bytes);
    }
}

#[test]
fn a_vault_of_strange_content_is_refused_without_quoting_it() {
    let home = Home::new();
    home.vault().set("a", &secret("x")).unwrap();
    let identities = identity::parse(&fs::read(&home.identity).unwrap(), &home.identity).unwrap();
    for clear in [
        "value = \"hunter2\"",
        "[entries.a]\nvalue = hunter2",
        "[entries.a]\nvalue = \"hunter2\"",
        "[entries.a]\nvalue = 3\nstored = 2026-01-01T00:00:00Z",
        "entries = \"hunter2\"",
        "[entries.\"hunter2 ghp\"]\nvalue = 1",
    ] {
        write_private(&home.file, &identity::encrypt(&identities, clear.as_bytes()).unwrap()).unwrap();
        let error = home.vault().get("a").unwrap_err().to_string();
        assert!(error.contains("is damaged") && !error.contains("hunter2"), "{error}");
    }
}

#[test]
fn concurrent_writers_lose_nothing() {
    let home = Home::new();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let vault = home.vault();
            scope.spawn(move || {
                for n in 0..5 {
                    vault.set(&format!("w{writer}-{n}"), &secret("x")).unwrap();
                }
            });
        }
    });
    assert_eq!(home.vault().list().unwrap().len(), 20);
}

#[test]
fn the_vault_is_opened_once_until_its_file_changes() {
    let home = Home::new();
    let vault = home.vault();
    vault.set("a", &secret("one")).unwrap();
    let first = vault.entries().unwrap();
    for _ in 0..10_000 {
        assert!(Arc::ptr_eq(&first, &vault.entries().unwrap()));
    }
    home.vault().set("a", &secret("two")).unwrap();
    assert!(!Arc::ptr_eq(&first, &vault.entries().unwrap()));
    assert_eq!(vault.get("a").unwrap(), Some(secret("two")));
    fs::remove_file(&home.file).unwrap();
    assert_eq!(vault.get("a").unwrap(), None, "a vault that is gone holds nothing");
}

#[test]
#[ignore = "needs age"]
fn the_age_program_reads_what_we_write_and_we_read_what_it_writes() {
    use std::process::Command;
    let home = Home::new();
    home.vault().set("a", &secret("hunter2")).unwrap();
    let out = Command::new("age").arg("-d").arg("-i").arg(&home.identity).arg(&home.file).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let clear = String::from_utf8(out.stdout).unwrap();
    assert!(clear.contains("[entries.a]\nvalue = \"hunter2\"\nstored = "), "{clear}");

    let text = fs::read_to_string(&home.identity).unwrap();
    let recipient = text.lines().find_map(|line| line.strip_prefix("# public key: ")).unwrap();
    for armor in [false, true] {
        let plain = home.file.with_file_name("plain");
        fs::write(&plain, clear.replace("hunter2", "changed")).unwrap();
        fs::remove_file(&home.file).unwrap();
        let mut age = Command::new("age");
        age.arg("-r").arg(recipient).arg("-o").arg(&home.file).args(armor.then_some("-a")).arg(&plain);
        assert!(age.status().unwrap().success());
        chmod(&home.file, 0o600);
        assert_eq!(home.vault().get("a").unwrap(), Some(secret("changed")));
    }
}
