//! `list` and `show NAME`: what is known already, from configuration and history; nothing is checked.

use super::{
    Answer, Exit, Failure, Out, check, view,
    world::{self, World},
};
use crate::monitor::Entry;
use jiff::Timestamp;
use std::{path::PathBuf, sync::Arc, time::Duration};

fn known(world: World, out: &mut Out) -> Result<Vec<Arc<Entry>>, Failure> {
    let store = world.store(out);
    world::runtime()?.block_on(async {
        let handle = world::idle_monitor(world.started(store, false))?;
        let snapshot = handle.snapshots().borrow().clone();
        handle.stop(Duration::from_secs(2)).await;
        Ok(snapshot.entries.values().cloned().collect())
    })
}

pub(super) fn list(config: Option<PathBuf>, out: &mut Out) -> Answer {
    let world = World::open(config)?;
    if world.config.entries.is_empty() && !out.json {
        out.line("Nothing on the board yet. Add an integration with: lampboard add PROVIDER NAME")?;
        return Ok(Exit::Good);
    }
    let entries = known(world, out)?;
    check::print(&entries, out)?;
    Ok(Exit::Good)
}

pub(super) fn show(config: Option<PathBuf>, name: &str, out: &mut Out) -> Answer {
    let world = World::open(config)?;
    let id = world.id(name)?;
    let entries = known(world, out)?;
    let entry = entries.iter().find(|e| *e.id() == id).ok_or_else(|| {
        Failure::new(
            Exit::NotFound,
            format!("'{id}' is in config.toml but could not be read; see: lampboard config check"),
        )
    })?;
    let now = Timestamp::now();
    if out.json {
        out.value(&view::json(entry, now))?;
    } else {
        out.pairs(&view::pairs(entry, now))?;
    }
    Ok(Exit::Good)
}
