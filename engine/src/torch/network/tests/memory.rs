//! What a network does where the memory is too small, and what it keeps of that.

use super::*;
use crate::torch::fits::Beside;

#[test]
fn what_does_not_fit_into_the_memory_is_done_in_pieces() {
    let _alone = alone();
    let settings = ["head.dropout=[0.0, 0.0]", "unfreeze.statistics=fixed", "optimizer.kind=sgd"];
    let (input, targets) = batch(8);
    let Input::Images(images) = &input else { unreachable!("made of images") };
    let mut pieces = network(&settings);
    pieces.room_for = 3;
    let outcome = pieces.step(&input, &targets, &rates(), 1).unwrap();
    assert_eq!(
        outcome.note.as_deref(),
        Some("out of memory: a batch of 8 is computed in 4 pieces from here on")
    );
    let outcome = pieces.step(&input, &targets, &rates(), 2).unwrap();
    assert_eq!(outcome.note, None);
    assert!(weights_of(&pieces).iter().flat_map(|(_, w)| w).all(|w| w.is_finite()));
    let close = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5);
    let (mut whole, mut pieces) = (network(&settings), network(&settings));
    pieces.room_for = 3;
    assert!(close(&pieces.predict(&input).unwrap(), &whole.predict(&input).unwrap()));
    assert_eq!(pieces.at_once, 2);
    let found = pieces.activations(0, images).unwrap();
    assert!(close(&found, &whole.activations(0, images).unwrap()));
    let classes = [0, 1, 2, 0, 1, 2, 0, 1];
    let (heat, side) = pieces.grad_cam(images, &classes).unwrap();
    let (expected, expected_side) = whole.grad_cam(images, &classes).unwrap();
    assert!(close(&heat, &expected) && side == expected_side);
    // Not even one image.
    pieces.room_for = 0;
    let error = format!("{:#}", pieces.predict(&input).unwrap_err());
    assert!(error.contains("can't allocate memory"), "{error}");
}

#[test]
fn what_fitted_once_is_gone_by_from_the_start() {
    let _alone = alone();
    let cache = tempfile::tempdir().unwrap();
    let recipe = network(&[]).recipe;
    let with_fits = |room_for, beside| {
        let mut network = network(&[]);
        network.go_by(Fits::of(Device::Cpu, &recipe, beside, cache.path()).with_free(8000));
        network.room_for = room_for;
        network
    };
    let (input, _) = batch(8);
    let mut first = with_fits(3, Beside::Nothing);
    assert_eq!(first.at_once, usize::MAX);
    let expected = first.predict(&input).unwrap();
    // The next one never asks for more than that, and says the same.
    let mut next = with_fits(2, Beside::Nothing);
    assert_eq!(next.at_once, 2);
    assert_eq!(next.predict(&input).unwrap(), expected);
    assert_eq!(with_fits(8, Beside::Training).at_once, usize::MAX);
    // Once it is less, less is kept.
    with_fits(1, Beside::Nothing).predict(&input).unwrap();
    assert_eq!(with_fits(8, Beside::Nothing).at_once, 1);
}
