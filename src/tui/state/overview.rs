//! The overview: which entries pass the filter in which order, which one is selected, how the rows are laid out.

use super::filter::Filter;
use crate::{
    model::{IntegrationId, Status},
    monitor::{Entry, Snapshot},
    tui::widgets::{lamp, text_field::TextField},
};
use std::{cmp::Reverse, ops::Range};

/// Table or cards.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum View {
    #[default]
    Table,
    Cards,
}

impl View {
    /// The word in config.toml.
    pub const fn as_str(self) -> &'static str {
        match self {
            View::Table => "table",
            View::Cards => "cards",
        }
    }
}

/// Orders of the rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the labels say it")]
pub enum Sort {
    #[default]
    Config,
    Name,
    Status,
    Latency,
    LastCheck,
}

impl Sort {
    /// The next in the round.
    pub const fn next(self) -> Sort {
        match self {
            Sort::Config => Sort::Name,
            Sort::Name => Sort::Status,
            Sort::Status => Sort::Latency,
            Sort::Latency => Sort::LastCheck,
            Sort::LastCheck => Sort::Config,
        }
    }

    /// In words.
    pub const fn label(self) -> &'static str {
        match self {
            Sort::Config => "as in the file",
            Sort::Name => "by name",
            Sort::Status => "worst first",
            Sort::Latency => "slowest first",
            Sort::LastCheck => "latest check first",
        }
    }
}

/// One line of the list: a heading or some entries side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListLine {
    /// A category and how many entries follow.
    Heading(&'static str, usize),
    /// Positions in the order, side by side.
    Items(Range<usize>),
}

/// A card's columns and rows, the border included.
pub const CARD: (u16, u16) = (38, 6);

/// What a derived list was made from.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Made {
    version: u64,
    entries: usize,
    filter: Filter,
    sort: Sort,
    grouped: bool,
    across: usize,
}

/// The overview's state.
#[derive(Debug, Default)]
pub struct Overview {
    /// Table or cards.
    pub view: View,
    /// The order.
    pub sort: Sort,
    /// With headings per category.
    pub grouped: bool,
    /// The filter's text.
    pub filter: TextField,
    /// The filter has the keys.
    pub filtering: bool,
    /// The selected integration.
    pub selected: Option<IntegrationId>,
    /// First line shown: the scroll offset, moved by draw.
    pub offset: usize,
    order: Vec<usize>,
    lines: Vec<ListLine>,
    at: usize,
    made: Option<Made>,
}

impl Overview {
    /// From the word in config.toml.
    pub fn new(view: &str) -> Overview {
        Overview { view: if view == "cards" { View::Cards } else { View::Table }, ..Overview::default() }
    }

    /// Lines of the list, in order.
    pub fn lines(&self) -> &[ListLine] {
        &self.lines
    }

    /// How many entries pass the filter.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether no entry passes.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Position of the selected entry in the order.
    pub fn position(&self) -> usize {
        self.at
    }

