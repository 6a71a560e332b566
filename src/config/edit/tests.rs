//! What an edit keeps, changes, refuses.

use super::*;
use crate::{
    config::{Config, Settings},
    model::FieldValue,
};
use std::path::PathBuf;

const FILE: &str = r#"# my board
[board]
interval = "2m"   # often

# the important one
[integrations.github]
provider = "github" # yes
interval = "300s"
[integrations.github.fields]
# where it is
token = "vault:github"   # the vault
retries = 3

[integrations.web]
provider = "http"
fields = { url = "http://localhost" } # inline

# the last words
"#;

fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

fn get(path: &Path, id: &str) -> Integration {
    let config = Config::load(path).unwrap();
    config.entries.into_iter().find(|entry| entry.integration.id.as_str() == id).unwrap().integration
}

fn settings(path: &Path) -> Settings {
    Config::load(path).unwrap().settings
}

#[test]
fn saving_what_is_there_changes_no_byte() {
    let (_folder, path) = file(FILE);
    for id in ["github", "web"] {
        upsert(&path, &get(&path, id), &settings(&path), None).unwrap();
        assert_eq!(text(&path), FILE);
    }
}

#[test]
fn only_what_differs_is_written_and_comments_stay() {
    let (_folder, path) = file(FILE);
    let mut github = get(&path, "github");
    github.interval = Duration::from_secs(600);
    github.tags = vec!["work".to_owned()];
    github.fields.insert("token".to_owned(), FieldValue::Secret("env:GH".parse().unwrap()));
    github.fields.insert("owner".to_owned(), FieldValue::Text("me".to_owned()));
    github.fields.shift_remove("retries");
    upsert(&path, &github, &settings(&path), None).unwrap();
    let expected = FILE
        .replace("interval = \"300s\"\n", "interval = \"10m\"\ntags = [\"work\"]\n")
        .replace("\"vault:github\"", "\"env:GH\"")
        .replace("retries = 3\n", "owner = \"me\"\n");
    assert_eq!(text(&path), expected);
}

#[test]
fn what_equals_the_default_again_goes() {
    let (_folder, path) = file(FILE);
    let mut github = get(&path, "github");
    github.interval = Duration::from_secs(120);
    upsert(&path, &github, &settings(&path), None).unwrap();
    assert_eq!(text(&path), FILE.replace("interval = \"300s\"\n", ""));
}

#[test]
fn every_key_survives_the_way_out_and_back() {
    let everything = include_str!("../../../tests/config/valid/everything.toml");
    let wanted = Config::parse(Path::new("c"), everything).unwrap().entries.remove(0).integration;
    for start in ["", FILE, "[ui]\nmouse = true", "integrations = {}\n", "[integrations]\n"] {
        let (_folder, path) = file(start);
        upsert(&path, &wanted, &settings(&path), None).unwrap();
        assert_eq!(get(&path, wanted.id.as_str()), wanted, "{}", text(&path));
        let kept = start.trim_end().trim_end_matches("# the last words").trim_end();
        assert!(start.contains("integrations = {}") || text(&path).starts_with(kept), "{}", text(&path));
    }
}

#[test]
fn a_new_file_is_made_private() {
    use std::os::unix::fs::MetadataExt;
    let (_source, source) = file(FILE);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    upsert(&path, &get(&source, "web"), &settings(&source), None).unwrap();
    let expected = "[integrations.web]\nprovider = \"http\"\n\n[integrations.web.fields]\nurl = \"http://localhost\"\n";
    assert_eq!(text(&path), expected);
    assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
}

#[test]
fn renaming_moves_the_table_and_never_covers_another() {
    let (_folder, path) = file(FILE);
    let mut github = get(&path, "github");
    github.id = crate::model::IntegrationId::new("hub").unwrap();
    github.name = "hub".to_owned();
    upsert(&path, &github, &settings(&path), Some("github")).unwrap();
    assert_eq!(text(&path), FILE.replace("[integrations.github", "[integrations.hub"));
    github.id = crate::model::IntegrationId::new("web").unwrap();
    assert!(matches!(upsert(&path, &github, &settings(&path), Some("hub")), Err(EditError::Exists(id)) if id == "web"));
    assert_eq!(text(&path), FILE.replace("[integrations.github", "[integrations.hub"));
}

