//! `config.toml`: any text is judged, no complaint repeats a secret, and an edit keeps everything else.

use lampboard::{
    config::{Config, edit},
    monitor::bind,
    providers::Registry,
};
use std::{path::Path, sync::LazyLock};

static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::built_in);

/// Reads the bytes as a configuration.
pub fn run(data: &[u8]) {
    let Some(text) = super::planted(data) else { return };
    let config = match Config::parse(Path::new("config.toml"), &text) {
        Ok(config) => config,
        Err(complaints) => {
            assert!(!complaints.is_empty(), "refused without a reason");
            for complaint in complaints {
                super::assert_harmless(&complaint.to_string(), 2000);
            }
            return;
        }
    };
    let (good, complaints) = bind::bind(&config, &REGISTRY);
    assert!(good.len() <= config.entries.len());
    for complaint in complaints {
        super::assert_harmless(&complaint.to_string(), 2000);
    }
    let Some(first) = config.entries.first().map(|e| e.integration.id.to_string()) else { return };
    let folder = tempfile::tempdir_in(super::vault::fast()).expect("a folder");
    let file = folder.path().join("config.toml");
    std::fs::write(&file, &text).expect("a file");
    // What is not written as a table of its own may be refused; what is taken out must be all that is taken out.
    if let Ok(Some(_)) = edit::remove(&file, &first) {
        let after = Config::load(&file).expect("a valid file stays valid");
        let ids = |config: &Config| config.entries.iter().map(|e| e.integration.clone()).collect::<Vec<_>>();
        assert_eq!(ids(&after), ids(&config)[1..], "only '{first}' is gone");
        assert_eq!(after.settings, config.settings, "the settings are as they were");
    }
}
