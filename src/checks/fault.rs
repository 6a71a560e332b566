//! A fault on demand, in debug builds alone: checks and calls of the integrations that the environment names panic as a
//! careless library would, with all they were given in the text. The journeys of `tests/leak_journeys.rs` need it.

use crate::model::{Integration, Secret};
use base64::{Engine, prelude::BASE64_STANDARD};
use indexmap::IndexMap;

/// Names of integrations, separated by commas.
const VARIABLE: &str = "LAMPBOARD_FAULT_PANIC";

/// Panics if it is to, with the secrets in several forms.
pub(super) fn panic_if_named(integration: &Integration, secrets: &IndexMap<String, Secret>) {
    let named = std::env::var(VARIABLE).unwrap_or_default();
    if !named.split(',').any(|name| name == integration.id.as_str()) {
        return;
    }
    let all = secrets.values().map(Secret::expose).collect::<Vec<_>>();
    let basic = BASE64_STANDARD.encode(format!("user:{}", all.join(":")));
    let plain = all.join(" ");
    panic!("cannot send {:?}: 'Bearer {plain}', 'Basic {basic}', {all:?}, {secrets:?}", integration.fields);
}
