//! fast.ai's head: norm, dropout, linear, twice (golden rule, A4).

use tch::Tensor;
use tch::nn::{self, Init, Module, ModuleT};

use kaggle_kit::recipe::HeadSettings;

/// From pooled features to logits.
#[derive(Debug)]
pub(super) struct Head {
    blocks: Vec<Block>,
}

#[derive(Debug)]
struct Block {
    norm: nn::BatchNorm,
    dropout: f64,
    linear: nn::Linear,
}

impl Head {
    /// `width` numbers an image in, `n_classes` logits out.
    pub(super) fn new(path: &nn::Path, width: i64, shape: &HeadSettings, n_classes: i64) -> Self {
        let hidden = shape.width as i64;
        let [first, last] = shape.dropout;
        let blocks = if hidden == 0 {
            vec![Block::new(&(path / "output"), width, n_classes, last)]
        } else {
            vec![
                Block::new(&(path / "hidden"), width, hidden, first),
                Block::new(&(path / "output"), hidden, n_classes, last),
            ]
        };
        Self { blocks }
    }

    /// Logits, `[n, classes]`; `train` switches dropout on and norms to the batch's statistics.
    pub(super) fn forward(&self, pooled: &Tensor, train: bool) -> Tensor {
        let mut x = pooled.shallow_clone();
        for (i, block) in self.blocks.iter().enumerate() {
            if i > 0 {
                x = x.relu();
            }
            x = block.norm.forward_t(&x, train).dropout(block.dropout, train);
            x = block.linear.forward(&x);
        }
        x
    }
}

impl Block {
    fn new(path: &nn::Path, inputs: i64, outputs: i64, dropout: f64) -> Self {
        let norm = nn::BatchNormConfig { ws_init: Init::Const(1.0), ..Default::default() };
        let linear = nn::LinearConfig {
            ws_init: nn::init::DEFAULT_KAIMING_NORMAL,
            bs_init: Some(Init::Const(0.0)),
            ..Default::default()
        };
        Self {
            norm: nn::batch_norm1d(path / "norm", inputs, norm),
            dropout,
            linear: nn::linear(path / "linear", inputs, outputs, linear),
        }
    }
}
