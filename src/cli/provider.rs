//! `provider list|show|lint|test`.

use super::{Answer, Exit, Failure, Out, world};
use crate::{
    config::suggest,
    providers::{
        Definition, Origin, Probe, Registry,
        oauth::{OAuth, Way},
        registry::lint,
    },
};
use std::path::PathBuf;

/// What to do with provider definitions.
#[derive(Debug, clap::Subcommand)]
pub enum ProviderCommand {
    /// List every provider that can be added.
    List,
    /// Show one provider: its form, its check, what a check costs.
    Show {
        /// Its id.
        id: String,
    },
    /// Check definition files: errors, then what could be better.
    Lint {
        /// The files; the user's folder without one.
        files: Vec<PathBuf>,
    },
    /// Replay a definition's recorded examples through the real engine.
    Test {
        /// Its id; all without one.
        id: Option<String>,
    },
}

pub(super) fn run(config: Option<PathBuf>, command: ProviderCommand, out: &mut Out) -> Answer {
    let paths = world::paths(config)?;
    let (registry, problems) = Registry::load(Some(&paths.providers), None);
    for problem in &problems {
        out.complain(&world::problem_text(problem));
    }
    match command {
        ProviderCommand::List => list(&registry, out),
        ProviderCommand::Show { id } => show(find(&registry, &id)?, out),
        ProviderCommand::Lint { files } => {
            lint_files(if files.is_empty() { user_files(&paths.providers)? } else { files }, out)
        }
        ProviderCommand::Test { id } => test(&registry, id.as_deref(), out),
    }
}

/// The definition, or a failure that names near ones.
pub(super) fn find<'a>(registry: &'a Registry, id: &str) -> Result<&'a Definition, Failure> {
    registry.get(id).map(|d| &**d).ok_or_else(|| {
        let id = crate::model::text::sanitize(id, 80);
        let ids = || registry.iter().map(|d| d.id.as_str());
        let mut hint = suggest::hint(&id, ids());
        // A name that holds another (`azure`, `github-enterprise`) is no typing slip, but as clear.
        let near: Vec<&str> = ids().filter(|d| id.len() > 2 && (d.contains(&*id) || id.contains(d))).collect();
        if hint.is_empty() && !near.is_empty() {
            hint = format!(" (did you mean '{}'?)", near.join("' or '"));
        }
        Failure::new(Exit::NotFound, format!("no provider '{id}'{hint}; all of them: lampboard provider list"))
    })
}

fn kind(definition: &Definition) -> String {
    match &definition.probe {
        Probe::Http(_) => "http".to_owned(),
        Probe::Coded(kind) => kind.as_str().to_owned(),
    }
}

fn origin(definition: &Definition) -> String {
    match &definition.origin {
        Origin::BuiltIn => "built in".to_owned(),
        Origin::User(path) => path.display().to_string(),
    }
}

