//! Blends against numpy, what must hold of every blend, and whether a choice is
//! what one would choose oneself.

use proptest::prelude::*;
use rand::Rng;

use super::*;
use crate::decide::compare::Spread;
use crate::metric::{Metric, log_loss};
use crate::rng::{Purpose, stream};
use crate::table::Table;
use crate::target::Truth;

/// How the members of a made-up ensemble err.
#[derive(Clone, Copy)]
struct Member {
    /// The spread of the noise on its logits.
    noise: f64,
    /// How much too sure it is.
    sureness: f64,
}

const FAIR: Member = Member { noise: 1.0, sureness: 1.0 };

/// `n` images of `n_classes`, the truth drawn from logits that every member sees through a noise of
/// its own.
fn pool(kind: TargetKind, n: usize, n_classes: usize, members: &[Member], seed: u64) -> Pool {
    let mut rng = stream(Purpose::Draw, seed, 0, 0);
    // An image has few of the tags.
    let lowest = if kind == TargetKind::SingleLabel { -3.0 } else { -7.0 };
    let mut targets = Vec::new();
    let mut predicted = vec![Vec::new(); members.len()];
    for _ in 0..n {
        let logits: Vec<f64> = (0..n_classes).map(|_| rng.random_range(lowest..3.0)).collect();
        let target: Vec<usize> = match kind {
            TargetKind::SingleLabel => {
                let at = rng.random::<f64>();
                let mut below = 0.0;
                let class = softmax(&logits).into_iter().position(|p| {
                    below += p;
                    at < below
                });
                vec![class.unwrap_or(n_classes - 1)]
            }
            _ => (0..n_classes).filter(|&class| rng.random_bool(sigmoid(logits[class]))).collect(),
        };
        targets.push(target);
        for (member, predicted) in members.iter().zip(&mut predicted) {
            let noise = || rng.random_range(-1.7..1.7) * member.noise;
            let heard: Vec<f64> =
                logits.iter().zip(std::iter::repeat_with(noise)).map(|(l, n)| l + n).collect();
            let sure = heard.into_iter().map(|logit| logit * member.sureness);
            let row: Vec<f64> = match kind {
                TargetKind::SingleLabel => softmax(&sure.collect::<Vec<f64>>()),
                _ => sure.map(sigmoid).collect(),
            };
            predicted.extend(row.into_iter().map(|p| p as f32));
        }
    }
    let name = |what: &str, i: usize| format!("{what}-{i}");
    Pool {
        metric: match kind {
            TargetKind::MultiLabel => Metric::mean_fbeta(2.0),
            _ => Metric::log_loss(),
        },
        kind,
        classes: (0..n_classes).map(|i| name("class", i)).collect::<Vec<String>>().into(),
        names: (0..members.len()).map(|i| name("member", i)).collect(),
        members: predicted.into_iter().map(|rows| Table::new(rows, n_classes)).collect(),
        ids: (0..n).map(|i| name("image", i)).collect(),
        truth: Truth::Classes(targets),
        folds: (0..n).map(|i| i % 5).collect(),
        options: crate::decide::Options::default(),
    }
}

fn near(found: &Table, expected: &[f64], tolerance: f64) {
    let found = found.as_slice();
    assert_eq!(found.len(), expected.len());
    for (&found_one, expected_one) in found.iter().zip(expected) {
        let difference = (f64::from(found_one) - expected_one).abs();
        assert!(difference < tolerance, "{found:?} {expected:?}");
    }
}

#[test]
fn means_of_logits_agree_with_numpy() {
    // z = .25 * np.log(a) + .75 * np.log(b); e = np.exp(z); e / e.sum(1, keepdims=True)
    let (a, b) = ([0.7, 0.2, 0.1, 0.1, 0.6, 0.3], [0.5, 0.3, 0.2, 0.4, 0.5, 0.1]);
    let (a, b) = (Table::new(a.to_vec(), 3), Table::new(b.to_vec(), 3));
    let rule = Rule::Logits { weights: vec![0.25, 0.75] };
    let expected =
        [0.553_206_52, 0.275_729_82, 0.171_063_67, 0.301_612_77, 0.558_046_07, 0.140_341_16];
    near(&rule.apply(TargetKind::SingleLabel, &[&a, &b]), &expected, 1e-6);
    // The same with lg = np.log(p / (1 - p)) and 1 / (1 + np.exp(-z)).
    let expected =
        [0.552_758_99, 0.272_485_82, 0.169_520_85, 0.298_719_08, 0.525_319_9, 0.134_733_03];
    near(&rule.apply(TargetKind::MultiLabel, &[&a, &b]), &expected, 1e-6);
    let rule = Rule::Probabilities { weights: vec![0.25, 0.75] };
    let expected = [0.55, 0.275, 0.175, 0.325, 0.525, 0.15];
    near(&rule.apply(TargetKind::MultiLabel, &[&a, &b]), &expected, 1e-6);
}

