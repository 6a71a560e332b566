//! Where secrets come from and where they are kept: references, the age vault.

mod command;
mod private;
pub mod resolve;
pub mod vault;

pub use resolve::{ResolveError, Resolver};
pub use vault::{Vault, VaultError};
