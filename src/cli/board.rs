//! The board itself: monitor and screen in one process. Without a terminal, a sentence and `check`'s table.

use super::{
    Answer, Exit, Failure, Out, check,
    world::{self, World},
};
use crate::{
    secrets::keyring::{self, KeyringError},
    tui::run::{self, Asides, Ended},
};
use std::{io::IsTerminal, path::PathBuf, time::Duration};
use tokio::sync::mpsc;

pub(super) fn run(config: Option<PathBuf>, out: &mut Out) -> Answer {
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        out.complain(
            "no terminal here, so this is one round of checks instead of the board (see: lampboard check --help)",
        );
        return check::run(config, &[], out);
    }
    let world = World::open(config)?;
    world.paths.create().map_err(|e| {
        Failure::new(
            Exit::Failed,
            format!("cannot make Lampboard's folders: {e}. LAMPBOARD_HOME=DIR names another place"),
        )
    })?;
    let _log = crate::logging::start(&world.paths.log)
        .inspect_err(|e| out.complain(&format!("no log: cannot write '{}': {e}", world.paths.log.display())))
        .ok();
    let (store, messages) = crate::store::Store::open(&world.paths.history, world::retention(&world.config));
    let mut started = world.started(store, true);
    started.problems.extend(messages);
    open(world::runtime()?, keyring(), || crate::monitor::Handle::start(started).map_err(Failure::from))
}

/// Tries the system's keyring beside everything else, for a bus that never answers must delay nothing. A build that
/// knows none is silent: whatever asks for a keyring there says so itself.
fn keyring() -> Asides {
    let (tell, asides) = mpsc::unbounded_channel();
    if keyring::BUILT_IN {
        std::thread::spawn(move || match keyring::probe() {
            Ok(()) => tracing::info!("the system's keyring works"),
            Err(why) => {
                tracing::info!("{why}");
                let short = match why {
                    KeyringError::Absent(_) => "no system keyring is here",
                    KeyringError::Refused(_) => "the keyring is locked or silent",
                };
                // Whoever left already need not know.
                let _ = tell.send(format!("{short}: credentials go into the vault"));
            }
        });
    }
    asides
}

/// Opens the screen over a monitor made on the runtime.
pub(super) fn open(
    runtime: tokio::runtime::Runtime,
    asides: Asides,
    start: impl FnOnce() -> Result<crate::monitor::Handle, Failure>,
) -> Answer {
    let result = runtime.block_on(async {
        let handle = start()?;
        let result = run::run(handle.clone(), asides).await;
        handle.stop(Duration::from_secs(2)).await;
        result.map_err(|e| Failure::new(Exit::Failed, format!("{e:#}")))
    });
    runtime.shutdown_timeout(Duration::from_millis(200));
    result.map(|ended| match ended {
        Ended::Quit => Exit::Good,
        Ended::Code(code) => Exit::Signal(code),
    })
}
