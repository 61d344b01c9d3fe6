//! Makes the binary find libtorch without environment variables, and compiles the one C++ file.

#![expect(clippy::disallowed_methods, reason = "a build script has no crate::fs")]

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, exit};

fn main() {
    let libtorch = find_libtorch();
    compile_cpp(&libtorch);
    build_group(&libtorch);
    link_libtorch(&libtorch);
}

/// The C++ side of `torch::group`: with NCCL where libtorch has CUDA and the headers of both are there, as
/// `make setup DEVICE=cuda` leaves them.
fn build_group(libtorch: &Libtorch) {
    let source = "src/torch/group/c10d";
    println!("cargo::rerun-if-changed={source}");
    let include = libtorch.headers.join("include");
    let mut build = cc::Build::new();
    build.cpp(true).std("c++17").opt_level(2).warnings(false).include(format!("{source}/gloo"));
    for folder in [include.clone(), include.join("torch/csrc/api/include")] {
        build.flag("-isystem").flag(folder);
    }
    let nvidia = include.join("nvidia");
    let headers = ["nccl.h", "cuda_runtime.h", "crt/host_config.h", "nv/target"];
    let has_headers = headers.iter().all(|name| nvidia.join(name).exists());
    let has_nccl = has_headers && libtorch.lib.join("libtorch_cuda.so").exists();
    if has_nccl {
        build.define("KK_NCCL", None).flag("-isystem").flag(nvidia);
    }
    build.file(format!("{source}/group.cpp")).compile("kk_group");
    // What is in the archive needs these, so that they come after it.
    let nccl: &[&str] = if has_nccl { &["torch_cuda", "c10_cuda"] } else { &[] };
    for library in nccl.iter().chain(&["torch_cpu", "c10"]) {
        println!("cargo::rustc-link-lib=dylib={library}");
    }
}

/// The libtorch that torch-sys links, found by torch-sys's own rules.
struct Libtorch {
    /// The folder that has `include`.
    headers: PathBuf,
    lib: PathBuf,
    version: String,
}

/// `LIBTORCH_USE_PYTORCH`, else `LIBTORCH` (`.cargo/config.toml` sets it to `.libtorch`), else
/// `/usr/lib`.
fn find_libtorch() -> Libtorch {
    for name in ["LIBTORCH", "LIBTORCH_INCLUDE", "LIBTORCH_LIB", "LIBTORCH_USE_PYTORCH"] {
        println!("cargo::rerun-if-env-changed={name}");
    }
    if env::var_os("LIBTORCH_USE_PYTORCH").is_some() {
        return pythons_libtorch();
    }
    let root = env::var_os("LIBTORCH").map_or_else(|| PathBuf::from("/usr"), PathBuf::from);
    let headers = env::var_os("LIBTORCH_INCLUDE").map_or_else(|| root.clone(), PathBuf::from);
    let lib = env::var_os("LIBTORCH_LIB").map_or_else(|| root.clone(), PathBuf::from).join("lib");
    // `scripts/setup.py` renews the date of this file whenever `.libtorch` comes to point elsewhere.
    let stamp = root.join("build-version");
    println!("cargo::rerun-if-changed={}", stamp.display());
    let Ok(lib) = lib.canonicalize() else {
        fail(&format!("no libtorch in `{}`", root.display()), "run `make setup`");
    };
    let version = fs::read_to_string(stamp).unwrap_or_else(|_| "unknown".to_owned());
    Libtorch { headers, lib, version: version.trim().to_owned() }
}

/// The libtorch inside the active Python's `PyTorch`.
fn pythons_libtorch() -> Libtorch {
    println!("cargo::rerun-if-env-changed=VIRTUAL_ENV");
    let python = if env::var_os("VIRTUAL_ENV").is_some() { "python" } else { "python3" };
    let script =
        "import os, torch; print(torch.__version__, os.path.dirname(torch.__file__), sep=chr(10))";
    let output = Command::new(python).args(["-c", script]).output();
    let text = output.map(|o| String::from_utf8_lossy(&o.stdout).into_owned()).unwrap_or_default();
    let mut lines = text.lines();
    let (Some(version), Some(folder)) = (lines.next(), lines.next()) else {
        fail(
            &format!("LIBTORCH_USE_PYTORCH is set, but `{python}` has no PyTorch"),
            "`pip install torch==2.13.0`, or unset it and run `make setup`",
        );
    };
    let headers = PathBuf::from(folder);
    Libtorch { lib: headers.join("lib"), headers, version: version.to_owned() }
}

/// Calls for what tch has no word for: compiled as torch-sys compiles its own.
fn compile_cpp(libtorch: &Libtorch) {
    const FILES: [&str; 2] = ["src/torch/libtorch.cpp", "src/torch/graph.cpp"];
    for file in FILES {
        println!("cargo::rerun-if-changed={file}");
    }
    println!("cargo::rerun-if-env-changed=LIBTORCH_CXX11_ABI");
    let abi = env::var("LIBTORCH_CXX11_ABI").unwrap_or_else(|_| "1".to_owned());
    let include = libtorch.headers.join("include");
    let mut build = cc::Build::new();
    build
        .cpp(true)
        .pic(true)
        .warnings(false)
        .opt_level(1)
        .include(&include)
        .include(include.join("torch/csrc/api/include"))
        .flag_if_supported(if cfg!(windows) { "/std:c++17" } else { "-std=c++17" })
        .define("_GLIBCXX_USE_CXX11_ABI", abi.as_str())
        .files(FILES)
        .compile("kaggle_kit_libtorch");
}

/// Gives our binaries and tests an rpath, keeps CUDA linked, and tells `doctor` what was linked.
fn link_libtorch(libtorch: &Libtorch) {
    let lib = libtorch.lib.display();
    let cuda = libtorch.lib.join("libtorch_cuda.so").exists();
    println!("cargo::rustc-link-search=native={lib}");
    println!("cargo::rustc-link-arg=-Wl,-rpath,{lib}");
    if env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        // DT_RPATH also serves what CUDA's libraries load in their turn, which DT_RUNPATH does not.
        println!("cargo::rustc-link-arg=-Wl,--disable-new-dtags");
        if cuda {
            // Nothing in our objects names a symbol of libtorch_cuda, which registers itself when it
            // is loaded; with the linker's usual --as-needed it would be dropped, and no GPU found.
            println!("cargo::rustc-link-arg=-Wl,--no-as-needed,-ltorch_cuda,-ltorch_cpu,-ltorch");
        }
    }
    let kind = if cuda { "cuda" } else { "cpu" };
    // For `programs/build.rs`.
    println!("cargo::metadata=lib={lib}");
    println!("cargo::metadata=kind={kind}");
    println!("cargo::rustc-env=KAGGLE_KIT_LIBTORCH={lib}");
    println!("cargo::rustc-env=KAGGLE_KIT_LIBTORCH_VERSION={}", libtorch.version);
    println!("cargo::rustc-env=KAGGLE_KIT_LIBTORCH_KIND={kind}");
}

fn fail(message: &str, hint: &str) -> ! {
    println!("cargo::error={message}; {hint}");
    exit(1);
}
