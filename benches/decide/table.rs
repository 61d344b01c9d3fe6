//! The table of gains: rules are fitted on one half of the images and scored on the other.

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::{Result, ensure};
use clap::Args;
use kaggle_kit::metric::sample_fbeta;
use kaggle_kit::decide::calibrate::Kind;
use kaggle_kit::decide::expected_f::{self, Scratch, Worth};
use kaggle_kit::decide::structure::{self, Structure};
use kaggle_kit::decide::tags::{
    self, Approach, Frame, HeldOut, Method, Rows, RowsWanted, Rule, Way,
};
use rayon::prelude::*;

use crate::Labels;
use crate::simulate::{Context, Simulated, World, shuffled};

const BETA: f64 = 2.0;
/// The place of the first line that is no approach.
const OTHERS: usize = 100;

#[derive(Args)]
pub struct Options {
    /// How often everything is drawn anew
    #[arg(long, default_value_t = 5)]
    seeds: u64,
    /// Images of a small training half
    #[arg(long, default_value_t = 600)]
    small: usize,
    /// What one threshold scores, roughly, by which evidence is made as sharp as that takes
    #[arg(long, default_values_t = [0.86, 0.96])]
    scores: Vec<f64>,
}

/// What is told of an approach, or of a line below them, for one seed: scores, or what they are
/// above those of one threshold with any rows.
#[derive(Clone, Copy)]
struct Gains {
    nested: Option<f64>,
    in_sample: Option<f64>,
    test: f64,
    is_chosen: bool,
}

impl Gains {
    fn over(self, first: Self) -> Self {
        let gain = |a: Option<f64>, b: Option<f64>| a.zip(b).map(|(a, b)| a - b);
        Self {
            nested: gain(self.nested, first.nested),
            in_sample: gain(self.in_sample, first.in_sample),
            test: self.test - first.test,
            is_chosen: self.is_chosen,
        }
    }
}

/// What one seed says.
struct Seed {
    /// The scores of one threshold, of which all else is told as gains.
    first: Gains,
    /// By the place and name of the line.
    lines: BTreeMap<(usize, String), Gains>,
}

pub fn run(labels: &Labels, options: &Options) -> Result<()> {
    let half = labels.len() / 2;
    ensure!(options.seeds > 0 && options.small <= half, "too few images or seeds");
    let world = World::new(labels);
    for context in [Context::Unseen, Context::Softmax, Context::Seen] {
        for &score in &options.scores {
            let of_one = |said: &[f32]| of_one_threshold(labels, said);
            let d = world.sharpness(labels, context, score, of_one);
            let mut large = Vec::new();
            let mut small = Vec::new();
            for seed in 1..=options.seeds {
                eprintln!("context {context:?}, {score}, seed {seed}");
                let simulated = world.simulate(labels, context, d, seed);
                let order = shuffled(labels.len(), seed);
                let (train, test) = order.split_at(half);
                let part = |which| Part { labels, which };
                let ask = |train| one_seed(&world, &simulated, &part(train), &part(test));
                large.push(ask(train));
                small.push(ask(&train[..options.small]));
            }
            for (n, seeds) in [(half, large), (options.small, small)] {
                let known = match context {
                    Context::Unseen => "Context unseen",
                    Context::Softmax => "Context unseen but for a softmax",
                    Context::Seen => "Context seen",
                };
                println!("\n{known}, d {d:.2}, {n} images to learn from:\n");
                println!("{}", told(&seeds));
            }
        }
    }
    Ok(())
}

/// The score of one threshold, chosen and scored on all images.
fn of_one_threshold(labels: &Labels, said: &[f32]) -> f64 {
    let images = HeldOut {
        probabilities: said.to_vec(),
        truth: labels.truth.clone(),
        folds: vec![0; labels.len()],
        n_classes: labels.n_tags,
    };
    let frame = frame(&images, Kind::None);
    let approach = Approach { method: Method::Threshold, rows: Rows::Any };
    frame.rules(&images, &[approach]).iter().map(|rule| mean(&frame.scores(rule, &images))).sum()
}

/// The rules among tags that images show.
fn frame(images: &HeldOut, calibration: Kind) -> Frame {
    Frame { beta: BETA, structure: structure::find(&images.truth, images.n_classes), calibration }
}

/// Some images of all that there are.
struct Part<'a> {
    labels: &'a Labels,
    which: &'a [usize],
}

impl Part<'_> {
    fn held_out(&self, probabilities: &[f32]) -> HeldOut {
        HeldOut {
            probabilities: rows(probabilities, self.which, self.labels.n_tags),
            truth: rows(&self.labels.truth, self.which, self.labels.n_tags),
            folds: vec![0; self.which.len()],
            n_classes: self.labels.n_tags,
        }
    }
}

