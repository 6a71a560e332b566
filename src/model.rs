//! Plain data shared by every room: no I/O, no clock, no async.
//!
//! The words are those of ARCHITECTURE.md's vocabulary; anything a reader of a
//! snapshot, a history row or a `--json` answer sees is defined here.

pub mod call;
pub mod credential;
pub mod grant;
pub mod history;
pub mod id;
pub mod integration;
pub mod metrics;
pub mod outcome;
pub mod quota;
pub mod secret;
pub mod status;
pub mod text;
pub mod trust;

pub use call::{Called, Ending, Table};
pub use credential::CredentialFacts;
pub use grant::{Grant, Tokens};
pub use history::{Bucket, CheckRow, Incident, Series};
pub use id::IntegrationId;
pub use integration::{FieldValue, Integration, SecretRef};
pub use metrics::Metrics;
pub use outcome::{Evidence, Fact, Outcome, Phases, Sample, Warning};
pub use quota::{Provenance, Quota};
pub use secret::Secret;
pub use status::{Blame, Cause, Status};
