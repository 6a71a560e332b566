//! Panics in the program's tasks, with every secret they were given in the panic's text. Only debug builds can be told to.

use super::home::{Journey, With};

/// What the fault listens to; see src/checks/fault.rs.
const VARIABLE: &str = "LAMPBOARD_FAULT_PANIC";
/// What a panic tells on standard error.
const PLACE: &str = "panicked at src/checks/fault.rs";

impl Journey {
    /// A check or a call that panics; that it did is seen in what it says.
    pub fn panic_in_a_task(&mut self) {
        let name = match self.rng.u8(0..15) {
            n @ 0..12 => format!("echo-{n}"),
            12 => "lone".to_owned(),
            13 => format!("session-{}", self.rng.u8(0..3)),
            _ => "signed".to_owned(),
        };
        let with = With { env: &[(VARIABLE, &name)], ..With::default() };
        let called = self.rng.u8(0..4) == 0;
        let arguments = if called { ["call", &name, "rows"] } else { ["check", &name, "echo-1"] };
        let ran = self.run_with(&with, &[&arguments[..], &["--json"]].concat(), "");
        // A secret that cannot be had is none that could panic.
        let panicked = ran.err.contains(PLACE);
        assert_eq!(panicked, ran.out.contains("\"internal\""), "{name}: {}{}", ran.out, ran.err);
        assert!(!ran.err.contains("CANARY"), "{}", ran.err);
        self.panics += usize::from(panicked);
        if !called {
            self.run(&["history", &name, "--json"], "");
        }
    }

    /// The board, some of whose checks panic: it lives on, and its log tells where.
    pub fn panic_on_the_board(&mut self) {
        let told = |journey: &Journey| {
            let log = std::fs::read_to_string(journey.file("lampboard.log")).unwrap_or_default();
            (log.matches("a check panicked").count(), log.matches("internal error place=\"src/checks/fault.rs").count())
        };
        let before = told(self);
        let mut board = self.board();
        // These need no vault: they always get as far as that.
        board.env(VARIABLE, "echo-1,echo-2,echo-4,echo-6");
        let mut app = self.open_as(board);
        if cfg!(debug_assertions) {
            // A log as talkative as this one may lose lines; it has no room for all at once.
            let new = |journey: &Journey| (told(journey).0 - before.0, told(journey).1 - before.1);
            super::pty::until(|| format!("panics in the log: {:?}", new(self)), || new(self).0 > 0 && new(self).1 > 0);
            self.panics += new(self).0;
        }
        self.look_at(&app);
        self.press(&mut app, "/echo-1\r", "filter for 'echo-1'");
        self.press(&mut app, "\r", "Enter");
        app.see("Last check");
        if cfg!(debug_assertions) {
            app.see("the check panicked");
        }
        self.look_at(&app);
        self.close(app);
    }
}
