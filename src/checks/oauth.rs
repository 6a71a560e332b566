//! Signing in with OAuth 2.0: by a code typed anywhere, by a browser on this machine, or as the application itself;
//! and renewing what came of it. The requests are our own: they go through the same client as every check.

mod browser;
mod device;
mod renewal;
mod wire;

pub use crate::providers::oauth::Way;
pub(super) use renewal::Renewer;

use super::{Checker, client::Client, prepare};
use crate::{
    model::{Cause, Grant, Integration, Secret, SecretRef, Tokens},
    providers::{Definition, oauth::Endpoints},
    secrets::{Renew, ResolveError},
};
use indexmap::IndexMap;
use jiff::Timestamp;
use std::{sync::Arc, time::Duration};
use tokio::sync::mpsc::UnboundedSender;

/// Total time of one request to the service.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a person has to do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Open the link in any browser and type the code.
    Code {
        /// To type, or to compare.
        code: String,
        /// Where.
        link: String,
        /// The same with the code in it.
        direct: Option<String>,
        /// Until when.
        until: Timestamp,
    },
    /// Open the link in a browser on this machine.
    Browser {
        /// Where.
        link: String,
        /// The port of this machine to which it comes back.
        port: u16,
        /// Until when.
        until: Timestamp,
    },
}

/// Who asks, and where.
struct Application {
    client: Client,
    endpoints: Endpoints,
    id: String,
    secret: Option<Secret>,
    basic: bool,
    /// Length of a second between two questions.
    second: Duration,
}

impl Application {
    /// The grant that an answer of the token endpoint begins.
    fn grant(&self, of_client: bool) -> Grant {
        Grant {
            token_url: self.endpoints.token.to_string(),
            client_id: self.id.clone(),
            client_secret: self.secret.clone(),
            basic: self.basic,
            of_client,
            refresh: None,
            scope: self.endpoints.scope.clone(),
            params: self.endpoints.params.clone(),
            expires: None,
            renew: None,
            ends: None,
        }
    }

    /// `scope`, where there is one, and what the definition adds.
    fn common(&self) -> wire::Form {
        let mut form = wire::Form::default();
        if !self.endpoints.scope.is_empty() {
            form.add("scope", &self.endpoints.scope);
        }
        for (key, value) in &self.endpoints.params {
            form.add(key, value);
        }
        form
    }
}

impl Checker {
    /// Signs in with an integration's fields. `overrides` are secrets typed and not stored yet. What a person has to do
    /// is reported; dropping the future cancels. Nothing is stored.
    ///
    /// # Errors
    /// The provider has no such way, a field is missing, the person or the service refused, the code died, or the
    /// network failed.
    pub async fn sign_in(
        &self,
        integration: &Integration,
        definition: &Definition,
        overrides: &IndexMap<String, Secret>,
        way: Way,
        report: UnboundedSender<Step>,
    ) -> Result<Tokens, ResolveError> {
        let application = self.application(integration, definition, overrides, way).await?;
        match way {
            Way::Device => device::sign_in(&application, &report).await,
            Way::Browser => browser::sign_in(&application, &report).await,
            Way::Client => renewal::as_client(&application).await,
        }
    }

    async fn application(
        &self,
        integration: &Integration,
        definition: &Definition,
        overrides: &IndexMap<String, Secret>,
        way: Way,
    ) -> Result<Application, ResolveError> {
        let (fields, _) = prepare::fields(integration, definition);
        let endpoints = definition.endpoints(&fields).map_err(|e| misconfigured(e.0))?;
        let oauth = definition.oauth.as_ref().filter(|o| o.ways().contains(&way));
        let oauth =
            oauth.ok_or_else(|| misconfigured(format!("{} cannot be signed in to this way", definition.name)))?;
        let app =
            oauth.app_url.as_ref().map(|url| format!(" Applications are registered at {url}.")).unwrap_or_default();
        let id = fields.get(&oauth.client_id).map(|v| v.trim().to_owned()).filter(|v| !v.is_empty());
        let id = id.ok_or_else(|| {
            misconfigured(format!(
                "the field '{}' is empty: signing in needs the id of an application of yours.{app}",
                oauth.client_id
            ))
        })?;
        let client = self.client(integration).map_err(misconfigured)?;
        let secret = match &oauth.client_secret {
            None => None,
            Some(name) => match (overrides.get(name), integration.fields.get(name)) {
                (Some(typed), _) => Some(typed.clone()),
                (None, Some(crate::model::FieldValue::Secret(reference))) => {
                    Some(self.application_secret(reference, &endpoints, &client).await?)
                }
                _ => None,
            },
        };
        if secret.is_none() && (way == Way::Client || oauth.secret_for.contains(&way)) {
            let name = oauth.client_secret.as_deref().unwrap_or("client_secret");
            return Err(misconfigured(format!("the field '{name}' is empty, and this way to sign in needs it.{app}")));
        }
        let second = if self.second.is_zero() { Duration::from_secs(1) } else { self.second };
        Ok(Application { client, endpoints, id, secret, basic: oauth.basic, second })
    }

    async fn application_secret(
        &self,
        reference: &SecretRef,
        endpoints: &Endpoints,
        client: &Client,
    ) -> Result<Secret, ResolveError> {
        let renewer: Arc<dyn Renew> = Arc::new(Renewer(client.clone()));
        self.resolver().resolve_for(reference, host(&endpoints.token).as_slice(), &renewer).await
    }
}

/// Where an integration's sign-in sends the application's secret: `login.example:443`.
pub fn token_host(integration: &Integration, definition: &Definition) -> Option<String> {
    definition.oauth.as_ref()?;
    host(&definition.endpoints(&prepare::fields(integration, definition).0).ok()?.token)
}

fn host(url: &reqwest::Url) -> Option<String> {
    Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?))
}

fn misconfigured(message: String) -> ResolveError {
    ResolveError { cause: Cause::Misconfigured, message }
}
