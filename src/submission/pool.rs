//! One answer for several images: what a model says about each of them becomes one thing.

use std::collections::HashMap;

use anyhow::{Context, Result};

use crate::competition::Pool;
use crate::dataset::Pooled;
use crate::table::Table;
use crate::target::Predictions;

/// The mean, or the largest, of what is said about the images of each answer: a row an answer, under its
/// id.
pub fn pool(said: &Predictions, answers: &[Pooled], how: Pool) -> Result<Predictions> {
    let rows: HashMap<&str, usize> =
        said.ids.iter().enumerate().map(|(row, id)| (id.as_str(), row)).collect();
    let n_outputs = said.probabilities.width();
    let mut pooled = Vec::with_capacity(answers.len() * n_outputs);
    for Pooled { id, images } in answers {
        let of_images = images.iter().map(|image| {
            let row = rows.get(image.as_str());
            let row =
                row.with_context(|| format!("`{image}`, an image of `{id}`, is not predicted"))?;
            Ok(said.probabilities.row(*row))
        });
        let of_images: Vec<&[f32]> = of_images.collect::<Result<_>>()?;
        for output in 0..n_outputs {
            let values = of_images.iter().map(|row| row[output]);
            pooled.push(match how {
                Pool::Max => values.fold(f32::NEG_INFINITY, f32::max),
                Pool::Mean => {
                    let sum: f64 = values.map(f64::from).sum();
                    (sum / of_images.len() as f64) as f32
                }
            });
        }
    }
    Ok(Predictions {
        ids: answers.iter().map(|answer| answer.id.clone()).collect(),
        probabilities: Table::new(pooled, n_outputs),
        classes: said.classes.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_of_one_answer_become_one_row() {
        let texts = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let said = Predictions {
            ids: texts("a b c"),
            probabilities: Table::new(vec![0.25, 1.0, 0.75, 0.0, 0.5, 0.5], 2),
            classes: texts("x y").into(),
        };
        let answers = [("1", "a b"), ("2", "c"), ("3", "c a")]
            .map(|(id, images)| Pooled { id: id.to_owned(), images: texts(images) });
        let rows = |how| pool(&said, &answers, how).unwrap().probabilities;
        assert_eq!(rows(Pool::Mean).row(0), [0.5, 0.5]);
        assert_eq!(rows(Pool::Mean).row(2), [0.375, 0.75]);
        assert_eq!(rows(Pool::Max).row(0), [0.75, 1.0]);
        assert_eq!(pool(&said, &answers, Pool::Max).unwrap().ids, ["1", "2", "3"]);
        let other = Pooled { id: "4".to_owned(), images: texts("z") };
        let error = pool(&said, &[other], Pool::Max).unwrap_err().to_string();
        assert_eq!(error, "`z`, an image of `4`, is not predicted");
    }
}
