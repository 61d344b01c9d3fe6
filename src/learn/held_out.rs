//! What the held-out images can tell: each one's loss, and how sure a mean of them is.

use super::data::Data;
use crate::metric::row_log_loss;
use crate::table::Table;
use crate::target::TargetKind;

/// The loss of each held-out image.
pub(super) fn losses(data: &Data, said: &Table) -> Vec<f64> {
    let width = data.outputs.n().max(1);
    let targets = data.valid.targets.chunks(width);
    let rows = said.rows().zip(targets);
    let loss = |(row, target): (&[f32], &[f32])| match data.kind {
        TargetKind::SingleLabel => {
            let class = target.iter().position(|&y| y > 0.5).unwrap_or_default();
            row_log_loss(row, class)
        }
        TargetKind::MultiLabel => {
            let cells = row.iter().zip(target).map(|(&p, &y)| {
                let of_truth = if y > 0.5 { p } else { 1.0 - p };
                row_log_loss(&[of_truth, 1.0 - of_truth], 0)
            });
            cells.sum::<f64>() / width as f64
        }
        TargetKind::Ordinal | TargetKind::Number => {
            data.outputs.number_loss(&Table::new(row.to_vec(), width), target)
        }
    };
    rows.map(loss).collect()
}

/// The standard error of the mean of such numbers; none of fewer than two.
pub(super) fn standard_error(numbers: &[f64]) -> Option<f64> {
    let n = numbers.len() as f64;
    if n < 2.0 {
        return None;
    }
    let mean = numbers.iter().sum::<f64>() / n;
    let squares: f64 = numbers.iter().map(|number| (number - mean).powi(2)).sum();
    Some((squares / (n - 1.0) / n).sqrt()).filter(|error| error.is_finite())
}
