//! `add PROVIDER NAME`: a form without a screen. Tested rung by rung before it is saved.

use super::{
    Answer, Exit, Failure, Out, provider, secret,
    world::{self, World},
};
use crate::{
    checks::{Rung, RungState},
    config::Settings,
    model::{Integration, IntegrationId, SecretRef, Status},
    monitor::{Draft, DraftValue, Place, UsualValue, usual_value},
    providers::{Definition, Field},
};
use indexmap::IndexMap;
use std::{path::PathBuf, time::Duration};

/// What to add.
#[derive(Debug, clap::Args)]
pub struct AddArgs {
    /// The provider's id; see `provider list`.
    provider: String,
    /// The integration's name: lower-case letters, digits, '-' and '_'.
    name: String,
    /// A field, as `key=value`; again for a list. A secret field takes a reference such as env:VAR or vault:NAME,
    /// or '-' to be asked for it (or to read it from standard input) and have it stored in the vault.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// A label for filters; may be given again.
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// Time between checks, in seconds.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(5..=2_592_000))]
    interval: Option<u64>,
    /// Save without testing first.
    #[arg(long)]
    no_test: bool,
}

pub(super) fn run(config: Option<PathBuf>, args: AddArgs, out: &mut Out) -> Answer {
    let world = World::open(config)?;
    let definition = provider::find(&world.registry, &args.provider)?.clone();
    let id = IntegrationId::new(&args.name).map_err(|e| Failure::new(Exit::Usage, e.to_string()))?;
    if world.config.entries.iter().any(|e| e.integration.id == id) {
        return Err(Failure::new(
            Exit::Usage,
            format!("'{id}' exists already. Choose another name, or remove it first: lampboard remove {id}"),
        ));
    }
    let draft = Draft {
        original: None,
        base: base(&id, &definition, &args.tags, args.interval, &world.config.settings),
        values: values(&definition, &id, &args.set, None, &Usual::of(&definition, &world)?, out)?,
    };
    world.paths.create()?;
    let store = world.store(out);
    let json = out.json;
    world::runtime()?.block_on(async {
        let handle = world::idle_monitor(world.started(store, false))?;
        let verdict = if args.no_test { None } else { Some(test(&handle, draft.clone(), out).await?) };
        let good = verdict.as_ref().is_none_or(|o| o.status() == Status::Active);
        if !good {
            handle.stop(Duration::from_secs(2)).await;
            return Err(Failure::new(
                Exit::NotActive,
                format!("not saved: the test did not end with an active integration. Mend it, or save anyway with: lampboard add {} {id} --no-test …", definition.id),
            ));
        }
        let saved = handle.save(draft).await.map_err(Failure::from);
        handle.stop(Duration::from_secs(2)).await;
        saved?;
        if json {
            out.value(&serde_json::json!({ "saved": id.as_str(), "tested": verdict.is_some() }))?;
        } else {
            out.line(&format!("Saved '{id}'. See it with: lampboard"))?;
        }
        Ok(Exit::Good)
    })
}

pub(super) fn base(
    id: &IntegrationId,
    definition: &Definition,
    tags: &[String],
    interval: Option<u64>,
    settings: &Settings,
) -> Integration {
    Integration {
        id: id.clone(),
        provider: definition.id.clone(),
        name: id.to_string(),
        tags: tags.to_vec(),
        fields: IndexMap::new(),
        enabled: true,
        interval: interval.map_or(settings.interval, Duration::from_secs),
        timeout: settings.timeout,
        attempts: settings.attempts,
        failures_to_open: settings.failures_to_open,
        successes_to_close: settings.successes_to_close,
        expires: None,
        ca_file: None,
        insecure: false,
        slow: None,
        needs_scopes: Vec::new(),
    }
}

/// The `key=value` pairs by key.
pub(super) fn given(set: &[String]) -> Result<IndexMap<&str, Vec<&str>>, Failure> {
    let mut given: IndexMap<&str, Vec<&str>> = IndexMap::new();
    for pair in set {
        let (key, value) = pair.split_once('=').ok_or_else(|| {
            Failure::new(Exit::Usage, "--set wants KEY=VALUE, for example --set base_url=https://example.org")
        })?;
        given.entry(key).or_default().push(value);
    }
    Ok(given)
}

/// Refuses keys that are no fields.
pub(super) fn known<'a>(definition: &Definition, mut keys: impl Iterator<Item = &'a str>) -> Result<(), Failure> {
    let Some(unknown) = keys.find(|key| !definition.fields.contains_key(*key)) else { return Ok(()) };
    let known: Vec<&str> = definition.fields.keys().map(String::as_str).collect();
    let unknown = crate::model::text::sanitize(unknown, 80);
    Err(Failure::new(
        Exit::Usage,
        format!("{} has no field '{unknown}'. It has: {}", definition.name, known.join(", ")),
    ))
}

/// What lies where other programs keep it, by field.
#[derive(Default)]
pub(super) struct Usual {
    values: IndexMap<String, UsualValue>,
    secrets: IndexMap<String, SecretRef>,
}

