//! Brightness and contrast of a picture.

/// fastai 0.7's lighting, on values in `[0, 1]`: `(x - mean) k + mean + brightness`, clipped, where
/// `k = 1 + c` for a contrast `c >= 0` and `1 / (1 - c)` below.
pub fn relight(pixels: &mut [u8], brightness: f32, contrast: f32) {
    let mean = sum(pixels) as f32 / pixels.len().max(1) as f32 / 255.0;
    let k = if contrast >= 0.0 { 1.0 + contrast } else { 1.0 / (1.0 - contrast) };
    let table: [u8; 256] = std::array::from_fn(|value| {
        let lit = (value as f32 / 255.0 - mean) * k + mean + brightness;
        (lit.clamp(0.0, 1.0) * 255.0).round() as u8
    });
    let (words, rest) = pixels.as_chunks_mut::<8>();
    for word in words {
        *word = word.map(|value| table[usize::from(value)]);
    }
    for value in rest {
        *value = table[usize::from(*value)];
    }
}

/// Of bytes, eight at a time: each half of them in sixteen bits of its own, which hold 257 of them.
fn sum(bytes: &[u8]) -> u64 {
    const EVEN: u64 = 0x00ff_00ff_00ff_00ff;
    let mut sum: u64 = 0;
    for part in bytes.chunks(8 * 128) {
        let (words, rest) = part.as_chunks();
        let mut lanes: u64 = 0;
        for word in words {
            let word = u64::from_le_bytes(*word);
            lanes = lanes.wrapping_add(word & EVEN).wrapping_add(word >> 8 & EVEN);
        }
        sum += lanes
            .to_le_bytes()
            .as_chunks()
            .0
            .iter()
            .map(|lane| u64::from(u16::from_le_bytes(*lane)))
            .sum::<u64>();
        sum += rest.iter().map(|&byte| u64::from(byte)).sum::<u64>();
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_summed_eight_at_a_time() {
        for n in [0, 7, 1024, 5003] {
            let bytes: Vec<u8> = (0..n).map(|i| 255 - (i % 3) as u8).collect();
            let expected: u64 = bytes.iter().map(|&byte| u64::from(byte)).sum();
            assert_eq!(sum(&bytes), expected, "{n}");
        }
    }

    #[test]
    fn lighting_is_fastais() {
        // >>> x = np.array([50, 100, 150]) / 255; (np.clip((x - x.mean()) * (1 / 1.04) + x.mean()
        // ... + .03, 0, 1) * 255).round()     # c = -.04, b = .03
        let mut pixels = [50, 100, 150];
        relight(&mut pixels, 0.03, -0.04);
        assert_eq!(pixels, [60, 108, 156]);
        // >>> (np.clip((x - x.mean()) * 1.05 + x.mean() - .05, 0, 1) * 255).round()
        let mut pixels = [50, 100, 150];
        relight(&mut pixels, -0.05, 0.05);
        assert_eq!(pixels, [35, 87, 140]);
    }
}
