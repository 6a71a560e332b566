//! `call`: actions against loopback servers, their results, their failures, and what is never shown.

use crate::{
    home::Home,
    recorder::{Recorder, Reply},
    server::TOKEN,
};

const DEFINITION: &str = r#"
id = "shop"
name = "Shop"
category = "generic"
base_url = "https://shop.example/api"
[fields.token]
label = "Token"
help = "Any"
secret = true
required = true
example = "shop_example"
[fields.base_url]
label = "Address"
help = "Yours"
[auth]
scheme = "bearer"
token = "{{ token }}"
[check]
kind = "http"
request = "GET /me"
headers = { X-Version = "1" }
cost = "free"
active = "status == 200 and body.id is defined"
[[check.rule]]
when = "status == 409 and body.code == 'plan'"
cause = "account_problem"

[action.order]
label = "Order"
help = "Something"
request = "POST /items/{{ item }}/orders?note={{ note }}"
headers = { X-Kind = "order" }
body = { count = "{{ count }}", gift = "{{ gift }}", tags = "{{ tags }}", to = { name = "{{ recipient }}" } }
ok = "status == 201 and body.id is defined"
result = "{'id': body.id}"
[action.order.params]
item = { label = "Item", required = true, example = "a", help = "Its id" }
count = { label = "Count", kind = "int", default = "1", help = "How many" }
gift = { label = "Gift", kind = "bool", help = "Wrapped" }
tags = { label = "Tags", list = true, help = "Several" }
recipient = { label = "Recipient", help = "A name" }
note = { label = "Note", help = "A text" }

[action.items]
label = "List"
help = "All"
request = "GET /items"
result = "body.items"
columns = { Id = "id", Owner = "owner.name" }

[action.clear]
label = "Remove"
help = "For ever"
dangerous = true
request = "DELETE /items/{{ item }}"
[action.clear.params]
item = { label = "Item", required = true, example = "a", help = "Its id" }

[action.slow]
label = "Slow"
help = "Takes its time"
timeout = "1s"
request = "POST /slow"

[action.upload]
label = "Upload"
help = "A file"
request = "PUT /files/{{ key }}"
upload = "source"
ok = "status == 200"
result = "headers['etag']"
[action.upload.params]
key = { label = "Key", kind = "path", required = true, example = "a/b", help = "Where to" }
source = { label = "File", kind = "file", required = true, example = "a.bin", help = "What" }

[action.bucket]
label = "Make a bucket"
help = "Answers in XML"
request = "PUT /{{ bucket }}"
xml = "<Place>{{ place }}</Place>"
result = "body.R.B | list"
[action.bucket.params]
bucket = { label = "Bucket", required = true, example = "a", help = "Its name" }
place = { label = "Place", help = "Where" }
"#;

fn home(server: &Recorder) -> Home {
    let home = Home::with(&format!(
        "[board]\ntimeout = 20\n[integrations.shop]\nprovider = \"shop\"\n\
         fields = {{ token = \"env:SHOP\", base_url = \"{}/api\" }}\n",
        server.url
    ));
    home.write("providers/shop.toml", DEFINITION);
    home
}

fn call(home: &Home, args: &[&str]) -> crate::home::Ran {
    home.run_in(&[("SHOP", TOKEN)], &[&["call", "shop"], args].concat()).calm().never(&[TOKEN])
}

#[test]
fn a_call_sends_what_was_given_and_shows_the_result() {
    let server = Recorder::saying("201 Created", "", "{\"id\":7,\"noise\":true}");
    let home = home(&server);
    let args = ["order", "item=a/../b", "count=3", "gift=yes", "tags=x", "tags=y", "note=a&b=c"];
    call(&home, &args).code(0).prints(&["id  7"]).never(&["noise"]);
    call(&home, &["order", "item=a"]).code(0);
    let seen = server.seen();
    assert_eq!(seen[0].line, "POST /api/items/a%2F..%2Fb/orders?note=a%26b%3Dc");
    assert_eq!(seen[0].json(), serde_json::json!({ "count": 3, "gift": true, "tags": ["x", "y"] }));
    for header in [&format!("authorization: Bearer {TOKEN}")[..], "x-version: 1", "x-kind: order", "application/json"] {
        assert!(seen[0].head.contains(header), "{header}: {}", seen[0].head);
    }
    assert_eq!(seen[1].line, "POST /api/items/a/orders");
    assert_eq!(seen[1].json(), serde_json::json!({ "count": 1 }));
    let ran = call(&home, &["order", "item=a", "--json"]).code(0).json();
    assert_eq!((&ran["done"], &ran["code"], &ran["result"]["id"]), (&true.into(), &201.into(), &7.into()));
}