#[test]
fn greedy_selection_takes_what_helps_most() {
    let kind = TargetKind::SingleLabel;
    let noisy = Member { noise: 6.0, sureness: 1.0 };
    let weights = greedy::weights(&pool(kind, 800, 3, &[FAIR, noisy, FAIR], 1));
    assert!(weights[1] < 0.1 && (weights[0] - weights[2]).abs() < 0.3, "{weights:?}");
    // Two that say the same make one.
    let mut twins = pool(kind, 50, 3, &[FAIR, FAIR], 2);
    twins.members[1] = twins.members[0].clone();
    assert_eq!(greedy::weights(&twins), [1.0, 0.0]);
}

/// What is lowered is the metric where it scores what members say, not what they were trained by.
#[test]
fn greedy_selection_goes_by_the_metric_itself() {
    let numbers = |word: &str| {
        let names = |what: &str| [0, 1].map(|i| format!("{what}-{i}")).to_vec();
        greedy::weights(&Pool {
            metric: Metric::of(word).unwrap(),
            kind: TargetKind::Number,
            classes: vec!["weight".to_owned()].into(),
            names: names("member"),
            // Errors of 49 and 0, and of 0 and 300, which are logarithms of 25 and of 1.4.
            members: vec![Table::new(vec![50.0, 1000.0], 1), Table::new(vec![1.0, 700.0], 1)],
            ids: names("image"),
            truth: Truth::Numbers(Table::new(vec![1.0, 1000.0], 1)),
            folds: vec![0; 2],
            options: crate::decide::Options::default(),
        })
    };
    for word in ["rmse", "mse", "mae", "r2", "mean-rmse"] {
        assert!(numbers(word)[0] > 0.9, "{word}: {:?}", numbers(word));
    }
    assert_eq!(numbers("rmsle"), [0.0, 1.0]);
    // Probabilities in the right order that mean nothing, and a fair guess.
    let mut made = pool(TargetKind::SingleLabel, 200, 2, &[FAIR, FAIR], 4);
    let ordered = made.truth.classes().iter().flat_map(|class| match class[..] {
        [1] => [0.998, 0.002],
        _ => [0.999, 0.001],
    });
    made.members[0] = Table::new(ordered.collect(), 2);
    assert!(greedy::weights(&made)[1] > 0.9);
    made.metric = Metric::of("auc").unwrap();
    assert_eq!(greedy::weights(&made), [1.0, 0.0]);
}

#[test]
fn greedy_selection_comes_near_the_best_weights() {
    // The best weights of a mixture by expectation maximisation, which needs no search.
    let members =
        [FAIR, Member { noise: 1.6, sureness: 1.0 }, Member { noise: 0.7, sureness: 2.0 }];
    let made = pool(TargetKind::SingleLabel, 1000, 3, &members, 3);
    let truth: Vec<usize> = made.truth.classes().iter().map(|target| target[0]).collect();
    let loss =
        |weights: Vec<f64>| log_loss(&made.blended(&Rule::Probabilities { weights }), &truth);
    let mut weights = equal(3);
    for _ in 0..2000 {
        let mut shares = vec![0.0; 3];
        for (i, &class) in truth.iter().enumerate() {
            let p = |member: usize| f64::from(made.members[member].row(i)[class]);
            let mixed: f64 = (0..3).map(|member| weights[member] * p(member)).sum();
            for member in 0..3 {
                shares[member] += weights[member] * p(member) / mixed / truth.len() as f64;
            }
        }
        weights = shares;
    }
    let (greedy, best) = (loss(greedy::weights(&made)), loss(weights));
    assert!(greedy < best + 2e-5 && best <= greedy + 1e-7, "{greedy} {best}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn selection_is_never_worse_than_the_best_member(
        noises in prop::collection::vec(0.0f64..4.0, 1..5), tags: bool, seed in 0u64..1000
    ) {
        let kind = if tags { TargetKind::MultiLabel } else { TargetKind::SingleLabel };
        let members: Vec<Member> =
            noises.iter().map(|&noise| Member { noise, sureness: 1.5 }).collect();
        let made = pool(kind, 60, 3, &members, seed);
        let weights = greedy::weights(&made);
        prop_assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        prop_assert!(weights.iter().all(|&weight| weight >= 0.0));
        let loss = |rows: &Table| -> f64 {
            let tagged = crate::target::n_hot(made.truth.classes().iter().map(Vec::as_slice), 3);
            let of_cell = |(&p, &y): (&f32, &f32)| match kind {
                TargetKind::SingleLabel if y == 0.0 => 0.0,
                _ => -f64::from(if y == 1.0 { p } else { 1.0 - p }).max(1e-7).ln(),
            };
            rows.as_slice().iter().zip(tagged.as_slice()).map(of_cell).sum()
        };
        let selected = loss(&made.blended(&Rule::Probabilities { weights }));
        for member in &made.members {
            prop_assert!(selected <= loss(member) + 1e-4, "{selected} {}", loss(member));
        }
    }

    #[test]
    fn every_blend_gives_probabilities(tags: bool, n_members in 1usize..4, seed in 0u64..1000) {
        let kind = if tags { TargetKind::MultiLabel } else { TargetKind::SingleLabel };
        let made = pool(kind, 40, 4, &vec![FAIR; n_members], seed);
        for method in [Method::Mean, Method::LogitMean, Method::Greedy] {
            let rows = made.blended(&method.fit(&made));
            prop_assert_eq!(rows.as_slice().len(), 160);
            prop_assert!(rows.as_slice().iter().all(|p| (0.0..=1.0).contains(p)));
            if !tags {
                let mut sums = rows.rows().map(|row| row.iter().sum::<f32>());
                prop_assert!(sums.all(|sum| (sum - 1.0).abs() < 1e-5));
            }
        }
    }

    #[test]
    fn a_blend_of_one_is_that_one(tags: bool, seed in 0u64..1000) {
        let kind = if tags { TargetKind::MultiLabel } else { TargetKind::SingleLabel };
        let made = pool(kind, 60, 3, &[FAIR], seed);
        for method in [Method::Mean, Method::LogitMean, Method::RankMean, Method::Greedy] {
            prop_assert_eq!(&made.blended(&method.fit(&made)), &made.members[0]);
        }
        let chosen = choose(&made).unwrap();
        prop_assert_eq!((chosen.method, chosen.methods.len()), (Method::Mean, 1));
        prop_assert!(chosen.members.is_empty());
        let predicted = made.predictions(made.members[0].clone());
        prop_assert_eq!(chosen.blend.apply(std::slice::from_ref(&predicted)).unwrap(), predicted);
    }
}

