//! Every input that fuzzing kept, through the same functions that the fuzzer calls: what once broke stays mended.

#[path = "../fuzz/src/lib.rs"]
mod fuzz;

use std::path::Path;

#[test]
fn what_fuzzing_found_holds() {
    for (name, target) in fuzz::ALL {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
        let mut count = 0;
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.expect("an entry").path();
            let bytes = std::fs::read(&path).expect("a file");
            let end = std::panic::catch_unwind(|| target(&bytes));
            assert!(end.is_ok(), "{name} breaks at {}", path.display());
            count += 1;
        }
        assert!(count >= 20, "only {count} inputs for {name}");
    }
}

/// The targets must be able to fail: each is given something that must not pass.
#[test]
fn the_targets_notice_a_secret() {
    let told = |text: String| std::panic::catch_unwind(move || fuzz::assert_harmless(&text, 1000)).is_err();
    assert!(told(format!("a {} b", fuzz::CANARY)) && told(fuzz::CANARY[20..32].to_owned()));
    assert!(told("\u{1b}[2J".to_owned()) && told("\u{202e}".to_owned()) && told("x".repeat(2000)));
    assert!(!told("nothing".to_owned()));
    assert!(fuzz::planted(b"key = \x01").is_some_and(|text| text.ends_with(fuzz::CANARY)));
    assert!(fuzz::planted(fuzz::CANARY.as_bytes()).is_none(), "a guessed canary proves nothing");
}
