//! Pages of made-up runs: few classes, many, tags, hostile names, and next to nothing.

use std::collections::BTreeMap;

use super::comparison::{self, TwoRuns};
use super::facts::{
    About, ClassCount, Facts, Heat, NamedDuplicates, StageFacts, Thumbnail, Validation,
};
use super::{gallery, page};
use crate::dataset::{FilesFound, Found};
use crate::decide::{Decision, Judged, Options};
use crate::metric::Metric;
use crate::recipe::Setting;
use crate::rng::{self, Purpose};
use crate::run::{
    Epoch, Fate, RateChoice, RateCurve, RateReason, Score, Stage, Step, Suggestions, Sweep,
    SweepEnd, WayStep,
};
use crate::table::Table;
use crate::target::{Classes, Predictions, TargetKind, Truth};
use rand::Rng;

mod compared;
mod live;
mod measured;
mod told;

/// A run with everything: `n` images held out, one class or about three tags each.
fn facts(kind: TargetKind, classes: &[String], n: usize) -> Facts {
    let validation = validation(kind, classes, n);
    let metric = match kind {
        TargetKind::SingleLabel => Metric::log_loss(),
        _ => Metric::mean_fbeta(2.0),
    };
    let images = Judged::new(kind, &validation.predictions, &validation.truth);
    let decision = Decision::fit(&metric, &images, &Options::default()).unwrap();
    let pictures = gallery::wanted(&validation, Some(&decision))
        .into_iter()
        .map(|row| (row, picture()))
        .collect::<BTreeMap<_, _>>();
    let counts = classes.iter().enumerate().map(|(i, class)| ClassCount {
        class: class.clone(),
        train: 3 + i % 7,
        valid: 1 + i % 2,
    });
    Facts {
        about: about(metric, decision.score(), n),
        leak: Some("the network has seen <all> of them".to_owned()),
        way: way(),
        stages: vec![StageFacts {
            stage: "whole network".to_owned(),
            planned: "1 + 2 epochs".to_owned(),
            found: "over-fitting & done".to_owned(),
            seconds: 12.0,
        }],
        sweeps: vec![sweep()],
        steps: steps(),
        epochs: epochs(kind),
        validation: Some(validation),
        decision: Some(decision),
        submitted: None,
        counts: counts.collect(),
        duplicates: Some(NamedDuplicates {
            groups: vec![vec!["a".to_owned(), "b".to_owned()]],
            across: vec![("a".to_owned(), "test_1".to_owned())],
            conflicts: vec![vec![
                ("a".to_owned(), "cat".to_owned()),
                ("b".to_owned(), "dog".to_owned()),
            ]],
        }),
        found: Some(found()),
        pictures,
        recipe: "size = 64\n\n[whole-network]\nmax-cycles = 1\n".to_owned(),
        changed: vec![Setting {
            key: "whole-network.max-cycles".to_owned(),
            other: "3".to_owned(),
            value: "1".to_owned(),
        }],
        files: vec![("oof.csv", "held out")],
        environment: vec![("device".to_owned(), "CPU".to_owned())],
    }
}

fn found() -> Found {
    let files =
        FilesFound { folder: "train".to_owned(), ending: "<b>".to_owned(), files: 7, used: false };
    Found {
        files: vec![files],
        warnings: vec!["`<i>` looks like `i`".to_owned()],
        ..Found::default()
    }
}

fn about(metric: Metric, score: f64, n: usize) -> About {
    About {
        run: "20261124-101500-3fa9".to_owned(),
        competition: "dog-breed".to_owned(),
        title: "Dog Breed Identification".to_owned(),
        metric,
        score,
        finished: "2026-11-24T10:15:00Z".to_owned(),
        program: "kaggle-kit 0.1.0".to_owned(),
        device: "CPU, 2 threads".to_owned(),
        backbone: "resnet18".to_owned(),
        size: 64,
        train_images: 4 * n,
        valid_images: n,
        seconds: 75.0,
        refit: None,
        fold: Some((2, 5)),
    }
}

