//! Files, names, limits and processes: what other users of the machine, a slip of the hand or a hostile file could use.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "common/accounts.rs"]
mod accounts;

use accounts::Accounts;
use lampboard::{
    providers::{Origin, compile::compile},
    secrets::Vault,
};
use std::{
    fs::{self, Permissions},
    os::unix::{
        fs::{MetadataExt, PermissionsExt, symlink},
        process::ExitStatusExt,
    },
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

const TOKEN: &str = "ghp_hygiene0123456789abcdef";

/// The program over a home, started by a shell that does this first.
fn command(home: &Path, first: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{first} exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_lampboard")]).args(arguments);
    command.env_clear().env("LAMPBOARD_HOME", home).env("XDG_RUNTIME_DIR", home.join("run")).current_dir(home);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(home: &Path, first: &str, arguments: &[&str], input: &str) -> (i32, String) {
    let mut command = assert_cmd::Command::from_std(command(home, first, arguments));
    let Output { status, stdout, stderr } =
        command.write_stdin(input).timeout(Duration::from_secs(60)).output().unwrap();
    (status.code().unwrap_or(-1), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}

fn good(home: &Path, arguments: &[&str], input: &str) -> String {
    let (code, said) = run(home, "", arguments, input);
    assert_eq!(code, 0, "{arguments:?}: {said}");
    said
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o777
}

fn configure(home: &Path, reference: &str, port: u16) {
    let text = format!(
        "[integrations.work]\nprovider = \"github\"\nattempts = 1\n\
         fields = {{ token = \"{reference}\", base_url = \"http://127.0.0.1:{port}\" }}\n"
    );
    fs::write(home.join("config.toml"), text).unwrap();
}

fn everything(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![folder.to_owned()];
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(everything(&path)) } else { found.push(path) }
    }
    found
}

#[test]
fn files_and_folders_are_private_under_any_umask() {
    let outer = tempfile::tempdir().unwrap();
    let home = outer.path().join("home");
    let server = Accounts::serve(&[(TOKEN, "ada")]);
    let mut start = command(&home, "umask 000;", &["secret", "set", "gh"]);
    start.current_dir(outer.path());
    let output = assert_cmd::Command::from_std(start).write_stdin(TOKEN).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let url = format!("base_url=http://127.0.0.1:{}", server.port);
    for arguments in [
        &["add", "github", "work", "--set", &url, "--set", "token=vault:gh"][..],
        &["check"],
        &["pause", "work"],
        &["secret", "rotate", "gh"],
        &["vault", "rekey"],
    ] {
        let (code, said) = run(&home, "umask 000;", arguments, TOKEN);
        assert_eq!(code, 0, "{arguments:?}: {said}");
    }
    let all = everything(&home);
    for path in &all {
        let wanted = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(path), wanted, "{} has {:o}", path.display(), mode(path));
    }
    for name in ["config.toml", "vault.age", "identity.txt", "history.db", "audit.jsonl", "state.toml", "vault.lock"] {
        assert!(all.contains(&home.join(name)), "{name} is not among {all:?}");
    }
}

#[test]
fn loose_modes_are_mended_or_refused_with_the_command_that_mends_them() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let server = Accounts::serve(&[(TOKEN, "ada")]);
    configure(home, "vault:gh", server.port);
    good(home, &["secret", "set", "gh"], TOKEN);
    good(home, &["check"], "");
    for name in ["history.db", "audit.jsonl"] {
        fs::set_permissions(home.join(name), Permissions::from_mode(0o664)).unwrap();
    }
    good(home, &["check"], "");
    assert_eq!((mode(&home.join("history.db")), mode(&home.join("audit.jsonl"))), (0o600, 0o600), "mended");
    for name in ["vault.age", "identity.txt"] {
        fs::set_permissions(home.join(name), Permissions::from_mode(0o644)).unwrap();
        let (code, said) = run(home, "", &["secret", "list"], "");
        assert_eq!(code, 5, "{said}");
        assert!(said.contains("chmod 600") && said.contains(name), "{said}");
        assert_eq!(mode(&home.join(name)), 0o644, "what others could read is for the user to judge");
        fs::set_permissions(home.join(name), Permissions::from_mode(0o600)).unwrap();
    }
    fs::set_permissions(home, Permissions::from_mode(0o777)).unwrap();
    let (_, said) = run(home, "", &["doctor"], "");
    assert!(said.contains("others may put files into") && said.contains("chmod go-w"), "{said}");
    fs::set_permissions(home, Permissions::from_mode(0o1777)).unwrap();
    assert!(
        !run(home, "", &["doctor"], "").1.contains("others may put files into"),
        "a sticky folder keeps others out"
    );
}

