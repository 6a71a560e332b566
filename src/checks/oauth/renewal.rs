//! Tokens without a person: for the application itself, and by refreshing.

use super::{
    Application,
    wire::{self, Asker},
};
use crate::{
    checks::client::Client,
    model::{Cause, Tokens},
    secrets::{Renew, ResolveError, renew::Renewing},
};

/// Client credentials (RFC 6749, 4.4).
pub(super) async fn as_client(application: &Application) -> Result<Tokens, ResolveError> {
    let mut form = application.common();
    form.add("grant_type", "client_credentials");
    let url = &application.endpoints.token;
    let answer = Asker::from(application).ask(url, form).await?;
    wire::tokens(&answer, application.grant(true), url.host_str().unwrap_or_default())
}

/// Renews over this client.
pub(in crate::checks) struct Renewer(pub(in crate::checks) Client);

impl Renew for Renewer {
    fn renew<'a>(&'a self, old: &'a Tokens) -> Renewing<'a> {
        Box::pin(async move {
            let grant = &old.grant;
            let url: reqwest::Url = grant.token_url.parse().map_err(|_| ResolveError {
                cause: Cause::Misconfigured,
                message: "the address where the sign-in is renewed is no URL: sign in again".to_owned(),
            })?;
            let mut form = wire::Form::default();
            match &grant.refresh {
                Some(refresh) => {
                    form.add("grant_type", "refresh_token");
                    form.add_secret("refresh_token", refresh);
                }
                None => {
                    form.add("grant_type", "client_credentials");
                    if !grant.scope.is_empty() {
                        form.add("scope", &grant.scope);
                    }
                }
            }
            for (key, value) in &grant.params {
                form.add(key, value);
            }
            let asker = Asker {
                client: &self.0,
                id: &grant.client_id,
                secret: grant.client_secret.as_ref(),
                basic: grant.basic,
            };
            let answer = asker.ask(&url, form).await?;
            wire::tokens(&answer, grant.clone(), url.host_str().unwrap_or_default())
        })
    }
}
