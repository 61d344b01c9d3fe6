//! A network that several ranks train: each computes the backbones for its share of a batch, and all of
//! them the head and the loss for the whole batch, on features that all have gathered.
//!
//! The head has norms, which go by the batch's statistics, and dropout; it is small. So it is the same on
//! every rank as it is in one process, and so are losses that are no means over images; what each rank
//! sends through its own backbones is its own rows of the gradient.

use std::rc::Rc;

use anyhow::{Context, Result, anyhow, bail, ensure};
use kaggle_kit::learn::{Input, Trainable};
use kaggle_kit::place::Share;
use kaggle_kit::recipe::Statistics;
use kaggle_kit::zoo::N_GROUPS;
use tch::{Kind, Tensor, no_grad};

use super::Network;
use crate::torch::blocks::Block;
use crate::torch::ema::Ema;
use crate::torch::fitting;
use crate::torch::group::{Group, Overlap};
use crate::torch::input::{part, rows, size};
use crate::torch::loss::{self, BatchLoss};

/// A piece of a batch that is computed at once: of each rank some images of its share.
struct Piece {
    /// Of this rank's images.
    own: std::ops::Range<usize>,
    /// Of each rank.
    lengths: Vec<usize>,
    /// Of the whole batch, in the ranks' order.
    images: Vec<usize>,
    /// Whether gradients are complete after it.
    is_last: bool,
}

impl Network {
    /// Trains together with others from here on: all have the first one's weights.
    pub fn join(&mut self, group: Rc<Group>) -> Result<()> {
        let named = self.variables();
        let shapes: Vec<String> = named
            .iter()
            .map(|(name, variable)| format!("{name} {:?} {:?}", variable.size(), variable.kind()))
            .collect();
        group.compare("variables", &shapes.join("\n"))?;
        self.group = Some(group);
        self.follow_first()
    }

    /// The weights of the first rank, which has read them from somewhere.
    pub fn follow_first(&mut self) -> Result<()> {
        let Some(group) = self.group.clone() else { return Ok(()) };
        self.ema = None;
        for block in &self.blocks {
            group.spread(&block.values)?;
            block.note_change();
        }
        // An average starts at the weights as they are.
        self.ema = self.fresh_ema();
        Ok(())
    }

    /// The gradients of a batch: `input` are this rank's images of it, `targets` are all of it.
    pub(super) fn gradients_together(
        &mut self,
        group: &Group,
        input: &Input,
        targets: &[f32],
        seed: u64,
    ) -> Result<BatchLoss> {
        let (width, share) = (self.outputs.n(), group.place().share());
        let n = targets.len() / width.max(1);
        let own = size(input, self.width());
        ensure!(own == share.of(n).len(), "{own} images of a batch of {n}");
        let (mut losses, mut trouble) = (Vec::new(), None);
        self.overlap_sums(group)?;
        for piece in pieces(share, n, self.micro_batches) {
            let targets: Vec<f32> = piece
                .images
                .iter()
                .flat_map(|&i| &targets[i * width..(i + 1) * width])
                .copied()
                .collect();
            let part_of_all = piece.images.len() as f64 / n as f64;
            let first = share.of(n).start;
            let own = first + piece.own.start..first + piece.own.end;
            let _dropping = self.drop_paths(seed, &own);
            match self.piece_together(group, input, &piece, &targets, part_of_all, &mut trouble)? {
                Some(loss) => losses.push((part_of_all, loss)),
                None => ensure!(trouble.is_some(), "no loss"),
            }
        }
        // Also of gradients that are of no use, which not all ranks know yet.
        if let Some(overlap) = &mut self.overlap {
            overlap.finish(group)?;
        }
        self.agree_on_memory(group, trouble)?;
        if self.trainable == Trainable::Everything && self.overlap.is_none() {
            self.leave_head_to_first(group);
            group.sum_all(&mut self.optimizer.gradients())?;
        }
        Ok(BatchLoss(losses))
    }

    /// Lets gradients be added up while others are computed, where that pays.
    fn overlap_sums(&mut self, group: &Group) -> Result<()> {
        if self.trainable == Trainable::Everything && !self.has_overlap {
            let learning = self.changing().filter(|block| block.alike.learns).map(|block| &**block);
            let blocks: Vec<_> = learning.zip(self.optimizer.gradients()).collect();
            self.overlap = Overlap::of(group, &blocks)?;
            self.has_overlap = true;
        }
        Ok(())
    }

