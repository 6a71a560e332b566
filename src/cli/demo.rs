//! `demo`: the board over real servers on this machine, in a throw-away home.

use super::{Answer, Exit, Failure, Out, board, check, world};
use crate::{demo::DemoHome, monitor::Handle};
use std::{io::IsTerminal, time::Duration};

pub(super) fn run(once: bool, out: &mut Out) -> Answer {
    let home = DemoHome::new()?;
    if once || !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        if !once {
            out.complain("no terminal here, so this is one round of the demo as text");
        }
        return one_round(&home, out);
    }
    let runtime = world::runtime()?;
    let started = runtime.block_on(home.prepare())?;
    // Without it the log view would have nothing to show; a demo without one is still a demo.
    let _log = crate::logging::start(&started.paths.log).ok();
    // The demo keeps its credentials to itself, whatever keyring is here.
    let (_, no_asides) = tokio::sync::mpsc::unbounded_channel();
    board::open(runtime, no_asides, || Handle::start(started).map_err(Failure::from))
}

fn one_round(home: &DemoHome, out: &mut Out) -> Answer {
    let entries = world::runtime()?.block_on(async {
        let handle = world::idle_monitor(home.prepare().await?)?;
        let entries = handle.round(None).await;
        handle.stop(Duration::from_secs(2)).await;
        Ok::<_, Failure>(entries)
    })?;
    check::print(&entries, out)?;
    Ok(Exit::Good)
}
