//! Where a network looks for a class (Selvaraju et al. 2016, Grad-CAM,
//! <https://arxiv.org/abs/1610.02391>). A network that pools by itself (an imported one) has no features by
//! place: of that it is told how much its pixels move the answer, gradients times pixels.

use anyhow::{Result, ensure};
use kaggle_kit::dataset::Images;
use tch::{Kind, Tensor, no_grad};

use super::backbones::NormMode;
use super::fitting;
use super::input::{images_at, to_host};
use super::network::Network;

impl Network {
    /// Where the network looks for a class, the mean of its backbones' maps: `[n, side, side]`, each
    /// picture's in `[0, 1]`, and `side`.
    pub fn grad_cam(&mut self, images: &Images, classes: &[usize]) -> Result<(Vec<f32>, usize)> {
        ensure!(classes.len() == images.n, "a class for each picture");
        let (mut side, mut at_once) = (0, images.n);
        let network = self.averaged();
        let heat = fitting::in_pieces(images.n, &mut at_once, |range| {
            let (heat, found) =
                network.grad_cam_at_once(&images_at(images, range.clone()), &classes[range])?;
            side = found;
            Ok(heat)
        })?;
        Ok((heat, side))
    }

    fn grad_cam_at_once(&self, images: &Images, classes: &[usize]) -> Result<(Vec<f32>, usize)> {
        #[cfg(test)]
        self.fill_memory(images.n);
        let (backbones, head) = (&self.backbones, &self.head);
        let bytes = self.bytes_of(images)?;
        let features = no_grad(|| backbones.features(&bytes, NormMode::Still));
        let features: Vec<Tensor> = features
            .into_iter()
            .map(|map| map.to_kind(Kind::Float).set_requires_grad(true))
            .collect();
        let logits = head.forward(&backbones.pool(&features), false);
        let chosen: Vec<i64> = classes.iter().map(|&class| class as i64).collect();
        let chosen = Tensor::from_slice(&chosen).view([-1, 1]).to_device(logits.device());
        logits.gather(1, &chosen, false).sum(Kind::Float).f_backward()?;
        let gradients: Vec<Tensor> = features.iter().map(Tensor::grad).collect();
        let pairs = backbones.maps(&features).into_iter().zip(backbones.maps(&gradients));
        let mut maps: Vec<Tensor> =
            pairs.map(|(features, gradients)| map(&features, &gradients)).collect();
        let moved = backbones.moved_by_pixels(&bytes, &gradients)?;
        maps.extend(moved.iter().map(of_pixels));
        let side = maps.iter().map(|map| map.size()[2]).max().unwrap_or_default();
        let resized = maps.iter().map(|map| map.upsample_bilinear2d([side; 2], false, None, None));
        let sum = resized.reduce(|sum, map| sum + map);
        let Some(sum) = sum else { return Ok((Vec::new(), 0)) };
        Ok((to_host(&(sum / maps.len() as f64))?, side as usize))
    }
}

/// Cells a side of a map that is made of pixels: as many as a network's last features usually have, and
/// some more.
const CELLS: i64 = 14;

/// What each pixel has moved, `[n, 3, side, side]`, in smooth cells: `[n, 1, cells, cells]`.
fn of_pixels(moved: &Tensor) -> Tensor {
    let of_places = moved.sum_dim_intlist([1_i64].as_slice(), true, Kind::Float).abs();
    let cells = of_places.adaptive_avg_pool2d([CELLS.min(moved.size()[2]); 2]);
    // Neighbours tell the same thing: a single cell is noise.
    let heat = cells.avg_pool2d([3, 3], [1, 1], [1, 1], false, false, None);
    let highest = heat.amax([2, 3], true).clamp_min(1e-12);
    heat / highest
}

/// What a backbone's features say, weighed by the gradients that they got: `[n, 1, h, w]`.
fn map(features: &Tensor, gradients: &Tensor) -> Tensor {
    let importance = gradients.mean_dim([2_i64, 3].as_slice(), true, Kind::Float);
    let heat = (features.detach() * importance)
        .sum_dim_intlist([1_i64].as_slice(), true, Kind::Float)
        .relu();
    let highest = heat.amax([2, 3], true).clamp_min(1e-12);
    heat / highest
}
