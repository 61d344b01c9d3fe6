#!/usr/bin/env python3
"""How fast a network is before and after a change: ratios of images a second, in turns in one run, so that they
mean something on a machine that has other work.

    python3 benches/before_after.py OLD NEW [--size 128] [--batch 8] [--rounds 5] [--backbones A,B]

OLD and NEW are two programs of `cargo build --example network`, one of them in a checkout of another commit.
"""

import argparse
import statistics
import subprocess


def rates(program, backbone, arguments):
    """Images a second of each work, by its name."""
    command = [program, backbone, "--device", arguments.device, "--rounds", "1"]
    for name in ("size", "batch", "batches"):
        command += ["--" + name, str(getattr(arguments, name))]
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, universal_newlines=True).stdout
    rows = [[cell.strip() for cell in line.strip("|").split("|")]
            for line in told.splitlines() if line.startswith("|")]
    work, ours = rows[0].index("work"), rows[0].index("ours")
    return {row[work]: float(row[ours]) for row in rows[2:]}


def main():
    parser = argparse.ArgumentParser(description="Compares two programs that measure networks.")
    parser.add_argument("old")
    parser.add_argument("new")
    parser.add_argument("--backbones", default="tf_efficientnet_lite0,resnet50,convnext_tiny")
    parser.add_argument("--device", default="cpu")
    for name, value in (("size", 128), ("batch", 8), ("batches", 4), ("rounds", 5)):
        parser.add_argument("--" + name, type=int, default=value)
    arguments = parser.parse_args()
    print("| backbone | pixels | batch | work | before, images/s | after | times, median of turns | from | to |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for backbone in arguments.backbones.split(","):
        turns = []
        for turn in range(arguments.rounds):
            # Each is first in turn.
            order = (arguments.old, arguments.new) if turn % 2 == 0 else (arguments.new, arguments.old)
            found = {program: rates(program, backbone, arguments) for program in order}
            turns.append((found[arguments.old], found[arguments.new]))
        for work in turns[0][0]:
            before, after = ([turn[side][work] for turn in turns] for side in (0, 1))
            times = sorted(b / a for a, b in zip(before, after))
            print("| %s | %d | %d | %s | %.1f | %.1f | %.2f | %.2f | %.2f |" % (
                backbone, arguments.size, arguments.batch, work, statistics.median(before),
                statistics.median(after), statistics.median(times), times[0], times[-1]), flush=True)


if __name__ == "__main__":
    main()
