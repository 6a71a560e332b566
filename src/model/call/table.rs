//! A list as rows and columns.

use serde_json::Value;

/// Most columns made up where a definition names none.
const MOST_COLUMNS: usize = 12;

/// Rows under a header, every cell a text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    /// The header.
    pub header: Vec<String>,
    /// The rows, each as long as the header.
    pub rows: Vec<Vec<String>>,
    /// Cells that are texts and not numbers or the like, for CSV: row by row.
    texts: Vec<Vec<bool>>,
}

impl Table {
    /// A list as a table. Columns are headers with dotted paths; without any, the members that the first rows have.
    /// `None`: it is no list.
    pub fn of(value: &Value, columns: &[(String, String)]) -> Option<Table> {
        let all = value.as_array()?;
        let own = match columns {
            [] => members(all),
            columns => columns.to_vec(),
        };
        if own.is_empty() {
            let header = vec!["value".to_owned()];
            let rows = all.iter().map(|v| vec![cell(Some(v))]).collect();
            return Some(Table { header, rows, texts: all.iter().map(|v| vec![v.is_string()]).collect() });
        }
        let (mut rows, mut texts) = (Vec::new(), Vec::new());
        for row in all {
            let cells: Vec<Option<&Value>> = own.iter().map(|(_, path)| at(row, path)).collect();
            rows.push(cells.iter().map(|c| cell(*c)).collect());
            texts.push(cells.iter().map(|c| c.is_some_and(Value::is_string)).collect());
        }
        Some(Table { header: own.into_iter().map(|(name, _)| name).collect(), rows, texts })
    }

    /// As CSV.
    pub fn csv(&self) -> String {
        let line = |cells: &mut dyn Iterator<Item = String>| format!("{}\r\n", cells.collect::<Vec<_>>().join(","));
        let mut out = line(&mut self.header.iter().map(|h| quoted(h, true)));
        for (row, texts) in self.rows.iter().zip(&self.texts) {
            out.push_str(&line(&mut row.iter().zip(texts).map(|(cell, text)| quoted(cell, *text))));
        }
        out
    }
}

fn members(all: &[Value]) -> Vec<(String, String)> {
    let mut names: Vec<&String> = Vec::new();
    for row in all.iter().take(50).filter_map(Value::as_object) {
        for name in row.keys() {
            if !names.contains(&name) && names.len() < MOST_COLUMNS {
                names.push(name);
            }
        }
    }
    names.into_iter().map(|name| (name.clone(), name.clone())).collect()
}

/// The member at a dotted path; a whole name with dots in it counts too.
fn at<'a>(row: &'a Value, path: &str) -> Option<&'a Value> {
    row.get(path).or_else(|| {
        path.split('.').try_fold(row, |value, part| match value {
            Value::Array(all) => part.parse::<usize>().ok().and_then(|n| all.get(n)),
            other => other.get(part),
        })
    })
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

fn quoted(cell: &str, text: bool) -> String {
    let formula = text && cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let cell = if formula { format!("'{cell}") } else { cell.to_owned() };
    if cell.contains([',', '"', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_list_becomes_rows_by_path_or_by_what_is_there() {
        let list = json!([{ "id": 1, "user": { "login": "ada" } }, { "id": 2, "tags": ["a"] }]);
        let columns = [("Id".to_owned(), "id".to_owned()), ("Who".to_owned(), "user.login".to_owned())];
        let table = Table::of(&list, &columns).unwrap();
        assert_eq!(table.rows, [["1", "ada"], ["2", ""]]);
        let table = Table::of(&list, &[]).unwrap();
        assert_eq!(table.header, ["id", "user", "tags"]);
        assert_eq!(table.rows[1], ["2", "", "[\"a\"]"]);
        assert_eq!(Table::of(&json!([1, "x"]), &[]).unwrap().rows, [["1"], ["x"]]);
        assert_eq!(Table::of(&json!({}), &[]), None);
    }

    #[test]
    fn csv_is_quoted_and_runs_no_formula() {
        let list = json!([{ "a": "x,\"y\"", "b": -5, "c": "=1+1" }, { "a": "two\nlines", "b": null, "c": "-5" }]);
        assert_eq!(
            Table::of(&list, &[]).unwrap().csv(),
            "a,b,c\r\n\"x,\"\"y\"\"\",-5,'=1+1\r\n\"two\nlines\",,'-5\r\n"
        );
    }
}
