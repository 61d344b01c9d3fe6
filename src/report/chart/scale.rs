//! Numbers to lengths, and the numbers worth writing at an axis.

/// How numbers become lengths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scale {
    /// Equal differences are equally long.
    #[default]
    Linear,
    /// Equal ratios are equally long.
    Log,
}

impl Scale {
    fn forward(self, value: f64) -> f64 {
        match self {
            Self::Linear => value,
            Self::Log => value.log10(),
        }
    }

    /// Whether the scale can show a value at all.
    pub(super) fn shows(self, value: f64) -> bool {
        value.is_finite() && (self == Self::Linear || value > 0.0)
    }
}

/// A stretch of numbers laid over a stretch of pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) scale: Scale,
    /// The first and last number.
    pub(super) low: f64,
    pub(super) high: f64,
    /// Where they lie; the first may be the larger, as it is on a vertical axis.
    pub(super) from: f64,
    pub(super) to: f64,
}

impl Span {
    /// The ends of `values` with a little air, or those that were asked for.
    pub(super) fn of(
        scale: Scale,
        given: Option<(f64, f64)>,
        values: impl Iterator<Item = f64>,
        air: f64,
    ) -> (f64, f64) {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.filter(|&value| scale.shows(value)) {
            low = low.min(value);
            high = high.max(value);
        }
        if let Some((given_low, given_high)) = given {
            (low, high) = (given_low, given_high);
        } else if low > high {
            (low, high) = if scale == Scale::Log { (0.1, 1.0) } else { (0.0, 1.0) };
        } else if scale == Scale::Log {
            let factor = (high / low).powf(air).max(1.05);
            (low, high) = (low / factor, high * factor);
        } else {
            let more = if high > low { (high - low) * air } else { high.abs().max(1.0) * 0.1 };
            (low, high) = (low - more, high + more);
        }
        if low < high { (low, high) } else { (low, low + 1.0) }
    }

    /// Where a number lies; one beyond the ends lies at the end.
    pub(super) fn at(self, value: f64) -> f64 {
        self.beyond(value.clamp(self.low, self.high))
    }

    /// The same, for numbers beyond the ends as well.
    pub(super) fn beyond(self, value: f64) -> f64 {
        let (low, high) = (self.scale.forward(self.low), self.scale.forward(self.high));
        let share = (self.scale.forward(value) - low) / (high - low);
        self.from + share * (self.to - self.from)
    }

    /// About `n` numbers worth writing, with their labels.
    pub(super) fn ticks(self, n: usize) -> Vec<(f64, String)> {
        let values = match self.scale {
            Scale::Linear => linear(self.low, self.high, n),
            Scale::Log => logarithmic(self.low, self.high, n),
        };
        let small = self.scale == Scale::Log && self.low < 1e-3;
        let step = values.windows(2).map(|pair| pair[1] - pair[0]).fold(f64::INFINITY, f64::min);
        let name = |value: f64| match self.scale {
            Scale::Log if small => format!("{value:e}"),
            Scale::Log => label(value),
            Scale::Linear => with_step(value, step),
        };
        values.into_iter().map(|value| (value, name(value))).collect()
    }
}

/// Multiples of 1, 2 or 5 times a power of ten.
fn linear(low: f64, high: f64, n: usize) -> Vec<f64> {
    let rough = (high - low) / n.max(1) as f64;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|m| m * power).into_iter().find(|&s| s >= rough * 0.75);
    let step = step.unwrap_or(10.0 * power);
    let first = (low / step - 1e-9).ceil();
    let last = (high / step + 1e-9).floor();
    (0..=(last - first).max(0.0) as usize).map(|i| (first + i as f64) * step).collect()
}

