//! Every shipped definition compiles, is built in, has nothing to complain about, and its examples hold.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use lampboard::providers::{Definition, Origin, Registry, builtin, compile::compile, registry::lint};
use std::path::Path;

#[test]
fn every_file_is_built_in_and_lints_clean() {
    let mut complaints = Vec::new();
    for entry in std::fs::read_dir("providers").unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        assert!(builtin::FILES.iter().any(|(s, _)| *s == stem), "{stem} is missing in src/providers/builtin.rs");
        complaints.extend(
            lint(&path, &text).iter().map(|p| format!("{}:{:?}:{:?} {}", path.display(), p.line, p.column, p.message)),
        );
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    assert_eq!(Registry::built_in().iter().count(), builtin::FILES.len());
}

#[test]
fn every_example_holds() {
    let registry = Registry::built_in();
    let mut count = 0;
    for definition in registry.iter() {
        for (name, result) in definition.replay_all() {
            result.unwrap_or_else(|e| panic!("{}: {name}: {e}", definition.id));
            count += 1;
        }
    }
    assert!(count >= 60, "{count} examples");
}

#[test]
fn every_example_of_an_action_holds() {
    let registry = Registry::built_in();
    let mut count = 0;
    for definition in registry.iter() {
        for action in definition.actions.values() {
            for example in &action.examples {
                let replayed = definition.replay_action(action, example);
                replayed.unwrap_or_else(|e| panic!("{}: {}: {}: {e}", definition.id, action.name, example.name));
                count += 1;
            }
        }
    }
    assert!(count >= 30, "{count} examples");
}

fn parse(text: &str) -> Result<Definition, Vec<lampboard::providers::Problem>> {
    compile(Path::new("demo.toml"), text, Origin::BuiltIn)
}

const GOOD: &str = r#"id = "demo"
name = "Demo"
category = "generic"
base_url = "https://demo.example"
[fields.token]
label = "Token"
secret = true
[auth]
scheme = "bearer"
token = "{{ token }}"
[check]
kind = "http"
request = "GET /me"
active = "status == 200 and body.id is defined"
"#;

#[test]
fn complaints_tell_line_and_column() {
    assert!(parse(GOOD).is_ok());
    for (from, to, line, words) in [
        ("category", "categorie", 3, "unknown field"),
        ("status == 200", "status ==", 14, "expression"),
        ("\"GET /me\"", "\"GET me\"", 13, "METHOD /path"),
        ("GET /me", "GET /{{ nope }}", 13, "names no field"),
        ("status == 200", "(5 * 5) == 200", 14, "not allowed"),
        ("id = \"demo\"", "id = \"Demo\"", 1, "not a valid id"),
        ("kind = \"http\"", "kind = \"soap\"", 12, "not a kind"),
    ] {
        let problems = parse(&GOOD.replacen(from, to, 1)).expect_err(words);
        let found = problems.iter().any(|p| p.message.contains(words) && p.line == Some(line) && p.column.is_some());
        assert!(found, "'{words}' at line {line}: {problems:?}");
    }
}

#[test]
fn a_broken_file_keeps_the_last_good_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("demo.toml");
    std::fs::write(&file, GOOD).unwrap();
    let (first, problems) = Registry::load(Some(folder.path()), None);
    assert!(problems.is_empty() && first.get("demo").is_some());
    std::fs::write(&file, "id = ").unwrap();
    let (second, problems) = Registry::load(Some(folder.path()), Some(&first));
    assert_eq!(problems.len(), 1);
    assert!(second.get("demo").is_some(), "the last good one is kept");
    std::fs::remove_file(&file).unwrap();
    let (third, problems) = Registry::load(Some(folder.path()), Some(&second));
    assert!(problems.is_empty() && third.get("demo").is_none(), "a removed file is gone");
}

#[test]
fn fields_and_facts_keep_the_order_of_their_file() {
    for definition in lampboard::providers::Registry::built_in().iter() {
        let text = std::fs::read_to_string(format!("providers/{}.toml", definition.id)).unwrap();
        let in_file: Vec<&str> = text.lines().filter_map(|l| l.strip_prefix("[fields.")?.strip_suffix(']')).collect();
        assert_eq!(definition.fields.keys().collect::<Vec<_>>(), in_file, "{}: the form's order", definition.id);
    }
}

#[test]
fn the_documented_definition_is_right() {
    let document = std::fs::read_to_string("docs/providers.md").unwrap();
    let text = document.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let path = Path::new("acme.toml");
    assert!(lint(path, text).is_empty(), "{:?}", lint(path, text));
    let definition = compile(path, text, Origin::BuiltIn).unwrap();
    assert_eq!(definition.examples.len(), 4);
    for example in &definition.examples {
        definition.replay(example).unwrap_or_else(|e| panic!("{}: {e}", example.name));
    }
}

