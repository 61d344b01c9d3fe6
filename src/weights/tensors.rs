//! Views of storages as tensors of their own, checked against what the storages hold.

use anyhow::{Context, Result, ensure};

use super::pickle::Tensor;
use super::{Dtype, Stored};

/// What a storage's numbers are; none for integers, which are passed over.
pub(super) fn dtype_of(kind: &str) -> Option<Dtype> {
    match kind {
        "HalfStorage" => Some(Dtype::F16),
        "BFloat16Storage" => Some(Dtype::Bf16),
        "FloatStorage" => Some(Dtype::F32),
        "DoubleStorage" => Some(Dtype::F64),
        _ => None,
    }
}

/// Bytes of a number in a storage; none for a kind that is unknown.
pub(super) fn width_of(kind: &str) -> Option<usize> {
    match kind {
        "ByteStorage" | "CharStorage" | "BoolStorage" => Some(1),
        "ShortStorage" => Some(2),
        "IntStorage" => Some(4),
        "LongStorage" => Some(8),
        _ => dtype_of(kind).map(Dtype::bytes),
    }
}

/// The numbers that `tensor` sees in its storage, in row-major order.
pub(super) fn contiguous(tensor: &Tensor, dtype: Dtype, storage: &[u8]) -> Result<Stored> {
    let Tensor { shape, strides, offset, .. } = tensor;
    ensure!(shape.len() == strides.len(), "{} sides and {} strides", shape.len(), strides.len());
    let width = dtype.bytes();
    let there = storage.len() / width;
    let n = shape.iter().try_fold(1_usize, |n, &side| n.checked_mul(side));
    // A view may show a number twice, but weights do not; nor may a shape ask for more than is there.
    let n = n.filter(|&n| n <= there).context("it is larger than its storage")?;
    if n == 0 {
        return Ok(Stored { dtype, shape: shape.clone(), bytes: Vec::new() });
    }
    let reach = shape.iter().zip(strides).try_fold(*offset, |reach, (&side, &stride)| {
        reach.checked_add((side - 1).checked_mul(stride)?)
    });
    ensure!(reach.is_some_and(|last| last < there), "it reaches over the end of its storage");
    let mut rows = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        rows[axis - 1] = rows[axis] * shape[axis];
    }
    let moves = |axis: usize| shape[axis] > 1 && strides[axis] != rows[axis];
    if !(0..shape.len()).any(moves) {
        let bytes = storage[offset * width..(offset + n) * width].to_vec();
        return Ok(Stored { dtype, shape: shape.clone(), bytes });
    }
    let mut bytes = Vec::with_capacity(n * width);
    let (mut index, mut at) = (vec![0; shape.len()], *offset);
    loop {
        bytes.extend_from_slice(&storage[at * width..(at + 1) * width]);
        let mut axis = shape.len();
        loop {
            if axis == 0 {
                return Ok(Stored { dtype, shape: shape.clone(), bytes });
            }
            axis -= 1;
            index[axis] += 1;
            at += strides[axis];
            if index[axis] < shape[axis] {
                break;
            }
            at -= strides[axis] * shape[axis];
            index[axis] = 0;
        }
    }
}
