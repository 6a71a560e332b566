//! `cmd:` references: a program run without a shell, contained and bounded.

use super::ResolveError;
use crate::model::{Cause, text::sanitize};
use rustix::process::{Pid, Signal, kill_process_group};
use std::{process::Stdio, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::Command,
};
use zeroize::Zeroizing;

const MAX_OUTPUT: usize = 64 << 10;
const MAX_COMPLAINT: usize = 4 << 10;
/// What the program gets of our environment: enough to find its own files, no credential of others.
const ENVIRONMENT: [&str; 13] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
    "XDG_CACHE_HOME",
    "XDG_RUNTIME_DIR",
    "XDG_SESSION_TYPE",
];

/// Runs the command and returns what it printed. `limit` bounds the whole run.
pub(super) async fn run(
    line: &str,
    env: &super::resolve::Environment,
    limit: Duration,
) -> Result<Zeroizing<Vec<u8>>, ResolveError> {
    let words = split(line).map_err(|message| ResolveError { cause: Cause::Misconfigured, message })?;
    let Some((program, arguments)) = words.split_first() else {
        let message = "the reference cmd: names no program; write for example cmd:pass show github".to_owned();
        return Err(ResolveError { cause: Cause::Misconfigured, message });
    };
    let shown = sanitize(program, 80);
    let wrong = |cause, rest: String| ResolveError { cause, message: format!("the command '{shown}' {rest}") };

    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .envs(ENVIRONMENT.iter().filter_map(|name| Some((*name, env(name)?))))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| {
        let advice = match error.kind() {
            std::io::ErrorKind::NotFound => "is not found; install it or write its full path".to_owned(),
            _ => format!("cannot be started: {error}"),
        };
        wrong(Cause::Misconfigured, advice)
    })?;
    // Declared after the child, so it goes first: the group is ended while the child still holds its number.
    let mut group = Group(child.id().and_then(|id| Pid::from_raw(id.cast_signed())));
    let (Some(mut stdout), Some(mut stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(wrong(Cause::Misconfigured, "has no output to read".to_owned()));
    };
    let work = async {
        tokio::try_join!(
            async { read_bounded(&mut stdout).await },
            async { read_start(&mut stderr).await.map_err(Stop::Io) },
            async { child.wait().await.map_err(Stop::Io) },
        )
    };
    let (output, complaint, status) = match tokio::time::timeout(limit, work).await {
        Err(_) => {
            let rest = format!("gave nothing within {} s and was ended; does it wait for input?", limit.as_secs());
            return Err(wrong(Cause::MissingCredential, rest));
        }
        Ok(Err(Stop::Io(error))) => return Err(wrong(Cause::Misconfigured, format!("could not be read: {error}"))),
        Ok(Err(Stop::TooMuch)) => {
            return Err(wrong(Cause::Misconfigured, "printed more than 64 KiB and was ended".to_owned()));
        }
        Ok(Ok(done)) => done,
    };
    group.0 = None;
    if status.success() {
        return Ok(output);
    }
    let end = match status.code() {
        Some(code) => format!("ended with code {code}"),
        None => "was ended by a signal".to_owned(),
    };
    let said = harmless(&complaint, &output);
    Err(wrong(Cause::MissingCredential, if said.is_empty() { end } else { format!("{end}: {said}") }))
}

/// Ends the whole process group unless disarmed: a grandchild must not outlive us.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.0 {
            // The group may be gone already, which is what is wanted.
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

/// Why reading ended early.
enum Stop {
    TooMuch,
    Io(std::io::Error),
}

/// Reads to the end. The buffer never grows, so no copy stays behind.
async fn read_bounded(from: &mut (impl AsyncRead + Unpin)) -> Result<Zeroizing<Vec<u8>>, Stop> {
    let mut bytes = Zeroizing::new(vec![0; MAX_OUTPUT + 1]);
    let mut filled = 0;
    while filled <= MAX_OUTPUT {
        match from.read(&mut bytes[filled..]).await.map_err(Stop::Io)? {
            0 => {
                bytes.truncate(filled);
                return Ok(bytes);
            }
            n => filled += n,
        }
    }
    Err(Stop::TooMuch)
}

