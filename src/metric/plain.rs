//! The simplest answers that a model's outputs give: what is scored while a network trains, before
//! anything is fitted on what it says.

use super::{Metric, Misfit, Scoring, Serving, usual_threshold};
use crate::table::Table;
use crate::target::{Classes, Said, TargetKind, Truth};

/// A model's outputs beside what is true.
#[derive(Clone, Copy, Debug)]
pub struct Outputs<'a> {
    pub kind: TargetKind,
    pub ids: &'a [String],
    pub classes: &'a Classes,
    /// `[images, outputs]`.
    pub outputs: &'a Table,
    pub truth: &'a Truth,
}

impl Outputs<'_> {
    /// The score of [`plain`] answers.
    pub fn plain_score(&self, metric: &Metric) -> Result<f64, Misfit> {
        let said = &plain(metric, self.kind, self.classes.len(), self.outputs);
        let Self { kind, ids, classes, truth, .. } = *self;
        metric.score(&Scoring { kind, ids, classes, truth, said })
    }
}

/// Answers without anything fitted: probabilities and numbers as they are, the likeliest classes, tags
/// above the usual threshold, the nearest level.
pub fn plain(metric: &Metric, kind: TargetKind, n_classes: usize, outputs: &Table) -> Said {
    let lists =
        |list: &dyn Fn(&[f32]) -> Vec<usize>| Said::Lists(outputs.rows().map(list).collect());
    let above = |threshold: f64| {
        lists(&|row| (0..row.len()).filter(|&tag| f64::from(row[tag]) > threshold).collect())
    };
    match (metric.family().serves, kind) {
        (Serving::Calibrated | Serving::AsTheyAre, _) => Said::Probabilities(outputs.wide()),
        (Serving::ZeroOrOne, _) => {
            let cells = outputs.as_slice().iter().map(|&p| f64::from(u8::from(p > 0.5)));
            Said::Probabilities(Table::new(cells.collect(), outputs.width()))
        }
        (Serving::LargestAndHowSure, _) => {
            let scored = |row: &[f32]| {
                let class = *largest(row, 1).first()?;
                Some((class, f64::from(row[class])))
            };
            Said::Scored(outputs.rows().map(scored).collect())
        }
        (Serving::Range, _) => Said::Numbers(outputs.wide()),
        (Serving::TagsAnImage, _) => above(usual_threshold(metric.number().unwrap_or(1.0))),
        (_, TargetKind::MultiLabel) => above(0.5),
        (_, TargetKind::Ordinal) => lists(&|row| {
            let top = n_classes.saturating_sub(1) as f32;
            vec![row.first().map_or(0, |level| level.round().clamp(0.0, top) as usize)]
        }),
        _ => lists(&|row| largest(row, metric.n_answers())),
    }
}

/// The places of the `k` largest of a row, the largest first; of equals the first.
pub fn largest(row: &[f32], k: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..row.len()).collect();
    let k = k.min(row.len());
    let falling = |a: &usize, b: &usize| row[*b].total_cmp(&row[*a]).then(a.cmp(b));
    if k < row.len() && k > 0 {
        order.select_nth_unstable_by(k - 1, falling);
        order.truncate(k);
    }
    order.sort_unstable_by(falling);
    order.truncate(k);
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_come_first_and_of_equals_the_first() {
        let row = [0.1, 0.3, 0.2, 0.3, 0.05];
        assert_eq!(largest(&row, 1), [1]);
        assert_eq!(largest(&row, 3), [1, 3, 2]);
        assert_eq!(largest(&row, 9), [1, 3, 2, 0, 4]);
        assert_eq!(largest(&row, 0), [0; 0]);
    }

    #[test]
    fn plain_answers_are_what_the_metric_asks_for() {
        let rows = Table::new(vec![0.1, 0.6, 0.3, 0.5, 0.15, 0.3], 3);
        let said = |word: &str, kind| plain(&Metric::of(word).unwrap(), kind, 3, &rows);
        let one = TargetKind::SingleLabel;
        assert_eq!(said("accuracy", one), Said::Lists(vec![vec![1], vec![0]]));
        assert_eq!(said("log-loss", one), Said::Probabilities(rows.wide()));
        let f2 = said("mean-f2", TargetKind::MultiLabel);
        assert_eq!(f2, Said::Lists(vec![vec![1, 2], vec![0, 2]]));
        let levels = Table::new(vec![-0.7, 1.4, 1.6, 9.0], 1);
        for word in ["accuracy", "kappa", "macro-f1"] {
            let said = plain(&Metric::of(word).unwrap(), TargetKind::Ordinal, 3, &levels);
            assert_eq!(said, Said::Lists(vec![vec![0], vec![1], vec![2], vec![2]]));
        }
        assert_eq!(said("map@2", one), Said::Lists(vec![vec![1, 2], vec![0, 2]]));
        assert_eq!(said("auc", one), Said::Probabilities(rows.wide()));
        assert_eq!(said("rmse", TargetKind::Number), Said::Numbers(rows.wide()));
        let macro_f1 = said("macro-f1", TargetKind::MultiLabel);
        assert_eq!(macro_f1, Said::Lists(vec![vec![1], vec![]]));
        let wide = |p: f32| f64::from(p);
        assert_eq!(
            said("gap", one),
            Said::Scored(vec![Some((1, wide(0.6))), Some((0, wide(0.5)))])
        );
        let sure = Table::new(vec![0.0, 1.0, 0.0, 0.0, 0.0, 0.0], 3);
        assert_eq!(said("pf1", one), Said::Probabilities(sure));
    }
}
