//! A white sheet to draw a chart on: lines, boxes, dots and letters, in pixels from the upper left.

use anyhow::{Context, Result};
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};
use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};
use tiny_skia::{
    Color, FillRule, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, Rect, Stroke, StrokeDash,
    Transform,
};

use super::Place;

/// Red, green, blue and how much it covers, out of 255.
pub(super) type Ink = [u8; 4];

/// How a line is drawn.
#[derive(Clone, Copy)]
pub(super) struct Pen {
    pub(super) ink: Ink,
    pub(super) width: f64,
    /// Lengths of strokes and gaps by turns; empty: a line without gaps.
    pub(super) dash: &'static [f32],
}

/// Where a text stands beside its place, which is on the middle of its height.
#[derive(Clone, Copy)]
pub(super) enum Anchor {
    Left,
    Middle,
    Right,
}

const LETTERS: RasterHeight = RasterHeight::Size20;

/// Width and height of a letter.
pub(super) const LETTER: (f64, f64) =
    (get_raster_width(FontWeight::Regular, LETTERS) as f64, LETTERS.val() as f64);

pub(super) struct Sheet {
    pixels: Pixmap,
}

impl Sheet {
    pub(super) fn new(width: u32, height: u32) -> Result<Self> {
        let mut pixels = Pixmap::new(width, height).context("a chart without pixels")?;
        pixels.fill(Color::WHITE);
        Ok(Self { pixels })
    }

    pub(super) fn line(&mut self, places: &[Place], pen: Pen) {
        let mut path = PathBuilder::new();
        for (i, &(x, y)) in places.iter().enumerate() {
            let draw = if i == 0 { PathBuilder::move_to } else { PathBuilder::line_to };
            draw(&mut path, x as f32, y as f32);
        }
        let stroke = Stroke {
            width: pen.width as f32,
            line_cap: LineCap::Butt,
            line_join: LineJoin::Round,
            dash: StrokeDash::new(pen.dash.to_vec(), 0.0),
            ..Stroke::default()
        };
        if let Some(path) = path.finish() {
            let paint = paint(pen.ink);
            self.pixels.stroke_path(&path, &paint, &stroke, Transform::identity(), None);
        }
    }

    pub(super) fn rectangle(&mut self, from: Place, to: Place, ink: Ink) {
        let (left, right) = (from.0.min(to.0), from.0.max(to.0));
        let (top, bottom) = (from.1.min(to.1), from.1.max(to.1));
        let ends = [left, top, right, bottom].map(|end| end as f32);
        if let Some(all) = Rect::from_ltrb(ends[0], ends[1], ends[2], ends[3]) {
            self.fill(&PathBuilder::from_rect(all), ink);
        }
    }

    pub(super) fn dot(&mut self, (x, y): Place, radius: f64, ink: Ink) {
        if let Some(path) = PathBuilder::from_circle(x as f32, y as f32, radius as f32) {
            self.fill(&path, ink);
        }
    }

    /// A text on one line; letters that the font lacks are told as `?`.
    pub(super) fn text(&mut self, (x, y): Place, anchor: Anchor, text: &str, ink: Ink) {
        let width = text.chars().count() as f64 * LETTER.0;
        let left = match anchor {
            Anchor::Left => x,
            Anchor::Middle => x - width / 2.0,
            Anchor::Right => x - width,
        };
        let top = (y - LETTER.1 / 2.0).round() as i64;
        for (i, letter) in text.chars().enumerate() {
            let raster = |letter| get_raster(letter, FontWeight::Regular, LETTERS);
            let Some(raster) = raster(letter).or_else(|| raster('?')) else { continue };
            let left = (left + i as f64 * LETTER.0).round() as i64;
            for (row, pixels) in raster.rows().enumerate() {
                for (column, &cover) in pixels.iter().enumerate() {
                    self.blend(left + column as i64, top + row as i64, cover, ink);
                }
            }
        }
    }

    /// The sheet as the bytes of a PNG file.
    pub(super) fn encode(&self) -> Result<Vec<u8>> {
        let (width, height) = (self.pixels.width(), self.pixels.height());
        let opaque = self.pixels.data().chunks_exact(4);
        let rgb: Vec<u8> = opaque.flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
        let mut file = Vec::new();
        PngEncoder::new(&mut file)
            .write_image(&rgb, width, height, ExtendedColorType::Rgb8)
            .context("failed to encode a chart as PNG")?;
        Ok(file)
    }

    fn fill(&mut self, path: &Path, ink: Ink) {
        self.pixels.fill_path(path, &paint(ink), FillRule::Winding, Transform::identity(), None);
    }

    fn blend(&mut self, x: i64, y: i64, cover: u8, ink: Ink) {
        let (width, height) = (i64::from(self.pixels.width()), i64::from(self.pixels.height()));
        if !(0..width).contains(&x) || !(0..height).contains(&y) {
            return;
        }
        let at = 4 * (y * width + x) as usize;
        for (byte, new) in self.pixels.data_mut()[at..at + 3].iter_mut().zip(ink) {
            let (old, new, cover) = (u32::from(*byte), u32::from(new), u32::from(cover));
            *byte = ((old * (255 - cover) + new * cover + 127) / 255) as u8;
        }
    }
}

fn paint([red, green, blue, alpha]: Ink) -> Paint<'static> {
    let mut paint = Paint::default();
    paint.set_color_rgba8(red, green, blue, alpha);
    paint
}
