//! The `[oauth]` table of a definition file.

use super::Complaints;
use crate::providers::{
    Field, Probe,
    oauth::{self, Endpoint, OAuth},
    source,
};
use indexmap::IndexMap;
use toml::Spanned;

/// Compiles it; `None`: it was complained about.
pub(super) fn compile(
    c: &mut Complaints<'_>,
    table: source::OAuth,
    probe: &Probe,
    fields: &IndexMap<String, Field>,
) -> Option<OAuth> {
    let wanted = [(Some(&table.field), true), (Some(&table.client_id), false), (table.client_secret.as_ref(), true)];
    for (name, secret) in wanted.into_iter().filter_map(|(name, secret)| Some((name?, secret))) {
        if !fields.get(name.get_ref()).is_some_and(|f| f.secret == secret && !f.list) {
            let kind = if secret { "secret" } else { "plain" };
            c.at(Some(name.span().start), format!("'{}' names no {kind} field of this definition", name.get_ref()));
        }
    }
    let at = Some(table.token.span().start);
    let mut endpoint = |text: &Spanned<String>| {
        let at = Some(text.span().start);
        let Some((origin, path)) = oauth::split(text.get_ref()) else {
            c.at(at, format!("'{}' is neither /path nor https://host/path", text.get_ref()));
            return None;
        };
        if origin.is_none() && table.base_url.is_none() && !matches!(probe, Probe::Http(_)) {
            c.at(at, "a path needs 'base_url' in [oauth]");
        }
        let origin = origin.map(|text| c.template(text, at, fields));
        let path = c.template(path, at, fields)?;
        Some(Endpoint { origin: origin.map_or(Some(None), |o| o.map(Some))?, path })
    };
    let (device, authorize) = (table.device.as_ref().map(&mut endpoint), table.authorize.as_ref().map(&mut endpoint));
    let token = endpoint(&table.token)?;
    if device.is_none() && authorize.is_none() && !table.client_credentials {
        c.at(at, "[oauth] needs 'device', 'authorize' or 'client_credentials'");
    }
    if table.client_secret.is_none() && (table.client_credentials || !table.secret_for.is_empty()) {
        c.at(at, "[oauth] needs 'client_secret': the name of the field that holds it");
    }
    let mut template = |text: &Spanned<String>| c.template(text.get_ref(), Some(text.span().start), fields);
    let mut all = |params: &IndexMap<String, Spanned<String>>| {
        params.iter().filter_map(|(key, value)| Some((key.clone(), template(value)?))).collect::<Vec<_>>()
    };
    let (params, authorize_params) = (all(&table.params), all(&table.authorize_params));
    Some(OAuth {
        field: table.field.into_inner(),
        client_id: table.client_id.into_inner(),
        client_secret: table.client_secret.map(Spanned::into_inner),
        secret_for: table.secret_for,
        basic: table.client_auth == source::ClientAuth::Basic,
        app_url: table.app_url,
        help: table.help,
        base: table.base_url.as_ref().and_then(&mut template),
        device: device.flatten(),
        authorize: authorize.flatten(),
        token,
        client: table.client_credentials,
        scopes: table.scopes.as_ref().and_then(&mut template),
        params,
        authorize_params,
    })
}
