#!/usr/bin/env python3
"""Whether all ways to build share their compiled dependencies: part of `make lint`.

    python3 scripts/features.py

`cargo build`, `cargo test`, and either for one package choose features for each dependency anew; one
that is chosen otherwise is compiled again, and all that stand on it. Cargo tells its plan without
compiling; the option is not stable, so a compiler that does not know it is passed over with a word.
"""

import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
WAYS = ["test", "build", "test --lib", "test -p kaggle-kit --lib"]
# Cargo.toml of the root names what is missing, as a dependency that no code uses.
HINT = "give the root package the features that the others ask for (Cargo.toml, \"Not named\")"


def units(way):
    """What is compiled of other people's packages: names, and all that decides about each unit."""
    command = ["cargo"] + way.split() + ["-Z", "unstable-options", "--unit-graph"]
    run = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                         env=dict(os.environ, RUSTC_BOOTSTRAP="1"))
    if run.returncode != 0:
        return None
    graph = json.loads(run.stdout)["units"]
    known = {}

    def identity(index):
        if index not in known:
            unit = graph[index]
            known[index] = hash((unit["pkg_id"], str(unit["target"]["kind"]), unit["mode"],
                                 unit["profile"]["opt_level"], tuple(unit["features"]),
                                 tuple(identity(one["index"]) for one in unit["dependencies"])))
        return known[index]

    foreign = [index for index, unit in enumerate(graph) if "registry+" in unit["pkg_id"]]
    return {identity(index): graph[index]["pkg_id"].split("#")[1] for index in foreign}


def main():
    sys.setrecursionlimit(10_000)
    first = units(WAYS[0])
    if first is None:
        print("features are not compared: this cargo tells no plan")
        return 0
    bad = 0
    for way in WAYS[1:]:
        again = sorted({name for unit, name in units(way).items() if unit not in first})
        if again:
            bad = 1
            print("error: `cargo %s` compiles %d packages again: %s\nhint: %s"
                  % (way, len(again), ", ".join(again), HINT), file=sys.stderr)
    return bad


sys.exit(main())
