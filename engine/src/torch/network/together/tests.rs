//! Ranks as threads of this process: one step of several is one step of one.

use kaggle_kit::learn::{Model, StepRates};
use kaggle_kit::recipe::{Layer, Recipe};

use super::*;
use crate::torch::group::tests::together;
use crate::torch::network::tests::{alone, batch, network, weights_of};

/// Without dropout: these ranks are threads, and libtorch has one stream of random numbers for all.
/// One step: each further one magnifies what rounding has left where units switch.
const SGD: [&str; 2] = ["head.dropout=[0.0, 0.0]", "optimizer.kind=sgd"];

/// Of memory, in images.
const PLENTY: usize = usize::MAX;

type Weights = Vec<(String, Vec<f32>)>;

/// What a network was before one step on a batch of `n`, and after it.
fn step(
    trainable: Trainable,
    settings: &[&str],
    n: usize,
    group: Option<Group>,
    room_for: usize,
) -> Result<(Weights, Weights, Option<String>)> {
    static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let turn = TURN.lock().unwrap();
    let mut network = network(settings);
    drop(turn);
    let share = group.as_ref().map_or(Share::WHOLE, |group| group.place().share());
    if let Some(group) = group {
        network.join(Rc::new(group))?;
    }
    network.begin(trainable);
    network.room_for = room_for;
    let before = weights_of(&network);
    let (input, targets) = batch(n);
    let rates = StepRates { rates: [1e-3, 2e-3, 4e-3], momentum: 0.9 };
    let outcome = network.step(&part(&input, 0, share.of(n)), &targets, &rates, 1)?;
    assert!(network.align()? < 1e-6);
    Ok((before, weights_of(&network), outcome.note))
}

/// How far apart two ends are, as a part of the way there.
fn apart(before: &Weights, one: &Weights, other: &Weights) -> f32 {
    let length = |of: &dyn Fn(usize, usize) -> f32| {
        let each = one.iter().enumerate().filter(|(_, (name, _))| !name.contains(".running_"));
        let squares = each.flat_map(|(i, (_, w))| (0..w.len()).map(move |j| of(i, j).powi(2)));
        squares.sum::<f32>().sqrt()
    };
    length(&|i, j| one[i].1[j] - other[i].1[j]) / length(&|i, j| one[i].1[j] - before[i].1[j])
}

#[test]
fn several_ranks_take_the_step_of_one() {
    let _alone = alone();
    for (trainable, n, worlds, most) in [
        (Trainable::Head, 8, &[3][..], 1e-6),
        (Trainable::Everything, 8, &[2, 3], 1e-5),
        // The first of four has no image. A norm over three magnifies what rounding leaves.
        (Trainable::Everything, 3, &[4], 1e-3),
    ] {
        let (before, one, _) = step(trainable, &SGD, n, None, PLENTY).unwrap();
        for &world in worlds {
            for several in
                together(world, |group| step(trainable, &SGD, n, Some(group), PLENTY).unwrap())
            {
                assert_eq!(several.0, before, "all begin alike");
                let apart = apart(&before, &one, &several.1);
                assert!(apart < most, "{trainable:?}, {n} on {world} ranks: {apart} of the way");
            }
        }
    }
}

#[test]
fn a_rank_whose_memory_is_full_does_not_leave_the_others_waiting() {
    let _alone = alone();
    let settings = [SGD.as_slice(), &["optimizer.accumulate=1"]].concat();
    let ends = together(2, |group| {
        // Its share is four images.
        let room_for = if group.rank() == 1 { 3 } else { PLENTY };
        step(Trainable::Everything, &settings, 8, Some(group), room_for).unwrap()
    });
    let [first, second] = ends.as_slice() else { panic!("two ranks") };
    assert_eq!(first.1, second.1, "both took the same step");
    assert_ne!(first.0, first.1);
    for (.., note) in &ends {
        let note = note.as_deref().unwrap();
        assert!(note.contains("a batch of 8 is computed in 2 pieces"), "{note}");
    }
    // The pieces are of both ranks' shares: 0, 1, 4, 5 and 2, 3, 6, 7.
    let halves = [SGD.as_slice(), &["optimizer.accumulate=2"]].concat();
    let other =
        together(2, |group| step(Trainable::Everything, &halves, 8, Some(group), PLENTY).unwrap());
    assert!(apart(&first.0, &first.1, &other[0].1) < 1e-6);
}

