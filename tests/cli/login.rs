//! `login`: signing in without a screen, tested before it is stored, cancelled without a trace.

use super::{
    home::Home,
    sign_in::{SignIn, Turn},
};
use std::{
    io::{BufRead, BufReader, Read},
    process::Stdio,
};

/// The arguments that sign a new integration `work` in to this service.
fn args(service: &SignIn) -> Vec<String> {
    let url = service.url();
    ["login", "work", "--provider", "github", "--set", "client_id=board"]
        .into_iter()
        .map(str::to_owned)
        .chain(["--set".into(), format!("base_url={url}"), "--set".into(), format!("oauth_url={url}")])
        .collect()
}

fn run(home: &Home, args: &[String], more: &[&str]) -> super::home::Ran {
    let all: Vec<&str> = args.iter().map(String::as_str).chain(more.iter().copied()).collect();
    home.run(&all).never(&["canary"])
}

#[test]
fn a_new_integration_is_signed_in_tested_and_saved() {
    let service = SignIn::serve(&[Turn::Says("authorization_pending")]);
    let home = Home::new();
    run(&home, &args(&service), &[]).code(0).prints(&[
        "WDJB-MJHT",
        "/login/device",
        "ok    identity     ada",
        "Signed in and saved 'work' (vault:work). It renews itself.",
    ]);
    let config = home.read("config.toml");
    assert!(config.contains("vault:work") && config.contains("client_id = \"board\"") && !config.contains("canary"));
    let checked = home.run(&["check", "work", "--json"]).code(0).never(&["canary"]).json();
    assert_eq!(checked[0]["identity"], "ada");
    let listed = home.run(&["secret", "list", "--json"]).code(0).json();
    assert_eq!(listed[0]["renews"], true);
    assert_eq!(listed[0]["hosts"][0], format!("127.0.0.1:{}", service.port));
    home.run(&["secret", "list"]).code(0).prints(&["renews itself"]);
    home.run(&["audit"]).code(0).prints(&["secret.sign-in"]);
    for file in std::fs::read_dir(home.path()).unwrap().map(|f| f.unwrap().path()).filter(|f| f.is_file()) {
        let bytes = std::fs::read(&file).unwrap();
        assert!(!bytes.windows(6).any(|w| w == b"canary"), "{}", file.display());
    }

    // Once more, as an integration that is there: the same entry, and a dead token is no hindrance.
    service.seen().good.clear();
    home.run(&["check", "work"]).code(1);
    let again = home.run(&["login", "work", "--json"]).code(0).never(&["canary"]).says(&["WDJB-MJHT"]);
    assert_eq!((again.json()["entry"].as_str(), again.json()["renews"].as_bool()), (Some("work"), Some(true)));
    home.run(&["check", "work"]).code(0);
}

#[test]
fn an_entry_that_others_use_is_tried_with_all_of_them_and_keeps_its_account() {
    let service = SignIn::serve(&[]);
    let home = Home::new();
    run(&home, &args(&service), &[]).code(0);
    let other = format!(
        "\n[integrations.other]\nprovider = \"github\"\nattempts = 1\nfields = {{ token = \"vault:work\", base_url = \"{}\" }}\n",
        service.url()
    );
    home.write("config.toml", &(home.read("config.toml") + &other));
    home.run(&["check"]).code(0);
    let stored = home.run(&["secret", "list", "--json"]).code(0).json()[0]["rotated"].clone();

    service.seen().who = "eve".to_owned();
    let refused = home.run(&["login", "work"]).code(1).never(&["canary"]);
    refused.says(&["is used by other too", "belongs to 'ada' and the new one to 'eve'", "--other-account"]);
    assert_eq!(home.run(&["secret", "list", "--json"]).code(0).json()[0]["rotated"], stored, "nothing was changed");
    home.run(&["login", "work", "--other-account"]).code(0).prints(&["Signed in and saved"]);

    // What one of them may not have is refused for all.
    let config = home.read("config.toml");
    let (before, other) = config.split_once("[integrations.other]").unwrap();
    let elsewhere = other.replace(&service.url(), "http://127.0.0.1:9");
    home.write("config.toml", &format!("{before}[integrations.other]{elsewhere}"));
    home.run(&["login", "work", "--other-account"]).code(1).says(&["'other' would send it to 127.0.0.1:9"]);
}

