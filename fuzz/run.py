#!/usr/bin/env python3
"""Builds the fuzz targets and runs them: `fuzz/run.py TARGET... [--seconds N]`.

Without a target all of them run, one after the other. The seconds are of a processor, as on a busy
machine ten minutes may be one: a target runs in slices, on one corpus, until it had them. The corpus
grows in `fuzz/corpus/`, an input that breaks something is kept in `fuzz/artifacts/`. Works with a
stable compiler; with `--sanitizer` (nightly) memory errors in dependencies are found as well.
"""

import argparse
import os
import pathlib
import re
import resource
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
IN_MEMORY = pathlib.Path("/dev/shm")
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
    parser.add_argument("targets", nargs="*", help="their names; default: all")
    parser.add_argument("--list", action="store_true", help="tell the names of all targets")
    parser.add_argument("--built", action="store_true", help="run what is built already")
    parser.add_argument("--seconds", type=int, default=60,
                        help="of a processor, for each target (default: 60)")
    parser.add_argument("--at-most", type=int, metavar="SECONDS",
                        help="by the clock, for each target (default: four times --seconds)")
    parser.add_argument("--hang", type=int, default=20,
                        help="no input takes so many seconds; more on a busy machine (default: 20)")
    parser.add_argument("--place", type=pathlib.Path, metavar="FOLDER",
                        help="where targets write files; in memory what they flush costs nothing "
                             f"(default: {IN_MEMORY} where that is, else the usual)")
    parser.add_argument("--sanitizer", action="store_true", help="AddressSanitizer, with nightly")
    options = parser.parse_args()
    program = build(options)
    known = subprocess.check_output([program], env=environment(options), text=True).split()
    if options.list:
        print("\n".join(known))
        return
    unknown = [target for target in options.targets if target not in known]
    if unknown:
        parser.error(f"no target `{unknown[0]}`: there are {', '.join(known)}")
    targets = options.targets or known
    broken = [target for target in targets if not run(program, target, options)]
    if broken:
        sys.exit(f"error: broken by an input in fuzz/artifacts/: {', '.join(broken)}")


def build(options):
    host = next(
        line.split()[1]
        for line in subprocess.check_output(["rustc", "-vV"], text=True).splitlines()
        if line.startswith("host:")
    )
    program = HERE / "target" / host / "release" / "fuzz"
    if options.built and program.is_file():
        return program
    flags = FLAGS + (["-Zsanitizer=address"] if options.sanitizer else [])
    cargo = ["cargo", "+nightly"] if options.sanitizer else ["cargo"]
    # With `--target` the flags do not reach build scripts, which have no fuzzer to report to.
    subprocess.run(
        [*cargo, "build", "--release", "--target", host],
        cwd=HERE,
        env={**os.environ, "RUSTFLAGS": " ".join(flags)},
        check=True,
    )
    return program


def environment(options, **more):
    place = options.place or (IN_MEMORY if IN_MEMORY.is_dir() else None)
    chosen = {"TMPDIR": str(place.resolve())} if place else {}
    return {**os.environ, **chosen, **more}


def run(program, target, options):
    corpus, artifacts = HERE / "corpus" / target, HERE / "artifacts" / target
    corpus.mkdir(parents=True, exist_ok=True)
    artifacts.mkdir(parents=True, exist_ok=True)
    env = environment(options, FUZZ_TARGET=target, FUZZ_SEEDS=str(corpus))
    at_most = options.at_most or 4 * options.seconds
    begun, had, inputs, edges, memory = time.monotonic(), 0, 0, 0, 0
    while True:
        slice_of = min(options.seconds - had, at_most - (time.monotonic() - begun))
        if had and slice_of < 1:
            break
        before = processor_seconds()
        fuzzer = subprocess.Popen(
            [
                program,
                f"-max_total_time={max(1, round(slice_of))}",
                f"-artifact_prefix={artifacts}/",
                f"-timeout={options.hang}",
                "-rss_limit_mb=3000",
                "-max_len=20000",
                "-print_final_stats=1",
                corpus,
            ],
            cwd=HERE,
            env=env,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        for line in fuzzer.stderr:
            sys.stderr.write(line)
            if found := re.search(r" cov: (\d+)", line):
                edges = max(edges, int(found[1]))
            if found := re.match(r"stat::number_of_executed_units: *(\d+)", line):
                inputs += int(found[1])
            if found := re.match(r"stat::peak_rss_mb: *(\d+)", line):
                memory = max(memory, int(found[1]))
        failed = fuzzer.wait() != 0
        had += processor_seconds() - before
        if failed:
            break
    # A row of README.md.
    print(f"| `{target}` | {time.monotonic() - begun:.0f} s | {had:.0f} s | {inputs:,} | {edges:,} | "
          f"{memory} MB | {'broken' if failed else 'nothing'} |", flush=True)
    return not failed


def processor_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


main()