#[test]
fn weights_that_drifted_apart_are_seen_and_made_the_same() {
    let _alone = alone();
    let ends = together(2, |group| {
        let mut network = network(&SGD);
        let rank = group.rank();
        network.join(Rc::new(group)).unwrap();
        network.begin(Trainable::Everything);
        assert_eq!(network.align().unwrap(), 0.0);
        if rank == 1 {
            let (_, weight) = network.variables().pop_last().unwrap();
            let _ = no_grad(|| weight.shallow_clone().g_add_scalar_(0.5));
        }
        (network.align().unwrap(), network.align().unwrap(), weights_of(&network))
    });
    assert!(ends[0].0 > 0.0 && ends[0].0 == ends[1].0, "{} {}", ends[0].0, ends[1].0);
    assert!(ends.iter().all(|(_, again, _)| *again == 0.0) && ends[0].2 == ends[1].2);
}

#[test]
fn statistics_that_each_gathers_become_their_mean() {
    let _alone = alone();
    let settings = [SGD.as_slice(), &["unfreeze.statistics=moving"]].concat();
    let statistics = |weights: &Weights| -> Weights {
        weights.iter().filter(|(name, _)| name.starts_with("bn1.running")).cloned().collect()
    };
    let ends = together(2, |group| {
        step(Trainable::Everything, &settings, 8, Some(group), PLENTY).unwrap()
    });
    let both: Vec<Weights> = ends.iter().map(|(_, after, _)| statistics(after)).collect();
    assert!(both[0] == both[1] && both[0].len() == 2 && both[0] != statistics(&ends[0].0));
}

#[test]
fn networks_of_other_shapes_are_refused_before_anything_is_sent() {
    let _alone = alone();
    let told = together(2, |group| {
        let width = if group.rank() == 0 { "head.width=512" } else { "head.width=256" };
        network(&[width]).join(Rc::new(group)).map_err(|error| error.to_string())
    });
    let error = told[1].as_ref().unwrap_err();
    assert!(error.contains("rank 1 differs from rank 0: `head.hidden"), "{error}");
}

#[test]
fn pieces_have_images_of_every_rank_and_are_all_of_the_batch() {
    for world in 2..6 {
        for n in 2..40 {
            for count in [1, 2, 3, 16] {
                let of_ranks: Vec<Vec<Piece>> =
                    (0..world).map(|rank| pieces(Share::new(rank, world), n, count)).collect();
                let mut seen: Vec<usize> = Vec::new();
                for (number, piece) in of_ranks[0].iter().enumerate() {
                    let own: Vec<usize> =
                        of_ranks.iter().map(|pieces| pieces[number].own.len()).collect();
                    assert_eq!((&own, own.iter().sum()), (&piece.lengths, piece.images.len()));
                    assert!(piece.images.len() >= 2.min(n), "{n} in {count} of {world}");
                    seen.extend(&piece.images);
                }
                seen.sort_unstable();
                assert_eq!(seen, (0..n).collect::<Vec<_>>());
            }
        }
    }
}

/// What was typed is one recipe, whatever the number of ranks.
#[test]
fn the_number_of_ranks_is_no_part_of_the_recipe() {
    let layers: Vec<Layer> = Vec::new();
    let recipe: Recipe = kaggle_kit::recipe::resolve(&layers).unwrap();
    assert!(!toml::to_string(&recipe).unwrap().contains("rank"));
}
