//! Probe kind `command`: a program under the Nagios plugin contract. Exit 0 well, 1 warning, 2 critical, 3 unknown;
//! the first line says why, numbers after `|` become facts.

use super::{Input, stream::failed};
use crate::model::{Cause, Fact, Outcome, Sample, Warning, text::sanitize};
use jiff::Timestamp;
use rustix::process::{Pid, Signal, kill_process_group};
use std::{
    os::unix::process::ExitStatusExt,
    process::{ExitStatus, Stdio},
    time::Instant,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::{Child, Command},
};

/// Longest output kept of each stream, in bytes; the rest is read and dropped.
const LONGEST: usize = 64 * 1024;
/// Facts kept at most.
const MOST_FACTS: usize = 24;

/// Ends the whole process group when the attempt ends, however it ends.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// One attempt.
pub async fn probe(input: &Input<'_>) -> Outcome {
    attempt(input).await.unwrap_or_else(|failure| *failure)
}

async fn attempt(input: &Input<'_>) -> Result<Outcome, Box<Outcome>> {
    let argv = input.lists.get("command").map(Vec::as_slice).unwrap_or_default();
    let [program, arguments @ ..] = argv else {
        return Err(failed(Cause::Misconfigured, "field 'command'", "no program is given"));
    };
    let started = Instant::now();
    let mut child = spawn(input, program, arguments)?;
    let group = Group(child.id().and_then(|id| Pid::from_raw(id.cast_signed())));
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let run = async { tokio::join!(capped(out), capped(err), child.wait()) };
    let result = tokio::time::timeout(input.timeout, run).await;
    drop(group);
    let Ok((out, err, status)) = result else {
        return Err(failed(
            Cause::Timeout,
            "the program did not end in time",
            &format!("ended after {}", crate::model::text::span(input.timeout)),
        ));
    };
    let status = status.map_err(|error| failed(Cause::Internal, "waiting for the program", &error.to_string()))?;
    let mut outcome = judge(status, &String::from_utf8_lossy(&out), &String::from_utf8_lossy(&err));
    outcome.latency = Some(started.elapsed());
    Ok(outcome)
}

fn spawn(input: &Input<'_>, program: &str, arguments: &[String]) -> Result<Child, Box<Outcome>> {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    let passed = input.lists.get("env").map(Vec::as_slice).unwrap_or_default();
    for name in ["PATH", "HOME", "LANG", "LC_ALL", "TZ"].into_iter().chain(passed.iter().map(String::as_str)) {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    let home = std::env::var("HOME").ok();
    if let Some(directory) = input.field("directory").map(str::to_owned).or(home) {
        command.current_dir(directory);
    }
    command.spawn().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            failed(Cause::NotInstalled, "the program was not found", &format!("'{program}'"))
        }
        _ => failed(Cause::Misconfigured, "the program cannot be run", &format!("'{program}': {error}")),
    })
}

/// Reads to the end, keeping the beginning.
async fn capped(stream: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut kept = Vec::new();
    let Some(mut stream) = stream else { return kept };
    let mut buffer = [0; 8192];
    while let Ok(n) = stream.read(&mut buffer).await {
        if n == 0 {
            break;
        }
        kept.extend_from_slice(&buffer[..n.min(LONGEST - kept.len())]);
    }
    kept
}

/// The verdict of the plugin contract.
fn judge(status: ExitStatus, out: &str, err: &str) -> Outcome {
    let first = out.lines().find(|l| !l.trim().is_empty()).unwrap_or_default();
    let said = match first.split('|').next().unwrap_or_default().trim() {
        "" => err.lines().next().unwrap_or_default().trim(),
        said => said,
    };
    let now = Timestamp::now();
    let mut outcome = match (status.code(), status.signal()) {
        (Some(0), _) => Outcome::of(Cause::Ok, now, "exit code 0", said),
        (Some(1), _) => {
            let mut outcome = Outcome::of(Cause::Ok, now, "exit code 1 (warning)", said);
            outcome.warnings.push(Warning::Degraded { message: sanitize(said, 200) });
            outcome
        }
        (Some(2), _) => Outcome::of(Cause::ServerError, now, "exit code 2 (critical)", said),
        (Some(3), _) => Outcome::of(Cause::UnexpectedResponse, now, "exit code 3 (unknown)", said),
        (Some(code @ (126 | 127)), _) => Outcome::of(Cause::NotInstalled, now, format!("exit code {code}"), said),
        (Some(code), _) => {
            Outcome::of(Cause::UnexpectedResponse, now, format!("exit code {code} is not of the plugin contract"), said)
        }
        (None, signal) => {
            Outcome::of(Cause::Internal, now, format!("ended by signal {}", signal.unwrap_or_default()), said)
        }
    };
    outcome.code = status.code().and_then(|c| u16::try_from(c).ok());
    outcome.facts = perfdata(out);
    outcome.samples = outcome.facts.iter().filter_map(sample).collect();
    outcome
}