    /// The entry at a position of the order.
    pub fn entry<'a>(&self, snapshot: &'a Snapshot, position: usize) -> Option<&'a Entry> {
        let (_, entry) = snapshot.entries.get_index(*self.order.get(position)?)?;
        Some(entry)
    }

    /// The selected entry.
    pub fn selected_entry<'a>(&self, snapshot: &'a Snapshot) -> Option<&'a Entry> {
        snapshot.entries.get(self.selected.as_ref()?).map(|e| &**e)
    }

    /// Entries side by side on a screen of so many columns.
    pub fn across(&self, columns: u16) -> usize {
        match self.view {
            View::Table => 1,
            View::Cards => usize::from((columns / CARD.0).max(1)),
        }
    }

    /// Filters, sorts and lays out anew if anything it depends on changed. Keeps the selected id; if that is gone,
    /// selects what now stands in its place.
    pub fn refresh(&mut self, snapshot: &Snapshot, columns: u16) {
        let made = Made {
            version: snapshot.version,
            entries: snapshot.entries.len(),
            filter: Filter::parse(self.filter.value()),
            sort: self.sort,
            grouped: self.grouped,
            across: self.across(columns),
        };
        if self.made.as_ref() != Some(&made) {
            self.order = order(snapshot, &made);
            self.lines = lines(snapshot, &self.order, made.grouped, made.across);
            self.made = Some(made);
        }
        self.locate(snapshot);
    }

    fn locate(&mut self, snapshot: &Snapshot) {
        let index = self.selected.as_ref().and_then(|id| snapshot.entries.get_index_of(id));
        // The usual case: nothing moved.
        if index.is_some() && self.order.get(self.at).copied() == index {
            return;
        }
        let found = index.and_then(|index| self.order.iter().position(|i| *i == index));
        self.select(snapshot, found.unwrap_or(self.at));
    }

    /// Selects the entry at a position, or the nearest there is.
    pub fn select(&mut self, snapshot: &Snapshot, position: usize) {
        self.at = position.min(self.order.len().saturating_sub(1));
        self.selected = self.entry(snapshot, self.at).map(|e| e.id().clone());
    }

    /// Selects an entry by id if it passes the filter.
    pub fn select_id(&mut self, snapshot: &Snapshot, id: &IntegrationId) {
        self.selected = Some(id.clone());
        self.locate(snapshot);
    }

    /// The line on which a position lies.
    pub fn line_of(&self, position: usize) -> usize {
        if !self.grouped {
            return position / self.made.as_ref().map_or(1, |m| m.across.max(1));
        }
        self.lines
            .iter()
            .position(|line| matches!(line, ListLine::Items(range) if range.contains(&position)))
            .unwrap_or(0)
    }

    /// Moves the selection by so many lines of entries; headings are stepped over, the column is kept.
    pub fn move_lines(&mut self, snapshot: &Snapshot, by: isize) {
        let items: Vec<&Range<usize>> = self
            .lines
            .iter()
            .filter_map(|line| match line {
                ListLine::Items(range) => Some(range),
                ListLine::Heading(..) => None,
            })
            .collect();
        let Some(here) = items.iter().position(|r| r.contains(&self.at)) else { return };
        let column = self.at - items[here].start;
        let there = here.saturating_add_signed(by).min(items.len() - 1);
        let position = (items[there].start + column).min(items[there].end - 1);
        self.select(snapshot, position);
    }

    /// Moves the selection by so many entries.
    pub fn move_entries(&mut self, snapshot: &Snapshot, by: isize) {
        self.select(snapshot, self.at.saturating_add_signed(by));
    }
}

fn order(snapshot: &Snapshot, made: &Made) -> Vec<usize> {
    let mut order: Vec<usize> = if made.filter.is_empty() {
        (0..snapshot.entries.len()).collect()
    } else {
        snapshot.entries.values().enumerate().filter(|(_, e)| made.filter.holds(e)).map(|(i, _)| i).collect()
    };
    let entry = |i: &usize| &snapshot.entries[*i];
    match made.sort {
        Sort::Config => {}
        Sort::Name => order.sort_by_cached_key(|i| entry(i).integration.name.to_lowercase()),
        Sort::Status => order.sort_by_key(|i| badness(entry(i))),
        Sort::Latency => order.sort_by_key(|i| Reverse(latency(entry(i)))),
        Sort::LastCheck => order.sort_by_key(|i| Reverse(entry(i).outcome.as_ref().map(|o| o.at))),
    }
    if made.grouped {
        order.sort_by_key(|i| shelf(entry(i).category));
    }
    order
}

/// Worst first; among the active those with warnings first.
fn badness(entry: &Entry) -> (u8, bool) {
    let warned = entry.outcome.as_ref().is_some_and(|o| !o.warnings.is_empty());
    (lamp::severity(entry.status()), !(entry.status() == Status::Active && warned))
}

fn latency(entry: &Entry) -> Option<std::time::Duration> {
    entry.outcome.as_ref().and_then(|o| o.latency)
}

const SHELVES: [&str; 9] =
    ["ai", "ai-cli", "dev-tool", "cloud", "database", "messaging", "observability", "platform", "generic"];

fn shelf(category: &str) -> usize {
    SHELVES.iter().position(|s| *s == category).unwrap_or(SHELVES.len())
}

/// A category for people.
pub fn category_title(category: &str) -> String {
    match category {
        "ai" => "AI",
        "ai-cli" => "AI command lines",
        "dev-tool" => "Developer tools",
        "cloud" => "Cloud",
        "database" => "Databases",
        "messaging" => "Messaging",
        "observability" => "Observability",
        "platform" => "Platforms",
        "generic" => "Others",
        other => other,
    }
    .to_owned()
}

fn lines(snapshot: &Snapshot, order: &[usize], grouped: bool, across: usize) -> Vec<ListLine> {
    let across = across.max(1);
    let rows = |range: Range<usize>| {
        let end = range.end;
        range.step_by(across).map(move |start| ListLine::Items(start..(start + across).min(end)))
    };
    if !grouped {
        return rows(0..order.len()).collect();
    }
    let category = |position: usize| snapshot.entries[order[position]].category;
    let (mut lines, mut start) = (Vec::new(), 0);
    while start < order.len() {
        let this = category(start);
        let end = (start..order.len()).find(|p| category(*p) != this).unwrap_or(order.len());
        lines.push(ListLine::Heading(this, end - start));
        lines.extend(rows(start..end));
        start = end;
    }
    lines
}
