//! The door to c10d, `PyTorch`'s engine for several processes: `c10d/group.cpp` is all there is of C++,
//! and this its only user. Everything here gives c10d's own words for what goes wrong.

#![expect(unsafe_code, reason = "c10d is C++ and has no other interface")]

use std::ffi::{CStr, CString, NulError, c_char, c_int, c_void};
use std::fmt;
use std::ptr::null_mut;
use std::time::Duration;

use tch::Tensor;

enum Opaque {}

// As `c10d/group.cpp` has them; a tensor is libtorch's `at::Tensor*`, as in torch-sys.
unsafe extern "C" {
    fn kk_text_free(text: *mut c_char);
    fn kk_has_nccl() -> bool;
    fn kk_store_open(
        host: *const c_char,
        port: u16,
        serve: bool,
        world: c_int,
        timeout_ms: i64,
        store: *mut *mut Opaque,
        port_out: *mut u16,
    ) -> *mut c_char;
    fn kk_store_set(store: *mut Opaque, key: *const c_char, value: *const c_char) -> *mut c_char;
    fn kk_store_get(
        store: *mut Opaque,
        key: *const c_char,
        timeout_ms: i64,
        value: *mut *mut c_char,
    ) -> *mut c_char;
    fn kk_store_close(store: *mut Opaque);
    fn kk_group_join(
        store: *mut Opaque,
        address: *const c_char,
        serve: bool,
        rank: c_int,
        world: c_int,
        gpu: c_int,
        timeout_ms: i64,
        group: *mut *mut Opaque,
    ) -> *mut c_char;
    fn kk_group_sum(
        group: *mut Opaque,
        tensor: *mut c_void,
        pending: *mut *mut Opaque,
    ) -> *mut c_char;
    fn kk_pending_wait(pending: *mut Opaque) -> *mut c_char;
    fn kk_group_spread(group: *mut Opaque, tensor: *mut c_void) -> *mut c_char;
    fn kk_group_gather(group: *mut Opaque, into: *mut c_void, from: *mut c_void) -> *mut c_char;
    fn kk_overlap_new(
        group: *mut Opaque,
        gradients: *const *mut c_void,
        n_parts: usize,
        variables: *const *mut c_void,
        part_of: *const usize,
        n_variables: usize,
        overlap: *mut *mut Opaque,
    ) -> *mut c_char;
    fn kk_overlap_arm(overlap: *mut Opaque) -> *mut c_char;
    fn kk_overlap_finish(overlap: *mut Opaque, before: *mut usize) -> *mut c_char;
    fn kk_overlap_free(overlap: *mut Opaque);
    fn kk_group_leave(group: *mut Opaque);
}

/// What c10d says.
pub(super) type Told<T> = Result<T, String>;

/// Takes over a text of the C++ side.
fn taken(text: *mut c_char) -> Option<String> {
    if text.is_null() {
        return None;
    }
    // SAFETY: a text that `strdup` made, which is given back once.
    let owned = unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned();
    unsafe { kk_text_free(text) };
    Some(owned)
}

fn told(text: *mut c_char) -> Told<()> {
    taken(text).map_or(Ok(()), Err)
}

fn c_text(text: &str) -> Told<CString> {
    CString::new(text).map_err(|error: NulError| error.to_string())
}

fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// Whether this program was built with NCCL, for tensors on NVIDIA GPUs.
pub(super) fn has_nccl() -> bool {
    // SAFETY: it reads a constant.
    unsafe { kk_has_nccl() }
}

/// Where processes find each other and leave one another words: kept by one of them, or by whoever
/// started them.
pub(super) struct Store(*mut Opaque);

impl Store {
    /// Keeps the store, or finds it; at port 0 a free one is taken. Gives the port.
    pub(super) fn open(
        host: &str,
        port: u16,
        serve: bool,
        world: usize,
        timeout: Duration,
    ) -> Told<(Self, u16)> {
        let (host, (mut store, mut found)) = (c_text(host)?, (null_mut(), 0));
        let (world, ms) = (world as c_int, milliseconds(timeout));
        // SAFETY: the text and both places live until it returns.
        told(unsafe {
            kk_store_open(host.as_ptr(), port, serve, world, ms, &raw mut store, &raw mut found)
        })?;
        Ok((Self(store), found))
    }

    /// Leaves a word.
    pub(super) fn set(&self, key: &str, value: &str) -> Told<()> {
        let (key, value) = (c_text(key)?, c_text(value)?);
        // SAFETY: the store lives as long as `self`, the texts until it returns.
        told(unsafe { kk_store_set(self.0, key.as_ptr(), value.as_ptr()) })
    }

    /// A word, if somebody leaves it within that time.
    pub(super) fn get(&self, key: &str, within: Duration) -> Told<Option<String>> {
        let (key, mut value) = (c_text(key)?, null_mut());
        // SAFETY: as above.
        told(unsafe { kk_store_get(self.0, key.as_ptr(), milliseconds(within), &raw mut value) })?;
        Ok(taken(value))
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // SAFETY: made by `open`, and nobody has it now.
        unsafe { kk_store_close(self.0) }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("Store")
    }
}

