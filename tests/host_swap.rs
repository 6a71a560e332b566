//! Whatever stands in a form's fields, the request of a built-in definition goes where the definition says.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use indexmap::IndexMap;
use lampboard::{
    model::Secret,
    providers::{Definition, Probe, Registry},
};
use proptest::prelude::*;
use std::sync::Arc;

/// Every definition with an HTTP check.
fn definitions() -> Vec<Arc<Definition>> {
    Registry::built_in().iter().filter(|d| matches!(d.probe, Probe::Http(_))).cloned().collect()
}

/// The fields as the definition's own examples fill them, and its secrets.
fn usual(definition: &Definition) -> (IndexMap<String, String>, IndexMap<String, Secret>) {
    let fields = definition.fields.values();
    let plain = fields.clone().filter(|f| !f.secret);
    let value = |f: &lampboard::providers::Field| f.example.clone().or(f.default.clone());
    let secret = |f: &lampboard::providers::Field| {
        (f.name.clone(), Secret::new(f.example.clone().unwrap_or_else(|| "0123456789abcdef".to_owned())))
    };
    (
        plain.filter_map(|f| Some((f.name.clone(), value(f)?))).collect(),
        fields.filter(|f| f.secret).map(secret).collect(),
    )
}

/// Values that change where a URL leads when they are put into it as they are.
fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{1,30}",
        "[a-z0-9./@:#?%\\\\-]{1,30}",
        Just("evil.test/#".to_owned()),
        Just("evil.test?".to_owned()),
        Just("x@evil.test".to_owned()),
        Just("..".to_owned()),
        Just("../../evil".to_owned()),
        Just("//evil.test/".to_owned()),
        Just("\\\\evil.test\\".to_owned()),
        Just("a\r\nHost: evil.test".to_owned()),
        Just("%2e%2e%2f".to_owned()),
        Just("evil.test%00".to_owned()),
    ]
}

#[test]
fn usual_fields_make_a_request_everywhere() {
    let all = definitions();
    let made = all.iter().filter(|definition| {
        let (fields, secrets) = usual(definition);
        let Probe::Http(probe) = &definition.probe else { return false };
        probe.request.build(&fields, &secrets).is_ok()
    });
    let (made, all) = (made.count(), all.len());
    assert!(all > 40 && made * 10 >= all * 9, "only {made} of {all}: the test below would prove little");
}

proptest! {
    #[test]
    fn no_field_moves_the_request_of_any_definition(value in hostile()) {
        for definition in definitions() {
            let Probe::Http(probe) = &definition.probe else { continue };
            let (fields, secrets) = usual(&definition);
            let Ok(before) = probe.request.build(&fields, &secrets) else { continue };
            // The address itself is the user's to choose; its field is no part of this.
            let address = |f: &lampboard::providers::Field| {
                let like = [&f.example, &f.default, &f.pattern].into_iter().flatten().any(|t| t.contains("http"));
                like || f.name == "base_url" || f.name == "url"
            };
            for name in definition.fields.values().filter(|f| !f.secret && !address(f)).map(|f| &f.name) {
                let mut fields = fields.clone();
                fields.insert(name.clone(), value.clone());
                let Ok(after) = probe.request.build(&fields, &secrets) else { continue };
                let domain = |url: &reqwest::Url| -> Vec<String> {
                    let labels: Vec<String> = url.host_str().unwrap_or_default().split('.').map(str::to_owned).collect();
                    labels[labels.len().saturating_sub(2)..].to_vec()
                };
                let depth = |url: &reqwest::Url| url.path_segments().map_or(0, Iterator::count);
                let labels = |url: &reqwest::Url| url.host_str().unwrap_or_default().split('.').count();
                let (a, b) = (&after.url, &before.url);
                prop_assert_eq!(a.scheme(), b.scheme(), "{}: {} = {:?}", &definition.id, name, &value);
                prop_assert_eq!(domain(a), domain(b), "{}: {} = {:?}", &definition.id, name, &value);
                prop_assert_eq!(labels(a), labels(b), "{}: {} = {:?}", &definition.id, name, &value);
                prop_assert_eq!(a.port(), b.port(), "{}: {} = {:?}", &definition.id, name, &value);
                prop_assert_eq!(depth(a), depth(b), "{}: {} = {:?}", &definition.id, name, &value);
                prop_assert!(a.fragment().is_none() && a.username().is_empty() && a.password().is_none());
            }
        }
    }
}
