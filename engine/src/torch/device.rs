//! Where tensors live, and with which numbers is computed there.

use std::sync::Once;

use anyhow::{Result, bail};
use kaggle_kit::device::DeviceChoice;
use kaggle_kit::recipe::{Precision, Recipe};
use kaggle_kit::term;
use tch::Device;

use super::gpu::{self, Nvidia, WhyNone};
pub use super::gpu::{Report, report};
use super::{libtorch, threads};

/// The device that a choice comes to on this machine, with libtorch's threads for it. Where nobody chose, and the CPU it is though there
/// may be a GPU, the reason is told, once.
pub fn resolve(choice: DeviceChoice) -> Result<Device> {
    static TOLD: Once = Once::new();
    let report = gpu::report();
    let device = of(choice, &report)?;
    if choice == DeviceChoice::Auto && device == Device::Cpu {
        TOLD.call_once(|| {
            let why = WhyNone::of(&report, &Nvidia::seen());
            if let Some(WhyNone { reason, hint: Some(hint) }) = why {
                term::warn(format_args!("no GPU is used: {reason}"));
                term::say(format_args!("hint: {hint}; `--device cpu` asks for none"));
            }
        });
    }
    threads::set(device, None);
    Ok(device)
}

/// The same without a word.
pub fn of(choice: DeviceChoice, report: &Report) -> Result<Device> {
    match choice {
        DeviceChoice::Auto if report.cuda_devices > 0 => Ok(Device::Cuda(0)),
        DeviceChoice::Auto | DeviceChoice::Mps if report.mps => Ok(Device::Mps),
        DeviceChoice::Auto | DeviceChoice::Cpu => Ok(Device::Cpu),
        DeviceChoice::Mps => {
            bail!("no Apple GPU: this libtorch is built without MPS\nhint: use `--device cpu`")
        }
        DeviceChoice::Cuda(number) if (number as i64) < report.cuda_devices => {
            Ok(Device::Cuda(number))
        }
        DeviceChoice::Cuda(number) if report.cuda_devices > 0 => bail!(
            "no GPU number {number}: there are {} (from 0)\nhint: use `--device cuda:0`",
            report.cuda_devices
        ),
        DeviceChoice::Cuda(_) => {
            let why = WhyNone::of(&Report { mps: false, ..*report }, &Nvidia::seen());
            let reason = why.as_ref().map_or("no NVIDIA GPU can be used", |why| &why.reason);
            let hint = why.as_ref().and_then(|why| why.hint);
            let hint = hint.unwrap_or("run `make setup DEVICE=cuda`, then `make build`");
            bail!("{reason}\nhint: {hint}; `--device cpu` works without")
        }
    }
}

/// How many NVIDIA GPUs this process sees; an error where there are none says why.
pub fn count_gpus(choice: DeviceChoice) -> Result<usize> {
    let choice = if let DeviceChoice::Cuda(_) = choice { choice } else { DeviceChoice::Cuda(0) };
    let report = report();
    of(choice, &report)?;
    Ok(report.cuda_devices as usize)
}

/// The device in words, which measured speeds are kept by: `CPU, 2 threads`, `GPU 0 (NVIDIA H100 PCIe)`.
pub fn describe(device: Device) -> String {
    match device {
        Device::Cpu => {
            let n = usize::try_from(tch::get_num_threads()).unwrap_or_default();
            format!("CPU, {}", term::count(n, "thread"))
        }
        Device::Cuda(number) => {
            let name = gpu::gpu(number).map_or_else(|| "CUDA".to_owned(), |gpu| gpu.name);
            format!("GPU {number} ({name})")
        }
        Device::Mps => "Apple GPU (MPS)".to_owned(),
        Device::Vulkan => "Vulkan".to_owned(),
    }
}

/// The numbers that a network computes with where the recipe leaves it open.
pub fn precision(device: Device, wanted: Precision) -> Precision {
    match (wanted, device) {
        (Precision::Auto, Device::Cuda(number)) => {
            by_capability(gpu::gpu(number).map(|gpu| gpu.capability))
        }
        (Precision::Tf32, Device::Cuda(_)) => Precision::Tf32,
        // Where there is no TF32, its products are f32's own.
        (Precision::Auto | Precision::Tf32, _) => Precision::F32,
        (wanted, _) => wanted,
    }
}

/// bf16 is made in hardware from Ampere on, 8.0; before that, as in a T4, f16 alone is.
fn by_capability(capability: Option<i64>) -> Precision {
    match capability {
        Some(80..) => Precision::Bf16,
        Some(70..80) => Precision::F16,
        _ => Precision::F32,
    }
}

/// Images that keep a device busy where nothing is learnt from them: as many as an NVIDIA GPU computes about
/// as fast as any more, less where they are large. A power of two, as blocks of activations are. A CPU has
/// its own from the recipe. What does not fit into the memory is halved.
pub fn at_once(device: Device, size: usize) -> Option<usize> {
    const MOST: usize = 256;
    const LEAST: usize = 32;
    const SIDE: usize = 224;
    matches!(device, Device::Cuda(_)).then(|| {
        let as_many = (MOST * SIDE * SIDE / (size * size).max(1)).clamp(LEAST, MOST);
        1 << as_many.ilog2()
    })
}

