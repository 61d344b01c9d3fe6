#!/usr/bin/env python3
"""Builds the fuzz targets and runs them: `fuzz/run.py TARGET... [--seconds N]`.

Without a target all of them run, one after the other, and each tells how much of the processor it had:
on a busy machine ten minutes may be one. The corpus grows in `fuzz/corpus/`, an input
that breaks something is kept in `fuzz/artifacts/`. Works with a stable compiler; with
`--sanitizer` (nightly) memory errors in dependencies are found as well.
"""

import argparse
import os
import pathlib
import resource
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
OF_A_RUN = [
    "recipe",
    "summary",
    "views",
    "decision",
    "split",
    "predictions",
    "events",
    "steps",
    "checkpoint",
    "submission",
    "kept",
    "made_from",
]
OF_DATA = ["fetched", "manifest", "plan"]
TARGETS = [
    *["zip", "tar", "seven_z", "packed", "csv", "json", "weights"],
    *["convert", "picture", "infer", "labels", "spec"],
    *["run_" + file for file in OF_A_RUN],
    *["data_" + file for file in OF_DATA],
]
# What cargo-fuzz passes: coverage for libFuzzer, and checks that a release build leaves out.
FLAGS = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=1",
    "--cfg=fuzzing",
]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("targets", nargs="*", help="of " + ", ".join(TARGETS) + "; default: all")
    parser.add_argument("--seconds", type=int, default=60, help="for each target (default: 60)")
    parser.add_argument("--hang", type=int, default=20,
                        help="no input takes so many seconds; more on a busy machine (default: 20)")
    parser.add_argument("--sanitizer", action="store_true", help="AddressSanitizer, with nightly")
    options = parser.parse_args()
    unknown = [target for target in options.targets if target not in TARGETS]
    if unknown:
        parser.error(f"no target `{unknown[0]}`: there are {', '.join(TARGETS)}")
    targets = options.targets or TARGETS
    folder = build(targets, options.sanitizer)
    subprocess.run([folder / "seeds", "corpus"], cwd=HERE, check=True)
    broken = [target for target in targets if not run(folder / target, target, options)]
    if broken:
        sys.exit(f"error: broken by an input in fuzz/artifacts/: {', '.join(broken)}")


def build(targets, sanitizer):
    host = next(
        line.split()[1]
        for line in subprocess.check_output(["rustc", "-vV"], text=True).splitlines()
        if line.startswith("host:")
    )
    flags = FLAGS + (["-Zsanitizer=address"] if sanitizer else [])
    cargo = ["cargo", "+nightly"] if sanitizer else ["cargo"]
    # With `--target` the flags do not reach build scripts, which have no fuzzer to report to.
    bins = [argument for target in [*targets, "seeds"] for argument in ("--bin", target)]
    subprocess.run(
        [*cargo, "build", "--release", "--target", host, *bins],
        cwd=HERE,
        env={**os.environ, "RUSTFLAGS": " ".join(flags)},
        check=True,
    )
    return HERE / "target" / host / "release"


def run(program, target, options):
    corpus, artifacts = HERE / "corpus" / target, HERE / "artifacts" / target
    corpus.mkdir(parents=True, exist_ok=True)
    artifacts.mkdir(parents=True, exist_ok=True)
    print(f"{target}: {options.seconds} s", flush=True)
    before = processor_seconds()
    done = subprocess.run(
        [
            program,
            f"-max_total_time={options.seconds}",
            f"-artifact_prefix={artifacts}/",
            f"-timeout={options.hang}",
            "-rss_limit_mb=3000",
            "-max_len=20000",
            "-print_final_stats=1",
            corpus,
        ],
        cwd=HERE,
        check=False,
    )
    print(f"{target}: {processor_seconds() - before:.0f} s of a processor", flush=True)
    return done.returncode == 0


def processor_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


main()
