//! The choice of a blend for `submit`: what every method and every member scores on images
//! that it has not seen.

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::Serialize;

use crate::decide::Decision;
use crate::decide::compare::Spread;
use crate::decide::ensemble::members::{self, Member};
use crate::decide::ensemble::{self, BlendChoice, Candidate, Method};
use crate::fs;
use crate::metric::Metric;
use crate::run::Run;
use crate::term;

/// What is kept beside a blended submission, so that it can be made again.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Kept<'a> {
    version: u32,
    members: Vec<KeptMember<'a>>,
    choice: &'a BlendChoice,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct KeptMember<'a> {
    name: &'a str,
    runs: Vec<String>,
}

/// Chooses how to blend `members` on their out-of-fold predictions, and says why. Several networks by one plan have
/// its decision, or what `decide` has put into its place.
pub(super) fn fit(members: &[Member]) -> Result<BlendChoice> {
    let pool = members::pool(members)?;
    let mut choice = ensemble::choose(&pool)?;
    if let [Member { runs, metric, classes, .. }] = members
        && members[0].is_of_one_hold_out()
    {
        choice.decision = Decision::of(&runs[0], metric, classes)?;
    }
    print(&choice, members);
    Ok(choice)
}

/// Writes the choice beside the submission, as `<csv>.blend.toml`; gives that file's path.
pub(super) fn keep(choice: &BlendChoice, members: &[Member], csv: &Path) -> Result<PathBuf> {
    let mut name = csv.file_name().unwrap_or_default().to_owned();
    name.push(".blend.toml");
    let path = csv.with_file_name(name);
    let of_member = |member: &'_ Member| member.runs.iter().map(Run::id).collect();
    let members = members.iter().map(|m| KeptMember { name: &m.name, runs: of_member(m) });
    let kept = Kept { version: 1, members: members.collect(), choice };
    let is_ours = |start: &[u8]| start.starts_with(b"version = ");
    fs::write_named(&path, toml::to_string(&kept)?, "record of a blend", is_ours)?;
    Ok(path)
}

/// Says which blend is used, and what speaks for it.
pub(in crate::commands) fn print(choice: &BlendChoice, members: &[Member]) {
    let Some(metric) = members.first().map(|member| &member.metric) else { return };
    term::heading(format_args!(
        "{} on {}",
        match members.len() {
            1 => format!("one model, {}", members[0].extent()),
            n => format!("a blend of {n} models"),
        },
        term::count(choice.images, "held-out image"),
    ));
    // A mean of one is no choice.
    if choice.methods.len() > 1 {
        for line in table(choice, members, metric).lines() {
            term::say(format_args!("   {line}"));
        }
    }
    if let (Some(mean), Some(chosen)) = (choice.methods.first(), choice.chosen())
        && choice.methods.len() > 1
    {
        let why = match (choice.method, chosen.spread) {
            (Method::Mean, Spread::StandardError(_)) => {
                "nothing beats it by more than two standard errors".to_owned()
            }
            (Method::Mean, Spread::Interval(_)) => {
                "nothing beats it in nearly all resamplings".to_owned()
            }
            _ => {
                format!("{} where the mean has {:.5}", metric.describe(chosen.nested), mean.nested)
            }
        };
        term::say(format_args!("   {} is used: {why}", chosen.what.name));
    }
    term::say(format_args!("   {}", choice.decision));
}

fn table(choice: &BlendChoice, members: &[Member], metric: &Metric) -> String {
    let line = |candidate: &Candidate, note: &str, is_mean: bool| {
        let gain = format!("{:+.5} {}", candidate.gain, candidate.spread);
        vec![
            candidate.what.name.clone(),
            format!(" {:.5}", candidate.in_sample),
            format!(" {:.5}", candidate.nested),
            if is_mean { String::new() } else { gain },
            note.to_owned(),
        ]
    };
    let chosen = |candidate: &Candidate| {
        if candidate.what.name == choice.method.name() { "used" } else { "" }
    };
    let methods = choice.methods.iter().enumerate();
    let mut rows: Vec<Vec<String>> =
        methods.map(|(i, candidate)| line(candidate, chosen(candidate), i == 0)).collect();
    let alone = choice.members.iter().zip(members);
    rows.extend(alone.map(|(candidate, member)| line(candidate, &member.extent(), false)));
    let in_sample = format!("{} in sample", metric.name());
    term::table(&["", &in_sample, "nested", "gain over the mean", ""], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::ensemble::{Blend, Name};
    use crate::decide::{Decision, log_loss::Calibration};
    use crate::table::Table;
    use crate::target::{Classes, TargetKind};

    fn member(name: &str, folds: usize) -> Member {
        let runs = (0..folds.max(1)).map(|i| Run { folder: format!("{name}{i}").into() });
        Member {
            name: format!("{name}0"),
            runs: runs.collect(),
            folds,
            is_on_all: false,
            kind: TargetKind::SingleLabel,
            metric: Metric::log_loss(),
            classes: classes(),
            competition: "dogs-vs-cats".to_owned(),
            score: 0.1,
            images: 100,
        }
    }

    fn classes() -> Classes {
        vec!["cat".to_owned(), "dog".to_owned()].into()
    }

    fn candidate(name: &str, nested: f64, gain: f64) -> Candidate {
        let (what, spread) = (Name { name: name.to_owned() }, Spread::StandardError(0.0005));
        Candidate { what, in_sample: nested - 0.001, nested, gain, spread }
    }

    fn choice() -> BlendChoice {
        BlendChoice {
            method: Method::LogitMean,
            images: 1200,
            folds: 2,
            methods: vec![candidate("mean", 0.042, 0.0), candidate("logit mean", 0.04, 0.002)],
            members: vec![candidate("a0", 0.05, -0.008), candidate("b0", 0.06, -0.018)],
            decision: Decision::Calibration(Calibration {
                temperature: 1.0,
                epsilon: 0.002,
                loss_before: 0.05,
                loss_after: 0.04,
                held_out: None,
            }),
            blend: Blend::mean(
                vec!["a0".to_owned(), "b0".to_owned()],
                TargetKind::SingleLabel,
                classes(),
            ),
            predictions: Table::default(),
        }
    }

    #[test]
    fn a_table_has_methods_and_members() {
        let text = table(&choice(), &[member("a", 2), member("b", 0)], &Metric::log_loss());
        let expected = "            log-loss in sample  nested    gain over the mean
mean         0.04100             0.04200
logit mean   0.03900             0.04000  +0.00200 +- 0.00050  used
a0           0.04900             0.05000  -0.00800 +- 0.00050  2 folds
b0           0.05900             0.06000  -0.01800 +- 0.00050  1 run";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_choice_is_kept_beside_the_submission() {
        let folder = tempfile::tempdir().unwrap();
        let csv = folder.path().join("dogs-vs-cats-blend.csv");
        let path = keep(&choice(), &[member("a", 2), member("b", 0)], &csv).unwrap();
        assert!(path.ends_with("dogs-vs-cats-blend.csv.blend.toml"), "{}", path.display());
        let kept: toml::Table = toml::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let of_a = &kept["members"][0];
        assert_eq!(of_a["runs"].as_array().unwrap().len(), 2);
        let back: BlendChoice = kept["choice"].clone().try_into().unwrap();
        assert_eq!(back, choice());
    }
}
