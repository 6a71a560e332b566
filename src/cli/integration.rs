//! `remove`, `pause` and `resume`.

use super::{
    Answer, Exit, Failure, Out,
    world::{self, World},
};
use std::{path::PathBuf, time::Duration};

pub(super) fn remove(config: Option<PathBuf>, name: &str, out: &mut Out) -> Answer {
    let world = World::open(config)?;
    let id = world.id(name)?;
    let removed = crate::config::edit::remove(&world.paths.config, id.as_str())
        .map_err(|e| Failure::new(Exit::Failed, e.to_string()))?;
    let text = removed.ok_or_else(|| {
        Failure::new(Exit::NotFound, format!("no integration '{id}' in {}", world.paths.config.display()))
    })?;
    if out.json {
        out.value(&serde_json::json!({ "removed": id.as_str() }))?;
    } else {
        out.line(&format!(
            "Removed '{id}'. Its history and its vault entries are kept. To undo, put this back into {}:\n",
            world.paths.config.display()
        ))?;
        out.line(text.trim())?;
    }
    Ok(Exit::Good)
}

pub(super) fn pause(config: Option<PathBuf>, name: &str, paused: bool, out: &mut Out) -> Answer {
    let world = World::open(config)?;
    let id = world.id(name)?;
    let store = world.store(out);
    world::runtime()?.block_on(async {
        let handle = world::idle_monitor(world.started(store, false))?;
        let result = handle.pause(&id, paused).await;
        handle.stop(Duration::from_secs(2)).await;
        result.map_err(Failure::from)
    })?;
    let done = if paused { "paused" } else { "resumed" };
    if out.json {
        out.value(&serde_json::json!({ done: id.as_str() }))?;
    } else {
        out.line(&format!("'{id}' is {done}."))?;
    }
    Ok(Exit::Good)
}
