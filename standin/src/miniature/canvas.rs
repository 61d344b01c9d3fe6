//! A sheet to draw on: smooth shapes through points in figure coordinates, clipped coats, JPEGs.

#![expect(clippy::many_single_char_names, reason = "splines are written with the letters of books")]

use anyhow::{Context, Result};
use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder};
use rand::Rng;
use tiny_skia::{
    BlendMode, FillRule, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, PixmapPaint, Stroke,
    Transform,
};

use super::colour::Colour;
use super::noise::Noise;

/// A point in the coordinates of the figure being drawn.
pub(super) type Point = (f32, f32);

/// Where paint goes.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum On {
    /// Everywhere.
    Sheet,
    /// Only where something is drawn already: spots stay on the coat.
    Drawn,
}

/// A transparent sheet with a coordinate system of its own.
pub(super) struct Canvas {
    pixels: Pixmap,
    transform: Transform,
}

impl Canvas {
    /// An empty sheet, `width` x `height` pixels, drawn on in pixels.
    pub(super) fn new(width: u32, height: u32) -> Self {
        let pixels = Pixmap::new(width.max(1), height.max(1)).expect("a sheet of some pixels");
        Self { pixels, transform: Transform::identity() }
    }

    /// An empty sheet of the same size whose shapes are scaled, turned (degrees) and moved.
    pub(super) fn overlay(&self, at: Point, scale: Point, degrees: f32) -> Self {
        let mut sheet = Self::new(self.pixels.width(), self.pixels.height());
        sheet.transform =
            Transform::from_translate(at.0, at.1).pre_rotate(degrees).pre_scale(scale.0, scale.1);
        sheet
    }

    /// Width and height in pixels.
    pub(super) fn size(&self) -> Point {
        (self.pixels.width() as f32, self.pixels.height() as f32)
    }

    /// Lays another sheet over this one.
    pub(super) fn lay(&mut self, sheet: &Self, opacity: f32) {
        let paint = PixmapPaint { opacity, ..PixmapPaint::default() };
        self.pixels.draw_pixmap(0, 0, sheet.pixels.as_ref(), &paint, Transform::identity(), None);
    }

    pub(super) fn ellipse(&mut self, centre: Point, radii: Point, colour: Colour) {
        self.ellipse_on(On::Sheet, centre, radii, colour);
    }

    pub(super) fn ellipse_on(&mut self, on: On, (x, y): Point, (rx, ry): Point, colour: Colour) {
        let Some(bounds) = tiny_skia::Rect::from_xywh(x - rx, y - ry, 2.0 * rx, 2.0 * ry) else {
            return;
        };
        if let Some(path) = PathBuilder::from_oval(bounds) {
            self.fill(&path, on, colour);
        }
    }

    /// A rectangle between two corners.
    pub(super) fn rectangle(&mut self, (x0, y0): Point, (x1, y1): Point, colour: Colour) {
        self.polygon(&[(x0, y0), (x1, y0), (x1, y1), (x0, y1)], colour);
    }

    pub(super) fn polygon(&mut self, corners: &[Point], colour: Colour) {
        self.polygon_on(On::Sheet, corners, colour);
    }

    pub(super) fn polygon_on(&mut self, on: On, corners: &[Point], colour: Colour) {
        if let Some(path) = through(corners, Joints::Sharp, true) {
            self.fill(&path, on, colour);
        }
    }

    /// The smooth closed shape through some points.
    pub(super) fn blob(&mut self, points: &[Point], colour: Colour) {
        self.blob_on(On::Sheet, points, colour);
    }

    pub(super) fn blob_on(&mut self, on: On, points: &[Point], colour: Colour) {
        if let Some(path) = through(points, Joints::Smooth, true) {
            self.fill(&path, on, colour);
        }
    }

    /// A smooth line with round ends.
    pub(super) fn line(&mut self, points: &[Point], width: f32, colour: Colour) {
        self.line_on(On::Sheet, points, width, colour);
    }

    pub(super) fn line_on(&mut self, on: On, points: &[Point], width: f32, colour: Colour) {
        let stroke = Stroke {
            width,
            line_cap: LineCap::Round,
            line_join: LineJoin::Round,
            ..Stroke::default()
        };
        if let Some(path) = through(points, Joints::Smooth, false) {
            self.pixels.stroke_path(&path, &paint(on, colour), &stroke, self.transform, None);
        }
    }

    /// A limb: a line that tapers from one width to another.
    pub(super) fn limb(&mut self, points: &[Point], widths: (f32, f32), colour: Colour) {
        const STEPS: usize = 24;
        for step in 0..=STEPS {
            let t = step as f32 / STEPS as f32;
            let radius = 0.5 * (widths.0 + (widths.1 - widths.0) * t);
            self.ellipse(along(points, t), (radius, radius), colour);
        }
    }

    fn fill(&mut self, path: &Path, on: On, colour: Colour) {
        let paint = paint(on, colour);
        self.pixels.fill_path(path, &paint, FillRule::Winding, self.transform, None);
    }

