//! From an integration and its definition to what a probe is given: fields with defaults, resolved secrets, the host.

use crate::{
    model::{Cause, FieldValue, Integration, Outcome, Secret},
    providers::{CodedKind, Definition, Probe, http::Also},
    secrets::{Renew, Resolver},
};
use indexmap::IndexMap;
use jiff::Timestamp;
use std::sync::Arc;

/// Plain fields and list fields, the definition's defaults filled in.
pub fn fields(
    integration: &Integration,
    definition: &Definition,
) -> (IndexMap<String, String>, IndexMap<String, Vec<String>>) {
    let (mut fields, mut lists) = (IndexMap::new(), IndexMap::new());
    for (name, field) in definition.fields.iter().filter(|(_, f)| !f.secret) {
        match integration.fields.get(name) {
            Some(FieldValue::List(values)) => {
                lists.insert(name.clone(), values.clone());
            }
            Some(FieldValue::Text(value)) if field.list => {
                lists.insert(name.clone(), vec![value.clone()]);
            }
            Some(FieldValue::Text(value)) => {
                fields.insert(name.clone(), value.clone());
            }
            Some(FieldValue::Secret(_)) | None => {
                if let Some(default) = &field.default {
                    fields.insert(name.clone(), default.clone());
                }
            }
        }
    }
    (fields, lists)
}

/// Every secret field, resolved; a required one that is absent or cannot be had is the check's outcome.
pub async fn secrets(
    resolver: &Resolver,
    integration: &Integration,
    definition: &Definition,
    overrides: &IndexMap<String, Secret>,
    renew: &Arc<dyn Renew>,
) -> Result<IndexMap<String, Secret>, Box<Outcome>> {
    let of_vault = integration.secrets().any(|(_, reference)| matches!(reference, crate::model::SecretRef::Vault(_)));
    let destinations = if of_vault { destinations(integration, definition) } else { Vec::new() };
    secrets_for(resolver, integration, definition, overrides, &destinations, renew).await
}

/// The same for a request that goes elsewhere than the check: to these hosts and ports.
pub async fn secrets_for(
    resolver: &Resolver,
    integration: &Integration,
    definition: &Definition,
    overrides: &IndexMap<String, Secret>,
    destinations: &[String],
    renew: &Arc<dyn Renew>,
) -> Result<IndexMap<String, Secret>, Box<Outcome>> {
    let mut secrets = IndexMap::new();
    // An application's secret is for signing in; no check has a use for it.
    let aside = definition.oauth.as_ref().and_then(|o| o.client_secret.as_deref());
    for (name, field) in definition.fields.iter().filter(|(name, f)| f.secret && Some(name.as_str()) != aside) {
        if let Some(secret) = overrides.get(name) {
            secrets.insert(name.clone(), secret.clone());
            continue;
        }
        match integration.fields.get(name) {
            Some(FieldValue::Secret(reference)) => match resolver.resolve_for(reference, destinations, renew).await {
                Ok(secret) => {
                    secrets.insert(name.clone(), secret);
                }
                Err(error) => {
                    return Err(Box::new(Outcome::of(
                        error.cause,
                        Timestamp::now(),
                        format!("{reference}"),
                        &error.message,
                    )));
                }
            },
            _ if field.required => {
                let why = format!("the field '{name}' ({}) has no value", field.label);
                return Err(Box::new(Outcome::of(
                    Cause::MissingCredential,
                    Timestamp::now(),
                    "the configuration",
                    &why,
                )));
            }
            _ => {}
        }
    }
    Ok(secrets)
}

/// Every host and port the check's credentials may be sent to, the main one first.
pub fn destinations(integration: &Integration, definition: &Definition) -> Vec<String> {
    let also = match &definition.probe {
        Probe::Http(probe) => probe.also.as_slice(),
        Probe::Coded(_) => &[],
    };
    destinations_of(host(integration, definition), also, integration, definition)
}

/// The same for one request of its own: its host, and where its sign-in goes.
pub fn destinations_of(
    host: Option<String>,
    also: &[Also],
    integration: &Integration,
    definition: &Definition,
) -> Vec<String> {
    let mut all: Vec<String> = host.into_iter().collect();
    if let Probe::Http(probe) = &definition.probe {
        let (fields, _) = fields(integration, definition);
        let also = also.iter().map(|also| &also.probe.request);
        for request in probe.login.iter().map(|login| &login.request).chain(also).filter(|request| request.signs()) {
            let host = request.base_url(&fields).ok().as_ref().and_then(of_url);
            all.extend(host.filter(|h| !all.contains(h)));
        }
        for place in probe.login.iter().flat_map(|login| login.trusted(&fields)) {
            let host = crate::providers::challenge::host_and_port(&place);
            all.extend(host.filter(|h| !all.contains(h)));
        }
    }
    all
}

fn of_url(url: &reqwest::Url) -> Option<String> {
    Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?))
}

/// The port of MQTT brokers where none is given.
pub fn mqtt_port(tls: bool) -> &'static str {
    if tls { "8883" } else { "1883" }
}

/// Host and port the check will talk to. `None`: no host, or the fields are wrong.
pub fn host(integration: &Integration, definition: &Definition) -> Option<String> {
    let (fields, _) = fields(integration, definition);
    match &definition.probe {
        Probe::Http(probe) => of_url(&probe.request.base_url(&fields).ok()?),
        Probe::Coded(CodedKind::HttpAny) => of_url(&reqwest::Url::parse(fields.get("url")?).ok()?),
        Probe::Coded(CodedKind::Command | CodedKind::Sqlite) => None,
        // Without a port, so that the ladder connects to nothing; in brackets, so that no part of an IPv6 address looks like one.
        Probe::Coded(CodedKind::Ping) => Some(format!("[{}]", fields.get("host")?.trim_matches(['[', ']']))),
        Probe::Coded(CodedKind::Dns) => Some(fields.get("server").cloned().unwrap_or_else(|| "dns".to_owned())),
        Probe::Coded(kind) => {
            let usual = match kind {
                CodedKind::Tls => "443",
                CodedKind::Redis => "6379",
                CodedKind::Postgres => "5432",
                CodedKind::Nats => "4222",
                CodedKind::Smtp => "587",
                CodedKind::Mysql => "3306",
                CodedKind::Mongodb => "27017",
                CodedKind::Kafka => "9092",
                CodedKind::Mqtt => mqtt_port(fields.get("tls").is_some_and(|t| t == "yes")),
                _ => "0",
            };
            let port = fields.get("port").map(String::as_str).filter(|p| !p.is_empty());
            Some(format!("{}:{}", fields.get("host")?, port.unwrap_or(usual)))
        }
    }
}
