//! Draws the whole screen from snapshot, state and theme. Changes nothing but scroll offsets.

pub mod add;
mod call;
mod cards;
mod detail;
mod dialog;
mod footer;
mod frame;
mod help;
pub mod metrics;
mod overview;
mod prompt;
mod sign_in;
mod table;

use super::{
    state::{SMALLEST, Tab, UiState},
    theme::{Role, Theme},
};
use crate::monitor::Snapshot;
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    text::Line,
    widgets::Block,
};

/// Draws one frame.
pub fn draw(frame: &mut Frame<'_>, snapshot: &Snapshot, state: &mut UiState, theme: &Theme) {
    let area = frame.area();
    if area.is_empty() {
        return;
    }
    frame.render_widget(Block::new().style(theme.style(Role::Text)), area);
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        too_small(frame, area, theme);
        return;
    }
    state.overview.refresh(snapshot, area.width);
    let banners = frame::banner_lines(snapshot, theme, area);
    let banner_height = u16::try_from(banners.len()).unwrap_or(0);
    let [header, banner, body, foot] = area.layout(&Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(banner_height),
        Constraint::Fill(1),
        Constraint::Length(1),
    ]));
    frame::header(frame, header, snapshot, state, theme);
    frame::banner(frame, banner, banners, theme);
    match state.tab {
        Tab::Overview if state.detail.is_some() => detail::draw(frame, body, snapshot, state, theme),
        Tab::Overview => overview::draw(frame, body, snapshot, state, theme),
        Tab::Add => add::draw(frame, body, snapshot, state, theme),
        Tab::Metrics => metrics::draw(frame, body, snapshot, state, theme),
    }
    footer::draw(frame, foot, snapshot, state, theme);
    dialog::draw(frame, area, state, theme);
    frame::toasts(frame, area, state, theme);
}

fn too_small(frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
    let text = format!("too small: need {}{}{}", SMALLEST.0, theme.symbol("×", "x"), SMALLEST.1);
    let row = Rect { y: area.y + area.height / 2, height: 1, ..area };
    frame.render_widget(Line::raw(text).centered(), row);
}
