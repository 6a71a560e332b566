//! The ways to open the vault, and the way from each to the others.

use super::{super::*, Home, mode, secret};
use std::collections::HashMap;

const WORDS: &str = "correct horse battery staple";

fn passphrase() -> Secret {
    secret(WORDS)
}

/// A vault whose environment has these variables.
fn with(home: &Home, variables: &[(&str, &Path)]) -> Vault {
    let variables: HashMap<String, String> =
        variables.iter().map(|(n, p)| ((*n).to_owned(), p.to_string_lossy().into_owned())).collect();
    Vault::with_env(&home.file, &home.identity, Arc::new(move |name| variables.get(name).cloned()))
}

#[test]
fn a_passphrase_locks_and_unlocks_and_a_wrong_one_changes_nothing() {
    let home = Home::new();
    let vault = home.vault();
    vault.set("a", &secret("one")).unwrap();
    vault.rekey(&Target::Passphrase(passphrase())).unwrap();
    assert!(!home.identity.exists(), "the clear key is gone");
    assert_eq!(vault.get("a").unwrap(), Some(secret("one")), "who made it still has it open");

    let other = home.vault();
    assert!(other.is_locked());
    let error = other.get("a").unwrap_err();
    assert!(error.locked && error.message.contains("vault unlock"), "{error}");
    assert!(other.set("b", &secret("x")).unwrap_err().locked, "nothing is written around the lock");
    let error = other.unlock(&secret("wrong horse battery staple"), false).unwrap_err();
    assert!(!error.locked && error.message.contains("passphrase does not open"), "{error}");
    assert!(other.is_locked());
    other.unlock(&passphrase(), false).unwrap();
    assert_eq!(other.get("a").unwrap(), Some(secret("one")));
    other.set("b", &secret("two")).unwrap();
    assert!(other.lock().unwrap());
    assert!(other.get("b").unwrap_err().locked);
    assert_eq!(vault.get("b").unwrap(), Some(secret("two")));
    assert!(vault.rekey(&Target::Passphrase(secret("short"))).is_err());
    assert_eq!(vault.get("b").unwrap(), Some(secret("two")));
}

#[test]
fn every_change_of_method_makes_a_new_identity() {
    let home = Home::new();
    let vault = home.vault();
    vault.set("a", &secret("one")).unwrap();
    let old = fs::read(&home.identity).unwrap();
    vault.rekey(&Target::KeyFile).unwrap();
    assert_ne!(fs::read(&home.identity).unwrap(), old);
    assert_eq!(mode(&home.identity), 0o600);
    assert_eq!(home.vault().get("a").unwrap(), Some(secret("one")));
    // The old key opens nothing any more.
    let new = fs::read(&home.identity).unwrap();
    write_private(&home.identity, &old).unwrap();
    assert!(home.vault().get("a").unwrap_err().message.contains("does not open"));
    write_private(&home.identity, &new).unwrap();

    vault.rekey(&Target::Passphrase(passphrase())).unwrap();
    vault.rekey(&Target::KeyFile).unwrap();
    assert!(!vault.keys.sealed.exists());
    assert_eq!(home.vault().get("a").unwrap(), Some(secret("one")));
}

#[test]
fn a_session_shares_the_key_until_it_is_locked() {
    let home = Home::new();
    let run = home.file.with_file_name("run");
    home.vault().set("a", &secret("one")).unwrap();
    home.vault().rekey(&Target::Passphrase(passphrase())).unwrap();
    let (here, there) = (with(&home, &[("XDG_RUNTIME_DIR", &run)]), with(&home, &[("XDG_RUNTIME_DIR", &run)]));
    assert!(there.is_locked());
    let copy = here.unlock(&passphrase(), true).unwrap().unwrap();
    assert!(copy.starts_with(&run));
    assert_eq!(mode(&copy), 0o600);
    assert_eq!(there.get("a").unwrap(), Some(secret("one")));
    assert!(there.status().session);
    here.lock().unwrap();
    assert!(!copy.exists() && there.get("a").unwrap_err().locked, "the other program notices");
}