fn category(definition: &Definition) -> String {
    serde_json::to_value(definition.category).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

fn list(registry: &Registry, out: &mut Out) -> Answer {
    if out.json {
        let all: Vec<_> = registry
            .iter()
            .map(|d| serde_json::json!({ "id": d.id, "name": d.name, "category": category(d), "kind": kind(d), "level": d.level(), "cost": d.cost, "origin": origin(d), "examples": d.examples.len() }))
            .collect();
        out.value(&all)?;
        return Ok(Exit::Good);
    }
    let rows: Vec<Vec<String>> = registry
        .iter()
        .map(|d| vec![d.id.clone(), d.name.clone(), category(d), kind(d), d.level().as_str().to_owned(), origin(d)])
        .collect();
    out.table(&["ID", "NAME", "CATEGORY", "CHECK", "LEVEL", "FROM"], &rows)?;
    Ok(Exit::Good)
}

fn show(definition: &Definition, out: &mut Out) -> Answer {
    let ways = definition.oauth.as_ref().map(OAuth::ways).unwrap_or_default();
    let ways: Vec<&str> = ways.into_iter().map(Way::as_str).collect();
    if out.json {
        let fields: Vec<_> = definition
            .fields
            .values()
            .map(|f| {
                serde_json::json!({ "name": f.name, "label": f.label, "secret": f.secret, "required": f.required, "list": f.list,
                    "default": f.default, "env": f.env, "choices": f.choices, "help": f.help })
            })
            .collect();
        out.value(&serde_json::json!({
            "id": definition.id, "name": definition.name, "category": category(definition), "kind": kind(definition),
            "docs": definition.docs, "key_url": definition.key_url, "status_page": definition.status_page,
            "cost": definition.cost, "min_interval_s": definition.min_interval.as_secs(), "origin": origin(definition),
            "fields": fields, "actions": definition.actions.keys().collect::<Vec<_>>(),
            "examples": definition.examples.iter().map(|e| &e.name).collect::<Vec<_>>(), "sign_in": ways,
        }))?;
        return Ok(Exit::Good);
    }
    let mut pairs = vec![
        ("Provider".to_owned(), format!("{} ({})", definition.name, definition.id)),
        ("Category".to_owned(), category(definition)),
        ("Check".to_owned(), kind(definition)),
        ("Cost".to_owned(), definition.cost.clone()),
        ("From".to_owned(), origin(definition)),
    ];
    for (label, value) in [
        ("Key made at", &definition.key_url),
        ("Documentation", &definition.docs),
        ("Status page", &definition.status_page),
    ] {
        if let Some(value) = value {
            pairs.push((label.to_owned(), value.clone()));
        }
    }
    if let Some(oauth) = &definition.oauth {
        pairs.push(("Sign in".to_owned(), format!("lampboard login NAME (by {})", ways.join(" or "))));
        pairs
            .extend(oauth.app_url.as_ref().map(|url| ("Application at".to_owned(), format!("{url} ({})", oauth.help))));
    }
    out.pairs(&pairs)?;
    out.line("")?;
    let rows: Vec<Vec<String>> = definition
        .fields
        .values()
        .map(|f| {
            let mut traits = vec![if f.required { "required" } else { "optional" }];
            if f.secret {
                traits.push("secret");
            }
            if f.list {
                traits.push("list");
            }
            let mut help = f.help.clone();
            if let Some(default) = &f.default {
                help = format!("{help} (default: {default})");
            }
            if !f.env.is_empty() {
                help = format!("{help} (usually in {})", f.env.join(" or "));
            }
            vec![f.name.clone(), traits.join(", "), help.trim().to_owned()]
        })
        .collect();
    out.table(&["FIELD", "", "HELP"], &rows)?;
    if !definition.actions.is_empty() {
        out.line("")?;
        let rows: Vec<_> = definition.actions.values().map(|a| vec![a.name.clone(), a.label.clone()]).collect();
        out.table(&["ACTION", "WHAT IT DOES"], &rows)?;
    }
    Ok(Exit::Good)
}

fn user_files(folder: &std::path::Path) -> Result<Vec<PathBuf>, Failure> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(Vec::new()) };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "toml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn lint_files(files: Vec<PathBuf>, out: &mut Out) -> Answer {
    let mut complaints = Vec::new();
    for file in &files {
        let text = std::fs::read_to_string(file)
            .map_err(|e| Failure::new(Exit::Failed, format!("cannot read '{}': {e}", file.display())))?;
        complaints.extend(lint(file, &text));
    }
    if out.json {
        let list: Vec<_> = complaints
            .iter()
            .map(|p| serde_json::json!({ "file": p.file.display().to_string(), "line": p.line, "column": p.column, "message": p.message }))
            .collect();
        out.value(&list)?;
    } else {
        for complaint in &complaints {
            out.line(&world::problem_text(complaint))?;
        }
        out.line(&format!("{} files, {} complaints", files.len(), complaints.len()))?;
    }
    Ok(if complaints.is_empty() { Exit::Good } else { Exit::BadConfig })
}

fn test(registry: &Registry, id: Option<&str>, out: &mut Out) -> Answer {
    let definitions: Vec<&Definition> = match id {
        Some(id) => vec![find(registry, id)?],
        None => registry.iter().map(|d| &**d).collect(),
    };
    let mut results = Vec::new();
    for definition in definitions {
        let played = definition.replay_all().into_iter();
        results.extend(played.map(|(name, result)| (definition.id.clone(), name, result.err())));
    }
    let failed = results.iter().filter(|(_, _, error)| error.is_some()).count();
    if out.json {
        let list: Vec<_> = results
            .iter()
            .map(|(id, name, error)| serde_json::json!({ "provider": id, "example": name, "passed": error.is_none(), "error": error }))
            .collect();
        out.value(&list)?;
    } else {
        for (id, name, error) in &results {
            match error {
                None => out.line(&format!("ok    {id}: {name}"))?,
                Some(error) => out.line(&format!("FAIL  {id}: {name}: {error}"))?,
            }
        }
        out.line(&format!("{} examples, {failed} failed", results.len()))?;
    }
    Ok(if failed == 0 { Exit::Good } else { Exit::BadConfig })
}
