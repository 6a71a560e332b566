//! Which providers the picker shows, in which order: grouped by shelf, or by how well they match what is typed.

use super::{AddState, Form};
use crate::providers::{Category, Definition};
use nucleo_matcher::{
    Config, Matcher, Utf32Str,
    pattern::{CaseMatching, Normalization, Pattern},
};
use std::sync::Arc;

/// Something that can be picked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pick {
    /// An unfinished form, by its serial.
    Unfinished(u64),
    /// A provider, by its id.
    Provider(String),
}

/// A row of the picker.
#[derive(Debug, Clone)]
pub enum Row<'a> {
    /// A shelf's name, or "Unfinished".
    Heading(&'static str),
    /// A form left with something typed in it.
    Unfinished(&'a Form),
    /// A provider.
    Provider(&'a Arc<Definition>),
}

impl Row<'_> {
    /// What picking this row means; a heading means nothing.
    pub fn pick(&self) -> Option<Pick> {
        match self {
            Row::Heading(_) => None,
            Row::Unfinished(form) => Some(Pick::Unfinished(form.serial)),
            Row::Provider(definition) => Some(Pick::Provider(definition.id.clone())),
        }
    }
}

/// A shelf's name for people.
pub const fn shelf(category: Category) -> &'static str {
    match category {
        Category::Ai => "AI",
        Category::AiCli => "AI command lines",
        Category::DevTool => "Developer tools",
        Category::Cloud => "Cloud",
        Category::Database => "Databases",
        Category::Messaging => "Messaging",
        Category::Observability => "Observability",
        Category::Platform => "Platforms",
        Category::Generic => "Others",
    }
}

/// The rows to show now.
pub fn rows<'a>(add: &'a AddState, definitions: &'a [Arc<Definition>]) -> Vec<Row<'a>> {
    let query = add.query.value().trim();
    if !query.is_empty() {
        return matching(query, definitions).into_iter().map(Row::Provider).collect();
    }
    let mut out = Vec::new();
    if !add.unfinished.is_empty() {
        out.push(Row::Heading("Unfinished"));
        out.extend(add.unfinished.iter().rev().map(Row::Unfinished));
    }
    let mut sorted: Vec<_> = definitions.iter().collect();
    sorted.sort_by_cached_key(|d| (d.category, d.name.to_lowercase()));
    let mut shelf_now = None;
    for definition in sorted {
        if shelf_now != Some(definition.category) {
            out.push(Row::Heading(shelf(definition.category)));
            shelf_now = Some(definition.category);
        }
        out.push(Row::Provider(definition));
    }
    out
}

/// The best match first; what does not match at all is left out.
fn matching<'a>(query: &str, definitions: &'a [Arc<Definition>]) -> Vec<&'a Arc<Definition>> {
    let mut matcher = Matcher::new(Config::DEFAULT);
    let pattern = Pattern::parse(query, CaseMatching::Ignore, Normalization::Smart);
    let mut buffer = Vec::new();
    let mut score = |text: &str| pattern.score(Utf32Str::new(text, &mut buffer), &mut matcher).unwrap_or(0);
    let mut found: Vec<_> = definitions
        .iter()
        .filter_map(|d| {
            // A hit in the name outweighs one in the shelf; words may be spread over both.
            let own = score(&d.id).max(score(&d.name)) * 4;
            let all = score(&format!("{} {} {}", d.id, d.name, shelf(d.category)));
            (own.max(all) > 0).then_some((own.max(all), d))
        })
        .collect();
    found.sort_by(|a, b| {
        b.0.cmp(&a.0).then_with(|| a.1.name.len().cmp(&b.1.name.len())).then_with(|| a.1.id.cmp(&b.1.id))
    });
    found.into_iter().map(|(_, d)| d).collect()
}

/// The index of the selected row: what is selected if it is shown, else the first that can be picked.
pub fn selected(add: &AddState, rows: &[Row<'_>]) -> Option<usize> {
    let wanted = add.selected.as_ref();
    rows.iter()
        .position(|r| wanted.is_some() && r.pick().as_ref() == wanted)
        .or_else(|| rows.iter().position(|r| r.pick().is_some()))
}
