//! Two ways compared image by image: a mean difference and how far it can be trusted.

/// The mean of `differences` and its standard error, from their spread.
pub fn mean_and_error(differences: &[f64]) -> (f64, f64) {
    let n = differences.len() as f64;
    if differences.len() < 2 {
        return (differences.first().copied().unwrap_or_default(), 0.0);
    }
    let mean = differences.iter().sum::<f64>() / n;
    let squares: f64 = differences.iter().map(|d| (d - mean).powi(2)).sum();
    (mean, (squares / (n - 1.0) / n).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_scipy() {
        // np.mean(d), scipy.stats.sem(d) with d = [.3, -.1, .2, .05]
        let (mean, error) = mean_and_error(&[0.3, -0.1, 0.2, 0.05]);
        assert!((mean - 0.1125).abs() < 1e-12, "{mean}");
        assert!((error - 0.0875).abs() < 1e-12, "{error}");
        assert_eq!(mean_and_error(&[]), (0.0, 0.0));
    }
}
