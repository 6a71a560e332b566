//! Colours by meaning. A theme file maps roles to colours; the terminal's depth decides what is left of them.

mod depth;
pub mod file;

use super::caps::Caps;
use ratatui::style::Style;
use std::path::Path;

macro_rules! roles {
    ($($name:ident = $word:literal,)*) => {
        /// What a piece of the screen means.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[expect(missing_docs, reason = "the names say it")]
        pub enum Role { $($name,)* }

        impl Role {
            /// Every role.
            pub const ALL: &'static [Role] = &[$(Role::$name,)*];

            /// Its name in theme files.
            pub const fn as_str(self) -> &'static str { match self { $(Role::$name => $word,)* } }
        }
    };
}

roles! {
    Text = "text",
    Dim = "dim",
    Title = "title",
    Border = "border",
    BorderFocus = "border-focus",
    Selection = "selection",
    Tab = "tab",
    TabActive = "tab-active",
    Active = "active",
    RateLimited = "rate-limited",
    Unauthorized = "unauthorized",
    Error = "error",
    Inactive = "inactive",
    Warning = "warning",
    Good = "good",
    QuotaHigh = "quota-high",
    QuotaMiddle = "quota-middle",
    QuotaLow = "quota-low",
    Chart = "chart",
    ChartSecond = "chart-second",
    Key = "key",
    Input = "input",
    InputFocus = "input-focus",
    Toast = "toast",
    Banner = "banner",
}

impl Role {
    /// Reads [`Role::as_str`] back.
    pub fn parse(word: &str) -> Option<Role> {
        Role::ALL.iter().copied().find(|r| r.as_str() == word)
    }
}

/// A theme for this terminal, and what is wrong with its file. An unknown name gives the default theme.
pub fn load(name: &str, folder: &Path, caps: Caps) -> (Theme, Vec<String>) {
    let (looks, warnings) = file::load(name, folder);
    let styles = looks.into_iter().map(|(role, look)| (role, depth::style(look, caps.depth))).collect();
    (Theme::new(name, styles, caps.unicode), warnings)
}

/// A theme made concrete for this terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    /// Its name.
    pub name: String,
    styles: std::collections::BTreeMap<Role, Style>,
    /// Whether symbols beyond ASCII may be drawn.
    pub unicode: bool,
}

impl Theme {
    /// From concrete styles.
    pub fn new(name: &str, styles: std::collections::BTreeMap<Role, Style>, unicode: bool) -> Self {
        Theme { name: name.to_owned(), styles, unicode }
    }

    /// The style of a role; plain if the theme says nothing.
    pub fn style(&self, role: Role) -> Style {
        self.styles.get(&role).copied().unwrap_or_default()
    }

    /// One of two symbols, by what the terminal can show.
    pub fn symbol<'a>(&self, unicode: &'a str, ascii: &'a str) -> &'a str {
        if self.unicode { unicode } else { ascii }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::caps::Depth;

    #[test]
    fn every_theme_loads_at_every_depth_and_names_every_role() {
        for entry in std::fs::read_dir("themes").unwrap() {
            let name = entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned();
            assert!(file::BUILT_IN.iter().any(|(n, _)| *n == name), "{name} is not built in");
            for depth in [Depth::None, Depth::Ansi, Depth::Indexed, Depth::True] {
                let (theme, warnings) = load(&name, Path::new(""), Caps { depth, unicode: true });
                assert!(warnings.is_empty(), "{name}: {warnings:?}");
                assert_eq!(theme.styles.len(), Role::ALL.len(), "{name} leaves a role out");
                assert_eq!(theme.style(Role::Text).bg, None, "{name} paints the background");
                assert_ne!(
                    theme.style(Role::Selection),
                    Style::default(),
                    "{name}: the selection cannot be seen at {depth:?}"
                );
                if depth == Depth::None {
                    assert!(
                        theme.styles.values().all(|s| s.fg.is_none() && s.bg.is_none()),
                        "{name} uses colour without colours"
                    );
                }
            }
        }
    }

    #[test]
    fn a_wrong_theme_is_told_of_and_does_not_stop_anything() {
        let folder = tempfile::tempdir().unwrap();
        let caps = Caps { depth: Depth::True, unicode: true };
        std::fs::write(
            folder.path().join("own.toml"),
            "inherits = 'own'\n[roles]\nnope = 'red'\ntext = '#12'\ndim = 'blue'\n",
        )
        .unwrap();
        let (theme, warnings) = load("own", folder.path(), caps);
        assert!(warnings.len() >= 3, "{warnings:?}");
        assert_eq!(theme.style(Role::Dim).fg, Some(ratatui::style::Color::Blue));
        let (theme, warnings) = load("../../etc/passwd", folder.path(), caps);
        assert_eq!(warnings.len(), 1);
        assert_eq!(theme.styles.len(), Role::ALL.len());
    }
}
