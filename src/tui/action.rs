//! What keys mean. Each action's doc comment is its help text; names are what `[keys]` in config.toml says.

macro_rules! actions {
    ($($(#[doc = $doc:literal])* $name:ident = $word:literal;)*) => {
        /// Something the user wants.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Action { $($(#[doc = $doc])* $name,)* }

        impl Action {
            /// Every action, in the order of the help page.
            pub const ALL: &'static [Action] = &[$(Action::$name,)*];
            /// Its name in files and in the command palette.
            pub const fn as_str(self) -> &'static str { match self { $(Action::$name => $word,)* } }
            /// What it does, in one line.
            pub fn help(self) -> &'static str { match self { $(Action::$name => concat!($($doc),*).trim(),)* } }
        }
    };
}

actions! {
    /// Quit
    Quit = "quit";
    /// Suspend to the shell
    Suspend = "suspend";
    /// Show the keys
    Help = "help";
    /// Command palette
    Palette = "palette";
    /// Choose a theme
    Themes = "themes";
    /// Show the log
    Log = "log";
    /// Redraw the screen
    Redraw = "redraw";
    /// Next tab
    NextTab = "next-tab";
    /// Previous tab
    PreviousTab = "previous-tab";
    /// Overview tab
    Overview = "overview";
    /// Add-integration tab
    Add = "add";
    /// Metrics tab
    Metrics = "metrics";
    /// Move up
    Up = "up";
    /// Move down
    Down = "down";
    /// Move left
    Left = "left";
    /// Move right
    Right = "right";
    /// Page up
    PageUp = "page-up";
    /// Page down
    PageDown = "page-down";
    /// First
    First = "first";
    /// Last
    Last = "last";
    /// Open the selected integration
    Open = "open";
    /// Back
    Back = "back";
    /// Filter
    Filter = "filter";
    /// Cards or table
    View = "view";
    /// Next sort order
    Sort = "sort";
    /// Group by category
    Group = "group";
    /// Test the selected integration now
    Test = "test";
    /// Test all now
    TestAll = "test-all";
    /// Edit
    Edit = "edit";
    /// Remove
    Remove = "remove";
    /// Undo the last removal
    Undo = "undo";
    /// Pause or resume
    Pause = "pause";
    /// Give its credential a new value
    Rotate = "rotate";
    /// Go back to the credential's old value
    RollBack = "roll-back";
    /// What it can do: create, ask, search …
    Actions = "actions";
    /// Unlock the vault
    Unlock = "unlock";
    /// Copy what is shown (never a secret)
    Copy = "copy";
    /// Read config and definitions anew
    Reload = "reload";
    /// Longer span
    Longer = "longer";
    /// Shorter span
    Shorter = "shorter";
}

impl Action {
    /// Reads [`Action::as_str`] back.
    pub fn parse(word: &str) -> Option<Action> {
        Action::ALL.iter().copied().find(|a| a.as_str() == word)
    }
}
