//! Where secrets come from and where they are kept: references, the age vault.

pub mod audit;
mod command;
mod ini;
pub mod keyring;
pub mod memory;
mod private;
pub mod renew;
pub mod resolve;
pub mod vault;

pub use audit::Audit;
pub use renew::Renew;
pub use resolve::{ResolveError, Resolver};
pub use vault::{Imported, Method, Target, Vault, VaultError, VaultStatus};
