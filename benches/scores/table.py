"""Means, spreads and paired differences of the rows that bench.py made."""

import math
import tomllib
from pathlib import Path

import losses

# Arms without anything random, whose one row stands for every seed.
SAME_FOR_ALL_SEEDS = ("logistic",)


def metric_of(spec):
    return tomllib.loads(Path(spec).read_text(encoding="utf-8"))["metric"]


def show(rows, submissions, solutions, against):
    """A difference is paired by seed: its standard error over seeds, then over test rows (of the mean over
    seeds). `+` is better on both signs of metric; times are processor seconds, and their ratio."""
    print("| set | pixels | arm | n | held out | test | spread | better than " + against, end="")
    print(" | error over seeds | error over rows | processor, s | ratio | planned, s |")
    print("|---|---|---|---|---|---|---|---|---|---|---|---|---|")
    for data, size in dict.fromkeys((row["set"], row["size"]) for row in rows):
        of_set = [row for row in rows if (row["set"], row["size"]) == (data, size)]
        arms = {arm: {row["seed"]: row for row in of_set if row["arm"] == arm} for arm in by_name(of_set)}
        base = arms.get(against, {})
        for arm, own in arms.items():
            tests = numbers(own.values(), "test")
            cpu = numbers(own.values(), "cpu_s")
            pairs = paired(arm, own, against, base) if arm != against else []
            told = compared(*zip(*pairs), submissions, solutions[data]) if pairs else ["", "", ""]
            ratio = mean(cpu) / mean(numbers(base.values(), "cpu_s")) if pairs else math.nan
            cells = [data, size, arm, len(tests), figure(mean(numbers(own.values(), "held_out"))), figure(mean(tests))]
            cells += [figure(spread(tests)), *told, figure(mean(cpu), "{:.0f}"), figure(ratio, "{:.2f}")]
            cells.append(figure(mean(numbers(own.values(), "planned_s")), "{:.0f}"))
            print("| " + " | ".join(map(str, cells)) + " |")


def paired(arm, own, against, base):
    """Rows of both with the same seed."""

    def row(arm, rows, seed):
        return next(iter(rows.values()), None) if arm in SAME_FOR_ALL_SEEDS else rows.get(seed)

    seeds = base if arm in SAME_FOR_ALL_SEEDS else own
    pairs = [(row(arm, own, seed), row(against, base, seed)) for seed in seeds]
    return [pair for pair in pairs if all(pair)]


def compared(own, base, submissions, solution):
    """How much better, the standard error over seeds, and the one over test rows."""
    metric = own[0]["metric"]
    sign = 1 if metric in losses.HIGHER_IS_BETTER else -1
    by_seed = [sign * (float(a["test"]) - float(b["test"])) for a, b in zip(own, base)]
    over_seeds = spread(by_seed) / math.sqrt(len(by_seed))
    told = [figure(mean(by_seed), "{:+.4f}"), figure(over_seeds)]
    # Rows of an earlier machine come without their submissions.
    if not all((submissions / row["csv"]).exists() for row in [*own, *base]):
        return [*told, ""]
    sides = [
        [list(losses.rows(metric, submissions / row["csv"], solution).values()) for row in side] for side in (own, base)
    ]
    _, over_rows = losses.difference(metric, *sides)
    return [*told, figure(over_rows)]


def by_name(rows):
    return dict.fromkeys(row["arm"] for row in rows)


def numbers(rows, column):
    return [float(row[column]) for row in rows if row.get(column)]


def figure(value, form="{:.4f}"):
    return "" if math.isnan(value) else form.format(value)


def mean(values):
    return sum(values) / len(values) if values else math.nan


def spread(values):
    if len(values) < 2:
        return math.nan
    middle = mean(values)
    return math.sqrt(sum((value - middle) ** 2 for value in values) / (len(values) - 1))
