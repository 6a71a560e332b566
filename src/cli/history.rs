//! `history NAME`: the last checks and incidents.

use super::{
    Answer, Exit, Failure, Out, view,
    world::{self, World},
};
use std::path::PathBuf;

/// Whose past, and how much of it.
#[derive(Debug, clap::Args)]
pub struct HistoryArgs {
    /// Which integration.
    name: String,
    /// How many checks, the newest first.
    #[arg(long, short = 'n', default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
}

pub(super) fn run(config: Option<PathBuf>, args: HistoryArgs, out: &mut Out) -> Answer {
    let world = World::open(config)?;
    let id = world.id(&args.name)?;
    let store = world.store(out);
    let limit = args.limit as usize;
    let (rows, incidents) = world::runtime()?.block_on(async {
        let rows = store.rows(id.clone(), limit).await?;
        let incidents = store.incidents(Some(id.clone()), limit).await?;
        Ok::<_, Failure>((rows, incidents))
    })?;
    if out.json {
        out.value(&serde_json::json!({
            "id": id.as_str(),
            "checks": rows.iter().map(|r| serde_json::json!({
                "at": r.at, "status": r.status().as_str(), "cause": r.cause.as_str(),
                "latency_ms": view::ms(r.latency), "code": r.code,
            })).collect::<Vec<_>>(),
            "incidents": incidents,
        }))?;
        return Ok(Exit::Good);
    }
    if rows.is_empty() {
        out.line(&format!("No check of '{id}' is on record yet. Check it now with: lampboard check {id}"))?;
        return Ok(Exit::Good);
    }
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|r| {
            vec![
                view::lamp(r.status()).to_owned(),
                r.at.to_string(),
                r.status().label().to_owned(),
                r.cause.label().to_owned(),
                view::latency(r.latency),
                r.code.map(|c| c.to_string()).unwrap_or_default(),
            ]
        })
        .collect();
    out.table(&["", "TIME (UTC)", "STATUS", "CAUSE", "LATENCY", "CODE"], &cells)?;
    if !incidents.is_empty() {
        out.line("")?;
        let cells: Vec<Vec<String>> = incidents
            .iter()
            .map(|i| {
                let closed = i.closed.map_or_else(|| "still open".to_owned(), |t| t.to_string());
                vec![i.opened.to_string(), closed, i.cause.label().to_owned(), i.evidence.clone()]
            })
            .collect();
        out.table(&["INCIDENT OPENED", "CLOSED", "CAUSE", "DECIDED BY"], &cells)?;
    }
    Ok(Exit::Good)
}
