//! What a user does on the command line, and what befalls the program meanwhile.

use super::home::{Journey, With};

/// Commands that only look.
const LOOKS: [&[&str]; 18] = [
    &["check"],
    &["list"],
    &["show", "echo-0"],
    &["show", "echo-3"],
    &["show", "plugin"],
    &["show", "away"],
    &["history", "echo-1"],
    &["audit"],
    &["doctor"],
    &["doctor", "--bundle"],
    &["config", "check"],
    &["config", "path"],
    &["provider", "list"],
    &["provider", "show", "query"],
    &["provider", "lint"],
    &["vault", "status"],
    &["secret", "list"],
    &["show", "nothing-of-that-name"],
];

/// Definitions a user may get wrong, in the user's folder.
const BAD: [&str; 6] = [
    "id = \"bad\"\nname = [",
    "id = \"bad\"\nname = \"Bad\"\ncategory = \"generic\"\nbase_url = \"{{ nothing }}\"\n[check]\nkind = \"http\"\nrequest = \"GET /\"\nactive = \"is is\"\n",
    "id = \"other\"\n",
    "id = \"bad\"\nname = \"Bad\"\ncategory = \"generic\"\nbase_url = \"http://{{ base_url }}/#\"\n[fields.base_url]\nlabel = \"x\"\n[check]\nkind = \"http\"\nrequest = \"GET /\"\nactive = \"((((((((((((((((((((((((((((((((body\"\n",
    "\u{feff}\u{0}",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
];

impl Journey {
    /// One step of whatever kind the dice say.
    pub fn step(&mut self) {
        match self.rng.u8(0..40) {
            0..12 => self.look(),
            12..15 => self.store(),
            15..18 => self.rotate(),
            18..20 => self.add(),
            20..22 => self.slip(),
            22..24 => self.disturb_files(),
            24..27 => self.starve(),
            27..31 => self.call(),
            31..34 => self.panic_in_a_task(),
            34..36 => self.sign_in(),
            _ => self.kill(),
        }
    }

    fn look(&mut self) {
        let mut arguments = LOOKS[self.rng.usize(..LOOKS.len())].to_vec();
        if self.rng.bool() {
            arguments.push("--json");
        }
        self.run(&arguments, "");
    }

    /// Secrets into the vault and out of it.
    pub fn store(&mut self) {
        let secret = self.plant("stdin");
        match self.rng.u8(0..5) {
            0 => self.run(&["secret", "set", "canary"], &secret),
            1 => self.run(&["secret", "set", "lone"], &format!("{secret}\n")),
            // A name that is none, and a secret that is none.
            2 => self.run(&["secret", "set", "NOT A NAME"], &secret),
            3 => self.run(&["secret", "remove", "lone"], ""),
            _ => self.run(&["secret", "set", "lone"], &format!("{secret}\n{secret}\n")),
        };
        if self.rng.u8(0..3) == 0 {
            self.run(&["secret", "list", "--json"], "");
        }
    }

    /// Rotations that are taken, refused and taken back.
    pub fn rotate(&mut self) {
        let new = self.plant("new");
        match self.rng.u8(0..5) {
            // Everything that uses it answers well, or not all of it does.
            0 | 1 => self.run(&["secret", "rotate", "lone"], &new),
            2 => self.run(&["secret", "rotate", "canary", "--other-account"], &new),
            3 => self.run(&["secret", "roll-back", "lone"], ""),
            _ => self.run(&["secret", "allow", "canary", &format!("127.0.0.1:{}", self.server.port)], ""),
        };
        let entry = ["canary", "lone"][self.rng.usize(..2)];
        self.run(&["secret", "expires", entry, "2031-01-31"], "");
    }

    /// A new integration with its secret on the pipe.
    pub fn add(&mut self) {
        let secret = self.plant("piped");
        let answer = ["200", "401", "500", "garbage"][self.rng.usize(..4)];
        let name = format!("added-{}", self.rng.u16(..));
        let url = format!("url={}", self.url(answer));
        let mut arguments = vec!["add", "http", &name, "--set", &url, "--set", "token=-"];
        if self.rng.bool() {
            arguments.push("--json");
        }
        self.run(&arguments, &secret);
    }

