//! `call NAME [ACTION [KEY=VALUE…]]`: lists a provider's actions, or does one of them.

mod given;
mod show;

use super::{
    Answer, Exit, Failure, Out,
    world::{self, World},
};
use crate::{
    checks::{Checker, Network, call::limit},
    config::{paths::write_private, suggest},
    model::{Called, Integration, IntegrationId, text::sanitize},
    providers::{
        Definition,
        action::{Action, Call, FREE, METHODS, Wrong},
    },
};
use std::{
    io::{IsTerminal, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// What to call.
#[derive(Debug, clap::Args)]
pub struct CallArgs {
    /// The integration.
    name: String,
    /// One of its provider's actions, or `request`; without one they are listed.
    action: Option<String>,
    /// Parameters, as `key=value` or `key@file` (what the file holds); again for a list. After `request`: METHOD PATH.
    #[arg(value_name = "KEY=VALUE")]
    args: Vec<String>,
    /// The JSON a `request` sends.
    #[arg(long, value_name = "JSON", conflicts_with = "data_file")]
    data: Option<String>,
    /// The same from a file; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    data_file: Option<PathBuf>,
    /// Save the result: as CSV if the name ends in .csv, else as JSON.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Do not ask before a dangerous action.
    #[arg(long, short)]
    yes: bool,
}

pub(super) fn run(config: Option<PathBuf>, args: CallArgs, out: &mut Out) -> Answer {
    let world = World::open(config)?;
    let id = world.id(&args.name)?;
    for problem in &world.problems {
        out.complain(problem);
    }
    let (integration, definition) = bound(&world, &id)?;
    let Some(name) = &args.action else {
        show::list(&integration, &definition, out)?;
        return Ok(Exit::Good);
    };
    let (call, action) = if name == FREE {
        (free(&args, &definition)?, None)
    } else {
        let action = find(&definition, name)?;
        if args.data.is_some() || args.data_file.is_some() {
            let why = format!("--data belongs to `{FREE}`; give the parameters of '{name}' as key=value");
            return Err(Failure::new(Exit::Usage, why));
        }
        let given = given::read(&args.args, action)?;
        let values = action.values(&given).map_err(|all| wrong(action, &integration, &all))?;
        (Call::Action { name: action.name.clone(), values }, Some(action))
    };
    if action.is_some_and(|a| a.dangerous) && !args.yes {
        confirm(action, &integration)?;
    }
    world.paths.create()?;
    let called = call_now(&world, &integration, &definition, &call, limit(&integration, action))?;
    if let Some(file) = args.output.as_deref().filter(|_| called.is_done()) {
        save(file, &called)?;
        out.complain(&format!("saved in '{}'", file.display()));
    }
    show::called(&integration, &call, &called, args.output.is_some(), out)?;
    Ok(if called.is_done() { Exit::Good } else { Exit::NotActive })
}

/// The integration with its definition; what is wrong with it otherwise.
fn bound(world: &World, id: &IntegrationId) -> Result<(Integration, Arc<Definition>), Failure> {
    let entry = world.config.entries.iter().find(|e| e.integration.id == *id);
    let entry = entry.ok_or_else(|| Failure::new(Exit::NotFound, format!("no integration '{id}'")))?;
    crate::monitor::bind::one(entry, &world.registry, &world.config.file).map_err(|all| {
        Failure::new(Exit::BadConfig, all.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    })
}

fn call_now(
    world: &World,
    integration: &Integration,
    definition: &Arc<Definition>,
    call: &Call,
    limit: Duration,
) -> Result<Called, Failure> {
    let settings = &world.config.settings;
    let network = Network { proxy: settings.proxy.clone(), ca_file: settings.ca_file.clone(), ..Network::default() };
    let checker = Checker::new(&network, world.resolver.clone())?;
    world::runtime()?.block_on(async {
        let call = checker.call(integration, definition, call);
        tokio::select! {
            called = call => Ok(called),
            _ = tokio::signal::ctrl_c() => {
                let why = format!("cut off: what was asked may have been done all the same (it had {} s)", limit.as_secs());
                Err(Failure::new(Exit::Signal(130), why))
            }
        }
    })
}

/// The action, or a failure that names near ones.
fn find<'a>(definition: &'a Definition, name: &str) -> Result<&'a Action, Failure> {
    definition.actions.get(name).ok_or_else(|| {
        let mut known: Vec<&str> = definition.actions.keys().map(String::as_str).collect();
        if definition.takes_free() {
            known.push(FREE);
        }
        let name = sanitize(name, 80);
        let hint = suggest::hint(&name, known.iter().copied());
        let known =
            if known.is_empty() { "it has none".to_owned() } else { format!("there are: {}", known.join(", ")) };
        Failure::new(Exit::NotFound, format!("{} has no action '{name}'{hint}; {known}", definition.name))
    })
}

fn free(args: &CallArgs, definition: &Definition) -> Result<Call, Failure> {
    let usage = |why: String| Failure::new(Exit::Usage, why);
    if !definition.takes_free() {
        return Err(usage(format!("{} does not speak HTTP: it takes no free request", definition.name)));
    }
    let [method, path] = args.args.as_slice() else {
        return Err(usage(format!(
            "write: lampboard call {} {FREE} METHOD PATH, for example GET /",
            sanitize(&args.name, 80)
        )));
    };
    let method = method.to_ascii_uppercase();
    if !METHODS.contains(&&*method) {
        let known = METHODS.map(str::to_ascii_lowercase);
        let near = suggest::nearest(&method, known.iter().map(String::as_str));
        let hint = near.map(|n| format!(" (did you mean '{}'?)", n.to_ascii_uppercase())).unwrap_or_default();
        return Err(usage(format!(
            "'{}' is not a method{hint}; there are: {}",
            sanitize(&method, 40),
            known.join(", ")
        )));
    }
    let method = method.parse().map_err(|_| usage("the method cannot be sent".to_owned()))?;
    let body = match (&args.data, &args.data_file) {
        (Some(text), _) => Some(text.clone()),
        (None, Some(file)) => Some(given::text(file)?),
        (None, None) => None,
    };
    if let Some(Err(error)) = body.as_deref().map(serde_json::from_str::<serde::de::IgnoredAny>) {
        return Err(usage(format!("the data are not JSON: {error}")));
    }
    Ok(Call::Free { method, path: path.clone(), body })
}

/// Every complaint, with near names, and what the action takes.
fn wrong(action: &Action, integration: &Integration, all: &[crate::providers::action::BadArgument]) -> Failure {
    let known = || action.params.keys().map(String::as_str);
    let mut lines: Vec<String> = all
        .iter()
        .map(|bad| match bad.wrong {
            Wrong::Unknown => format!("{bad}{}", suggest::hint(&bad.name, known())),
            Wrong::Missing => {
                let label = action.params.get(&bad.name).map(|p| p.label.clone()).unwrap_or_default();
                format!("{bad} ({label})")
            }
            Wrong::Value(_) => bad.to_string(),
        })
        .collect();
    lines.push(format!("write: lampboard call {} {}", integration.id, show::usage(action)));
    Failure::new(Exit::Usage, lines.join("\n  "))
}

fn confirm(action: Option<&Action>, integration: &Integration) -> Result<(), Failure> {
    let what = action.map(|a| format!("{} ({})", a.name, a.label)).unwrap_or_default();
    let usage = |why: String| Failure::new(Exit::Usage, why);
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Err(usage(format!("'{what}' is dangerous and there is nobody to ask: add --yes if it is meant")));
    }
    let mut asked = std::io::stderr();
    write!(asked, "{what} on '{}': really? [y/N] ", integration.id).and_then(|()| asked.flush())?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(usage("nothing was done".to_owned())),
    }
}

fn save(file: &Path, called: &Called) -> Result<(), Failure> {
    let csv = file.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv"));
    let text = if csv { called.csv() } else { called.json() };
    write_private(file, text.as_bytes()).map_err(|e| {
        Failure::new(Exit::Failed, format!("the call was done, but '{}' cannot be written: {e}", file.display()))
    })
}