/// Answers that are mostly right, and surer the righter they are.
fn validation(kind: TargetKind, classes: &[String], n: usize) -> Validation {
    let mut random = rng::stream(Purpose::Split, 1, 0, 0);
    let mut probabilities = Vec::new();
    let mut truth = Vec::new();
    for i in 0..n {
        let own = i % classes.len();
        if kind == TargetKind::SingleLabel {
            let scores: Vec<f64> = (0..classes.len())
                .map(|class| {
                    let pull = if class == own { 3.0 } else { 0.0 };
                    (pull + random.random_range(-2.0..2.0_f64)).exp()
                })
                .collect();
            let sum: f64 = scores.iter().sum();
            probabilities.extend(scores.iter().map(|score| (score / sum) as f32));
            truth.push(vec![own]);
        } else {
            let tags: Vec<usize> =
                (0..classes.len()).filter(|tag| (i + tag * tag) % 5 < 2).collect();
            for tag in 0..classes.len() {
                let p: f32 = if tags.contains(&tag) { 0.7 } else { 0.1 };
                probabilities.push((p + random.random_range(-0.3..0.3_f32)).clamp(0.001, 0.999));
            }
            truth.push(tags);
        }
    }
    let ids = (0..n).map(|i| format!("image_{i}")).collect();
    let probabilities = Table::new(probabilities, classes.len());
    let predictions = Predictions { ids, classes: Classes::from(classes.to_vec()), probabilities };
    Validation { predictions, kind, truth: Truth::Classes(truth), called: BTreeMap::new() }
}

fn way() -> Vec<WayStep> {
    let step = |step: &str, fate| WayStep {
        step: step.to_owned(),
        stage: Some(Stage::HeadWithAugmentation),
        loss: Some(0.05),
        error: Some(0.0125),
        metric: Some(0.8),
        seconds: Some(9.0),
        fate,
    };
    vec![step("the head <first>", Fate::Left)]
}

fn picture() -> Thumbnail {
    let values = (0..9).map(|i| i as f32 / 8.0).collect();
    let jpeg = super::thumbnail::jpeg(&image::RgbImage::new(16, 16)).unwrap();
    Thumbnail { jpeg, heat: Some(Heat { side: 3, values }) }
}

fn sweep() -> Sweep {
    let rates: Vec<f64> = (0..20).map(|i| 1e-5 * 10f64.powf(f64::from(i) / 4.0)).collect();
    let losses: Vec<f64> = (0..20).map(|i| 2.0 - f64::from(i) * 0.05).collect();
    let batch_losses = losses.iter().map(|loss| loss * 1.1).collect();
    let suggestions = Suggestions { valley: Some(1e-3), ..Suggestions::default() };
    let curve = RateCurve { rates, losses, batch_losses, end: SweepEnd::LastRate, suggestions };
    let chosen = RateChoice { rate: 2e-3, why: RateReason::Clear };
    Sweep { stage: Stage::FindHeadRate, curve, chosen }
}

fn steps() -> Vec<Step> {
    (0..40)
        .map(|i| Step {
            stage: if i < 20 { Stage::HeadOnActivations } else { Stage::WholeNetwork },
            cycle: 1,
            epoch: 1 + i % 20 / 10,
            step: 1 + i as u64,
            loss: 2.0 / (1.0 + i as f64),
            rate: 1e-3,
            momentum: 0.95 - 0.1 * (i as f64 / 40.0),
        })
        .collect()
}

fn epochs(kind: TargetKind) -> Vec<Epoch> {
    let accuracy = (kind == TargetKind::SingleLabel).then_some(0.9);
    [Stage::HeadOnActivations, Stage::WholeNetwork]
        .into_iter()
        .flat_map(|stage| [(stage, 1), (stage, 2)])
        .map(|(stage, epoch)| Epoch {
            stage,
            cycle: 1,
            epoch,
            train_loss: 0.5,
            score: Score { loss: 0.4, metric: 0.8, accuracy, error: None },
            rates: [1e-5, 1e-4, 1e-3],
            seconds: 1.5,
        })
        .collect()
}

fn names(n: usize) -> Vec<String> {
    (0..n).map(|i| format!("class_{i}")).collect()
}

