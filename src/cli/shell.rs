//! `completions` and `man`: generated from the same definitions as `--help`.

use super::{Answer, Cli, Exit, Failure, Out};
use crate::config::suggest;
use clap::CommandFactory;

pub(super) fn completions(shell: clap_complete::Shell, out: &mut Out) -> Answer {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "lampboard", &mut text);
    out.text(&String::from_utf8_lossy(&text))?;
    Ok(Exit::Good)
}

pub(super) fn man(path: &[String], out: &mut Out) -> Answer {
    let mut command = Cli::command();
    command.build();
    for name in path {
        let known: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
        let Some(next) = command.find_subcommand(name).cloned() else {
            let near = suggest::hint(name, known);
            let name = crate::model::text::sanitize(name, 80);
            return Err(Failure::new(Exit::NotFound, format!("no subcommand '{name}'{near}; see: lampboard --help")));
        };
        command = next;
    }
    // The page's name, with the dashes of `man lampboard-secret-set`; the usage line keeps its blanks.
    let title = command.get_display_name().unwrap_or("lampboard").to_owned();
    let mut text = Vec::new();
    clap_mangen::Man::new(command).title(title).render(&mut text)?;
    out.text(&String::from_utf8_lossy(&text))?;
    Ok(Exit::Good)
}
