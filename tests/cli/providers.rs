//! Provider definitions from outside: listed, linted with line and column, replayed; a broken one harms nothing else.

use crate::home::Home;

const GOOD: &str = r#"id = "lamp"
name = "Lamp"
category = "generic"
base_url = "http://127.0.0.1:1"

[fields.token]
label = "Token"
secret = true
required = true

[auth]
scheme = "bearer"
token = "{{ token }}"

[check]
kind = "http"
request = "GET /me"
cost = "free"
active = "status == 200 and body.id is defined"
"#;

#[test]
fn a_definition_of_ones_own_is_listed_with_its_file() {
    let home = Home::new();
    let file = home.write("providers/lamp.toml", GOOD);
    home.run(&["provider", "list"]).code(0).prints(&["lamp", &file.display().to_string(), "github", "built in"]);
    home.run(&["provider", "show", "lamp"]).code(0).prints(&["Lamp (lamp)", "token", "required, secret"]);
}

#[test]
fn a_wrong_expression_or_template_is_told_with_line_and_column_and_the_rest_still_works() {
    for (wrong, right, line) in [
        ("active = \"status == == 200\"", "active = \"status == 200 and body.id is defined\"", 19),
        ("active = \"status == 200 and body.id is definde\"", "active = \"status == 200 and body.id is defined\"", 19),
        ("active = \"body.id | lowr == 'x'\"", "active = \"status == 200 and body.id is defined\"", 19),
        ("active = \"statuss == 200\"", "active = \"status == 200 and body.id is defined\"", 19),
        ("token = \"{{ token \"", "token = \"{{ token }}\"", 13),
        ("token = \"{{ tokn }}\"", "token = \"{{ token }}\"", 13),
        ("kind = \"htpp\"", "kind = \"http\"", 16),
        ("requst = \"GET /me\"", "request = \"GET /me\"", 17),
    ] {
        let text = GOOD.replace(right, wrong);
        assert_ne!(text, GOOD);
        let home = Home::new();
        let file = home.write("providers/lamp.toml", &text).display().to_string();
        let place = format!("{file}:{line}:");
        let lint = home.run(&["provider", "lint", &file]).code(4);
        let told = lint.out.lines().find(|l| l.starts_with(&place)).unwrap_or_else(|| panic!("{wrong}: {lint:#?}"));
        let column = told[place.len()..].split(':').next().unwrap();
        assert!(column.parse::<usize>().is_ok_and(|c| c > 0), "{wrong}: {told}");
        let list = home.run(&["provider", "list"]).code(0).prints(&["github", "postgres"]);
        list.says(&[&place]);
        let json = home.run(&["provider", "lint", "--json"]).code(4).json();
        assert!(json.as_array().unwrap().iter().any(|p| p["line"] == line), "{json:#}");
        home.run(&["config", "check"]).code(4).says(&[&place]);
        home.run(&["doctor"]).code(5).prints(&["BAD  definitions", &place]);
    }
}

#[test]
fn a_file_that_is_no_toml_at_all_is_told() {
    let home = Home::new();
    let file = home.write("providers/x.toml", "id = \n").display().to_string();
    home.run(&["provider", "lint", &file]).code(4).prints(&[&format!("{file}:1:")]);
    home.run(&["provider", "list"]).code(0).prints(&["github"]);
}

#[test]
fn an_integration_whose_definition_broke_is_told_beside_the_others() {
    let home = Home::with("[integrations.a]\nprovider = \"lamp\"\nfields = { token = \"env:T\" }\n");
    home.write("providers/lamp.toml", &GOOD.replace("id is defined", "id ==="));
    home.run(&["check"]).code(1).prints(&["x  a", "no provider 'lamp'"]).says(&["lamp.toml:19:"]);
}

#[test]
fn every_built_in_example_replays() {
    let home = Home::new();
    let all = home.run(&["provider", "test"]).code(0).prints(&[", 0 failed"]).never(&["FAIL"]);
    assert!(all.out.lines().count() > 50, "{}", all.out.lines().count());
    home.run(&["provider", "test", "github"]).code(0).never(&["openai"]);
}

#[test]
fn a_good_definition_has_no_errors_and_no_files_is_fine() {
    let home = Home::new();
    home.run(&["provider", "lint"]).code(0).prints(&["0 files, 0 complaints"]);
    home.run(&["provider", "list"]).code(0).prints(&["ID", "github"]);
}
