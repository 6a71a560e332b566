//! The sign-in dialog: code, link, time left, or why it failed.

use super::dialog::window;
use crate::{
    monitor::sign_in::{Step, Way},
    tui::{
        state::sign_in::SignIn,
        theme::{Role, Theme},
        widgets::text,
    },
};
use jiff::Timestamp;
use ratatui::{Frame, layout::Rect, style::Modifier, text::Line};

/// Draws it in the middle.
pub fn draw(frame: &mut Frame<'_>, area: Rect, sign_in: &SignIn, now: Timestamp, theme: &Theme) {
    let width = area.width.min(76);
    let room = usize::from(width.saturating_sub(4));
    let lines = lines(sign_in, now, room, theme);
    let height = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX);
    let title = format!("Sign in to {}", sign_in.service);
    let inner = window(frame, area, width, height, &title, theme);
    for (line, row) in lines.into_iter().zip(inner.rows()) {
        frame.render_widget(line, row);
    }
}

fn lines(sign_in: &SignIn, now: Timestamp, room: usize, theme: &Theme) -> Vec<Line<'static>> {
    let said = |sentence: &str, role: Role| -> Vec<Line<'static>> {
        text::wrap(sentence, room).into_iter().map(|l| Line::styled(l, theme.style(role))).collect()
    };
    if let Some(why) = &sign_in.failure {
        return said(why, Role::Error);
    }
    let Some(step) = &sign_in.step else {
        let sentence = match sign_in.way {
            Way::Client => "Signing in as the application …",
            _ => "Asking the service …",
        };
        return said(sentence, Role::Dim);
    };
    let mut lines = Vec::new();
    let link = |link: &str| pieces(link, room).map(|l| Line::styled(l, theme.style(Role::Text))).collect::<Vec<_>>();
    let until = match step {
        Step::Code { code, link: page, until, .. } => {
            lines.extend(said("Open this in any browser, here or on another machine, and type the code:", Role::Dim));
            lines.push(Line::raw(""));
            lines.extend(link(page));
            lines.push(Line::raw(""));
            lines.push(Line::styled(code.clone(), theme.style(Role::Title).add_modifier(Modifier::BOLD)).centered());
            until
        }
        Step::Browser { link: page, port, until } => {
            lines.extend(said("Open this in a browser on this machine:", Role::Dim));
            lines.push(Line::raw(""));
            lines.extend(link(page));
            lines.push(Line::raw(""));
            let ssh = format!("Over SSH the browser reaches it through: ssh -L {port}:127.0.0.1:{port} HOST");
            lines.extend(said(&ssh, Role::Dim));
            until
        }
    };
    lines.push(Line::raw(""));
    lines.extend(said(&left(*until, now), Role::Dim));
    if sign_in.copied {
        lines.extend(said("The link went to your terminal's clipboard.", Role::Good));
    }
    lines
}

/// `Waiting, 14:59 left`
fn left(until: Timestamp, now: Timestamp) -> String {
    let seconds = (until.as_second() - now.as_second()).max(0);
    format!("Waiting, {}:{:02} left", seconds / 60, seconds % 60)
}

/// A link has no blanks to break it at, and must be whole.
fn pieces(link: &str, room: usize) -> impl Iterator<Item = String> {
    let all: Vec<char> = link.chars().collect();
    all.chunks(room.max(1)).map(|piece| piece.iter().collect()).collect::<Vec<_>>().into_iter()
}
