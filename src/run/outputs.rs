//! `outputs.toml`: how a network's numbers become levels or numbers; a run of classes or tags has none.

use anyhow::Result;

use super::checked::{Checked, Fault, finite, hold};
use super::folder::Run;
use crate::outputs::Outputs;

const FILE: &str = "outputs.toml";

impl Checked for Outputs {
    fn check(&self) -> Result<(), Fault> {
        match self {
            Self::Classes { .. } | Self::Tags { .. } => Ok(()),
            Self::Standardised { mean, deviation, .. } => {
                let (n, of_mean) = (deviation.len(), mean.len());
                hold(n == of_mean, "standardised.deviation", || {
                    format!("has {n} numbers, and `mean` {of_mean}")
                })?;
                mean.iter().try_for_each(|&mean| finite("standardised.mean", mean))?;
                deviation.iter().try_for_each(|&deviation| {
                    finite("standardised.deviation", deviation)?;
                    hold(deviation > 0.0, "standardised.deviation", || {
                        format!("has {deviation}: it must be above 0")
                    })
                })
            }
            Self::Ranged { low, high, .. } => {
                finite("ranged.low", *low)?;
                finite("ranged.high", *high)?;
                hold(low < high, "ranged.high", || format!("is {high}, not above {low}"))
            }
        }
    }
}

impl Run {
    /// Keeps them, where numbers are scaled.
    pub fn write_outputs(&self, outputs: &Outputs) -> Result<()> {
        if outputs.are_probabilities() {
            return Ok(());
        }
        self.write_toml(FILE, outputs)
    }

    /// How its network's numbers are scaled.
    pub fn scaled_outputs(&self) -> Result<Outputs> {
        self.read_toml(FILE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outputs::NumberError;

    #[test]
    fn what_is_written_is_read_and_numbers_are_checked() {
        let folder = tempfile::tempdir().unwrap();
        let run = Run { folder: folder.path().to_owned() };
        run.write_outputs(&Outputs::Tags { n: 3 }).unwrap();
        assert!(!run.file(FILE).exists());
        let scaled = Outputs::Standardised {
            mean: vec![1.5],
            deviation: vec![0.25],
            error: NumberError::Squared,
            logarithm: false,
        };
        for outputs in [scaled, Outputs::Ranged { n: 1, low: 1.0, high: 100.0 }] {
            run.write_outputs(&outputs).unwrap();
            assert_eq!(run.scaled_outputs().unwrap(), outputs);
        }
        let text = "[standardised]\nmean = [1.0]\ndeviation = [0.0]\nerror = \"squared\"\n\
                    logarithm = false\n";
        for (old, new, expected) in [
            ("[0.0]", "[0.0]", "has 0: it must be above 0"),
            ("[0.0]", "[1.0, 2.0]", "has 2 numbers, and `mean` 1"),
            ("[1.0]", "[nan]", "`standardised.mean` is NaN"),
        ] {
            run.write(FILE, text.replacen(old, new, 1)).unwrap();
            let error = format!("{:#}", run.scaled_outputs().unwrap_err());
            assert!(error.contains(expected) && error.contains("outputs.toml"), "{error}");
        }
    }
}
