//! `--json`: every answer against docs/json.md, both ways, and pinned by snapshots.

use crate::{
    home::{Home, Ran, ran},
    server::{GitHub, TOKEN, by_path},
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const PAGE: &str = include_str!("../../docs/json.md");

/// Key to type, of one section of the page.
fn documented(section: &str) -> BTreeMap<String, String> {
    let heading = format!("\n## {section}\n");
    let rest = PAGE.split_once(&heading).unwrap_or_else(|| panic!("no section '{section}'")).1;
    let rows = rest.split("\n## ").next().unwrap().lines().filter_map(|line| line.strip_prefix("| `"));
    let row = |row: &str| {
        let mut cells = row.split(" | ");
        let key = cells.next().unwrap().trim_end_matches('`').to_owned();
        (key, cells.next().unwrap().trim().to_owned())
    };
    rows.map(row).collect()
}

fn fits(value: &Value, kind: &str) -> bool {
    if value.is_null() {
        return kind.ends_with(" or null");
    }
    match kind.trim_end_matches(" or null") {
        "text" => value.is_string(),
        "time" => value.as_str().is_some_and(|t| t.ends_with('Z') && t.parse::<jiff::Timestamp>().is_ok()),
        "integer" => value.is_u64(),
        "number" => value.is_number(),
        "flag" => value.is_boolean(),
        "texts" => value.as_array().is_some_and(|all| all.iter().all(Value::is_string)),
        "map" => value.as_object().is_some_and(|all| all.values().all(Value::is_string)),
        "any" => true,
        other => panic!("the page names the type '{other}', which its legend does not"),
    }
}

/// Walks a value; every leaf must be a row of the page and fit its type. `met` gathers the rows that were seen.
fn walk(path: &str, value: &Value, rows: &BTreeMap<String, String>, met: &mut BTreeSet<String>) {
    if let Some(kind) = rows.get(path) {
        assert!(fits(value, kind), "{path} is no {kind}: {value}");
        met.insert(path.to_owned());
        return;
    }
    let beneath = |mark: &str| rows.keys().any(|row| row.starts_with(&format!("{path}{mark}")));
    match value {
        Value::Object(map) => {
            let dot = if path.is_empty() { "" } else { "." };
            map.iter().for_each(|(key, value)| walk(&format!("{path}{dot}{key}"), value, rows, met));
        }
        Value::Array(all) if path.is_empty() => all.iter().for_each(|value| walk(path, value, rows, met)),
        Value::Array(all) if beneath("[].") => {
            all.iter().for_each(|value| walk(&format!("{path}[]"), value, rows, met));
        }
        Value::Null if beneath(".") => {}
        _ => panic!("'{path}' is not in docs/json.md: {value}"),
    }
}

/// Every answer follows the section, and together they show every row of it.
#[track_caller]
pub fn holds(section: &str, answers: &[Value]) {
    let rows = documented(section);
    let mut met = BTreeSet::new();
    answers.iter().for_each(|answer| walk("", answer, &rows, &mut met));
    let unmet: Vec<_> = rows.keys().filter(|row| !met.contains(*row)).collect();
    assert!(unmet.is_empty(), "docs/json.md tells of {unmet:?} under '{section}', which no answer had");
}

/// What changes from run to run taken out.
fn still(home: &Home, servers: &[String], value: &Value) -> Value {
    let text = |text: &str| {
        if text.parse::<jiff::Timestamp>().is_ok() {
            return "TIME".to_owned();
        }
        servers.iter().fold(home.hide(text), |text, server| text.replace(server.as_str(), "SERVER"))
    };
    match value {
        Value::String(s) => text(s).into(),
        Value::Array(all) => all.iter().map(|v| still(home, servers, v)).collect(),
        Value::Object(map) => {
            let pair = |(key, value): (&String, &Value)| {
                let number = value.is_number() && (key.ends_with("_ms") || key == "pid");
                let measured = key == "dns" || key == "connect" || key == "tls" || key == "first_byte";
                let value = match key.as_str() {
                    _ if number => "NUMBER".into(),
                    // A kept connection has no phases: whether one is there is not this test's business.
                    _ if measured => "NUMBER OR NULL".into(),
                    "user" => "UID".into(),
                    _ => still(home, servers, value),
                };
                (key.clone(), value)
            };
            Value::Object(map.iter().map(pair).collect())
        }
        other => other.clone(),
    }
}

fn pin(name: &str, home: &Home, servers: &[String], value: &Value) {
    let text = serde_json::to_string_pretty(&still(home, servers, value)).unwrap();
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false, snapshot_path => "snapshots" }, {
        insta::assert_snapshot!(format!("json-{name}"), text);
    });
}

