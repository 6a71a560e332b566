//! One value of an INI file: `[section]` lines, then `key = value`. Files of other programs, read as those do: blanks
//! around names and values do not count, lines beginning with `#` or `;` are comments, indented lines belong to the
//! value above, the last of several wins.

/// Why there is no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Absent {
    /// No such section.
    Section,
    /// The section has no such key.
    Key,
}

/// The value. An empty section's name stands for what is before the first section. A key's case does not count.
pub(super) fn find<'a>(text: &'a str, section: &str, key: &str) -> Result<&'a str, Absent> {
    let mut inside = section.is_empty();
    let mut seen = inside;
    let mut found = None;
    for line in text.trim_start_matches('\u{feff}').lines() {
        if line.starts_with([' ', '\t', '#', ';']) {
            continue;
        }
        let line = line.trim_end();
        if let Some(header) = line.strip_prefix('[').and_then(|l| l.split_once(']')) {
            inside = header.0.trim() == section;
            seen |= inside;
        } else if let Some((name, value)) = line.split_once('=').filter(|_| inside)
            && name.trim().eq_ignore_ascii_case(key)
        {
            found = Some(value.trim());
        }
    }
    match found {
        Some(value) => Ok(value),
        None if seen => Err(Absent::Key),
        None => Err(Absent::Section),
    }
}

#[cfg(test)]
mod tests {
    use super::{Absent, find};

    #[test]
    fn one_value_is_found_where_it_stands() {
        let text = "\u{feff}top = t\n# [default]\n[default]\r\nKey_A=one=two\r\n key_a = nested\n;key_a = x\n\
                    [ profile dev ] # c\nkey_a = old\nempty =\n[other]\nkey_b = b\n[profile dev]\nkey_a =  new  \n";
        assert_eq!(find(text, "default", "key_a"), Ok("one=two"));
        assert_eq!(find(text, "profile dev", "KEY_A"), Ok("new"));
        assert_eq!(find(text, "profile dev", "empty"), Ok(""));
        assert_eq!(find(text, "", "top"), Ok("t"));
        assert_eq!(find(text, "", "key_a"), Err(Absent::Key));
        assert_eq!(find(text, "default", "key_b"), Err(Absent::Key));
        assert_eq!(find(text, "Default", "key_a"), Err(Absent::Section));
        assert_eq!(find("", "default", "key_a"), Err(Absent::Section));
    }
}
