//! Images that get one answer: a decision is fitted on what is said about them together, as it is applied
//! to those of the test set.

use std::collections::HashMap;

use anyhow::Result;

use crate::competition::Pool;
use crate::dataset::Pooled;
use crate::submission;
use crate::target::{Predictions, Truth};

/// Which images get one answer, by their places, each list in the images' order.
///
/// Those of one of `sets`; a set whose images do not show the same, as where twins join two patients, is no
/// answer: its images are alone.
pub(super) fn answers(truth: &Truth, sets: &[usize]) -> Vec<Vec<usize>> {
    let mut places: HashMap<usize, usize> = HashMap::new();
    let mut found: Vec<Vec<usize>> = Vec::new();
    for (image, set) in sets.iter().enumerate() {
        let place = *places.entry(*set).or_insert(found.len());
        if place == found.len() {
            found.push(Vec::new());
        }
        found[place].push(image);
    }
    let is_one = |images: &Vec<usize>| {
        images.iter().all(|&image| truth.select(&[image]) == truth.select(&images[..1]))
    };
    let split = |images: Vec<usize>| {
        if is_one(&images) {
            vec![images]
        } else {
            images.into_iter().map(|one| vec![one]).collect()
        }
    };
    found.into_iter().flat_map(split).collect()
}

/// A row an answer, under the id of its first image.
pub(super) fn pooled(said: &Predictions, answers: &[Vec<usize>], how: Pool) -> Result<Predictions> {
    let answer = |images: &Vec<usize>| Pooled {
        id: said.ids[images[0]].clone(),
        images: images.iter().map(|&image| said.ids[image].clone()).collect(),
    };
    submission::pool(said, &answers.iter().map(answer).collect::<Vec<_>>(), how)
}

/// What is said about images that get one answer, what is true of each answer, and the set that it is of.
pub fn together(
    said: &Predictions,
    truth: &Truth,
    sets: &[usize],
    how: Pool,
) -> Result<(Predictions, Truth, Vec<usize>)> {
    let answers = answers(truth, sets);
    let first: Vec<usize> = answers.iter().map(|images| images[0]).collect();
    let sets = first.iter().map(|&image| sets[image]).collect();
    Ok((pooled(said, &answers, how)?, truth.select(&first), sets))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Table;

    #[test]
    fn images_of_a_set_are_one_answer_if_they_show_the_same() {
        let ids = ["a", "b", "c", "d", "e"].map(str::to_owned).to_vec();
        let probabilities = Table::new(vec![0.2, 0.6, 0.9, 0.4, 0.8], 1);
        let classes = vec!["road".to_owned()].into();
        let said = Predictions { ids, probabilities, classes };
        // The last two are one set by chance: one shows a road.
        let truth = Truth::Classes(vec![vec![0], vec![], vec![0], vec![0], vec![]]);
        let (found, truth, sets) = together(&said, &truth, &[7, 1, 7, 3, 3], Pool::Mean).unwrap();
        assert_eq!(found.ids, ["a", "b", "d", "e"]);
        assert_eq!(sets, [7, 1, 3, 3]);
        let wanted = [0.55, 0.6, 0.4, 0.8];
        let near = found.probabilities.as_slice().iter().zip(wanted);
        assert!(near.clone().all(|(p, wanted)| (p - wanted).abs() < 1e-6), "{near:?}");
        assert_eq!(truth, Truth::Classes(vec![vec![0], vec![], vec![0], vec![]]));
        let (largest, ..) =
            together(&said, &Truth::Classes(vec![vec![]; 5]), &[0; 5], Pool::Max).unwrap();
        assert_eq!(largest.probabilities.as_slice(), [0.9]);
    }
}