#[test]
fn a_list_is_a_table_and_is_saved_as_csv_or_json() {
    let body = "{\"items\":[{\"id\":1,\"owner\":{\"name\":\"=ada\"}},{\"id\":2}]}";
    let home = home(&Recorder::saying("200 OK", "", body));
    call(&home, &["items"]).code(0).prints(&["Id  Owner\n1   =ada\n2\n"]);
    let (csv, json) = (home.file("out.csv"), home.file("out.json"));
    call(&home, &["items", "--output", csv.to_str().unwrap()]).code(0).says(&["saved in"]).never(&["=ada"]);
    call(&home, &["items", "-o", json.to_str().unwrap()]).code(0);
    assert_eq!(home.read("out.csv"), "Id,Owner\r\n1,'=ada\r\n2,\r\n");
    let saved: serde_json::Value = serde_json::from_str(&home.read("out.json")).unwrap();
    assert_eq!(saved[1]["id"], 2);
    call(&home, &["items", "-o", "/nonexistent/x.csv"]).code(5).says(&["the call was done", "/nonexistent/x.csv"]);
}

#[test]
fn no_content_is_a_success_and_danger_is_asked_first() {
    let server = Recorder::saying("204 No Content", "", "");
    let home = home(&server);
    call(&home, &["clear", "item=a"]).code(2).says(&["dangerous", "--yes"]);
    assert!(server.seen().is_empty());
    call(&home, &["clear", "item=a", "--yes"]).code(0).prints(&["Done."]);
    assert_eq!(server.seen()[0].line, "DELETE /api/items/a");
}

#[test]
fn failures_tell_whose_fault_they_are() {
    for (status, headers, body, words) in [
        (
            "401 Unauthorized",
            "",
            "{\"message\":\"who are you?\"}",
            &["credential refused (HTTP 401): who are you?"] as &[&str],
        ),
        ("403 Forbidden", "", "{\"message\":\"not you\"}", &["scope missing (HTTP 403): not you"]),
        ("429 Too Many", "retry-after: 60\r\n", "{}", &["throttled (HTTP 429)", "until "]),
        ("422 No", "", "{\"message\":\"no such size\"}", &["refused (HTTP 422): no such size"]),
        ("409 No", "", "{\"code\":\"plan\",\"message\":\"unpaid\"}", &["account problem (HTTP 409): unpaid"]),
        ("200 OK", "", "<html><title>Guests</title></html>", &["unexpected answer", "captive portal", "Guests"]),
        ("302 Found", "location: https://evil.example/?k=v\r\n", "", &["unexpected answer", "evil.example"]),
        ("503 Busy", "", "oops", &["server error (HTTP 503): oops", "may have been done"]),
    ] {
        let home = home(&Recorder::saying(status, headers, body));
        let ran = call(&home, &["order", "item=a"]).code(1).says(words).never(&["k=v"]);
        assert_eq!(ran.out, "", "{status}");
        let json = call(&home, &["order", "item=a", "--json"]).code(1).json();
        assert_eq!(json["done"], false);
    }
    let gone = Home::with(
        "[integrations.shop]\nprovider = \"shop\"\nfields = { token = \"env:SHOP\", base_url = \"http://127.0.0.1:1\" }\n",
    );
    gone.write("providers/shop.toml", DEFINITION);
    call(&gone, &["order", "item=a"]).code(1).says(&["cannot connect"]).never(&["may have been done"]);
}

#[test]
fn a_server_that_says_nothing_is_given_up_in_time() {
    let home = home(&Recorder::new(|_| -> Reply { None }));
    let ran = call(&home, &["slow"]).code(1).says(&["timed out", "within 1s", "look before you ask again"]);
    assert_eq!(ran.out, "");
}

