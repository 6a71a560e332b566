//! Watches the folders of config.toml and of the user's definitions: editors replace files, so folders are watched,
//! not files. Where the system cannot tell, the times of the files are looked at every two seconds.

use notify_debouncer_full::{DebounceEventResult, new_debouncer, notify::RecursiveMode};
use std::{
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};
use tokio::sync::mpsc;

/// Quiet time after the last change.
const QUIET: Duration = Duration::from_millis(300);
/// Time between two looks where the system does not tell.
const LOOK: Duration = Duration::from_secs(2);

/// Sends a signal for every burst of changes until the receiver is gone.
pub fn start(config: &Path, providers: &Path) -> mpsc::Receiver<()> {
    let (changed, receiver) = mpsc::channel(1);
    let folders: Vec<PathBuf> =
        config.parent().into_iter().chain([providers]).filter(|p| p.is_dir()).map(Path::to_owned).collect();
    let tell = changed.clone();
    let (name, providers_folder) = (config.file_name().map(ToOwned::to_owned), providers.to_owned());
    let watcher = new_debouncer(QUIET, None, move |result: DebounceEventResult| {
        let ours = |path: &PathBuf| path.file_name() == name.as_deref() || path.starts_with(&providers_folder);
        if result.is_ok_and(|events| events.iter().any(|e| !e.kind.is_access() && e.paths.iter().any(ours))) {
            let _ = tell.try_send(());
        }
    });
    let watcher = watcher.and_then(|mut w| {
        for folder in &folders {
            w.watch(folder, RecursiveMode::NonRecursive)?;
        }
        Ok(w)
    });
    match watcher {
        Ok(watcher) => {
            tokio::spawn(async move {
                changed.closed().await;
                drop(watcher);
            });
        }
        Err(error) => {
            tracing::warn!(%error, "files cannot be watched: their times are looked at instead");
            tokio::spawn(look(config.to_owned(), providers.to_owned(), changed));
        }
    }
    receiver
}

async fn look(config: PathBuf, providers: PathBuf, changed: mpsc::Sender<()>) {
    let mut last = stamp(&config, &providers);
    while !changed.is_closed() {
        tokio::time::sleep(LOOK).await;
        let now = stamp(&config, &providers);
        if now != last {
            last = now;
            let _ = changed.try_send(());
        }
    }
}

fn stamp(config: &Path, providers: &Path) -> Vec<(PathBuf, Option<SystemTime>)> {
    let time = |path: &Path| std::fs::metadata(path).and_then(|m| m.modified()).ok();
    let mut stamps = vec![(config.to_owned(), time(config))];
    if let Ok(entries) = std::fs::read_dir(providers) {
        stamps.extend(entries.flatten().map(|e| (e.path(), time(&e.path()))));
    }
    stamps.sort();
    stamps
}
