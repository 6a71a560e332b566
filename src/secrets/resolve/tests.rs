//! Every kind of reference, good and bad.

use super::*;
use crate::secrets::Vault;
use std::{fs, os::unix::fs::symlink, time::Instant};

struct Home {
    folder: tempfile::TempDir,
    resolver: Resolver,
}

fn home() -> Home {
    let folder = tempfile::tempdir().unwrap();
    let vault = Vault::new(&folder.path().join("vault.age"), &folder.path().join("identity.txt"));
    let credentials = folder.path().join("credentials").display().to_string();
    let own = folder.path().display().to_string();
    let resolver = Resolver::new(Arc::new(vault)).with_env(move |name| match name {
        "TOKEN" => Some("hunter2\n".to_owned()),
        "EMPTY" => Some(String::new()),
        "LINES" => Some("hunter2\nhunter3".to_owned()),
        "JSON" => Some("{\n\"key\": \"hunter\\n2\"\n}\n".to_owned()),
        "HOME" => Some(own.clone()),
        "CREDENTIALS_DIRECTORY" => Some(credentials.clone()),
        "PATH" => std::env::var(name).ok(),
        _ => None,
    });
    Home { folder, resolver }
}

impl Home {
    async fn get(&self, reference: &str) -> Result<String, (Cause, String)> {
        let resolved = self.resolver.resolve(&reference.parse().unwrap()).await;
        resolved.map(|secret| secret.expose().to_owned()).map_err(|error| {
            assert!(!error.message.contains("hunter"), "{}", error.message);
            (error.cause, error.message)
        })
    }

    async fn fails(&self, reference: &str, cause: Cause, told: &str) {
        let (seen, message) = self.get(reference).await.unwrap_err();
        assert_eq!(seen, cause, "{reference}: {message}");
        assert!(message.contains(told), "{reference}: {message}");
    }
}

#[tokio::test]
async fn environment() {
    let home = home();
    assert_eq!(home.get("env:TOKEN").await.unwrap(), "hunter2");
    home.fails("env:ABSENT", Cause::MissingCredential, "'ABSENT' is not set").await;
    home.fails("env:EMPTY", Cause::MissingCredential, "is empty").await;
    home.fails("env:LINES", Cause::Misconfigured, "line break (or a NUL) after 7 bytes").await;
    assert_eq!(home.get("env:JSON").await.unwrap(), "{\"key\": \"hunter\\n2\"}");
    home.fails("env:A=B", Cause::MissingCredential, "not set").await;
}

#[tokio::test]
async fn files() {
    let home = home();
    let path = home.folder.path().join("token");
    let reference = format!("file:{}", path.display());
    home.fails(&reference, Cause::MissingCredential, "is not there").await;
    for (content, seen) in
        [("hunter2", "hunter2"), ("hunter2\n", "hunter2"), ("hunter2\r\n", "hunter2"), (" h ", " h ")]
    {
        fs::write(&path, content).unwrap();
        assert_eq!(home.get(&reference).await.unwrap(), seen);
    }
    assert_eq!(home.get("file:~/token").await.unwrap(), " h ");
    fs::write(&path, "-----BEGIN NATS USER JWT-----\ntoken\n\n------END-----\n").unwrap();
    assert_eq!(home.get(&reference).await.unwrap(), "-----BEGIN NATS USER JWT----- token ------END-----");
    for (content, cause, told) in [
        ("", Cause::MissingCredential, "is empty"),
        ("\n", Cause::MissingCredential, "is empty"),
        ("hunter2\n\n", Cause::Misconfigured, "line break"),
        ("hunter2\rx", Cause::Misconfigured, "line break"),
        ("hunter2\0x", Cause::Misconfigured, "NUL"),
    ] {
        fs::write(&path, content).unwrap();
        home.fails(&reference, cause, told).await;
    }
    fs::write(&path, b"hunter2\xff").unwrap();
    home.fails(&reference, Cause::Misconfigured, "not text").await;
    fs::write(&path, vec![b'a'; MAX_BYTES]).unwrap();
    assert_eq!(home.get(&reference).await.unwrap().len(), MAX_BYTES);
    fs::write(&path, vec![b'a'; MAX_BYTES + 2]).unwrap();
    home.fails(&reference, Cause::Misconfigured, "larger than 64 KiB").await;
    home.fails(&format!("file:{}", home.folder.path().display()), Cause::Misconfigured, "not a regular file").await;
    home.fails("file:/dev/zero", Cause::Misconfigured, "not a regular file").await;
}

