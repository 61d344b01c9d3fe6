//! fast.ai's head: norm, dropout, linear, twice (golden rule, A4).

use tch::nn::{self, Init, Module, ModuleT};
use tch::{Tensor, no_grad};

use kaggle_kit::learn::Moments;
use kaggle_kit::outputs::Outputs;
use kaggle_kit::recipe::Recipe;

/// From pooled features to logits.
#[derive(Debug)]
pub(super) struct Head {
    blocks: Vec<Block>,
    statistics: HeadStatistics,
}

/// What its norms go by while it trains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HeadStatistics {
    /// Each batch's own, as fast.ai does it.
    Batch,
    /// The training images', told once ([`Head::standardise`]). A batch's own hide how its mean differs
    /// from other batches', which is what a level or number is about.
    Training,
}

#[derive(Debug)]
struct Block {
    norm: nn::BatchNorm,
    dropout: f64,
    linear: nn::Linear,
}

impl Head {
    /// `width` numbers an image in, a logit or number an output out.
    pub(super) fn new(path: &nn::Path, width: i64, recipe: &Recipe, outputs: &Outputs) -> Self {
        let (hidden, n_outputs) = (recipe.head.width as i64, outputs.n() as i64);
        // A number's answer is its mean before anything is learnt. From random answers, with a loss of
        // several times the variance, the finder sees large rates improve until they are harmful.
        let ws_init = match outputs {
            Outputs::Classes { .. } | Outputs::Tags { .. } => nn::init::DEFAULT_KAIMING_NORMAL,
            Outputs::Standardised { .. } | Outputs::Ranged { .. } => Init::Const(0.0),
        };
        let statistics = if outputs.are_probabilities() || !recipe.precompute.run {
            HeadStatistics::Batch
        } else {
            HeadStatistics::Training
        };
        let [first, last] = recipe.head.dropout;
        let blocks = if hidden == 0 {
            vec![Block::new(&(path / "output"), width, n_outputs, last, ws_init)]
        } else {
            vec![
                Block::new(
                    &(path / "hidden"),
                    width,
                    hidden,
                    first,
                    nn::init::DEFAULT_KAIMING_NORMAL,
                ),
                Block::new(&(path / "output"), hidden, n_outputs, last, ws_init),
            ]
        };
        Self { blocks, statistics }
    }

    /// Tells it what pooled features are like, for norms that go by that.
    pub(super) fn standardise(&self, moments: &Moments) {
        if self.statistics == HeadStatistics::Batch {
            return;
        }
        // Behind the hidden layer features are of variance one as they are drawn.
        let norm = &self.blocks[0].norm;
        no_grad(|| {
            norm.running_mean.shallow_clone().copy_(&Tensor::from_slice(&moments.mean));
            norm.running_var.shallow_clone().copy_(&Tensor::from_slice(&moments.variance));
        });
    }

    /// Logits, `[n, classes]`; `train` switches dropout on, and norms to the batch's statistics where
    /// they go by those.
    pub(super) fn forward(&self, pooled: &Tensor, train: bool) -> Tensor {
        let by_batch = train && self.statistics == HeadStatistics::Batch;
        let mut x = pooled.shallow_clone();
        for (i, block) in self.blocks.iter().enumerate() {
            if i > 0 {
                x = x.relu();
            }
            x = block.norm.forward_t(&x, by_batch).dropout(block.dropout, train);
            x = block.linear.forward(&x);
        }
        x
    }
}

impl Block {
    fn new(path: &nn::Path, inputs: i64, outputs: i64, dropout: f64, ws_init: Init) -> Self {
        let norm = nn::BatchNormConfig { ws_init: Init::Const(1.0), ..Default::default() };
        let linear =
            nn::LinearConfig { ws_init, bs_init: Some(Init::Const(0.0)), ..Default::default() };
        Self {
            norm: nn::batch_norm1d(path / "norm", inputs, norm),
            dropout,
            linear: nn::linear(path / "linear", inputs, outputs, linear),
        }
    }
}