#[test]
fn a_linked_vault_is_refused_and_a_linked_configuration_kept() {
    let (home, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let home = home.path();
    let server = Accounts::serve(&[(TOKEN, "ada")]);
    good(home, &["secret", "set", "gh"], TOKEN);
    configure(home, "vault:gh", server.port);
    let config = elsewhere.path().join("dotfiles.toml");
    fs::rename(home.join("config.toml"), &config).unwrap();
    symlink(&config, home.join("config.toml")).unwrap();
    good(home, &["check"], "");
    good(home, &["remove", "work"], "");
    assert!(fs::symlink_metadata(home.join("config.toml")).unwrap().is_symlink(), "the link is kept");
    assert!(!fs::read_to_string(&config).unwrap().contains("[integrations.work]"), "and its file written");

    for name in ["vault.age", "identity.txt", "vault.lock"] {
        let real = elsewhere.path().join(name);
        fs::rename(home.join(name), &real).unwrap();
        symlink(&real, home.join(name)).unwrap();
        let before = fs::read(&real).unwrap();
        let (code, said) = run(home, "", &["secret", "set", "gh"], "another");
        assert_eq!(code, 5, "{name}: {said}");
        assert_eq!(fs::read(&real).unwrap(), before, "{name}: what the link leads to is as it was");
        fs::remove_file(home.join(name)).unwrap();
        fs::rename(&real, home.join(name)).unwrap();
    }
    good(home, &["secret", "set", "gh"], "another");
}

#[test]
fn files_of_other_users_are_refused() {
    let home = tempfile::tempdir().unwrap();
    let (file, key) = (home.path().join("vault.age"), home.path().join("identity.txt"));
    good(home.path(), &["secret", "set", "gh"], TOKEN);
    // Root gives its file away; everybody else takes one of root's.
    let foreign = if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&file, Some(65_534), None).unwrap();
        file
    } else {
        PathBuf::from("/etc/hostname")
    };
    let error = Vault::new(&foreign, &key).list().unwrap_err().to_string();
    assert!(error.contains("belongs to another user") && error.contains("chown"), "{error}");
}

#[test]
fn no_core_is_left_though_the_shell_allows_one() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    configure(home, "vault:gh", listener.local_addr().unwrap().port());
    good(home, &["secret", "set", "gh"], TOKEN);
    for signal in [rustix::process::Signal::ABORT, rustix::process::Signal::SYS] {
        let mut check = command(home, "ulimit -c unlimited 2>/dev/null;", &["check"]).spawn().unwrap();
        // It waits for an answer, with the secret in memory.
        let (_stream, _) = listener.accept().unwrap();
        let pid = rustix::process::Pid::from_raw(i32::try_from(check.id()).unwrap()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
        let status = check.wait().unwrap();
        assert_eq!(status.signal(), Some(signal.as_raw()));
        assert!(!status.core_dumped(), "{signal:?} left a core");
    }
    let names: Vec<_> = everything(home).into_iter().filter(|p| p.to_string_lossy().contains("core")).collect();
    assert!(names.is_empty(), "{names:?}");
}

/// Only a build that can be told to panic; see src/checks/fault.rs.
#[cfg(debug_assertions)]
#[test]
fn a_panic_tells_where_it_was_and_not_what_it_quotes() {
    use base64::{Engine, prelude::BASE64_STANDARD};
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let server = Accounts::serve(&[(TOKEN, "ada")]);
    configure(home, "vault:gh", server.port);
    good(home, &["secret", "set", "gh"], TOKEN);
    for arguments in [&["check", "--json"][..], &["call", "work", "request", "GET", "/user", "--json"]] {
        let first = "export LAMPBOARD_FAULT_PANIC=work RUST_BACKTRACE=full;";
        let (code, said) = run(home, first, arguments, "");
        assert_eq!(code, 1, "{said}");
        for words in ["panicked at src/checks/fault.rs:", "may hold a secret, so it is not told", "\"internal\""] {
            assert!(said.contains(words), "no '{words}' in {said}");
        }
        assert!(said.contains("lampboard::checks"), "a backtrace was asked for: {said}");
        let basic = BASE64_STANDARD.encode(format!("user:{TOKEN}"));
        assert!(!said.contains(TOKEN) && !said.contains(&basic), "{said}");
    }
    assert_eq!(server.count(), 0, "nothing is sent after a panic");
    good(home, &["check"], "");
}