#[test]
fn an_applications_secret_is_kept_for_the_sign_in_alone() {
    let (api, sign_in) = (SignIn::serve(&[]), SignIn::serve(&[]));
    let home = Home::new();
    home.feed(&["secret", "set", "app"], "canary-application").code(0);
    let set = [format!("base_url={}", api.url()), format!("oauth_url={}", sign_in.url())];
    let args =
        ["login", "work", "--provider", "github", "--set", "client_id=board", "--set", "client_secret=vault:app"];
    let args = [&args[..], &["--set", &set[0], "--set", &set[1], "--no-test"]].concat();
    home.run(&args).code(0).never(&["canary"]);
    assert_eq!(sign_in.forms("/login/oauth/access_token")[0]["client_secret"], "canary-application");
    let listed = home.run(&["secret", "list", "--json"]).code(0).json();
    let hosts = |n: usize| (listed[n]["name"].as_str().unwrap(), listed[n]["hosts"].as_array().unwrap().clone());
    assert_eq!(hosts(0), ("app", vec![format!("127.0.0.1:{}", sign_in.port).into()]));
    assert_eq!(hosts(1), ("work", vec![format!("127.0.0.1:{}", api.port).into()]));
    home.run(&["check", "work"]);
    let seen = api.seen();
    assert!(!seen.requests.is_empty());
    for (_, path, head, _) in &seen.requests {
        assert!(path == "/user" && !head.contains("canary-application"), "nothing of the sign-in goes there: {path}");
    }
}

#[test]
fn what_is_refused_or_does_not_work_is_not_saved() {
    let service = SignIn::serve(&[Turn::Says("access_denied")]);
    let home = Home::new();
    run(&home, &args(&service), &[]).code(1).says(&["refused in the browser"]);
    service.seen().turns.push_back(Turn::Answers(200, "{\"access_token\":\"canary-of-nobody\"}".to_owned()));
    run(&home, &args(&service), &[]).code(1).prints(&["FAIL  authenticate"]).says(&["nothing was saved"]);
    assert!(!home.file("config.toml").exists() && !home.file("vault.age").exists());
}

#[test]
fn an_interrupt_cancels_and_leaves_nothing() {
    let service = SignIn::serve(&vec![Turn::Says("authorization_pending"); 1000]);
    let home = Home::new();
    let args = args(&service);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut child = home.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("Ctrl-C cancels")));
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let mut told = String::new();
    child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
    assert!(told.contains("cancelled; nothing was changed"), "{told}");
    assert!(!home.file("config.toml").exists() && !home.file("vault.age").exists());
}

#[test]
fn what_cannot_be_signed_in_is_told_before_anybody_is_sent_away() {
    let home = Home::new();
    home.run(&["login", "nobody"]).code(3).says(&["no integration 'nobody'", "--provider"]);
    home.run(&["login", "x", "--provider", "slack", "--set", "token=env:X"]).code(2).says(&["github", "google"]);
    home.run(&["login", "x", "--provider", "github"]).code(2).says(&["client_id", "github.com/settings/developers"]);
    home.run(&["login", "x", "--provider", "google", "--set", "client_id=a", "--set", "client_secret=hunter2"])
        .code(2)
        .says(&["is a secret"])
        .never(&["hunter2"]);
    home.run(&["login", "x", "hunter2"]).code(2).never(&["hunter2"]);
    home.run(&["login", "x", "--provider", "github", "--device", "--browser"]).code(2);
    let service = SignIn::serve(&[]);
    run(&home, &args(&service), &["--browser"]).code(1).says(&["'client_secret' is empty"]);
    run(&home, &args(&service), &["--client"]).code(1).says(&["cannot be signed in to this way"]);
}
