use proptest::prelude::*;
use rand::Rng;

use super::*;
use crate::rng::{Purpose, stream};

/// Images with tags that each are there with probability `sigmoid(z)`, of which `sigmoid(predicted(z))`
/// was predicted.
fn images(n: usize, n_classes: usize, predicted: impl Fn(f64) -> f64) -> (Table, Table<bool>) {
    let mut rng = stream(Purpose::Draw, 1, 0, 0);
    let mut image = |_| {
        let z = rng.random_range(-6.0..3.0f64);
        (sigmoid(predicted(z)) as f32, rng.random_bool(sigmoid(z)))
    };
    let (rows, truth) = (0..n * n_classes).map(&mut image).unzip();
    (Table::new(rows, n_classes), Table::new(truth, n_classes))
}

/// Images that have one of three members, drawn by `probabilities` that sum to one.
fn weathers(n: usize) -> (Vec<[f64; 3]>, Table<bool>) {
    let mut rng = stream(Purpose::Draw, 2, 0, 0);
    let (mut rows, mut truth) = (Vec::new(), Vec::new());
    for _ in 0..n {
        let odds = [0, 1, 2].map(|_| rng.random_range(-3.0..3.0f64).exp());
        let row = odds.map(|odd| odd / odds.iter().sum::<f64>());
        let at = rng.random::<f64>();
        let member = usize::from(at >= row[0]) + usize::from(at >= row[0] + row[1]);
        truth.extend((0..3).map(|class| class == member));
        rows.push(row);
    }
    (rows, Table::new(truth, 3))
}

fn log_loss(rows: &Table, truth: &Table<bool>) -> f64 {
    crate::metric::binary_log_loss(rows.as_slice(), truth.as_slice())
}

#[test]
fn every_kind_mends_what_it_can() {
    let ece = |rows: &Table, truth: &Table<bool>, kind| {
        let mut calibrated = rows.clone();
        fit(kind, rows, truth, &[]).apply(&mut calibrated);
        Reliability::mean(&reliability(&calibrated, truth)).ece
    };
    let (rows, truth) = images(20_000, 2, |z| 1.8 * z);
    assert!(ece(&rows, &truth, Kind::None) > 0.04);
    assert!(ece(&rows, &truth, Kind::Temperature) < 0.01);
    let (rows, truth) = images(20_000, 2, |z| 1.4 * z + 0.5);
    assert!(ece(&rows, &truth, Kind::Temperature) > 0.02);
    assert!(ece(&rows, &truth, Kind::Platt) < 0.01);
    let Curve::Platt { slope, offset } = fit(Kind::Platt, &rows, &truth, &[]).curves[0] else {
        panic!("20,000 images are enough for Platt")
    };
    assert!((slope - 1.0 / 1.4).abs() < 0.05, "{slope}");
    assert!((offset + 0.5 / 1.4).abs() < 0.1, "{offset}");
}

#[test]
fn what_is_calibrated_stays() {
    let (rows, truth) = images(40_000, 1, |z| z);
    for kind in [Kind::Temperature, Kind::Platt] {
        let mut calibrated = rows.clone();
        fit(kind, &rows, &truth, &[]).apply(&mut calibrated);
        let pairs = rows.as_slice().iter().zip(calibrated.as_slice());
        let furthest = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(furthest < 0.015, "{kind:?}: {furthest}");
    }
}