#[test]
fn names_that_climb_out_of_their_folder_are_refused() {
    let outer = tempfile::tempdir().unwrap();
    let home = outer.path().join("home");
    fs::create_dir(&home).unwrap();
    let before = everything(outer.path());
    for name in ["../outside", "/etc/passwd", "a/b", "..", ".", "a\0b", "-", "a b", "ä", "%2e%2e"] {
        let bad: Vec<Vec<&str>> = vec![
            vec!["secret", "set", "--", name],
            vec!["add", "--no-test", "--set", "url=http://127.0.0.1:1", "--", "http", name],
            vec!["provider", "show", "--", name],
            vec!["show", "--", name],
            vec!["remove", "--", name],
            vec!["history", "--", name],
        ];
        for arguments in bad.iter().filter(|_| !name.contains('\0')) {
            let (code, said) = run(&home, "", arguments, "value");
            assert!([2, 3].contains(&code), "{arguments:?} gives {code}: {said}");
        }
        let text = format!("[integrations.\"{}\"]\nprovider = \"http\"\n", name.escape_default());
        let file = Path::new("config.toml");
        assert!(lampboard::config::Config::parse(file, &text).is_err(), "{name}");
        let own = format!("id = \"{}\"\nname = \"x\"\n", name.escape_default());
        assert!(compile(Path::new("x.toml"), &own, Origin::BuiltIn).is_err(), "{name}");
    }
    let made: Vec<_> = everything(outer.path()).into_iter().filter(|p| !before.contains(p)).collect();
    assert!(made.iter().all(|p| p.starts_with(&home)), "{made:?}");
    assert!(!made.iter().any(|p| p.ends_with("vault.age")), "{made:?}");
}

#[test]
fn a_credential_with_a_line_break_goes_nowhere() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let server = Accounts::serve(&[(TOKEN, "ada")]);
    let file = home.join("token.txt");
    configure(home, &format!("file:{}", file.display()), server.port);
    for middle in ["\r\nX-Injected: 1", "\nHost: evil.test", "\r", "\0", "\u{7}"] {
        fs::write(&file, format!("{TOKEN}{middle}{TOKEN}")).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        let (code, said) = run(home, "", &["check", "--json"], "");
        assert_eq!(code, 1, "{middle:?}: {said}");
        assert!(!said.contains(TOKEN), "{said}");
        let requests = server.requests.lock().unwrap().clone();
        assert!(!requests.iter().any(|r| r.contains("X-Injected") || r.contains("evil.test")), "{requests:?}");
    }
    // The line break at the end is everybody's; it is left out.
    fs::write(&file, format!("{TOKEN}\n")).unwrap();
    good(home, &["check"], "");
}

#[test]
fn a_weak_passphrase_is_refused_and_the_vault_stays_open_as_before() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    good(home, &["secret", "set", "gh"], TOKEN);
    for weak in ["a", "hunter2", "elevenchars", "äöüäöüäöüäö"] {
        for arguments in [&["vault", "rekey", "--method", "passphrase"][..], &["vault", "export", "copy.age"]] {
            let (code, said) = run(home, "", arguments, weak);
            assert_eq!(code, 5, "{arguments:?}: {said}");
            assert!(said.contains("fewer than 12 characters") && !said.contains(weak) || weak == "a", "{said}");
        }
    }
    assert!(!home.join("copy.age").exists());
    let status = good(home, &["vault", "status", "--json"], "");
    assert!(status.contains("\"key_file\"") && status.contains("\"entries\": 1"), "{status}");
    good(home, &["vault", "rekey", "--method", "passphrase"], "twelve chars");
}

#[test]
fn expression_bombs_are_refused_or_fizzle() {
    let definition = |active: &str| {
        format!(
            "id = \"bomb\"\nname = \"Bomb\"\ncategory = \"generic\"\nbase_url = \"http://127.0.0.1\"\n\
             [check]\nkind = \"http\"\nrequest = \"GET /\"\nactive = '''{active}'''\n\
             [[example]]\nname = \"x\"\n[example.response]\nstatus = 200\nbody = \"[1]\"\n[example.expect]\nstatus = \"active\"\ncause = \"ok\"\n"
        )
    };
    let started = Instant::now();
    for bomb in [
        "([1] * 100000000) | list".to_owned(),
        "'x' * 1000000000".to_owned(),
        "'%1000000000d' | format(1) == ''".to_owned(),
        "text | indent(1000000) == ''".to_owned(),
        "range(1000000000) | list".to_owned(),
        "9 ** 9 ** 9 ** 9 > 1".to_owned(),
        "(body | tojson) ~ (body | tojson) == ''".to_owned(),
        "lipsum(100000)".to_owned(),
        "{% for x in body %}{{ x }}{% endfor %}".to_owned(),
        format!("{}1{}", "(".repeat(240), ")".repeat(240)),
        format!("{}body", "not ".repeat(120)),
        format!("body{}", "[0]".repeat(160)),
        format!("body {}", "or body ".repeat(60)),
        format!("'{}' == text", "x".repeat(600)),
        "body.__class__.__mro__ is defined".to_owned(),
    ] {
        let text = definition(&bomb);
        if let Ok(definition) = compile(Path::new("bomb.toml"), &text, Origin::BuiltIn) {
            definition.examples.iter().for_each(|example| drop(definition.replay(example)));
        }
    }
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    let huge = definition(&"x".repeat(300 * 1024));
    assert!(compile(Path::new("bomb.toml"), &huge, Origin::BuiltIn).is_err());
}