/// Powers of ten, thinned out where they are many, filled in with 2 and 5 where they are few.
fn logarithmic(low: f64, high: f64, n: usize) -> Vec<f64> {
    let decades = (high / low).log10();
    let fine: &[f64] = if decades < 0.8 {
        &[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0]
    } else if decades < 2.5 {
        &[1.0, 2.0, 5.0]
    } else {
        &[1.0]
    };
    let every = (decades / n.max(1) as f64).ceil().max(1.0) as i32;
    let first = low.log10().floor() as i32;
    let last = high.log10().ceil() as i32;
    let powers = (first..=last).filter(|power| fine.len() > 1 || power.rem_euclid(every) == 0);
    let values = powers.flat_map(|power| fine.iter().map(move |m| m * 10f64.powi(power)));
    values.filter(|value| (low * 0.999..=high * 1.001).contains(value)).map(round).collect()
}

/// Without the noise of powers: 0.30000000000000004 is 0.3.
fn round(value: f64) -> f64 {
    format!("{value:.6e}").parse().unwrap_or(value)
}

/// A number as an axis or a table tells it: as many digits as say something.
pub fn label(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 {
        "0".to_owned()
    } else if size >= 1000.0 {
        with_step(value, 1.0)
    } else if size < 1e-3 {
        format!("{:e}", format!("{value:.1e}").parse().unwrap_or(value))
    } else {
        let decimals = (2 - size.log10().floor() as i32).clamp(0, 5) as usize;
        let text = format!("{value:.decimals$}");
        if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            text
        }
    }
}

fn with_step(value: f64, step: f64) -> String {
    let decimals =
        if step.is_finite() { (-step.log10() - 1e-9).ceil().clamp(0.0, 8.0) as usize } else { 2 };
    let text = format!("{:.decimals$}", if value.abs() < step * 1e-6 { 0.0 } else { value });
    match (text.parse::<i64>(), decimals) {
        (Ok(whole), 0) if whole >= 1000 => crate::term::thousands(whole as usize),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: Scale, low: f64, high: f64, n: usize) -> Vec<String> {
        let span = Span { scale, low, high, from: 0.0, to: 100.0 };
        span.ticks(n).into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn ticks_are_numbers_that_people_write() {
        assert_eq!(labels(Scale::Linear, 0.0, 1.0, 5), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(
            labels(Scale::Linear, -3.0, 4900.0, 4),
            ["0", "1,000", "2,000", "3,000", "4,000"]
        );
        assert_eq!(labels(Scale::Linear, 0.8512, 0.8931, 4), ["0.86", "0.87", "0.88", "0.89"]);
        assert_eq!(labels(Scale::Log, 1e-6, 1.0, 4), ["1e-6", "1e-4", "1e-2", "1e0"]);
        assert_eq!(labels(Scale::Log, 0.04, 3.0, 5), ["0.05", "0.1", "0.2", "0.5", "1", "2"]);
    }

    #[test]
    fn labels_keep_what_says_something() {
        let shown = [0.0, 0.00123, 0.16837, 0.9, 12.0, 123_456.0, 3.2e-7].map(label);
        assert_eq!(shown, ["0", "0.00123", "0.168", "0.9", "12", "123,456", "3.2e-7"]);
    }

    #[test]
    fn a_log_axis_gives_ratios_equal_lengths() {
        let span = Span { scale: Scale::Log, low: 1e-4, high: 1.0, from: 0.0, to: 400.0 };
        assert!((span.at(1e-3) - 100.0).abs() < 1e-9);
        assert!((span.at(1e-1) - 300.0).abs() < 1e-9);
        assert_eq!(span.at(5.0), 400.0);
    }

    #[test]
    fn ends_are_sensible_whatever_the_data() {
        let ends = |scale, values: &[f64]| Span::of(scale, None, values.iter().copied(), 0.05);
        assert_eq!(ends(Scale::Linear, &[]), (0.0, 1.0));
        assert_eq!(ends(Scale::Log, &[f64::NAN, -1.0]), (0.1, 1.0));
        let (low, high) = ends(Scale::Linear, &[0.7]);
        assert!(low < 0.7 && high > 0.7);
        let (low, high) = ends(Scale::Log, &[0.2]);
        assert!(low < 0.2 && high > 0.2);
    }
}
