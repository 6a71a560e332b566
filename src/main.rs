//! The `lampboard` program: hands its arguments to the library and ends with its code.

use std::process::ExitCode;

fn main() -> ExitCode {
    // Before anything is read that could be a secret.
    lampboard::secrets::memory::guard();
    lampboard::panics::keep_quiet();
    let mut out = lampboard::cli::Out::standard();
    ExitCode::from(lampboard::cli::run(std::env::args_os().collect(), &mut out))
}
