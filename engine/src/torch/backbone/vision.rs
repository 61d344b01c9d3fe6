//! Vision transformers, in timm's parameter names.

use kaggle_kit::zoo::{Architecture, Vision};
use tch::nn::{self, Init, ModuleT, Path, SequentialT};
use tch::{Kind, Tensor};

use super::dense::{LayerNorm, Linear, Mlp, Patches};

/// Both layer groups; between them and behind them are tokens, `[n, 1 + places, width]`, the class's
/// first.
pub(super) fn build(path: &Path, architecture: &Architecture, net: &Vision) -> [SequentialT; 2] {
    let width = architecture.width;
    let mut groups = [nn::seq_t().add(Embedding::new(path, width, net)), nn::seq_t()];
    for i in 0..net.depth {
        let block = Block::new(&(path / "blocks" / i), width, net.heads);
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
            net: *net,
        }
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
        let positions = resampled(&self.positions, self.net.grid, grid).to_kind(x.kind());
        Tensor::cat(&[class, patches], 1) + positions
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
    let width = positions.size()[2];
    let maps = positions.narrow(1, 1, from * from).view([1, from, from, width]);
    let maps = maps.permute([0, 3, 1, 2]).internal_upsample_bicubic2d_aa(to, false, None, None);
    let places = maps.permute([0, 2, 3, 1]).reshape([1, to[0] * to[1], width]);
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
}

impl Block {
    fn new(path: &Path, width: i64, heads: i64) -> Self {
        let scale = |name: &str| (path / name).var("gamma", &[width], Init::Const(1e-5));
        Self {
            before_attention: LayerNorm::new(&(path / "norm1"), width),
            attention: Attention::new(&(path / "attn"), width, heads),
            scale_attention: scale("ls1"),
            before_mlp: LayerNorm::new(&(path / "norm2"), width),
            mlp: Mlp::new(&(path / "mlp"), width),
            scale_mlp: scale("ls2"),
        }
    }
}

impl ModuleT for Block {
    fn forward_t(&self, x: &Tensor, _: bool) -> Tensor {
        let [attention, mlp] =
            [&self.scale_attention, &self.scale_mlp].map(|scale| scale.to_kind(x.kind()));
        let x = x + self.attention.forward(&self.before_attention.forward(x)) * attention;
        let y = self.mlp.forward(&self.before_mlp.forward(&x)) * mlp;
        x + y
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