#[test]
fn the_mean_stands_where_nothing_beats_it() {
    for kind in [TargetKind::SingleLabel, TargetKind::MultiLabel] {
        let n_other = (0..10)
            .filter(|&seed| {
                choose(&pool(kind, 200, 4, &[FAIR; 3], seed)).unwrap().method != Method::Mean
            })
            .count();
        assert!(n_other <= 1, "{kind:?}: {n_other} of 10");
    }
}

#[test]
fn a_broken_member_is_left_out() {
    let broken = Member { noise: 8.0, sureness: 3.0 };
    let chosen = choose(&pool(TargetKind::SingleLabel, 600, 3, &[FAIR, broken, FAIR], 1)).unwrap();
    assert_ne!(chosen.method, Method::Mean, "{:?}", chosen.methods);
    let told = chosen.chosen().unwrap();
    let Spread::StandardError(error) = told.spread else { panic!("{told:?}") };
    assert!(told.gain > 2.0 * error && told.nested < chosen.methods[0].nested);
    assert_eq!(chosen.members.len(), 3);
    assert!(chosen.members[1].nested > chosen.members[0].nested);
    // A gain is what lies between the scores, turned so that more is better.
    let between = chosen.methods[0].nested - told.nested;
    assert!((told.gain - between).abs() < 1e-9);
}

#[test]
fn nested_scores_are_those_of_new_images() {
    // Twelve members of pure noise: what a selection of them gains in sample is nothing.
    let noise = Member { noise: 50.0, sureness: 0.05 };
    let made = pool(TargetKind::SingleLabel, 120, 6, &[noise; 12], 1);
    let chosen = choose(&made).unwrap();
    let greedy = chosen.methods.iter().find(|c| c.what.name == Method::Greedy.name()).unwrap();
    assert!(greedy.in_sample < greedy.nested - 0.01, "{greedy:?}");
    assert_eq!(chosen.method, Method::Mean, "{:?}", chosen.methods);
}

#[test]
fn few_images_are_averaged_and_nothing_is_tried() {
    let chosen = choose(&pool(TargetKind::SingleLabel, 20, 3, &[FAIR, FAIR], 1)).unwrap();
    assert_eq!((chosen.method, chosen.methods.len()), (Method::Mean, 1));
}

#[test]
fn a_choice_is_kept_as_toml_and_comes_back_the_same() {
    let mut made = pool(TargetKind::MultiLabel, 200, 2, &[FAIR; 2], 1);
    made.folds.fill(0);
    let mut chosen = choose(&made).unwrap();
    assert_eq!((chosen.images, chosen.folds), (200, 5));
    // What it was chosen on is not kept.
    chosen.predictions = Table::default();
    for rule in [Rule::Logits { weights: vec![0.5, 0.5] }, Method::Greedy.fit(&made)] {
        chosen.blend.rule = rule;
        let text = toml::to_string(&chosen).unwrap();
        assert_eq!(toml::from_str::<BlendChoice>(&text).unwrap(), chosen, "{text}");
    }
}

