//! From exec to the first whole picture on a real terminal, with an empty folder and with 100 integrations.

#![allow(clippy::print_stdout, reason = "a bench prints its figures")]
#![allow(clippy::unwrap_used, reason = "a bench that panics has failed")]

#[path = "support.rs"]
mod support;

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use std::{
    io::{Read, Write},
    path::Path,
    time::Instant,
};
use support::rank;

fn main() {
    for (what, count) in [("an empty folder", 0), ("100 integrations", 100), ("10000 integrations", 10_000)] {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("config.toml"), support::integrations(count, 9, "5m")).unwrap();
        first_picture(home.path());
        let mut times: Vec<f64> = (0..15).map(|_| first_picture(home.path())).collect();
        times.sort_by(f64::total_cmp);
        println!(
            "exec to first whole picture, {what}: {:.1} ms at best, {:.1} ms at the median of 15",
            times[0],
            rank(&times, 0.5)
        );
    }
    let size = std::fs::metadata(env!("CARGO_BIN_EXE_lampboard")).unwrap().len();
    println!("binary as benched: {:.1} MB", size as f64 / 1e6);
}

/// In milliseconds. Whole: the last row, which is drawn last, is there.
fn first_picture(home: &Path) -> f64 {
    let pair = native_pty_system().openpty(PtySize { rows: 40, cols: 120, pixel_width: 0, pixel_height: 0 }).unwrap();
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_lampboard"));
    command.env_clear();
    command.env("TERM", "xterm-256color");
    command.env("LANG", "C.UTF-8");
    command.env("LAMPBOARD_HOME", home);
    let mut reader = pair.master.try_clone_reader().unwrap();
    let mut writer = pair.master.take_writer().unwrap();
    let start = Instant::now();
    let mut child = pair.slave.spawn_command(command).unwrap();
    drop(pair.slave);
    let mut parser = vt100::Parser::new(40.try_into().unwrap(), 120.try_into().unwrap(), 0);
    let mut buffer = [0; 65536];
    let taken = loop {
        let read = reader.read(&mut buffer).unwrap();
        assert!(read > 0, "the program ended:\n{}", parser.screen().contents());
        parser.process(&buffer[..read]);
        let screen = parser.screen().contents();
        if screen.contains("Lampboard") && screen.contains("q quit") {
            break start.elapsed().as_secs_f64() * 1000.0;
        }
    };
    writer.write_all(b"q").unwrap();
    // Whoever does not read lets the other end wait.
    while reader.read(&mut buffer).is_ok_and(|n| n > 0) {}
    child.wait().unwrap();
    taken
}
