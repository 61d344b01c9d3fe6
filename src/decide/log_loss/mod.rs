//! What is done to probabilities that are scored by log loss: a [`temperature`] where it pays, then
//! a [`clip`].
//!
//! Both are fitted on validation predictions. Whether the temperature pays is asked of a cross-fit:
//! every image is predicted with a temperature and a clip that were fitted without its fold, and
//! with a clip alone; the temperature is used where that lowers the loss. It is one number, so an
//! idle one does little harm, and no clear gain is asked of it.

mod clip;
mod temperature;

use std::convert::Infallible;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::compare::{Candidate, Clear, Folds, MIN_IMAGES, Spread, compare};
use crate::metric::{Metric, log_loss, row_log_loss};
use crate::run::checked::{self, Fault, between, finite};
use crate::table::Table;

/// A fitted temperature and clip, with the log loss on the images they were fitted on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Calibration {
    /// Probabilities become `softmax(ln p / temperature)`; 1: they stay.
    pub temperature: f64,
    /// After that, they lie in `[epsilon, 1 - epsilon]`.
    pub epsilon: f64,
    /// Validation log loss of the probabilities as they were.
    pub loss_before: f64,
    /// Validation log loss with both; a little more than `loss_before` where validation holds no
    /// sure error, which is the price of not trusting so few images.
    pub loss_after: f64,
    /// The loss on images that temperature and clip have not seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_out: Option<HeldOutLoss>,
}

/// What a cross-fit says: every image predicted with what was fitted without its fold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct HeldOutLoss {
    /// The log loss with a clip alone.
    pub clip: f64,
    /// The log loss with a temperature and a clip.
    pub temperature_and_clip: f64,
    /// The standard error of their difference, from its spread over images.
    pub standard_error: f64,
}

/// Temperatures that somebody may have written by hand: those that are fitted lie well within.
const TEMPERATURES: (f64, f64) = (0.01, 100.0);
/// At one half every class is as probable as any other.
const LARGEST_CLIP: f64 = 0.5;

impl Calibration {
    /// Finds numbers by which no probability can be corrected.
    pub(super) fn check(&self) -> Result<(), Fault> {
        let Self { temperature, epsilon, loss_before, loss_after, held_out } = self;
        between("temperature", *temperature, TEMPERATURES.0, TEMPERATURES.1)?;
        between("epsilon", *epsilon, 0.0, LARGEST_CLIP)?;
        checked::score("loss-before", *loss_before, &Metric::log_loss())?;
        checked::score("loss-after", *loss_after, &Metric::log_loss())?;
        let Some(HeldOutLoss { clip, temperature_and_clip, standard_error }) = held_out else {
            return Ok(());
        };
        checked::score("clip", *clip, &Metric::log_loss())
            .and_then(|()| {
                checked::score("temperature-and-clip", *temperature_and_clip, &Metric::log_loss())
            })
            .and_then(|()| finite("standard-error", *standard_error))
            .map_err(|fault| fault.within("held-out"))
    }
}

impl fmt::Display for Calibration {
    /// One line for the story of a run.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { temperature, epsilon, loss_before, loss_after, held_out } = self;
        write!(f, "probabilities ")?;
        if *temperature != none() {
            let verb = if *temperature > none() { "softened" } else { "sharpened" };
            write!(f, "{verb} by a temperature of {temperature} and ")?;
        }
        let most = 1.0 - epsilon;
        write!(f, "clipped to [{epsilon}, {most}]: log loss {loss_before:.5} -> {loss_after:.5}")?;
        if loss_after > loss_before {
            write!(f, ", which is the price of bounding what a sure mistake costs")?;
        }
        let Some(held_out) = held_out else { return Ok(()) };
        write!(
            f,
            "; on images that neither was chosen by, {:.5} with a temperature, {:.5} with a clip \
             alone (standard error {:.5})",
            held_out.temperature_and_clip, held_out.clip, held_out.standard_error
        )
    }
}

/// The temperature that changes nothing.
fn none() -> f64 {
    1.0
}

/// What is done to probabilities.
#[derive(Clone, Copy)]
struct Softening {
    temperature: f64,
    epsilon: f64,
}