#[track_caller]
fn json(ran: Ran, code: i32) -> Value {
    ran.code(code).never(&[TOKEN, "hunter2"]).json()
}

#[test]
fn check_list_show_and_history() {
    let (server, github) = (by_path(), GitHub::new());
    let servers = [server.clone(), github.url()];
    let home = Home::with(&format!(
        "[integrations.gh]\nprovider = \"github\"\nname = \"GitHub\"\ntags = [\"work\"]\nexpires = \"2099-01-31\"\n\
         fields = {{ token = \"vault:gh\", base_url = \"{0}\" }}\n\
         [integrations.down]\nprovider = \"http\"\nattempts = 1\nfailures_to_open = 1\nfields = {{ url = \"{1}/broken\" }}\n\
         [integrations.odd]\nprovider = \"gihub\"\n",
        servers[1], server
    ));
    home.feed(&["secret", "set", "gh"], TOKEN).code(0);
    let fresh = json(home.run(&["list", "--json"]), 0);
    let checked = json(home.run(&["check", "--json"]), 1);
    let listed = json(home.run(&["list", "--json"]), 0);
    let shown = json(home.run(&["show", "gh", "--json"]), 0);
    holds("check, list, show", &[fresh.clone(), checked.clone(), listed, shown.clone()]);
    assert_eq!(checked.as_array().unwrap().len(), 3);
    assert_eq!(json(home.run(&["check", "gh", "--json"]), 0)[0]["id"], "gh");
    pin("list-fresh", &home, &servers, &fresh);
    pin("check", &home, &servers, &checked);
    pin("show", &home, &servers, &shown);
    let history = json(home.run(&["history", "down", "--json"]), 0);
    holds("history", std::slice::from_ref(&history));
    pin("history", &home, &servers, &history);
    assert_eq!(json(Home::new().run(&["list", "--json"]), 0), Value::Array(Vec::new()));
    assert_eq!(json(Home::new().run(&["check", "--json"]), 0), Value::Array(Vec::new()));
}

#[test]
fn providers() {
    let home = Home::new();
    let list = json(home.run(&["provider", "list", "--json"]), 0);
    holds("provider list", std::slice::from_ref(&list));
    let ids = list.as_array().unwrap().iter().map(|p| p["id"].as_str().unwrap().to_owned());
    let shown: Vec<Value> = ids.map(|id| json(home.run(&["provider", "show", &id, "--json"]), 0)).collect();
    assert!(shown.len() > 10);
    holds("provider show", &shown);
    pin("provider-show", &home, &[], shown.iter().find(|p| p["id"] == "github").unwrap());
    let rows = list.as_array().unwrap();
    pin("provider-list", &home, &[], rows.iter().find(|p| p["id"] == "postgres").unwrap());
    holds("provider test", &[json(home.run(&["provider", "test", "--json"]), 0)]);
    home.write("providers/x.toml", "id = \n");
    let lint = json(home.run(&["provider", "lint", "--json"]), 4);
    holds("provider lint", std::slice::from_ref(&lint));
    pin("provider-lint", &home, &[], &lint);
}

#[test]
fn secrets_vault_and_audit() {
    let home = Home::with("[integrations.gh]\nprovider = \"github\"\nfields = { token = \"vault:gh\" }\n");
    assert_eq!(json(home.run(&["secret", "list", "--json"]), 0), Value::Array(Vec::new()));
    let none = json(home.run(&["vault", "status", "--json"]), 0);
    let set = json(home.feed(&["secret", "set", "gh", "--json"], TOKEN), 0);
    holds("secret set", std::slice::from_ref(&set));
    let list = json(home.run(&["secret", "list", "--json"]), 0);
    holds("secret list", std::slice::from_ref(&list));
    pin("secret-list", &home, &[], &list);
    let status = json(home.run(&["vault", "status", "--json"]), 0);
    holds("vault status", &[none, status.clone()]);
    pin("vault-status", &home, &[], &status);
    holds("remove, secret remove", &[json(home.run(&["secret", "remove", "gh", "--json"]), 0)]);
    let audit = json(home.run(&["audit", "--json"]), 0);
    holds("audit", std::slice::from_ref(&audit));
    pin("audit", &home, &[], &audit);
}

