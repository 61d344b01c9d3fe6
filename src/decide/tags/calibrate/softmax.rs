//! Tags of which every image has exactly one: a softmax over what was predicted of each.
//!
//! A network that answers for every tag alone says `p_w`, and these need not sum to one. How two of
//! them are to be combined depends on the network: where it sees all of them together, `p_w` are
//! already the parts of a whole, and what should be compared is `ln p_w`; where it judges each by
//! signs of its own, it is the odds, `ln p_w - ln (1 - p_w)`. So both logarithms have a slope:
//!
//! `p' = softmax(slope * ln p - against * ln (1 - p) + offset)`
//!
//! with priors around the former, under which probabilities that sum to one stay as they are.
//! Held-out log loss of the four weathers of Planet: .296, .313 and .300 with the former alone, the
//! odds alone, and both, each fitted on halves of 121 chips that a network had predicted (.290 for
//! probabilities scaled to sum to one, so few they are); with simulated logits, fitted on 3,000:
//! .247, .252, .247 for a network that sees weathers together, and .300, .247, .247 for one that
//! sees each alone; for the mean of three networks .043, .039, .040.

use serde::{Deserialize, Serialize};

use super::{PRIOR_SPREAD, SLOPES};
use crate::decide::newton::{Derivatives, FREE, minimise};
use crate::decide::numbers::{logarithms, rounded, softmax};
use crate::table::Table;

/// How the members of one group are corrected together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Softmax {
    /// Classes, of which every image has exactly one.
    pub members: Vec<usize>,
    /// How much `ln p` counts, of a member.
    pub slope: f64,
    /// How much `-ln (1 - p)` counts beside it: as much, and it is the odds that are compared.
    pub against: f64,
    /// One a member: above zero, it is more frequent than was predicted.
    pub offsets: Vec<f64>,
}

impl Softmax {
    /// The most probable one, to four decimals, by the images that have exactly one member.
    /// `probabilities` and `truth` are `[n, classes]`.
    pub(super) fn fit(
        members: &[usize],
        with_offsets: bool,
        probabilities: &Table,
        truth: &Table<bool>,
    ) -> Self {
        let images = GroupImages::collect(members, probabilities, truth);
        let n_offsets = if with_offsets { members.len() } else { 0 };
        let start: Vec<f64> = [1.0, 0.0].into_iter().chain(vec![0.0; n_offsets]).collect();
        let mut bounds = vec![FREE; start.len()];
        bounds[..2].copy_from_slice(&[SLOPES, (0.0, f64::INFINITY)]);
        let place = minimise(&start, &bounds, |place| {
            let mut loss = images.loss(place);
            loss.add_prior(place, &start, PRIOR_SPREAD);
            loss
        });
        let mut offsets: Vec<f64> = place[2..].iter().copied().map(rounded).collect();
        offsets.resize(members.len(), 0.0);
        Self {
            members: members.to_vec(),
            slope: rounded(place[0]),
            against: rounded(place[1]),
            offsets,
        }
    }

    /// Corrects the members of a row; they then sum to one.
    pub(super) fn apply(&self, row: &mut [f32]) {
        let scores: Vec<f64> = self
            .members
            .iter()
            .zip(&self.offsets)
            .map(|(&member, offset)| {
                let (with, without) = logarithms(row[member]);
                self.slope * with - self.against * without + offset
            })
            .collect();
        for (&member, p) in self.members.iter().zip(softmax(&scores)) {
            row[member] = p as f32;
        }
    }
}

/// The images that have exactly one member.
struct GroupImages {
    n_members: usize,
    /// `[images, members]`: `ln p` and `-ln (1 - p)`.
    predicted: Vec<[f64; 2]>,
    /// Which member an image has.
    true_member: Vec<usize>,
}

impl GroupImages {
    fn collect(members: &[usize], probabilities: &Table, truth: &Table<bool>) -> Self {
        let (mut predicted, mut true_member) = (Vec::new(), Vec::new());
        for (row, truth) in probabilities.rows().zip(truth.rows()) {
            let mut set = (0..members.len()).filter(|&i| truth[members[i]]);
            if let (Some(one), None) = (set.next(), set.next()) {
                true_member.push(one);
                predicted.extend(members.iter().map(|&member| {
                    let (with, without) = logarithms(row[member]);
                    [with, -without]
                }));
            }
        }
        Self { n_members: members.len(), predicted, true_member }
    }

