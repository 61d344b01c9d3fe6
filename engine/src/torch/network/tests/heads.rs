//! A head with a linear layer in it, and a network midway between two.

use kaggle_kit::learn::LinearLayer;

use super::*;

/// `[n, classes]`.
fn logits(network: &mut Network, input: &Input) -> Vec<f32> {
    let network = network.averaged();
    tch::no_grad(|| to_host(&network.logits(input, false).unwrap()).unwrap())
}

#[test]
fn a_linear_layer_s_logits_are_mixed_in_also_where_the_mean_of_the_weights_predicts() {
    let _alone = alone();
    for settings in [&[][..], &["optimizer.average=0.5"], &["head.width=0"]] {
        let mut network = network(settings);
        let width = network.width();
        let moments = Moments { mean: vec![0.25; width], variance: vec![4.0; width] };
        network.standardise(&moments);
        step(&mut network, 1);
        step(&mut network, 2);
        let (input, _) = batch(4);
        let pooled = tch::no_grad(|| {
            let Input::Images(images) = &input else { unreachable!() };
            to_host(&network.pooled(&network.bytes_of(images).unwrap(), false)).unwrap()
        });
        let before = logits(&mut network, &input);
        let weights: Vec<f32> = (0..3 * width).map(|i| (i % 13) as f32 / 100.0 - 0.06).collect();
        let layer = LinearLayer { weights, bias: vec![0.5, -0.5, 1.0] };
        network.add_linear(&layer, 0.25);
        let after = logits(&mut network, &input);
        for (image, pooled) in pooled.chunks(width).enumerate() {
            for class in 0..3 {
                let row = layer.weights[class * width..][..width].iter();
                let parts: Vec<f64> = row
                    .zip(pooled)
                    .map(|(&w, &x)| f64::from(w) * f64::from((x - 0.25) / 2.0))
                    .collect();
                let (fitted, room): (f64, f64) =
                    (parts.iter().sum(), parts.iter().map(|part| part.abs()).sum());
                let at = image * 3 + class;
                let right =
                    0.75 * f64::from(before[at]) + 0.25 * (fitted + f64::from(layer.bias[class]));
                let off = (f64::from(after[at]) - right).abs();
                assert!(off < 1e-4 + 1e-5 * room, "{settings:?}: {off} of {right}, {room}");
            }
        }
    }
}

#[test]
fn a_linear_path_separates_what_can_be_separated_and_holds_back_where_it_shall() {
    let _alone = alone();
    let mut network = network(&[]);
    let width = network.width();
    let moments = Moments { mean: vec![0.0; width], variance: vec![1.0; width] };
    network.standardise(&moments);
    // Class i has its features up at i, i + 3 and so on.
    let n = 30;
    let rows: Vec<f32> =
        (0..n * width).map(|i| f32::from(u8::from(i % width % 3 == i / width % 3))).collect();
    let targets: Vec<f32> = (0..n * 3).map(|i| f32::from(u8::from(i % 3 == i / 3 % 3))).collect();
    let layers = network.linear_path(&rows, &targets, &[100.0, 0.001]).unwrap();
    let size = |layer: &LinearLayer| layer.weights.iter().map(|w| w * w).sum::<f32>();
    assert!(
        size(&layers[0]) < 0.01 * size(&layers[1]),
        "{} {}",
        size(&layers[0]),
        size(&layers[1])
    );
    network.add_linear(&layers[1], 1.0);
    let said = network.predict(&Input::Activations(rows)).unwrap();
    let off = said.iter().zip(&targets).map(|(p, y)| (p - y).abs()).fold(0.0, f32::max);
    assert!(off < 0.05, "{off}");
}

#[test]
fn midway_between_two_networks_every_weight_is_the_mean_of_theirs() {
    let _alone = alone();
    for settings in [&[][..], &["optimizer.average=0.5"]] {
        let mut network = network(settings);
        step(&mut network, 1);
        let frozen = network.snapshot();
        let of = |network: &Network| -> BTreeMap<String, Vec<f32>> {
            let all = network.predicting().into_iter();
            all.map(|(name, tensor)| (name, to_host(&tensor).unwrap())).collect()
        };
        let first = of(&network);
        network.begin(Trainable::Everything);
        step(&mut network, 2);
        step(&mut network, 3);
        let second = of(&network);
        network.go_towards(&frozen, 0.5);
        for (name, found) in of(&network) {
            let pairs = first[&name].iter().zip(&second[&name]);
            let right: Vec<f32> = pairs.map(|(a, b)| f32::midpoint(*a, *b)).collect();
            let off = found.iter().zip(&right).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(off < 1e-5, "{settings:?}: {name} is off by {off}");
        }
    }
}

#[test]
fn heads_on_one_backbone_answer_side_by_side_as_each_does_alone() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let (input, _) = batch(3);
    let Input::Images(images) = &input else { unreachable!("a batch is of images") };
    let mut first = network(&[]);
    first.save(&file("first")).unwrap();
    // Another head on the same backbone, and another backbone.
    let mut second = network(&[]);
    second.restore_from(&file("first")).unwrap();
    let targets = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
    second.step(&input, &targets, &rates(), 1).unwrap();
    second.save(&file("second")).unwrap();
    network(&["seed=7"]).save(&file("other")).unwrap();

    let each = [&mut first, &mut second].map(|one| one.predict(&input).unwrap());
    assert_ne!(each[0], each[1]);
    assert!(!first.take_head_beside(&file("other")).unwrap());
    assert!(first.take_head_beside(&file("second")).unwrap());
    assert_eq!(first.n_outputs(), 6);
    let both = first.predict_under(images, &[Symmetry::IDENTITY]).unwrap();
    let of = |head: usize| -> Vec<f32> {
        both[0].chunks(6).flat_map(|row| &row[head * 3..][..3]).copied().collect()
    };
    assert_eq!([of(0), of(1)], each);
}
