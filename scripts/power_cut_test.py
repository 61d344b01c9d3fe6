#!/usr/bin/env python3
"""Cuts the power of a disk at random moments of a fetch and of the seconds after it, again and again.

    sudo python3 scripts/power_cut_test.py [BINARY] [--cuts 40] [--seed 1]

The disk is a file with ext4 on it. A cut is the kernel's own (`FS_IOC_SHUTDOWN` without its log): what
nobody flushed by then is lost. Half of the fetches unpack a zip, half download from `standin serve`.
After each cut `fetched.toml` must be there only if every file is what it says (`fetch --check`), the
next fetch must end whole, and no download may be gone that was not replaced. Needs root.
"""

import argparse
import fcntl
import os
import pathlib
import random
import struct
import subprocess
import tempfile
import time
import zipfile

from kaggle_clients import Standin, TOKEN, main, program, say
from wheels import Failure

NAME = "dogs-vs-cats"
SHUTDOWN, WITHOUT_LOG = 0x8004587D, 2
# The kernel writes by itself what is older than half a minute; a program that does not flush loses
# what it wrote in the last seconds.
AFTER = 3.0


def run(*command, **more):
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, **more)
    if done.returncode != 0:
        raise Failure("`%s` failed: %s" % (" ".join(map(str, command)), done.stdout.strip()),
                      "this test needs root, loop devices and mkfs.ext4")
    return done.stdout


class Disk:
    """A disk that loses its power."""

    def __init__(self, folder):
        self.image, self.place = folder / "disk", folder / "place"
        self.place.mkdir()

    def make(self):
        self.image.unlink(missing_ok=True)
        with open(self.image, "wb") as image:
            image.truncate(400 << 20)
        run("mkfs.ext4", "-q", "-F", self.image)
        self.mount()

    def mount(self):
        run("mount", "-o", "loop", self.image, self.place)

    def unmount(self):
        if os.path.ismount(self.place):
            run("umount", self.place)

    def cut(self):
        folder = os.open(self.place, os.O_RDONLY)
        try:
            fcntl.ioctl(folder, SHUTDOWN, struct.pack("I", WITHOUT_LOG))
        finally:
            os.close(folder)


def drawn(path):
    """Pictures are not decoded by a fetch: noise is as good."""
    dice = random.Random(7)
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(300):
            archive.writestr("train/%s.%d.jpg" % (("cat", "dog")[i % 2], i), dice.randbytes(20_000))
        for i in range(100):
            archive.writestr("test/%d.jpg" % (i + 1), dice.randbytes(20_000))
        rows = ["id,label"] + ["%d,0.5" % (i + 1) for i in range(100)]
        archive.writestr("sample_submission.csv", "\n".join(rows) + "\n")


class Trial:
    """One disk, one fetch, one cut."""

    def __init__(self, binary, disk, sources):
        self.disk, self.sources = disk, sources
        self.command = [str(binary), "--root", str(disk.place / "root"), "fetch", NAME]
        self.environment = dict(os.environ, KAGGLE_API_TOKEN=TOKEN)

    def fetch(self):
        return subprocess.Popen(self.command + self.sources, env=self.environment, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def duration(self):
        self.disk.make()
        start = time.monotonic()
        process = self.fetch()
        told, _ = process.communicate()
        self.disk.unmount()
        if process.returncode != 0:
            raise Failure("the fetch failed: %s" % told.strip(), "see above")
        return time.monotonic() - start

    def cut(self, moment):
        """Returns whether the record was there after the cut, and whether the fetch had ended."""
        self.disk.make()
        try:
            process = self.fetch()
            time.sleep(moment)
            ended = process.poll() == 0
            self.disk.cut()
            process.kill()
            process.communicate()
        finally:
            self.disk.unmount()
        self.disk.mount()
        try:
            record = (self.disk.place / "root/data" / NAME / "fetched.toml").exists()
            if record:
                run(*self.command, "--check", env=self.environment)
            elif ended:
                raise Failure("the fetch ended with 0, and its record is gone",
                              "the folder is not flushed after the rename")
            run(*self.command, *self.sources, env=self.environment)
            run(*self.command, "--check", env=self.environment)
        finally:
            self.disk.unmount()
        return record, ended


def work():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("binary", nargs="?", default="./kaggle-kit", help="kaggle-kit")
    parser.add_argument("--cuts", type=int, default=40, help="how often (40)")
    parser.add_argument("--seed", type=int, default=1, help="the moments follow from it (1)")
    arguments = parser.parse_args()
    binary = program(arguments.binary)
    dice = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory(prefix="kaggle-kit-power-") as scratch:
        scratch = pathlib.Path(scratch)
        disk = Disk(scratch)
        drawn(scratch / "all.zip")
        counts = {"before the end": 0, "after it": 0, "record kept": 0}
        with Standin(binary, scratch, ["--competition", NAME]) as standin:
            trials = [Trial(binary, disk, ["--from", str(scratch / "all.zip")]),
                      Trial(binary, disk, ["--endpoint", standin.url])]
            durations = [trial.duration() for trial in trials]
            say("undisturbed: %s" % ", ".join("%.1f s" % seconds for seconds in durations))
            for i in range(arguments.cuts):
                which = i % len(trials)
                record, ended = trials[which].cut(dice.uniform(0, durations[which] + AFTER))
                counts["after it" if ended else "before the end"] += 1
                counts["record kept"] += record
    say("%d cuts: %s; every record was true, every next fetch came to its end" % (
        arguments.cuts, ", ".join("%d %s" % (n, what) for what, n in counts.items())))


if __name__ == "__main__":
    main(work)