    /// The summed log loss of two slopes and then an offset a member, or no offsets.
    fn loss(&self, place: &[f64]) -> Derivatives {
        let (n, n_offsets) = (place.len(), place.len() - 2);
        let mut sums = Derivatives::zero(n);
        let mut ps = vec![0.0; self.n_members];
        for (predicted, &truth) in
            self.predicted.chunks_exact(self.n_members).zip(&self.true_member)
        {
            for (i, (score, predicted)) in ps.iter_mut().zip(predicted).enumerate() {
                let offset = place.get(2 + i).copied().unwrap_or(0.0);
                *score = place[0] * predicted[0] + place[1] * predicted[1] + offset;
            }
            let true_score = ps[truth];
            let largest = ps.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let mut sum = 0.0;
            for score in &mut ps {
                *score = (*score - largest).exp();
                sum += *score;
            }
            for p in &mut ps {
                *p /= sum;
            }
            sums.value += sum.ln() + largest - true_score;

            let mut means = [0.0; 2];
            for (p, predicted) in ps.iter().zip(predicted) {
                means[0] += p * predicted[0];
                means[1] += p * predicted[1];
            }
            for (f, mean) in means.into_iter().enumerate() {
                sums.gradient[f] += mean - predicted[truth][f];
            }
            for (i, (&p, predicted)) in ps.iter().zip(predicted).enumerate() {
                let far = [predicted[0] - means[0], predicted[1] - means[1]];
                sums.hessian[0] += p * far[0] * far[0];
                sums.hessian[1] += p * far[0] * far[1];
                sums.hessian[n + 1] += p * far[1] * far[1];
                if n_offsets > 0 {
                    sums.gradient[2 + i] += p - f64::from(u8::from(i == truth));
                    sums.hessian[2 + i] += p * far[0];
                    sums.hessian[n + 2 + i] += p * far[1];
                    let row = &mut sums.hessian[(2 + i) * n + 2..][..n_offsets];
                    row[i] += p;
                    row.iter_mut().zip(&ps).for_each(|(sum, other)| *sum -= p * other);
                }
            }
        }
        for i in 0..n {
            for j in 0..i.min(2) {
                sums.hessian[i * n + j] = sums.hessian[j * n + i];
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `i = np.arange(300)[:, None]; k = np.arange(3)`,
    /// `p = ((i*(29 + 8*k)%83 + 1)/90).astype(np.float32).astype(float)`,
    /// `l = np.stack([np.log(p), -np.log(1 - p)], -1)`,
    /// `u = np.log(p/(1 - p)) + 3*(i*(31 + 2*k)%89/89) + [0, .5, -.5]; y = np.eye(3)[u.argmax(1)]`.
    fn images() -> (Table, Table<bool>) {
        let (mut rows, mut truth) = (Vec::new(), Vec::new());
        for i in 0..300u32 {
            let row = [0, 1, 2].map(|k| ((f64::from(i * (29 + 8 * k) % 83) + 1.0) / 90.0) as f32);
            let utilities = [(0, 0.0), (1, 0.5), (2, -0.5)].map(|(k, offset)| {
                let p = f64::from(row[k as usize]);
                let noise = f64::from(i * (31 + 2 * k) % 89) / 89.0;
                (p / (1.0 - p)).ln() + 3.0 * noise + offset
            });
            let largest = utilities.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            rows.extend(row);
            truth.extend(utilities.map(|utility| utility == largest));
        }
        (Table::new(rows, 3), Table::new(truth, 3))
    }

    /// `def g(t): z = l@t[:2] + t[2:]; d = t - np.r_[1, 0, 0, 0, 0]; return
    /// (np.log(np.exp(z).sum(1)) - (y*z).sum(1)).sum() + (d**2).sum()/2/.25`.
    #[test]
    fn agrees_with_scipy() {
        let (rows, truth) = images();
        // scipy.optimize.minimize(g, [1, 0, 0, 0, 0], tol=1e-12).x
        let fitted = Softmax::fit(&[0, 1, 2], true, &rows, &truth);
        let expected = [1.945_721_6, 1.816_570_4, -0.188_426_1, 0.813_721_5, -0.625_295_8];
        let slopes = [fitted.slope, fitted.against];
        for (found, expected) in slopes.iter().chain(&fitted.offsets).zip(expected) {
            assert!((found - expected).abs() < 1e-4, "{found} {expected}");
        }
        // minimize(lambda t: g(np.r_[t, 0, 0, 0]), [1, 0], tol=1e-12).x
        let fitted = Softmax::fit(&[0, 1, 2], false, &rows, &truth);
        assert!((fitted.slope - 1.588_821_5).abs() < 1e-4, "{fitted:?}");
        assert!((fitted.against - 1.495_103_7).abs() < 1e-4, "{fitted:?}");
        assert_eq!(fitted.offsets, [0.0; 3]);
    }

    #[test]
    fn derivatives_are_those_of_the_loss() {
        let (rows, truth) = images();
        let images = GroupImages::collect(&[2, 0, 1], &rows, &truth);
        let place = [0.8, 0.3, 0.2, -0.4, 0.1];
        let here = images.loss(&place);
        let h = 1e-5;
        for i in 0..place.len() {
            let (mut below, mut above) = (place, place);
            below[i] -= h;
            above[i] += h;
            let (below, above) = (images.loss(&below), images.loss(&above));
            let slope = (above.value - below.value) / (2.0 * h);
            assert!((slope - here.gradient[i]).abs() < 1e-5, "{i}: {slope}");
            for j in 0..place.len() {
                let curvature = (above.gradient[j] - below.gradient[j]) / (2.0 * h);
                let found = here.hessian[i * place.len() + j];
                assert!((curvature - found).abs() < 1e-5, "{i} {j}: {curvature} {found}");
            }
        }
    }

    #[test]
    fn said_of_all_alike_is_a_guess_by_frequency() {
        let truth = [true, false].repeat(300).into_iter().chain([false, true].repeat(100));
        let truth = Table::new(truth.collect(), 2);
        let rows = Table::new(vec![0.4; 2 * truth.n_rows()], 2);
        let fitted = Softmax::fit(&[0, 1], true, &rows, &truth);
        let mut row = [0.4, 0.4];
        fitted.apply(&mut row);
        assert!((row[0] - 0.75).abs() < 0.01, "{row:?}");
    }
}
