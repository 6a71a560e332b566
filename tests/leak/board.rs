//! What a user does on the board, on a real terminal.

use super::{
    cores::Watch,
    home::Journey,
    pty::{App, until},
};
use portable_pty::CommandBuilder;
use rustix::process::Signal;

/// Keys that may be pressed anywhere; none of them shows a secret or leaves.
const KEYS: &str = "jjjkkGgvsc/th]?[:LT13pyu\t\r\x1b\x14\x0c";

impl Journey {
    pub fn open(&mut self) -> App {
        let board = self.board();
        self.open_as(board)
    }

    /// The same with this command.
    pub fn open_as(&mut self, board: CommandBuilder) -> App {
        self.steps.push("open the board".to_owned());
        let app = App::start(board, 110, 34);
        app.see("Lampboard");
        app.see("quit");
        app
    }

    pub fn press(&mut self, app: &mut App, keys: &str, shown: &str) {
        app.send(keys);
        self.steps.push(format!("press {shown}"));
    }

    pub fn look_at(&mut self, app: &App) {
        let text = app.text();
        self.search("terminal", "the screen", text.as_bytes(), &[]);
    }

    /// Leaves in one of several ways, and searches all that was drawn.
    pub fn close(&mut self, mut app: App) {
        self.look_at(&app);
        let watch = Watch::over(self.path());
        let ways = [Signal::TERM, Signal::KILL, Signal::ABORT, Signal::HUP];
        let signal = ways.get(self.rng.usize(..=ways.len()));
        self.steps.push(format!("leave the board by {signal:?}"));
        let code = match signal {
            Some(signal) => {
                app.signal(*signal);
                let code = app.exit();
                self.search_cores(&watch, *signal);
                code
            }
            None => app.quit(),
        };
        self.steps.push(format!("the board has ended -> {code}"));
        let (raw, text) = (app.raw(), app.text());
        assert!(!String::from_utf8_lossy(&raw).contains("panicked at"), "{text}");
        self.search_terminal("the board's terminal", &raw, &text);
    }

    /// Keys without a plan.
    pub fn wander(&mut self) {
        let mut app = self.open();
        for _ in 0..14 {
            let key = KEYS.chars().nth(self.rng.usize(..KEYS.len())).unwrap();
            self.press(&mut app, &key.to_string(), &format!("{key:?}"));
            if self.rng.u8(0..6) == 0 {
                let (columns, rows) = (self.rng.u16(20..160), self.rng.u16(5..50));
                app.resize(columns, rows);
                self.steps.push(format!("resize to {columns}x{rows}"));
            }
            self.look_at(&app);
        }
        self.close(app);
    }

    /// A new integration: its secret typed or pasted, tested, and saved when it works.
    pub fn fill_in(&mut self, pasted: bool) {
        let secret = self.plant(if pasted { "pasted" } else { "typed" });
        let good = self.rng.bool();
        let url = self.url(if good { "200" } else { "401" });
        let mut app = self.open();
        self.press(&mut app, "a", "a");
        app.see("Which service?");
        self.press(&mut app, "http\r", "http, Enter");
        app.see("Add HTTP address");
        self.press(&mut app, &format!("\x1b[200~{url}\x1b[201~"), "paste the address");
        app.see(&url);
        self.press(&mut app, "\t\t", "Tab, Tab");
        if pasted {
            self.press(&mut app, &format!("\x1b[200~{secret}\r\nand more\x1b[201~"), "paste two lines");
            app.see("it has 2 lines");
            self.press(&mut app, &format!("\x1b[200~ {secret}\n\x1b[201~"), "paste the secret");
        } else {
            self.press(&mut app, &secret, "type the secret");
        }
        app.see(&format!("{} characters", secret.chars().count()));
        self.look_at(&app);
        self.press(&mut app, "\x1b[15~", "F5");
        app.see(if good { "every condition holds" } else { "code 401" });
        self.look_at(&app);
        if good {
            self.press(&mut app, "\r", "Enter");
            until(
                || app.text(),
                || app.text().contains("is saved") || app.text().contains("not saved") || app.text().contains("cannot"),
            );
        } else {
            self.press(&mut app, "\x1b", "Esc");
            app.see("vault entry");
        }
        self.close(app);
    }

    /// The entry `lone` gets a new value, first one that is too long for a line.
    pub fn rotate_on_the_board(&mut self) {
        let (old, new) = (self.plant("refused"), self.plant("rotated"));
        let mut app = self.open();
        self.press(&mut app, "/lone\r", "filter for 'lone'");
        until(|| app.text(), || !app.text().contains("echo-0"));
        self.press(&mut app, "R", "R");
        app.see("A new value for 'lone'");
        self.press(&mut app, &format!("\x1b[200~{old}\n{old}\x1b[201~"), "paste two lines");
        app.see("it has 2 lines");
        self.press(&mut app, &format!("\x1b[200~{new}\x1b[201~\r"), "paste the new value, Enter");
        until(
            || app.text(),
            || {
                let text = app.text();
                ["has its new value", "nothing was changed", "Enter once more", "locked", "cannot", "no entry", "allow"]
                    .iter()
                    .any(|end| text.contains(end))
            },
        );
        self.close(app);
    }

    /// The vault is opened from the board, wrongly first.
    pub fn unlock_on_the_board(&mut self) {
        let Some(right) = self.passphrase.clone() else { return };
        self.run(&["vault", "lock"], "");
        let wrong = self.plant("wrong passphrase");
        let mut app = self.open();
        app.see("vault locked");
        self.press(&mut app, "U", "U");
        app.see("Unlock the vault");
        self.press(&mut app, &format!("{wrong}\r"), "type a wrong passphrase, Enter");
        app.see("does not open");
        self.look_at(&app);
        self.press(&mut app, &format!("\x1b[200~{right}\x1b[201~\r"), "paste the right one, Enter");
        app.see("The vault is open");
        self.close(app);
    }
}
