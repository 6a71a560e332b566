//! `audit`: who did what to which secret. Never a value.

use super::{Answer, Exit, Out, world};
use crate::secrets::Audit;
use std::path::PathBuf;

pub(super) fn run(config: Option<PathBuf>, count: usize, out: &mut Out) -> Answer {
    let paths = world::paths(config)?;
    let records = Audit::new(&paths.audit).latest(count)?;
    if out.json {
        out.value(&records)?;
    } else if records.is_empty() {
        out.line("Nothing was done to any secret yet.")?;
    } else {
        let rows: Vec<Vec<String>> = records
            .iter()
            .map(|r| {
                let at = r.at.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
                vec![at, r.user.clone(), r.action.clone(), r.target.clone(), r.outcome.clone()]
            })
            .collect();
        out.table(&["WHEN", "UID", "ACTION", "TARGET", "OUTCOME"], &rows)?;
    }
    Ok(Exit::Good)
}
