//! From key to action: the defaults, the user's remaps, conflicts, and the reverse map for help and footer.

mod chord;

use super::{action::Action, event::Key};
use std::collections::BTreeMap;

/// The defaults: action, then its keys, the one to show first.
const STANDARD: &[(Action, &[&str])] = &[
    (Action::Quit, &["q", "ctrl-c"]),
    (Action::Suspend, &["ctrl-z"]),
    (Action::Help, &["?", "f1"]),
    (Action::Palette, &[":"]),
    (Action::Themes, &["ctrl-t"]),
    (Action::Log, &["L"]),
    (Action::Redraw, &["ctrl-l"]),
    (Action::NextTab, &["tab"]),
    (Action::PreviousTab, &["shift-tab"]),
    (Action::Overview, &["1"]),
    (Action::Add, &["2", "a"]),
    (Action::Metrics, &["3"]),
    (Action::Up, &["up", "k"]),
    (Action::Down, &["down", "j"]),
    (Action::Left, &["left", "h"]),
    (Action::Right, &["right", "l"]),
    (Action::PageUp, &["pageup", "ctrl-b"]),
    (Action::PageDown, &["pagedown", "ctrl-f"]),
    (Action::First, &["home", "g"]),
    (Action::Last, &["end", "G"]),
    (Action::Open, &["enter"]),
    (Action::Back, &["esc"]),
    (Action::Filter, &["/"]),
    (Action::View, &["v"]),
    (Action::Sort, &["s"]),
    (Action::Group, &["c"]),
    (Action::Test, &["t"]),
    (Action::TestAll, &["T"]),
    (Action::Edit, &["e"]),
    (Action::Remove, &["d"]),
    (Action::Undo, &["u"]),
    (Action::Pause, &["p"]),
    (Action::Rotate, &["R"]),
    (Action::RollBack, &["B"]),
    (Action::Actions, &["A"]),
    (Action::Unlock, &["U"]),
    (Action::Copy, &["y"]),
    (Action::Reload, &["r"]),
    (Action::Longer, &["]"]),
    (Action::Shorter, &["["]),
];

/// Which keys mean what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keymap {
    actions: BTreeMap<Key, Action>,
    /// The keys of each action, in the order to show them.
    keys: BTreeMap<Action, Vec<Key>>,
}

impl Keymap {
    /// The defaults.
    pub fn standard() -> Keymap {
        let mut keymap = Keymap::default();
        for (action, chords) in STANDARD {
            for key in chords.iter().filter_map(|c| chord::parse(c)) {
                keymap.bind(key, *action);
            }
        }
        keymap
    }

    fn bind(&mut self, key: Key, action: Action) {
        if let Some(before) = self.actions.insert(key, action)
            && let Some(keys) = self.keys.get_mut(&before)
        {
            keys.retain(|k| *k != key);
        }
        self.keys.entry(action).or_default().push(key);
    }

    /// The defaults with the user's `chord = "action"` rows laid over; complaints (unknown action, bad chord, two
    /// actions on one key) as sentences. A remapped key loses its default meaning.
    pub fn with(rows: &[(String, String)]) -> (Keymap, Vec<String>) {
        let mut keymap = Keymap::standard();
        let mut complaints = Vec::new();
        let mut own: BTreeMap<Key, (Action, &str)> = BTreeMap::new();
        for (text, word) in rows {
            let Some(key) = chord::parse(text) else {
                complaints.push(format!(
                    "[keys]: '{text}' is not a key: write one like \"t\", \"ctrl-t\", \"alt-x\", \"f5\" or \"pageup\""
                ));
                continue;
            };
            let Some(action) = Action::parse(word) else {
                let near = crate::config::suggest::hint(word, Action::ALL.iter().map(|a| a.as_str()));
                complaints.push(format!("[keys]: '{word}' is no action{near}; the help page (?) lists them"));
                continue;
            };
            if let Some((other, chord)) = own.insert(key, (action, text))
                && other != action
            {
                complaints.push(format!(
                    "[keys]: '{chord}' and '{text}' are the same key, meant for both '{}' and '{word}'",
                    other.as_str()
                ));
            }
            keymap.bind(key, action);
        }
        for action in Action::ALL {
            if keymap.keys.get(action).is_none_or(Vec::is_empty) {
                complaints.push(format!(
                    "[keys]: no key is left for '{}'; the command palette still knows it",
                    action.as_str()
                ));
            }
        }
        (keymap, complaints)
    }

    /// What a key means outside text fields.
    pub fn action(&self, key: Key) -> Option<Action> {
        self.actions.get(&key).copied()
    }

    /// The keys of an action as a person reads them: `t`, `Ctrl-C`, `↓`.
    pub fn keys(&self, action: Action) -> Vec<String> {
        self.keys.get(&action).into_iter().flatten().map(|k| chord::text(*k)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::event::KeyCode;

    #[test]
    fn every_action_has_a_key_and_no_key_two_actions() {
        let keymap = Keymap::standard();
        for action in Action::ALL {
            assert!(!keymap.keys(*action).is_empty(), "{}", action.as_str());
        }
        let count: usize = STANDARD.iter().map(|(_, keys)| keys.len()).sum();
        assert_eq!(keymap.actions.len(), count, "a default key stands twice, or one is no key");
    }

    #[test]
    fn remaps_and_complaints() {
        let rows =
            |rows: &[(&str, &str)]| rows.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect::<Vec<_>>();
        let (keymap, complaints) = Keymap::with(&rows(&[("x", "test")]));
        assert!(complaints.is_empty());
        assert_eq!(keymap.action(Key::plain(KeyCode::Char('x'))), Some(Action::Test));
        let (_, complaints) =
            Keymap::with(&rows(&[("x", "tset"), ("ctrl-", "test"), ("f5", "test"), ("F5", "pause"), ("u", "test")]));
        assert_eq!(complaints.len(), 4, "{complaints:#?}");
        assert!(complaints[0].contains("did you mean 'test'"));
        assert!(complaints[2].contains("'test' and 'pause'"));
        assert!(complaints[3].contains("'undo'"));
    }
}
