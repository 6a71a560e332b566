//! config.toml from outside: corpora of valid and invalid files, the example, the environment, sizes.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use lampboard::{
    config::{Config, Diagnostic, Settings, file::EXAMPLE},
    model::FieldValue,
};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

fn corpus(kind: &str) -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config").join(kind);
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|file| (file.clone(), fs::read_to_string(file).unwrap())).collect()
}

fn parse(text: &str) -> Result<Config, Vec<Diagnostic>> {
    Config::parse(Path::new("config.toml"), text)
}

fn shown(complaints: &[Diagnostic]) -> String {
    complaints.iter().map(|complaint| format!("{complaint}\n")).collect()
}

#[test]
fn valid_files_are_taken() {
    let files = corpus("valid");
    assert!(files.len() >= 12);
    for (file, text) in files {
        if let Err(complaints) = Config::parse(&file, &text) {
            panic!("{}", shown(&complaints));
        }
    }
}

#[test]
fn invalid_files_get_the_expected_complaint_and_never_echo_a_value() {
    let files = corpus("invalid");
    assert!(files.len() >= 20);
    for (file, text) in files {
        let (first, body) = text.split_once('\n').unwrap();
        let expected = first.strip_prefix("# expect: ").expect("the first line says what to expect");
        let complaints = Config::parse(Path::new("c"), body).expect_err(&file.display().to_string());
        let shown = shown(&complaints);
        assert!(shown.contains(expected), "{}:\n{shown}", file.display());
        assert!(!shown.contains("hunter2"), "{} echoes a value:\n{shown}", file.display());
        assert!(!shown.contains('\x1b'));
        assert!(complaints.iter().all(|complaint| complaint.line > 0), "{shown}");
    }
}

#[test]
fn all_complaints_come_at_once_in_the_order_of_the_file() {
    let text = "[board]\nintervall = 1\nattempts = 0\n[integrations.a]\ntimeout = \"0\"\n[ui]\nmouse = 1\n";
    let complaints = parse(text).unwrap_err();
    let places: Vec<_> = complaints.iter().map(|complaint| (complaint.line, complaint.column)).collect();
    assert_eq!(places, [(2, 1), (3, 12), (4, 15), (5, 11), (7, 9)], "{}", shown(&complaints));
}

#[test]
fn syntax_errors_do_not_hide_the_other_mistakes() {
    let shown = shown(&parse("[board]\ninterval = 5m\nattempts = 99\n[ui]\ncolour = \"auto\"\n").unwrap_err());
    for expected in ["config.toml:2:", "attempts must be", "did you mean 'color'?"] {
        assert!(shown.contains(expected), "{shown}");
    }
}

#[test]
fn a_complaint_shows_its_line_with_a_caret() {
    let complaints = parse("[board]\n  interval = \"hunter2\"\n").unwrap_err();
    let shown = complaints[0].to_string();
    assert!(shown.starts_with("config.toml:2:14: interval must be"), "{shown}");
    assert!(shown.ends_with("\n  2 |   interval = \"••••••••\"\n    |              ^"), "{shown}");
}

#[test]
fn entries_keep_their_order_their_lines_and_the_board_defaults() {
    let text = "[integrations.zeta]\nprovider = \"x\"\n\n[integrations.alpha]\nprovider = \"y\"\ninterval = \"10s\"\n\
                fields = { z = \"1\", a = true, list = [\"p\", \"q\"] }\n[board]\ninterval = \"20s\"\ntimeout = \"7s\"\n";
    let config = parse(text).unwrap();
    let ids: Vec<_> = config.entries.iter().map(|entry| (entry.integration.id.as_str(), entry.line)).collect();
    assert_eq!(ids, [("zeta", 1), ("alpha", 4)]);
    let [zeta, alpha] = &config.entries[..] else { panic!("two entries") };
    assert_eq!(zeta.integration.interval, Duration::from_secs(20));
    assert_eq!((zeta.integration.timeout, alpha.integration.timeout), (Duration::from_secs(7), Duration::from_secs(7)));
    assert_eq!(alpha.integration.interval, Duration::from_secs(10));
    assert_eq!(zeta.integration.name, "zeta");
    let fields: Vec<_> = alpha.integration.fields.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    let text = |text: &str| FieldValue::Text(text.to_owned());
    let list = FieldValue::List(vec!["p".to_owned(), "q".to_owned()]);
    assert_eq!(fields, [("z", text("1")), ("a", text("true")), ("list", list)]);
    assert_eq!(alpha.positions["z"], (7, 16));
    assert_eq!(alpha.positions[".provider"], (5, 12));
}

#[test]
fn the_example_equals_the_defaults() {
    let config = parse(EXAMPLE).unwrap_or_else(|complaints| panic!("{}", shown(&complaints)));
    assert_eq!(config.settings, Settings::default());
    assert!(config.entries.is_empty());
}

