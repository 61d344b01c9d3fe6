//! How the cores are shared out between libtorch and the loader: decided here, for the whole process.
//!
//! On a CPU both have all of them: the one waits for memory while the other computes. Beside an NVIDIA GPU
//! libtorch's operations on the host are copies of batches, for which one thread does; two cores are left to
//! who hands the GPU its work and to who makes batches of images, and the loader has the rest.

use std::num::NonZero;
use std::thread::available_parallelism;

use kaggle_kit::device::DeviceChoice;
use kaggle_kit::place::Place;
use tch::Device;

use super::device;

/// Cores that are left to whoever feeds a GPU: so many where there are many, one where there are some.
const FEED: usize = 2;
const MANY: usize = 8;
const SOME: usize = 3;

/// Threads of libtorch's operations on the host, and of the loader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shares {
    libtorch: usize,
    loader: usize,
}

impl Shares {
    fn of(cores: usize, on_nvidia: bool) -> Self {
        let left = match cores {
            _ if !on_nvidia => return Self { libtorch: cores, loader: cores },
            MANY.. => FEED,
            SOME.. => 1,
            _ => 0,
        };
        Self { libtorch: 1, loader: cores - left }
    }
}

/// The loader's threads, where the user has not said how many: known before the work begins, as they are
/// started before anything needs them.
pub(crate) fn of_loader(choice: DeviceChoice) -> usize {
    let on_nvidia = device::of(choice, &device::report()).is_ok_and(Device::is_cuda);
    // What is wrong with the place of a rank is told where that is gone by.
    let place = Place::of_process().ok().flatten();
    Shares::of(cores(place.as_ref()), on_nvidia).loader
}

/// Gives libtorch its threads for a device. Of several ranks of a machine each has its part, unless the user
/// has said how many; gives a word where a launcher said so, and few.
pub(crate) fn set(device: Device, place: Option<&Place>) -> Option<String> {
    let own = Shares::of(cores(place), device.is_cuda()).libtorch;
    if device.is_cuda() {
        tch::set_num_threads(own as i32);
        return None;
    }
    // Alone on a CPU it has what it takes by itself: a thread a core, or what the user has said.
    place?;
    let Some(said) = std::env::var_os("OMP_NUM_THREADS") else {
        tch::set_num_threads(own as i32);
        return None;
    };
    // torchrun sets it to 1 where it is not set.
    let is_torchrun = std::env::var_os("TORCHELASTIC_RUN_ID").is_some();
    (is_torchrun && said == "1" && own > 1).then(|| {
        format!(
            "torchrun has set OMP_NUM_THREADS=1: a rank could have {own}, if you set it yourself"
        )
    })
}

/// Those of this process.
fn cores(place: Option<&Place>) -> usize {
    let all = available_parallelism().map_or(1, NonZero::get);
    place.map_or(all, |place| place.cores(all))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beside_a_gpu_the_loader_has_nearly_all() {
        for (cores, loader) in [(1, 1), (2, 2), (3, 2), (4, 3), (7, 6), (8, 6), (16, 14), (64, 62)]
        {
            assert_eq!(Shares::of(cores, true), Shares { libtorch: 1, loader });
            assert_eq!(Shares::of(cores, false), Shares { libtorch: cores, loader: cores });
        }
    }

    #[test]
    fn alone_on_a_cpu_libtorch_keeps_what_it_has() {
        let before = tch::get_num_threads();
        assert_eq!(set(Device::Cpu, None), None);
        assert_eq!(tch::get_num_threads(), before);
        assert_eq!(of_loader(DeviceChoice::Cpu), cores(None));
    }
}
