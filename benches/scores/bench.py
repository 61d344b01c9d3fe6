#!/usr/bin/env python3
"""Test scores of recipes: data sets x seeds x arms, a row a run, appended to a CSV; goes on where it stopped.

    python3 benches/scores/bench.py run OUT --program DIR --data DATA --sets cats,planet --arms default frozen
    python3 benches/scores/bench.py table OUT --data DATA [--against frozen]

OUT holds `rows.csv`, the submissions, a log a row, and a root for the program. The arms `logistic` and
`lp-ft` are Python's (`python_arms.py`; a Python with torch 2.13, timm, scikit-learn), and so is `fine-tune`
(`fastai_arm.py`; fastai besides). Nothing is ever chosen by what the test says: see README.md.
"""

import argparse
import csv
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

import losses
import table

HERE = Path(__file__).resolve().parent
SPECS = HERE.parent.parent / "competitions"

# What a set is: the competition (or a spec file), its spec, its folder below --data.
SETS = {
    "cats": ("dogs-vs-cats", SPECS / "dogs-vs-cats.toml", "dogs-vs-cats-redux-kernels-edition"),
    "breeds": ("dog-breed", SPECS / "dog-breed.toml", "dog-breed-identification"),
    "planet": ("planet", SPECS / "planet.toml", "planet-understanding-the-amazon-from-space"),
}
# These have a spec file beside this one; sets.py makes their folders, but for ucmerced's.
SETS |= {
    name: (str(HERE / f"{name}.toml"), HERE / f"{name}.toml", folder)
    for name, folder in {"ucmerced": "ucmerced-multilabel", "solar": "solar", "signs": "signs", "faces": "faces"}.items()
}

# What `train` is given beside the seed. `+` joins settings on the command line: `frozen+size=128`.
ARMS = {
    # Takes the run of `once`, where that row is there, and adds what it took.
    "default": [],
    # Not once more on all images.
    "once": [],
    "frozen": ["unfreeze.run=false"],
    # Three networks on all images by one plan.
    "networks": [],
    "folds": ["folds=5", "unfreeze.run=false"],
}
# These are planned: how long they were to take stands beside how long they took.
PRESETS = ("quick", "good", "best")
PYTHON_ARMS = {"logistic": "python_arms.py", "lp-ft": "python_arms.py", "fine-tune": "fastai_arm.py"}

COLUMNS = ["set", "size", "seed", "arm", "metric", "test", "held_out", "train_s", "submit_s", "cpu_s", "made", "csv"]
COLUMNS += ["planned_s", "rate"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="make the rows that are missing")
    run.add_argument("out", type=Path)
    run.add_argument("--program", type=Path, required=True, help="the folder of kaggle-kit and its engine")
    run.add_argument("--data", type=Path, action="append", required=True, help="a folder of data sets; may be repeated")
    run.add_argument("--sets", default="cats,breeds,planet,ucmerced")
    run.add_argument("--seeds", default="42,43,44,45,46")
    run.add_argument("--arms", nargs="+", default=["default", "frozen"])
    run.add_argument("--size", type=int, default=224, help="pixels; an arm's own `+size=128` goes before")
    run.add_argument("--python", default=sys.executable, help="with torch, for Python's arms")
    shown = commands.add_parser("table", help="means, spreads and paired differences")
    shown.add_argument("out", type=Path)
    shown.add_argument("--data", type=Path, action="append", required=True)
    shown.add_argument("--against", default="frozen", help="the arm that differences are taken to")
    args = parser.parse_args()
    if args.command == "run":
        make_rows(args)
    else:
        solutions = {name: source(args, name) / "solution.csv" for name in SETS}
        table.show(read_rows(args.out), args.out / "submissions", solutions, args.against)


def source(args, data):
    """The set's folder in the first of --data that has it."""
    folder = SETS[data][2]
    return next((path / folder for path in args.data if (path / folder).is_dir()), args.data[0] / folder)


def make_rows(args):
    args.out.mkdir(parents=True, exist_ok=True)
    items = [
        (data, int(seed), *sized(arm, args.size))
        for seed in args.seeds.split(",")
        for data in args.sets.split(",")
        for arm in args.arms
    ]
    wanted = {}
    for item in items:
        # Of arms that have one row for all seeds the first is made.
        wanted.setdefault(key_of(*item), item)
    done = {key_of(row["set"], int(row["seed"]), row["arm"], int(row["size"])) for row in read_rows(args.out)}
    todo = [item for key, item in wanted.items() if key not in done]
    print(f"{len(wanted) - len(todo)} of {len(wanted)} rows are there", flush=True)
    for data, seed, arm, size in todo:
        name = f"{data}-{size}-{seed}-{arm}"
        row = (python_row if arm in PYTHON_ARMS else own_row)(args, data, seed, arm, size, name)
        row.update(set=data, size=size, seed=seed, arm=arm, made=time.strftime("%Y-%m-%d %H:%M"))
        append(args.out, row)
        print(
            f"{name}: {row['metric']} {row['test']:.4f}, held out {row['held_out']}, "
            f"{row['train_s']:.0f} s, processor {row['cpu_s']:.0f} s",
            flush=True,
        )


def key_of(data, seed, arm, size):
    """What a row is known by."""
    return data, None if arm in table.SAME_FOR_ALL_SEEDS else seed, arm, size


