//! A provider's definition: any text is judged, and whatever it says, its fields cannot move the request elsewhere.

use indexmap::IndexMap;
use lampboard::{
    model::Secret,
    providers::{Origin, Probe, compile::compile, lint::lint},
};
use std::path::Path;

/// Reads the bytes as a definition.
pub fn run(data: &[u8]) {
    let Some(text) = std::str::from_utf8(data).ok().filter(|_| !super::guessed(data)) else { return };
    // Its file's name must be its id.
    let id = text.lines().find_map(|l| l.strip_prefix("id = \"")?.split('"').next()).unwrap_or("mine");
    let name = format!("{id}.toml");
    let file = Path::new(&name);
    lint(file, text);
    let Ok(definition) = compile(file, text, Origin::BuiltIn) else { return };
    definition.level();
    let Probe::Http(probe) = &definition.probe else { return };
    let usual: IndexMap<String, String> = definition
        .fields
        .values()
        .filter(|f| !f.secret)
        .filter_map(|f| Some((f.name.clone(), f.default.clone().or(f.example.clone())?)))
        .collect();
    let secrets: IndexMap<String, Secret> = definition
        .fields
        .values()
        .filter(|f| f.secret)
        .map(|f| (f.name.clone(), Secret::new(super::CANARY.to_owned())))
        .collect();
    match probe.request.build(&usual, &secrets) {
        Ok(request) => {
            super::assert_hidden(&format!("{request:?}"));
            let base = probe.request.base_url(&usual).expect("the request was built from it");
            assert_eq!(request.url.origin(), base.origin(), "the path or the query moved the request");
        }
        Err(error) => super::assert_hidden(&error.to_string()),
    }
}
