//! `check [NAME…]`: one round now, as a table or JSON; the exit code says whether all is active.

use super::{
    Answer, Exit, Out, view,
    world::{self, World},
};
use crate::{
    model::{Cause, IntegrationId, Status},
    monitor::Entry,
};
use jiff::Timestamp;
use std::{path::PathBuf, sync::Arc, time::Duration};

/// Longest wait for the history to be written at the end.
const FLUSH: Duration = Duration::from_secs(5);

pub(super) fn run(config: Option<PathBuf>, names: &[String], out: &mut Out) -> Answer {
    let world = World::open(config)?;
    let ids: Vec<IntegrationId> = names.iter().map(|name| world.id(name)).collect::<Result<_, _>>()?;
    if world.config.entries.is_empty() && !out.json {
        out.line("Nothing to check yet. Add an integration with: lampboard add PROVIDER NAME\nProviders: lampboard provider list")?;
        return Ok(Exit::Good);
    }
    for problem in &world.problems {
        out.complain(problem);
    }
    let store = world.store(out);
    let entries = world::runtime()?.block_on(async {
        let handle = world::idle_monitor(world.started(store, false))?;
        let entries = handle.round((!ids.is_empty()).then_some(ids)).await;
        handle.stop(FLUSH).await;
        Ok::<_, super::Failure>(entries)
    })?;
    print(&entries, out)?;
    Ok(exit(&entries))
}

/// Prints entries as `check` does.
pub(super) fn print(entries: &[Arc<Entry>], out: &mut Out) -> std::io::Result<()> {
    let now = Timestamp::now();
    if out.json {
        return out.value(&entries.iter().map(|e| view::json(e, now)).collect::<Vec<_>>());
    }
    out.table(&view::HEADER, &entries.iter().map(|e| view::row(e, now)).collect::<Vec<_>>())
}

/// Good when everything that is meant to be checked is active. What rests on purpose does not count; a locked vault or a
/// missing program does, though its status is `inactive` too.
pub(super) fn exit(entries: &[Arc<Entry>]) -> Exit {
    let good = |e: &Arc<Entry>| e.status() == Status::Active || matches!(e.cause, Cause::Paused | Cause::Maintenance);
    if entries.iter().all(good) { Exit::Good } else { Exit::NotActive }
}