#[test]
fn servers_get_passphrase_or_identity_from_files() {
    let home = Home::new();
    home.vault().set("a", &secret("one")).unwrap();
    let identity = fs::read(&home.identity).unwrap();
    let credentials = home.file.with_file_name("credentials");
    fs::create_dir(&credentials).unwrap();

    // systemd hands the identity over.
    write_private(&credentials.join("lampboard-identity"), &identity).unwrap();
    fs::remove_file(&home.identity).unwrap();
    let vault = with(&home, &[("CREDENTIALS_DIRECTORY", &credentials)]);
    assert_eq!(vault.get("a").unwrap(), Some(secret("one")));
    assert_eq!(vault.status().method, Some(Method::Credential));
    assert!(home.vault().is_locked(), "others have no key");

    // Or the passphrase lies in a file.
    write_private(&home.identity, &identity).unwrap();
    fs::remove_dir_all(&credentials).unwrap();
    home.vault().rekey(&Target::Passphrase(passphrase())).unwrap();
    let file = home.file.with_file_name("passphrase");
    write_private(&file, format!("{WORDS}\n").as_bytes()).unwrap();
    let vault = with(&home, &[("LAMPBOARD_PASSPHRASE_FILE", &file)]);
    assert_eq!(vault.get("a").unwrap(), Some(secret("one")));
    write_private(&file, b"something else entirely").unwrap();
    let vault = with(&home, &[("LAMPBOARD_PASSPHRASE_FILE", &file)]);
    assert!(vault.get("a").unwrap_err().message.contains("does not open"));
}

#[test]
fn entries_travel_in_a_sealed_file() {
    let (here, there) = (Home::new(), Home::new());
    here.vault().set("a", &secret("one")).unwrap();
    here.vault().set("b", &secret("two")).unwrap();
    here.vault().allow("a", "api.example.org:443").unwrap();
    let file = here.file.with_file_name("export.age");
    assert_eq!(here.vault().export(&file, &passphrase()).unwrap(), 2);
    assert!(here.vault().export(&file, &passphrase()).is_err(), "nothing is overwritten");
    assert_eq!(mode(&file), 0o600);

    there.vault().set("b", &secret("mine")).unwrap();
    let vault = there.vault();
    assert!(vault.import(&file, &secret("not the passphrase"), true).is_err());
    let done = vault.import(&file, &passphrase(), false).unwrap();
    assert_eq!((done.added.len(), done.replaced.len(), done.kept), (1, 0, vec!["b".to_owned()]));
    assert_eq!(vault.get("b").unwrap(), Some(secret("mine")));
    assert!(
        !vault.get_with_facts("a").unwrap().unwrap().1.may_go_to(&["evil.example:443".to_owned()]),
        "bindings travel too"
    );
    vault.import(&file, &passphrase(), true).unwrap();
    assert_eq!(vault.get("b").unwrap(), Some(secret("two")));
}

#[test]
fn a_rotation_can_be_rolled_back_until_the_new_value_proves_good() {
    let home = Home::new();
    let vault = home.vault();
    assert!(vault.rotate("a", &secret("x"), None).is_err());
    vault.set("a", &secret("old")).unwrap();
    vault.rotate("a", &secret("new"), Some("ada")).unwrap();
    let (value, facts) = vault.get_with_facts("a").unwrap().unwrap();
    assert!(value == secret("new") && facts.can_roll_back && facts.rotated.is_some());
    // A good check with the old value proves nothing of the new one.
    vault.proved("a", &secret("old"), &["h:1".to_owned()]).unwrap();
    vault.roll_back("a").unwrap();
    assert_eq!(vault.get("a").unwrap(), Some(secret("old")));
    vault.rotate("a", &secret("new"), None).unwrap();
    vault.proved("a", &secret("new"), &["h:1".to_owned()]).unwrap();
    assert!(vault.roll_back("a").is_err());
    let (_, facts) = vault.get_with_facts("a").unwrap().unwrap();
    assert_eq!(facts.hosts, ["h:1"], "the first good check binds it");
    vault.proved("a", &secret("new"), &["h:2".to_owned()]).unwrap();
    assert_eq!(vault.get_with_facts("a").unwrap().unwrap().1.hosts, ["h:1"]);
}