    /// Changes every drawn pixel: `change(x, y, [red, green, blue])`, values in `[0, 1]`.
    pub(super) fn each_pixel(&mut self, mut change: impl FnMut(f32, f32, [f32; 3]) -> [f32; 3]) {
        let width = self.pixels.width() as usize;
        for (i, pixel) in self.pixels.data_mut().chunks_exact_mut(4).enumerate() {
            let alpha = f32::from(pixel[3]);
            if alpha == 0.0 {
                continue;
            }
            let old = [0, 1, 2].map(|channel| f32::from(pixel[channel]) / alpha);
            let new = change((i % width) as f32, (i / width) as f32, old);
            for (byte, value) in pixel.iter_mut().zip(new) {
                *byte = (value.clamp(0.0, 1.0) * alpha + 0.5) as u8;
            }
        }
    }

    /// Lightens and darkens what is drawn by `amount`, in grains of about `grain` pixels.
    pub(super) fn texture(&mut self, noise: Noise, grain: f32, amount: f32) {
        self.each_pixel(|x, y, colour| {
            let factor = 1.0 + amount * (noise.cloudy(x / grain, y / grain) - 0.5) * 2.0;
            colour.map(|value| value * factor)
        });
    }

    /// What a camera does to it: exposure, a colour cast, contrast, grain.
    pub(super) fn develop(&mut self, rng: &mut impl Rng) {
        let exposure: f32 = rng.random_range(0.78..1.18);
        let contrast: f32 = rng.random_range(0.8..1.15);
        let cast = [0; 3].map(|_| rng.random_range(0.93..1.07_f32));
        let grain: f32 = rng.random_range(0.0..0.035);
        let (width, height) = self.size();
        let vignette: f32 = rng.random_range(0.0..0.35);
        self.each_pixel(|x, y, colour| {
            let (u, v) = (x / width - 0.5, y / height - 0.5);
            let light = exposure * (1.0 - vignette * (u * u + v * v) * 2.0);
            let speck = grain * (rng.random::<f32>() - 0.5) * 2.0;
            let seen = |i: usize| (colour[i] * cast[i] * light - 0.5) * contrast + 0.5 + speck;
            [seen(0), seen(1), seen(2)]
        });
    }

    /// Red, green and blue bytes, `[height, width, 3]`, over white where nothing is drawn.
    pub(super) fn rgb(&self) -> Vec<u8> {
        let pixels = self.pixels.data().chunks_exact(4);
        pixels.flat_map(|p| [0, 1, 2].map(|channel| p[channel] + (255 - p[3]))).collect()
    }

    /// Encodes the sheet as a JPEG file.
    pub(super) fn jpeg(&self, quality: u8) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let (width, height) = (self.pixels.width(), self.pixels.height());
        JpegEncoder::new_with_quality(&mut bytes, quality)
            .write_image(&self.rgb(), width, height, ExtendedColorType::Rgb8)
            .context("failed to encode a drawn picture")?;
        Ok(bytes)
    }
}

fn paint(on: On, colour: Colour) -> Paint<'static> {
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    paint.set_color(colour.into());
    if on == On::Drawn {
        paint.blend_mode = BlendMode::SourceAtop;
    }
    paint
}

#[derive(Clone, Copy)]
enum Joints {
    Sharp,
    Smooth,
}

/// The path through `points`: straight, or a uniform Catmull-Rom spline as Bezier curves.
fn through(points: &[Point], joints: Joints, closed: bool) -> Option<Path> {
    let n = points.len();
    let mut builder = PathBuilder::new();
    let first = points.first()?;
    builder.move_to(first.0, first.1);
    let at = |i: isize| {
        if closed {
            points[i.rem_euclid(n as isize) as usize]
        } else {
            points[i.clamp(0, n as isize - 1) as usize]
        }
    };
    for i in 0..if closed { n } else { n - 1 } as isize {
        let (a, b, c, d) = (at(i - 1), at(i), at(i + 1), at(i + 2));
        match joints {
            Joints::Sharp => builder.line_to(c.0, c.1),
            Joints::Smooth => builder.cubic_to(
                b.0 + (c.0 - a.0) / 6.0,
                b.1 + (c.1 - a.1) / 6.0,
                c.0 - (d.0 - b.0) / 6.0,
                c.1 - (d.1 - b.1) / 6.0,
                c.0,
                c.1,
            ),
        }
    }
    if closed {
        builder.close();
    }
    builder.finish()
}

/// The point at `t` in `[0, 1]` on the open Catmull-Rom spline through `points`.
pub(super) fn along(points: &[Point], t: f32) -> Point {
    let last = points.len() - 1;
    let position = t.clamp(0.0, 1.0) * last as f32;
    let i = (position as usize).min(last.saturating_sub(1));
    let t = position - i as f32;
    let at = |i: usize| points[i.min(last)];
    let (a, b, c, d) = (at(i.saturating_sub(1)), at(i), at(i + 1), at(i + 2));
    let spline = |a: f32, b: f32, c: f32, d: f32| {
        0.5 * (2.0 * b
            + (c - a) * t
            + (2.0 * a - 5.0 * b + 4.0 * c - d) * t * t
            + (3.0 * b - a - 3.0 * c + d) * t * t * t)
    };
    (spline(a.0, b.0, c.0, d.0), spline(a.1, b.1, c.1, d.1))
}

/// The point between two.
pub(super) fn middle(a: Point, b: Point) -> Point {
    (f32::midpoint(a.0, b.0), f32::midpoint(a.1, b.1))
}
