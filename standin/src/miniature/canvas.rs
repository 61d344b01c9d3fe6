//! A sheet to paint on: shapes by their signed distance, and what changes every pixel.

use anyhow::{Context, Result};
use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder};
use rand::Rng;

use super::colour::Colour;
use super::noise::Noise;

/// In pixels, from the upper left corner.
pub(super) type Point = (f32, f32);

pub(super) struct Canvas {
    width: usize,
    height: usize,
    /// `[height, width]`, row-major.
    pixels: Vec<[f32; 3]>,
}

impl Canvas {
    pub(super) fn new(width: usize, height: usize, colour: Colour) -> Self {
        Self { width, height, pixels: vec![colour.rgb; width * height] }
    }

    /// Width and height in pixels.
    pub(super) fn size(&self) -> Point {
        (self.width as f32, self.height as f32)
    }

    /// Changes every pixel: `change((x, y), [red, green, blue])`, values in `[0, 1]`.
    pub(super) fn each_pixel(&mut self, mut change: impl FnMut(Point, [f32; 3]) -> [f32; 3]) {
        for (i, pixel) in self.pixels.iter_mut().enumerate() {
            *pixel = change(((i % self.width) as f32, (i / self.width) as f32), *pixel);
        }
    }

    /// Paints from one corner to the other what `shape` says of a point: how far outside it is,
    /// negative inside, and the colour there.
    pub(super) fn paint(
        &mut self,
        (low, high): (Point, Point),
        shape: impl Fn(Point) -> (f32, Colour),
    ) {
        for (i, p) in self.within((low, high)) {
            let (distance, colour) = shape(p);
            blend(&mut self.pixels[i], distance, colour);
        }
    }

    /// The pixels between two corners: where they are stored, and their middles.
    fn within(&self, (low, high): (Point, Point)) -> impl Iterator<Item = (usize, Point)> + use<> {
        let (width, height) = (self.width, self.height);
        let side = |low: f32, high: f32, most: usize| {
            (low.max(0.0) as usize).min(most)..((high + 1.0).max(0.0) as usize).min(most)
        };
        let columns = side(low.0, high.0, width);
        side(low.1, high.1, height).flat_map(move |y| {
            columns.clone().map(move |x| (y * width + x, (x as f32 + 0.5, y as f32 + 0.5)))
        })
    }

    pub(super) fn ellipse(&mut self, (x, y): Point, (rx, ry): Point, colour: Colour) {
        let bounds = ((x - rx - 1.0, y - ry - 1.0), (x + rx + 1.0, y + ry + 1.0));
        self.paint(bounds, |p| {
            let from_middle = ((p.0 - x) / rx).hypot((p.1 - y) / ry);
            ((from_middle - 1.0) * rx.min(ry), colour)
        });
    }

    /// A rectangle between two corners.
    pub(super) fn rectangle(&mut self, (x0, y0): Point, (x1, y1): Point, colour: Colour) {
        self.polygon(&[(x0, y0), (x1, y0), (x1, y1), (x0, y1)], colour);
    }

    pub(super) fn polygon(&mut self, corners: &[Point], colour: Colour) {
        let edges = || corners.iter().zip(corners.iter().cycle().skip(1));
        self.paint(bounds(corners, 1.0), |p| {
            let crossed = edges().filter(|(a, b)| {
                (a.1 > p.1) != (b.1 > p.1) && p.0 < (b.0 - a.0) * (p.1 - a.1) / (b.1 - a.1) + a.0
            });
            let side = if crossed.count() % 2 == 1 { -1.0 } else { 1.0 };
            let nearest = edges().map(|(a, b)| along(*a, *b, p).0).fold(f32::INFINITY, f32::min);
            (side * nearest, colour)
        });
    }

    /// The smooth closed shape through some points.
    pub(super) fn blob(&mut self, points: &[Point], colour: Colour) {
        let n = points.len();
        let around: Vec<Point> = (0..n + 3).map(|i| points[(i + n - 1) % n]).collect();
        self.polygon(&spline(&around), colour);
    }