    /// Secrets where they do not belong.
    pub fn slip(&mut self) {
        let secret = self.plant("bare");
        match self.rng.u8(0..5) {
            0 => self.run(&["add", "github", "slip", &format!("--token={secret}")], ""),
            1 => self.run(&["secret", "set", "slip", &secret], ""),
            2 => self.run(&["add", "github", "slip", &secret], ""),
            n => {
                let quote = if n == 3 { "'" } else { "" };
                let text =
                    format!("[integrations.a]\nprovider = \"github\"\nfields = {{ token = {quote}{secret}{quote} }}\n");
                std::fs::write(self.file("bare.toml"), text).unwrap();
                let file = self.file("bare.toml").display().to_string();
                self.run(&["check", "--config", &file], "");
                self.run(&["config", "check", "--config", &file], "");
                self.run(&["doctor", "--bundle", "--config", &file], "")
            }
        };
    }

    /// The vault under a passphrase: locked, opened wrongly and rightly, exported and taken in.
    pub fn passphrase(&mut self) {
        let (right, wrong) = (self.plant("passphrase"), self.plant("wrong passphrase"));
        let copy = self.file("export.age").display().to_string();
        if self.run(&["vault", "rekey", "--method", "passphrase"], &right) != Some(0) {
            return;
        }
        self.passphrase = Some(right.clone());
        self.run(&["check", "lone"], "");
        self.run(&["vault", "unlock"], &wrong);
        self.run(&["vault", "unlock"], &right);
        self.keep_identities();
        self.run(&["check", "--json"], "");
        self.run(&["vault", "lock"], "");
        // The same from a file that the user made for it.
        let file = self.file("passphrase.txt").display().to_string();
        for words in [&wrong, &right] {
            // The wrong one was told to nobody but the program.
            super::furnish::write(&self.file("passphrase.txt"), words, 0o600);
            let with = With { env: &[("LAMPBOARD_PASSPHRASE_FILE", &file)], ..With::default() };
            self.run_with(&with, &["check", "lone", "--json"], "");
        }
        self.run(&["vault", "unlock"], &right);
        self.run(&["vault", "export", &copy], &right);
        self.run(&["vault", "import", &copy, "--replace"], &wrong);
        if self.rng.bool() {
            self.run(&["vault", "lock"], "");
            self.run(&["doctor", "--json"], "");
        } else {
            self.run(&["vault", "rekey", "--method", "key-file"], "");
            self.passphrase = None;
            self.keep_identities();
        }
    }

    /// Files that somebody damages while nobody looks.
    fn disturb_files(&mut self) {
        let bad = BAD[self.rng.usize(..BAD.len())];
        match self.rng.u8(0..4) {
            0 => {
                let _ = std::fs::write(self.file("providers/bad.toml"), bad);
            }
            1 => {
                let _ = std::fs::remove_file(self.file("providers/bad.toml"));
            }
            2 => {
                let text = std::fs::read_to_string(self.file("config.toml")).unwrap_or_default();
                let half = text.floor_char_boundary(self.rng.usize(..text.len().max(1)));
                let _ = std::fs::write(self.file("config.toml"), &text[..half]);
                self.run(&["check"], "");
                self.run(&["config", "check"], "");
                self.configure();
            }
            _ => {
                let _ = std::fs::write(self.file("history.db"), "not a database");
            }
        }
        self.run(&["provider", "lint"], "");
        self.run(&["check"], "");
    }

    /// Too little room on the disk, too few descriptors, too little memory. Whatever comes of it, nothing is told.
    fn starve(&mut self) {
        let limits = match self.rng.u8(0..3) {
            0 => format!("trap '' XFSZ; ulimit -f {};", [0, 1, 8, 64][self.rng.usize(..4)]),
            1 => format!("ulimit -n {};", self.rng.u8(8..40)),
            _ => format!("ulimit -v {};", self.rng.u32(60_000..900_000)),
        };
        let what: &[&str] = [&["check"][..], &["secret", "rotate", "lone"], &["secret", "set", "canary"], &["doctor"]]
            [self.rng.usize(..4)];
        let secret = self.plant("new");
        self.run_with(&With { limits: &limits, ..With::default() }, what, &secret);
    }
}
