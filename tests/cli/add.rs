//! `add`: tested before it is saved, from flags and from a pipe.

use crate::{
    home::Home,
    server::{GitHub, TOKEN, by_path},
};

const COMMENTED: &str = "# mine\n[board]\ninterval = \"60s\" # a minute\n";

#[test]
fn what_works_is_saved_beneath_the_comments() {
    let server = by_path();
    let home = Home::with(COMMENTED);
    let url = format!("url={server}/ok");
    home.run(&["add", "http", "web", "--set", &url, "--tag", "prod", "--tag", "web", "--interval", "30"])
        .code(0)
        .prints(&["ok ", "Saved 'web'"])
        .never(&["FAIL"]);
    let config = home.read("config.toml");
    assert!(config.starts_with(COMMENTED), "{config}");
    let entry = home.run(&["show", "web", "--json"]).code(0).json();
    assert_eq!(entry["tags"], serde_json::json!(["prod", "web"]));
    assert_eq!(entry["interval_s"], 30);
    home.run(&["check"]).code(0);
    home.run(&["add", "http", "web", "--set", &url]).code(2).says(&["'web' exists already", "lampboard remove web"]);
}

#[test]
fn what_fails_is_not_saved_unless_told_to() {
    let server = by_path();
    let home = Home::with(COMMENTED);
    let url = format!("url={server}/broken");
    let refused = home.run(&["add", "http", "web", "--set", &url]).code(1).prints(&["FAIL"]);
    refused.says(&["not saved", "--no-test"]);
    assert_eq!(home.read("config.toml"), COMMENTED);
    home.run(&["add", "--help"]).code(0).prints(&["--no-test", "Save without testing first"]);
    home.run(&["add", "http", "web", "--set", &url, "--no-test"]).code(0).prints(&["Saved 'web'"]).never(&["FAIL"]);
    home.run(&["check"]).code(1).prints(&["x  web"]);
}

#[test]
fn a_piped_secret_is_tested_and_goes_into_the_vault_only_when_it_works() {
    let github = GitHub::new();
    let home = Home::new();
    let base = format!("base_url={}", github.url());
    let args = ["add", "github", "gh", "--set", &base];
    home.feed(&args, "ghp_wrong000000000000000000000000000000\n").code(1).says(&["not saved"]).never(&["ghp_wrong"]);
    home.run(&["secret", "list", "--json"]).code(0).prints(&["[]"]);
    assert!(!home.file("config.toml").exists());
    let json = home.feed(&[&args[..], &["--json"]].concat(), &format!("{TOKEN}\n")).code(0).never(&[TOKEN]).json();
    assert_eq!(json, serde_json::json!({ "saved": "gh", "tested": true }));
    let config = home.read("config.toml");
    assert!(config.contains("vault:gh") && !config.contains("hunter2"), "{config}");
    home.run(&["check", "gh"]).code(0).never(&[TOKEN]);
    home.feed(&args, "").code(2);
}

#[test]
fn nothing_on_the_pipe_is_told() {
    let home = Home::new();
    home.feed(&["add", "github", "gh"], "").code(5).says(&["empty"]);
    assert!(!home.file("config.toml").exists());
}

#[test]
fn an_optional_secret_is_read_when_asked_for_with_a_dash() {
    let server = by_path();
    let url = format!("url={server}/guarded");
    let home = Home::new();
    home.feed(&["add", "http", "web", "--set", &url, "--set", "token=-"], TOKEN).code(0).never(&[TOKEN]);
    assert!(home.read("config.toml").contains("vault:web"));
    home.run(&["check"]).code(0);
}

#[test]
fn a_reference_and_the_usual_variable_are_taken_without_asking() {
    let github = GitHub::new();
    let base = format!("base_url={}", github.url());
    let home = Home::new();
    let add = |name: &str, more: &[&str]| {
        let args = [&["add", "github", name, "--set", &base], more].concat();
        home.run_in(&[("GITHUB_TOKEN", TOKEN), ("OTHER", TOKEN)], &args).code(0).never(&[TOKEN])
    };
    add("usual", &[]).says(&["env:GITHUB_TOKEN", "--set token=-"]);
    add("named", &["--set", "token=env:OTHER"]);
    let config = home.read("config.toml");
    assert!(config.contains("env:GITHUB_TOKEN") && config.contains("env:OTHER"), "{config}");
    assert!(!home.file("vault.age").exists());
}

#[test]
fn what_other_programs_keep_is_taken_over() {
    let home = Home::new();
    home.write("user/.npmrc", "registry=https://npm.example.org/\n//npm.example.org/:_authToken=npm_canary0\n");
    home.write(
        "user/.aws/credentials",
        "[default]\naws_access_key_id = AKIACANARY0\naws_secret_access_key = canary-0\n",
    );
    home.write("user/.aws/config", "[default]\nregion = eu-north-1\n");
    let user = home.file("user").display().to_string();
    let add = |args: &[&str]| home.run_in(&[("HOME", &user)], &[&["add"], args, &["--no-test"]].concat());
    let token = "token=ini:~/.npmrc#.//npm.example.org/:_authToken";
    add(&["npm", "registry", "--set", token]).code(0).says(&["'base_url' is taken from ini:~/.npmrc#.registry"]);
    add(&["aws", "cloud"]).code(0).says(&["ini:~/.aws/credentials#default.aws_access_key_id", "'eu-north-1'"]);
    let config = home.read("config.toml");
    assert!(config.contains("https://npm.example.org/") && config.contains("eu-north-1"), "{config}");
    assert!(config.contains("ini:~/.aws/credentials#default.aws_secret_access_key"), "{config}");
    assert!(!config.to_lowercase().contains("canary"), "{config}");
}
