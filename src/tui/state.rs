//! Everything the screen remembers between two events. Selection is by integration id, never by row.

pub mod add;
pub mod call;
pub mod detail;
pub mod dialog;
pub mod filter;
pub mod metrics;
pub mod overview;
pub mod prompt;
pub mod sign_in;
pub mod toast;

use crate::{config::Settings, monitor::Snapshot, providers::Definition, tui::keymap::Keymap};
use jiff::{Timestamp, tz::TimeZone};
use std::sync::Arc;

pub use {detail::Detail, dialog::Dialog, overview::Overview, toast::Toasts};

/// The smallest screen that is drawn: columns, rows.
pub const SMALLEST: (u16, u16) = (40, 10);

/// The three tabs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Tab {
    #[default]
    Overview,
    Add,
    Metrics,
}

impl Tab {
    /// In the order of the header.
    pub const ALL: [Tab; 3] = [Tab::Overview, Tab::Add, Tab::Metrics];

    /// The word in the header.
    pub const fn title(self) -> &'static str {
        match self {
            Tab::Overview => "Overview",
            Tab::Add => "Add",
            Tab::Metrics => "Metrics",
        }
    }

    /// The tab `by` places to the right, around the end.
    pub fn neighbour(self, by: usize) -> Tab {
        let at = Tab::ALL.iter().position(|t| *t == self).unwrap_or(0);
        Tab::ALL[(at + by) % Tab::ALL.len()]
    }
}

/// The whole state of the screen.
#[derive(Debug)]
pub struct UiState {
    /// The clock as last told.
    pub now: Timestamp,
    /// In which zone times of day are shown. UTC until the loop says otherwise.
    pub zone: TimeZone,
    /// The terminal's size: columns, rows.
    pub size: (u16, u16),
    /// The tab in front.
    pub tab: Tab,
    /// The overview.
    pub overview: Overview,
    /// The opened integration; covers the overview.
    pub detail: Option<Detail>,
    /// What lies over everything, the topmost last.
    pub dialogs: Vec<Dialog>,
    /// Calls made so far; an answer to an earlier one is dropped.
    pub calls: u64,
    /// Short messages that go by themselves.
    pub toasts: Toasts,
    /// The theme in use and saved, by name.
    pub theme: String,
    /// The add tab.
    pub add: add::AddState,
    /// The metrics tab.
    pub metrics: metrics::MetricsState,
    /// Definitions, for the picker and the forms (refreshed by the loop on `Notice::Reloaded`).
    pub definitions: Vec<Arc<Definition>>,
    /// Keys.
    pub keymap: Keymap,
    /// Something visible changed since the last frame.
    pub dirty: bool,
}

impl UiState {
    /// The first screen: the overview, nothing selected yet.
    pub fn new(definitions: Vec<Arc<Definition>>, keymap: Keymap, settings: &Settings, now: Timestamp) -> UiState {
        UiState {
            now,
            zone: TimeZone::UTC,
            size: (80, 24),
            tab: Tab::default(),
            overview: Overview::new(&settings.view),
            detail: None,
            dialogs: Vec::new(),
            calls: 0,
            toasts: Toasts::default(),
            theme: settings.theme.clone(),
            add: add::AddState::new(settings),
            metrics: metrics::MetricsState::default(),
            definitions,
            keymap,
            dirty: true,
        }
    }

    /// Brings what is derived from the snapshot up to date. Cheap when nothing changed; called by update and by draw.
    pub fn refresh(&mut self, snapshot: &Snapshot) {
        self.overview.refresh(snapshot, self.size.0);
    }
}
