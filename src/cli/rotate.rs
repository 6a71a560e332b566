//! `secret rotate`: a new value for an entry, tested with every integration that uses it before anything changes.

use super::{
    Answer, Exit, Failure, Out,
    secret::read,
    world::{self, World},
};
use std::{path::PathBuf, time::Duration};

pub(super) fn run(config: Option<PathBuf>, name: &str, other_account: bool, out: &mut Out) -> Answer {
    let world = World::open(config)?;
    super::vault::unlock_if_asked(&world.resolver.vault)?;
    let secret = read(&format!("New value of '{name}': "))?;
    let store = world.store(out);
    let rotation = world::runtime()?.block_on(async {
        let handle = world::idle_monitor(world.started(store, false))?;
        let rotation = handle.rotate(name, secret, other_account).await;
        handle.stop(Duration::from_secs(2)).await;
        rotation.map_err(Failure::from)
    })?;
    let tests: Vec<_> = rotation
        .tests
        .iter()
        .map(|(id, o)| serde_json::json!({ "integration": id.as_str(), "status": o.status(), "cause": o.cause, "identity": o.identity }))
        .collect();
    if out.json {
        out.value(&serde_json::json!({
            "entry": name, "rotated": rotation.done, "tests": tests, "refused": rotation.refusal(),
        }))?;
    } else {
        let rows: Vec<Vec<String>> = rotation
            .tests
            .iter()
            .map(|(id, o)| {
                vec![
                    id.to_string(),
                    o.status().label().to_owned(),
                    o.cause.label().to_owned(),
                    o.identity.clone().unwrap_or_default(),
                ]
            })
            .collect();
        out.table(&["INTEGRATION", "STATUS", "CAUSE", "IDENTITY"], &rows)?;
    }
    match rotation.refusal() {
        None => {
            if !out.json {
                out.line(&format!(
                    "Replaced. The old value is kept until the next good check; to go back: lampboard secret roll-back {name}"
                ))?;
            }
            Ok(Exit::Good)
        }
        Some(why) => {
            let hint = if rotation.other_account.is_some() && !other_account {
                ". If that is meant: --other-account"
            } else {
                ""
            };
            Err(Failure::new(Exit::NotActive, format!("{why}{hint}")))
        }
    }
}
