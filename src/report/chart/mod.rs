//! Charts: lines, points and bars over two axes, with shaded stretches and marked places, drawn as
//! SVG and as text for a terminal.
//!
//! Own code, because the page needs what plotting crates do not give: inline SVG whose colours are
//! the page's CSS variables (light, dark, print), laid out twice so that its letters are of one
//! size on a phone and on a desk, dashes and shapes that tell series apart without colours, and
//! labels that give way to each other. `plotters` writes colours and pixels into the SVG and has
//! rested for years; `poloto` has one layout and no marks.

mod layout;
mod model;
mod scale;
mod svg;
mod terminal;
mod words;

pub use model::{Axis, Band, Chart, Look, Mark, Series};
pub use scale::{Scale, label};
pub use svg::Width;
pub(super) use svg::{PALETTE, STYLE};
pub use terminal::terminal;

#[cfg(test)]
mod tests;
