//! A network as a graph that Python traced (TorchScript), through `graph.cpp`.
//!
//! tch has such modules too, but neither their buffers, nor constants that move, nor a precision.

#![expect(unsafe_code, reason = "C++ is called, as tch does it")]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::fmt;
use std::ptr::NonNull;

use anyhow::{Result, bail};
use tch::{Kind, Tensor};

unsafe extern "C" {
    fn kk_graph_open(
        bytes: *const c_char,
        length: usize,
        error: *mut c_char,
        size: usize,
    ) -> *mut c_void;
    fn kk_graph_close(graph: *mut c_void);
    fn kk_graph_tensors(
        graph: *mut c_void,
        see: extern "C" fn(*mut c_void, *const c_char, *mut c_void),
        context: *mut c_void,
    );
    fn kk_graph_move(
        graph: *mut c_void,
        device: *const c_char,
        error: *mut c_char,
        size: usize,
    ) -> c_int;
    fn kk_graph_forward(
        graph: *mut c_void,
        pictures: *mut c_void,
        kind: c_int,
        error: *mut c_char,
        size: usize,
    ) -> *mut c_void;
}

/// A traced network.
pub(super) struct Graph(NonNull<c_void>);

// SAFETY: it is one owner's, and libtorch's modules may be used from any one thread at a time.
unsafe impl Send for Graph {}

impl Graph {
    /// Reads the bytes of a file. They are code: whoever calls knows where they are from.
    pub(super) fn open(bytes: &[u8]) -> Result<Self> {
        let mut error = [0_u8; 2000];
        // SAFETY: the bytes live as long as the call, and the text fits in what is there for it.
        let opened = unsafe {
            kk_graph_open(
                bytes.as_ptr().cast(),
                bytes.len(),
                error.as_mut_ptr().cast(),
                error.len(),
            )
        };
        match NonNull::new(opened) {
            Some(graph) => Ok(Self(graph)),
            None => bail!("libtorch cannot read the graph: {}", first_line(&error)),
        }
    }

    /// Its parameters and buffers by name; who changes one changes the network.
    pub(super) fn tensors(&self) -> Vec<(String, Tensor)> {
        extern "C" fn see(all: *mut c_void, name: *const c_char, tensor: *mut c_void) {
            // SAFETY: this is the list from below, a text that lives for the call, and a tensor that is
            // ours from here on.
            let (all, name, tensor) = unsafe {
                let all = &mut *all.cast::<Vec<(String, Tensor)>>();
                (all, CStr::from_ptr(name), Tensor::from_ptr(tensor.cast()))
            };
            all.push((name.to_string_lossy().into_owned(), tensor));
        }
        let mut all: Vec<(String, Tensor)> = Vec::new();
        // SAFETY: the list outlives the call.
        unsafe { kk_graph_tensors(self.0.as_ptr(), see, (&raw mut all).cast()) };
        all
    }

    /// Moves constants to a device, as libtorch names it, before pictures go through for the first time.
    pub(super) fn move_constants(&self, device: &str) -> Result<()> {
        let (name, mut error) = (CString::new(device)?, [0_u8; 2000]);
        // SAFETY: the name lives as long as the call, and the text fits in what is there for it.
        let failed = unsafe {
            let size = error.len();
            kk_graph_move(self.0.as_ptr(), name.as_ptr(), error.as_mut_ptr().cast(), size)
        };
        if failed != 0 {
            bail!("the graph's constants cannot be moved to {device}: {}", first_line(&error));
        }
        Ok(())
    }

    /// What it makes of pictures, with products in numbers of this kind.
    pub(super) fn forward(&self, pictures: &Tensor, kind: Kind) -> Result<Tensor> {
        let mut error = [0_u8; 4000];
        let kind = match kind {
            Kind::Half => 5,
            Kind::BFloat16 => 15,
            _ => 6,
        };
        // SAFETY: the tensor lives as long as the call, and the text fits in what is there for it.
        let made = unsafe {
            let (pictures, size) = (pictures.as_ptr().cast_mut().cast(), error.len());
            kk_graph_forward(self.0.as_ptr(), pictures, kind, error.as_mut_ptr().cast(), size)
        };
        if made.is_null() {
            bail!("{}", told(&error));
        }
        // SAFETY: the tensor is ours from here on.
        Ok(unsafe { Tensor::from_ptr(made.cast()) })
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        // SAFETY: it is closed once.
        unsafe { kk_graph_close(self.0.as_ptr()) }
    }
}

impl fmt::Debug for Graph {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("Graph")
    }
}

fn first_line(error: &[u8]) -> String {
    told(error).lines().next().unwrap_or("it does not say why").to_owned()
}

fn told(error: &[u8]) -> String {
    CStr::from_bytes_until_nul(error).unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;

    #[test]
    fn what_is_made_on_a_device_is_made_where_the_graph_is() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/imported/network.pt");
        let bytes = kaggle_kit::fs::read(file).unwrap();
        let forward = |device: &str| {
            let graph = Graph::open(&bytes).unwrap();
            let kinds = (Kind::Float, Device::Cpu);
            for (_, mut tensor) in graph.tensors() {
                if tensor.is_floating_point() {
                    tch::no_grad(|| tensor.set_data(&Tensor::ones(tensor.size(), kinds)));
                }
            }
            graph.move_constants(device).unwrap();
            graph.forward(&Tensor::ones([2, 3, 32, 32], kinds), Kind::Float)
        };
        assert_eq!(forward("cpu").unwrap().size(), [2, 8]);
        // This device has no memory and is everywhere; pictures on the CPU cannot go with it.
        let told = forward("meta").unwrap_err().to_string();
        assert!(told.contains("meta"), "{told}");
    }

    #[test]
    fn what_is_no_graph_is_told() {
        for bytes in [&b""[..], b"PK\x03\x04", &[7; 1000]] {
            let told = Graph::open(bytes).unwrap_err().to_string();
            assert!(told.starts_with("libtorch cannot read the graph: "), "{told}");
        }
    }
}
