#!/usr/bin/env python3
"""Test scores of recipes: data sets x seeds x arms, a row a run, appended to a CSV; goes on where it stopped.

    python3 benches/scores/bench.py run OUT --program DIR --data DATA --sets cats,planet --arms default frozen
    python3 benches/scores/bench.py table OUT [--against frozen]

OUT holds `rows.csv`, the submissions, and a root for the program. The arms `logistic` and `lp-ft` are
Python's (`python_arms.py`; a Python with torch 2.13, timm, scikit-learn). Nothing is ever chosen by what
the test says: see README.md.
"""

import argparse
import csv
import json
import math
import os
import re
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent

# What a set is: the competition (or a spec file), its folder below --data.
SETS = {
    "cats": ("dogs-vs-cats", "dogs-vs-cats-redux-kernels-edition"),
    "breeds": ("dog-breed", "dog-breed-identification"),
    "planet": ("planet", "planet-understanding-the-amazon-from-space"),
    # The fourth is a spec file of its own.
    "ucmerced": (str(HERE / "ucmerced.toml"), "ucmerced-multilabel"),
}

# What `train` is given beside the seed. `+` joins settings on the command line: `frozen+size=128`.
ARMS = {
    "default": [],
    "frozen": ["unfreeze.run=false"],
    "folds": ["folds=5", "unfreeze.run=false"],
}
# These are planned: how long they were to take stands beside how long they took.
PRESETS = ("quick", "good", "best")
PYTHON_ARMS = ("logistic", "lp-ft", "fastai")

COLUMNS = ["set", "seed", "arm", "metric", "test", "held_out", "train_s", "submit_s", "made", "csv", "planned_s"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="make the rows that are missing")
    run.add_argument("out", type=Path)
    run.add_argument("--program", type=Path, required=True, help="the folder of kaggle-kit and its engine")
    run.add_argument("--data", type=Path, required=True, help="the folder of the data sets")
    run.add_argument("--sets", default=",".join(SETS))
    run.add_argument("--seeds", default="42,43,44,45,46")
    run.add_argument("--arms", nargs="+", default=["default", "frozen"])
    run.add_argument("--python", default=sys.executable, help="with torch, for Python's arms")
    table = commands.add_parser("table", help="means, spreads and paired differences")
    table.add_argument("out", type=Path)
    table.add_argument("--against", default="frozen", help="the arm that differences are taken to")
    args = parser.parse_args()
    {"run": make_rows, "table": print_table}[args.command](args)


def make_rows(args):
    args.out.mkdir(parents=True, exist_ok=True)
    wanted = [
        (data, int(seed), arm)
        for seed in args.seeds.split(",")
        for data in args.sets.split(",")
        for arm in args.arms
    ]
    done = {(row["set"], int(row["seed"]), row["arm"]) for row in read_rows(args.out)}
    todo = [item for item in wanted if item not in done]
    print(f"{len(wanted) - len(todo)} of {len(wanted)} rows are there", flush=True)
    for data, seed, arm in todo:
        row = python_row(args, data, seed, arm) if arm in PYTHON_ARMS else own_row(args, data, seed, arm)
        row.update(set=data, seed=seed, arm=arm, made=time.strftime("%Y-%m-%d %H:%M"))
        append(args.out, row)
        print(f"{data} {seed} {arm}: {row['metric']} {row['test']:.4f} in {row['train_s']:.0f} s", flush=True)


def own_row(args, data, seed, arm):
    """A run of the program: train, submit, score."""
    competition, folder = SETS[data]
    program = [str((args.program / "kaggle-kit").resolve()), "--root", str(args.out / "root")]
    source = args.data / folder
    call(program + ["fetch", competition, "--from", str(source)])
    base, *more = arm.split("+")
    if base not in ARMS and "=" in base:
        base, more = "default", [base, *more]
    planned = ["--preset", base] if base in PRESETS else []
    sets = [part for setting in ARMS.get(base, []) + more for part in ("--set", setting)]
    begun = time.monotonic()
    told = call(program + ["train", competition, "--anew", "--set", f"seed={seed}", *planned, *sets], "stderr")
    trained = time.monotonic()
    answer = json.loads(call(program + ["submit", competition, "--json"]))
    submitted = time.monotonic()
    kept = args.out / "submissions" / f"{data}-{seed}-{arm}.csv"
    kept.parent.mkdir(exist_ok=True)
    kept.write_bytes((args.out / "root" / answer["csv"]).read_bytes())
    score = json.loads(
        call(program + ["score", str(kept), "--solution", str(source / "solution.csv"), "--competition", competition, "--json"])
    )
    runs = json.loads(call(program + ["runs", competition, "--json"]))
    held_out = max(runs, key=lambda run: run["finished"] or "")["score"]
    return {
        "metric": score["metric"],
        "test": score["value"],
        "held_out": held_out,
        "train_s": trained - begun,
        "submit_s": submitted - trained,
        "csv": kept.name,
        "planned_s": planned_seconds(told) if planned else "",
    }


