//! The terminal board: events in, a pure update, effects out, frames drawn when something visible changed.

pub mod action;
pub mod caps;
pub mod draw;
pub mod effect;
pub mod event;
pub mod executor;
pub mod input;
pub mod keymap;
pub mod pace;
pub mod run;
pub mod state;
pub mod terminal;
pub mod theme;
pub mod update;
pub mod widgets;