#[tokio::test]
async fn values_of_ini_files() {
    let home = home();
    let path = home.folder.path().join("credentials");
    let shown = path.display();
    let at = |place: &str| format!("ini:{shown}#{place}");
    home.fails(&at("default.secret"), Cause::MissingCredential, "is not there").await;
    let text = "[default]\nsecret = hunter2\nempty =\n[profile dev]\nsecret = hunter3\n";
    fs::write(&path, text).unwrap();
    assert_eq!(home.get(&at("default.secret")).await.unwrap(), "hunter2");
    assert_eq!(home.get("ini:~/credentials#profile dev.SECRET").await.unwrap(), "hunter3");
    assert_eq!(home.get("ini:$HOME/credentials#default.secret").await.unwrap(), "hunter2");
    home.fails("ini:$ABSENT#default.secret", Cause::MissingCredential, "'ABSENT', which is not set").await;
    home.fails(&at("prod.secret"), Cause::MissingCredential, "has no section [prod]").await;
    home.fails(&at("default.token"), Cause::MissingCredential, "has no 'token' in the section [default]").await;
    home.fails(&at(".token"), Cause::MissingCredential, "has no 'token' before the first section").await;
    home.fails(&at("default.empty"), Cause::MissingCredential, "is empty").await;
    fs::write(&path, [0xff, 0xfe]).unwrap();
    home.fails(&at("default.secret"), Cause::Misconfigured, "not text").await;
    fs::write(&path, vec![b'\n'; MAX_INI + 1]).unwrap();
    home.fails(&at("default.secret"), Cause::Misconfigured, "larger than 1 MiB").await;
    home.fails(&format!("ini:{}#a.b", home.folder.path().display()), Cause::Misconfigured, "not a regular file").await;
}

#[tokio::test]
async fn a_pipe_that_nobody_writes_does_not_hang() {
    let home = home();
    let pipe = home.folder.path().join("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).unwrap();
    home.fails(&format!("file:{}", pipe.display()), Cause::Misconfigured, "not a regular file").await;
}

#[tokio::test]
async fn systemd_credentials() {
    let home = home();
    let folder = home.folder.path().join("credentials");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("api.token"), "hunter2").unwrap();
    fs::write(home.folder.path().join("outside"), "hunter2").unwrap();
    assert_eq!(home.get("credential:api.token").await.unwrap(), "hunter2");
    home.fails("credential:absent", Cause::MissingCredential, "is not there").await;
    home.fails("credential:../outside", Cause::Misconfigured, "cannot be a path").await;
    let without = Resolver::new(home.resolver.vault.clone()).with_env(|_| None);
    let error = without.resolve(&"credential:x".parse().unwrap()).await.unwrap_err();
    assert!(error.message.contains("LoadCredential="), "{error}");
}

#[tokio::test]
async fn keyring_is_honest() {
    home().fails("keyring:github", Cause::Misconfigured, "lampboard secret set github").await;
}

#[tokio::test]
async fn vault() {
    let home = home();
    let vault = home.resolver.vault.clone();
    home.fails("vault:github", Cause::MissingCredential, "lampboard secret set github").await;
    vault.set("github", &Secret::new("hunter2".to_owned())).unwrap();
    vault.set("lines", &Secret::new("hunter2\nhunter3".to_owned())).unwrap();
    assert_eq!(home.get("vault:github").await.unwrap(), "hunter2");
    home.fails("vault:lines", Cause::Misconfigured, "line break").await;
    let identity = home.folder.path().join("identity.txt");
    fs::rename(&identity, home.folder.path().join("away")).unwrap();
    home.fails("vault:github", Cause::Locked, "locked").await;
    symlink(home.folder.path().join("away"), &identity).unwrap();
    home.fails("vault:github", Cause::Misconfigured, "symbolic link").await;
}

