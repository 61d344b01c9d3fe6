#!/usr/bin/env python3
"""Imports a network of each of ten families of timm's, without trained weights, and walks each through every
step of training and a submission; prints a table. About half an hour on one core.

    python3 scripts/import_test.py PYTHON DATA [NAME[:SIZE] ...]

PYTHON has torch 2.13 and timm; DATA is a folder of dogs-vs-cats as Kaggle has it (`train/`, `test/`,
`sample_submission.csv`). `KAGGLE_KIT` names the program, `./kaggle-kit` otherwise.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# Small members, at sides that make a run short; those without one take any.
FAMILIES = [
    "resnet10t",
    "convnextv2_atto",
    "eva02_tiny_patch14_224:98",
    "swin_tiny_patch4_window7_224:96",
    "vit_tiny_patch16_224:96",
    "tf_efficientnetv2_b0",
    "maxvit_pico_rw_256:128",
    "mobilenetv4_conv_small_050",
    "fastvit_t8",
    "regnety_002",
]
COMPETITION = "dogs-vs-cats"


def main(python, data, *names):
    program = str(Path(os.environ.get("KAGGLE_KIT", "./kaggle-kit")).resolve())
    with tempfile.TemporaryDirectory() as folder:
        env = dict(os.environ, KAGGLE_KIT_CACHE=f"{folder}/cache", KAGGLE_KIT_ROOT=f"{folder}/work")

        def kit(*words):
            start = time.perf_counter()
            done = subprocess.run([program, *words], env=env, capture_output=True, text=True)
            if done.returncode:
                sys.exit(f"`kaggle-kit {' '.join(words)}` ended with {done.returncode}:\n{done.stderr}")
            return done.stdout, done.stderr, time.perf_counter() - start

        kit("fetch", COMPETITION, "--from", data)
        print("| network | weights | pixels | features off | gradients off | import | every step | log loss |")
        print("|---|---|---|---|---|---|---|---|")
        for given in names or FAMILIES:
            name, _, size = given.partition(":")
            sized = ["--size", size] if size else []
            _, told, took = kit("models", "import", name, "--random", "--python", python, *sized)
            if "CPU alone" in told:
                print(told, file=sys.stderr)
            off = re.search(r"at most (\S+), gradients by (\S+)", told)
            [row] = json.loads(kit("models", f"timm:{name}", "--json")[0])
            side = ["--set", f"size={size}"] if size else []
            words = ["train", COMPETITION, "--smoke", "--json", "--backbone", f"timm:{name}", *side]
            trained, _, training = kit(*words)
            trained = json.loads(trained)
            csv = json.loads(kit("submit", COMPETITION, "--json")[0])
            assert Path(trained["folder"], f"backbone-{name}.pt").is_file() and csv, name
            print(
                f"| `{name}` | {row['parameters'] / 1e6:.1f} M | {size or 96} | {off[1]} | {off[2]} | "
                f"{took:.0f} s | {training:.0f} s | {trained['score']:.3f} |",
                flush=True,
            )


if __name__ == "__main__":
    main(*sys.argv[1:])
