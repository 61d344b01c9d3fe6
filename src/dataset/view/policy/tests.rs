//! Which operations are drawn, and where they move pixels.

use std::collections::BTreeMap;

use kaggle_kit_pixels::warp;

use super::*;

/// Beyond the picture, which torchvision fills with something else.
const OUT: i16 = -1;

/// What becomes of 8 x 8 grey pixels.
fn moved(operations: &[Operation]) -> Vec<u8> {
    let picture: Vec<u8> = (0..64).flat_map(|i| [((i * i * 37 + i * 11) % 251) as u8; 3]).collect();
    let map = geometry(operations.iter().copied(), 8).unwrap();
    let mut out = vec![0; 192];
    warp(&picture, [8, 8], &map, 8, &mut out);
    out.chunks(3).map(|pixel| pixel[0]).collect()
}

// >>> x = torch.tensor([(i*i*37 + i*11) % 251 for i in range(64)]).reshape(1, 8, 8).float()
// >>> F.affine(x, angle=0., translate=[0, 0], scale=1., shear=[degrees(atan(.3)), 0.], fill=[0.],
// ...          interpolation=InterpolationMode.BILINEAR, center=[0, 0]).round()   # as `_apply_op` does
// and F.rotate(x, 30., interpolation=InterpolationMode.BILINEAR); OUT where the same of ones is below 1.
#[test]
fn pixels_move_to_where_torchvision_moves_them() {
    let cases: [(&[Operation], [[i16; 8]; 8]); 7] = [
        (
            &[Operation::ShearX(0.3)],
            [
                [7, 66, 162, 118, 148, 214, 142, OUT],
                [146, 66, 61, 129, 158, 124, 163, OUT],
                [93, 125, 44, 161, 228, 117, 206, OUT],
                [64, 196, 164, 193, 70, 235, OUT, OUT],
                [238, 156, 73, 139, 116, 167, OUT, OUT],
                [194, 149, 91, 106, 195, 195, OUT, OUT],
                [172, 164, 217, 106, 56, 81, OUT, OUT],
                [126, 155, 70, 58, 120, OUT, OUT, OUT],
            ],
        ),
        (
            &[Operation::ShearY(-0.5)],
            [
                [OUT, OUT, OUT, OUT, OUT, OUT, OUT, OUT],
                [148, 57, OUT, OUT, OUT, OUT, OUT, OUT],
                [132, 85, 76, 106, OUT, OUT, OUT, OUT],
                [208, 80, 115, 63, 175, 200, OUT, OUT],
                [126, 104, 183, 50, 206, 149, 131, 152],
                [137, 221, 218, 128, 203, 190, 90, 217],
                [177, 117, 220, 49, 167, 72, 205, 187],
                [184, 42, 190, 125, 98, 110, 161, 62],
            ],
        ),
        (
            &[Operation::TranslateX(0.25)],
            [
                [OUT, OUT, 0, 48, 170, 115, 134, 227],
                [OUT, OUT, 197, 84, 45, 80, 189, 121],
                [OUT, OUT, 110, 87, 138, 12, 211, 233],
                [OUT, OUT, 241, 57, 198, 162, 200, 61],
                [OUT, OUT, 88, 245, 225, 28, 156, 107],
                [OUT, OUT, 153, 149, 219, 112, 79, 120],
                [OUT, OUT, 185, 20, 180, 163, 220, 100],
                [OUT, OUT, 184, 109, 108, 181, 77, 47],
            ],
        ),
        (
            &[Operation::TranslateY(-0.375)],
            [
                [241, 57, 198, 162, 200, 61, 247, 5],
                [88, 245, 225, 28, 156, 107, 132, 231],
                [153, 149, 219, 112, 79, 120, 235, 173],
                [185, 20, 180, 163, 220, 100, 54, 82],
                [184, 109, 108, 181, 77, 47, 91, 209],
                [OUT, OUT, OUT, OUT, OUT, OUT, OUT, OUT],
                [OUT, OUT, OUT, OUT, OUT, OUT, OUT, OUT],
                [OUT, OUT, OUT, OUT, OUT, OUT, OUT, OUT],
            ],
        ),
        (
            &[Operation::Rotate(30.0)],
            [
                [OUT, OUT, OUT, 193, 138, 171, OUT, OUT],
                [OUT, 132, 127, 172, 170, 99, 112, OUT],
                [75, 54, 51, 174, 171, 162, 159, OUT],
                [109, 107, 113, 156, 166, 101, 160, 191],
                [122, 76, 197, 97, 111, 110, 152, 111],
                [OUT, 159, 233, 175, 109, 154, 107, 74],
                [OUT, 123, 157, 183, 166, 165, 74, OUT],
                [OUT, OUT, 119, 81, 134, OUT, OUT, OUT],
            ],
        ),
        (
            &[Operation::Rotate(-135.0)],
            [
                [OUT, OUT, OUT, 90, 103, OUT, OUT, OUT],
                [OUT, OUT, 166, 190, 181, 185, OUT, OUT],
                [OUT, 154, 155, 129, 208, 174, 113, OUT],
                [72, 113, 92, 93, 119, 181, 107, 111],
                [121, 186, 112, 159, 167, 49, 78, 77],
                [OUT, 175, 150, 106, 212, 126, 90, OUT],
                [OUT, OUT, 161, 140, 166, 168, OUT, OUT],
                [OUT, OUT, OUT, 146, 141, OUT, OUT, OUT],
            ],
        ),
        (
            &[Operation::ShearX(0.3), Operation::Rotate(30.0)],
            [
                [OUT, OUT, OUT, 186, 154, OUT, OUT, OUT],
                [OUT, 133, 138, 151, 132, OUT, OUT, OUT],
                [77, 71, 139, 212, 166, OUT, OUT, OUT],
                [97, 75, 122, 159, 108, OUT, OUT, OUT],
                [99, 170, 149, 146, 131, 179, OUT, OUT],
                [OUT, 168, 119, 95, 121, 119, OUT, OUT],
                [OUT, 214, 152, 145, 138, 84, OUT, OUT],
                [OUT, OUT, 170, 166, 96, OUT, OUT, OUT],
            ],
        ),
    ];
    for (operations, expected) in cases {
        let (found, mut n) = (moved(operations), 0);
        let mut sum = 0;
        for (found, expected) in found.iter().zip(expected.as_flattened()) {
            if *expected != OUT {
                (n, sum) = (n + 1, sum + (i16::from(*found) - expected).abs());
                // Our weights have 8 bits.
                let apart = (i16::from(*found) - expected).abs();
                assert!(apart <= 2 || operations.len() > 1, "{operations:?}: {found}, {expected}");
            }
        }
        // Two maps at once blur less than one after the other.
        assert!(n >= 30 && sum / n < 25, "{operations:?}: {sum} of {n}");
    }
}