/// Fits on `train`, scores on `test`.
fn one_seed(world: &World, simulated: &Simulated, train: &Part, test: &Part) -> Seed {
    let (seen, unseen) = (train.held_out(&simulated.said), test.held_out(&simulated.said));
    let frame = frame(&seen, Kind::Platt);
    let fitted = tags::fit(&seen, &frame, RowsWanted::Auto, None);
    let on_test: Vec<f64> =
        fitted.rules.iter().map(|rule| mean(&frame.scores(rule, &unseen))).collect();
    let candidates = fitted.candidates.iter().zip(&on_test).enumerate();
    let scores = candidates.map(|(i, (candidate, &test))| Gains {
        nested: Some(candidate.nested),
        in_sample: Some(candidate.in_sample),
        test,
        is_chosen: i == fitted.chosen,
    });
    let scores: Vec<Gains> = scores.collect();
    let first = scores[0];
    let mut lines = BTreeMap::new();
    for (candidate, score) in fitted.candidates.iter().zip(&scores).skip(1) {
        lines.insert(place_and_name(candidate.approach), score.over(first));
    }
    let chosen = Gains { is_chosen: false, ..scores[fitted.chosen] };
    let of_choice = Gains { nested: Some(fitted.of_choice), in_sample: None, ..chosen };
    lines.insert((OTHERS, "**what was chosen**".to_owned()), chosen.over(first));
    lines.insert((OTHERS + 1, "the same, `of_choice`".to_owned()), of_choice.over(first));
    let known = with_more_known(world, simulated, &frame, test);
    for (i, (name, test)) in known.into_iter().enumerate() {
        let score = Gains { nested: None, in_sample: None, test, is_chosen: false };
        lines.insert((OTHERS + 2 + i, name.to_owned()), score.over(first));
    }
    Seed { first, lines }
}

fn place_and_name(approach: Approach) -> (usize, String) {
    let n = Method::ALL.len();
    let place = Method::ALL.iter().position(|&other| other == approach.method).unwrap_or(n);
    match approach.rows {
        Rows::Any => (place, approach.to_string()),
        Rows::Possible => (n + place, format!("{approach}, possible rows")),
    }
}

/// The scores of rules that were not fitted: one that knows nothing, and others that know what no
/// network tells.
fn with_more_known(
    world: &World,
    simulated: &Simulated,
    frame: &Frame,
    test: &Part,
) -> [(&'static str, f64); 4] {
    let m = test.labels.n_tags;
    let above = Rule { rows: Rows::Any, calibration: None, way: Way::Above(0.2) };
    let groups = Rule { way: Way::ExpectedOfGroups, ..above.clone() };
    let no_rules = Frame { structure: Structure::default(), ..frame.clone() };
    let (said, right) = (test.held_out(&simulated.said), test.held_out(&simulated.right));
    let evidence = rows(&simulated.evidence, test.which, m);
    [
        ("as said, above .2, whatever the rules", mean(&no_rules.scores(&above, &said))),
        ("undistorted, above .2", mean(&frame.scores(&above, &right))),
        ("undistorted, expected F, groups", mean(&frame.scores(&groups, &right))),
        ("all known, expected F", all_known(world, &evidence, &right.truth, m)),
    ]
}

/// The score of whoever knows the evidence and the distribution of label sets: none is higher, but
/// by luck.
fn all_known(world: &World, evidence: &[f64], truth: &[bool], m: usize) -> f64 {
    let worth = Worth::new(m, BETA);
    let of_image = |(evidence, truth): (&[f64], &[bool])| -> f64 {
        let mut p_is = vec![0.0; m * m];
        world.sets(evidence, |tags, p| {
            for tag in tags {
                p_is[tag * m + tags.len() - 1] += p;
            }
        });
        let mut tags = Vec::new();
        expected_f::best(&p_is, &worth, &mut Scratch::default(), &mut tags);
        let n_right = tags.iter().filter(|&&tag| truth[tag]).count();
        let n_truth = truth.iter().filter(|&&tag| tag).count();
        sample_fbeta(n_right, n_truth, tags.len(), BETA)
    };
    mean(&evidence.par_chunks(m).zip(truth.par_chunks(m)).map(of_image).collect::<Vec<f64>>())
}

/// A table in which every number is a mean over seeds with its spread.
fn told(seeds: &[Seed]) -> String {
    let mut table =
        String::from("| | nested | in sample | test | chosen |\n|---|---|---|---|---|\n");
    let n_chosen = |gains: &[Gains]| match gains.iter().filter(|gains| gains.is_chosen).count() {
        0 => String::new(),
        n => n.to_string(),
    };
    let firsts: Vec<Gains> = seeds.iter().map(|seed| seed.first).collect();
    let mut line = |name: &str, gains: &[Gains], is_gain: bool| {
        let cell = |of: fn(&Gains) -> Option<f64>| {
            let values: Vec<f64> = gains.iter().filter_map(of).collect();
            let (mean, spread) = (mean(&values), spread(&values));
            match (values.is_empty(), is_gain) {
                (true, _) => String::new(),
                (false, true) => format!("{mean:+.4} ({spread:.4})"),
                (false, false) => format!("{mean:.4} ({spread:.4})"),
            }
        };
        let cells = [cell(|g| g.nested), cell(|g| g.in_sample), cell(|g| Some(g.test))];
        let [nested, in_sample, test] = cells;
        let n = n_chosen(gains);
        let _ = writeln!(table, "| {name} | {nested} | {in_sample} | {test} | {n} |");
    };
    line("one threshold", &firsts, false);
    let mut names: BTreeMap<&(usize, String), Vec<Gains>> = BTreeMap::new();
    for seed in seeds {
        seed.lines.iter().for_each(|(name, &gains)| names.entry(name).or_default().push(gains));
    }
    for ((_, name), gains) in names {
        line(name, &gains, true);
    }
    table
}

/// Some rows of a table.
pub fn rows<T: Copy>(table: &[T], which: &[usize], width: usize) -> Vec<T> {
    which.iter().flat_map(|&i| &table[i * width..][..width]).copied().collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// The standard deviation of a sample.
fn spread(values: &[f64]) -> f64 {
    let mean = mean(values);
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (squares / (values.len().max(2) - 1) as f64).sqrt()
}
