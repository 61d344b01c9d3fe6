//! Vision transformers, in timm's parameter names.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use kaggle_kit::zoo::{Architecture, Vision};
use tch::nn::{self, Init, ModuleT, Path, SequentialT};
use tch::{Device, Kind, Tensor, no_grad};

use super::dense::{LayerNorm, Linear, Mlp, Patches};
use super::drop_path::{DropPath, DropPaths};

/// Both layer groups; between them and behind them are tokens, `[n, 1 + places, width]`, the class's
/// first. Layers compute with numbers of `kind`.
pub(super) fn build(
    path: &Path,
    architecture: &Architecture,
    net: &Vision,
    kind: Kind,
    paths: &mut DropPaths,
) -> [SequentialT; 2] {
    let width = architecture.width;
    let mut groups = [nn::seq_t().add(Embedding::new(path, width, net)), nn::seq_t()];
    for i in 0..net.depth {
        let depth = i as f64 / net.depth.saturating_sub(1).max(1) as f64;
        let branches = [(); 2].map(|()| paths.add(depth));
        let block = Block::new(&(path / "blocks" / i), width, net.heads, kind, branches);
        let [first, second] = groups;
        groups = if architecture.is_early(0, i) {
            [first.add(block), second]
        } else {
            [first, second.add(block)]
        };
    }
    let norm = LayerNorm::new(&(path / "norm"), width);
    let [first, second] = groups;
    [first, second.add_fn(move |x| norm.forward(x))]
}

/// Pictures to tokens that know their places.
#[derive(Debug)]
struct Embedding {
    patches: Patches,
    class: Tensor,
    /// `[1, 1 + grid * grid, width]`.
    positions: Tensor,
    /// How positions are resampled for a grid of another size, a matrix each.
    resamplings: Mutex<HashMap<[i64; 2], Tensor>>,
    net: Vision,
}

impl Embedding {
    fn new(path: &Path, width: i64, net: &Vision) -> Self {
        let places = 1 + net.grid * net.grid;
        let init = Init::Randn { mean: 0.0, stdev: 0.02 };
        Self {
            patches: Patches::new(&(path / "patch_embed" / "proj"), 3, width, net.patch),
            class: path.var("cls_token", &[1, 1, width], init),
            positions: path.var("pos_embed", &[1, places, width], init),
            resamplings: Mutex::default(),
            net: *net,
        }
    }
}

impl Embedding {
    /// Positions for a grid of `to` places.
    fn positions(&self, to: [i64; 2]) -> Tensor {
        if to == [self.net.grid; 2] {
            return self.positions.shallow_clone();
        }
        let mut known = self.resamplings.lock().unwrap_or_else(PoisonError::into_inner);
        let device = self.positions.device();
        let by = known.entry(to).or_insert_with(|| resampling(self.net.grid, to).to_device(device));
        resampled_by(by, &self.positions)
    }
}

impl ModuleT for Embedding {
    fn forward_t(&self, x: &Tensor, _: bool) -> Tensor {
        let sides = [2, 3].map(|d| whole_patches(x.size()[d], self.net.patch));
        let resized = (x.size()[2..] != sides).then(|| {
            // Antialiasing is there for f32 only.
            let pixels = x.to_kind(Kind::Float);
            pixels.internal_upsample_bilinear2d_aa(sides, false, None, None).to_kind(x.kind())
        });
        let maps = self.patches.forward(resized.as_ref().unwrap_or(x));
        let grid = [maps.size()[2], maps.size()[3]];
        let patches = maps.flatten(2, 3).transpose(1, 2);
        let class = self.class.to_kind(x.kind()).expand([x.size()[0], -1, -1], false);
        // f32 from here on, since positions are.
        Tensor::cat(&[class, patches], 1) + self.positions(grid)
    }
}

/// The multiple of `patch` that is nearest to a side.
fn whole_patches(side: i64, patch: i64) -> i64 {
    ((side + patch / 2) / patch).max(1) * patch
}