/// The addresses of the page's sections.
fn sections(page: &str) -> Vec<&str> {
    let starts = page.split("<section id=\"").skip(1);
    starts.filter_map(|rest| rest.split('"').next()).collect()
}

/// What no page may have: another machine's files, numbers that are none, tags left open.
fn check(page: &str) {
    assert!(page.starts_with("<!DOCTYPE html>"), "{}", &page[..40]);
    for outside in ["http://", "https://", "<link", "@import", "url("] {
        let rest = page.replace("http://www.w3.org/2000/svg", "");
        assert!(!rest.contains(outside), "the page asks for `{outside}`");
    }
    for not_a_number in ["NaN", ">inf", "\"inf", " inf"] {
        assert!(!page.contains(not_a_number), "the page says `{not_a_number}`");
    }
    for tag in ["section", "div", "table", "tr", "td", "svg", "figure", "ul", "li", "details", "g"]
    {
        let opened =
            page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count();
        assert_eq!(opened, page.matches(&format!("</{tag}>")).count(), "<{tag}>");
    }
    assert!(!page.contains("<script"), "no page has a script");
    assert_eq!(page.matches("<table").count(), page.matches("<caption").count(), "captions");
    for alt in page.split("<img src=\"data:image/jpeg").skip(1) {
        assert!(!alt.split('>').next().unwrap().contains("alt=\"\""), "a picture without words");
    }
    let mut ids: Vec<&str> =
        page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    ids.sort_unstable();
    assert!(ids.windows(2).all(|pair| pair[0] != pair[1]), "an id twice: {ids:?}");
    for link in page.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(ids.contains(&link), "a link to `{link}`, which is not there");
    }
}

#[test]
fn two_classes_are_a_matrix_and_many_are_pairs() {
    let few = page(&facts(TargetKind::SingleLabel, &names(2), 120));
    check(&few);
    assert_eq!(
        sections(&few).join(" "),
        "plan way rates training answers calibration pictures data files recipe"
    );
    assert!(few.contains("class 0 taken for class 1"), "no confusion matrix");
    assert!(few.contains("0.0500 \u{b1} 0.0125") && few.contains("changed nothing in 9 s"));
    assert!(!few.contains("Confident and wrong"), "with two classes it is the most wrong");
    let many = page(&facts(TargetKind::SingleLabel, &names(120), 360));
    check(&many);
    assert!(many.contains("Most confused") && many.contains("taken for"));
    assert!(!many.contains("class 0 taken for class 1"), "a matrix of 120 classes");
    assert!(many.contains("Images of each of 120 classes"));
}

#[test]
fn tags_are_told_tag_by_tag() {
    let text = page(&facts(TargetKind::MultiLabel, &names(17), 150));
    check(&text);
    assert!(sections(&text).contains(&"tags") && !sections(&text).contains(&"answers"));
    assert!(text.contains("Mean F2 over images by one threshold"));
    assert_eq!(text.matches("class=\"spark\"").count(), 17);
    // The share of the images of one tag that have another: truth, and once more the answers.
    assert_eq!(text.matches("<table class=\"grid fine\">").count(), 2);
}

#[test]
fn what_is_absent_is_left_out() {
    let mut bare = facts(TargetKind::SingleLabel, &names(2), 4);
    bare.about.fold = None;
    bare.leak = None;
    bare.stages.clear();
    bare.way.clear();
    bare.sweeps.clear();
    bare.steps.clear();
    bare.epochs.clear();
    bare.validation = None;
    bare.decision = None;
    bare.counts.clear();
    bare.duplicates = None;
    bare.found = None;
    bare.pictures.clear();
    bare.files.clear();
    bare.recipe.clear();
    bare.changed.clear();
    bare.environment.clear();
    let text = page(&bare);
    check(&text);
    assert_eq!(sections(&text), [""; 0]);
    assert!(text.contains("Dog Breed Identification") && !text.contains("too good"));
}

