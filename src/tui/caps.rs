//! What the terminal can show: colour depth and symbols. Pure over the environment's values and the settings.

/// How many colours may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// None: weight and reversal only.
    None,
    /// The terminal's sixteen.
    Ansi,
    /// The 256 of the xterm palette.
    Indexed,
    /// Any.
    True,
}

/// The environment's words on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named after the variables")]
pub struct Env {
    pub no_color: Option<String>,
    pub term: Option<String>,
    pub colorterm: Option<String>,
    pub lc_all: Option<String>,
    pub lc_ctype: Option<String>,
    pub lang: Option<String>,
}

impl Env {
    /// The process's own.
    pub fn read() -> Env {
        let var = |name| std::env::var(name).ok();
        Env {
            no_color: var("NO_COLOR"),
            term: var("TERM"),
            colorterm: var("COLORTERM"),
            lc_all: var("LC_ALL"),
            lc_ctype: var("LC_CTYPE"),
            lang: var("LANG"),
        }
    }
}

/// What may be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caps {
    /// Colours.
    pub depth: Depth,
    /// Symbols beyond ASCII.
    pub unicode: bool,
}

impl Caps {
    /// From the settings `color` (`auto`, `truecolor`, `256`, `16`, `none`) and `ascii` (`auto`, `always`, `never`), then the environment.
    pub fn find(color: &str, ascii: &str, env: &Env) -> Caps {
        let depth = match color {
            "truecolor" => Depth::True,
            "256" => Depth::Indexed,
            "16" => Depth::Ansi,
            "none" => Depth::None,
            _ => detect(env),
        };
        let unicode = match ascii {
            "always" => false,
            "never" => true,
            _ => utf8(env),
        };
        Caps { depth, unicode }
    }
}

fn detect(env: &Env) -> Depth {
    let term = env.term.as_deref().unwrap_or_default();
    if env.no_color.as_deref().is_some_and(|v| !v.is_empty()) || term == "dumb" {
        return Depth::None;
    }
    if env.colorterm.as_deref().is_some_and(|c| c.eq_ignore_ascii_case("truecolor") || c.eq_ignore_ascii_case("24bit"))
        || term.contains("direct")
    {
        return Depth::True;
    }
    if term.contains("256color") { Depth::Indexed } else { Depth::Ansi }
}

/// The first of the three that is set decides.
fn utf8(env: &Env) -> bool {
    let locale = [&env.lc_all, &env.lc_ctype, &env.lang].into_iter().flatten().find(|v| !v.is_empty());
    locale.is_some_and(|l| l.to_ascii_lowercase().replace('-', "").contains("utf8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> Env {
        let get = |name: &str| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
        Env {
            no_color: get("NO_COLOR"),
            term: get("TERM"),
            colorterm: get("COLORTERM"),
            lc_all: get("LC_ALL"),
            lc_ctype: get("LC_CTYPE"),
            lang: get("LANG"),
        }
    }

    #[test]
    fn the_order_of_sources() {
        for (color, pairs, depth) in [
            ("auto", &[("TERM", "xterm-256color")][..], Depth::Indexed),
            ("auto", &[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")], Depth::True),
            ("auto", &[("TERM", "xterm-256color"), ("COLORTERM", "yes")], Depth::Indexed),
            ("auto", &[("TERM", "xterm"), ("NO_COLOR", "1")], Depth::None),
            ("auto", &[("TERM", "xterm"), ("NO_COLOR", "")], Depth::Ansi),
            ("auto", &[("TERM", "dumb"), ("COLORTERM", "truecolor")], Depth::None),
            ("truecolor", &[("NO_COLOR", "1")], Depth::True),
            ("none", &[("COLORTERM", "truecolor")], Depth::None),
        ] {
            assert_eq!(Caps::find(color, "auto", &env(pairs)).depth, depth, "{color} {pairs:?}");
        }
    }

    #[test]
    fn symbols_follow_the_locale() {
        assert!(Caps::find("auto", "auto", &env(&[("LANG", "en_US.UTF-8")])).unicode);
        assert!(!Caps::find("auto", "auto", &env(&[("LANG", "en_US.UTF-8"), ("LC_ALL", "C")])).unicode);
        assert!(!Caps::find("auto", "auto", &env(&[])).unicode);
        assert!(Caps::find("auto", "never", &env(&[])).unicode);
        assert!(!Caps::find("auto", "always", &env(&[("LANG", "C.UTF-8")])).unicode);
    }
}