/// Performance data: `label=value[unit];warn;crit;min;max`, labels in single quotes when they hold spaces.
fn perfdata(out: &str) -> Vec<Fact> {
    let mut facts = Vec::new();
    for part in out.split('|').skip(1) {
        let mut rest = part.lines().next().unwrap_or_default().trim();
        while !rest.is_empty() && facts.len() < MOST_FACTS {
            let (label, after) = match rest.strip_prefix('\'') {
                Some(quoted) => match quoted.split_once("'=") {
                    Some(split) => split,
                    None => break,
                },
                None => match rest.split_once('=') {
                    Some(split) => split,
                    None => break,
                },
            };
            let (value, next) = after.split_once(char::is_whitespace).unwrap_or((after, ""));
            let number = value.split(';').next().unwrap_or_default();
            if number.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '+') {
                facts.push(Fact { label: sanitize(label.trim(), 60), value: sanitize(number, 60) });
            }
            rest = next.trim_start();
        }
    }
    facts
}

/// `2643MB` as a number and its unit.
fn sample(fact: &Fact) -> Option<Sample> {
    let number = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+');
    let end = fact.value.find(|c| !number(c)).unwrap_or(fact.value.len());
    let value: f64 = fact.value[..end].parse().ok().filter(|v: &f64| v.is_finite())?;
    Some(Sample { name: fact.label.clone(), value, unit: sanitize(&fact.value[end..], 16) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exit(code: i32) -> ExitStatus {
        ExitStatus::from_raw(code << 8)
    }

    #[test]
    fn the_plugin_contract_is_kept() {
        for (code, cause) in [
            (0, Cause::Ok),
            (1, Cause::Ok),
            (2, Cause::ServerError),
            (3, Cause::UnexpectedResponse),
            (64, Cause::UnexpectedResponse),
            (127, Cause::NotInstalled),
        ] {
            assert_eq!(judge(exit(code), "DISK OK - free space\n", "").cause, cause, "exit {code}");
        }
        assert_eq!(judge(exit(1), "DISK WARNING", "").warnings.len(), 1);
        assert_eq!(judge(exit(2), "", "boom\n").evidence.seen, "boom");
        assert_eq!(judge(ExitStatus::from_raw(9), "", "").cause, Cause::Internal);
    }

    #[test]
    fn numbers_after_the_bar_become_facts() {
        let facts = perfdata("DISK OK | /=2643MB;5948;5958;0;5968 'my disk'=68%;90 load=0.5\nlong text\n| more=1s\n");
        let found: Vec<(&str, &str)> = facts.iter().map(|f| (f.label.as_str(), f.value.as_str())).collect();
        assert_eq!(found, [("/", "2643MB"), ("my disk", "68%"), ("load", "0.5"), ("more", "1s")]);
        let samples: Vec<_> = facts.iter().filter_map(sample).map(|s| (s.name, s.value, s.unit)).collect();
        let sampled = |name: &str, value, unit: &str| (name.to_owned(), value, unit.to_owned());
        assert_eq!(samples[..2], [sampled("/", 2643.0, "MB"), sampled("my disk", 68.0, "%")]);
        assert_eq!(sample(&Fact { label: "x".into(), value: "1.2.3".into() }), None);
        assert!(perfdata("no data").is_empty());
        assert!(perfdata("x | 'broken").is_empty());
    }
}
