//! Links the engine with libtorch: the one that it is built with, or, for a wheel, the one that the
//! program finds when it is started (`src/sibling/pytorch.rs`).

use std::env;

fn main() {
    println!("cargo::rerun-if-env-changed=KAGGLE_KIT_WHEEL");
    let lib = env::var("DEP_KAGGLE_KIT_LIBTORCH_LIB").expect("the engine's build script names it");
    let has_cuda = env::var("DEP_KAGGLE_KIT_LIBTORCH_KIND").is_ok_and(|kind| kind == "cuda");
    if !env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        return link(&format!("-Wl,-rpath,{lib}"));
    }
    if env::var_os("KAGGLE_KIT_WHEEL").is_some() {
        // `libtorch.so` names `libtorch_cuda.so` in the builds of PyTorch that have it: so it is loaded
        // there, and not missed elsewhere.
        link("-Wl,--no-as-needed,-ltorch,--as-needed");
        link("-Wl,--allow-shlib-undefined");
        return;
    }
    link(&format!("-Wl,-rpath,{lib}"));
    link("-Wl,--disable-new-dtags");
    if has_cuda {
        link("-Wl,--no-as-needed,-ltorch_cuda,-ltorch_cpu,-ltorch,--as-needed");
    }
}

fn link(argument: &str) {
    println!("cargo::rustc-link-arg-bin=kaggle-kit-engine={argument}");
}