    /// One piece. A rank whose memory is full stays in step with the others: it sends nothing but zeros
    /// from there on, and says so afterwards.
    fn piece_together(
        &mut self,
        group: &Group,
        input: &Input,
        piece: &Piece,
        targets: &[f32],
        part_of_all: f64,
        trouble: &mut Option<anyhow::Error>,
    ) -> Result<Option<Tensor>> {
        let device = self.store.device();
        let n_own = piece.own.len();
        let pooled = if n_own == 0 || trouble.is_some() {
            None
        } else {
            self.in_memory(trouble, |network| network.pooled_share(input, piece.own.clone()))?
        };
        let sent = pooled.as_ref().map_or_else(
            || Tensor::zeros([n_own as i64, self.width() as i64], (Kind::Float, device)),
            |pooled| pooled.detach().to_kind(Kind::Float),
        );
        let everything = self.trainable == Trainable::Everything;
        let all = group.gather(&sent, &piece.lengths)?;
        if trouble.is_some() {
            return Ok(None);
        }
        let start: usize = piece.lengths[..group.rank()].iter().sum();
        self.in_memory(trouble, |network| {
            let all = all.set_requires_grad(everything);
            let logits = network.head.forward(&all, true);
            let targets = rows(targets, network.outputs.n(), device)?;
            let weights = network.class_weights.as_ref();
            let (settings, outputs) = (&network.recipe.loss, &network.outputs);
            let loss = loss::loss(settings, outputs, weights, &logits, &targets);
            let scaled = &loss * (part_of_all * network.loss_scale.by);
            scaled.f_backward().context("failed to compute gradients")?;
            if piece.is_last && network.overlap.is_some() {
                network.leave_head_to_first(group);
            }
            if let Some(overlap) = network.overlap.as_mut().filter(|_| piece.is_last) {
                overlap.begin(group)?;
            }
            if let Some(pooled) = pooled.as_ref().filter(|_| everything) {
                let gradient = all.grad().narrow(0, start as i64, n_own as i64);
                let through = pooled * gradient.to_kind(pooled.kind());
                through.sum(pooled.kind()).f_backward().context("failed to compute gradients")?;
            }
            Ok(loss.detach())
        })
    }

    /// What the backbones say of some images.
    fn pooled_share(&mut self, input: &Input, own: std::ops::Range<usize>) -> Result<Tensor> {
        #[cfg(test)]
        self.fill_memory(own.len());
        let images = part(input, self.width(), own);
        let Input::Images(images) = &*images else { bail!("activations are not shared out") };
        Ok(self.pooled(&self.bytes_of(images)?, true))
    }

