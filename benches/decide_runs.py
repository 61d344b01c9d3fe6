#!/usr/bin/env python3
"""What every way to decide about tags gains on trained runs: `decide`'s table, over seeds.

    python3 benches/decide_runs.py --kaggle-kit BINARY --root DIR --solution CSV RUN...

Each RUN is a model that differs from the others in its seed; a fold stands for all folds of its
model. Gains are over one threshold with any rows, means over runs with their standard deviation
behind. Where test images were not looked at yet, they are; each run keeps its new decision. The
solution's labels only score: they decide nothing.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "scripts"))

from kaggle_clients import main, table
from wheels import Failure, say

TITLES = {
    "threshold": "one threshold",
    "calibrated-threshold": "one threshold, calibrated",
    "fixed-point": "F* / (1 + beta^2)",
    "threshold-per-tag": "a threshold a tag",
    "expected-f": "expected F, independent",
    "expected-f-groups": "expected F, groups",
    "expected-f-regressions": "expected F, regressions",
}


def decide(options, run):
    """The decision about tags of a run, each candidate with its `test`."""
    command = [options.kaggle_kit, "decide", run, "--json", "--solution", options.solution,
               "--root", options.root] + options.more
    done = subprocess.run(command, stdout=subprocess.PIPE)
    if done.returncode != 0:
        raise Failure("`%s` failed" % " ".join(command), "see what it says above")
    told = json.loads(done.stdout)
    decision = told["decision"].get("tags")
    if decision is None:
        raise Failure("`%s` does not decide about tags" % run,
                      "give a run of a multi-label competition")
    if decision["folds"] == 0:
        raise Failure("`%s` has too few held-out images for nested scores" % run,
                      "give a run with at least 50 of them, or a fold for all folds")
    if told["test"] is None:
        raise Failure("the test images of `%s` were not scored" % run, "see its warnings above")
    for candidate, test in zip(decision["candidates"], told["test"]):
        candidate["test"] = test
        candidate["chosen"] = same(candidate, decision["chosen"])
    return decision


def same(a, b):
    return (a["method"], a["rows"]) == (b["method"], b["rows"])


def gains(decisions):
    """`{(rows, method): [the gains in each run]}`, and the same of what was chosen."""
    by_approach, chosen, of_choice = {}, [], []
    for decision in decisions:
        first = decision["candidates"][0]
        for candidate in decision["candidates"]:
            gained = {key: candidate[key] - first[key] for key in ("nested", "in-sample", "test")}
            gained["chosen"] = candidate["chosen"]
            by_approach.setdefault((candidate["rows"], candidate["method"]), []).append(gained)
            if candidate["chosen"]:
                chosen.append(dict(gained, chosen=False))
                of_choice.append({"nested": decision["of-choice"] - first["nested"],
                                  "test": gained["test"], "chosen": False})
    return by_approach, chosen, of_choice


def line(name, runs, sign="+"):
    def cell(key):
        values = [run[key] for run in runs if key in run]
        if not values:
            return ""
        spread = statistics.stdev(values) if len(values) > 1 else 0.0
        return ("%" + sign + ".4f (%.4f)") % (statistics.fmean(values), spread)

    n_chosen = sum(run["chosen"] for run in runs)
    return [name, cell("nested"), cell("in-sample"), cell("test"), n_chosen or ""]


def work():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--kaggle-kit", default="kaggle-kit", metavar="BINARY")
    parser.add_argument("--root", required=True, metavar="DIR", help="where data and runs are")
    parser.add_argument("--solution", required=True, metavar="CSV",
                        help="the test images' true labels")
    parser.add_argument("runs", nargs="+", metavar="RUN", help="a model of another seed")
    parser.add_argument("--more", action="append", default=[], metavar="ARGUMENT",
                        help="for `decide`, after all others: `--more=--rows=any`")
    options = parser.parse_args()
    decisions = []
    for run in options.runs:
        say("deciding %s" % run)
        decisions.append(decide(options, run))
    if len({decision["beta"] for decision in decisions}) > 1:
        raise Failure("the runs are of different metrics", "give runs of one competition")
    by_approach, chosen, of_choice = gains(decisions)
    firsts = [dict(decision["candidates"][0]) for decision in decisions]
    lines = [line(TITLES["threshold"], firsts, sign="")]
    for rows in ("any", "possible"):
        for method, title in TITLES.items():
            runs = by_approach.get((rows, method))
            if runs and (rows, method) != (firsts[0]["rows"], firsts[0]["method"]):
                few = "" if len(runs) == len(decisions) else " (in %d)" % len(runs)
                kind = ", possible rows" if rows == "possible" else ""
                lines.append(line(title + kind + few, runs))
    lines += [line("**what was chosen**", chosen), line("the same, `of_choice`", of_choice)]
    images = sorted({decision["images"] for decision in decisions})
    print("%d runs, %s images to learn from, F%g:\n" % (
        len(decisions), " to ".join(map(str, images[:1] + images[1:][-1:])), decisions[0]["beta"]))
    print(table(["", "nested", "in sample", "test", "chosen"], lines))


if __name__ == "__main__":
    main(work)
