//! The command line: what can be asked, one file per subcommand.

mod add;
mod audit;
mod board;
mod bundle;
mod call;
mod check;
mod config;
mod demo;
mod doctor;
mod history;
mod integration;
mod keys;
mod list;
mod login;
mod out;
mod provider;
mod refuse;
mod rotate;
mod secret;
mod shell;
mod vault;
mod view;
mod world;

use clap::{Parser, Subcommand};
use std::{ffi::OsString, path::PathBuf};

pub use out::Out;

/// How the program ends. The numbers are an interface: they do not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Everything asked for was done, and every integration asked about is active.
    Good,
    /// At least one integration asked about is not active, or the service did not do what was called.
    NotActive,
    /// The command line makes no sense.
    Usage,
    /// No such integration, provider or secret.
    NotFound,
    /// config.toml or a definition is wrong.
    BadConfig,
    /// A file, the vault or the terminal did not let us.
    Failed,
    /// A signal ended the board, or its terminal went away: 128 and the signal's number, as shells count.
    Signal(u8),
}

impl Exit {
    /// The code.
    pub const fn code(self) -> u8 {
        match self {
            Exit::Good => 0,
            Exit::NotActive => 1,
            Exit::Usage => 2,
            Exit::NotFound => 3,
            Exit::BadConfig => 4,
            Exit::Failed => 5,
            Exit::Signal(code) => code,
        }
    }
}

/// A sentence for standard error and the code to end with.
#[derive(Debug)]
pub struct Failure {
    /// How to end.
    pub exit: Exit,
    /// What is wrong and what to do.
    pub message: String,
}

impl Failure {
    /// A failure of the given kind.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Failure { exit, message: message.into() }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Failure::new(Exit::Failed, error.to_string())
    }
}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Failure::new(Exit::Failed, message)
    }
}

/// What a subcommand answers.
pub type Answer = Result<Exit, Failure>;

const AFTER_HELP: &str = "\
Exit codes: 0 all active (what is paused does not count), 1 something is not
active or a call was not done, 2 wrong usage, 3 no such name, 4 config.toml or
a definition is wrong, 5 a file, the vault or the terminal failed.

LAMPBOARD_HOME=DIR puts every file under one folder. `lampboard config path`
lists them.";

