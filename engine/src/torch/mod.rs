//! Everything that knows libtorch: devices, networks, the optimiser, and the learner's model made
//! of them. The rest of the program sees batches and probabilities in host memory.

pub mod allocator;
mod average;
pub mod backbone;
pub mod device;
mod head;
mod heat;
mod input;
mod loss;
mod network;
mod optimizer;
mod pieces;
mod stack;
mod state;
pub mod weights;

pub use network::Network;
pub use state::Snapshot;
pub use tch::Device;
