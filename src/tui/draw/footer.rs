//! The last row: the keys that matter here, read back from the keymap.

use crate::{
    model::Cause,
    monitor::Snapshot,
    tui::{
        action::Action,
        state::{Dialog, Tab, UiState},
        theme::Theme,
        widgets::panel,
    },
};
use ratatui::{Frame, layout::Rect};

/// Draws it. The add tab tells its own keys beside its form, so here stand only the ways out.
pub fn draw(frame: &mut Frame<'_>, area: Rect, snapshot: &Snapshot, state: &UiState, theme: &Theme) {
    let mut pairs: Vec<(String, &str)> = Vec::new();
    let fixed = |pairs: &[(&str, &'static str)]| pairs.iter().map(|(k, l)| ((*k).to_owned(), *l)).collect::<Vec<_>>();
    match state.dialogs.last() {
        Some(Dialog::Help(_) | Dialog::Log(_)) => {
            pairs.extend(keys(state, &[(Action::Up, "up"), (Action::Down, "down"), (Action::Back, "close")]));
        }
        Some(Dialog::Palette(_)) => pairs.extend(fixed(&[("Enter", "do it"), ("Esc", "close")])),
        Some(Dialog::ConfirmRemove(_)) => pairs.extend(fixed(&[("y", "remove"), ("n", "keep")])),
        Some(Dialog::Prompt(_)) => {
            pairs.extend(fixed(&[("Enter", "try it"), ("Esc", "leave as it is"), ("Ctrl-R", "look at it for 5 s")]));
        }
        Some(Dialog::SignIn(sign_in)) => {
            pairs.extend(fixed(&[("c", "copy the link")]).into_iter().filter(|_| sign_in.step.is_some()));
            pairs.extend(fixed(&[("Enter", "try again")]).into_iter().filter(|_| sign_in.failure.is_some()));
            pairs.extend(fixed(&[("w", "another way")]).into_iter().filter(|_| sign_in.other().is_some()));
            pairs.extend(fixed(&[("Esc", "cancel")]));
        }
        Some(Dialog::Call(call)) => pairs.extend(fixed(super::call::keys(call))),
        Some(Dialog::Themes(_)) => pairs.extend(fixed(&[("Enter", "use and save"), ("Esc", "as before")])),
        None if state.tab == Tab::Overview && state.detail.is_none() && state.overview.filtering => {
            pairs.extend(fixed(&[("Enter", "keep the filter"), ("Esc", "clear it"), ("Tab", "complete")]));
        }
        // Letters are text there: only keys that are not still mean something.
        None if state.tab == Tab::Add => {
            let named = |action| state.keymap.keys(action).into_iter().find(|k| k.chars().count() > 1);
            pairs.extend(named(Action::Back).map(|k| (k, "back")));
            pairs.extend(named(Action::Quit).map(|k| (k, "quit")));
        }
        None => pairs.extend(keys(state, hints(snapshot, state))),
    }
    frame.render_widget(panel::hints(theme, &pairs, usize::from(area.width)), area);
}

fn hints(snapshot: &Snapshot, state: &UiState) -> &'static [(Action, &'static str)] {
    use Action as A;
    if state.tab != Tab::Overview {
        return &[(A::Overview, "overview"), (A::NextTab, "next tab"), (A::Help, "help"), (A::Quit, "quit")];
    }
    if snapshot.entries.is_empty() {
        return &[
            (A::Add, "add"),
            (A::Help, "help"),
            (A::Palette, "commands"),
            (A::Themes, "theme"),
            (A::Quit, "quit"),
        ];
    }
    let entry = match &state.detail {
        Some(detail) => snapshot.entries.get(&detail.id).map(|e| &**e),
        None => state.overview.selected_entry(snapshot),
    };
    let paused = entry.is_some_and(|e| e.cause == Cause::Paused);
    match (state.detail.is_some(), paused) {
        (true, false) => &[
            (A::Back, "back"),
            (A::Help, "help"),
            (A::Test, "test"),
            (A::Edit, "edit"),
            (A::Actions, "actions"),
            (A::Pause, "pause"),
            (A::Copy, "copy"),
            (A::Remove, "remove"),
            (A::Right, "next"),
            (A::Left, "previous"),
        ],
        (true, true) => &[
            (A::Back, "back"),
            (A::Help, "help"),
            (A::Test, "test"),
            (A::Edit, "edit"),
            (A::Actions, "actions"),
            (A::Pause, "resume"),
            (A::Copy, "copy"),
            (A::Remove, "remove"),
        ],
        (false, false) => &[
            (A::Open, "open"),
            (A::Help, "help"),
            (A::Test, "test"),
            (A::Filter, "filter"),
            (A::Edit, "edit"),
            (A::Pause, "pause"),
            (A::View, "view"),
            (A::Sort, "sort"),
            (A::Quit, "quit"),
            (A::Group, "group"),
            (A::TestAll, "test all"),
            (A::Themes, "theme"),
        ],
        (false, true) => &[
            (A::Open, "open"),
            (A::Help, "help"),
            (A::Pause, "resume"),
            (A::Test, "test"),
            (A::Filter, "filter"),
            (A::Edit, "edit"),
            (A::Remove, "remove"),
            (A::Quit, "quit"),
        ],
    }
}

/// The first key of each action; an action without a key is left out.
fn keys(state: &UiState, actions: &[(Action, &'static str)]) -> Vec<(String, &'static str)> {
    actions.iter().filter_map(|(a, label)| Some((state.keymap.keys(*a).into_iter().next()?, *label))).collect()
}