    /// A line with round ends.
    pub(super) fn line(&mut self, points: &[Point], width: f32, colour: Colour) {
        // Piece by piece, and painted once: a piece is near to few pixels.
        let mut nearest = vec![f32::INFINITY; self.pixels.len()];
        for ends in points.windows(2) {
            for (i, p) in self.within(bounds(ends, width)) {
                nearest[i] = nearest[i].min(along(ends[0], ends[1], p).0);
            }
        }
        for (pixel, distance) in self.pixels.iter_mut().zip(nearest) {
            blend(pixel, distance - width / 2.0, colour);
        }
    }

    /// Lightens and darkens by `amount`, in grains of about `grain` pixels.
    pub(super) fn texture(&mut self, noise: Noise, grain: f32, amount: f32) {
        self.each_pixel(|(x, y), colour| {
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
        self.each_pixel(|_, colour| {
            let speck = grain * (rng.random::<f32>() - 0.5) * 2.0;
            [0, 1, 2]
                .map(|i: usize| (colour[i] * cast[i] * exposure - 0.5) * contrast + 0.5 + speck)
        });
    }

    /// Encodes the sheet as a JPEG file.
    pub(super) fn jpeg(&self, quality: u8) -> Result<Vec<u8>> {
        let byte = |value: &f32| (value.clamp(0.0, 1.0) * 255.0 + 0.5) as u8;
        let rgb: Vec<u8> = self.pixels.as_flattened().iter().map(byte).collect();
        let mut bytes = Vec::new();
        JpegEncoder::new_with_quality(&mut bytes, quality)
            .write_image(&rgb, self.width as u32, self.height as u32, ExtendedColorType::Rgb8)
            .context("failed to encode a drawn picture")?;
        Ok(bytes)
    }
}

/// Lays a colour over a pixel whose middle is so far outside a shape.
fn blend(pixel: &mut [f32; 3], distance: f32, colour: Colour) {
    let cover = (0.5 - distance).clamp(0.0, 1.0) * colour.opacity;
    for (old, new) in pixel.iter_mut().zip(colour.rgb) {
        *old += (new - *old) * cover;
    }
}

/// The box around some points, larger by a margin.
fn bounds(points: &[Point], margin: f32) -> (Point, Point) {
    let far = f32::INFINITY;
    points.iter().fold(((far, far), (-far, -far)), |(low, high), p| {
        (
            (low.0.min(p.0 - margin), low.1.min(p.1 - margin)),
            (high.0.max(p.0 + margin), high.1.max(p.1 + margin)),
        )
    })
}

/// How far a point is from the line between two others, and how far along it, in `[0, 1]`.
pub(super) fn along(from: Point, to: Point, (x, y): Point) -> (f32, f32) {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let t = ((x - from.0) * dx + (y - from.1) * dy) / (dx * dx + dy * dy).max(f32::MIN_POSITIVE);
    let t = t.clamp(0.0, 1.0);
    ((x - from.0 - dx * t).hypot(y - from.1 - dy * t), t)
}

/// Points on the Catmull-Rom spline through all points but the first and the last.
pub(super) fn spline(points: &[Point]) -> Vec<Point> {
    const STEPS: u16 = 6;
    let between = |p: &[f32; 4], t: f32| {
        let [a, b, c, d] = p;
        b + 0.5
            * t
            * (c - a + t * (2.0 * a - 5.0 * b + 4.0 * c - d + t * (3.0 * b - a - 3.0 * c + d)))
    };
    let mut curve = Vec::new();
    for four in points.windows(4) {
        let (x, y) =
            ([0, 1, 2, 3].map(|i: usize| four[i].0), [0, 1, 2, 3].map(|i: usize| four[i].1));
        curve.extend((0..STEPS).map(|step| {
            let t = f32::from(step) / f32::from(STEPS);
            (between(&x, t), between(&y, t))
        }));
    }
    curve
}
