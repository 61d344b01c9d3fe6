//! The share of wrong answers among all that could be given about tags; scikit-learn's
//! `hamming_loss`. Of one class an image it is the share of images that are wrong.

use super::{Direction, Family, Form, Metric, Misfit, ScoreBy, Scoring, Serving, Training};
use crate::target::TargetKind;

/// How many of all tags of all images are wrong.
pub(super) static FAMILY: Family = Family {
    word: "hamming-loss",
    number: None,
    title: |_| "Hamming loss".to_owned(),
    better: Direction::Lower,
    bounds: (0.0, 1.0),
    forms: &[(TargetKind::MultiLabel, Form::Tags), (TargetKind::SingleLabel, Form::Label)],
    options: &[],
    trains: Training::Likelihood,
    serves: Serving::Threshold,
    score: ScoreBy::Rows(rows),
};

fn rows(metric: &Metric, rows: &Scoring) -> Result<Vec<f64>, Misfit> {
    let (truth, said) = rows.lists(metric)?;
    let n_classes = rows.classes.len() as f64;
    let score = |(truth, said): (&Vec<usize>, &Vec<usize>)| {
        if rows.kind.has_one_class() {
            return f64::from(u8::from(truth != said));
        }
        let n_right = said.iter().filter(|tag| truth.contains(tag)).count();
        (truth.len() + said.len() - 2 * n_right) as f64 / n_classes
    };
    Ok(truth.iter().zip(said).map(score).collect())
}

#[cfg(test)]
mod tests {
    use crate::metric::reference::Case;

    #[test]
    fn agrees_with_scikit_learn() {
        for case in Case::all("labels").into_iter().chain(Case::all("tags")) {
            case.check("hamming-loss", "hamming-loss");
        }
    }

    #[test]
    fn nothing_wrong_costs_nothing() {
        assert_eq!(Case::tags(&[&[0, 1], &[]], &[&[0, 1], &[]], 3).score("hamming-loss"), 0.0);
        let score = Case::tags(&[&[0, 1], &[]], &[&[], &[2]], 3).score("hamming-loss");
        assert!((score - 0.5).abs() < 1e-12, "{score}");
    }
}