#[test]
fn configuration_and_doctor() {
    let home = Home::new();
    let paths = json(home.run(&["config", "path", "--json"]), 0);
    holds("config path", std::slice::from_ref(&paths));
    pin("config-path", &home, &[], &paths);
    let good = json(home.run(&["config", "check", "--json"]), 0);
    home.write("config.toml", "[board]\nintervall = 1\n[ui]\nview = 3\n");
    let wrong = json(home.run(&["config", "check", "--json"]), 4);
    holds("config check", &[good, wrong.clone()]);
    pin("config-check", &home, &[], &wrong);
    let doctor = json(home.run(&["doctor", "--json"]), 5);
    holds("doctor", std::slice::from_ref(&doctor));
    let findings: Vec<Value> = doctor
        .as_array()
        .unwrap()
        .iter()
        .filter(|f| f["what"] != "version" && f["what"] != "definitions")
        .cloned()
        .collect();
    pin("doctor", &home, &[], &findings.into());
}

#[test]
fn what_changes_the_board_answers_too() {
    let home = Home::new();
    let url = format!("url={}/ok", by_path());
    holds("add", &[json(home.run(&["add", "http", "web", "--set", &url, "--json"]), 0)]);
    let service = crate::sign_in::SignIn::serve(&[]);
    let set = ["base_url", "oauth_url"].map(|field| format!("{field}={}", service.url()));
    let login = ["login", "gh", "--provider", "github", "--set", "client_id=board", "--set", &set[0], "--set", &set[1]];
    holds("login", &[json(home.run(&[&login[..], &["--json"]].concat()), 0)]);
    holds("pause", &[json(home.run(&["pause", "web", "--json"]), 0)]);
    holds("resume", &[json(home.run(&["resume", "web", "--json"]), 0)]);
    holds("remove, secret remove", &[json(home.run(&["remove", "web", "--json"]), 0)]);
}

#[test]
fn rotation_and_the_vaults_keys() {
    let home = Home::with(&format!(
        "[integrations.web]\nprovider = \"http\"\nattempts = 1\nfields = {{ url = \"{}/guarded\", token = \"vault:web\" }}\n",
        by_path()
    ));
    home.feed(&["secret", "set", "web"], TOKEN).code(0);
    let good = json(home.feed(&["secret", "rotate", "web", "--json"], &format!("{TOKEN}-second")), 0);
    holds("secret roll-back", &[json(home.run(&["secret", "roll-back", "web", "--json"]), 0)]);
    let refused = json(home.feed(&["secret", "rotate", "web", "--json"], "hunter3"), 1);
    assert_eq!((&good["rotated"], &refused["rotated"]), (&true.into(), &false.into()));
    holds("secret rotate", &[good, refused]);
    json(home.run(&["check", "--json"]), 0);
    holds("secret allow", &[json(home.run(&["secret", "allow", "web", "127.0.0.1:9", "--json"]), 0)]);
    let dated = json(home.run(&["secret", "expires", "web", "2099-01-31", "--json"]), 0);
    holds("secret expires", &[dated, json(home.run(&["secret", "expires", "web", "never", "--json"]), 0)]);

    let phrase = "four quiet lamps above the door";
    let file = home.file("copy.age").display().to_string();
    holds("vault export", &[json(home.feed(&["vault", "export", &file, "--json"], phrase), 0)]);
    let other = Home::new();
    let import = ["vault", "import", &file, "--json"];
    let added = json(other.feed(&import, phrase), 0);
    other.feed(&["secret", "set", "web"], "another").code(0);
    let kept = json(other.feed(&import, phrase), 0);
    assert_eq!((&added["added"][0], &kept["kept"][0]), (&"web".into(), &"web".into()));
    holds("vault import", &[added, kept]);

    holds("vault rekey", &[json(home.feed(&["vault", "rekey", "--method", "passphrase", "--json"], phrase), 0)]);
    home.write("run/.keep", "");
    home.mode("run", 0o700);
    let run = home.file("run").display().to_string();
    let session = |args: &[&str], input: &str| {
        let mut command = home.command(args);
        command.env("XDG_RUNTIME_DIR", &run);
        ran(command, input)
    };
    holds("vault lock", &[json(session(&["vault", "lock", "--json"], ""), 0)]);
    let locked = json(session(&["check", "--json"], ""), 1);
    assert_eq!((&locked[0]["status"], &locked[0]["cause"]), (&"inactive".into(), &"locked".into()));
    holds("vault unlock", &[json(session(&["vault", "unlock", "--json"], phrase), 0)]);
    json(session(&["check", "--json"], ""), 0);
}
