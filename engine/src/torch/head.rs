//! fast.ai's head: norm, dropout, linear, twice (golden rule, A4); and beside it a linear layer right on
//! the features, whose logits are added.

use tch::nn::{self, Init, Module, ModuleT};
use tch::{Tensor, no_grad};

use kaggle_kit::learn::{LinearLayer, Moments};
use kaggle_kit::outputs::Outputs;
use kaggle_kit::recipe::Recipe;

/// From pooled features to logits.
#[derive(Debug)]
pub(super) struct Head {
    blocks: Vec<Block>,
    statistics: HeadStatistics,
    linear: Option<LinearPart>,
}

/// Its norm goes by the training images' statistics and has no weights: what is fitted on features of
/// mean 0 and variance 1 is its layer as it is.
#[derive(Debug)]
struct LinearPart {
    norm: nn::BatchNorm,
    linear: nn::Linear,
}

/// Its weights are hundredths where the hidden layer's are tenths: it learns so many times as fast.
const LINEAR_SHARE: f64 = 0.1;

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
        let linear = recipe.head.linear && recipe.precompute.run;
        let linear = linear.then(|| LinearPart::new(&(path / "linear"), width, n_outputs));
        Self { blocks, statistics, linear }
    }

    /// How fast a variable of a head learns, as a part of its group's rate.
    pub(super) fn share(name: &str) -> f64 {
        if name.starts_with("head.linear.") { LINEAR_SHARE } else { 1.0 }
    }

    /// Tells it what pooled features are like, for norms that go by that.
    pub(super) fn standardise(&self, moments: &Moments) {
        // Behind the hidden layer features are of variance one as they are drawn.
        let first = &self.blocks[0].norm;
        let first = (self.statistics == HeadStatistics::Training).then_some(first);
        let linear = self.linear.as_ref().map(|part| &part.norm);
        no_grad(|| {
            for norm in first.into_iter().chain(linear) {
                norm.running_mean.shallow_clone().copy_(&Tensor::from_slice(&moments.mean));
                norm.running_var.shallow_clone().copy_(&Tensor::from_slice(&moments.variance));
            }
        });
    }

    /// Features as the linear layer sees them, `[n, width]`, if there is one.
    pub(super) fn standardised(&self, pooled: &Tensor) -> Option<Tensor> {
        self.linear.as_ref().map(|part| part.norm.forward_t(pooled, false))
    }

    /// Lets the logits be `share` of `layer`'s and the rest of what they were.
    pub(super) fn add_linear(&self, layer: &LinearLayer, share: f64) {
        let Some(part) = &self.linear else { return };
        let lessen = |tensor: &Tensor| {
            let _ = tensor.shallow_clone().g_mul_scalar_(1.0 - share);
        };
        let add = |tensor: Option<&Tensor>, numbers: &[f32]| {
            let Some(tensor) = tensor else { return };
            let numbers = Tensor::from_slice(numbers).to_device(tensor.device());
            let _ = tensor.shallow_clone().g_add_(&(numbers.view_as(tensor) * share));
        };
        no_grad(|| {
            let last = self.blocks.last().map(|block| &block.linear);
            for linear in last.into_iter().chain([&part.linear]) {
                lessen(&linear.ws);
                linear.bs.as_ref().map(lessen);
            }
            add(Some(&part.linear.ws), &layer.weights);
            add(part.linear.bs.as_ref(), &layer.bias);
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
        match &self.linear {
            Some(part) => x + part.linear.forward(&part.norm.forward_t(pooled, false)),
            None => x,
        }
    }
}

impl LinearPart {
    /// Says nothing yet.
    fn new(path: &nn::Path, inputs: i64, outputs: i64) -> Self {
        let norm = nn::BatchNormConfig { affine: false, ..Default::default() };
        let nothing = Init::Const(0.0);
        let linear =
            nn::LinearConfig { ws_init: nothing, bs_init: Some(nothing), ..Default::default() };
        Self {
            norm: nn::batch_norm1d(path / "norm", inputs, norm),
            linear: nn::linear(path / "linear", inputs, outputs, linear),
        }
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
