//! Changes of a picture's colours, as policies of augmentation make them: what they come to is what
//! torchvision's `transforms.functional` comes to on bytes.

/// Times a factor.
pub fn brightness(pixels: &mut [u8], factor: f32) {
    look_up(pixels, &[table(|value| value * factor); 3]);
}

/// Away from the mean grey of the picture, or towards it where `factor` is below 1.
pub fn contrast(pixels: &mut [u8], factor: f32) {
    let (colours, _) = pixels.as_chunks();
    let sum: u64 = colours.iter().map(|&colour| grey(colour) as u64).sum();
    let mean = (sum as f64 / colours.len().max(1) as f64) as f32;
    look_up(pixels, &[table(|value| factor * value + (1.0 - factor) * mean); 3]);
}

/// Away from each pixel's own grey, or towards it: colours become stronger, or weaker.
pub fn saturation(pixels: &mut [u8], factor: f32) {
    for colour in pixels.as_chunks_mut().0 {
        let grey = (1.0 - factor) * grey(*colour);
        *colour = colour.map(|value| byte(factor * f32::from(value) + grey));
    }
}

/// Away from the blurred picture, `[size, size, 3]`, or towards it. Pixels at the edge stay.
pub fn sharpness(pixels: &mut [u8], size: usize, factor: f32) {
    let (before, row) = (pixels.to_vec(), size * 3);
    for y in 1..size.saturating_sub(1) {
        for at in y * row + 3..(y + 1) * row - 3 {
            let above = at - row;
            let sum = |at: usize| {
                [at - 3, at, at + 3].map(|at| u32::from(before[at])).iter().sum::<u32>()
            };
            let own = f32::from(before[at]);
            let around = (sum(above) + sum(at) + sum(at + row)) as f32;
            let blurred = ((around + 4.0 * own) / 13.0).round_ties_even();
            pixels[at] = byte(factor * own + (1.0 - factor) * blurred);
        }
    }
}

/// Keeps so many of the upper bits of each value.
pub fn posterize(pixels: &mut [u8], bits: u32) {
    let mask = !(0xff_u8.checked_shr(bits).unwrap_or(0));
    for value in pixels {
        *value &= mask;
    }
}

/// Inverts values of `threshold` and above.
pub fn solarize(pixels: &mut [u8], threshold: f32) {
    let invert = |value: f32| if value >= threshold { 255.0 - value } else { value };
    look_up(pixels, &[table(invert); 3]);
}

/// Stretches each channel, so that its darkest value becomes 0 and its brightest 255.
pub fn autocontrast(pixels: &mut [u8]) {
    let mut ends = [[255_u8, 0]; 3];
    for colour in pixels.as_chunks::<3>().0 {
        for ([least, most], &value) in ends.iter_mut().zip(colour) {
            (*least, *most) = (value.min(*least), value.max(*most));
        }
    }
    let tables = ends.map(|[least, most]| {
        if least >= most {
            return table(|value| value);
        }
        let scale = 255.0 / f32::from(most - least);
        table(|value| (value - f32::from(least)) * scale)
    });
    look_up(pixels, &tables);
}

/// Makes each channel's values about equally frequent.
pub fn equalize(pixels: &mut [u8]) {
    let mut counts = [[0_u32; 256]; 3];
    for colour in pixels.as_chunks::<3>().0 {
        for (counts, &value) in counts.iter_mut().zip(colour) {
            counts[usize::from(value)] += 1;
        }
    }
    let tables = counts.map(|counts| {
        let last = counts.iter().rev().find(|&&n| n > 0).copied().unwrap_or_default();
        let step = (counts.iter().sum::<u32>() - last) / 255;
        let mut below = 0;
        std::array::from_fn(|value| {
            // Of one value alone nothing can be made.
            let new = (below + step / 2).checked_div(step).map_or(value as u32, |new| new.min(255));
            below += counts[value];
            new as u8
        })
    });
    look_up(pixels, &tables);
}

/// ITU-R 601's brightness, whole.
fn grey(colour: [u8; 3]) -> f32 {
    let [red, green, blue] = colour.map(f32::from);
    (0.2989 * red + 0.587 * green + 0.114 * blue).floor()
}

