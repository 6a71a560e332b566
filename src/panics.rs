//! What is told of a panic: where it was, and its text only if that was fixed when the program was built. A text made at
//! run time quotes what its maker had at hand (a slice of a text, an address, an error), and that may be a secret.

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    io::Write,
    panic::PanicHookInfo,
};

/// Stands in the place of a text that was made at run time.
const UNTOLD: &str = "(its text was made at run time and may hold a secret, so it is not told)";

/// File, line and column.
pub fn place(panic: &PanicHookInfo<'_>) -> String {
    panic.location().map(ToString::to_string).unwrap_or_default()
}

/// The text, if it is the same in every run; else a sentence in its place.
pub fn text(panic: &PanicHookInfo<'_>) -> &'static str {
    panic.payload().downcast_ref::<&'static str>().copied().unwrap_or(UNTOLD)
}

/// From now on a panic tells no more than that, on standard error; with a backtrace where `RUST_BACKTRACE` asks for one,
/// for that holds names alone. To be called first thing.
pub fn keep_quiet() {
    std::panic::set_hook(Box::new(|panic| {
        let thread = std::thread::current();
        let name = thread.name().unwrap_or("without a name");
        let backtrace = Backtrace::capture();
        let mut told = format!("thread '{name}' panicked at {}:\n{}\n", place(panic), text(panic));
        if backtrace.status() == BacktraceStatus::Captured {
            told.push_str(&format!("{backtrace}\n"));
        }
        // Nobody may be there to read it.
        let _ = std::io::stderr().write_all(told.as_bytes());
    }));
}
