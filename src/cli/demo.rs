//! `demo`: one round over real servers on this machine, in a throw-away home.

use super::{Answer, Exit, Failure, Out, check, world};
use crate::demo::DemoHome;
use std::time::Duration;

pub(super) fn run(_once: bool, out: &mut Out) -> Answer {
    let home = DemoHome::new()?;
    let entries = world::runtime()?.block_on(async {
        let handle = world::idle_monitor(home.prepare().await?)?;
        let entries = handle.round(None).await;
        handle.stop(Duration::from_secs(2)).await;
        Ok::<_, Failure>(entries)
    })?;
    check::print(&entries, out)?;
    Ok(Exit::Good)
}
