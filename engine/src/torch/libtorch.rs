//! What libtorch can do and tch has no word for, through `libtorch.cpp`, which `build.rs` compiles.

#![expect(unsafe_code, reason = "C++ is called, as tch does it")]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr::null_mut;

use anyhow::{Result, bail, ensure};
use tch::Tensor;

unsafe extern "C" {
    fn kk_set_deterministic(on: c_int) -> c_int;
    fn kk_set_tf32(on: c_int) -> c_int;
    fn kk_gradients_are_on() -> c_int;
    fn kk_set_gradient(variable: *mut c_void, gradient: *mut c_void);
    fn kk_adamw(
        values: *mut c_void,
        gradient: *mut c_void,
        mean: *mut c_void,
        square: *mut c_void,
        step: *mut c_void,
        rate: f64,
        beta1: f64,
        beta2: f64,
        decay: f64,
        epsilon: f64,
        error: *mut c_char,
        size: usize,
    ) -> c_int;
    fn kk_count_operations(everywhere: c_int) -> u64;
    fn kk_counted_operations(handle: u64) -> i64;
    fn kk_empty_cuda_cache();
    fn kk_cuda_peak(device: c_int) -> i64;
    fn kk_cuda_free(device: c_int) -> i64;
    fn kk_cudnn_version() -> i64;
    fn kk_gpu(number: c_int, name: *mut c_char, size: c_int, numbers: *mut i64) -> c_int;
}

/// Whether an operation gives the same bits each time, on a GPU too: cuDNN's deterministic algorithms,
/// attention by plain products. For the whole process.
pub(super) fn set_deterministic(on: bool) -> Result<()> {
    // SAFETY: it takes a number.
    let failed = unsafe { kk_set_deterministic(c_int::from(on)) } != 0;
    ensure!(!failed, "libtorch does not let its algorithms be chosen");
    Ok(())
}

/// Whether an NVIDIA GPU may multiply f32 as TF32, 10 bits instead of 23, in convolutions and in matrix
/// products alike. For the whole process.
pub(super) fn set_tf32(on: bool) -> Result<()> {
    // SAFETY: it takes a number.
    let failed = unsafe { kk_set_tf32(c_int::from(on)) } != 0;
    ensure!(!failed, "libtorch does not let its precision be chosen");
    Ok(())
}

/// Whether what is computed now can be differentiated.
pub(super) fn gradients_are_on() -> bool {
    // SAFETY: it takes nothing.
    unsafe { kk_gradients_are_on() != 0 }
}

/// Gives a variable the tensor to which its gradients are added; none: the next one is its first.
pub(super) fn set_gradient(variable: &Tensor, gradient: Option<&Tensor>) {
    let gradient = gradient.map_or(null_mut(), pointer);
    // SAFETY: both are tensors that live, and C++ keeps a reference of its own.
    unsafe { kk_set_gradient(pointer(variable), gradient) }
}

/// One tensor's part of a step of `AdamW`.
#[derive(Debug)]
pub(super) struct Adamw<'a> {
    pub(super) values: &'a Tensor,
    pub(super) gradient: &'a Tensor,
    pub(super) mean: &'a Tensor,
    pub(super) square: &'a Tensor,
    /// How many steps were made, this one among them: one f32, on the device of the others.
    pub(super) step: &'a Tensor,
    pub(super) rate: f64,
    pub(super) betas: [f64; 2],
    pub(super) decay: f64,
    pub(super) epsilon: f64,
}

/// Makes it, in one pass over the numbers.
pub(super) fn adamw(of: &Adamw) -> Result<()> {
    let mut error = [0_u8; 1000];
    // SAFETY: all are tensors that live, and the text fits in what is there for it.
    let failed = unsafe {
        kk_adamw(
            pointer(of.values),
            pointer(of.gradient),
            pointer(of.mean),
            pointer(of.square),
            pointer(of.step),
            of.rate,
            of.betas[0],
            of.betas[1],
            of.decay,
            of.epsilon,
            error.as_mut_ptr().cast(),
            error.len(),
        )
    };
    if failed != 0 {
        bail!("a step of AdamW failed: {}", text(&error));
    }
    Ok(())
}

