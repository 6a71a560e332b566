//! What stands in a home: definitions, every kind of reference, programs that look around, config.toml.

use super::{home::Journey, server::ANSWERS};
use std::{os::unix::fs::PermissionsExt, path::Path};

/// How a credential is sent.
const SCHEMES: [(&str, &str); 5] = [
    ("path", "path = \"/bot{{ token }}\""),
    ("bearer", "token = \"{{ token }}\""),
    ("header", "headers = { x-key = \"key {{ token }}\" }"),
    ("basic", "username = \"ada\"\npassword = \"{{ token }}\""),
    ("query", "query = { key = \"{{ token }}\" }"),
];

/// How a sign-in before the check sends it.
const SIGN_INS: [(&str, &str, &str); 4] = [
    ("session_form", "form", "form = { client_secret = \"{{ token }}\" }"),
    ("session_basic", "basic", "username = \"ada\"\npassword = \"{{ token }}\""),
    ("session_key", "key_file", "token = \"{{ token }}\"\nscope = \"read\""),
    ("session_body", "body", "body = { secret = \"{{ token }}\" }"),
];

/// The check and the actions: they look at everything the server throws back.
const REST: &str = r#"
[check]
kind = "http"
request = "GET /me"
active = "status == 200 and body.ok == true"
identity = "body.name"
degraded = "headers['x-note']"
[[check.rule]]
when = "status == 403"
cause = "ok"
missing_scope = "headers['www-authenticate']"
[facts]
Everything = "body.all"
Note = "headers['x-note']"
Percent = "body.percent"
Base = "body.base64"
Json = "body.json"

[action.rows]
label = "List rows"
request = "GET /rows"
result = "body.rows"
columns = { Id = "id", Name = "name", Note = "deep.note" }
[action.ask]
label = "Ask"
request = "POST /ask/{{ what }}"
body = { note = "{{ note }}" }
[action.ask.params]
what = { label = "What", required = true }
note = { label = "Note" }
[action.wipe]
label = "Wipe"
dangerous = true
request = "DELETE /all"
[[action.wipe.rule]]
when = "status == 403"
message = "body.all"
"#;

const FIELDS: &str = "[fields.base_url]\nlabel = \"Address\"\nrequired = true\n\
     [fields.token]\nlabel = \"Token\"\nsecret = true\nrequired = true\n";

fn definition(id: &str, auth: &str) -> String {
    let head =
        format!("id = \"{id}\"\nname = \"Echo\"\ncategory = \"generic\"\nbase_url = \"{{{{ base_url }}}}\"\n{FIELDS}");
    head + auth + REST
}

/// With a sign-in at another address before each check.
fn with_session(id: &str, scheme: &str, how: &str) -> String {
    let auth = format!(
        "[fields.authority]\nlabel = \"Token service\"\nrequired = true\n\
         [login]\nbase_url = \"{{{{ authority }}}}\"\nrequest = \"POST /session\"\ntoken = \"body.access_token\"\nlifetime = \"body.expires_in\"\n\
         [login.auth]\nscheme = \"{scheme}\"\n{how}\n[auth]\nscheme = \"bearer\"\ntoken = \"{{{{ login.token }}}}\"\n"
    );
    definition(id, &auth)
}

/// With a person's own sign-in.
fn with_oauth(id: &str, client_auth: &str) -> String {
    let auth = format!(
        "[fields.client_id]\nlabel = \"Application id\"\n[fields.client_secret]\nlabel = \"Application secret\"\nsecret = true\n\
         [fields.oauth_url]\nlabel = \"Sign-in address\"\n\
         [oauth]\nfield = \"token\"\nclient_id = \"client_id\"\nclient_secret = \"client_secret\"\nclient_auth = \"{client_auth}\"\n\
         secret_for = [\"device\", \"browser\", \"client\"]\nclient_credentials = true\n\
         device = \"/device\"\nauthorize = \"/authorize\"\ntoken = \"/token\"\n\
         [auth]\nscheme = \"bearer\"\ntoken = \"{{{{ token }}}}\"\n"
    );
    definition(id, &auth)
}

pub fn write(path: &Path, text: &str, mode: u32) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

