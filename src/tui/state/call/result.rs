//! A call's result as lines to scroll through: a table, JSON or text.

use crate::{
    model::{Called, Ending, Table, text::sanitize},
    tui::widgets::{text, text_field::TextField},
};
use serde_json::Value;
use unicode_width::UnicodeWidthStr;

/// Widest cell of a table, in columns: more is told by JSON.
const WIDEST: usize = 60;
/// Most lines kept; what is beyond goes into a file.
const MOST: usize = 20_000;

/// The result on the screen.
#[derive(Debug)]
pub struct ResultView {
    /// What came.
    pub called: Called,
    /// The action's name, for the file's.
    pub action: String,
    /// Its label.
    pub label: String,
    /// The verdict and what goes with it, above the lines.
    pub head: Vec<String>,
    /// A table's header, which does not scroll away.
    pub columns: Option<String>,
    /// The lines.
    pub lines: Vec<String>,
    /// Shown as JSON although it is a table.
    pub as_json: bool,
    /// First line shown; draw brings it back into range.
    pub scroll: usize,
    /// Columns scrolled to the right.
    pub across: usize,
    /// The name of the file to save it in, while that is asked.
    pub file: Option<TextField>,
    /// What came of saving.
    pub note: Option<Result<String, String>>,
}

impl ResultView {
    /// Laid out for lines of this width.
    pub fn new(called: Called, action: &str, label: &str, width: usize) -> ResultView {
        let mut view = ResultView {
            called,
            action: action.to_owned(),
            label: label.to_owned(),
            head: Vec::new(),
            columns: None,
            lines: Vec::new(),
            as_json: false,
            scroll: 0,
            across: 0,
            file: None,
            note: None,
        };
        view.lay_out(width);
        view
    }

    /// Makes the lines anew.
    pub fn lay_out(&mut self, width: usize) {
        self.head = head(&self.called, width);
        self.columns = None;
        let table = self.called.table().filter(|t| !self.as_json && !t.rows.is_empty());
        self.lines = match (&self.called.result, table) {
            (_, Some(table)) => {
                let (header, rows) = aligned(&table);
                self.columns = Some(header);
                rows
            }
            (Value::Null, None) => Vec::new(),
            (Value::String(text), None) => text.lines().flat_map(|line| wrapped(line, width)).collect(),
            (other, None) => format!("{other:#}").lines().map(str::to_owned).collect(),
        };
        if self.lines.len() > MOST {
            self.lines.truncate(MOST);
            self.lines.push("… save it to see the rest".to_owned());
        }
    }

    /// Whether there are two ways to show it.
    pub fn is_table(&self) -> bool {
        self.called.table().is_some_and(|t| !t.rows.is_empty())
    }

    /// The widest line, in columns.
    pub fn width(&self) -> usize {
        self.lines.iter().chain(&self.columns).map(|l| l.width()).max().unwrap_or(0)
    }
}

fn head(called: &Called, width: usize) -> Vec<String> {
    let mut first = called.ending.label().to_owned();
    if let Some(code) = called.code {
        first.push_str(&format!(" (HTTP {code})"));
    }
    if let Some(latency) = called.latency {
        first.push_str(&format!(" after {}", crate::tui::widgets::time::latency(latency)));
    }
    let mut texts = vec![first];
    texts.push(called.ending.seen().to_owned());
    if let Ending::Failed { until: Some(until), .. } = &called.ending {
        texts.push(format!("until {until:.0}"));
    }
    texts.push(called.ending.advice().to_owned());
    texts.extend(called.note.clone());
    texts.iter().filter(|t| !t.is_empty()).flat_map(|t| text::wrap(t, width)).collect()
}

/// An empty line stays one.
fn wrapped(line: &str, width: usize) -> Vec<String> {
    let lines = text::wrap(line, width);
    if lines.is_empty() { vec![String::new()] } else { lines }
}

fn aligned(table: &Table) -> (String, Vec<String>) {
    let one_line = |cell: &String| text::cut(&sanitize(cell, 4 * WIDEST), WIDEST, true);
    let rows: Vec<Vec<String>> = table.rows.iter().map(|r| r.iter().map(one_line).collect()).collect();
    let header: Vec<String> = table.header.iter().map(one_line).collect();
    let mut widths: Vec<usize> = header.iter().map(|h| h.width()).collect();
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    let line = |cells: &Vec<String>| {
        let cells: Vec<String> = cells.iter().zip(&widths).map(|(c, w)| text::left(c, *w, true)).collect();
        cells.join("  ").trim_end().to_owned()
    };
    (line(&header), rows.iter().map(line).collect())
}