/// The table at the end of docs/providers.md.
fn table() -> String {
    let mut rows: Vec<String> = Registry::built_in()
        .iter()
        .map(|d| {
            let text = std::fs::read_to_string(format!("providers/{}.toml", d.id)).unwrap();
            let file: toml::Table = toml::from_str(&text).unwrap();
            let schemes = match file.get("auth") {
                Some(toml::Value::Array(all)) => all.clone(),
                Some(one) => vec![one.clone()],
                None => Vec::new(),
            };
            let schemes: Vec<_> = schemes.iter().map(|s| s["scheme"].as_str().unwrap().to_owned()).collect();
            let check = file["check"].as_table().unwrap();
            let request = check.get("request").map_or_else(|| check["kind"].as_str().unwrap(), |r| r.as_str().unwrap());
            let own = |file: &toml::Table, key: &str| match file.get(key) {
                Some(toml::Value::Array(all)) => all.iter().map(|q| q["name"].as_str().unwrap().to_owned()).collect(),
                Some(toml::Value::Table(all)) => all.keys().cloned().collect(),
                _ => Vec::new(),
            };
            let also = file.get("also").and_then(|a| a.as_array()).cloned().unwrap_or_default();
            let names = |key: &str| {
                let mut names: Vec<String> = own(&file, key);
                for question in also.iter().filter_map(|q| q.as_table()) {
                    let told = own(question, key);
                    let silent = key == "facts" && told.is_empty();
                    names.extend(if silent { vec![question["name"].as_str().unwrap().to_owned()] } else { told });
                }
                names.join(", ")
            };
            let schemes = if schemes.is_empty() { "its own".to_owned() } else { schemes.join(" or ") };
            let schemes = if file.contains_key("login") { format!("sign-in, then {schemes}") } else { schemes };
            format!(
                "| `{}` | {} | {} | {schemes} | `{request}` | {} | {} | {} | {} |",
                d.id,
                d.name,
                d.level().as_str(),
                d.cost,
                names("quota"),
                names("facts"),
                d.actions.keys().map(|name| name.replace('_', " ")).collect::<Vec<_>>().join(", ")
            )
        })
        .collect();
    rows.sort();
    format!(
        "| id | service | level | auth | check | its cost | quota | facts | actions |\n|---|---|---|---|---|---|---|---|---|\n{}\n",
        rows.join("\n")
    )
}

#[test]
fn the_documented_table_is_made_from_the_definitions() {
    let text = std::fs::read_to_string("docs/providers.md").unwrap();
    let start = text.find("<!-- made from").unwrap();
    let start = start + text[start..].find('\n').unwrap() + 1;
    let end = text.find("<!-- end -->").unwrap();
    if std::env::var_os("LAMPBOARD_WRITE_DOCS").is_some() {
        std::fs::write("docs/providers.md", format!("{}{}{}", &text[..start], table(), &text[end..])).unwrap();
        return;
    }
    assert_eq!(&text[start..end], table(), "run: LAMPBOARD_WRITE_DOCS=1 cargo test --test providers");
}

#[test]
fn every_service_is_silver_and_those_of_the_first_documents_gold() {
    use lampboard::providers::level::Level;
    let registry = Registry::built_in();
    for definition in registry.iter() {
        assert!(definition.level() >= Level::Silver, "{}: {:?}", definition.id, definition.level());
    }
    for id in ["openai", "anthropic", "google_ai", "github", "jira", "slack", "postgres", "redis", "elasticsearch"] {
        let definition = registry.get(id).unwrap();
        assert!(definition.level() >= Level::Gold, "{id} lacks {:?}", definition.lacks());
    }
    assert_eq!(registry.get("redis").unwrap().level(), Level::Platinum);
}

#[test]
fn a_request_for_the_address_itself_adds_no_slash() {
    for (request, wanted) in [("POST /", "/graphql"), ("POST /me", "/graphql/me")] {
        let definition =
            parse(&GOOD.replace("GET /me", request).replace("demo.example", "demo.example/graphql")).unwrap();
        let lampboard::providers::Probe::Http(probe) = &definition.probe else { panic!("an http check") };
        let secrets = [("token".to_owned(), lampboard::model::Secret::new("x".into()))].into_iter().collect();
        assert_eq!(probe.request.build(&indexmap::IndexMap::new(), &secrets).unwrap().url.path(), wanted);
    }
}

#[test]
fn a_control_that_is_active_too_fails_its_example() {
    let example = "[[example]]\nname = \"good\"\nresponse = { status = 200, body = '{\"id\":1}' }\n\
                   expect = { status = \"active\", cause = \"ok\" }\ncontrol = '{\"id\":2}'\n";
    let replay = |text: &str| {
        let definition = parse(text).unwrap();
        definition.replay(&definition.examples[0])
    };
    let bad = format!("{GOOD}{example}");
    assert!(replay(&bad).unwrap_err().contains("proves nothing"));
    replay(&bad.replace("control = '{\"id\":2}'", "control = '{\"ok\":true}'")).unwrap();
    replay(&bad.replace("control = '{\"id\":2}'", "")).unwrap();
}

/// A firewall's page, a captive portal's, a proxy's: whatever its status, it proves nothing of the service behind.
#[test]
fn a_web_page_is_never_active() {
    use lampboard::{
        model::Cause,
        providers::{Probe, http::Answer},
    };
    let mut headers = http::HeaderMap::new();
    headers.insert("content-type", http::HeaderValue::from_static("text/html"));
    for definition in Registry::built_in().iter() {
        let Probe::Http(probe) = &definition.probe else { continue };
        let fields = definition.fields.values().filter(|f| !f.secret);
        let fields = fields.filter_map(|f| Some((f.name.clone(), f.example.clone().or(f.default.clone())?))).collect();
        for status in
            [200, 201, 202, 203, 204, 302, 304, 400, 401, 402, 403, 404, 405, 409, 410, 422, 429, 451, 500, 502, 503]
        {
            for body in
                ["<html><head><title>Attention!</title></head><body>ok</body></html>", "<!DOCTYPE html><p>Sign in", ""]
            {
                let (now, latency) = (jiff::Timestamp::UNIX_EPOCH, std::time::Duration::from_millis(5));
                let answer = Answer { status, headers: &headers, body: body.as_bytes(), now, latency };
                let reading = probe.read(&answer, &fields);
                assert!(
                    reading.cause != Cause::Ok,
                    "{}: {status} {body:?} is active by {}",
                    definition.id,
                    reading.rule
                );
            }
        }
    }
}
