//! What is left of a colour on a terminal with fewer of them.

use super::file::Look;
use crate::tui::caps::Depth;
use ratatui::style::{Color, Style};

/// The steps of the xterm colour cube.
const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// Usual values of the sixteen, to find the nearest.
const ANSI: [(Color, (u8, u8, u8)); 16] = [
    (Color::Black, (0, 0, 0)),
    (Color::Red, (205, 49, 49)),
    (Color::Green, (13, 188, 121)),
    (Color::Yellow, (229, 229, 16)),
    (Color::Blue, (36, 114, 200)),
    (Color::Magenta, (188, 63, 188)),
    (Color::Cyan, (17, 168, 205)),
    (Color::Gray, (200, 200, 200)),
    (Color::DarkGray, (110, 110, 110)),
    (Color::LightRed, (241, 76, 76)),
    (Color::LightGreen, (35, 209, 139)),
    (Color::LightYellow, (245, 245, 67)),
    (Color::LightBlue, (59, 142, 234)),
    (Color::LightMagenta, (214, 112, 214)),
    (Color::LightCyan, (41, 184, 219)),
    (Color::White, (255, 255, 255)),
];

/// The style of a look at a depth.
pub fn style(look: Look, depth: Depth) -> Style {
    let mut style = Style::new().add_modifier(look.modifiers);
    if depth == Depth::None {
        return style;
    }
    let fg = if depth == Depth::Ansi { look.ansi.or(look.fg) } else { look.fg };
    if let Some(fg) = fg {
        style = style.fg(colour(fg, depth));
    }
    if let Some(bg) = look.bg {
        style = style.bg(colour(bg, depth));
    }
    style
}

fn colour(colour: Color, depth: Depth) -> Color {
    let Color::Rgb(r, g, b) = colour else { return colour };
    match depth {
        Depth::True => colour,
        Depth::Indexed => indexed(r, g, b),
        Depth::Ansi | Depth::None => {
            ANSI.iter().min_by_key(|(_, near)| distance((r, g, b), *near)).map_or(Color::Reset, |(c, _)| *c)
        }
    }
}

/// The nearest of the cube's 216 and the 24 greys; the first sixteen differ from terminal to terminal.
fn indexed(r: u8, g: u8, b: u8) -> Color {
    let step = |v: u8| (0..6u8).min_by_key(|i| STEPS[usize::from(*i)].abs_diff(v)).unwrap_or(0);
    let (x, y, z) = (step(r), step(g), step(b));
    let cube = (16 + 36 * x + 6 * y + z, (STEPS[usize::from(x)], STEPS[usize::from(y)], STEPS[usize::from(z)]));
    let mean = (u16::from(r) + u16::from(g) + u16::from(b)) / 3;
    let level = u8::try_from(mean.saturating_sub(3) / 10).unwrap_or(23).min(23);
    let value = 8 + 10 * level;
    let grey = (232 + level, (value, value, value));
    let near = if distance((r, g, b), grey.1) < distance((r, g, b), cube.1) { grey.0 } else { cube.0 };
    Color::Indexed(near)
}

fn distance(a: (u8, u8, u8), b: (u8, u8, u8)) -> u32 {
    let square = |x: u8, y: u8| u32::from(x.abs_diff(y)).pow(2);
    2 * square(a.0, b.0) + 4 * square(a.1, b.1) + 3 * square(a.2, b.2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_colour_is_found() {
        assert_eq!(colour(Color::Rgb(255, 0, 0), Depth::Indexed), Color::Indexed(196));
        assert_eq!(colour(Color::Rgb(128, 128, 128), Depth::Indexed), Color::Indexed(244));
        assert_eq!(colour(Color::Rgb(250, 250, 250), Depth::Ansi), Color::White);
        assert_eq!(colour(Color::Red, Depth::Indexed), Color::Red);
    }
}