#[test]
fn a_hostile_answer_neither_drives_the_terminal_nor_shows_the_secret() {
    let text = format!("\u{1b}]0;x\u{7}\u{1b}[2J\u{202e}{TOKEN} \u{9b}31m tail");
    let body = serde_json::json!({ "items": [{ "id": text, "owner": { "name": format!("Bearer {TOKEN}") } }] });
    let home = home(&Recorder::saying("200 OK", "", &body.to_string()));
    let file = home.file("out.csv");
    for more in [&[] as &[&str], &["--json"], &["-o", file.to_str().unwrap()]] {
        let ran = call(&home, &[&["items"], more].concat()).code(0);
        for c in ['\u{1b}', '\u{7}', '\u{202e}', '\u{9b}'] {
            assert!(!ran.out.contains(c) && !ran.err.contains(c), "{ran:?}");
        }
    }
    let saved = home.read("out.csv");
    assert!(saved.contains("••••") && !saved.contains("hunter2") && !saved.contains('\u{1b}'), "{saved}");
    let plain = format!("text \u{1b}[31m {TOKEN}");
    let home = self::home(&Recorder::saying("500 Broken", "", &plain));
    call(&home, &["items"]).code(1).says(&["••••"]);
}

#[test]
fn a_huge_answer_is_refused() {
    let home = home(&Recorder::saying("200 OK", "", &format!("{{\"items\":[\"{}\"]}}", "x".repeat(2 << 20))));
    call(&home, &["items"]).code(1).says(&["larger than 1 MiB"]);
}

#[test]
fn a_file_is_streamed_with_its_length() {
    let server = Recorder::saying("200 OK", "etag: abc\r\n", "");
    let home = home(&server);
    let bytes: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
    let file = home.file("big.bin");
    std::fs::write(&file, &bytes).unwrap();
    call(&home, &["upload", "key=photos/a b.bin", &format!("source@{}", file.display())]).code(0).prints(&["abc"]);
    let seen = &server.seen()[0];
    assert_eq!(seen.line, "PUT /api/files/photos/a%20b.bin");
    assert!(seen.head.contains("content-length: 3000000") && !seen.head.contains("chunked"), "{}", seen.head);
    assert!(seen.head.contains("application/octet-stream"), "{}", seen.head);
    assert!(seen.body == bytes);
    call(&home, &["upload", "key=a", "source=/nonexistent/x"]).code(1).says(&["/nonexistent/x", "cannot be read"]);
    call(&home, &["upload", "key=a/../../b", "source=/etc/hostname"]).code(2).says(&["'key'", "'..'"]);
}

#[test]
fn xml_goes_out_escaped_and_comes_back_as_a_table() {
    let server = Recorder::saying("200 OK", "", "<?xml version=\"1.0\"?><R><B><N>one</N></B></R>");
    let home = home(&server);
    call(&home, &["bucket", "bucket=b", "place=</Place>&x"]).code(0).prints(&["N\none\n"]);
    assert_eq!(server.seen()[0].body, b"<Place>&lt;/Place&gt;&amp;x</Place>");
    assert!(server.seen()[0].head.contains("application/xml"));
}

#[test]
fn wrong_words_are_told_with_near_ones_and_nothing_is_sent() {
    let server = Recorder::saying("201 Created", "", "{\"id\":1}");
    let home = home(&server);
    call(&home, &["ordr"]).code(3).says(&["did you mean 'order'?", "there are: order, items"]);
    call(&home, &["order"]).code(2).says(&["'item' is missing (Item)", "lampboard call shop order item=…"]);
    call(&home, &["order", "itme=a"]).code(2).says(&["'itme'", "did you mean 'item'?"]);
    call(&home, &["order", "item=a", "count=many"]).code(2).says(&["'count' must be a whole number, not 'many'"]);
    call(&home, &["order", "item"]).code(2).says(&["key=value"]);
    call(&home, &["order", "item=a", "--data", "{}"]).code(2).says(&["--data"]);
    call(&home, &["order", "item@/nonexistent/f"]).code(5).says(&["/nonexistent/f"]);
    call(&home, &["\u{1b}[31m"]).code(3);
    home.run(&["call", "shpo"]).code(3).says(&["did you mean 'shop'?"]);
    assert!(server.seen().is_empty());
    call(&home, &[]).code(0).prints(&[
        "Order",
        "lampboard call shop order item=… [count=…]",
        "Remove (asks first)",
        "METHOD PATH",
    ]);
    let list = call(&home, &["--json"]).code(0).json();
    assert_eq!(list["actions"][0]["params"][1]["kind"], "int");
    crate::json::holds("call without an action", &[list]);
}

