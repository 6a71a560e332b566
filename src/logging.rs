//! The log: one file, 0600, one line a record, nothing on the screen.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};
use tracing_subscriber::{
    Layer,
    filter::{FilterExt, LevelFilter, Targets, filter_fn},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

/// Size at which the log moves to `lampboard.log.1` at the next start, in bytes.
const ROTATE_AT: u64 = 4 * 1024 * 1024;

/// Turns control characters into visible ones, so that a text from outside can neither forge a line nor drive a terminal.
struct OneLine<W>(W);

impl<W: Write> Write for OneLine<W> {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(record);
        let line = crate::model::text::sanitize(text.trim_end_matches('\n'), 4000);
        self.0.write_all(format!("{line}\n").as_bytes())?;
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn open(path: &Path) -> io::Result<File> {
    if std::fs::metadata(path).is_ok_and(|m| m.len() > ROTATE_AT) {
        std::fs::rename(path, path.with_extension("log.1"))?;
    }
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}

/// Starts logging into the file, at `LAMPBOARD_LOG`'s level (`info` if unset). Errors say why there is no log;
/// the program goes on without one. Keep the guard: dropping it flushes.
pub fn start(path: &Path) -> io::Result<tracing_appender::non_blocking::WorkerGuard> {
    let file = open(path)?;
    let (writer, guard) = tracing_appender::non_blocking(OneLine(file));
    let wanted = std::env::var("LAMPBOARD_LOG").ok().and_then(|words| words.parse::<Targets>().ok());
    let filter = wanted
        .unwrap_or_else(|| Targets::new().with_default(LevelFilter::WARN).with_target("lampboard", LevelFilter::INFO));
    // At its most talkative the signer would write down what it signs, session tokens among it.
    let filter = filter.and(filter_fn(|record| !record.target().starts_with("aws_sigv4")));
    let layer = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(writer).with_filter(filter);
    tracing_subscriber::registry().with(layer).try_init().map_err(io::Error::other)?;
    Ok(guard)
}

#[cfg(test)]
mod tests {
    use super::OneLine;
    use std::io::Write;

    #[test]
    fn a_record_stays_one_harmless_line() {
        let mut out = Vec::new();
        OneLine(&mut out).write_all(b"seen: \x1b[31mred\nINFO forged\n").unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.matches('\n').count(), 1);
        assert!(!text.contains('\x1b'));
    }
}