#[test]
fn few_images_change_little_and_rare_tags_get_no_offset() {
    let (rows, truth) = images(30, 1, |z| 3.0 * z + 2.0);
    let Curve::Temperature { slope } = fit(Kind::Platt, &rows, &truth, &[]).curves[0] else {
        panic!("30 images are too few for an offset")
    };
    assert!((0.3..1.0).contains(&slope), "{slope}");
    // Whichever of the two answers is rare.
    for rare in [true, false] {
        let truth = Table::new((0..2000).map(|i| (i % 11 == 0) == rare).collect(), 1);
        let fitted = fit(Kind::Platt, &Table::new(vec![0.3; 2000], 1), &truth, &[]);
        assert!(matches!(fitted.curves[..], [Curve::Temperature { .. }]), "{fitted:?}");
    }
    let nothing = fit(Kind::Platt, &Table::empty(2), &Table::empty(2), &[vec![0, 1]]);
    let softmax = Softmax { members: vec![0, 1], slope: 1.0, against: 0.0, offsets: vec![0.0; 2] };
    assert_eq!(nothing.groups, [softmax]);
    let fitted = fit(Kind::Platt, &Table::empty(1), &Table::empty(1), &[]);
    assert_eq!(fitted.curves, [Curve::Temperature { slope: 1.0 }]);
}

#[test]
fn a_group_sums_to_one_and_a_calibrated_one_stays() {
    let (rows, truth) = weathers(20_000);
    let predicted = Table::new(rows.iter().flatten().map(|&p| p as f32).collect(), 3);
    let fitted = fit(Kind::Platt, &predicted, &truth, &[vec![0, 1, 2]]);
    assert_eq!(fitted.curves, vec![Curve::Identity; 3]);
    let Softmax { slope, against, offsets, .. } = &fitted.groups[0];
    assert!((slope - 1.0).abs() < 0.1 && against.abs() < 0.1, "{fitted:?}");
    assert!(offsets.iter().all(|offset| offset.abs() < 0.05), "{fitted:?}");
    let mut calibrated = predicted.clone();
    fitted.apply(&mut calibrated);
    for (row, before) in calibrated.rows().zip(predicted.rows()) {
        assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-6, "{row:?}");
        assert!(row.iter().zip(before).all(|(a, b)| (a - b).abs() < 0.02), "{row:?} {before:?}");
    }
}

#[test]
fn a_group_finds_back_what_was_distorted() {
    let (rows, truth) = weathers(20_000);
    let perfect = Table::new(rows.iter().flatten().map(|&p| p as f32).collect(), 3);
    // Softened, the first too frequent: as a network that was shown other shares would say.
    let distort = |p: f64, of_first: f64| sigmoid(0.6 * (p / (1.0 - p)).ln() + of_first) as f32;
    let predicted = rows
        .iter()
        .flat_map(|p| [distort(p[0], 0.9), distort(p[1], 0.0), distort(p[2], 0.0)])
        .collect();
    let predicted = Table::new(predicted, 3);
    let loss = |kind| {
        let mut rows = predicted.clone();
        fit(kind, &predicted, &truth, &[vec![0, 1, 2]]).apply(&mut rows);
        log_loss(&rows, &truth)
    };
    let best = log_loss(&perfect, &truth);
    assert!(loss(Kind::None) > best + 0.05, "{} {best}", loss(Kind::None));
    assert!(loss(Kind::Temperature) > loss(Kind::Platt) + 0.005);
    assert!(loss(Kind::Platt) < best + 0.005, "{} {best}", loss(Kind::Platt));
}

#[test]
fn images_without_one_member_are_left_out_of_a_group() {
    let (rows, truth) = weathers(500);
    let mut predicted = Table::new(rows.iter().flatten().map(|&p| p as f32).collect(), 3);
    let mut truth = truth;
    let fitted = |predicted: &Table, truth: &Table<bool>| {
        fit(Kind::Platt, predicted, truth, &[vec![2, 0, 1]]).groups
    };
    let before = fitted(&predicted, &truth);
    predicted.push(&[0.1, 0.2, 0.3]);
    predicted.push(&[0.9, 0.8, 0.1]);
    truth.push(&[false, false, false]);
    truth.push(&[true, true, false]);
    assert_eq!(fitted(&predicted, &truth), before);
}

