//! Names for the HTTP client, through the system's resolver, timed for the request that asked, and bounded: stuck
//! look-ups must not fill the blocking threads that everything else needs.

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::{
    cell::Cell,
    time::{Duration, Instant},
};
use tokio::sync::Semaphore;

/// Look-ups at once.
static PLACES: Semaphore = Semaphore::const_new(64);

tokio::task_local! {
    /// How long the look-up of the running request took, if it made one.
    static TOOK: Cell<Option<Duration>>;
}

/// The resolver handed to the client.
pub struct Timed;

impl Resolve for Timed {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let place = PLACES.acquire().await?;
            let started = Instant::now();
            let addresses: Vec<_> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            drop(place);
            // Outside a check's task nobody asks how long it took.
            let _ = TOOK.try_with(|took| took.set(Some(started.elapsed())));
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// Runs a request and tells how long its name look-up took. `None`: a kept connection, a literal address or a proxy.
pub async fn timed<T>(request: impl Future<Output = T>) -> (T, Option<Duration>) {
    TOOK.scope(Cell::new(None), async { (request.await, TOOK.with(Cell::get)) }).await
}
