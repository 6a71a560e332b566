//! Files that change while the monitor runs: what is wrong never replaces what was right.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "common/world.rs"]
mod world;

use lampboard::{
    model::{IntegrationId, Status},
    monitor::Handle,
};
use std::{path::Path, sync::Arc};
use world::{World, config, entry, eventually, until};

fn watched(home: &Path, text: &str) -> (Handle, Arc<World>) {
    let world = World::new(&[]);
    (Handle::start_with(world::started(home, text, true), world.clone(), None, true).unwrap(), world)
}

fn names(handle: &Handle) -> Vec<String> {
    handle.snapshots().borrow().entries.keys().map(ToString::to_string).collect()
}

fn problems(handle: &Handle) -> String {
    handle.snapshots().borrow().problems.join("\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_configuration_leaves_the_last_good_one_and_says_where() {
    let home = tempfile::tempdir().unwrap();
    let (handle, _) = watched(home.path(), &config("", ["a", "b"]));
    let file = home.path().join("config.toml");
    until("checks", || entry(&handle, "a").status() == Status::Active).await;
    std::fs::write(&file, "[board]\nintervall = \"60s\"\n").unwrap();
    until("the complaint", || problems(&handle).contains("config.toml:2")).await;
    assert!(problems(&handle).contains("did you mean 'interval'"), "{}", problems(&handle));
    assert_eq!(names(&handle), ["a", "b"]);
    std::fs::write(&file, config("", ["a", "b", "c"])).unwrap();
    until("the third", || names(&handle) == ["a", "b", "c"]).await;
    assert!(problems(&handle).is_empty());
    assert_eq!(entry(&handle, "a").status(), Status::Active, "what was known stays");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_emptied_by_accident_does_not_empty_the_board() {
    let home = tempfile::tempdir().unwrap();
    let all: Vec<String> = (0..10).map(|n| format!("s{n}")).collect();
    let (handle, _) = watched(home.path(), &config("", &all));
    std::fs::write(home.path().join("config.toml"), "").unwrap();
    until("the complaint", || !problems(&handle).is_empty()).await;
    assert_eq!(names(&handle).len(), 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removal_keeps_the_history_and_can_be_undone() {
    let home = tempfile::tempdir().unwrap();
    let (handle, _) = watched(home.path(), &format!("# mine\n{}", config("", ["a", "b"])));
    let a = IntegrationId::new("a").unwrap();
    until("a check", || entry(&handle, "a").metrics.total == 1).await;
    handle.remove(&a).await.unwrap();
    assert_eq!(names(&handle), ["b"]);
    assert_eq!(handle.undo_remove().await.unwrap(), a);
    let kept = || async { handle.rows(a.clone(), 5).await.unwrap() };
    eventually("its rows", kept, |rows| !rows.is_empty()).await;
    let text = std::fs::read_to_string(home.path().join("config.toml")).unwrap();
    assert!(text.starts_with("# mine\n") && text.contains("[integrations.a]"), "{text}");
    assert!(handle.undo_remove().await.is_err(), "once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_definition_of_the_users_is_read_anew_and_a_broken_one_is_told_of() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("providers");
    std::fs::create_dir_all(&folder).unwrap();
    let good = std::fs::read_to_string("docs/providers.md").unwrap();
    let good = good.split("```toml\n").nth(1).unwrap().split("```").next().unwrap().to_owned();
    std::fs::write(folder.join("acme.toml"), &good).unwrap();
    let text = "[integrations.a]\nprovider = \"acme\"\nfields = { token = \"env:ACME\" }\n";
    let (handle, _) = watched(home.path(), text);
    until("a check", || entry(&handle, "a").status() == Status::Active).await;
    assert_eq!(&*entry(&handle, "a").provider_name, "Acme");

    std::fs::write(folder.join("acme.toml"), good.replace("status == 200 and", "status == and")).unwrap();
    until("the complaint", || problems(&handle).contains("acme.toml:")).await;
    let told = problems(&handle);
    let place = told.split("acme.toml:").nth(1).unwrap();
    let numbers: Vec<&str> = place.split(':').take(2).collect();
    assert!(numbers.iter().all(|n| n.trim().parse::<u32>().is_ok()), "line and column: {told}");
    assert_eq!(&*entry(&handle, "a").provider_name, "Acme", "the last good one stays");
    assert_ne!(entry(&handle, "a").status(), Status::Error);

    std::fs::write(folder.join("acme.toml"), good.replace("name = \"Acme\"", "name = \"Acme Two\"")).unwrap();
    until("the new name", || &*entry(&handle, "a").provider_name == "Acme Two").await;
    assert!(problems(&handle).is_empty());
}