#[test]
fn removing_and_restoring_gives_the_same_file() {
    for id in ["github", "web"] {
        let (_folder, path) = file(FILE);
        let before = get(&path, id);
        let removed = remove(&path, id).unwrap().unwrap();
        assert!(!text(&path).contains(&format!("integrations.{id}")));
        assert!(text(&path).contains("# the last words"));
        assert_eq!(remove(&path, id).unwrap(), None);
        restore(&path, &removed).unwrap();
        assert_eq!(get(&path, id), before);
        assert_eq!(text(&path), FILE, "{id}");
        assert!(matches!(restore(&path, &removed), Err(EditError::Exists(_))));
    }
}

#[test]
fn removing_from_odd_shapes_can_be_undone() {
    for start in [
        "integrations = { a = { provider = \"x\" }, b = { provider = \"y\" } }\n",
        "integrations.a.provider = \"x\"\nintegrations.b.provider = \"y\"\n",
        "[integrations]\na = { provider = \"x\" }\n[integrations.b]\nprovider = \"y\"\n",
        "[integrations.a.fields]\nurl = \"u\"\n[board]\ninterval = \"1m\"\n[integrations.a]\nprovider = \"x\"\n[integrations.b]\nprovider = \"y\"\n",
    ] {
        let (_folder, path) = file(start);
        let (a, b) = (get(&path, "a"), get(&path, "b"));
        let removed = remove(&path, "a").unwrap().unwrap();
        assert_eq!((Config::load(&path).unwrap().entries.len(), get(&path, "b")), (1, b.clone()), "{start}");
        restore(&path, &removed).unwrap();
        assert_eq!((get(&path, "a"), get(&path, "b")), (a, b), "{}", text(&path));
    }
}

#[test]
fn settings_are_set_by_their_kind_and_refused_when_wrong() {
    let (_folder, path) = file("[ui]\ntheme = \"lamp\" # nice\n");
    for (table, key, value) in [
        ("ui", "theme", "nord"),
        ("ui", "mouse", "true"),
        ("board", "attempts", "5"),
        ("board", "interval", "90"),
        ("keys", "ctrl-t", "test-all"),
    ] {
        set(&path, table, key, value).unwrap();
    }
    let expected = "[ui]\ntheme = \"nord\" # nice\nmouse = true\n\n[board]\nattempts = 5\ninterval = \"1m30s\"\n\n[keys]\nctrl-t = \"test-all\"\n";
    assert_eq!(text(&path), expected);
    for (table, key, value, told) in [
        ("ui", "mouse", "yes", "mouse must be true or false"),
        ("ui", "them", "nord", "did you mean 'theme'"),
        ("integrations", "a", "b", "no table of settings"),
        ("board", "interval", "0", "between 5s and 30d"),
    ] {
        let error = set(&path, table, key, value).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
    assert_eq!(text(&path), expected);
}

#[test]
fn a_file_with_a_syntax_error_is_left_alone() {
    let broken = "[ui]\ntheme = hunter2\n";
    let (_folder, path) = file(broken);
    let (_good, good) = file(FILE);
    let web = get(&good, "web");
    let errors = [
        set(&path, "ui", "theme", "nord").unwrap_err(),
        upsert(&path, &web, &Settings::default(), None).unwrap_err(),
        remove(&path, "web").unwrap_err(),
        restore(&path, "[integrations.web]\nprovider = \"x\"\n").unwrap_err(),
    ];
    for error in errors {
        let shown = error.to_string();
        assert!(matches!(error, EditError::Syntax(_)) && shown.contains("config.toml:2:"), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
    assert_eq!(text(&path), broken);
}

#[test]
fn tables_that_are_none_are_told_of() {
    let (_folder, path) = file("ui = 3\nintegrations = 4\n");
    let (_good, good) = file(FILE);
    assert!(matches!(set(&path, "ui", "theme", "nord"), Err(EditError::Invalid(_))));
    assert!(matches!(upsert(&path, &get(&good, "web"), &Settings::default(), None), Err(EditError::Invalid(_))));
    assert!(matches!(remove(&path, "web"), Err(EditError::Invalid(_))));
}

#[test]
fn concurrent_writers_lose_nothing() {
    let (_folder, path) = file(FILE);
    let web = get(&path, "web");
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let (path, web) = (&path, &web);
            scope.spawn(move || {
                for n in 0..5 {
                    let id = crate::model::IntegrationId::new(&format!("w{writer}-{n}")).unwrap();
                    let integration = Integration { id, ..web.clone() };
                    upsert(path, &integration, &Settings::default(), None).unwrap();
                }
            });
        }
    });
    assert_eq!(Config::load(&path).unwrap().entries.len(), 22);
    assert!(text(&path).starts_with("# my board\n") && text(&path).ends_with("# the last words\n"), "{}", text(&path));
}
