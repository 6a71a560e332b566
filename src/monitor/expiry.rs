//! Tells of a credential that is about to die: at 30, 14, 7 and 1 days, once each, over restarts.

use crate::{
    config::paths::write_private,
    model::{Integration, IntegrationId, Outcome},
};
use jiff::Timestamp;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Days before the end at which it is told.
const STEPS: [i64; 4] = [1, 7, 14, 30];

/// What was told already.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
struct File {
    #[serde(default)]
    told: BTreeMap<IntegrationId, Told>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct Told {
    /// The end it was told of, in epoch seconds; another end begins anew.
    end: i64,
    /// The least of the steps told.
    days: i64,
}

/// Remembers what was told, in a small file beside the list of paused integrations.
pub struct Expiry {
    path: PathBuf,
    told: BTreeMap<IntegrationId, Told>,
}

impl Expiry {
    /// Reads what was told before; a missing or damaged file tells everything once more.
    pub fn read(state: &Path) -> Expiry {
        let path = state.with_file_name("expiry.toml");
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let told = toml::from_str::<File>(&text).map(|f| f.told).unwrap_or_default();
        Expiry { path, told }
    }

    /// A sentence if this outcome says for the first time that the end is within a step.
    pub fn news(&mut self, integration: &Integration, outcome: &Outcome, now: Timestamp) -> Option<String> {
        let end = [outcome.credential_expires, integration.expires].into_iter().flatten().min()?;
        let left = (end.as_second() - now.as_second()).div_euclid(86_400);
        let days = STEPS.into_iter().find(|step| left < *step)?;
        let known = self.told.get(&integration.id);
        if known.is_some_and(|t| t.end == end.as_second() && t.days <= days) {
            return None;
        }
        self.told.insert(integration.id.clone(), Told { end: end.as_second(), days });
        self.write();
        let when = match left {
            ..0 => "has expired".to_owned(),
            0 => "expires within a day".to_owned(),
            1 => "expires tomorrow".to_owned(),
            _ => format!("expires in {left} days"),
        };
        Some(format!("The credential of {} {when}", integration.name))
    }

    fn write(&self) {
        let file = File { told: self.told.clone() };
        let written = toml::to_string(&file)
            .map_err(|e| e.to_string())
            .and_then(|text| write_private(&self.path, text.as_bytes()).map_err(|e| e.to_string()));
        if let Err(error) = written {
            tracing::warn!(error, "what was told of expiring credentials is not remembered");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Cause;

    fn integration() -> Integration {
        let config = crate::config::Config::parse(
            Path::new("config.toml"),
            "[integrations.a]\nprovider = \"tcp\"\nfields = { host = \"h\", port = \"1\" }\n",
        );
        config.unwrap().entries[0].integration.clone()
    }

    #[test]
    fn each_step_is_told_once_and_a_new_end_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state.toml");
        let start = Timestamp::from_second(1_800_000_000).unwrap();
        let day = |n: i64| start + jiff::SignedDuration::from_hours(24 * n);
        let mut outcome = Outcome::of(Cause::Ok, start, "", "");
        outcome.credential_expires = Some(day(40));
        let integration = integration();
        let mut told = Vec::new();
        for n in 0..42 {
            for _ in 0..3 {
                // Read anew each time: restarts tell nothing twice.
                told.extend(Expiry::read(&state).news(&integration, &outcome, day(n)).map(|text| (n, text)));
            }
        }
        let days: Vec<i64> = told.iter().map(|(n, _)| *n).collect();
        assert_eq!(days, [11, 27, 34, 40], "{told:?}");
        assert!(told[0].1.contains("expires in 29 days"), "{told:?}");
        outcome.credential_expires = Some(day(46));
        assert!(Expiry::read(&state).news(&integration, &outcome, day(41)).is_some(), "a renewed credential");
        outcome.credential_expires = None;
        assert!(Expiry::read(&state).news(&integration, &outcome, day(41)).is_none());
    }
}