/// A commented line that is a key, with the table it stands in.
fn commented_keys() -> Vec<(usize, String, String)> {
    let (mut table, mut found) = (String::new(), Vec::new());
    for (index, line) in EXAMPLE.lines().enumerate() {
        if let Some(header) = line.trim_start_matches("# ").strip_prefix('[') {
            table = header.trim_end_matches(']').to_owned();
        } else if let Some(rest) = line.strip_prefix("# ") {
            let key = rest.split(" = ").next().unwrap_or_default();
            if rest.contains(" = ") && !key.contains(' ') {
                found.push((index, table.clone(), key.trim_matches('"').to_owned()));
            }
        }
    }
    found
}

fn uncommented(lines: impl Fn(usize) -> bool) -> String {
    let line = |(index, line): (usize, &str)| match line.strip_prefix("# ").filter(|_| lines(index)) {
        Some(rest) => format!("{rest}\n"),
        None => format!("{line}\n"),
    };
    EXAMPLE.lines().enumerate().map(line).collect()
}

#[test]
fn the_example_line_by_line_equals_the_defaults() {
    let keys = commented_keys();
    let board: Vec<_> = keys.iter().filter(|(_, table, _)| !table.starts_with("integrations")).collect();
    assert_eq!(board.len(), 19, "every board-wide key and one chord");
    for (index, table, key) in board {
        let config = parse(&uncommented(|line| line == *index))
            .unwrap_or_else(|complaints| panic!("{table}.{key}: {}", shown(&complaints)));
        if table == "keys" {
            assert_eq!(config.settings.keys.len(), 1);
        } else {
            assert_eq!(config.settings, Settings::default(), "{table}.{key}");
        }
    }
}

#[test]
fn the_example_knows_every_key() {
    let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (_, table, key) in commented_keys() {
        tables.entry(table).or_default().push(key);
    }
    for (table, keys) in tables.iter().filter(|(table, _)| *table != "keys") {
        // The refusal of a stranger lists the keys there are.
        let provider = if table.starts_with("integrations") { "provider = \"x\"\n" } else { "" };
        let refusal = shown(&parse(&format!("[{table}]\n{provider}qqqqqqqqqqqq = 1\n")).unwrap_err());
        let known = refusal.lines().next().unwrap().split(" are ").last().unwrap().to_owned();
        let mut known: Vec<_> = known.split(", ").collect();
        let mut keys: Vec<_> = keys.iter().map(String::as_str).collect();
        known.sort_unstable();
        keys.sort_unstable();
        assert_eq!(keys, known, "[{table}]");
    }
}

#[test]
fn the_example_integration_is_one() {
    let start = EXAMPLE.lines().position(|line| line.starts_with("# [integrations.")).unwrap();
    let whole = uncommented(|line| line >= start);
    let config = parse(&whole).unwrap_or_else(|complaints| panic!("{}", shown(&complaints)));
    assert_eq!(config.settings, Settings::default());
    let [entry] = &config.entries[..] else { panic!("one entry") };
    assert_eq!(entry.integration.fields["token"], FieldValue::Text("vault:github".to_owned()));
    assert_eq!(entry.integration.interval, Settings::default().interval);
    // Each of its lines alone, beside the two that an integration needs.
    for (index, table, key) in commented_keys() {
        if table.starts_with("integrations") {
            let text = uncommented(|line| line == index || line == start || line == start + 1);
            parse(&text).unwrap_or_else(|complaints| panic!("{key}: {}", shown(&complaints)));
        }
    }
}

fn with_env(text: &str, vars: &[(&str, &str)]) -> Result<Config, Vec<Diagnostic>> {
    parse(text).unwrap().with_env(vars.iter().map(|(name, value)| (name.to_string(), value.to_string())))
}

#[test]
fn the_environment_lies_over_the_file_and_the_file_over_the_defaults() {
    let text = "[board]\ninterval = \"60s\"\nattempts = 2\n[integrations.own]\nprovider = \"x\"\ninterval = \"60s\"\n\
                [integrations.follows]\nprovider = \"x\"\n";
    let vars = [
        ("LAMPBOARD__BOARD__INTERVAL", "90s"),
        ("LAMPBOARD__BOARD__CONCURRENCY", "7"),
        ("LAMPBOARD__UI__MOUSE", "true"),
        ("LAMPBOARD__UI__COLOR", "256"),
        ("LAMPBOARD_HOME", "/x"),
        ("PATH", "/bin"),
    ];
    let config = with_env(text, &vars).unwrap_or_else(|complaints| panic!("{}", shown(&complaints)));
    assert_eq!(config.settings.interval, Duration::from_secs(90));
    assert_eq!((config.settings.attempts, config.settings.concurrency), (2, 7));
    assert_eq!((config.settings.mouse, config.settings.color.as_str()), (true, "256"));
    let intervals: Vec<_> = config.entries.iter().map(|entry| entry.integration.interval.as_secs()).collect();
    assert_eq!(intervals, [60, 90], "what an integration says for itself stays");
}