/// How many operations libtorch is asked for while `work` is done, views of tensors among them: on a GPU
/// most others are a launch each. In this thread, or in all: gradients on a GPU have a thread of their
/// own. One count at a time.
pub fn count_operations<T>(threads: Threads, work: impl FnOnce() -> T) -> (T, i64) {
    // SAFETY: what is counted is counted by a number without an owner.
    let handle = unsafe { kk_count_operations(c_int::from(threads == Threads::All)) };
    let done = work();
    // SAFETY: the handle is that from above.
    (done, unsafe { kk_counted_operations(handle) })
}

/// Whose operations are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threads {
    This,
    All,
}

/// Gives memory that libtorch keeps for later tensors back to the GPU.
pub(super) fn empty_cuda_cache() {
    // SAFETY: it takes nothing.
    unsafe { kk_empty_cuda_cache() }
}

/// The most bytes of a GPU that libtorch has had so far.
pub fn cuda_peak(number: usize) -> Option<u64> {
    // SAFETY: it takes a number, and knows those that there are not.
    u64::try_from(unsafe { kk_cuda_peak(number as c_int) }).ok()
}

/// Bytes of a GPU that nobody has.
pub(super) fn cuda_free(number: usize) -> Option<u64> {
    // SAFETY: as above.
    u64::try_from(unsafe { kk_cuda_free(number as c_int) }).ok()
}

/// cuDNN's version, such as `9.19.0`.
pub(super) fn cudnn_version() -> Option<String> {
    // SAFETY: it takes nothing.
    let version = unsafe { kk_cudnn_version() };
    (version > 0).then(|| format!("{}.{}.{}", version / 10_000, version / 100 % 100, version % 100))
}

/// An NVIDIA GPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gpu {
    /// Such as `NVIDIA H100 PCIe`.
    pub name: String,
    pub bytes: u64,
    /// Such as 80 for 8.0.
    pub capability: i64,
    /// The newest CUDA that its driver knows, such as 13000 for 13.0.
    pub cuda: i64,
}

/// What NVIDIA's driver says of a GPU; nothing where there is no driver, or no such GPU.
pub fn gpu(number: usize) -> Option<Gpu> {
    let (mut name, mut numbers) = ([0_u8; 256], [0_i64; 3]);
    // SAFETY: the name fits, with its end, in what is there for it, and so do three numbers.
    let failed = unsafe {
        let size = name.len() as c_int;
        kk_gpu(number as c_int, name.as_mut_ptr().cast(), size, numbers.as_mut_ptr())
    };
    let [bytes, capability, cuda] = numbers;
    (failed == 0).then(|| Gpu { name: text(&name), bytes: bytes as u64, capability, cuda })
}

fn pointer(tensor: &Tensor) -> *mut c_void {
    tensor.as_ptr().cast_mut().cast()
}

fn text(bytes: &[u8]) -> String {
    CStr::from_bytes_until_nul(bytes).unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;

    #[test]
    fn gradients_are_added_where_they_are_told_to() {
        let weight = Tensor::from_slice(&[1.0_f32, 2.0]).set_requires_grad(true);
        let place = Tensor::zeros([2], (Kind::Float, Device::Cpu));
        set_gradient(&weight, Some(&place));
        for _ in 0..2 {
            (&weight * 3.0).sum(Kind::Float).backward();
        }
        assert_eq!(Vec::<f32>::try_from(&place).unwrap(), [6.0, 6.0]);
        set_gradient(&weight, None);
        assert!(!weight.grad().defined());
    }

    #[test]
    fn what_cannot_be_computed_is_told() {
        let two = Tensor::zeros([2], (Kind::Int64, Device::Cpu));
        let step = Adamw {
            values: &two,
            gradient: &two,
            mean: &two,
            square: &two,
            step: &Tensor::from(1.0_f32),
            rate: 0.1,
            betas: [0.9, 0.999],
            decay: 0.0,
            epsilon: 1e-8,
        };
        let told = adamw(&step).unwrap_err().to_string();
        assert!(told.starts_with("a step of AdamW failed: "), "{told}");
    }

    #[test]
    fn operations_are_counted_and_gradients_known() {
        let ((), n) = count_operations(Threads::All, || {
            let _ = Tensor::from(1.0_f32) + 1.0;
        });
        assert!(n >= 1, "{n}");
        assert!(gradients_are_on() && !tch::no_grad(gradients_are_on));
    }
}
