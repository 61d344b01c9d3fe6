//! A probability in as few digits as lose nothing that the metric can see.
//!
//! Log loss charges `-ln p` for the true class, so what counts is the relative error of `p`: six
//! significant digits keep it under 5e-6, and a row of a submission, whose probabilities Kaggle
//! scales to sum to one, under 1e-5 in the worst case. So no file, whatever the truth, scores
//! differently in the fifth decimal but by a last-digit rounding; the errors of many rows cancel
//! besides. Where one probability stands for two classes, `-ln (1 - p)` is charged as well, and
//! `1 - p` gets six digits too, or those that single precision holds, if they are fewer. Kaggle clips
//! at 1e-15: what is not above it is written as 0.
//!
//! The bytes follow from the number alone: the arithmetic is exact or rounded once, as IEEE 754
//! prescribes, and calls nothing (`log10`, `powi`) that differs between systems.

use std::io::Write as _;

/// Which end of `[0, 1]` the metric looks at closely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ends {
    /// Zero: `-ln p` alone is charged, as with a probability a class.
    Lower,
    /// Zero and one, as with one probability for two classes, or a tag.
    Both,
    /// All of it: what counts is which of two is larger.
    Everywhere,
}

/// How many digits count.
const DIGITS: usize = 6;
/// Kaggle's own clip.
const CLIPPED: f64 = 1e-15;
/// Above one half, single precision holds no more than these and a part of one.
const DECIMALS_NEAR_ONE: usize = 7;
/// With more zeros after the point a number is written with an exponent, as Python does.
const MOST_ZEROS: usize = 3;

/// What is smaller or larger is written with an exponent, as Python does.
const SHORT: std::ops::Range<f32> = 1e-4..1e16;

/// `10^i`, each exact.
const POWERS: [f64; 22] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21,
];

/// Appends a probability; what is none is written as it is, for the check to find.
pub(super) fn write_probability(single: f32, ends: Ends, text: &mut Vec<u8>) {
    let p = f64::from(single);
    // A vector takes whatever is written to it.
    let _ = match p {
        _ if ends == Ends::Everywhere => return write_number(p, text),
        0.0..=CLIPPED => write!(text, "0"),
        1.0 => write!(text, "1"),
        CLIPPED..1.0 => {
            let close = if ends == Ends::Both && p > 0.5 { 1.0 - p } else { p };
            let decimals = DIGITS + zeros(close);
            if p > 0.5 && decimals > DECIMALS_NEAR_ONE {
                // The shortest text that gives the same number in single precision.
                write!(text, "{single}")
            } else {
                write_decimals(p, decimals, text);
                Ok(())
            }
        }
        _ => write!(text, "{p}"),
    };
}

/// Appends a number in the fewest digits that give it back in single precision, in which models
/// calculate: so that of two numbers the larger stays the larger.
pub(super) fn write_number(number: f64, text: &mut Vec<u8>) {
    // Zero has no sign here.
    let single = number as f32 + 0.0;
    let is_short = single == 0.0 || !single.is_finite() || SHORT.contains(&single.abs());
    // A vector takes whatever is written to it.
    let _ = if is_short { write!(text, "{single}") } else { write!(text, "{single:e}") };
}

/// How many zeros follow the point before the first other digit.
fn zeros(p: f64) -> usize {
    (1..POWERS.len()).find(|&i| p * POWERS[i] >= 1.0).unwrap_or(POWERS.len()) - 1
}

