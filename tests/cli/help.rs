//! Help, manual pages, completions, version: what the program tells of itself.

use crate::home::Home;

const COMMANDS: [&[&str]; 39] = [
    &[],
    &["check"],
    &["list"],
    &["show"],
    &["add"],
    &["call"],
    &["login"],
    &["remove"],
    &["pause"],
    &["resume"],
    &["secret"],
    &["secret", "set"],
    &["secret", "list"],
    &["secret", "rotate"],
    &["secret", "roll-back"],
    &["secret", "allow"],
    &["secret", "expires"],
    &["secret", "remove"],
    &["vault"],
    &["vault", "status"],
    &["vault", "unlock"],
    &["vault", "lock"],
    &["vault", "rekey"],
    &["vault", "export"],
    &["vault", "import"],
    &["audit"],
    &["provider"],
    &["provider", "list"],
    &["provider", "show"],
    &["provider", "lint"],
    &["provider", "test"],
    &["history"],
    &["config"],
    &["config", "path"],
    &["config", "check"],
    &["config", "example"],
    &["doctor"],
    &["completions"],
    &["man"],
];

#[test]
fn every_help_page_is_as_it_was() {
    let home = Home::new();
    let mut pages = String::new();
    for command in COMMANDS.into_iter().chain([&["demo"] as &[&str]]) {
        let page = home.run(&[command, &["--help"]].concat()).code(0);
        assert_eq!(page.err, "", "{command:?}");
        assert!(page.out.lines().all(|line| line.chars().count() <= 80), "{}", page.out);
        pages.push_str(&format!("──── lampboard {}\n{}\n", command.join(" "), page.out));
    }
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false, snapshot_path => "snapshots" }, {
        insta::assert_snapshot!("help", pages);
    });
}

#[test]
fn no_subcommand_is_left_out_above() {
    let home = Home::new();
    let known: Vec<String> = COMMANDS.iter().map(|command| command.join(" ")).collect();
    for parent in [&[] as &[&str], &["secret"], &["vault"], &["provider"], &["config"]] {
        let page = home.run(&[parent, &["--help"]].concat()).code(0).out;
        let listed = page.lines().skip_while(|line| *line != "Commands:").skip(1);
        let mut count = 0;
        for line in listed.take_while(|line| !line.is_empty()) {
            // A continuation of the text above is indented deeper than a name.
            let Some(name) = line.strip_prefix("  ").filter(|rest| !rest.starts_with(' ')) else { continue };
            let name = name.split_whitespace().next().unwrap();
            let full = [parent, &[name]].concat().join(" ");
            assert!(name == "help" || name == "demo" || known.contains(&full), "{full}");
            count += 1;
        }
        assert!(count >= 3, "{page}");
    }
}

#[test]
fn the_short_help_and_the_version_are_on_standard_output() {
    let home = Home::new();
    home.run(&["-h"]).code(0).prints(&["Usage: lampboard", "Exit codes:"]);
    let version = home.run(&["--version"]).code(0);
    assert_eq!(version.out, format!("lampboard {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn the_manual_has_a_page_for_each_subcommand() {
    let home = Home::new();
    let page = home.run(&["man"]).code(0);
    page.prints(&[".TH lampboard 1", "completions", "doctor"]);
    for command in &COMMANDS[1..] {
        let page = home.run(&[&["man"], *command].concat()).code(0);
        let title = format!(".TH lampboard-{} 1", command.join("-"));
        let usage = format!("lampboard {}", command.join(" "));
        let plain = page.out.replace('\\', "");
        assert!(plain.contains(&title) && plain.contains(&usage), "{title}\n{plain}");
    }
    home.run(&["man", "secret", "sett"]).code(3).says(&["'sett'", "did you mean 'set'?"]);
}

#[test]
fn every_shell_gets_completions_that_know_the_subcommands() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = home.run(&["completions", shell]).code(0);
        script.prints(&["lampboard", "check", "history", "doctor", "no-test"]);
    }
    home.run(&["completions", "cmd"]).code(2).says(&["'cmd'", "bash", "zsh"]);
}