impl Usual {
    /// Looks for all fields of a definition.
    pub(super) fn of(definition: &Definition, world: &World) -> Result<Usual, Failure> {
        let mut found = Usual::default();
        world::runtime()?.block_on(async {
            for (name, field) in &definition.fields {
                if let Some(value) = usual_value(&world.resolver, field).await {
                    found.values.insert(name.clone(), value);
                }
                for place in field.usual().filter(|_| field.secret) {
                    if !found.secrets.contains_key(name) && world.resolver.usual(place).await.is_some() {
                        found.secrets.insert(name.clone(), SecretRef::of_place(place));
                    }
                }
            }
        });
        Ok(found)
    }
}

/// Every field's value; `signed` is left to a sign-in. What is not given is taken from where other programs keep it.
pub(super) fn values(
    definition: &Definition,
    id: &IntegrationId,
    set: &[String],
    signed: Option<&str>,
    usual: &Usual,
    out: &mut Out,
) -> Result<IndexMap<String, DraftValue>, Failure> {
    let given = given(set)?;
    let mut values = IndexMap::new();
    for (name, field) in definition.fields.iter().filter(|(name, _)| Some(name.as_str()) != signed) {
        let given = given.get(name.as_str()).map_or(&[][..], Vec::as_slice);
        if let Some(value) = value(field, given, id, usual, out)? {
            values.insert(name.clone(), value);
        }
    }
    known(definition, given.keys().copied())?;
    Ok(values)
}

pub(super) fn value(
    field: &Field,
    given: &[&str],
    id: &IntegrationId,
    usual: &Usual,
    out: &mut Out,
) -> Result<Option<DraftValue>, Failure> {
    if field.secret {
        return secret_value(field, given, id, usual, out);
    }
    if given.is_empty()
        && let Some(found) = usual.values.get(&field.name)
    {
        out.complain(&format!(
            "'{0}' is taken from {1}: '{2}'; to give another, use --set {0}=…",
            field.name, found.place, found.value
        ));
        return Ok(Some(DraftValue::Text(found.value.clone())));
    }
    match given {
        [] if field.required && field.default.is_none() => Err(Failure::new(
            Exit::Usage,
            format!("the field '{}' is missing: {}. Give it with --set {}=…", field.name, field.label, field.name),
        )),
        [] => Ok(None),
        many if field.list => Ok(Some(DraftValue::List(many.iter().map(|v| (*v).to_owned()).collect()))),
        [one] => Ok(Some(DraftValue::Text((*one).to_owned()))),
        _ => Err(Failure::new(Exit::Usage, format!("the field '{}' takes one value", field.name))),
    }
}

fn secret_value(
    field: &Field,
    given: &[&str],
    id: &IntegrationId,
    usual: &Usual,
    out: &mut Out,
) -> Result<Option<DraftValue>, Failure> {
    let typed = || -> Result<Option<DraftValue>, Failure> {
        let typed = secret::read(&format!("{}: ", field.label))?;
        Ok(Some(DraftValue::Typed(typed, Place::Vault(vault_name(id, &field.name)))))
    };
    if given == ["-"] {
        return typed();
    }
    if given.len() > 1 {
        return Err(Failure::new(Exit::Usage, format!("the field '{}' takes one value", field.name)));
    }
    if let [one] = given {
        let reference: SecretRef = one.parse().map_err(|_| {
            Failure::new(
                Exit::Usage,
                format!(
                    "'{0}' is a secret: on the command line give a reference (--set {0}=env:VAR, vault:NAME, file:PATH), or --set {0}=- to be asked or to pipe it in",
                    field.name
                ),
            )
        })?;
        return Ok(Some(DraftValue::Reference(reference)));
    }
    if !field.required {
        return Ok(None);
    }
    if let Some(reference) = usual.secrets.get(&field.name) {
        out.complain(&format!(
            "'{0}' is taken from {reference}, where there is one; to give another, use --set {0}=-",
            field.name
        ));
        return Ok(Some(DraftValue::Reference(reference.clone())));
    }
    typed()
}

/// `github` for the usual single token, `github-password` for any other field.
pub(super) fn vault_name(id: &IntegrationId, field: &str) -> String {
    let name = match field {
        "token" | "key" | "api_key" => id.to_string(),
        other => format!("{id}-{other}"),
    };
    name.chars().take(64).collect()
}

pub(super) async fn test(
    handle: &crate::monitor::Handle,
    draft: Draft,
    out: &mut Out,
) -> Result<crate::model::Outcome, Failure> {
    let (report, mut rungs) = tokio::sync::mpsc::unbounded_channel();
    let outcome = handle.test(draft, report).await;
    let mut last: IndexMap<&'static str, Rung> = IndexMap::new();
    while let Ok(rung) = rungs.try_recv() {
        last.insert(rung.name, rung);
    }
    if !out.json {
        for rung in last.values() {
            let lamp = match rung.state {
                RungState::Passed => "ok  ",
                RungState::Failed => "FAIL",
                RungState::Skipped => "--  ",
                RungState::Running => "…   ",
            };
            let time = rung.time.map(|t| format!(" ({})", super::view::latency(Some(t)))).unwrap_or_default();
            out.line(format!("{lamp}  {:<13}{}{time}", rung.name, rung.detail).trim_end())?;
            if rung.state == RungState::Failed && !rung.advice.is_empty() {
                out.line(&format!("      → {}", rung.advice))?;
            }
        }
    }
    Ok(outcome?)
}