#[test]
fn a_free_request_stays_under_its_address() {
    let server = Recorder::saying("200 OK", "", "{\"you\":\"asked\"}");
    let home = home(&server);
    call(&home, &["request", "get", "/things?x=1"]).code(0).prints(&["you  asked"]);
    call(&home, &["request", "POST", "/things", "--data", "{\"a\":1}"]).code(0);
    home.write("data.json", "[1]");
    let data = home.file("data.json");
    call(&home, &["request", "PUT", "/things", "--data-file", data.to_str().unwrap()]).code(0);
    let seen = server.seen();
    let lines: Vec<&str> = seen.iter().map(|r| &*r.line).collect();
    assert_eq!(lines, ["GET /api/things?x=1", "POST /api/things", "PUT /api/things"]);
    assert_eq!((&*seen[1].body, &*seen[2].body), (&b"{\"a\":1}"[..], &b"[1]"[..]));
    assert!(seen.iter().all(|r| r.head.contains(TOKEN)));
    for bad in ["/../admin", "/a/%2e%2e/b", "https://evil.example/", "things"] {
        call(&home, &["request", "GET", bad]).code(1).says(&[bad]);
    }
    call(&home, &["request", "GTE", "/"]).code(2).says(&["did you mean 'GET'?"]);
    call(&home, &["request", "GET"]).code(2).says(&["METHOD PATH"]);
    call(&home, &["request", "POST", "/", "--data", "{"]).code(2).says(&["not JSON"]);
    assert_eq!(server.seen().len(), 3);
}

#[test]
fn the_json_of_a_call_is_as_documented() {
    let answers =
        [("200 OK", "{\"items\":[1]}"), ("429 Too Many", "{\"message\":\"slow down\"}")].map(|(status, body)| {
            let home = home(&Recorder::saying(status, "retry-after: 60\r\n", body));
            serde_json::from_str(&call(&home, &["items", "--json"]).out).unwrap()
        });
    crate::json::holds("call", &answers);
}

#[test]
fn every_call_is_one_line_of_the_audit_log_without_a_value() {
    let home = home(&Recorder::new(|r| match r.line.as_str() {
        "GET /api/items" => Some(("200 OK", "", b"{\"items\":[]}".to_vec())),
        _ => Some(("401 No", "", b"{\"message\":\"canary-words\"}".to_vec())),
    }));
    call(&home, &["items"]).code(0).prints(&["Nothing."]);
    call(&home, &["order", "item=canary-item", "note=canary-note"]).code(1);
    call(&home, &["request", "GET", "/canary-path?k=canary-query"]).code(1);
    call(&home, &["order", "nothing=canary"]).code(2);
    let log = home.read("audit.jsonl");
    assert!(!log.contains("canary") && !log.contains(TOKEN), "{log}");
    let told: Vec<(String, String, String)> = log
        .lines()
        .map(|l| serde_json::from_str::<serde_json::Value>(l).unwrap())
        .map(|l| ["action", "target", "outcome"].map(|k| l[k].as_str().unwrap().to_owned()).into())
        .collect();
    let want = |a: &str, o: &str| (a.to_owned(), "shop".to_owned(), o.to_owned());
    assert_eq!(
        told,
        [
            want("call.items", "ok"),
            want("call.order", "invalid_credential (401)"),
            want("call.request", "invalid_credential (401)")
        ]
    );
}

#[test]
fn a_secret_of_the_vault_goes_only_where_it_belongs() {
    let (first, other) = (Recorder::saying("200 OK", "", "{\"id\":1}"), Recorder::saying("200 OK", "", "{\"id\":1}"));
    let config = |url: &str| {
        format!(
            "[integrations.shop]\nprovider = \"shop\"\nfields = {{ token = \"vault:shop\", base_url = \"{url}\" }}\n"
        )
    };
    let home = Home::with(&config(&first.url));
    home.write("providers/shop.toml", DEFINITION);
    home.feed(&["secret", "set", "shop"], TOKEN).code(0);
    home.run(&["check", "shop"]).code(0);
    home.run(&["call", "shop", "request", "GET", "/x"]).code(0);
    home.write("config.toml", &config(&other.url));
    let refused = home.run(&["call", "shop", "request", "GET", "/x"]).code(1).never(&[TOKEN]);
    refused.says(&["stored for", "lampboard secret allow shop"]);
    assert!(other.seen().is_empty());
}
