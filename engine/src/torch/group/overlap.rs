//! Gradients that are added up while the rest of a way back is still computed.
//!
//! What lies near the head is complete first, and most of a network's weights do: they are on their way while
//! the first layers, which take most of the time, are computed. All ranks send the same parts in the same
//! order, also one that has no image, or no memory, and computes nothing.

use anyhow::Result;
use tch::{Device, Tensor};

use super::raw::Sums;
use super::{BUCKET, Group, has_nccl};
use crate::torch::blocks::Block;

/// With more parts than these, small ones of layers that learn at a rate each, joining them is worth more.
const MOST_PARTS: usize = 32;

/// The sums of a network's gradients.
#[derive(Debug)]
pub(in crate::torch) struct Overlap {
    sums: Sums,
    n_parts: usize,
}

impl Overlap {
    /// Of blocks, each with its gradients. Nothing where that would not pay: for many small blocks, and
    /// where what lies on a GPU goes through the host.
    pub(in crate::torch) fn of(group: &Group, blocks: &[(&Block, Tensor)]) -> Result<Option<Self>> {
        let is_direct =
            |(_, gradients): &(&Block, Tensor)| gradients.device() == Device::Cpu || has_nccl();
        let parts = parts(blocks, BUCKET);
        if parts.len() > MOST_PARTS || !blocks.iter().all(is_direct) {
            return Ok(None);
        }
        let sums = group.told(Sums::new(&group.members, &parts))?;
        Ok(Some(Self { sums, n_parts: parts.len() }))
    }

    /// The next way back is the last before a step; blocks of layers that have no way back of their own,
    /// which are complete, are sent at once.
    pub(in crate::torch) fn begin(&mut self, group: &Group) -> Result<()> {
        group.told(self.sums.arm())
    }

    /// Sends what was not sent yet, and waits for all; gives how many were sent before, and of how many.
    pub(in crate::torch) fn finish(&mut self, group: &Group) -> Result<(usize, usize)> {
        Ok((group.told(self.sums.finish())?, self.n_parts))
    }
}

/// Gradients in parts of about so many bytes, in the order in which they are sent, each with the variables
/// that are waited for: those of the later layers first, as the way back goes. A head's are complete before
/// that begins.
fn parts(blocks: &[(&Block, Tensor)], bytes: usize) -> Vec<(Tensor, Vec<Tensor>)> {
    let mut order: Vec<&(&Block, Tensor)> = blocks.iter().collect();
    order.sort_by(|(a, _), (b, _)| {
        let key = |block: &Block| (block.alike.group, block.alike.share);
        key(b).partial_cmp(&key(a)).unwrap_or(std::cmp::Ordering::Equal)
    });
    let mut all = Vec::new();
    for (block, gradients) in order {
        let (mut variables, mut end) = (Vec::new(), gradients.size()[0]);
        for (start, variable) in block.starts().rev() {
            if !block.is_of_head() {
                variables.push(variable.shallow_clone());
            }
            let length = (end - start) as usize * size_of::<f32>();
            if length >= bytes || start == 0 {
                let part = gradients.narrow(0, start, end - start);
                all.push((part, std::mem::take(&mut variables)));
                end = start;
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use tch::Kind;

    use super::*;
    use crate::torch::blocks::Alike;
    use crate::torch::group::tests::together;

    #[test]
    fn parts_are_all_gradients_the_later_layers_first() {
        let variable = |name: &str, n: i64, group| {
            let alike = Alike { group, share: 1.0, decay: 0.0, learns: true };
            (name.to_owned(), Tensor::zeros([n], (Kind::Float, Device::Cpu)), alike)
        };
        let variables = vec![
            variable("a", 100, 0),
            variable("b", 300, 0),
            variable("c", 10, 0),
            variable("d", 64, 1),
            variable("head", 7, 2),
        ];
        let blocks = Block::of(variables, Device::Cpu);
        let gradients: Vec<(&Block, Tensor)> =
            blocks.iter().map(|block| (&**block, block.zeros())).collect();
        let found = parts(&gradients, 1000);
        let sizes = found.iter().map(|(part, own)| (part.size()[0], own.len()));
        // A variable begins at a multiple of 64; the head's is not waited for.
        assert_eq!(sizes.collect::<Vec<_>>(), [(64, 0), (64, 1), (384, 2), (128, 1)]);
        for (part, _) in &found {
            let _ = part.shallow_clone().fill_(1.0);
        }
        assert!(gradients.iter().all(|(_, all)| all.min().double_value(&[]) == 1.0));
    }

    #[test]
    fn sums_begin_on_the_way_back_and_a_rank_without_one_keeps_in_step() {
        let ends = together(2, |group| {
            let numbers = |of: &[f32]| Tensor::from_slice(of);
            let (first, last, head) = (numbers(&[1.0, 2.0]), numbers(&[3.0, 4.0]), numbers(&[5.0]));
            let variables = [("first", &first), ("last", &last), ("head", &head)];
            let alike = |group| Alike { group, share: 1.0, decay: 0.0, learns: true };
            let variables = variables.into_iter().enumerate();
            let variables = variables
                .map(|(i, (name, tensor))| (name.to_owned(), tensor.shallow_clone(), alike(i)));
            let blocks = Block::of(variables.collect(), Device::Cpu);
            let gradients: Vec<_> = blocks.iter().map(|block| (&**block, block.zeros())).collect();
            for (block, own) in &gradients {
                block.set_gradients(Some(own));
            }
            let mut overlap = Overlap::of(&group, &gradients).unwrap().unwrap();
            let rank = group.rank();
            let mut sent = Vec::new();
            for _ in 0..2 {
                for (_, all) in &gradients {
                    let _ = all.shallow_clone().zero_();
                }
                // A piece before the last one: nothing is sent.
                (&first * &last).sum(Kind::Float).backward();
                let mut of_head = gradients[2].1.narrow(0, 0, 1);
                let _ = of_head.fill_(f64::from(u8::from(rank == 0)));
                overlap.begin(&group).unwrap();
                if rank == 0 {
                    (&first * 10.0 + &last * 100.0).sum(Kind::Float).backward();
                }
                sent.push(overlap.finish(&group).unwrap());
            }
            let found: Vec<f64> = gradients.iter().map(|(_, all)| all.double_value(&[0])).collect();
            (sent, found)
        });
        let [(early, here), (late, there)] = ends.as_slice() else { panic!("two ranks") };
        assert_eq!(
            (early.as_slice(), late.as_slice()),
            ([(3, 3); 2].as_slice(), [(1, 3); 2].as_slice())
        );
        assert_eq!((here.as_slice(), here), ([16.0, 102.0, 1.0].as_slice(), there));
    }
}