#[test]
fn odd_outcomes_break_no_page() {
    let single = || facts(TargetKind::SingleLabel, &names(3), 9);
    let mut nothing_held_out = single();
    nothing_held_out.validation = Some(validation(TargetKind::SingleLabel, &names(3), 0));
    let mut all_right = single();
    let truth = vec![vec![0], vec![1], vec![2]];
    let probabilities = Table::new(vec![1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0], 3);
    let right = all_right.validation.insert(validation(TargetKind::SingleLabel, &names(3), 3));
    right.predictions.probabilities = probabilities;
    right.truth = Truth::Classes(truth);
    let mut diverged = single();
    for epoch in &mut diverged.epochs {
        epoch.train_loss = f64::NAN;
        epoch.score.loss = f64::INFINITY;
    }
    diverged.steps.iter_mut().for_each(|step| step.loss = f64::NAN);
    diverged.sweeps[0].curve.losses.fill(f64::NAN);
    let mut no_steps = single();
    no_steps.steps.clear();
    let mut no_pictures = single();
    no_pictures.pictures.clear();
    let mut no_tags = facts(TargetKind::MultiLabel, &names(3), 5);
    no_tags.validation.as_mut().unwrap().truth = Truth::Classes(vec![vec![]; 5]);
    for odd in [nothing_held_out, all_right, diverged, no_steps, no_pictures, no_tags] {
        check(&page(&odd));
    }
}

#[test]
fn hostile_names_stay_text() {
    let evil = "</style></svg><script>alert('x')</script>\"onerror=\"y' &";
    let mut facts = facts(TargetKind::SingleLabel, &[evil.to_owned(), "b".to_owned()], 40);
    facts.about.title = evil.to_owned();
    facts.about.run = evil.to_owned();
    facts.about.backbone = evil.to_owned();
    facts.about.device = evil.to_owned();
    facts.leak = Some(evil.to_owned());
    facts.stages[0].found = evil.to_owned();
    facts.stages[0].planned = evil.to_owned();
    facts.recipe = format!("backbone = \"{evil}\"");
    facts.changed[0].key = evil.to_owned();
    facts.environment[0].1 = evil.to_owned();
    facts.duplicates.as_mut().unwrap().groups[0][0] = evil.to_owned();
    facts
        .validation
        .as_mut()
        .unwrap()
        .predictions
        .ids
        .iter_mut()
        .for_each(|id| *id = evil.to_owned());
    let two = TwoRuns { a: facts.clone(), b: facts.clone(), settings: facts.changed.clone() };
    for text in [page(&facts), comparison::page(&two)] {
        check(&text);
        assert!(text.contains("&lt;script&gt;alert"), "the name is told");
        assert!(!text.contains("<script>alert") && !text.contains("\"onerror"));
        assert!(!text.contains("<script"), "no page has a script");
    }
}

#[test]
fn pictures_beyond_the_bound_are_told_without_them() {
    let mut facts = facts(TargetKind::SingleLabel, &names(10), 200);
    for picture in facts.pictures.values_mut() {
        picture.jpeg = vec![0; 400_000];
    }
    let text = page(&facts);
    assert_eq!(text.matches("data:image/jpeg").count(), 7, "7 x 400 kB are within 3 MB");
    assert!(text.len() < 5_000_000, "{} bytes", text.len());
}

#[test]
fn pictures_and_plan_are_put_in_their_places() {
    let mut facts = facts(TargetKind::SingleLabel, &names(3), 60);
    facts.pictures.clear();
    let mut loaded = Vec::new();
    gallery::fill(&mut facts, |id| {
        loaded.push(id.to_owned());
        (loaded.len() > 1).then(|| (image::RgbImage::new(9, 9), None))
    });
    assert_eq!(facts.pictures.len(), loaded.len() - 1, "one could not be had");
    facts.plan(&[(Stage::WholeNetwork, "as long as it pays".to_owned())]);
    let text = page(&facts);
    check(&text);
    assert!(text.contains("as long as it pays") && !text.contains("1 + 2 epochs"));
    assert!(!text.contains("show where the network looked"), "there is no heat map");
}

#[test]
fn the_same_facts_are_the_same_page() {
    let facts = facts(TargetKind::MultiLabel, &names(5), 50);
    assert_eq!(page(&facts), page(&facts));
}