/// Precisions in words.
pub fn word(precision: Precision) -> &'static str {
    match precision {
        Precision::Auto => "auto",
        Precision::F32 => "f32",
        Precision::Tf32 => "tf32",
        Precision::Bf16 => "bf16",
        Precision::F16 => "f16",
    }
}

/// Lets libtorch compute as a recipe asks for, for the whole process; to be called before a network is
/// made.
pub fn set_up(device: Device, recipe: &Recipe) -> Result<()> {
    libtorch::set_deterministic(recipe.deterministic)?;
    // What is computed in half precision leaves little to f32, and that need not be better: the head.
    libtorch::set_tf32(precision(device, recipe.optimizer.precision) != Precision::F32)
}

/// The device and its numbers in words, for a plan: `CPU, 2 threads, in f32`, `GPU 0 (NVIDIA H100 PCIe) in
/// bf16, tf32 for the rest`.
pub fn in_plan(device: Device, recipe: &Recipe) -> String {
    let precision = precision(device, recipe.optimizer.precision);
    let comma = if device == Device::Cpu { "," } else { "" };
    let is_half = matches!(precision, Precision::Bf16 | Precision::F16);
    let rest = if is_half && device != Device::Cpu { ", tf32 for the rest" } else { "" };
    let way = if recipe.deterministic { ", the same bits each time" } else { "" };
    format!("{}{comma} in {}{rest}{way}", describe(device), word(precision))
}

/// What computes, and with which numbers, for what depends on its last bits: `libtorch 2.13.0 on CPU in
/// f32`, `libtorch 2.13.0 on CUDA (NVIDIA H100 PCIe) in bf16`.
pub fn engine(device: Device, recipe: &Recipe) -> String {
    let place = match device {
        Device::Cpu => "CPU".to_owned(),
        Device::Cuda(number) => {
            gpu::gpu(number).map_or_else(|| "CUDA".to_owned(), |gpu| format!("CUDA ({})", gpu.name))
        }
        Device::Mps => "MPS".to_owned(),
        Device::Vulkan => "Vulkan".to_owned(),
    };
    let precision = word(precision(device, recipe.optimizer.precision));
    let version = env!("KAGGLE_KIT_LIBTORCH_VERSION");
    let way = if recipe.deterministic { ", deterministic" } else { "" };
    format!("libtorch {version} on {place} in {precision}{way}")
}

#[cfg(test)]
mod tests {
    use kaggle_kit::recipe::{Layer, resolve};

    use super::*;

    #[test]
    fn half_precision_is_the_one_that_the_gpu_makes() {
        for (capability, expected) in [
            (Some(90), Precision::Bf16),
            (Some(80), Precision::Bf16),
            (Some(75), Precision::F16),
            (Some(61), Precision::F32),
            (None, Precision::F32),
        ] {
            assert_eq!(by_capability(capability), expected, "{capability:?}");
        }
        assert_eq!(precision(Device::Cpu, Precision::Auto), Precision::F32);
        assert_eq!(precision(Device::Cpu, Precision::Tf32), Precision::F32);
    }

    #[test]
    fn a_gpu_looks_at_many_small_pictures_at_once_or_few_large_ones() {
        for (size, expected) in [(96, 256), (224, 256), (288, 128), (384, 64), (1024, 32)] {
            assert_eq!(at_once(Device::Cuda(0), size), Some(expected), "{size}");
        }
        assert_eq!(at_once(Device::Cpu, 224), None);
    }

    #[test]
    fn a_plan_says_the_numbers() {
        let typed = ["optimizer.precision=bf16", "deterministic=true"];
        let layers = typed.map(|typed| Layer::assignment(typed).unwrap());
        let told = in_plan(Device::Cpu, &resolve(&layers).unwrap());
        assert!(
            told.contains(" thread") && told.ends_with(", in bf16, the same bits each time"),
            "{told}"
        );
    }

    #[test]
    fn what_changes_last_bits_is_in_the_engine_s_name() {
        let names = ["f32", "bf16", "f16"].map(|precision| {
            let layer = Layer::assignment(&format!("optimizer.precision={precision}")).unwrap();
            engine(Device::Cpu, &resolve(&[layer]).unwrap())
        });
        assert!(names[0].ends_with(" on CPU in f32"), "{}", names[0]);
        assert!(names[0] != names[1] && names[1] != names[2]);
        let steady = resolve(&[Layer::assignment("deterministic=true").unwrap()]).unwrap();
        assert!(engine(Device::Cpu, &steady).ends_with(", deterministic"));
    }

    #[test]
    fn a_gpu_that_is_not_there_is_refused_with_a_reason() {
        let none = Report { cuda_built: true, cuda_devices: 0, mps: false, threads: 1 };
        let told = of(DeviceChoice::Cuda(0), &none).unwrap_err().to_string();
        assert!(told.contains("libtorch has CUDA") && told.contains("hint:"), "{told}");
        let without = Report { cuda_built: false, ..none };
        let told = of(DeviceChoice::Cuda(0), &without).unwrap_err().to_string();
        assert!(told.contains("built without CUDA"), "{told}");
        assert_eq!(of(DeviceChoice::Auto, &none).unwrap(), Device::Cpu);
        let two = Report { cuda_devices: 2, ..none };
        assert!(of(DeviceChoice::Cuda(2), &two).unwrap_err().to_string().contains("there are 2"));
    }
}
