//! A tensor out of its storage: a view with an offset and strides becomes rows of its own.

use anyhow::{Context, Result, ensure};

use super::source::WeightFile;
use super::{Dtype, Stored};

/// What a storage's numbers are.
#[derive(Clone, Copy, Debug)]
pub(super) enum NumberKind {
    Float(Dtype),
    /// Of so many bytes: counters, which are passed over.
    Integer(u64),
}

impl NumberKind {
    pub(super) fn bytes(self) -> u64 {
        match self {
            Self::Float(dtype) => dtype.bytes() as u64,
            Self::Integer(bytes) => bytes,
        }
    }
}

/// Where a storage's numbers lie in the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct StorageSpan {
    pub(super) start: u64,
    /// How many numbers it has.
    pub(super) n: u64,
}

/// A view of a storage, in numbers.
#[derive(Clone, Debug)]
pub(super) struct StridedView {
    pub(super) dtype: Dtype,
    pub(super) offset: u64,
    pub(super) shape: Vec<u64>,
    pub(super) strides: Vec<u64>,
}

/// Its numbers, row by row.
pub(super) fn gather(
    source: &mut WeightFile,
    place: StorageSpan,
    view: &StridedView,
) -> Result<Stored> {
    let item = view.dtype.bytes() as u64;
    ensure!(view.shape.len() == view.strides.len(), "it has other strides than sides");
    let shape = view.shape.iter().map(|&side| usize::try_from(side)).collect::<Result<_, _>>()?;
    let stored = |bytes| Stored { dtype: view.dtype, shape, bytes };
    if view.shape.contains(&0) {
        return Ok(stored(Vec::new()));
    }
    let n = view.shape.iter().try_fold(1_u64, |n, &side| n.checked_mul(side));
    let span = view
        .shape
        .iter()
        .zip(&view.strides)
        .try_fold(1_u64, |n, (&side, &stride)| n.checked_add((side - 1).checked_mul(stride)?));
    let (n, span) = n.zip(span).context("it is larger than any memory")?;
    let end = view.offset.checked_add(span).filter(|&end| end <= place.n);
    end.context("it reaches over the end of its storage")?;
    // The storage lies in the file, so none of these is too large; numbers may be, by strides of 0.
    let bytes = n.checked_mul(item).context("it is larger than any memory")?;
    source.spend(bytes.checked_add(span * item).context("it is larger than any memory")?)?;
    let region = source.at(place.start + view.offset * item, span * item)?;
    if is_contiguous(&view.shape, &view.strides) {
        return Ok(stored(region));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(bytes)?);
    // Along an axis of one there is no step, whatever the file says.
    let step = |(&side, &stride)| if side == 1 { 0 } else { stride };
    let strides: Vec<u64> = view.shape.iter().zip(&view.strides).map(step).collect();
    rows(&view.shape, &strides, |number| {
        let at = (number * item) as usize;
        bytes.extend_from_slice(&region[at..at + item as usize]);
    });
    Ok(stored(bytes))
}

fn is_contiguous(shape: &[u64], strides: &[u64]) -> bool {
    let mut expected = 1;
    shape.iter().zip(strides).rev().all(|(&side, &stride)| {
        let fits = side == 1 || stride == expected;
        expected *= side;
        fits
    })
}

/// Calls `take` with where each number lies, in row-major order.
fn rows(shape: &[u64], strides: &[u64], mut take: impl FnMut(u64)) {
    let mut index = vec![0; shape.len()];
    let mut at = 0;
    loop {
        take(at);
        let mut axis = shape.len();
        loop {
            if axis == 0 {
                return;
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
