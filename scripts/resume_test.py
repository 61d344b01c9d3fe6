#!/usr/bin/env python3
"""Ends training with `kill -9` at random moments, again and again, and compares with an undisturbed run.

    python3 scripts/resume_test.py BINARY [--kills 20] [--seed 1]

A small competition is drawn and fetched; one run trains in peace, another is killed as often as
asked for, at moments chosen at random, and goes on with the same command. The one in peace decodes
every picture anew, the other keeps them decoded. Weights, predictions, decision and the table of steps
must be the same, byte for byte.
"""

import argparse
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

from kaggle_clients import Standin, TOKEN, main, program, say
from wheels import Failure

RECIPE = ["--set", "size=64", "--set", "batch-size=8", "--set", "max-images=96",
          "--set", "head-on-activations.min-steps=60", "--set", "find-full-rate.steps=10",
          "--set", "find-full-rate.share=0",
          "--set", "find-head-rate.steps=20", "--set", "whole-network.max-cycles=3",
          "--set", "whole-network.min-gain=-9.0", "--set", "precompute.views=1",
          "--set", "optimizer.average=0.9", "--set", "loss.mixup=0.2",
          "--set", "whole-network.snapshots=2"]
SAME = ["weights.safetensors", "valid-predictions.csv", "decision.toml", "steps.csv", "split.csv",
        "cycle-8-1.safetensors", "cycle-8-2.safetensors", "cycle-8-3.safetensors"]


def train(binary, root, keep):
    command = [str(binary), "--root", str(root), "train", "dogs-vs-cats", "--checkpoint-every", "0",
               "--keep-pictures", keep]
    return subprocess.Popen(command + RECIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                            text=True)


def to_the_end(binary, root, keep):
    process = train(binary, root, keep)
    _, told = process.communicate()
    if process.returncode != 0:
        raise Failure("`train` failed: %s" % told.strip(), "see above")
    return told


def is_finished(root):
    return any((root / "runs").glob("*/*/summary.toml"))


def only_run(root):
    runs = sorted((root / "runs" / "dogs-vs-cats").iterdir())
    if len(runs) != 1:
        raise Failure("%d run folders instead of one" % len(runs), "a killed run did not go on")
    return runs[0]


def work():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("binary", help="kaggle-kit")
    parser.add_argument("--kills", type=int, default=20, help="how often (20)")
    parser.add_argument("--seed", type=int, default=1, help="the moments follow from it (1)")
    arguments = parser.parse_args()
    binary = program(arguments.binary)
    dice = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory(prefix="kaggle-kit-resume-") as scratch:
        scratch = pathlib.Path(scratch)
        peace, war = scratch / "peace", scratch / "war"
        with Standin(binary, scratch, ["--competition", "dogs-vs-cats"]) as standin:
            for root in (peace, war):
                subprocess.run([str(binary), "--root", str(root), "fetch", "dogs-vs-cats",
                                "--endpoint", standin.url, "--quiet"], check=True,
                               env=dict(os.environ, KAGGLE_API_TOKEN=TOKEN))
        start = time.monotonic()
        to_the_end(binary, peace, "never")
        whole = time.monotonic() - start
        say("undisturbed: %.1f s" % whole)
        kills, told = 0, []
        while kills < arguments.kills and not is_finished(war):
            process = train(binary, war, "always")
            # Half of the lives are shorter than the start; the others get further than the one before.
            time.sleep(dice.uniform(0.02, 2.4 / arguments.kills) * whole)
            process.kill()
            told += process.communicate()[1].splitlines()
            kills += 1
        if not is_finished(war):
            told += to_the_end(binary, war, "always").splitlines()
        places = [line.split()[-1] for line in told if "going on after step" in line]
        say("%d kills; it went on after steps %s" % (kills, ", ".join(places)))
        ours, theirs = only_run(war), only_run(peace)
        different = [name for name in SAME
                     if (ours / name).exists() != (theirs / name).exists()
                     or (ours / name).exists() and (ours / name).read_bytes() != (theirs / name).read_bytes()]
        there = [name for name in SAME if (theirs / name).exists()]
    if different:
        raise Failure("after %d kills these differ: %s" % (kills, ", ".join(different)),
                      "training does not go on where it stood")
    print("%d kills; %d files are the same, byte for byte: %s" % (kills, len(there), ", ".join(there)))
    return 0


if __name__ == "__main__":
    main(work)