#[test]
fn a_calibration_survives_toml() {
    let (of_tags, tags) = images(3000, 2, |z| 0.7 * z);
    let (of_weathers, weather) = weathers(3000);
    let (mut rows, mut truth) = (Table::empty(5), Table::empty(5));
    for (i, weathers) in of_weathers.iter().enumerate() {
        rows.push(&[&weathers.map(|p| p as f32)[..], of_tags.row(i)].concat());
        truth.push(&[weather.row(i), tags.row(i)].concat());
    }
    for kind in [Kind::None, Kind::Temperature, Kind::Platt] {
        let fitted = fit(kind, &rows, &truth, &[vec![0, 1, 2]]);
        assert_eq!(fitted.groups.len(), usize::from(kind != Kind::None));
        let text = toml::to_string(&fitted).unwrap();
        assert_eq!(toml::from_str::<Calibration>(&text).unwrap(), fitted, "{text}");
    }
    let untouched = fit(Kind::None, &Table::empty(1), &Table::empty(1), &[]);
    assert_eq!(toml::to_string(&untouched).unwrap(), "curves = [\"identity\"]\n");
}

/// numpy: with `p = np.array([.05,.08,.25,.65,.68,.95])`, `y = np.array([0,1,0,1,0,1])` and
/// `b = np.ceil(p*10)`: `((p-y)**2).mean()`, and `np.mean` over images of
/// `abs(p[b==b_i].mean() - y[b==b_i].mean())`.
#[test]
fn reliability_agrees_with_numpy() {
    let of_tag =
        [(0.05, false), (0.08, true), (0.25, false), (0.65, true), (0.68, false), (0.95, true)];
    let (mut rows, mut truth) = (Vec::new(), Vec::new());
    for (p, y) in of_tag {
        rows.extend([p, 1.0]);
        truth.extend([y, true]);
    }
    let found = reliability(&Table::new(rows, 2), &Table::new(truth, 2));
    assert!((found[0].brier - 0.2498).abs() < 1e-6, "{found:?}");
    assert!((found[0].ece - 0.25).abs() < 1e-6, "{found:?}");
    assert_eq!(found[1], Reliability::default());
    let mean = Reliability::mean(&found);
    assert_eq!((mean.ece, mean.brier), (found[0].ece / 2.0, found[0].brier / 2.0));
}

proptest! {
    #[test]
    fn images_keep_their_order(
        answers in prop::collection::vec((0f32..=1.0, any::<bool>()), 1..600),
        mut others in prop::collection::vec(0f32..=1.0, 2..20),
        kind in prop::sample::select(vec![Kind::Temperature, Kind::Platt]),
    ) {
        let (rows, truth): (Vec<f32>, Vec<bool>) = answers.into_iter().unzip();
        others.sort_unstable_by(f32::total_cmp);
        let mut others = Table::new(others, 1);
        fit(kind, &Table::new(rows, 1), &Table::new(truth, 1), &[]).apply(&mut others);
        prop_assert!(others.as_slice().is_sorted(), "{others:?}");
        prop_assert!(others.as_slice().iter().all(|p| (0.0..=1.0).contains(p)), "{others:?}");
    }

    #[test]
    fn a_more_probable_member_stays_so(
        answers in prop::collection::vec((prop::array::uniform3(0f32..=1.0), 0usize..3), 1..60),
        row in prop::array::uniform3(0f32..=1.0),
        raised in 0f32..=1.0,
    ) {
        let rows = Table::new(answers.iter().flat_map(|&(row, _)| row).collect(), 3);
        let truth = answers.iter().flat_map(|&(_, one)| (0..3).map(move |class| class == one));
        let fitted = fit(Kind::Platt, &rows, &Table::new(truth.collect(), 3), &[vec![0, 1, 2]]);
        let mut pair = Table::from_rows([&row[..], &[row[0], row[1].max(raised), row[2]]], 3);
        fitted.apply(&mut pair);
        let (before, after) = (pair.row(0), pair.row(1));
        prop_assert!(after[1] >= before[1] - 1e-6 && after[0] <= before[0] + 1e-6);
        prop_assert!((after.iter().sum::<f32>() - 1.0).abs() < 1e-5);
    }
}
