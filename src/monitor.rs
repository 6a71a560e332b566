//! The core: what is due, running it, incidents, the published snapshot, the handle.

pub mod bind;
pub mod draft;
mod engine;
mod expiry;
pub mod handle;
pub mod incidents;
pub mod limits;
mod paused;
pub mod probe;
pub mod retry;
pub mod rotate;
mod runner;
pub mod schedule;
pub mod sign_in;
pub mod snapshot;
mod state;
mod usual;
mod watch;

pub use draft::{Draft, DraftValue, Place};
pub use handle::{Handle, Notice, Started};
pub use rotate::Rotation;
pub use snapshot::{BoardHealth, Entry, Snapshot};
pub use usual::{UsualValue, value as usual_value};