#[tokio::test]
async fn commands() {
    let home = home();
    assert_eq!(home.get("cmd:printf 'hunter2\\n'").await.unwrap(), "hunter2");
    assert_eq!(home.get("cmd:echo $(id) $HOME").await.unwrap(), "$(id) $HOME", "no shell");
    home.fails("cmd:no-such-program-here x", Cause::Misconfigured, "is not found").await;
    home.fails("cmd:/", Cause::Misconfigured, "cannot be started").await;
    home.fails("cmd:echo 'x", Cause::Misconfigured, "never closed").await;
    home.fails("cmd:echo x | cat", Cause::Misconfigured, "without a shell").await;
    home.fails("cmd:true", Cause::MissingCredential, "is empty").await;
    home.fails("cmd:printf 'hunter2\\nhunter3\\n'", Cause::Misconfigured, "line break").await;
    home.fails("cmd:sh -c 'echo hunter2; echo bad hunter2 >&2; exit 3'", Cause::MissingCredential, "code 3: bad ••••")
        .await;
    home.fails("cmd:sh -c 'printf \"\\033[31mno\" >&2; exit 1'", Cause::MissingCredential, "\u{241b}[31mno").await;
    home.fails("cmd:sh -c 'kill -9 $$'", Cause::MissingCredential, "by a signal").await;
    home.fails("cmd:cat", Cause::MissingCredential, "is empty").await;
    home.fails("cmd:yes", Cause::Misconfigured, "more than 64 KiB").await;
}

#[tokio::test]
async fn a_command_gets_little_of_the_environment() {
    let home = home();
    let seen = home.get("cmd:sh -c 'env | grep -c -e TOKEN -e CARGO -e CREDENTIALS || true'").await.unwrap();
    assert_eq!(seen, "0");
    let seen = home.get("cmd:sh -c 'echo $HOME'").await.unwrap();
    assert_eq!(seen, home.folder.path().display().to_string());
}

#[tokio::test]
async fn much_complaint_does_not_block_a_command() {
    let script = "cmd:sh -c 'head -c 1000000 /dev/zero >&2; echo hunter2'";
    assert_eq!(home().get(script).await.unwrap(), "hunter2");
}

/// The pid that a command wrote is alive (a zombie is not).
fn alive(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}

/// Waits until the file has a pid in it.
async fn pid_in(path: &Path) -> String {
    let start = Instant::now();
    loop {
        let text = fs::read_to_string(path).unwrap_or_default();
        if text.ends_with('\n') {
            return text.trim().to_owned();
        }
        assert!(start.elapsed() < Duration::from_secs(20), "the command never started");
        tokio::task::yield_now().await;
    }
}

async fn dies(pid: &str) {
    let start = Instant::now();
    while alive(pid) {
        assert!(start.elapsed() < Duration::from_secs(20), "{pid} still runs");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_silent_command_and_its_children_are_ended() {
    let home = home();
    let file = home.folder.path().join("pid");
    let script = format!("cmd:sh -c 'sleep 1000 & echo $! > {}; wait'", file.display());
    let limit = Duration::from_millis(500);
    let error = home.resolver.resolve_within(&script.parse().unwrap(), limit).await.unwrap_err();
    assert!(error.message.contains("was ended"), "{error}");
    dies(&pid_in(&file).await).await;
}

#[tokio::test]
async fn a_check_broken_off_ends_the_command_and_its_children() {
    let home = home();
    let file = home.folder.path().join("pid");
    let script = format!("cmd:sh -c 'sleep 1000 & echo $! > {}; wait'", file.display());
    let resolver = home.resolver.clone();
    let task = tokio::spawn(async move { resolver.resolve(&script.parse().unwrap()).await });
    let pid = pid_in(&file).await;
    assert!(alive(&pid));
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    dies(&pid).await;
}