#[test]
fn wrong_variables_are_all_told_of_without_their_values() {
    let vars = [
        ("LAMPBOARD__BOARD__INTERVALL", "hunter2"),
        ("LAMPBOARD__BOARD__TIMEOUT", "hunter2"),
        ("LAMPBOARD__BORD__TIMEOUT", "hunter2"),
        ("LAMPBOARD__INTEGRATIONS__A__TOKEN", "hunter2"),
        ("LAMPBOARD__", "hunter2"),
    ];
    let complaints = with_env("", &vars).unwrap_err();
    let shown = shown(&complaints);
    assert_eq!(complaints.len(), 5);
    assert!(shown.contains("did you mean 'LAMPBOARD__BOARD__INTERVAL'?"), "{shown}");
    assert!(shown.contains("LAMPBOARD__BOARD__TIMEOUT: must be a time between 1s and 5m"), "{shown}");
    assert!(!shown.contains("hunter2"), "{shown}");
    let clash = with_env("", &[("LAMPBOARD__BOARD__INTERVAL", "5s"), ("LAMPBOARD__BOARD__TIMEOUT", "5m")]).unwrap_err();
    assert!(clash[0].to_string().contains("shorter than ten intervals"));
}

#[test]
fn ten_thousand_integrations_are_read_fast() {
    let text: String = (0..10_000)
        .map(|n| format!("[integrations.n{n}]\nprovider = \"http\"\nname = \"Number {n}\"\n[integrations.n{n}.fields]\nurl = \"http://localhost/{n}\"\n"))
        .collect();
    let fastest = (0..3)
        .map(|_| {
            let start = Instant::now();
            assert_eq!(parse(&text).unwrap().entries.len(), 10_000);
            start.elapsed()
        })
        .min()
        .unwrap();
    // The aim is one second; a loaded machine gets room, a quadratic reader would need minutes.
    assert!(fastest < Duration::from_secs(3), "{fastest:?}");
}

#[test]
fn ten_thousand_mistakes_are_told_of_in_a_list_of_bearable_length() {
    let text: String = (0..10_000).map(|n| format!("[integrations.n{n}]\ntypo = 1\n")).collect();
    let complaints = parse(&text).unwrap_err();
    assert_eq!(complaints.len(), 201);
    assert!(complaints[200].message.contains("19800 more"), "{}", complaints[200].message);
}

#[test]
fn files_that_cannot_be_read_say_why() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    assert_eq!(Config::load(&file).unwrap().settings, Settings::default(), "a missing file is an empty one");
    let complaint = |file: &Path| shown(&Config::load(file).unwrap_err());

    fs::write(&file, b"[board]\n# \xff\n").unwrap();
    assert!(complaint(&file).contains("config.toml:2:3: is not UTF-8"), "{}", complaint(&file));
    fs::File::create(&file).unwrap().set_len((16 << 20) + 1).unwrap();
    assert!(complaint(&file).contains("larger than 16 MiB"));
    assert!(complaint(folder.path()).contains("not a regular file"));
    fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink("/nonexistent/config.toml", &file).unwrap();
    assert!(complaint(&file).contains("cannot be read"));
}

#[test]
fn nested_and_wide_files_neither_crash_nor_hang() {
    for bomb in [
        format!("a = {}{}", "[".repeat(100_000), "]".repeat(100_000)),
        format!("{}b = 1", "a.".repeat(100_000)),
        format!("[{}x]\n", "a.".repeat(100_000)),
        "[".repeat(50_000),
        "\"".repeat(50_001),
        "=\n".repeat(20_000),
        "x\n".repeat(20_000),
    ] {
        let complaints = parse(&bomb).unwrap_err();
        assert!(complaints.len() <= 201);
        assert!(shown(&complaints).len() < 200_000);
    }
}

proptest::proptest! {
    #[test]
    fn any_text_is_judged_without_a_panic(text in "\\PC*") {
        let _ = parse(&text).map_err(|complaints| shown(&complaints));
    }

    #[test]
    fn any_broken_valid_file_is_judged_without_a_panic(which in 0usize..16, cut in 0usize..400, insert in "[\\[\\]{}=\"'.,#\\n a-z0-9é]{0,8}") {
        let files = corpus("valid");
        let text = &files[which % files.len()].1;
        let mut at = cut.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        let text = format!("{}{insert}{}", &text[..at], &text[at..]);
        let _ = parse(&text).map_err(|complaints| shown(&complaints));
    }
}

#[test]
fn a_name_that_may_be_a_misplaced_secret_is_not_repeated() {
    let secret = "ghp_0123456789abcdefghijklmnopqrstuvwxyz0123456789";
    let registry = lampboard::providers::Registry::built_in();
    for fields in
        [format!("{secret} = {{ a = 1 }}"), format!("{secret} = \"x\""), format!("url = \"{secret}\"\n{secret} = 1")]
    {
        let text = format!("[integrations.a]\nprovider = \"http\"\n[integrations.a.fields]\n{fields}\n");
        let complaints = match Config::parse(Path::new("config.toml"), &text) {
            Ok(config) => lampboard::monitor::bind::bind(&config, &registry).1,
            Err(complaints) => complaints,
        };
        let said = complaints.iter().map(ToString::to_string).collect::<String>();
        assert!(!said.is_empty() && !said.contains("ghp_"), "{said}");
    }
}