/// The processes, met.
pub(super) struct Members(*mut Opaque);

/// A sum on its way.
pub(super) struct Pending(*mut Opaque);

impl Members {
    /// Waits for all the others. `address` is this process's, or nothing to let Gloo find one.
    pub(super) fn join(
        store: &Store,
        address: &str,
        serves: bool,
        (rank, world): (usize, usize),
        gpu: Option<usize>,
        timeout: Duration,
    ) -> Told<Self> {
        let (address, mut group) = (c_text(address)?, null_mut());
        let gpu = gpu.map_or(-1, |number| number as c_int);
        let (rank, world, ms) = (rank as c_int, world as c_int, milliseconds(timeout));
        // SAFETY: the store and the text live until it returns; the group keeps what it needs of them.
        told(unsafe {
            kk_group_join(store.0, address.as_ptr(), serves, rank, world, gpu, ms, &raw mut group)
        })?;
        Ok(Self(group))
    }

    /// Begins to add a tensor up over all processes, in place.
    pub(super) fn start_sum(&self, tensor: &Tensor) -> Told<Pending> {
        let mut pending = null_mut();
        // SAFETY: the C++ side takes a reference to the tensor's memory, which so outlives the sum.
        told(unsafe { kk_group_sum(self.0, pointer(tensor), &raw mut pending) })?;
        Ok(Pending(pending))
    }

    /// Gives everybody what the first process has.
    pub(super) fn spread(&self, tensor: &Tensor) -> Told<()> {
        // SAFETY: the tensor lives until it returns.
        told(unsafe { kk_group_spread(self.0, pointer(tensor)) })
    }

    /// Everybody's `from`, all of one shape, one after another into `into`.
    pub(super) fn gather(&self, into: &Tensor, from: &Tensor) -> Told<()> {
        // SAFETY: as above.
        told(unsafe { kk_group_gather(self.0, pointer(into), pointer(from)) })
    }
}

impl Drop for Members {
    fn drop(&mut self) {
        // SAFETY: made by `join`, and nobody has it now.
        unsafe { kk_group_leave(self.0) }
    }
}

impl fmt::Debug for Members {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("Members")
    }
}

impl Pending {
    /// Waits until the sum is there; on a GPU only what comes after in its own queue does.
    pub(super) fn wait(mut self) -> Told<()> {
        let work = std::mem::replace(&mut self.0, null_mut());
        // SAFETY: made by `start_sum`, and given back once.
        told(unsafe { kk_pending_wait(work) })
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: as above; whatever it says concerns nobody any more.
            let _ = taken(unsafe { kk_pending_wait(self.0) });
        }
    }
}

/// Sums that begin while a way back is computed, each once the gradients in it are there.
pub(super) struct Sums(*mut Opaque);

impl Sums {
    /// Of tensors in the order in which they are sent, each with the variables whose gradients it holds.
    pub(super) fn new(members: &Members, parts: &[(Tensor, Vec<Tensor>)]) -> Told<Self> {
        let gradients: Vec<*mut c_void> = parts.iter().map(|(tensor, _)| pointer(tensor)).collect();
        let all = parts.iter().enumerate();
        let all = all.flat_map(|(part, (_, own))| own.iter().map(move |v| (pointer(v), part)));
        let (variables, part_of): (Vec<*mut c_void>, Vec<usize>) = all.unzip();
        let mut sums = null_mut();
        // SAFETY: the lists live until it returns; the C++ side takes references to what it needs of them.
        told(unsafe {
            kk_overlap_new(
                members.0,
                gradients.as_ptr(),
                gradients.len(),
                variables.as_ptr(),
                part_of.as_ptr(),
                variables.len(),
                &raw mut sums,
            )
        })?;
        Ok(Self(sums))
    }

    /// The next way back is the last before a step.
    pub(super) fn arm(&mut self) -> Told<()> {
        // SAFETY: made by `new`, and nobody computes gradients meanwhile.
        told(unsafe { kk_overlap_arm(self.0) })
    }

    /// Begins the others and waits for all; gives how many were begun before.
    pub(super) fn finish(&mut self) -> Told<usize> {
        let mut before = 0;
        // SAFETY: as above.
        told(unsafe { kk_overlap_finish(self.0, &raw mut before) })?;
        Ok(before)
    }
}

impl Drop for Sums {
    fn drop(&mut self) {
        // SAFETY: made by `new`; it takes its hooks away.
        unsafe { kk_overlap_free(self.0) }
    }
}

impl fmt::Debug for Sums {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("Sums")
    }
}

fn pointer(tensor: &Tensor) -> *mut c_void {
    tensor.as_ptr().cast_mut().cast()
}