/// Appends `p`, between zero and one, rounded to so many decimals, without zeros at the end.
fn write_decimals(p: f64, mut decimals: usize, text: &mut Vec<u8>) {
    let mut scaled = (p * POWERS[decimals]).round() as u64;
    if scaled as f64 == POWERS[decimals] {
        text.push(b'1');
        return;
    }
    while scaled.is_multiple_of(10) {
        scaled /= 10;
        decimals -= 1;
    }
    let digits = scaled.to_string();
    let n_zeros = decimals - digits.len();
    if n_zeros > MOST_ZEROS {
        let (first, others) = digits.split_at(1);
        text.extend(first.bytes());
        if !others.is_empty() {
            text.push(b'.');
            text.extend(others.bytes());
        }
        text.extend(b"e-");
        text.extend((n_zeros + 1).to_string().bytes());
        return;
    }
    text.extend(b"0.");
    text.resize(text.len() + n_zeros, b'0');
    text.extend(digits.bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(p: f32, ends: Ends) -> String {
        let mut text = Vec::new();
        write_probability(p, ends, &mut text);
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn probabilities_are_written_short() {
        for (p, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (0.9e-15, "0"),
            (1.0, "1"),
            (f32::NAN, "NaN"),
            (f32::INFINITY, "inf"),
            (1.5, "1.5"),
            (-0.25, "-0.25"),
            (0.5, "0.5"),
            (0.1, "0.1"),
            (0.01, "0.01"),
            (0.001, "0.001"),
            (0.000_1, "0.0001"),
            (0.99, "0.99"),
            (0.995, "0.995"),
            (1e-5, "1e-5"),
            (0.012_345_678, "0.0123457"),
            (0.000_123_456_78, "0.000123457"),
            (0.000_012_345_678, "1.23457e-5"),
            (0.099_999_99, "0.1"),
            (1.0 / 3.0, "0.333333"),
            (2.0 / 3.0, "0.666667"),
            (1.234_567e-9, "1.23457e-9"),
            (1.234_567e-14, "1.23457e-14"),
        ] {
            assert_eq!(written(p, Ends::Lower), text, "{p}");
            assert_eq!(written(p, Ends::Both), text, "{p}");
        }
        // Next to one, `1 - p` counts where it is charged, and only there.
        assert_eq!(written(0.999_987_66, Ends::Lower), "0.999988");
        assert_eq!(written(0.999_987_66, Ends::Both), "0.99998766");
        let next_to_one = 1.0 - f32::EPSILON / 2.0;
        assert_eq!(written(next_to_one, Ends::Lower), "1");
        assert_eq!(written(next_to_one, Ends::Both), "0.99999994");
    }

    #[test]
    fn numbers_are_written_short() {
        for (number, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (-38.25, "-38.25"),
            (38.412_356_7, "38.412357"),
            (0.1, "0.1"),
            (1e15, "1000000000000000"),
            (1e16, "1e16"),
            (0.000_1, "0.0001"),
            (0.000_012_5, "1.25e-5"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "inf"),
        ] {
            let mut found = Vec::new();
            write_number(number, &mut found);
            assert_eq!(String::from_utf8(found).unwrap(), text);
        }
    }

    proptest! {
        #[test]
        fn what_only_its_order_counts_of_is_given_back(a in 0f32..=1.0, near in 0u32..5) {
            for p in [a, f32::from_bits(a.to_bits() + near), a * 1e-12] {
                let text = written(p, Ends::Everywhere);
                prop_assert_eq!(text.parse::<f32>().unwrap(), p);
            }
        }

        #[test]
        fn no_loss_differs_by_more_than_half_of_the_last_shown_decimal(power in -15.0f64..0.0) {
            let p = 10f64.powf(power) as f32;
            for (p, ends) in [(p, Ends::Lower), (p, Ends::Both), (1.0 - p, Ends::Both)] {
                let exact = f64::from(p).max(CLIPPED);
                let text = written(p, ends);
                let back: f64 = text.parse::<f64>().unwrap().max(CLIPPED);
                prop_assert!((exact.ln() - back.ln()).abs() < 5.01e-6, "{p} {back}");
                if ends == Ends::Both && text.parse::<f32>().unwrap() != p {
                    let [exact, back] = [1.0 - exact, 1.0 - back].map(|q| q.max(CLIPPED));
                    prop_assert!((exact.ln() - back.ln()).abs() < 5.01e-6, "{p} {back}");
                }
            }
        }
    }
}