fn drawn(policy: Policy) -> Vec<Vec<Operation>> {
    (0..5000).map(|index| draw(policy, (1, 2, index)).collect()).collect()
}

/// The kind of an operation, without its strength.
fn kind(operation: Operation) -> String {
    let told = format!("{operation:?}");
    told.split('(').next().unwrap_or_default().to_owned()
}

#[test]
fn each_operation_is_as_likely_as_any_other() {
    for (policy, at_once) in [(Policy::Trivial, 1), (Policy::Rand { magnitude: 9 }, 2)] {
        let mut counts: BTreeMap<String, f64> = BTreeMap::new();
        for operation in drawn(policy).concat() {
            *counts.entry(kind(operation)).or_default() += 1.0;
        }
        // `Identity` is none.
        assert_eq!(counts.len(), N_KINDS - 1);
        let expected = f64::from(at_once) * 5000.0 / N_KINDS as f64;
        let is_likely = |n: &f64| (n - expected).abs() < 5.0 * expected.sqrt();
        assert!(counts.values().all(is_likely), "{counts:?}");
    }
    assert!(drawn(Policy::None).concat().is_empty());
}

/// The least and the most of each kind of operation.
fn ends(policy: Policy) -> BTreeMap<String, [f64; 2]> {
    let mut ends: BTreeMap<String, [f64; 2]> = BTreeMap::new();
    for operation in drawn(policy).concat() {
        let strength = match operation {
            Operation::ShearX(by)
            | Operation::ShearY(by)
            | Operation::TranslateX(by)
            | Operation::TranslateY(by)
            | Operation::Rotate(by) => by,
            Operation::Brightness(by)
            | Operation::Saturation(by)
            | Operation::Contrast(by)
            | Operation::Sharpness(by)
            | Operation::Solarize(by) => f64::from(by),
            Operation::Posterize(bits) => f64::from(bits),
            Operation::Identity | Operation::Autocontrast | Operation::Equalize => continue,
        };
        let ends = ends.entry(kind(operation)).or_insert([f64::INFINITY, f64::NEG_INFINITY]);
        *ends = [ends[0].min(strength), ends[1].max(strength)];
    }
    ends
}

#[test]
fn strengths_are_torchvision_s() {
    // >>> T.TrivialAugmentWide()._augmentation_space(31)
    // >>> T.RandAugment()._augmentation_space(31, (224, 224)): 9 of 30, one way or the other
    let names = [
        "ShearX",
        "ShearY",
        "TranslateX",
        "TranslateY",
        "Rotate",
        "Brightness",
        "Saturation",
        "Contrast",
        "Sharpness",
    ];
    let share = 32.0 / 224.0;
    let trivial = [0.99, 0.99, share, share, 135.0, 0.99, 0.99, 0.99, 0.99];
    let share = 0.3 * 150.0 / 331.0;
    let rand = [0.09, 0.09, share, share, 9.0, 0.27, 0.27, 0.27, 0.27];
    for (policy, most, bits, threshold) in [
        (Policy::Trivial, trivial, [2.0, 8.0], [0.0, 255.0]),
        (Policy::Rand { magnitude: 9 }, rand, [7.0, 7.0], [178.5, 178.5]),
    ] {
        let found = ends(policy);
        assert_eq!(found.len(), 11);
        let is_close = |name: &str, expected: [f64; 2]| {
            let close = |i: usize| (found[name][i] - expected[i]).abs() < 1e-5;
            assert!(close(0) && close(1), "{name}: {:?}", found[name]);
        };
        for (i, (name, most)) in names.into_iter().zip(most).enumerate() {
            let none = if i < 5 { 0.0 } else { 1.0 };
            is_close(name, [none - most, none + most]);
        }
        is_close("Posterize", bits);
        is_close("Solarize", threshold);
    }
}

#[test]
fn draws_follow_from_seed_epoch_and_image_alone() {
    let one = |key| draw(Policy::Rand { magnitude: 9 }, key).collect::<Vec<_>>();
    let several = |epoch| (0..8).map(|index| one((3, epoch, index))).collect::<Vec<_>>();
    assert_eq!(several(1), several(1));
    assert_ne!(several(1), several(2));
}
