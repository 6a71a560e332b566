//! Files that others could have written are not obeyed.

use crate::home::Home;

#[test]
fn a_configuration_everybody_may_write_is_refused_and_named() {
    let home = Home::with("[integrations.x]\nprovider = \"command\"\nfields = { command = [\"true\"] }\n");
    home.run(&["check"]).code(0);
    home.mode("config.toml", 0o666);
    home.run(&["check"]).code(4).says(&["config.toml", "may be written by everybody", "chmod o-w"]);
    home.mode("config.toml", 0o664);
    home.run(&["check"]).code(0);
}

#[test]
fn a_configuration_of_another_user_is_refused() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let home = Home::with("");
    home.run(&["check"]).code(0);
    std::os::unix::fs::chown(home.file("config.toml"), Some(65_534), None).unwrap();
    home.run(&["check"]).code(4).says(&["belongs to another user", "chown"]);
}

#[test]
fn a_definition_everybody_may_write_is_not_used() {
    let home = Home::new();
    let text = std::fs::read_to_string("providers/tcp.toml").unwrap().replace("id = \"tcp\"", "id = \"own\"");
    home.write("providers/own.toml", &text);
    home.run(&["provider", "show", "own"]).code(0);
    home.mode("providers/own.toml", 0o666);
    home.run(&["config", "check"]).code(4).says(&["own.toml", "may be written by everybody"]);
    home.run(&["provider", "show", "own"]).code(3);
}
