//! Which columns of the table fit a width, and how wide each becomes.

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    Name,
    Status,
    Provider,
    Requests,
    Success,
    Average,
    Last,
    Latency,
    Quota,
    Warnings,
}

use Column as C;

/// What is known of a column.
pub struct Kind {
    /// Which.
    pub column: Column,
    /// Its head.
    pub title: &'static str,
    /// Below this it is left out.
    least: usize,
    /// This much it should have before less important columns appear.
    fair: usize,
    /// More would be empty.
    most: usize,
    /// Aligned right.
    pub right: bool,
}

const fn kind(column: Column, title: &'static str, widths: [usize; 3], right: bool) -> Kind {
    Kind { column, title, least: widths[0], fair: widths[1], most: widths[2], right }
}

/// From left to right.
const COLUMNS: [Kind; 10] = [
    kind(C::Name, "Name", [13, 18, 28], false),
    kind(C::Status, "Status", [18, 32, 44], false),
    kind(C::Provider, "Provider", [12, 13, 18], false),
    kind(C::Requests, "Reqs", [5, 5, 7], true),
    kind(C::Success, "OK", [5, 5, 5], true),
    kind(C::Average, "Avg", [7, 7, 7], true),
    kind(C::Last, "Last", [4, 4, 4], true),
    kind(C::Latency, "Latency", [8, 10, 24], false),
    kind(C::Quota, "Left", [4, 4, 11], true),
    kind(C::Warnings, "Warnings", [24, 28, 44], false),
];

/// The columns any screen shows if it can, the most important first.
const NEEDED: [Column; 7] = [C::Name, C::Status, C::Last, C::Average, C::Success, C::Latency, C::Quota];

/// Shown where the needed ones have a fair width.
const NICE: [Column; 3] = [C::Provider, C::Requests, C::Warnings];

/// A column with the width it got.
pub type Placed = (&'static Kind, usize);

/// Columns that fit in `room`, with their widths. What is left over widens them.
pub fn layout(room: usize, gap: usize) -> Vec<Placed> {
    let of = |column: Column| COLUMNS.iter().find(|k| k.column == column);
    let mut chosen: Vec<Column> = Vec::new();
    let mut used = 0;
    for kind in NEEDED.into_iter().filter_map(of) {
        if used + kind.least > room {
            break;
        }
        used += kind.least + gap;
        chosen.push(kind.column);
    }
    let mut fair: usize = NEEDED.into_iter().filter_map(of).map(|k| k.fair + gap).sum();
    for kind in NICE.into_iter().filter_map(of) {
        if chosen.len() < NEEDED.len() || fair + kind.fair > room {
            break;
        }
        fair += kind.fair + gap;
        used += kind.least + gap;
        chosen.push(kind.column);
    }
    let mut spare = (room + gap).saturating_sub(used);
    let mut placed: Vec<Placed> = COLUMNS.iter().filter(|k| chosen.contains(&k.column)).map(|k| (k, k.least)).collect();
    let order = [C::Status, C::Name, C::Latency, C::Provider, C::Quota, C::Warnings, C::Requests];
    for widest in [|k: &Kind| k.fair, |k: &Kind| k.most] {
        for column in order {
            let Some((kind, width)) = placed.iter_mut().find(|(k, _)| k.column == column) else { continue };
            let mut more = spare.min(widest(kind).saturating_sub(*width));
            // While there is little, the name and the status share it.
            if column == C::Status {
                more = more.min(spare * 2 / 3 + 1).min(spare);
            }
            *width += more;
            spare -= more;
        }
    }
    placed
}

/// Whether a column is among those placed.
pub fn has(columns: &[Placed], column: Column) -> bool {
    columns.iter().any(|(k, _)| k.column == column)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_always_fit_and_the_important_ones_stay() {
        for room in 35..250 {
            for gap in [1, 2] {
                let columns = layout(room, gap);
                let used: usize = columns.iter().map(|(_, w)| w + gap).sum::<usize>() - gap;
                assert!(used <= room, "{room}");
                assert!(columns.len() >= 2);
            }
        }
        assert!(has(&layout(75, 1), C::Quota));
        assert!(has(&layout(114, 2), C::Requests));
    }
}