/// A board of lamps, one for each service you depend on.
///
/// Without a subcommand the board itself opens. It tells which of your integrations work right now, with authenticated
/// checks, and when one does not, whose fault it is: your key, your network, your quota, or them.
#[derive(Debug, Parser)]
#[command(name = "lampboard", version, after_help = AFTER_HELP, infer_subcommands = false)]
pub struct Cli {
    /// Use this configuration file instead of the usual one.
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Answer in JSON where it makes sense.
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do; without it the board opens.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check integrations once, now, and print a table.
    Check {
        /// Which; all without one.
        names: Vec<String>,
    },
    /// List the integrations with what is known of them, without checking.
    #[command(visible_alias = "ls")]
    List,
    /// Show all that is known of one integration.
    Show {
        /// Which.
        name: String,
    },
    /// Add an integration: tested before it is saved.
    ///
    /// Secrets are asked for on the terminal or read from standard input, never taken from the command line.
    Add(add::AddArgs),
    /// Sign an integration in with OAuth 2.0: no token to copy. Tested before it is stored.
    ///
    /// Shows a code and a link for any browser, so it works over SSH too. The tokens go into the vault and renew
    /// themselves. It needs the id of an application of yours at the service: --set client_id=…
    Login(login::LoginArgs),
    /// Do something with an integration: create an issue, list models, ask a database.
    ///
    /// Without an action it lists what the integration's provider offers. `request METHOD PATH` asks whatever you like of an
    /// HTTP service, under its address and with its credential.
    Call(call::CallArgs),
    /// Remove an integration from config.toml. Its history is kept.
    #[command(visible_alias = "rm")]
    Remove {
        /// Which.
        name: String,
    },
    /// Stop checking an integration until `resume`.
    Pause {
        /// Which.
        name: String,
    },
    /// Check a paused integration again.
    Resume {
        /// Which.
        name: String,
    },
    /// Keep secrets in the vault.
    Secret {
        /// What to do.
        #[command(subcommand)]
        command: secret::SecretCommand,
    },
    /// Look after the file that holds the secrets, and what opens it.
    Vault {
        /// What to do.
        #[command(subcommand)]
        command: vault::VaultCommand,
    },
    /// Print who did what to which secret.
    Audit {
        /// How many of the latest lines.
        #[arg(long, default_value_t = 50)]
        count: usize,
    },
    /// Look at provider definitions, check and test them.
    Provider {
        /// What to do.
        #[command(subcommand)]
        command: provider::ProviderCommand,
    },
    /// Print an integration's past.
    History(history::HistoryArgs),
    /// Where files lie, whether they are right, and an example.
    Config {
        /// What to do.
        #[command(subcommand)]
        command: config::ConfigCommand,
    },
    /// Look for what could be wrong on this machine.
    Doctor {
        /// Print a report without secrets, addresses or names, to paste into an issue.
        #[arg(long)]
        bundle: bool,
    },
    /// Print shell completions.
    Completions {
        /// For this shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or that of a subcommand: `man secret set`.
    Man {
        /// Which subcommand; the whole program's page without one.
        command: Vec<String>,
    },
    /// Watch a real board check real servers on this machine: no key, no network, nothing of yours read or written.
    Demo {
        /// Print one round as text and end.
        #[arg(long)]
        once: bool,
    },
}

/// Runs the program with these arguments (the first is its name) and returns the exit code.
pub fn run(args: Vec<OsString>, out: &mut Out) -> u8 {
    let answer = refuse::secret_flags(&args).and_then(|()| match Cli::try_parse_from(&args) {
        Ok(cli) => dispatch(cli, out),
        Err(error) if error.use_stderr() => Err(refuse::secret_argument(&args, &error)
            .unwrap_or_else(|| Failure::new(Exit::Usage, error.render().to_string().trim_end().to_owned()))),
        Err(help) => {
            out.text(&help.render().to_string())?;
            Ok(Exit::Good)
        }
    });
    match answer {
        Ok(exit) => exit.code(),
        Err(_) if out.pipe_broke() => Exit::Good.code(),
        Err(failure) => {
            out.complain(&failure.message);
            failure.exit.code()
        }
    }
}

fn dispatch(cli: Cli, out: &mut Out) -> Answer {
    out.json = cli.json;
    let config = cli.config;
    match cli.command {
        None => board::run(config, out),
        Some(Command::Check { names }) => check::run(config, &names, out),
        Some(Command::List) => list::list(config, out),
        Some(Command::Show { name }) => list::show(config, &name, out),
        Some(Command::Add(args)) => add::run(config, args, out),
        Some(Command::Login(args)) => login::run(config, args, out),
        Some(Command::Call(args)) => call::run(config, args, out),
        Some(Command::Remove { name }) => integration::remove(config, &name, out),
        Some(Command::Pause { name }) => integration::pause(config, &name, true, out),
        Some(Command::Resume { name }) => integration::pause(config, &name, false, out),
        Some(Command::Secret { command }) => secret::run(config, command, out),
        Some(Command::Vault { command }) => vault::run(config, command, out),
        Some(Command::Audit { count }) => audit::run(config, count, out),
        Some(Command::Provider { command }) => provider::run(config, command, out),
        Some(Command::History(args)) => history::run(config, args, out),
        Some(Command::Config { command }) => config::run(config, command, out),
        Some(Command::Doctor { bundle: true }) => bundle::run(config, out),
        Some(Command::Doctor { bundle: false }) => doctor::run(config, out),
        Some(Command::Completions { shell }) => shell::completions(shell, out),
        Some(Command::Man { command }) => shell::man(&command, out),
        Some(Command::Demo { once }) => demo::run(once, out),
    }
}
