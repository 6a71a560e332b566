//! Small pieces drawn in several places: lamps, bars, sparklines, text fields.

pub mod chart;
pub mod ladder;
pub mod lamp;
pub mod panel;
pub mod quota_bar;
pub mod secret_field;
pub mod sparkline;
pub mod text;
pub mod text_field;
pub mod time;
