//! Actions on a journey: called from the command line and the board, answered with what they were sent, and saved.

use super::{home::Journey, pty::until};

impl Journey {
    /// An integration that can be called, whatever its credential is.
    fn callable(&mut self) -> String {
        match self.rng.u8(0..16) {
            n @ 0..12 => format!("echo-{n}"),
            12 | 13 => "lone".to_owned(),
            14 => format!("session-{}", self.rng.u8(0..3)),
            _ => "signed".to_owned(),
        }
    }

    /// One call.
    pub fn call(&mut self) {
        let name = self.callable();
        let file = format!("saved-{:x}.{}", self.rng.u32(..), ["csv", "json"][self.rng.usize(..2)]);
        let mut arguments = vec!["call", &name];
        match self.rng.u8(0..8) {
            0 | 1 => arguments.extend(["rows", "-o", &file]),
            2 => arguments.extend(["rows"]),
            3 => arguments.extend(["ask", "what=the time", "note=a & b"]),
            4 => arguments.extend(["request", "GET", "/any?x=1", "-o", &file]),
            5 => arguments.extend(["request", "POST", "/any", "--data", "{\"a\": 1}"]),
            6 => arguments.extend(["wipe", "--yes"]),
            // Wrong in one of two ways, or a list.
            _ => arguments.extend([&["wipe"][..], &["ask"], &[]][self.rng.usize(..3)]),
        }
        if self.rng.bool() {
            arguments.push("--json");
        }
        self.run(&arguments, "");
    }

    /// The list of actions, a call, its result saved.
    pub fn call_on_the_board(&mut self) {
        let name = self.callable();
        let mut app = self.open();
        self.press(&mut app, &format!("/{name}\r"), &format!("filter for '{name}'"));
        until(|| app.text(), || !app.text().contains("away"));
        self.press(&mut app, "\r", "Enter");
        app.see("Last check");
        self.press(&mut app, "A", "A");
        app.see("List rows");
        self.press(&mut app, "list rows\r", "list rows, Enter");
        // Whatever came of it, it can be left and not be done again.
        until(|| app.text(), || app.text().contains("Esc back"));
        self.look_at(&app);
        self.press(&mut app, "v", "v");
        self.press(&mut app, "s", "s");
        self.press(&mut app, "\r", "Enter");
        self.look_at(&app);
        self.close(app);
    }
}
