//! Standard output and error: text, tables and JSON; a broken pipe ends quietly.

use crate::model::text::sanitize;
use std::io::{self, IsTerminal, Write};
use unicode_width::UnicodeWidthStr;

/// Where a command prints.
pub struct Out {
    stdout: Box<dyn Write>,
    stderr: Box<dyn Write>,
    pipe_broke: bool,
    color: bool,
    /// `--json` was given.
    pub json: bool,
}

impl Out {
    /// The process's own.
    pub fn standard() -> Out {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
        let dumb = std::env::var_os("TERM").is_none_or(|t| t == "dumb");
        Out {
            stdout: Box::new(io::BufWriter::new(io::stdout())),
            stderr: Box::new(io::stderr()),
            pipe_broke: false,
            color: io::stdout().is_terminal() && !no_color && !dumb,
            json: false,
        }
    }

    /// Prints text as it is and flushes.
    pub fn text(&mut self, text: &str) -> io::Result<()> {
        let result = self.stdout.write_all(text.as_bytes()).and_then(|()| self.stdout.flush());
        if let Err(error) = &result {
            self.pipe_broke |= error.kind() == io::ErrorKind::BrokenPipe;
        }
        result
    }

    /// Prints a line.
    pub fn line(&mut self, line: &str) -> io::Result<()> {
        self.text(&format!("{line}\n"))
    }

    /// Prints a value as JSON.
    pub fn value(&mut self, value: &impl serde::Serialize) -> io::Result<()> {
        let text = serde_json::to_string_pretty(value).map_err(io::Error::other)?;
        self.line(&text)
    }

    /// Prints a note on standard error; a failure to do so is nobody's business.
    pub fn complain(&mut self, message: &str) {
        let _ = writeln!(self.stderr, "lampboard: {message}").and_then(|()| self.stderr.flush());
    }

    /// Whether the reader went away.
    pub fn pipe_broke(&self) -> bool {
        self.pipe_broke
    }

    /// Prints rows in aligned columns under a header. Every cell is sanitised; the last column is not padded.
    pub fn table(&mut self, header: &[&str], rows: &[Vec<String>]) -> io::Result<()> {
        let rows: Vec<Vec<String>> = rows.iter().map(|r| r.iter().map(|c| sanitize(c, 300)).collect()).collect();
        let mut widths: Vec<usize> = header.iter().map(|h| h.width()).collect();
        for row in &rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.width());
            }
        }
        let render = |cells: &[String]| {
            let mut line = String::new();
            for (i, cell) in cells.iter().enumerate() {
                line.push_str(cell);
                if i + 1 < cells.len() {
                    line.push_str(&" ".repeat(widths[i].saturating_sub(cell.width()) + 2));
                }
            }
            line.trim_end().to_owned()
        };
        let head: Vec<String> = header.iter().map(|h| (*h).to_owned()).collect();
        let mut text =
            if self.color { format!("\x1b[1m{}\x1b[0m\n", render(&head)) } else { format!("{}\n", render(&head)) };
        for row in &rows {
            text.push_str(&render(row));
            text.push('\n');
        }
        self.text(&text)
    }

    /// Prints `label: value` lines with the values aligned.
    pub fn pairs(&mut self, pairs: &[(String, String)]) -> io::Result<()> {
        let width = pairs.iter().map(|(k, _)| k.width()).max().unwrap_or(0);
        let mut text = String::new();
        for (key, value) in pairs {
            let value = sanitize(value, 2000);
            text.push_str(&format!("{key}{}  {value}\n", " ".repeat(width.saturating_sub(key.width()))));
        }
        self.text(&text)
    }
}
