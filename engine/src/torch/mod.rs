//! Everything that knows libtorch: devices, networks, the optimiser, and the learner's model made
//! of them. The rest of the program sees batches and probabilities in host memory.

pub mod allocator;
pub mod backbone;
mod backbones;
mod blocks;
mod changes;
pub mod device;
mod ema;
mod fits;
mod fitting;
pub mod gpu;
mod grad_cam;
mod graph;
pub mod group;
mod head;
mod input;
mod libtorch;
mod linear_fit;
mod loss;
mod loss_scale;
mod micro_batch;
mod network;
mod numbers;
mod optimizer;
pub mod parity;
mod state;
pub(crate) mod threads;
pub mod weights;

pub use fits::{Beside, Fits};
pub use libtorch::{Threads, count_operations};
pub use network::Network;
pub use state::Snapshot;
pub use tch::Device;
