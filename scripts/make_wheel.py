#!/usr/bin/env python3
"""Makes the wheel: all three programs, the default weights, manual pages and completions.

    python3 scripts/make_wheel.py [--out dist]

What it holds is linked with no libtorch of its own: it asks for torch 2.13 and finds that in the Python
environment (src/sibling/pytorch.rs). Its tag says which glibc it needs; that is read from the programs,
since they are built on this machine. maturin comes from PyPI into target/, unless it is there already.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "programs"
DATA = PACKAGE / "kaggle_kit.data"
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", PACKAGE / "target"))
PROGRAMS = ("kaggle-kit", "kaggle-kit-engine", "kaggle-kit-standin")
MATURIN = "maturin>=1.16,<2"

# glibc of a manylinux tag -> the newest GLIBCXX that all its distributions have (auditwheel's policies).
GLIBCXX = {28: 24, 31: 28, 34: 29, 35: 30, 38: 32, 39: 33}


class Failure(Exception):
    pass


def say(line):
    print(line, flush=True)


def run(command, **options):
    result = subprocess.run([str(part) for part in command], **options)
    if result.returncode != 0:
        raise Failure("`%s` failed" % " ".join(str(part) for part in command[:4]))
    return result


def environment():
    """Cargo's, for programs that bring no place of libtorch."""
    env = dict(os.environ, KAGGLE_KIT_WHEEL="1")
    env.setdefault("LIBTORCH", str((ROOT / ".libtorch").resolve()))
    return env


def maturin():
    """The path of maturin's program."""
    found = shutil.which("maturin")
    if found:
        return found
    folder = TARGET / "maturin"
    program = folder / "bin" / "maturin"
    if not program.is_file():
        run([sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
             "--target", folder, MATURIN])
    return program


def symbols(program):
    """The newest glibc and GLIBCXX that a program asks for: 2.x and 3.4.x as x."""
    told = run(["readelf", "--version-info", "--wide", program], capture_output=True,
               text=True).stdout
    glibc = [int(n) for n in re.findall(r"GLIBC_2\.(\d+)", told)]
    glibcxx = [int(n) for n in re.findall(r"GLIBCXX_3\.4\.(\d+)", told)]
    return max(glibc, default=17), max(glibcxx, default=0)


def tag(folder):
    """The oldest manylinux that has all symbols, never older than torch's own."""
    needs = [symbols(folder / name) for name in PROGRAMS]
    glibc, glibcxx = max(need[0] for need in needs), max(need[1] for need in needs)
    fitting = [minor for minor, has in GLIBCXX.items() if minor >= glibc and has >= glibcxx]
    if not fitting:
        raise Failure("the programs need glibc 2.%d and GLIBCXX 3.4.%d, newer than any manylinux tag "
                      "that this script knows" % (glibc, glibcxx))
    return "manylinux_2_%d" % min(fitting), "glibc 2.%d, GLIBCXX 3.4.%d" % (glibc, glibcxx)


def fill_data(programs):
    """What lies beside the programs in an environment: share/."""
    shutil.rmtree(DATA, ignore_errors=True)
    share = DATA / "data" / "share"
    weights = share / "kaggle-kit" / "weights"
    weights.mkdir(parents=True)
    sys.path.insert(0, str(ROOT / "scripts"))
    import setup
    shutil.copy(setup.cache_folder() / "weights" / setup.WEIGHTS, weights)
    # The program without libtorch says both.
    kaggle_kit = programs / "kaggle-kit"
    run([kaggle_kit, "--quiet", "completions", "--man", share / "man" / "man1"])
    for shell, path in (("bash", "bash-completion/completions/kaggle-kit"),
                        ("zsh", "zsh/site-functions/_kaggle-kit"),
                        ("fish", "fish/vendor_completions.d/kaggle-kit.fish")):
        path = share / path
        path.parent.mkdir(parents=True)
        with open(path, "wb") as file:
            run([kaggle_kit, "completions", shell], stdout=file)


def main(arguments):
    parser = argparse.ArgumentParser(description="Makes the wheel.")
    parser.add_argument("--out", default=str(ROOT / "dist"), help="the folder it is written into")
    out = pathlib.Path(parser.parse_args(arguments).out).absolute()
    env = environment()
    run(["cargo", "build", "--release", "--manifest-path", PACKAGE / "Cargo.toml"], env=env)
    programs = TARGET / "release"
    compatibility, needs = tag(programs)
    say("%s: the programs need %s" % (compatibility, needs))
    fill_data(programs)
    try:
        # Its own check wants to pack libtorch in.
        run([maturin(), "build", "--release", "--manifest-path", PACKAGE / "Cargo.toml",
             "--auditwheel", "skip", "--compatibility", compatibility, "--out", out], env=env)
    finally:
        shutil.rmtree(DATA, ignore_errors=True)
    wheel = max(out.glob("kaggle_kit-*.whl"), key=lambda path: path.stat().st_mtime)
    say("done: %s (%.1f MB)" % (os.path.relpath(wheel), wheel.stat().st_size / 1e6))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Failure as failure:
        sys.exit("error: %s" % failure)