impl Journey {
    pub fn furnish(&mut self, number: usize) {
        for (name, kind) in [("token.txt", "file"), ("printed.txt", "cmd"), ("credentials/token", "credential")] {
            let secret = self.plant(kind);
            write(&self.file(name), &secret, 0o600);
        }
        let ini = format!("[work]\ntoken = {}\n", self.plant("ini"));
        write(&self.file("app.ini"), &ini, 0o600);
        let key = serde_json::json!({
            "type": "authorized_user", "client_id": "board", "client_secret": self.plant("key-file"),
            "refresh_token": self.plant("key-file"),
        });
        write(&self.file("key.json"), &format!("{key:#}"), 0o600);
        // Every program that is run tells what it could see, and what others could see of its parent.
        let samples = self.file("samples");
        std::fs::create_dir(&samples).unwrap();
        let to = samples.display();
        let look = format!(
            "#!/bin/sh\ncat /proc/$$/cmdline /proc/$PPID/cmdline >> '{to}'/$$.cmdline 2>/dev/null\n\
             cat /proc/$$/environ /proc/self/environ >> '{to}'/$$.environ 2>/dev/null\n"
        );
        let print = format!("{look}cat '{0}'\ncat '{0}' >&2\n", self.file("printed.txt").display());
        write(&self.file("print.sh"), &print, 0o700);
        write(&self.file("plugin.sh"), &format!("{look}echo \"OK - $# | load=1\"\nexit ${{1:-0}}\n"), 0o700);
        for (scheme, how) in SCHEMES {
            let text = definition(scheme, &format!("[auth]\nscheme = \"{scheme}\"\n{how}\n"));
            write(&self.file(&format!("providers/{scheme}.toml")), &text, 0o600);
        }
        for (id, scheme, how) in SIGN_INS {
            write(&self.file(&format!("providers/{id}.toml")), &with_session(id, scheme, how), 0o600);
        }
        for (id, client_auth) in [("oauth_form", "form"), ("oauth_basic", "basic")] {
            write(&self.file(&format!("providers/{id}.toml")), &with_oauth(id, client_auth), 0o600);
        }
        for folder in ["run", "tmp"] {
            std::fs::create_dir_all(self.file(folder)).unwrap();
            std::fs::set_permissions(self.file(folder), std::fs::Permissions::from_mode(0o700)).unwrap();
        }
        if number % 5 == 3 {
            // Something in the way of the history.
            std::fs::create_dir(self.file("history.db")).unwrap();
        }
        self.configure();
        for (entry, kind) in [("canary", "vault"), ("lone", "vault"), ("app", "client-secret")] {
            let secret = self.plant(kind);
            self.run(&["secret", "set", entry], &secret);
        }
        self.keep_identities();
    }

    /// Writes config.toml anew: every kind of reference, each with some scheme and some answer.
    pub fn configure(&mut self) {
        let references = [
            "vault:canary".to_owned(),
            "env:CANARY".to_owned(),
            format!("file:{}", self.file("token.txt").display()),
            format!("cmd:{}", self.file("print.sh").display()),
            "credential:token".to_owned(),
            format!("ini:{}#work.token", self.file("app.ini").display()),
        ];
        let key = format!("file:{}", self.file("key.json").display());
        let mut text = "[network]\nproxy = \"none\"\n[board]\nattempts = 1\nfailures_to_open = 1\n".to_owned();
        let port = self.server.port;
        let url = |answer: &str| format!("http://127.0.0.1:{port}/{answer}");
        let mut add = |name: &str, provider: &str, answer: &str, reference: &str, more: &str| {
            text.push_str(&format!(
                "[integrations.{name}]\nprovider = \"{provider}\"\ntimeout = \"2s\"\n\
                 fields = {{ base_url = \"{}\", token = \"{reference}\"{more} }}\n",
                url(answer)
            ));
        };
        // All but the one that never answers: it is asked for by name.
        let any = |rng: &mut fastrand::Rng| ANSWERS[rng.usize(..ANSWERS.len() - 1)];
        for n in 0..12 {
            let (scheme, _) = SCHEMES[self.rng.usize(..SCHEMES.len())];
            add(&format!("echo-{n}"), scheme, any(&mut self.rng), &references[n % references.len()], "");
        }
        for (n, (id, ..)) in SIGN_INS.iter().enumerate() {
            let authority = if self.rng.u8(0..3) > 0 { "200" } else { any(&mut self.rng) };
            let any_reference = &references[self.rng.usize(..references.len())];
            let reference = if *id == "session_key" { &key } else { any_reference };
            let more = format!(", authority = \"{}\"", url(authority));
            add(&format!("session-{n}"), id, any(&mut self.rng), reference, &more);
        }
        let id = ["oauth_form", "oauth_basic"][self.rng.usize(..2)];
        let more = format!(", oauth_url = \"{}\", client_id = \"board\", client_secret = \"vault:app\"", url("id"));
        add("signed", id, "200", "vault:signed", &more);
        add("slow", "bearer", "slow", "env:CANARY", "");
        add("lone", "bearer", "200", "vault:lone", "");
        text.push_str("[integrations.away]\nprovider = \"query\"\nfields = { base_url = \"http://127.0.0.1:1\", token = \"vault:canary\" }\n");
        text.push_str(&format!(
            "[integrations.plugin]\nprovider = \"command\"\nfields = {{ command = [\"{}\", \"{}\"] }}\n",
            self.file("plugin.sh").display(),
            self.rng.u8(0..4)
        ));
        write(&self.file("config.toml"), &text, 0o600);
    }
}