    /// Does it, or keeps the error for later if the memory is full.
    fn in_memory<T>(
        &mut self,
        trouble: &mut Option<anyhow::Error>,
        work: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<Option<T>> {
        match fitting::caught(|| work(self)) {
            Ok(value) => Ok(Some(value)),
            Err(error) if fitting::is_out_of_memory(&error) => {
                *trouble = Some(error);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// An error on every rank where the memory of one is full: all of them begin again, in more pieces.
    fn agree_on_memory(&self, group: &Group, trouble: Option<anyhow::Error>) -> Result<()> {
        let mut numbers = [f64::from(u8::from(trouble.is_some()))];
        group.sum_numbers(&mut numbers)?;
        if numbers[0] == 0.0 {
            return Ok(());
        }
        // Some have gone through the head, whose norms have seen that.
        for block in self.blocks.iter().filter(|block| is_own_statistic(block, false)) {
            group.spread(&block.values)?;
        }
        Err(trouble.unwrap_or_else(|| anyhow!("out of memory on another rank")))
    }

    /// Every rank has computed the head's gradients, of all images: those of the first count, so that all have
    /// the same bits.
    fn leave_head_to_first(&self, group: &Group) {
        if group.is_first() {
            return;
        }
        let learning = self.changing().filter(|block| block.alike.learns);
        for (block, mut gradient) in learning.zip(self.optimizer.gradients()) {
            if block.is_of_head() {
                let _ = gradient.zero_();
            }
        }
    }

    /// See [`Model::align`](kaggle_kit::learn::Model::align).
    pub(super) fn align_with(&mut self, group: &Group) -> Result<f64> {
        let moving = self.recipe.unfreeze.statistics == Statistics::Moving
            && self.trainable == Trainable::Everything;
        let means = self.ema.iter().flat_map(Ema::means);
        let all = self.changing().map(|block| (block, &block.values)).chain(means);
        let (mut statistics, mut others) = (Vec::new(), Vec::new());
        for (block, values) in all {
            let is_own = moving && is_own_statistic(block, true);
            if is_own { &mut statistics } else { &mut others }.push(values.shallow_clone());
        }
        let apart = no_grad(|| {
            group.sum_all(&mut statistics)?;
            for statistic in &mut statistics {
                let _ = statistic.g_div_scalar_(group.place().world as f64);
            }
            apart(group, &others)
        });
        self.changing().for_each(|block| block.note_change());
        apart
    }
}

/// Whether a block has norms' statistics, of backbones or of the head.
fn is_own_statistic(block: &Block, of_backbones: bool) -> bool {
    !block.alike.learns && (block.alike.group < N_GROUPS) == of_backbones
}

/// How far a rank is from the first at the most; afterwards none is.
fn apart(group: &Group, tensors: &[Tensor]) -> Result<f64> {
    let mut own = checksum(tensors)?.to_le_bytes().to_vec();
    let mine = own.clone();
    group.spread_bytes(&mut own)?;
    let mut differing = [f64::from(u8::from(own != mine))];
    group.sum_numbers(&mut differing)?;
    if differing[0] == 0.0 {
        return Ok(0.0);
    }
    let (mut away, mut length) = (0.0, 0.0);
    for tensor in tensors {
        let before = tensor.copy();
        group.spread(tensor)?;
        let squares = |t: &Tensor| t.square().sum(Kind::Double).f_double_value(&[]);
        away += squares(&(tensor - &before))?;
        length += squares(tensor)?;
    }
    // Of the furthest: a sum over ranks is no less than that, and no more than as many times it.
    let mut numbers = [(away / length.max(f64::MIN_POSITIVE)).sqrt()];
    group.sum_numbers(&mut numbers)?;
    Ok(numbers[0])
}

/// Of all bits of all tensors.
fn checksum(tensors: &[Tensor]) -> Result<u64> {
    let mut sum = 0_u64;
    for tensor in tensors {
        let flat = tensor.f_contiguous()?.f_view([-1])?;
        // Bits as numbers, added up on the device: a float of four bytes is an integer of four.
        let bits = match tensor.kind() {
            Kind::Float => flat.f_view_dtype(Kind::Int)?.to_kind(Kind::Int64),
            Kind::Half | Kind::BFloat16 => flat.f_view_dtype(Kind::Int16)?.to_kind(Kind::Int64),
            _ => flat.to_kind(Kind::Int64),
        };
        let places = Tensor::f_arange(bits.numel() as i64, (Kind::Int64, bits.device()))? + 1;
        let of_tensor = (bits * places).f_sum(Kind::Int64)?.f_int64_value(&[])?;
        sum = sum.rotate_left(9).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ of_tensor.cast_unsigned();
    }
    Ok(sum)
}

/// The pieces of a batch of `n`, of which every rank has as many: at most so many, and each with an image
/// of every rank where all have some, so that a norm learns from two at least.
fn pieces(share: Share, n: usize, count: usize) -> Vec<Piece> {
    let count = count.clamp(1, (n / share.world).max(1));
    let starts: Vec<usize> =
        (0..share.world).map(|rank| Share::new(rank, share.world).of(n).start).collect();
    let of_ranks = share.lengths(n);
    let piece = |number| {
        let part = Share::new(number, count);
        let ranges: Vec<_> = of_ranks.iter().map(|&n| part.of(n)).collect();
        Piece {
            is_last: number + 1 == count,
            own: ranges[share.rank].clone(),
            lengths: ranges.iter().map(ExactSizeIterator::len).collect(),
            images: starts
                .iter()
                .zip(&ranges)
                .flat_map(|(start, range)| start + range.start..start + range.end)
                .collect(),
        }
    };
    (0..count).map(piece).collect()
}

#[cfg(test)]
mod tests;
