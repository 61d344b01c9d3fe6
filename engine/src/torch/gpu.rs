//! NVIDIA's GPUs here, and why none is used where one could be.

use std::path::{Path, PathBuf};

use kaggle_kit::fs;

use super::libtorch;
pub use super::libtorch::{Gpu, cuda_peak, gpu};

/// Of libtorch's wheels for CUDA: the CUDA that they are made for, as drivers tell it.
const MADE_FOR_CUDA: i64 = 13_000;

/// What this libtorch can do here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// CUDA is part of the libtorch that was linked.
    pub cuda_built: bool,
    /// NVIDIA's, usable.
    pub cuda_devices: i64,
    pub mps: bool,
    /// Threads of an operation on the CPU.
    pub threads: i32,
}

pub fn report() -> Report {
    let cuda_devices = if tch::Cuda::is_available() { tch::Cuda::device_count() } else { 0 };
    Report {
        // libtorch itself says that it has no CUDA where it finds no driver.
        cuda_built: kind() == "cuda",
        cuda_devices,
        mps: tch::utils::has_mps(),
        threads: tch::get_num_threads(),
    }
}

/// What the system shows of NVIDIA.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nvidia {
    /// A device or a driver.
    pub is_there: bool,
    /// The driver's version, such as `535.104.05`.
    pub driver: Option<String>,
    /// The newest CUDA that it knows, such as 12020.
    pub cuda: Option<i64>,
}

impl Nvidia {
    /// As the system shows it. A container may have `nvidia3` alone.
    pub fn seen() -> Self {
        let text = fs::read_to_string("/proc/driver/nvidia/version").unwrap_or_default();
        let driver = driver_in(&text);
        let is_device = |name: &str| {
            name.strip_prefix("nvidia").is_some_and(|number| number.parse::<u32>().is_ok())
        };
        let has_device = fs::read_dir("/dev").is_ok_and(|entries| {
            entries.flatten().any(|entry| entry.file_name().to_str().is_some_and(is_device))
        });
        let is_there = has_device || driver.is_some() || Path::new("/dev/dxg").exists();
        Self { is_there, driver, cuda: gpu(0).map(|gpu| gpu.cuda) }
    }
}

/// The version in `NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19 ...`.
fn driver_in(text: &str) -> Option<String> {
    let is_version =
        |word: &&str| word.contains('.') && word.split('.').all(|part| part.parse::<u32>().is_ok());
    text.lines().next()?.split_whitespace().find(is_version).map(str::to_owned)
}

/// Why no GPU is used, with advice where there is something to gain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhyNone {
    pub reason: String,
    pub hint: Option<&'static str>,
}

impl WhyNone {
    /// Nothing where one is used.
    pub fn of(report: &Report, nvidia: &Nvidia) -> Option<Self> {
        if report.cuda_devices > 0 || report.mps {
            return None;
        }
        let (reason, hint) = match (report.cuda_built, nvidia.is_there) {
            (false, true) => (
                "this libtorch is built without CUDA".to_owned(),
                Some("run `make setup DEVICE=cuda`, then `make build`"),
            ),
            (false, false) => {
                ("none is seen, and this libtorch is built without CUDA".to_owned(), None)
            }
            (true, true) => {
                let version = nvidia.driver.as_ref().map(|driver| format!(" {driver}"));
                let version = version.unwrap_or_default();
                let reason = match nvidia.cuda.filter(|&cuda| cuda < MADE_FOR_CUDA) {
                    Some(cuda) => format!(
                        "NVIDIA's driver{version} is too old: it knows CUDA {}, and libtorch is made \
                         for CUDA {}",
                        cuda_in_words(cuda),
                        cuda_in_words(MADE_FOR_CUDA)
                    ),
                    None => format!(
                        "libtorch has CUDA but cannot use the GPU that is there (driver{version})"
                    ),
                };
                let hint =
                    "it needs a driver for CUDA 13 (580 or newer): see what `nvidia-smi` says";
                (reason, Some(hint))
            }
            (true, false) => (
                "libtorch has CUDA, but the system shows no NVIDIA GPU".to_owned(),
                Some("if there is one, its driver is not loaded: see what `nvidia-smi` says"),
            ),
        };
        Some(Self { reason, hint })
    }
}

/// `12020` as `12.2`.
fn cuda_in_words(version: i64) -> String {
    format!("{}.{}", version / 1000, version % 1000 / 10)
}

/// What is known of a GPU: `NVIDIA H100 PCIe, 80 GB, compute capability 9.0; driver 580.65.06 for CUDA
/// 13.0, cuDNN 9.19.0`.
pub fn in_words(gpu: &Gpu, nvidia: &Nvidia) -> String {
    let driver = nvidia.driver.as_ref().map(|driver| format!(" {driver}")).unwrap_or_default();
    let cudnn = libtorch::cudnn_version().map(|version| format!(", cuDNN {version}"));
    format!(
        "{}, {}, compute capability {}.{}; driver{driver} for CUDA {}{}",
        gpu.name,
        kaggle_kit::term::bytes(gpu.bytes),
        gpu.capability / 10,
        gpu.capability % 10,
        cuda_in_words(gpu.cuda),
        cudnn.unwrap_or_default()
    )
}

/// `cpu` or `cuda`, as the libtorch that is loaded was built: a wheel's is not the one that the program was
/// linked with.
pub fn kind() -> &'static str {
    if loaded("libtorch_cuda.so").is_some() { "cuda" } else { env!("KAGGLE_KIT_LIBTORCH_KIND") }
}

/// The folder that the running program has a library from, where the system tells.
pub fn loaded(library: &str) -> Option<PathBuf> {
    let maps = fs::read_to_string("/proc/self/maps").ok()?;
    let mut paths = maps.lines().filter_map(|line| Some(Path::new(&line[line.find('/')?..])));
    paths.find(|path| path.ends_with(library))?.parent().map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Report = Report { cuda_built: false, cuda_devices: 0, mps: false, threads: 2 };

    fn told(report: Report, nvidia: &Nvidia) -> (String, &'static str) {
        let why = WhyNone::of(&report, nvidia).unwrap();
        (why.reason, why.hint.unwrap_or_default())
    }

    #[test]
    fn a_gpu_that_lies_idle_is_explained() {
        let seen = Nvidia { is_there: true, ..Nvidia::default() };
        let built = Report { cuda_built: true, ..NONE };
        assert_eq!(told(NONE, &Nvidia::default()).1, "");
        assert!(told(NONE, &seen).1.contains("DEVICE=cuda"));
        assert!(told(built, &seen).1.contains("driver"));
        assert!(told(built, &Nvidia::default()).0.contains("shows no NVIDIA GPU"));
        assert_eq!(WhyNone::of(&Report { cuda_devices: 1, ..built }, &seen), None);
    }

    #[test]
    fn an_old_driver_is_told_with_its_version() {
        // Of a driver 535 on Ubuntu 22.04.
        let text = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19 01:15:15 \
                    UTC 2023\nGCC version:  gcc version 11.4.0\n";
        let driver = driver_in(text);
        assert_eq!(driver.as_deref(), Some("535.104.05"));
        let old = Nvidia { is_there: true, driver, cuda: Some(12_020) };
        let (reason, _) = told(Report { cuda_built: true, ..NONE }, &old);
        assert_eq!(
            reason,
            "NVIDIA's driver 535.104.05 is too old: it knows CUDA 12.2, and libtorch is made for \
             CUDA 13.0"
        );
    }
}