#[test]
fn a_blend_refuses_what_it_was_not_made_for() {
    let made = pool(TargetKind::SingleLabel, 4, 3, &[FAIR, FAIR], 1);
    let blend = Blend::mean(made.names.clone(), made.kind, made.classes.clone());
    let predicted: Vec<Predictions> =
        made.members.iter().map(|rows| made.predictions(rows.clone())).collect();
    assert!(blend.apply(&predicted).is_ok());
    assert!(blend.apply(&predicted[..1]).unwrap_err().to_string().contains("2 members"));
    let mut others = predicted.clone();
    others[1].ids[3] = "other".to_owned();
    assert!(blend.apply(&others).unwrap_err().to_string().contains("`member-1`"));
    let mut others = predicted.clone();
    others[0].classes = vec!["a".to_owned(), "b".to_owned(), "c".to_owned()].into();
    assert!(blend.apply(&others).unwrap_err().to_string().contains("`member-0`"));
}

/// Levels, or numbers in two columns, that members see through a noise of their own.
fn numbers(kind: TargetKind, noises: &[f64], seed: u64) -> Pool {
    let mut rng = stream(Purpose::Draw, seed, 3, 0);
    let mut made = pool(TargetKind::SingleLabel, 200, 4, &vec![FAIR; noises.len()], seed);
    let width = if kind == TargetKind::Ordinal { 1 } else { 2 };
    let classes: Vec<usize> = made.truth.classes().iter().map(|target| target[0]).collect();
    let is = |i: usize, column: usize| classes[i] as f64 * (1.0 - 3.0 * column as f64);
    if kind == TargetKind::Number {
        let cells = (0..200).flat_map(|i| [is(i, 0), is(i, 1)]).collect();
        made.truth = Truth::Numbers(Table::new(cells, 2));
        made.classes = ["a", "b"].map(str::to_owned).to_vec().into();
        made.metric = Metric::of("rmse").unwrap();
    }
    let mut heard = |noise: f64| {
        let mut cells = Vec::new();
        for i in 0..200 {
            for column in 0..width {
                cells.push((is(i, column) + noise * rng.random_range(-1.0..1.0)) as f32);
            }
        }
        Table::new(cells, width)
    };
    made.members = noises.iter().map(|&noise| heard(noise)).collect();
    Pool { kind, ..made }
}

#[test]
fn greedy_selection_of_levels_and_numbers_goes_by_their_error() {
    for kind in [TargetKind::Ordinal, TargetKind::Number] {
        let made = numbers(kind, &[1.0, 9.0, 1.0], 1);
        let weights = greedy::weights(&made);
        assert!(weights[1] < 0.05 && (weights[0] - weights[2]).abs() < 0.3, "{weights:?}");
        let methods = Method::of(&made.metric, kind, 4);
        assert_eq!(methods, [Method::Mean, Method::Greedy]);
        let mean = made.blended(&Method::Mean.fit(&made));
        let third: f32 = made.members.iter().map(|rows| rows.row(7)[0]).sum::<f32>() / 3.0;
        assert!((mean.row(7)[0] - third).abs() < 1e-5, "levels and numbers have no bounds");
    }
}

#[test]
fn members_that_are_sure_in_different_ways_agree_on_ranks() {
    let members = [FAIR, Member { noise: 1.0, sureness: 0.05 }, FAIR];
    let made = pool(TargetKind::MultiLabel, 300, 2, &members, 2);
    let rows = made.blended(&Method::RankMean.fit(&made));
    let expected = |i: usize, column: usize| -> f64 {
        let rank = |member: &Table| {
            let own = member.row(i)[column];
            let below = member.column(column).filter(|&p| p < own).count() as f64;
            let equal = member.column(column).filter(|&p| p == own).count() as f64;
            // scipy.stats.rankdata(p): the mean of the ranks of equals.
            (below + f64::midpoint(equal, 1.0) - 0.5) / 300.0
        };
        made.members.iter().map(rank).sum::<f64>() / 3.0
    };
    for i in [0, 17, 299] {
        for column in 0..2 {
            assert!((f64::from(rows.row(i)[column]) - expected(i, column)).abs() < 1e-6);
        }
    }
    let rule = Rule::Ranks { weights: vec![0.5, 0.5] };
    let text = toml::to_string(&rule).unwrap();
    assert_eq!(toml::from_str::<Rule>(&text).unwrap(), rule, "{text}");
    let one = [&made.members[0]];
    assert_eq!(rule.apply(TargetKind::MultiLabel, &one), made.members[0]);
}
