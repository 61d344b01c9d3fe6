#!/usr/bin/env python3
"""Trains with several ranks on this machine, ends them in every way, and compares with one process.

    python3 scripts/ranks_test.py BINARY [--torchrun /venv/bin/torchrun]

A small competition is drawn and fetched. One process trains; two and three ranks must come to the same
losses; ranks, rank 0 and whoever started them are ended with `kill -9`, and another number of ranks goes on;
`submit` in shares and folds side by side must come to what one process comes to. Ranks are started by
`--ranks`, by the variables that mpirun sets, and by torchrun where it is named (any venv with PyTorch 2.13).
"""

import argparse
import csv
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time

from kaggle_clients import Standin, TOKEN, main, program, say
from wheels import Failure

NAME = "dogs-vs-cats"
# Losses of steps may differ by so much: gradients are added up in another order, and AdamW makes whole
# steps of what rounding leaves of a gradient that is zero.
MOST_APART = 1e-4
LONGEST = 300  # seconds that anything may take here


class Field:
    """A folder with data, in which runs are trained."""

    def __init__(self, binary, root):
        self.binary, self.root = binary, root

    def command(self, *arguments):
        return [str(self.binary), "--root", str(self.root)] + list(arguments)

    def train(self, *arguments):
        return self.command("train", NAME, "--smoke", "--device", "cpu", *arguments)

    def runs(self):
        return sorted((self.root / "runs" / NAME).iterdir())

    def losses(self):
        """Of each step of the newest run; of a step that was made twice the last."""
        with open(self.runs()[-1] / "steps.csv") as file:
            return {int(row["step"]): float(row["loss"]) for row in csv.DictReader(file)}

    def clear(self):
        for run in self.runs():
            for file in sorted(run.rglob("*"), reverse=True):
                file.rmdir() if file.is_dir() else file.unlink()
            run.rmdir()


def finished(command, env=None, code=0):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=LONGEST, env=dict(os.environ, **(env or {})))
    if done.returncode != code:
        raise Failure("`%s` ended with %d, not %d: %s"
                      % (" ".join(command), done.returncode, code, done.stderr.strip()[-2000:]),
                      "see above")
    return done


def compare(what, one, other):
    if one.keys() != other.keys():
        raise Failure("%s: %d steps, not %d" % (what, len(other), len(one)), "they should be as many")
    apart = max(abs(one[step] - other[step]) for step in one)
    say("%s: %d steps, losses at most %.1e apart" % (what, len(one), apart))
    if not apart <= MOST_APART:
        raise Failure("%s: losses differ by %.1e" % (what, apart), "at most %.0e" % MOST_APART)


def check_predictions(run):
    with open(run / "valid-predictions.csv") as file:
        ids = [row[0] for row in csv.reader(file)][1:]
    with open(run / "split.csv") as file:
        held_out = [row["id"] for row in csv.DictReader(file) if row["part"] == "valid"]
    if sorted(ids) != sorted(held_out):
        raise Failure("%d predictions of %d held-out images" % (len(ids), len(held_out)),
                      "each is predicted once")


def children(parent):
    listed = subprocess.run(["pgrep", "-P", str(parent)], stdout=subprocess.PIPE, text=True)
    return [int(line) for line in listed.stdout.split()]


def is_there(process):
    try:
        with open("/proc/%d/stat" % process) as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def end_in_the_middle(field, ranks, whom, told, code):
    """Starts ranks, ends one of them or their parent in the middle of things, and looks what comes of it."""
    log = open(field.root / "stderr.txt", "w+")
    arguments = field.train("--ranks", str(ranks), "--checkpoint-every", "0", "--no-progress")
    parent = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=log)
    start = time.monotonic()
    while "stage 3" not in (text := (field.root / "stderr.txt").read_text()) \
            and "\n3. " not in text and "\n4. " not in text:
        if time.monotonic() - start > LONGEST or parent.poll() is not None:
            raise Failure("training did not begin: %s" % text[-1000:], "see above")
        time.sleep(0.05)
    time.sleep(0.7)
    ranks_of_it = children(parent.pid)
    if len(ranks_of_it) != ranks:
        raise Failure("%d ranks, not %d" % (len(ranks_of_it), ranks), "is `pgrep` there?")
    start = time.monotonic()
    if whom == "interrupt":
        os.kill(parent.pid, signal.SIGINT)
    else:
        os.kill(parent.pid if whom == "parent" else ranks_of_it[whom], signal.SIGKILL)
    found = parent.wait(timeout=60)
    while any(is_there(process) for process in ranks_of_it):
        if time.monotonic() - start > 15:
            raise Failure("ranks were left behind: %s" % ranks_of_it, "nobody should be")
        time.sleep(0.02)
    seconds = time.monotonic() - start
    text = (field.root / "stderr.txt").read_text()
    if found != code or told not in text:
        raise Failure("it ended with %d, not %d, and said: %s" % (found, code, text[-1000:]),
                      "expected `%s`" % told)
    say("%s of %d: code %d, nobody left after %.1f s" % (
        "rank %d" % whom if isinstance(whom, int) else whom, ranks, found, seconds))