/// Positions learned on a square of `from` places, for a grid of `to`: bicubic with antialiasing, as
/// timm does it; the class's stays as it is.
pub fn resampled(positions: &Tensor, from: i64, to: [i64; 2]) -> Tensor {
    if to == [from, from] {
        return positions.shallow_clone();
    }
    resampled_by(&resampling(from, to).to_device(positions.device()), positions)
}

/// Each new place as weights of the old ones, `[to, from * from]`. Once a size, and on the host: the
/// operation's way back adds in any order on a GPU, a product's does not.
fn resampling(from: i64, to: [i64; 2]) -> Tensor {
    no_grad(|| {
        let old = Tensor::eye(from * from, (Kind::Float, Device::Cpu)).view([1, -1, from, from]);
        let new = old.internal_upsample_bicubic2d_aa(to, false, None, None);
        new.view([from * from, to[0] * to[1]]).transpose(0, 1).contiguous()
    })
}

fn resampled_by(weights: &Tensor, positions: &Tensor) -> Tensor {
    let places = weights.matmul(&positions.narrow(1, 1, positions.size()[1] - 1));
    Tensor::cat(&[positions.narrow(1, 0, 1), places], 1)
}

/// Attention, then a linear map of each token, each scaled and added to what came in.
#[derive(Debug)]
struct Block {
    before_attention: LayerNorm,
    attention: Attention,
    scale_attention: Tensor,
    before_mlp: LayerNorm,
    mlp: Mlp,
    scale_mlp: Tensor,
    kind: Kind,
    /// Of attention, and of the map behind it.
    paths: [DropPath; 2],
}

impl Block {
    fn new(path: &Path, width: i64, heads: i64, kind: Kind, paths: [DropPath; 2]) -> Self {
        let scale = |name: &str| (path / name).var("gamma", &[width], Init::Const(1e-5));
        Self {
            before_attention: LayerNorm::new(&(path / "norm1"), width),
            attention: Attention::new(&(path / "attn"), width, heads),
            scale_attention: scale("ls1"),
            before_mlp: LayerNorm::new(&(path / "norm2"), width),
            mlp: Mlp::new(&(path / "mlp"), width),
            scale_mlp: scale("ls2"),
            kind,
            paths,
        }
    }
}

impl ModuleT for Block {
    fn forward_t(&self, x: &Tensor, _: bool) -> Tensor {
        let seen = self.before_attention.forward(x).to_kind(self.kind);
        let [of_attention, of_mlp] = &self.paths;
        let x = x + of_attention.apply(self.attention.forward(&seen) * &self.scale_attention);
        let y = self.mlp.forward(&self.before_mlp.forward(&x).to_kind(self.kind)) * &self.scale_mlp;
        x + of_mlp.apply(y)
    }
}

/// Every token looks at every other.
#[derive(Debug)]
struct Attention {
    all: Linear,
    out: Linear,
    heads: i64,
}

impl Attention {
    fn new(path: &Path, width: i64, heads: i64) -> Self {
        Self {
            all: Linear::new(&(path / "qkv"), width, 3 * width),
            out: Linear::new(&(path / "proj"), width, width),
            heads,
        }
    }

    fn forward(&self, x: &Tensor) -> Tensor {
        let [n, tokens, width] = [0, 1, 2].map(|d| x.size()[d]);
        let shape = [n, tokens, 3, self.heads, width / self.heads];
        let all = self.all.forward(x).reshape(shape).permute([2, 0, 3, 1, 4]);
        let [query, key, value] = [0, 1, 2].map(|i| all.get(i));
        let no_mask = None::<Tensor>;
        let seen = Tensor::scaled_dot_product_attention(
            &query, &key, &value, no_mask, 0.0, false, None, false,
        );
        self.out.forward(&seen.transpose(1, 2).reshape([n, tokens, width]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_become_whole_patches() {
        for (side, expected) in
            [(224, 224), (225, 224), (230, 224), (231, 238), (5, 14), (518, 518)]
        {
            assert_eq!(whole_patches(side, 14), expected, "{side}");
        }
    }
}
