//! The share of images whose most probable class is the true one.

use crate::table::Table;

/// Accuracy of `rows` (`[n, classes]`) against one class index a row.
pub fn accuracy<P: Copy + Into<f64>>(rows: &Table<P>, truth: &[usize]) -> f64 {
    assert_eq!(rows.n_rows(), truth.len(), "a row of probabilities for every truth");
    let pairs = rows.rows().zip(truth);
    let n_right = pairs.filter(|&(row, &class)| most_probable(row) == class).count();
    n_right as f64 / truth.len() as f64
}

/// The place of the largest probability, the first of equals.
pub fn most_probable<P: Copy + Into<f64>>(row: &[P]) -> usize {
    let mut best = 0;
    for (class, &p) in row.iter().enumerate() {
        if p.into() > row[best].into() {
            best = class;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::log_loss::tests::reference;

    #[test]
    fn agrees_with_scikit_learn() {
        let expected = &reference()["multiclass"];
        let rows: Vec<Vec<f64>> =
            serde_json::from_value(expected["probabilities"].clone()).unwrap();
        let truth: Vec<usize> = serde_json::from_value(expected["truth"].clone()).unwrap();
        let rows = Table::new(rows.concat(), 4);
        assert_eq!(accuracy(&rows, &truth), expected["accuracy"].as_f64().unwrap());
    }
}
