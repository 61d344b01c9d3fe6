//! Whether the probabilities of each tag mean what they say.

use serde::{Deserialize, Serialize};

use crate::metric;
use crate::table::Table;

const BINS: usize = 10;

/// Two distances between what was predicted of a tag and what came true; 0 is best.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Reliability {
    /// The expected calibration error, over ten bins of equal width: what calibration can mend.
    pub ece: f64,
    /// Brier's mean squared error of the tag's probability: that, and what it cannot mend.
    pub brier: f64,
}

impl Reliability {
    pub fn mean(of_tags: &[Self]) -> Self {
        let n = of_tags.len().max(1) as f64;
        Self {
            ece: of_tags.iter().map(|tag| tag.ece).sum::<f64>() / n,
            brier: of_tags.iter().map(|tag| tag.brier).sum::<f64>() / n,
        }
    }
}

/// That of every tag; `probabilities` and `truth` are `[n, classes]`.
pub fn reliability(probabilities: &Table, truth: &Table<bool>) -> Vec<Reliability> {
    assert_eq!(probabilities.n_rows(), truth.n_rows(), "a truth for every probability");
    let n = probabilities.n_rows();
    let of_class = |class: usize| {
        let answers = || probabilities.column(class).map(f64::from).zip(truth.column(class));
        let squares = answers().map(|(p, came_true)| p - f64::from(u8::from(came_true)));
        Reliability {
            ece: metric::expected_calibration_error(&metric::reliability(answers(), BINS)),
            brier: squares.map(|distance| distance * distance).sum::<f64>() / n.max(1) as f64,
        }
    };
    (0..probabilities.width()).map(of_class).collect()
}
