//! remove, pause, resume, history, show: one integration at a time, and config.toml keeps its comments.

use crate::{home::Home, server::by_path};

fn home() -> Home {
    let server = by_path();
    Home::with(&format!(
        "# the house\n[board]\ninterval = \"60s\" # a minute\n\n# the front door\n[integrations.web]\nprovider = \"http\"\n\
         tags = [ \"a\",\"b\" ]   # crooked on purpose\nfields = {{ url = \"{server}/ok\" }}\n\n# the back door\n\
         [integrations.back]\nprovider = \"http\"\nattempts = 1\nfields = {{ url = \"{server}/broken\" }}\n\n\
         # the end\n[ui]\nmouse = false\n"
    ))
}

#[test]
fn remove_takes_one_and_leaves_every_comment_and_crookedness() {
    let home = home();
    let before = home.read("config.toml");
    let removed = home.run(&["remove", "back"]).code(0).prints(&["Removed 'back'", "To undo", "[integrations.back]"]);
    let after = home.read("config.toml");
    for kept in
        ["# the house", "# a minute", "# the front door", "tags = [ \"a\",\"b\" ]   # crooked on purpose", "# the end"]
    {
        assert!(after.contains(kept), "{kept} is gone:\n{after}");
    }
    assert!(!after.contains("integrations.back"), "{after}");
    // What was printed goes back in and gives the same board.
    let undo = removed.out.split_once(":\n").unwrap().1;
    home.write("config.toml", &format!("{after}\n{undo}"));
    home.run(&["config", "check"]).code(0).prints(&["2 integrations"]);
    assert!(before.contains("integrations.back"));
    home.run(&["rm", "web"]).code(0);
    home.run(&["rm", "web"]).code(3);
}

#[test]
fn pause_and_resume_hold_over_runs_and_do_not_touch_the_file() {
    let home = home();
    let before = home.read("config.toml");
    home.run(&["pause", "back"]).code(0).prints(&["'back' is paused."]);
    home.run(&["pause", "back"]).code(0);
    home.run(&["check"]).code(0).prints(&["-  back", "paused"]);
    let entry = home.run(&["show", "back", "--json"]).code(0).json();
    assert_eq!((&entry["status"], &entry["cause"]), (&"inactive".into(), &"paused".into()));
    home.run(&["resume", "back"]).code(0).prints(&["'back' is resumed."]);
    home.run(&["check"]).code(1).prints(&["x  back"]);
    assert_eq!(home.read("config.toml"), before);
}

#[test]
fn history_tells_the_checks_newest_first_and_the_incident() {
    let home = home();
    home.run(&["history", "back"]).code(0).prints(&["No check of 'back'", "lampboard check back"]);
    for _ in 0..3 {
        home.run(&["check", "back"]).code(1);
    }
    let told = home.run(&["history", "back"]).code(0).prints(&["TIME (UTC)", "INCIDENT OPENED", "still open", "500"]);
    assert_eq!(told.out.lines().filter(|line| line.starts_with('x')).count(), 3, "{told:#?}");
    let json = home.run(&["history", "back", "--json", "-n", "2"]).code(0).json();
    let checks = json["checks"].as_array().unwrap();
    assert_eq!(checks.len(), 2);
    assert!(checks[0]["at"].as_str() > checks[1]["at"].as_str(), "{json}");
    assert_eq!(json["incidents"][0]["closed"], serde_json::Value::Null);
    home.run(&["history", "web"]).code(0).prints(&["No check of 'web'"]);
}

#[test]
fn a_removed_integration_keeps_its_past() {
    let home = home();
    let config = home.read("config.toml");
    home.run(&["check", "web"]).code(0);
    home.run(&["remove", "web"]).code(0);
    home.run(&["history", "web"]).code(3);
    home.write("config.toml", &config);
    home.run(&["history", "web"]).code(0).prints(&["*  "]);
}

#[test]
fn show_tells_what_the_last_check_found_and_whose_fault_it_is() {
    let home = home();
    home.run(&["show", "back"]).code(0).prints(&["not checked yet"]);
    home.run(&["check", "back"]).code(1);
    home.run(&["show", "back"]).code(0).prints(&["Status", "error: ", "Blame", "Decided by", "Checked every"]);
    home.run(&["show", "web"]).code(0).prints(&["Provider", "HTTP address"]);
}

#[test]
fn text_from_a_server_cannot_drive_the_terminal() {
    let home = Home::with(&format!(
        "[integrations.evil]\nprovider = \"http\"\nattempts = 1\nfields = {{ url = \"{}/escape\" }}\n",
        by_path()
    ));
    home.run(&["check"]).code(1);
    home.run(&["show", "evil"]).code(0);
    let json = home.run(&["check", "--json"]).code(1);
    assert!(!json.out.contains("\\u001b"), "{json:#?}");
}