/// Chooses temperature and clip on validation predictions: `rows` are `[n, classes]`, `truth` one
/// class index a row.
pub fn fit(rows: &Table, truth: &[usize]) -> Calibration {
    let nests = truth.len() >= MIN_IMAGES;
    let fit = |images: &[usize]| -> Result<Vec<Softening>, Infallible> {
        let truth: Vec<usize> = images.iter().map(|&i| truth[i]).collect();
        let rows = rows.select(images);
        let clip_alone = Softening::fit(&rows, &truth, none());
        let both = nests.then(|| Softening::fit(&rows, &truth, temperature::fit(&rows, &truth)));
        Ok([clip_alone].into_iter().chain(both).collect())
    };
    let score = |softening: &Softening, images: &[usize]| -> Result<Vec<f64>, Infallible> {
        let mut rows = rows.select(images);
        apply(&mut rows, softening.temperature, softening.epsilon);
        Ok(rows.rows().zip(images).map(|(row, &i)| row_log_loss(row, truth[i])).collect())
    };
    let folds = Folds::of(&vec![0; truth.len()]);
    let Ok(found) = compare(&folds, nests, false, fit, score);
    let chosen = found.winner(&[0, 1][..found.fitted.len()], Clear::AtAll);
    let Softening { temperature, epsilon } = found.fitted[chosen];
    let mut after = rows.clone();
    apply(&mut after, temperature, epsilon);
    Calibration {
        temperature,
        epsilon,
        loss_before: log_loss(rows, truth),
        loss_after: log_loss(&after, truth),
        held_out: HeldOutLoss::of(&found.candidates(vec![(); found.fitted.len()], Clear::AtAll)),
    }
}

/// Softens or sharpens `rows` (`[n, classes]`), then clips them.
pub fn apply(rows: &mut Table, temperature: f64, epsilon: f64) {
    temperature::apply(rows, temperature);
    clip::apply(rows, epsilon);
}

impl Softening {
    /// The best clip after that temperature.
    fn fit(rows: &Table, truth: &[usize], temperature: f64) -> Self {
        let mut softened = rows.clone();
        temperature::apply(&mut softened, temperature);
        Self { temperature, epsilon: clip::fit(&softened, truth) }
    }
}

impl HeldOutLoss {
    /// Of a clip alone and with a temperature, where both were compared.
    fn of(candidates: &[Candidate<()>]) -> Option<Self> {
        let [clip, both] = candidates else { return None };
        let Spread::StandardError(standard_error) = both.spread else { return None };
        Some(Self { clip: clip.nested, temperature_and_clip: both.nested, standard_error })
    }
}

#[cfg(test)]
mod tests {
    use rand::Rng;

    use super::*;
    use crate::decide::numbers::sigmoid;
    use crate::rng::{Purpose, stream};

    /// Images of two classes; the truth is drawn with probability `p`, and `predicted(logit p)` is the
    /// logit of what is predicted.
    fn images(n: usize, predicted: impl Fn(f64) -> f64) -> (Table, Vec<usize>) {
        let mut rng = stream(Purpose::Draw, 1, 0, 0);
        let (mut rows, mut truth) = (Vec::new(), Vec::new());
        for _ in 0..n {
            let logit = rng.random_range(-5.0..5.0f64);
            truth.push(usize::from(rng.random_bool(sigmoid(logit))));
            let p = sigmoid(predicted(logit)) as f32;
            rows.extend([1.0 - p, p]);
        }
        (Table::new(rows, 2), truth)
    }

    #[test]
    fn sure_networks_are_softened() {
        let (mut rows, truth) = images(2000, |logit| 2.0 * logit);
        let fitted = fit(&rows, &truth);
        assert!((1.8..2.2).contains(&fitted.temperature), "{fitted:?}");
        let held_out = fitted.held_out.unwrap();
        assert!(held_out.clip - held_out.temperature_and_clip > 3.0 * held_out.standard_error);
        apply(&mut rows, fitted.temperature, fitted.epsilon);
        assert!((log_loss(&rows, &truth) - fitted.loss_after).abs() < 1e-9);
        assert!(fitted.loss_after < fitted.loss_before);
    }

    #[test]
    fn honest_networks_are_left_alone_or_nearly() {
        let (rows, truth) = images(2000, |logit| logit);
        let fitted = fit(&rows, &truth);
        assert!((0.9..1.1).contains(&fitted.temperature), "{fitted:?}");
        assert!((fitted.loss_after - fitted.loss_before).abs() < 2e-3, "{fitted:?}");
    }

    #[test]
    fn few_images_choose_a_clip_alone() {
        let (rows, truth) = images(MIN_IMAGES - 1, |logit| 3.0 * logit);
        let fitted = fit(&rows, &truth);
        assert_eq!((fitted.temperature, fitted.held_out), (1.0, None));
    }
}
