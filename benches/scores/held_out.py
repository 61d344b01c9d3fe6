#!/usr/bin/env python3
"""What steps and settings of the recipe are worth by the images held out, from the runs that bench.py left.

    python3 benches/scores/held_out.py OUT --program DIR

First the steps of the default: each one's held-out loss. Then each setting that was tried: how much lower
(-) or higher its loss is than that of the default with the same seed, in per cent; the standard error of the
mean is over sets and seeds. Losses are of the network with its views, before clips and thresholds.
"""

import argparse
import json
import math
import subprocess
import tomllib
from pathlib import Path

from bench import SETS
from table import mean, spread


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("out", type=Path, nargs="+")
    parser.add_argument("--program", type=Path, required=True, help="the folder of kaggle-kit and its engine")
    args = parser.parse_args()
    found = {}
    for out in args.out:
        found.update(runs_of(args.program / "kaggle-kit", out / "root"))
    steps(found)
    print()
    settings(found)


def runs_of(program, root):
    """The way of each first run, `[(step, loss, seconds)]`, by `(set, size, seed, settings)`."""
    named = {spec["name"]: (data, spec) for data, spec in map(spec_of, SETS)}
    told = subprocess.run([program, "--root", root, "runs", "--json"], check=True, stdout=subprocess.PIPE).stdout
    found = {}
    for run in json.loads(told):
        own = run["not-default"]
        if run["status"] != "finished" or run["folds"] or "refit" in own:
            continue
        data, spec = named[run["competition"]]
        known = {"seed", "size", *flat(spec.get("recipe", {}))}
        if "pseudo" in own:
            # Which run labels the test images is no part of what was tried.
            own["pseudo"] = "run"
        tried = tuple(f"{key}={str(own[key]).lower()}" for key in sorted(own) if key not in known)
        way = tomllib.loads((Path(run["folder"]) / "summary.toml").read_text())["way"]
        way = [(step["step"], step["loss"], step.get("seconds")) for step in way if "loss" in step]
        found[data, run["size"], own.get("seed", 42), tried] = way
    return found


def spec_of(data):
    spec = tomllib.loads(SETS[data][1].read_text())
    return data, {"name": SETS[data][1].stem, **spec}


def flat(table, before=""):
    for key, value in table.items():
        yield from flat(value, f"{before}{key}.") if isinstance(value, dict) else [before + key]


def steps(found):
    print("| set | n | " + " | ".join(STEPS) + " |")
    print("|---|---|" + "---|" * len(STEPS))
    for data in dict.fromkeys(key[0] for key in found):
        ways = [way for key, way in found.items() if key[0] == data and not key[3]]
        losses = [[loss_of(way, step) for way in ways] for step in STEPS.values()]
        cells = [f"{mean(own):.4f}" if own and None not in own else "" for own in losses]
        print(f"| {data} | {len(ways)} | " + " | ".join(cells) + " |")


# Their names in a run's summary.
STEPS = {
    "hidden layer": "head on activations",
    "linear layer": "a linear layer on them",
    "mean of both": "mean of both",
    "with augmentation": "head with augmentation",
    "whole network": "whole network, cycle",
    "midway": "midway between head and network",
    "with views": "mean over",
}


def loss_of(way, step):
    return next((loss for name, loss, _ in reversed(way) if name.startswith(step)), None)


def settings(found):
    sets = list(dict.fromkeys(key[0] for key in found))
    print("| setting | n | " + " | ".join(sets) + " | mean | error |")
    print("|---|---|" + "---|" * (len(sets) + 2))
    for tried in dict.fromkeys(key[3] for key in found if key[3]):
        changes = {}
        for (data, size, seed, own), way in found.items():
            base = found.get((data, size, seed, ()))
            if own == tried and base:
                changes.setdefault(data, []).append(100 * (last(way) / last(base) - 1))
        every = [change for own in changes.values() for change in own]
        error = spread(every) / math.sqrt(len(every)) if every else math.nan
        cells = [f"{mean(changes[data]):+.1f}" if data in changes else "" for data in sets]
        cells += [f"{mean(every):+.1f}", f"{error:.1f}"]
        print(f"| `{' '.join(tried)}` | {len(every)} | " + " | ".join(cells) + " |")


def last(way):
    """The loss of what predicts."""
    return way[-1][1]


if __name__ == "__main__":
    main()
