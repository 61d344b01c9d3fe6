#!/usr/bin/env python3
"""Makes a bundle of what `gpu.sh` needs, for a machine with a GPU but without Rust and network.

    python3 benches/gpu_bundle.py [--out dist/kaggle-kit-gpu] [--images FOLDER]
    sh dist/kaggle-kit-gpu/gpu.sh --cpu --python PYTHON          # try it here

    tar xf kaggle-kit-gpu.tar.xz && sh kaggle-kit-gpu/gpu.sh --python PYTHON > result.md      # there

The programs are those of `cargo build`, stripped, without libtorch, which is twenty times as large: they take it
from a Python there that has torch 2.13 (`pip install torch timm torchvision`, or a machine image that has them),
through a link `torch` beside `bin`. That of PyPI is built for CUDA; one of another minor version does not fit.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
HERE = ROOT / "benches"
# Where the programs look for libtorch in the bundle, from where they are.
IN_BUNDLE = b"$ORIGIN/../torch/lib"
WEIGHTS = "tf_efficientnet_lite0.safetensors"


def say(line):
    print(line, flush=True)


def built():
    """The programs, by the names that they have in the bundle."""
    subprocess.run(["cargo", "build", "--bins", "--example", "network"], cwd=ROOT, check=True)
    told = subprocess.run(["cargo", "test", "--no-run", "--test", "it", "--message-format", "json"],
                          cwd=ROOT, check=True, stdout=subprocess.PIPE, universal_newlines=True).stdout
    made = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    tests = [one["executable"] for one in made if one.get("executable")
             and one["target"]["src_path"] == str(ROOT / "engine" / "tests" / "it" / "main.rs")]
    debug = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug"
    return {"network": debug / "examples" / "network", "kaggle-kit-engine": debug / "kaggle-kit-engine",
            "tests": pathlib.Path(tests[0])}


def take(program, place):
    """A copy that is stripped and looks for libtorch beside itself."""
    shutil.copy2(program, place)
    if shutil.which("strip"):
        subprocess.run(["strip", str(place)], check=True)
    told = subprocess.run(["readelf", "--dynamic", "--wide", str(place)], check=True,
                          stdout=subprocess.PIPE, universal_newlines=True).stdout
    paths = [line.split("[", 1)[1].split("]")[0] for line in told.splitlines()
             if "(RPATH)" in line or "(RUNPATH)" in line]
    data = place.read_bytes()
    for path in paths:
        # A text in the table of names, which ends with a zero; a shorter one fits in its place.
        old = path.encode() + b"\0"
        if len(old) <= len(IN_BUNDLE) or data.count(old) == 0:
            raise SystemExit("error: `%s` has no room for another path of libtorch than `%s`"
                             % (place.name, path))
        data = data.replace(old, IN_BUNDLE.ljust(len(old), b"\0"))
    place.write_bytes(data)


def main():
    parser = argparse.ArgumentParser(description="Makes a bundle for a machine with a GPU.")
    parser.add_argument("--out", default=str(ROOT / "dist" / "kaggle-kit-gpu"), help="the folder")
    parser.add_argument("--images", help="JPEGs to measure with; drawn there without them")
    arguments = parser.parse_args()
    out = pathlib.Path(arguments.out).absolute()
    programs = built()
    shutil.rmtree(out, ignore_errors=True)
    (out / "bin").mkdir(parents=True)
    for name, program in programs.items():
        take(program, out / "bin" / name)
    shutil.copy2(HERE / "network" / "network_torch.py", out / "bin")
    shutil.copy2(HERE / "gpu.sh", out)
    sys.path.insert(0, str(ROOT / "scripts"))
    import setup
    weights = setup.cache_folder() / "weights" / WEIGHTS
    if weights.is_file():
        (out / "cache" / "weights").mkdir(parents=True)
        shutil.copy2(weights, out / "cache" / "weights")
    if arguments.images:
        (out / "images").mkdir()
        for picture in sorted(pathlib.Path(arguments.images).glob("*.jpg"))[:400]:
            shutil.copy2(picture, out / "images")
    packed = out.with_name(out.name + ".tar.xz")
    with tarfile.open(packed, "w:xz", preset=3) as tar:
        tar.add(out, out.name)
    say("done: `%s`, and `%s` (%.0f MB)" % (out, packed, packed.stat().st_size / 1e6))


if __name__ == "__main__":
    main()
