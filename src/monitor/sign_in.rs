//! Signing a draft in. What comes of it is a value like one just typed: tested, then saved with the rest.

use super::{Draft, Handle, handle::Reply};
use crate::model::Tokens;
use tokio::sync::mpsc::UnboundedSender;

pub use crate::checks::oauth::{Step, Way};

impl Handle {
    /// Signs in with what the draft says, by the provider's first way if none is given. Nothing is stored; dropping
    /// the future cancels.
    ///
    /// # Errors
    /// The provider has no sign-in, a field is missing, the vault is locked, the person or the service refused, or the
    /// network failed: a sentence for a person.
    pub async fn sign_in(&self, draft: &Draft, way: Option<Way>, report: UnboundedSender<Step>) -> Reply<Tokens> {
        let (checker, registry) = (self.checker()?, self.registry());
        let integration = draft.integration();
        let definition =
            registry.get(&integration.provider).ok_or_else(|| format!("no provider '{}'", integration.provider))?;
        let oauth = definition.oauth.as_ref();
        let oauth = oauth.ok_or_else(|| format!("{} has no sign-in that Lampboard knows", definition.name))?;
        let way = way.or_else(|| oauth.ways().first().copied()).ok_or("the provider has no way to sign in")?;
        if checker.resolver().vault.is_locked() {
            // Told before a person goes to the browser in vain.
            return Err("the vault is locked: unlock it first, for the tokens are kept in it".to_owned());
        }
        checker.sign_in(&integration, definition, &draft.typed(), way, report).await.map_err(|error| error.message)
    }
}