def planned_seconds(told):
    """What `train --preset` says before it begins: `.. as measured here: about 1 min 05 s for 5 folds`."""
    said = re.search(r"as measured here: (?:at most )?about ([^\n;]*?)(?: for \d+ folds?)?(?:;|\n|$)", told)
    units = {"h": 3600, "min": 60, "s": 1, "ms": 0.001}
    return sum(float(n) * units[unit] for n, unit in re.findall(r"([\d.]+) (h|min|ms|s)", said[1])) if said else ""


def python_row(args, data, seed, arm):
    competition, folder = SETS[data]
    kept = (args.out / "submissions" / f"{data}-{seed}-{arm}.csv").resolve()
    kept.parent.mkdir(exist_ok=True)
    found = call(
        [args.python, str(HERE / "python_arms.py"), arm, data, str(args.data / folder), str(kept), "--seed", str(seed)]
        + ["--cache", str(args.out / "features")]
    )
    found = json.loads(found.strip().splitlines()[-1])
    program = [str((args.program / "kaggle-kit").resolve()), "--root", str(args.out / "root")]
    score = json.loads(
        call(program + ["score", str(kept), "--solution", str(args.data / folder / "solution.csv"), "--competition", competition, "--json"])
    )
    return {"metric": score["metric"], "test": score["value"], "csv": kept.name, **found}


def call(command, stream="stdout"):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\nended with {done.returncode}:\n{done.stderr[-2000:]}")
    return getattr(done, stream)


def read_rows(out):
    path = out / "rows.csv"
    if not path.exists():
        return []
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def append(out, row):
    path = out / "rows.csv"
    is_new = not path.exists()
    with open(path, "a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        if is_new:
            writer.writeheader()
        writer.writerow({column: row.get(column, "") for column in COLUMNS})


def print_table(args):
    rows = read_rows(args.out)
    print("| set | arm | n | test | spread | to " + args.against + " | its standard error | train, s | planned, s |")
    print("|---|---|---|---|---|---|---|---|---|")
    for data in dict.fromkeys(row["set"] for row in rows):
        of_set = [row for row in rows if row["set"] == data]
        base = {row["seed"]: float(row["test"]) for row in of_set if row["arm"] == args.against}
        for arm in dict.fromkeys(row["arm"] for row in of_set):
            own = {row["seed"]: row for row in of_set if row["arm"] == arm}
            tests = [float(row["test"]) for row in own.values()]
            pairs = [float(row["test"]) - base[seed] for seed, row in own.items() if seed in base]
            seconds = mean([float(row["train_s"]) for row in own.values()])
            plans = [float(row["planned_s"]) for row in own.values() if row.get("planned_s")]
            planned = f"{mean(plans):.0f}" if plans else ""
            differs = f"{mean(pairs):+.4f}" if pairs and arm != args.against else ""
            error = f"{spread(pairs) / math.sqrt(len(pairs)):.4f}" if len(pairs) > 1 and differs else ""
            print(
                f"| {data} | {arm} | {len(tests)} | {mean(tests):.4f} | {spread(tests):.4f} | {differs} | {error} | {seconds:.0f} | {planned} |"
            )


def mean(values):
    return sum(values) / len(values) if values else math.nan


def spread(values):
    if len(values) < 2:
        return math.nan
    middle = mean(values)
    return math.sqrt(sum((value - middle) ** 2 for value in values) / (len(values) - 1))


if __name__ == "__main__":
    main()
