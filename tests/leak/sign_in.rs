//! OAuth 2.0 on a journey: the three ways to sign in, renewals that are given, refused and echoed, and F6 on the board.

use super::{
    home::{Journey, With},
    pty::until,
    tokens::{Turn, USER_CODE},
};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::Stdio,
};

/// The error words of a token endpoint.
const WORDS: [&str; 6] = [
    "invalid_grant",
    "invalid_client",
    "access_denied",
    "server_error",
    "temporarily_unavailable",
    "bad_refresh_token",
];

impl Journey {
    fn turn(&mut self, turn: Turn) {
        self.server.turns.lock().unwrap().push_back(turn);
    }

    /// What a token endpoint that gives nothing may do.
    fn refusal(&mut self) -> Turn {
        match self.rng.u8(0..6) {
            0 => Turn::Fails,
            1 => Turn::Page,
            _ => Turn::Refuses(WORDS[self.rng.usize(..WORDS.len())]),
        }
    }

    /// Signs `signed` in; its tokens are to be renewed at once or in an hour.
    pub fn sign_in(&mut self) {
        let turn = match self.rng.u8(0..5) {
            0 | 1 => Turn::Gives(0.5),
            2 => Turn::Gives(3600.0),
            _ => self.refusal(),
        };
        let way = self.rng.u8(0..3);
        if way == 0 && self.rng.bool() {
            self.turn(Turn::Waits);
        }
        self.turn(turn);
        match way {
            0 => drop(self.run(&["login", "signed", "--device"], "")),
            1 => self.sign_in_by_browser(),
            _ => drop(self.run(&["login", "signed", "--client", "--json"], "")),
        }
        self.server.turns.lock().unwrap().clear();
        self.run(&["show", "signed", "--json"], "");
    }

    /// As a browser on this machine would: back to the program with a code.
    pub fn sign_in_by_browser(&mut self) {
        let arguments = ["login", "signed", "--browser"];
        let mut child = self.command(&With::default(), &arguments).stdin(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut printed = String::new();
        let link = loop {
            let mut line = String::new();
            if lines.read_line(&mut line).unwrap() == 0 {
                break None;
            }
            printed.push_str(&line);
            if let Some(link) = line.split_whitespace().find(|w| w.contains("redirect_uri=")) {
                break Some(link.to_owned());
            }
        };
        if let Some(link) = &link {
            let member = |name: &str| {
                let value = link.split(['?', '&']).find_map(|pair| pair.strip_prefix(&format!("{name}="))).unwrap();
                percent_decode_str(value).decode_utf8_lossy().into_owned()
            };
            let (back, state) = (member("redirect_uri"), member("state"));
            let (host, path) = back.strip_prefix("http://").unwrap().split_once('/').unwrap();
            let code = self.server.make_up("auth-code");
            let code = utf8_percent_encode(&code, NON_ALPHANUMERIC);
            // One that comes with another's state first.
            for state in ["not-the-state", &state] {
                let mut page = String::new();
                let mut stream = TcpStream::connect(host).unwrap();
                let ask = format!(
                    "GET /{path}?code={code}&state={state} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"
                );
                stream.write_all(ask.as_bytes()).unwrap();
                let _ = stream.read_to_string(&mut page);
                self.search("the browser's page", "the page after a sign-in", page.as_bytes(), &[]);
            }
        }
        lines.read_to_string(&mut printed).unwrap();
        let mut output = child.wait_with_output().unwrap();
        output.stdout = printed.into_bytes();
        self.said("login signed --browser", &arguments, &output);
    }

    /// `signed` has tokens that are to be renewed with the next check.
    pub fn renewable(&mut self) {
        self.turn(Turn::Gives(0.5));
        assert_eq!(self.run(&["login", "signed", "--device"], ""), Some(0));
    }

    /// Checks while the tokens' time is up: the endpoint gives new ones, or throws the old ones back.
    pub fn renew(&mut self) {
        self.turn(Turn::Gives(0.5));
        self.run(&["login", "signed", "--device"], "");
        self.turn(Turn::Gives(0.5));
        self.run(&["check", "signed", "--json"], "");
        let refusal = self.refusal();
        self.turn(refusal);
        self.run(&["check", "signed"], "");
        let refusal = self.refusal();
        self.turn(refusal);
        self.run(&["check", "signed", "--json"], "");
        self.turn(Turn::Refuses("invalid_grant"));
        self.run(&["call", "signed", "rows"], "");
        self.server.turns.lock().unwrap().clear();
        self.run(&["secret", "list", "--json"], "");
        self.run(&["audit", "--json"], "");
    }

    /// F6 in the form: refused and thrown back first, then given.
    pub fn sign_in_on_the_board(&mut self) {
        let word = WORDS[self.rng.usize(..3)];
        self.turn(Turn::Refuses(word));
        let mut app = self.open();
        self.press(&mut app, "/signed\r", "filter for 'signed'");
        until(|| app.text(), || !app.text().contains("echo-0"));
        self.press(&mut app, "e", "e");
        app.see("Edit signed");
        self.press(&mut app, "\x1b[17~", "F6");
        app.see(USER_CODE);
        app.see("Enter try again");
        self.look_at(&app);
        self.press(&mut app, "\x1b", "Esc");
        // An escape code right behind would be read as one with it.
        until(|| app.text(), || !app.text().contains("Sign in to"));
        self.press(&mut app, "\x1b[17~", "F6");
        app.see("Tested: it works");
        self.look_at(&app);
        self.press(&mut app, "\x13", "Ctrl-S");
        app.see("signed is saved");
        self.close(app);
        self.server.turns.lock().unwrap().clear();
    }
}