fn table(of: impl Fn(f32) -> f32) -> [u8; 256] {
    std::array::from_fn(|value| byte(of(value as f32)))
}

/// As PyTorch makes bytes of numbers: what is behind the point is dropped.
fn byte(value: f32) -> u8 {
    value.clamp(0.0, 255.0) as u8
}

/// Puts another value in the place of each, by channel.
fn look_up(pixels: &mut [u8], [red, green, blue]: &[[u8; 256]; 3]) {
    for colour in pixels.as_chunks_mut().0 {
        let [r, g, b] = colour.map(usize::from);
        *colour = [red[r], green[g], blue[b]];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers without an order, `[size, size, 3]`.
    fn picture(size: usize) -> Vec<u8> {
        (0..size * size * 3).map(|i| ((i * i * 37 + i * 11) % 251) as u8).collect()
    }

    // >>> x = torch.tensor([(i*i*37 + i*11) % 251 for i in range(48)], dtype=torch.uint8)
    // >>> x = x.reshape(4, 4, 3).permute(2, 0, 1)
    // >>> F.adjust_brightness(x, .6).permute(1, 2, 0).flatten()    # torchvision 0.28, and so on
    #[test]
    fn colours_are_torchvision_s() {
        type Change = fn(&mut [u8]);
        let cases: [(&str, Change, [u8; 48]); 11] = [
            (
                "brightness .6",
                |p| brightness(p, 0.6),
                [
                    0, 28, 102, 69, 80, 136, 85, 79, 118, 50, 27, 48, 113, 72, 76, 124, 66, 52, 82,
                    7, 126, 139, 46, 148, 144, 34, 118, 97, 120, 36, 148, 3, 52, 147, 135, 16, 93,
                    64, 79, 138, 91, 89, 131, 67, 47, 72, 141, 103,
                ],
            ),
            (
                "brightness 1.7",
                |p| brightness(p, 1.7),
                [
                    0, 81, 255, 195, 227, 255, 243, 226, 255, 142, 76, 136, 255, 205, 215, 255,
                    187, 147, 234, 20, 255, 255, 132, 255, 255, 96, 255, 255, 255, 103, 255, 8,
                    149, 255, 255, 47, 255, 181, 224, 255, 255, 253, 255, 190, 134, 204, 255, 255,
                ],
            ),
            (
                "contrast .4",
                |p| contrast(p, 0.4),
                [
                    78, 98, 146, 124, 132, 169, 136, 132, 157, 112, 96, 110, 154, 127, 129, 161,
                    122, 113, 134, 83, 163, 172, 110, 178, 175, 101, 158, 143, 158, 103, 177, 80,
                    114, 176, 168, 90, 141, 121, 131, 171, 140, 138, 166, 123, 110, 126, 172, 148,
                ],
            ),
            (
                "contrast 1.9",
                |p| contrast(p, 1.9),
                [
                    0, 0, 204, 100, 136, 255, 153, 134, 255, 41, 0, 33, 240, 111, 122, 255, 90, 46,
                    143, 0, 255, 255, 29, 255, 255, 0, 255, 189, 255, 0, 255, 0, 48, 255, 255, 0,
                    177, 84, 132, 255, 172, 164, 255, 94, 31, 109, 255, 210,
                ],
            ),
            (
                "saturation .3",
                |p| saturation(p, 0.3),
                [
                    32, 47, 83, 131, 136, 164, 143, 140, 159, 67, 55, 66, 155, 135, 136, 157, 128,
                    121, 91, 53, 113, 170, 123, 174, 161, 106, 149, 169, 180, 138, 134, 61, 86,
                    219, 213, 153, 133, 118, 126, 191, 168, 167, 163, 131, 121, 171, 205, 187,
                ],
            ),
            (
                "saturation 1.8",
                |p| saturation(p, 1.8),
                [
                    0, 48, 255, 96, 130, 255, 143, 124, 240, 103, 33, 96, 227, 104, 115, 255, 89,
                    47, 190, 0, 255, 255, 25, 255, 255, 0, 254, 154, 222, 0, 255, 0, 89, 255, 238,
                    0, 181, 93, 138, 255, 135, 128, 255, 89, 30, 61, 255, 156,
                ],
            ),
            (
                "sharpness .1",
                |p| sharpness(p, 4, 0.1),
                [
                    0, 47, 170, 115, 134, 226, 143, 133, 196, 84, 45, 80, 188, 120, 126, 178, 98,
                    127, 161, 69, 164, 233, 78, 248, 241, 57, 198, 185, 136, 101, 218, 79, 111,
                    245, 225, 27, 156, 106, 132, 231, 153, 148, 218, 111, 79, 120, 235, 173,
                ],
            ),
            (
                "sharpness 1.9",
                |p| sharpness(p, 4, 1.9),
                [
                    0, 48, 170, 115, 134, 227, 142, 133, 197, 83, 45, 80, 189, 121, 127, 235, 121,
                    46, 114, 0, 255, 232, 78, 247, 241, 56, 197, 138, 255, 20, 255, 0, 64, 245,
                    225, 28, 156, 107, 132, 231, 152, 149, 219, 112, 78, 120, 235, 172,
                ],
            ),
            (
                "posterize 3",
                |p| posterize(p, 3),
                [
                    0, 32, 160, 96, 128, 224, 128, 128, 192, 64, 32, 64, 160, 96, 96, 192, 96, 64,
                    128, 0, 192, 224, 64, 224, 224, 32, 192, 160, 192, 32, 224, 0, 64, 224, 224, 0,
                    128, 96, 128, 224, 128, 128, 192, 96, 64, 96, 224, 160,
                ],
            ),
            (
                "solarize 127.5",
                |p| solarize(p, 127.5),
                [
                    0, 48, 85, 115, 121, 28, 112, 122, 58, 84, 45, 80, 66, 121, 127, 48, 110, 87,
                    117, 12, 44, 22, 78, 7, 14, 57, 57, 93, 55, 61, 8, 5, 88, 10, 30, 28, 99, 107,
                    123, 24, 102, 106, 36, 112, 79, 120, 20, 82,
                ],
            ),
            (
                "autocontrast of x // 3 + 40",
                |p| {
                    for v in &mut *p {
                        *v = *v / 3 + 40;
                    }
                    autocontrast(p);
                },
                [
                    0, 49, 164, 118, 142, 230, 146, 142, 195, 87, 46, 59, 195, 129, 115, 214, 115,
                    69, 143, 9, 213, 239, 82, 255, 248, 59, 199, 167, 215, 38, 254, 0, 69, 251,
                    245, 0, 161, 112, 122, 239, 165, 139, 227, 119, 59, 124, 255, 167,
                ],
            ),
        ];
        for (name, change, expected) in cases {
            let mut found = picture(4);
            change(&mut found);
            // What is behind the point is dropped, so that the last bit of a factor may make a level.
            let apart = found.iter().zip(&expected).map(|(a, b)| a.abs_diff(*b)).max();
            assert!(apart <= Some(1), "{name}: {found:?}");
        }
    }

    #[test]
    fn equalizing_is_torchvision_s() {
        // The same with 40 pixels a side, `F.equalize(x // 2 + 20)`: its first 24 numbers, and the sum.
        let mut found: Vec<u8> = picture(40).iter().map(|value| value / 2 + 20).collect();
        equalize(&mut found);
        let expected = [
            0, 45, 179, 116, 143, 239, 155, 139, 211, 79, 38, 72, 201, 126, 132, 221, 111, 80, 150,
            17, 227, 245, 68, 255,
        ];
        assert_eq!(found[..24], expected);
        assert_eq!(found.iter().map(|&value| u32::from(value)).sum::<u32>(), 631_809);
    }

    #[test]
    fn pictures_of_one_colour_are_bearable() {
        let changes: [fn(&mut [u8]); 3] = [autocontrast, equalize, |p| sharpness(p, 4, 1.9)];
        for value in [0, 7, 255] {
            for change in changes {
                let mut found = vec![value; 48];
                change(&mut found);
                assert_eq!(found, vec![value; 48]);
            }
        }
        for size in 0..3 {
            sharpness(&mut vec![9; size * size * 3], size, 0.1);
            for change in changes.iter().take(2) {
                change(&mut vec![9; size * size * 3]);
            }
        }
    }
}
