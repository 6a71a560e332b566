//! `completions` and `man`: generated from the same definitions as `--help`.

use super::{Answer, Cli, Exit, Out};
use clap::CommandFactory;

pub(super) fn completions(shell: clap_complete::Shell, out: &mut Out) -> Answer {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "lampboard", &mut text);
    out.text(&String::from_utf8_lossy(&text))?;
    Ok(Exit::Good)
}

pub(super) fn man(out: &mut Out) -> Answer {
    let mut text = Vec::new();
    clap_mangen::Man::new(Cli::command()).render(&mut text)?;
    out.text(&String::from_utf8_lossy(&text))?;
    Ok(Exit::Good)
}