/// Keeps the start and reads the rest too: a full pipe would block the program.
async fn read_start(from: &mut (impl AsyncRead + Unpin)) -> std::io::Result<Zeroizing<Vec<u8>>> {
    let mut start = Zeroizing::new(Vec::with_capacity(MAX_COMPLAINT));
    let mut piece = Zeroizing::new(vec![0; 1024]);
    loop {
        let n = from.read(&mut piece).await?;
        if n == 0 {
            return Ok(start);
        }
        let room = MAX_COMPLAINT - start.len();
        start.extend_from_slice(&piece[..n.min(room)]);
    }
}

/// The first line of a complaint, without anything that may be a secret: what the program printed elsewhere, and
/// every long word with a digit in it that is no path.
fn harmless(complaint: &[u8], output: &[u8]) -> String {
    let text = String::from_utf8_lossy(complaint);
    let output = String::from_utf8_lossy(output);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("");
    let words = line.split_whitespace().map(|word| {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        let long = bare.len() >= 16 && bare.contains(|c: char| c.is_ascii_digit()) && !word.contains("/");
        if long || (bare.len() >= 4 && output.contains(bare)) { "••••" } else { word }
    });
    sanitize(&words.collect::<Vec<_>>().join(" "), 160)
}

/// Splits a command line at blanks: 'single' quotes take everything, "double" quotes and the bare text know `\`.
/// A shell's operators are refused, because nobody is there to obey them.
pub(super) fn split(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut chars = line.chars().peekable();
    loop {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        if chars.peek().is_none() {
            return Ok(words);
        }
        let (mut word, mut quoted) = (String::new(), false);
        while let Some(c) = chars.next_if(|c| !c.is_whitespace()) {
            match c {
                '\'' | '"' => {
                    quoted = true;
                    loop {
                        match chars.next() {
                            None => return Err("the reference cmd: has a quote that is never closed".to_owned()),
                            Some(end) if end == c => break,
                            Some('\\') if c == '"' => match chars.next() {
                                Some(next @ ('"' | '\\' | '$' | '`')) => word.push(next),
                                Some(next) => word.extend(['\\', next]),
                                None => return Err("the reference cmd: has a quote that is never closed".to_owned()),
                            },
                            Some(inner) => word.push(inner),
                        }
                    }
                }
                '\\' => match chars.next() {
                    Some(next) => {
                        quoted = true;
                        word.push(next);
                    }
                    None => return Err("the reference cmd: ends with a lone '\\'".to_owned()),
                },
                c => word.push(c),
            }
        }
        if !quoted && matches!(&*word, "|" | "||" | "&" | "&&" | ";" | "<" | ">" | ">>" | "2>" | "2>&1" | "2>/dev/null")
        {
            return Err(format!(
                "the reference cmd: is run without a shell, which '{word}' needs; put the line in a script"
            ));
        }
        words.push(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_quotes() {
        let cases: [(&str, &[&str]); 6] = [
            ("pass show  github", &["pass", "show", "github"]),
            ("op read 'op://a b/c'", &["op", "read", "op://a b/c"]),
            (r#"x "a \"b\" \n" c\ d"#, &["x", r#"a "b" \n"#, "c d"]),
            ("x '' \"\"", &["x", "", ""]),
            ("x $(id) `id` $HOME a|b", &["x", "$(id)", "`id`", "$HOME", "a|b"]),
            ("  ", &[]),
        ];
        for (line, words) in cases {
            assert_eq!(split(line).unwrap(), words, "{line}");
        }
        assert_eq!(split("x '|'").unwrap(), ["x", "|"]);
        for bad in ["x 'a", "x \"a", "x \"a\\", "x \\", "pass show a | head -1"] {
            assert!(split(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_complaint_shows_no_secret() {
        let said = harmless(b"\nbad token ghp_0123456789abcdef0 for hunter2 \x1b[31m\n", b"hunter2\n");
        assert_eq!(said, "bad token •••• for •••• \u{241b}[31m");
    }
}