def free_port():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


def as_mpirun_would(field, world):
    port = str(free_port())
    ranks = []
    for rank in range(world):
        env = dict(os.environ, OMPI_COMM_WORLD_RANK=str(rank), OMPI_COMM_WORLD_SIZE=str(world),
                   OMPI_COMM_WORLD_LOCAL_RANK=str(rank), OMPI_COMM_WORLD_LOCAL_SIZE=str(world),
                   MASTER_PORT=port)
        ranks.append(subprocess.Popen(field.train("--anew", "--quiet"), env=env))
    codes = [rank.wait(timeout=LONGEST) for rank in ranks]
    if any(codes):
        raise Failure("ranks ended with %s" % codes, "see above")


def submission(field, *arguments):
    for kept in (field.root / "runs" / NAME).glob("*/test-predictions*"):
        kept.unlink()
    finished(field.command("submit", NAME, "--device", "cpu", *arguments))
    return next((field.root / "submissions").glob("*.csv")).read_bytes()


def work():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("binary", help="kaggle-kit")
    parser.add_argument("--torchrun", help="of a PyTorch of the same version, to start ranks with")
    arguments = parser.parse_args()
    binary = program(arguments.binary)
    with tempfile.TemporaryDirectory(prefix="kaggle-kit-ranks-") as scratch:
        field = Field(binary, pathlib.Path(scratch))
        with Standin(binary, scratch, ["--competition", NAME, "--train-images", "60",
                                       "--test-images", "45"]) as standin:
            finished(field.command("fetch", NAME, "--endpoint", standin.url, "--quiet"),
                     {"KAGGLE_API_TOKEN": TOKEN})
        finished(field.train("--quiet"))
        one = field.losses()
        alone = submission(field)
        if submission(field, "--ranks", "2") != alone or submission(field, "--ranks", "3") != alone:
            raise Failure("`submit` in shares writes another file", "the same bytes are expected")
        say("`submit` by 1, 2 and 3 ranks: the same bytes")

        weights = {}
        for ranks in (2, 3, 2):
            finished(field.train("--ranks", str(ranks), "--anew", "--quiet"))
            compare("%d ranks" % ranks, one, field.losses())
            check_predictions(field.runs()[-1])
            made = (field.runs()[-1] / "weights.safetensors").read_bytes()
            if weights.setdefault(ranks, made) != made:
                raise Failure("%d ranks twice: other weights" % ranks, "the same bytes are expected")
        say("2 ranks twice: the same bytes")

        field.clear()
        end_in_the_middle(field, 2, 1, "error: rank 1 was ended by SIGKILL", 1)
        end_in_the_middle(field, 3, 0, "error: rank 0 was ended by SIGKILL", 1)
        end_in_the_middle(field, 2, "parent", "going on after step", -signal.SIGKILL)
        end_in_the_middle(field, 3, "interrupt", "hint: run the same command again", 130)
        told = finished(field.train("--no-progress")).stderr
        if "going on after step" not in told or len(field.runs()) != 1:
            raise Failure("it did not go on: %s" % told[-1000:], "one run is expected")
        compare("ended four times as 2, 3, 2 and 3 ranks, then alone", one, field.losses())

        as_mpirun_would(field, 2)
        compare("with mpirun's variables", one, field.losses())
        if arguments.torchrun:
            finished([arguments.torchrun, "--nproc-per-node", "2", "--no-python"]
                     + field.train("--anew", "--quiet"))
            compare("torchrun", one, field.losses())

        field.clear()
        told = finished(field.train("--folds", "3", "--ranks", "2", "--no-progress")).stderr
        if len(field.runs()) != 3 or "fold 3: " not in told:
            raise Failure("%d folds: %s" % (len(field.runs()), told[-1000:]), "three are expected")
        say("3 folds, 2 at a time: %d runs" % len(field.runs()))
    return 0


if __name__ == "__main__":
    main(work)
