//! Host batches to tensors: bytes travel, and are normalised on the device.

use std::borrow::Cow;
use std::ops::Range;

use anyhow::{Result, ensure};
use kaggle_kit::learn::Input;
use kaggle_kit::recipe::Precision;
use tch::{Device, Kind, Tensor};

use kaggle_kit::dataset::{Images, Symmetry};
use kaggle_kit::zoo::Architecture;

/// A backbone's normalisation as tensors on its device, for values in `[0, 255]`.
#[derive(Debug)]
pub(super) struct Normalise {
    mean: Tensor,
    std: Tensor,
    /// Of the numbers that the network computes with.
    kind: Kind,
}

impl Normalise {
    pub(super) fn new(architecture: &Architecture, device: Device, precision: Precision) -> Self {
        let of_bytes =
            |values: [f32; 3]| Tensor::from_slice(&values.map(|v| 255.0 * v)).to_device(device);
        let kind = kind_of(precision);
        Self { mean: of_bytes(architecture.mean), std: of_bytes(architecture.std), kind }
    }

    /// Bytes `[n, size, size, 3]` to normalised `[n, 3, size, size]`, strided as the bytes are:
    /// channels last, which convolutions like best.
    pub(super) fn apply(&self, bytes: &Tensor) -> Tensor {
        let [n, size] = [0, 1].map(|d| bytes.size()[d]);
        // A row of pixels at a time: three numbers at a time take five times as long on a CPU.
        let mut rows = bytes.view([n, size, 3 * size]).to_kind(Kind::Float);
        let [mean, std] = [&self.mean, &self.std].map(|colours| colours.repeat([size]));
        let pixels = rows.g_sub_(&mean).g_div_(&std).view([n, size, size, 3]);
        pixels.permute([0, 3, 1, 2]).to_kind(self.kind)
    }
}

/// Images as bytes on a device, `[n, size, size, 3]`.
pub(super) fn bytes_of(images: &Images, device: Device) -> Result<Tensor> {
    let (n, size) = (images.n as i64, images.size as i64);
    ensure!(images.pixels.len() == images.n * images.size * images.size * 3, "a whole batch");
    moved(&Tensor::f_from_data_size(&images.pixels, &[n, size, size, 3], Kind::Uint8)?, device)
}

/// Bytes `[n, size, size, 3]` under a symmetry.
pub(super) fn under(symmetry: Symmetry, bytes: &Tensor) -> Tensor {
    let mirrored = if symmetry.is_mirrored() { bytes.flip([2]) } else { bytes.shallow_clone() };
    // `rot90` turns from the first of the two dimensions to the second: down to right is counter-clockwise.
    mirrored.rot90(-i64::from(symmetry.quarter_turns()), [1, 2]).contiguous()
}

/// The kind of the numbers between layers.
pub(super) fn kind_of(precision: Precision) -> Kind {
    match precision {
        Precision::Auto | Precision::F32 | Precision::Tf32 => Kind::Float,
        Precision::Bf16 => Kind::BFloat16,
        Precision::F16 => Kind::Half,
    }
}

/// Numbers of the host on a device. To an NVIDIA GPU they go from pinned memory, so that the program
/// need not wait for the copy, nor for what the GPU had to do before it: libtorch keeps the memory
/// until the copy is made. Pinned by the operation under `pin_memory`, which itself warns twice a tensor.
fn moved(host: &Tensor, device: Device) -> Result<Tensor> {
    Ok(match device {
        Device::Cuda(_) => {
            host.f_internal_pin_memory(device)?.f_to_device_(device, host.kind(), true, false)?
        }
        device => host.f_to_device(device)?,
    })
}

/// How many images an input has, when activations have `width` numbers.
pub(super) fn size(input: &Input, width: usize) -> usize {
    match input {
        Input::Images(images) => images.n,
        Input::Activations(values) => values.len() / width.max(1),
    }
}

/// Some of the images of an input.
pub(super) fn part(input: &Input, width: usize, range: Range<usize>) -> Cow<'_, Input> {
    if range == (0..size(input, width)) {
        return Cow::Borrowed(input);
    }
    Cow::Owned(match input {
        Input::Images(images) => Input::Images(images_at(images, range).into_owned()),
        Input::Activations(values) => {
            Input::Activations(values[range.start * width..range.end * width].to_vec())
        }
    })
}

/// The same of images.
pub(super) fn images_at(images: &Images, range: Range<usize>) -> Cow<'_, Images> {
    if range == (0..images.n) {
        return Cow::Borrowed(images);
    }
    let bytes = images.size * images.size * 3;
    let pixels = images.pixels[range.start * bytes..range.end * bytes].to_vec();
    Cow::Owned(Images { pixels: pixels.into(), n: range.len(), size: images.size })
}

/// Rows of numbers, `[n, width]`.
pub(super) fn rows(values: &[f32], width: usize, device: Device) -> Result<Tensor> {
    moved(&Tensor::from_slice(values).f_view([-1, width as i64])?, device)
}

/// A tensor of any shape as a row-major list in host memory.
pub(super) fn to_host(tensor: &Tensor) -> Result<Vec<f32>> {
    let flat = tensor.detach().f_to_device(Device::Cpu)?.to_kind(Kind::Float).f_contiguous()?;
    Ok(Vec::try_from(flat.f_view([-1])?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_turns_pictures_as_the_host_does() {
        let size = 5;
        let pixels: Vec<u8> = (0..2 * size * size * 3).map(|i| (i * 7 % 251) as u8).collect();
        let images = Images { pixels: pixels.clone().into(), n: 2, size };
        let bytes = bytes_of(&images, Device::Cpu).unwrap();
        for symmetry in Symmetry::ALL {
            let mut expected = vec![0; pixels.len()];
            let each = size * size * 3;
            let pairs = pixels.chunks_exact(each).zip(expected.chunks_exact_mut(each));
            pairs.for_each(|(from, to)| symmetry.apply(from, size, to));
            let found: Vec<u8> = Vec::try_from(under(symmetry, &bytes).view([-1])).unwrap();
            assert_eq!(found, expected, "{symmetry:?}");
        }
    }
}
