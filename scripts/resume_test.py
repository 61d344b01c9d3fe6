#!/usr/bin/env python3
"""Ends training with `kill -9` at random moments, again and again, and compares with an undisturbed run.

    python3 scripts/resume_test.py BINARY [--kills 20] [--seed 1] [--sweep]

A small competition is drawn and fetched; one run trains in peace, another is killed as often as
asked for, at moments chosen at random, and goes on with the same command. The one in peace decodes
every picture anew, the other keeps them decoded. Weights, predictions, decision and the table of steps
must be the same, byte for byte.

With `--sweep` it is a sweep of four trials over two folds that is killed, now alone, now with what it
started; its table must be the same but for times and names of runs.
"""

import argparse
import csv
import os
import pathlib
import random
import signal
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


SWEEP = ["--try", "head.width=0,16", "--try", "seed=1,2", "--folds", "2",
         "--set", "size=64", "--set", "batch-size=8", "--set", "max-images=96",
         "--set", "head-on-activations.min-steps=60", "--set", "find-head-rate.steps=20",
         "--set", "whole-network.max-cycles=1"]


def begin(binary, root, command):
    """In a process group of its own, so that what it starts can be killed with it; what it tells goes to a
    file, which a process that outlives its parent may keep open."""
    with open(str(told_in(root)), "a") as told:
        return subprocess.Popen([str(binary), "--root", str(root)] + command, stdout=subprocess.DEVNULL,
                                stderr=told, start_new_session=True)


def told_in(root):
    return root.with_suffix(".log")


def train(keep):
    return ["train", "dogs-vs-cats", "--checkpoint-every", "0", "--keep-pictures", keep,
            "--refit=never"] + RECIPE


def sweep():
    return ["sweep", "dogs-vs-cats"] + SWEEP


def to_the_end(binary, root, command):
    if begin(binary, root, command).wait() != 0:
        raise Failure("`%s` failed: %s" % (command[0], told_in(root).read_text()[-2000:]), "see above")


def is_finished(root, is_sweep):
    if is_sweep:
        return any((root / "sweeps").glob("*.csv"))
    return any((root / "runs").glob("*/*/summary.toml"))


def only_run(root):
    runs = sorted((root / "runs" / "dogs-vs-cats").iterdir())
    if len(runs) != 1:
        raise Failure("%d run folders instead of one" % len(runs), "a killed run did not go on")
    return runs[0]


def differing(ours, theirs):
    """Files of two runs that differ, and those that are there."""
    different = [name for name in SAME
                 if (ours / name).exists() != (theirs / name).exists()
                 or (ours / name).exists() and (ours / name).read_bytes() != (theirs / name).read_bytes()]
    return different, [name for name in SAME if (theirs / name).exists()]


def trials(root):
    """The rows of a sweep's table, without how long each took and what its last run is called."""
    (table,) = (root / "sweeps").glob("*.csv")
    with open(str(table), newline="") as file:
        rows = list(csv.DictReader(file))
    return [[(name, cell) for name, cell in row.items() if name not in ("seconds", "run")] for row in rows]


def work():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("binary", help="kaggle-kit")
    parser.add_argument("--kills", type=int, default=20, help="how often (20)")
    parser.add_argument("--seed", type=int, default=1, help="the moments follow from it (1)")
    parser.add_argument("--sweep", action="store_true", help="kill a sweep instead of a training")
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
        to_the_end(binary, peace, sweep() if arguments.sweep else train("never"))
        whole = time.monotonic() - start
        say("undisturbed: %.1f s" % whole)
        kills = 0
        command = sweep() if arguments.sweep else train("always")
        while kills < arguments.kills and not is_finished(war, arguments.sweep):
            process = begin(binary, war, command)
            # Half of the lives are shorter than the start; the others get further than the one before.
            time.sleep(dice.uniform(0.02, 2.4 / arguments.kills) * whole)
            if arguments.sweep and kills % 2:
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            kills += 1
        if not is_finished(war, arguments.sweep):
            to_the_end(binary, war, command)
        if arguments.sweep:
            ours, theirs = trials(war), trials(peace)
            if ours != theirs:
                raise Failure("after %d kills the table differs: %r, %r" % (kills, ours, theirs),
                              "a sweep does not go on where it stood")
            print("%d kills; the tables of %d trials are the same" % (kills, len(ours)))
            return 0
        told = told_in(war).read_text().splitlines()
        places = [line.split()[-1] for line in told if "going on after step" in line]
        say("%d kills; it went on after steps %s" % (kills, ", ".join(places)))
        different, there = differing(only_run(war), only_run(peace))
    if different:
        raise Failure("after %d kills these differ: %s" % (kills, ", ".join(different)),
                      "training does not go on where it stood")
    print("%d kills; %d files are the same, byte for byte: %s" % (kills, len(there), ", ".join(there)))
    return 0


if __name__ == "__main__":
    main(work)
