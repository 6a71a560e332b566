//! docs/recipes.md: every piece is a configuration that can be used as it stands.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use lampboard::{
    config::Config,
    model::FieldValue,
    monitor::bind::bind,
    providers::{Registry, expression::Condition},
};
use std::path::Path;

fn pieces() -> Vec<String> {
    let text = std::fs::read_to_string("docs/recipes.md").unwrap();
    text.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

#[test]
fn every_recipe_is_taken_and_its_conditions_can_be_read() {
    let pieces = pieces();
    assert!(pieces.len() >= 8);
    let config = Config::parse(Path::new("config.toml"), &pieces.concat()).unwrap();
    let (integrations, complaints) = bind(&config, &Registry::built_in());
    assert!(complaints.is_empty(), "{complaints:?}");
    assert_eq!(integrations.len(), config.entries.len());
    let mut conditions = 0;
    for integration in integrations {
        if let Some(FieldValue::List(all)) = integration.fields.get("expect_json") {
            for condition in all {
                Condition::compile(condition).unwrap_or_else(|e| panic!("{}: {e}", integration.id));
                conditions += 1;
            }
        }
    }
    assert!(conditions >= 5);
}