/// Not a test by itself: the program that is killed by the next one.
#[test]
fn rekeying_without_end() {
    let Ok(folder) = std::env::var("LAMPBOARD_TEST_REKEY") else { return };
    let folder = PathBuf::from(folder);
    let vault = Vault::new(&folder.join("vault.age"), &folder.join("identity.txt"));
    loop {
        vault.rekey(&Target::KeyFile).unwrap();
    }
}

#[test]
fn killed_at_any_instant_it_still_opens() {
    let folder = tempfile::tempdir().unwrap();
    let vault = || Vault::new(&folder.path().join("vault.age"), &folder.path().join("identity.txt"));
    vault().set("a", &secret("one")).unwrap();
    let mut name = module_path!().split("::").skip(1).collect::<Vec<_>>().join("::");
    name.push_str("::rekeying_without_end");
    for round in 0..20 {
        let before = fs::read(folder.path().join("identity.txt")).unwrap();
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &name, "--nocapture"])
            .env("LAMPBOARD_TEST_REKEY", folder.path())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        // It is at work once the key changed; then a little longer each round.
        let start = std::time::Instant::now();
        while fs::read(folder.path().join("identity.txt")).is_ok_and(|now| now == before) {
            assert!(start.elapsed().as_secs() < 20, "the child does nothing");
            std::thread::yield_now();
        }
        let at = std::time::Instant::now();
        while at.elapsed() < std::time::Duration::from_micros(700 * round) {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(vault().get("a").unwrap(), Some(secret("one")), "round {round}");
    }
}

#[test]
#[ignore = "needs a system keyring"]
fn the_keyring_holds_the_identity() {
    if !cfg!(feature = "keyring") {
        return;
    }
    crate::secrets::keyring::probe().unwrap();
    let home = Home::new();
    home.vault().set("a", &secret("one")).unwrap();
    home.vault().rekey(&Target::Keyring).unwrap();
    assert!(!home.identity.exists());
    assert_eq!(home.vault().get("a").unwrap(), Some(secret("one")));
    assert_eq!(home.vault().status().method, Some(Method::Keyring));
    home.vault().rekey(&Target::KeyFile).unwrap();
    assert_eq!(home.vault().get("a").unwrap(), Some(secret("one")));
}

#[test]
#[ignore = "needs age"]
fn the_age_program_opens_the_sealed_identity_and_the_export() {
    use portable_pty::{CommandBuilder, PtySize, native_pty_system};
    use std::io::{Read, Write};
    let home = Home::new();
    home.vault().set("a", &secret("hunter2")).unwrap();
    let export = home.file.with_file_name("export.age");
    home.vault().export(&export, &passphrase()).unwrap();
    home.vault().rekey(&Target::Passphrase(passphrase())).unwrap();
    let sealed = home.identity.with_extension("age");
    let jobs: [Vec<&Path>; 2] =
        [vec![Path::new("-d"), &export], vec![Path::new("-d"), Path::new("-i"), &sealed, &home.file]];
    for arguments in jobs {
        // age asks on a terminal only.
        let pair = native_pty_system().openpty(PtySize::default()).unwrap();
        let mut command = CommandBuilder::new("age");
        command.args(&arguments);
        let mut child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let mut writer = pair.master.take_writer().unwrap();
        let (mut seen, mut buffer, mut told) = (String::new(), [0; 1024], false);
        while let Ok(n @ 1..) = reader.read(&mut buffer) {
            seen.push_str(&String::from_utf8_lossy(&buffer[..n]));
            if !told && seen.contains("passphrase") {
                writeln!(writer, "{WORDS}").unwrap();
                told = true;
            }
        }
        assert!(child.wait().unwrap().success(), "{seen}");
        assert!(seen.contains("hunter2"), "{seen}");
    }
}
