//! Secrets typed on the command line: refused, never echoed, with the way that does it right.

use super::{Exit, Failure};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::ffi::OsString;

/// Last words of flags that people try and that must not exist: `--token`, `--api-key`, `--db-password`.
const SECRET_WORDS: [&str; 10] =
    ["token", "key", "apikey", "pat", "password", "passwd", "secret", "passphrase", "credential", "value"];

const RIGHT_WAY: &str = "what stands on a command line is seen in the process list and kept in the shell's history. \
                         Leave it out to be asked, or pipe the secret in: lampboard secret set NAME < file";

/// Refuses a flag that looks made for a secret, before anything else reads the arguments.
pub(super) fn secret_flags(args: &[OsString]) -> Result<(), Failure> {
    for arg in args.iter().skip(1).take_while(|a| *a != "--") {
        let arg = arg.to_string_lossy();
        let Some(flag) = arg.strip_prefix("--") else { continue };
        let flag = flag.split('=').next().unwrap_or_default();
        let last = flag.rsplit(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
        if SECRET_WORDS.contains(&&*last) {
            let flag = crate::model::text::sanitize(flag, 40);
            return Err(Failure::new(Exit::Usage, format!("'--{flag}' does not exist, on purpose: {RIGHT_WAY}")));
        }
    }
    Ok(())
}

/// The answer to a surplus word after `secret set NAME`, `add PROVIDER NAME` or `login NAME`, which is a pasted secret more often than
/// not. Nothing for any other error.
pub(super) fn secret_argument(args: &[OsString], error: &clap::Error) -> Option<Failure> {
    let takes_secrets = args.iter().skip(1).any(|a| a == "secret" || a == "add" || a == "login");
    if error.kind() != ErrorKind::UnknownArgument || !takes_secrets {
        return None;
    }
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidArg) else { return None };
    (!word.starts_with('-')).then(|| {
        Failure::new(
            Exit::Usage,
            format!("one word too many, and it is not repeated here in case it is a secret: {RIGHT_WAY}"),
        )
    })
}
