#!/usr/bin/env python3
"""Downloading against `curl`: the same bundle from `standin serve` on this machine, in turns.

    python3 benches/download.py [BINARY] [--standin BINARY] [--bytes 500000000] [--rounds 5]

Ours is timed from the start of `fetch` until the bundle, verified by its checksums, has its name;
curl from its start to its end, without any check. The program's own start, of which the loading of
libtorch is most, is told beside it. The memory is the most that was not backed by files at any
moment of `fetch`, unpacking included, and that of `--version`: what libtorch takes.
"""

import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "scripts"))

from kaggle_clients import (SLUGS, TOKEN, Ours, Standin, arguments, main, programs, sha256,
                            table)
from wheels import Failure

NAME = "dog-breed"  # its bundle holds the files themselves


def with_curl(standin, path):
    url = standin.url + "/api/v1/competitions.CompetitionApiService/DownloadDataFiles"
    start = time.monotonic()
    subprocess.run(["curl", "--silent", "--show-error", "--fail", "--location", "--noproxy", "*",
                    "--header", "Authorization: Bearer " + TOKEN,
                    "--header", "Content-Type: application/json",
                    "--data", '{"competitionName": "%s"}' % SLUGS[NAME],
                    "--output", str(path), url], check=True)
    return time.monotonic() - start


def with_ours(binary, standin, home):
    """Seconds until the bundle is there, the memory of the whole command, and a hash."""
    client = Ours(binary, home, standin)
    bundle = home / "data" / NAME / "archives" / (SLUGS[NAME] + ".zip")
    seconds, memory = watched(client.command("fetch", NAME, "--keep-archives"),
                              client.environment, bundle.exists)
    if not bundle.exists():
        raise Failure("`fetch` left no bundle", "is `%s` built from this tree?" % binary)
    return seconds, memory, sha256(bundle)


def watched(command, environment, is_there):
    """Runs a command: seconds until something is there, and the most memory."""
    start = time.monotonic()
    process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    seconds, memory = None, 0
    while process.poll() is None:
        if seconds is None and is_there():
            seconds = time.monotonic() - start
        memory = max(memory, anonymous_memory(process.pid))
        time.sleep(0.002)
    if process.returncode != 0:
        raise Failure("`%s` failed: %s" % (" ".join(command), process.stderr.read().strip()),
                      "is it built from this tree?")
    return seconds or time.monotonic() - start, memory


def anonymous_memory(pid):
    """In bytes, where the system tells."""
    try:
        lines = pathlib.Path("/proc/%d/status" % pid).read_text().splitlines()
    except OSError:
        return 0
    kinds = ("RssAnon:", "RssShmem:")
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(kinds))


def work():
    parser = arguments(__doc__)
    parser.add_argument("--bytes", type=int, default=500_000_000, help="size of the bundle")
    parser.add_argument("--rounds", type=int, default=5, help="how often each downloads it")
    given = parser.parse_args()
    binary, server = programs(given)
    if not shutil.which("curl"):
        raise Failure("there is no `curl`", "it is what this measures against")
    curl, ours, starts, memory, idle = [], [], [], 0, 0
    options = ["--competition", NAME, "--filler", str(given.bytes)]
    with tempfile.TemporaryDirectory() as scratch, Standin(server, scratch, options) as standin:
        scratch = pathlib.Path(scratch)
        for _ in range(given.rounds):
            curl.append(with_curl(standin, scratch / "curl.zip"))
            expected = sha256(scratch / "curl.zip")
            (scratch / "curl.zip").unlink()
            home = scratch / "home"
            home.mkdir()
            seconds, peak, found = with_ours(binary, standin, home)
            if found != expected:
                raise Failure("the two bundles differ", "one of the programs damages what it gets")
            ours.append(seconds)
            memory = max(memory, peak)
            seconds, peak = watched([str(binary), "--version"], None, lambda: False)
            starts.append(seconds)
            idle = max(idle, peak)
            shutil.rmtree(home)
    theirs, own, start = (statistics.median(times) for times in (curl, ours, starts))
    cells = [given.bytes] + ["%.2f s" % seconds for seconds in (theirs, own, start)]
    cells += ["%.2f" % (own / theirs), "%.2f" % ((own - start) / theirs)]
    cells += ["%.0f MB" % (amount / 1e6) for amount in (memory, idle)]
    print(table(["bytes", "curl", "kaggle-kit, verified", "its start", "ratio",
                 "ratio without the start", "memory", "memory of `--version`"], [cells]))
    return 0


main(work)
