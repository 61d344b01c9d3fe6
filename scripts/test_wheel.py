#!/usr/bin/env python3
"""Installs the wheel into a fresh environment that has neither Rust nor a compiler, and walks the whole path.

    python3 scripts/test_wheel.py [dist/*.whl]

pip brings torch 2.13 (PyPI's build for Linux has CUDA: 2.5 GB to download, once; pip keeps it). The demo
then fetches, trains and submits with the weights of the wheel: nothing else is downloaded. Last, timm is
installed beside it, and one of its networks imported.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import time

TIMM, IMPORTED = "1.0.31", "resnet10t"
ROOT = pathlib.Path(__file__).resolve().parent.parent


def run(command, env, folder, expect=0):
    start = time.monotonic()
    result = subprocess.run([str(part) for part in command], env=env, cwd=folder,
                            capture_output=True, text=True)
    words = " ".join(str(part) for part in command[1:4])
    if result.returncode != expect:
        sys.exit("%s\nerror: `%s` ended with %d, not %d"
                 % (result.stdout[-2000:] + result.stderr[-4000:], words, result.returncode, expect))
    print("%-40s %5.0f s" % (words, time.monotonic() - start), flush=True)
    return result.stdout + result.stderr


def check(condition, told, what):
    if not condition:
        sys.exit("%s\nerror: %s" % (told[-3000:], what))


def main(given):
    wheels = [pathlib.Path(path).absolute() for path in given] or \
        sorted((ROOT / "dist").glob("kaggle_kit-*.whl"))
    if not wheels:
        sys.exit("error: no wheel in dist/\nhint: `make wheel` makes it")
    with tempfile.TemporaryDirectory(prefix="kaggle-kit-wheel-") as scratch:
        scratch = pathlib.Path(scratch)
        place = scratch / "venv"
        subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
        # Nothing of this machine's: no Rust, no compiler, no cache, no libraries' path.
        env = {"PATH": "%s:/usr/bin:/bin" % (place / "bin"), "HOME": str(scratch), "LANG": "C.UTF-8"}
        for name in ("PIP_INDEX_URL", "PIP_CACHE_DIR", "HTTPS_PROXY", "SSL_CERT_FILE",
                     "PIP_CERT", "PIP_CONFIG_FILE"):
            if name in os.environ:
                env[name] = os.environ[name]
        pip_env = dict(env, HOME=os.environ.get("HOME", str(scratch)))
        python, program = place / "bin" / "python", place / "bin" / "kaggle-kit"
        quiet = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        run(quiet + ["--no-deps", wheels[-1]], pip_env, scratch)

        told = run([program, "--version"], env, scratch)
        told = run([program, "train", "dogs-vs-cats"], env, scratch, expect=1)
        check("pip install torch==2.13" in told, told, "without torch it does not say what to install")
        run(quiet + [wheels[-1]], pip_env, scratch)
        told = run([program, "doctor"], env, scratch)
        check("2.13" in told, told, "doctor does not name libtorch 2.13")
        told = run([program, "demo"], env, scratch)
        check("done:" in told, told, "the demo has no last line")
        # The environment's own Python traces a network, and the engine reads it with the same libtorch.
        # By itself timm would bring a torchvision of the newest torch, and that with it.
        run(quiet + ["timm==" + TIMM, "torch==2.13.*"], pip_env, scratch)
        told = run([program, "models", "import", IMPORTED, "--random"], env, scratch)
        check("gradients by" in told, told, "the imported network was not compared")
        told = run([program, "models", "timm:" + IMPORTED], env, scratch)
        check(IMPORTED in told, told, "the imported network is not listed")
        pages = list((place / "share" / "man" / "man1").glob("kaggle-kit-*.1"))
        check(len(pages) > 15, str(pages), "manual pages are missing")
    print("done: the wheel works in an environment of its own")


if __name__ == "__main__":
    main(sys.argv[1:])
