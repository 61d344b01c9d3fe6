//! The trials of a sweep: every combination of the values that were typed, or some of them.

use std::fmt::{self, Display};

use anyhow::{Result, ensure};
use rand::seq::SliceRandom;

use crate::rng::{self, Purpose};
use crate::term;

/// More combinations than these were not meant.
const MOST: usize = 10_000;

/// Settings as `--set` takes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trial(Vec<String>);

impl Trial {
    pub(super) fn settings(&self) -> &[String] {
        &self.0
    }
}

impl Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}", self.0.join(" "))
    }
}

/// Every combination of `tried`, each `key=value,value..`; of those `draw`, if so many are asked for.
pub(super) fn trials(tried: &[String], draw: Option<u32>, seed: u64) -> Result<Vec<Trial>> {
    let mut all = vec![Vec::new()];
    for typed in tried {
        let values = values(typed)?;
        ensure!(
            all.len() * values.len() <= MOST,
            "more than {MOST} combinations\nhint: try fewer values at once"
        );
        let with = |trial: &Vec<String>| -> Vec<Vec<String>> {
            values
                .iter()
                .map(|value| [trial.as_slice(), std::slice::from_ref(value)].concat())
                .collect()
        };
        all = all.iter().flat_map(with).collect();
    }
    if let Some(n) = draw {
        let mut order: Vec<usize> = (0..all.len()).collect();
        order.shuffle(&mut rng::stream(Purpose::Resample, seed, 0, 0));
        order.truncate(n as usize);
        order.sort_unstable();
        all = order.into_iter().map(|at| all[at].clone()).collect();
    }
    Ok(all.into_iter().map(Trial).collect())
}

/// `key=a,b` as `key=a` and `key=b`; what is in brackets or quotes is one value.
fn values(typed: &str) -> Result<Vec<String>> {
    let short = term::short(typed, 100);
    let Some((key, values)) = typed.split_once('=') else {
        anyhow::bail!("`--try {short}` has no `=`\nhint: write `--try head.width=0,512`");
    };
    let (mut found, mut now, mut depth, mut quoted) = (Vec::new(), String::new(), 0, false);
    for c in values.chars() {
        match c {
            '"' => quoted = !quoted,
            '[' if !quoted => depth += 1,
            ']' if !quoted => depth -= 1,
            _ => {}
        }
        if c == ',' && depth == 0 && !quoted {
            found.push(std::mem::take(&mut now));
        } else {
            now.push(c);
        }
    }
    found.push(now);
    let found: Vec<String> =
        found.iter().map(|value| format!("{}={}", key.trim(), value.trim())).collect();
    ensure!(
        found.iter().all(|setting| !setting.ends_with('=')),
        "`--try {short}` has an empty value\nhint: write `--try head.width=0,512`"
    );
    for (i, setting) in found.iter().enumerate() {
        ensure!(
            !found[..i].contains(setting),
            "`--try {short}` has a value twice\nhint: take one out"
        );
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(tried: &[&str], draw: Option<u32>) -> Vec<String> {
        let tried: Vec<String> = tried.iter().map(|typed| (*typed).to_owned()).collect();
        trials(&tried, draw, 42).unwrap().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn trials_are_all_combinations_and_lists_are_values() {
        let all = told(&["size=96, 128", "random-area=[],[0.35, 1.0]"], None);
        assert_eq!(
            all,
            [
                "size=96 random-area=[]",
                "size=96 random-area=[0.35, 1.0]",
                "size=128 random-area=[]",
                "size=128 random-area=[0.35, 1.0]"
            ]
        );
        let drawn = told(&["size=96,128,160", "seed=1,2,3"], Some(4));
        assert_eq!(drawn.len(), 4);
        assert_eq!(drawn, told(&["size=96,128,160", "seed=1,2,3"], Some(4)), "by the seed");
    }

    #[test]
    fn what_is_no_list_of_values_is_told() {
        for (typed, expected) in
            [("size", "has no `=`"), ("size=1,,2", "empty value"), ("size=1,1", "a value twice")]
        {
            let error = trials(&[typed.to_owned()], None, 1).unwrap_err().to_string();
            assert!(error.contains(expected) && error.contains("hint: "), "{error}");
        }
        let many = ["a=1,2,3,4,5,6,7,8,9,10"; 5].map(str::to_owned);
        assert!(trials(&many, None, 1).is_err());
    }
}
