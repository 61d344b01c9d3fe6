//! Everything that knows libtorch: devices, networks, the optimiser, and the learner's model made
//! of them. The rest of the program sees batches and probabilities in host memory.

pub mod allocator;
pub mod backbone;
pub mod device;
mod head;
mod input;
mod network;
mod optimizer;
pub mod weights;

pub use network::Network;
