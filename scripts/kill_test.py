#!/usr/bin/env python3
"""Ends kaggle-kit with `kill -9` at random moments of a fetch and of an upload, again and again.

    python3 scripts/kill_test.py [BINARY] [--standin BINARY] [--kills 40] [--seed 1]

A fetch of 200 MB and an upload of 24 MB from and to `standin serve`, each started anew after every
kill until it ends by itself; then what is there is compared with what the stand-in has, and the next
one begins, until there were 40 kills of each. The lines pass 50 and 8 MB a second, so that a kill
finds work half done. Bytes that went over the wire twice are counted from the stand-in's log; the
last piece, which was on its way when the kill came, is allowed to be among them. Exit code 0 only if
everything ended whole.
"""

import pathlib
import random
import shutil
import signal
import subprocess
import tempfile
import time

from fault_table import large_submission
from kaggle_clients import (SLUGS, Ours, Outcome, Standin, arguments, in_folder, main, programs,
                            table, unpacked)
from wheels import Failure, say

NAME = "dog-breed"  # its bundle holds the files themselves
SLUG = SLUGS[NAME]
FILLER = 200_000_000
FETCH_RATE = 50_000_000
UPLOAD_SIZE = 24_000_000
UPLOAD_RATE = 8_000_000
# What may have been on its way when a kill came: the buffers of both ends of a connection.
LAST_PIECE = 1 << 20
# No start ends by itself so late.
LIMIT = 120


class Tally:
    """What happened to one kind of work."""

    def __init__(self, kind):
        self.kind = kind
        self.n_kills = self.n_whole = self.total = self.twice = self.most_twice = 0
        self.problems = []


def start_and_kill(command, environment, after, output):
    """Starts a command and kills it after some seconds; its exit code, or None if it was killed."""
    with open(output, "ab") as file:
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=file,
                                   stderr=subprocess.STDOUT)
    try:
        return process.wait(timeout=LIMIT if after is None else after)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        if after is None:
            raise Failure("`%s` did not end within %d s" % (" ".join(command), LIMIT),
                          "its words are in `%s`" % output) from None
        return None


def go_on_until_done(tally, client, command, moments, kills, output):
    """One piece of work, killed at each moment until it ends by itself; whether it did well."""
    while True:
        after = next(moments) if tally.n_kills < kills else None
        code = start_and_kill(command, client.environment, after, output)
        if code is None:
            tally.n_kills += 1
            continue
        if code != 0:
            said = Outcome(code, output.read_text(errors="replace"), "").last_line
            tally.problems.append("exit code %d after %d kills: %s" % (code, tally.n_kills, said))
        return code == 0


def fetches(binary, server, scratch, kills, dice):
    tally = Tally("fetch")
    options = ["--competition", NAME, "--filler", str(FILLER), "--rate", str(FETCH_RATE)]
    with Standin(server, scratch, options) as standin:
        bundle = standin.bundle(SLUG)
        files = unpacked(bundle)
        whole = FILLER / FETCH_RATE
        moments = iter(lambda: dice.uniform(0.02, whole / 2), None)
        while tally.n_kills < kills and not tally.problems:
            home = scratch / "home"
            home.mkdir()
            client = Ours(binary, home, standin)
            n_before, before = tally.n_kills, standin.downloaded()
            done = go_on_until_done(tally, client, client.command("fetch", NAME), moments, kills,
                                    scratch / "output")
            if done:
                found = in_folder(home / "data" / NAME)
                wrong = [path for path, content in files.items()
                         if path not in found or found[path].read_bytes() != content]
                left = [path for path in found if path.endswith((".part", ".part.toml"))]
                tally.problems += ["%s is not what it should be" % path for path in wrong[:1]]
                tally.problems += ["%s is left over" % path for path in left[:1]]
                tally.n_whole += not wrong
            count(tally, standin.downloaded() - before, len(bundle), tally.n_kills - n_before)
            shutil.rmtree(home)
    return tally


def uploads(binary, server, scratch, kills, dice):
    tally = Tally("upload")
    options = ["--competition", NAME, "--rate", str(UPLOAD_RATE), "--daily-submissions", "1000"]
    with Standin(server, scratch, options) as standin:
        csv = scratch / "submission.csv"
        csv.write_text(large_submission(standin.bundle(SLUG), UPLOAD_SIZE))
        content = csv.read_bytes()
        whole = len(content) / UPLOAD_RATE
        moments = iter(lambda: dice.uniform(0.02, whole / 2), None)
        home = scratch / "home"
        home.mkdir()
        client = Ours(binary, home, standin)
        # A file is checked against the competition's sample submission before it is sent.
        client.must_run("fetch", NAME)
        n_done = 0
        while tally.n_kills < kills and not tally.problems:
            n_before, before = tally.n_kills, standin.uploaded()
            command = client.command("submit", "--csv", str(csv), NAME, "--upload",
                                     "-m", "try %d" % n_done)
            done = go_on_until_done(tally, client, command, moments, kills, scratch / "output")
            n_done += 1
            made = standin.submissions(SLUG)
            if done and len(made) != n_done:
                tally.problems.append("%d submissions after %d uploads" % (len(made), n_done))
            if done and standin.submitted(made[0]["ref"]) != content:
                tally.problems.append("submission %d is not what was sent" % made[0]["ref"])
            tally.n_whole += done and not tally.problems
            count(tally, standin.uploaded() - before, len(content), tally.n_kills - n_before)
    return tally


def count(tally, over_the_wire, size, n_kills):
    twice = over_the_wire - size
    tally.total += over_the_wire
    tally.twice += twice
    if n_kills:
        tally.most_twice = max(tally.most_twice, twice / n_kills)
        if twice > n_kills * LAST_PIECE:
            tally.problems.append("%d bytes went over the wire twice with %d kills"
                                  % (twice, n_kills))
    say("%s: %d kills, %d bytes, of which %d twice" % (tally.kind, n_kills, over_the_wire, twice))


def work():
    parser = arguments(__doc__)
    parser.add_argument("--kills", type=int, default=40, help="of each kind (40)")
    parser.add_argument("--seed", type=int, default=1, help="the moments follow from it (1)")
    parser.add_argument("--only", choices=["fetch", "upload"], help="only this kind")
    given = parser.parse_args()
    binary, server = programs(given)
    started = time.monotonic()
    tallies = []
    for kind, kill in (("fetch", fetches), ("upload", uploads)):
        if given.only in (None, kind):
            with tempfile.TemporaryDirectory(prefix="kaggle-kit-kills-") as scratch:
                dice = random.Random(given.seed)
                tallies.append(kill(binary, server, pathlib.Path(scratch), given.kills, dice))
    print()
    print(table(["work", "kills", "ended whole", "bytes over the wire", "of them twice",
                 "twice a kill, at most", "problem"],
                [[tally.kind, tally.n_kills, tally.n_whole, "{:,}".format(tally.total),
                  "{:,}".format(tally.twice), "{:,.0f}".format(tally.most_twice),
                  tally.problems[0] if tally.problems else ""] for tally in tallies]))
    print("%d s" % (time.monotonic() - started))
    return 1 if any(tally.problems for tally in tallies) else 0


if __name__ == "__main__":
    main(work)
