//! What is to be shared out evenly: the classes of images, or how large their numbers are.

use crate::dataset::sample::Sample;
use crate::target::TargetKind;

/// Numbers are cut into so many bins of as many images each, if that leaves enough in a bin.
const BINS: usize = 10;
/// The same where there are several columns, each with bins of its own.
const BINS_OF_SEVERAL: usize = 4;
/// So many images in a bin are enough.
const ENOUGH: usize = 5;

/// The strata of each image.
pub(super) enum Strata<'s> {
    /// The classes that it has.
    Classes { samples: &'s [Sample], n: usize, single: bool },
    /// A bin for each of its numbers.
    Bins { of: Vec<Vec<usize>>, n: usize, single: bool },
}

impl<'s> Strata<'s> {
    /// Classes and levels as they are; numbers by their quantiles.
    pub(super) fn new(samples: &'s [Sample], n_classes: usize, kind: TargetKind) -> Self {
        if kind != TargetKind::Number {
            return Self::Classes { samples, n: n_classes, single: kind.has_one_class() };
        }
        let n_columns = samples.first().map_or(0, |sample| sample.numbers.len());
        let most = if n_columns > 1 { BINS_OF_SEVERAL } else { BINS };
        let n_bins = (samples.len() / ENOUGH).clamp(1, most);
        let mut of = vec![Vec::with_capacity(n_columns); samples.len()];
        for column in 0..n_columns {
            let number = |i: usize| samples[i].numbers[column];
            let mut order: Vec<usize> = (0..samples.len()).collect();
            order.sort_by(|&a, &b| number(a).total_cmp(&number(b)));
            let mut bin = 0;
            for (rank, &i) in order.iter().enumerate() {
                // Equal numbers are in one bin.
                if rank == 0 || number(order[rank - 1]).total_cmp(&number(i)).is_ne() {
                    bin = rank * n_bins / samples.len();
                }
                of[i].push(column * n_bins + bin);
            }
        }
        Self::Bins { of, n: (n_columns * n_bins).max(1), single: n_columns == 1 }
    }

    /// How many images there are.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Classes { samples, .. } => samples.len(),
            Self::Bins { of, .. } => of.len(),
        }
    }

    /// How many strata there are.
    pub(super) fn n(&self) -> usize {
        match self {
            Self::Classes { n, .. } | Self::Bins { n, .. } => *n,
        }
    }

    /// Whether every image is in exactly one.
    pub(super) fn is_single(&self) -> bool {
        match self {
            Self::Classes { single, .. } | Self::Bins { single, .. } => *single,
        }
    }

    /// Those of an image.
    pub(super) fn of(&self, image: usize) -> &[usize] {
        match self {
            Self::Classes { samples, .. } => &samples[image].target,
            Self::Bins { of, .. } => &of[image],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_numbers(numbers: &[Vec<f64>]) -> Vec<Sample> {
        let sample = |(i, numbers): (usize, &Vec<f64>)| Sample {
            numbers: numbers.clone(),
            ..Sample::new(i.to_string(), i.to_string(), Vec::new())
        };
        numbers.iter().enumerate().map(sample).collect()
    }

    #[test]
    fn numbers_are_cut_at_their_quantiles() {
        let one: Vec<Vec<f64>> = (0..100).map(|i| vec![f64::from(i * i)]).collect();
        let samples = of_numbers(&one);
        let strata = Strata::new(&samples, 1, TargetKind::Number);
        assert_eq!((strata.n(), strata.is_single(), strata.len()), (10, true, 100));
        assert!((0..100).all(|i| strata.of(i) == [i / 10]));
        // Equal ones stay together, few have few bins.
        let equal = of_numbers(&[vec![3.0], vec![3.0], vec![3.0], vec![1.0]]);
        let strata = Strata::new(&equal, 1, TargetKind::Number);
        assert!((0..4).all(|i| strata.of(i) == [0]));
        let two: Vec<Vec<f64>> = (0..40).map(|i| vec![f64::from(i), f64::from(-i)]).collect();
        let samples = of_numbers(&two);
        let strata = Strata::new(&samples, 2, TargetKind::Number);
        assert_eq!((strata.n(), strata.is_single()), (8, false));
        assert_eq!([strata.of(0), strata.of(39)], [[0, 7], [3, 4]]);
    }
}