def sized(arm, size):
    """`frozen+size=128` is the arm `frozen` at 128 pixels."""
    parts = settings(arm)
    own = [part for part in parts if part.startswith("size=")]
    name = "+".join(part for part in parts if part not in own) or "default"
    return name, int(own[-1].partition("=")[2]) if own else size


def settings(arm):
    """`once+backbone=a+b+size=128` is `once`, `backbone=a+b`, `size=128`."""
    return re.split(r"\+(?=[^+=]*=)", arm)


def own_row(args, data, seed, arm, size, name):
    """A run of the program: train, submit, score."""
    competition, _, _ = SETS[data]
    program = [str((args.program / "kaggle-kit").resolve()), "--root", str(args.out / "root")]
    log = args.out / "logs" / f"{name}.log"
    own_cache(args.out)
    call(program + ["fetch", competition, "--from", str(source(args, data))], log)
    # What earlier rows left would make this one faster than a first run is.
    shutil.rmtree(args.out / "cache" / "kept", ignore_errors=True)
    base, *more = settings(arm)
    if base not in ARMS and "=" in base:
        base, more = "default", [base, *more]
    planned = ["--preset", base] if base in PRESETS else []
    first = first_row(args.out, data, seed, arm, size) if base == "default" else None
    how = [] if first else ["--anew"]
    if base in ("once", "frozen"):
        how.append("--refit=never")
    if base == "networks":
        how.append("--refit=3")
    sets = [part for setting in [*ARMS.get(base, []), f"size={size}", *more] for part in ("--set", setting)]
    begun, cpu = time.monotonic(), children_s()
    told = call(program + ["train", competition, *how, "--set", f"seed={seed}", *planned, *sets], log, "stderr")
    trained = time.monotonic()
    answer = json.loads(call(program + ["submit", competition, "--json"], log))
    submitted, cpu = time.monotonic(), children_s() - cpu
    kept = args.out / "submissions" / f"{name}.csv"
    kept.parent.mkdir(exist_ok=True)
    kept.write_bytes((args.out / "root" / answer["csv"]).read_bytes())
    solution = source(args, data) / "solution.csv"
    command = ["score", str(kept), "--solution", str(solution), "--competition", competition, "--json"]
    score = json.loads(call(program + command, log))
    ours = losses.score(score["metric"], losses.rows(score["metric"], kept, solution).values())
    if abs(ours - score["value"]) > 1e-6:
        sys.exit(f"{kept}: losses.py says {ours}, kaggle-kit {score['value']}")
    runs = json.loads(call(program + ["runs", competition, "--json"], log))
    return {
        "metric": score["metric"],
        "test": score["value"],
        "held_out": max(runs, key=lambda run: run["finished"] or "")["score"],
        "train_s": trained - begun + (float(first["train_s"]) if first else 0),
        "submit_s": submitted - trained,
        "cpu_s": cpu + (float(first["cpu_s"]) if first else 0),
        "csv": kept.name,
        "planned_s": planned_seconds(told) if planned else "",
    }


def own_cache(out):
    """A cache folder of our own, with the usual one's weights and libtorch."""
    cache, usual = out.resolve() / "cache", Path.home() / ".cache" / "kaggle-kit"
    cache.mkdir(exist_ok=True)
    for name in ("weights", "libtorch"):
        if (usual / name).is_dir() and not (cache / name).exists():
            (cache / name).symlink_to(usual / name)
    os.environ["KAGGLE_KIT_CACHE"] = str(cache)


def children_s():
    """Processor seconds of the programs that were called and have ended, with theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def first_row(out, data, seed, arm, size):
    """That of the same recipe with `--refit=never`."""
    wanted = (data, str(seed), arm.replace("default", "once", 1), str(size))
    rows = (row for row in read_rows(out) if (row["set"], row["seed"], row["arm"], row["size"]) == wanted)
    return next(rows, None)


def planned_seconds(told):
    """What `train --preset` says before it begins, the most: `.. as measured here: about 55 s to 1 min 05 s`."""
    said = re.search(r"as measured here: about (?:[^\n;,]* to )?([^\n;,]*?)(?: for \d+ folds?)?(?:[;,\n]|$)", told)
    units = {"h": 3600, "min": 60, "s": 1, "ms": 0.001}
    return sum(float(n) * units[unit] for n, unit in re.findall(r"([\d.]+) (h|min|ms|s)", said[1])) if said else ""


def python_row(args, data, seed, arm, size, name):
    """`cpu_s` is what the program tells: of one training, with what earlier rows kept for it."""
    _, spec, _ = SETS[data]
    kept = (args.out / "submissions" / f"{name}.csv").resolve()
    kept.parent.mkdir(exist_ok=True)
    told = call(
        [args.python, str(HERE / PYTHON_ARMS[arm]), arm, data, str(source(args, data)), str(spec), str(kept)]
        + ["--seed", str(seed), "--size", str(size), "--cache", str(args.out / "features")],
        args.out / "logs" / f"{name}.log",
    )
    found = json.loads(told.strip().splitlines()[-1])
    metric = table.metric_of(spec)
    test = losses.score(metric, losses.rows(metric, kept, source(args, data) / "solution.csv").values())
    return {"metric": metric, "test": test, "csv": kept.name, **found}


def call(command, log, stream="stdout"):
    """What it says on `stream`; both streams go into `log` as well."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    log.parent.mkdir(exist_ok=True)
    with open(log, "a", encoding="utf-8") as file:
        file.write(f"$ {' '.join(command)}\n{done.stdout}{done.stderr}\n")
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


if __name__ == "__main__":
    main()
