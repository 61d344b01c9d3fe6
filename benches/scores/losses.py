"""What each row of a submission scores: for standard errors over test rows.

`rows` gives a number an id, of which the metric is the mean (`log-loss`, `mean-f2`, `accuracy`), or the
root of the mean (`rmse`: squared errors). The program's own `kaggle-kit score` is the judge;
bench.py compares.
"""

import math

import numpy as np
from folders import read

HIGHER_IS_BETTER = {"mean-f2", "accuracy"}


def rows(metric, submission, solution):
    """`{id: number}`, in the solution's order."""
    table, truth = read(submission), {row[0]: row[1] for row in read(solution)[1:]}
    answers = {row[0]: row[1:] for row in table[1:]}
    of = {"log-loss": log_loss, "mean-f2": f2, "rmse": squared, "accuracy": same}[metric]
    return {name: of(answers[name], true, table[0][1:]) for name, true in truth.items()}


def log_loss(answer, true, columns):
    if len(columns) == 1:
        p = float(answer[0])
        p = p if float(true) == 1 else 1 - p
    else:
        p = float(answer[columns.index(true)]) / sum(map(float, answer))
    return -math.log(min(max(p, 1e-15), 1 - 1e-15))


def f2(answer, true, _):
    said, true = set(answer[0].split()), set(true.split())
    return 5 * len(said & true) / max(4 * len(true) + len(said), 1)


def squared(answer, true, _):
    return (float(answer[0]) - float(true)) ** 2


def same(answer, true, _):
    return float(answer[0] == true)


def score(metric, values):
    mean = float(np.mean(list(values)))
    return math.sqrt(mean) if metric == "rmse" else mean


def difference(metric, own, other):
    """The mean of `own - other` over rows and its standard error; arrays `[seeds, rows]`, paired.

    A root's error is by the delta method: that of the mean, over twice the root.
    """
    own, other = np.asarray(own), np.asarray(other)
    by_row = (own - other).mean(0)
    error = by_row.std(ddof=1) / math.sqrt(by_row.size)
    if metric == "rmse":
        root = (math.sqrt(own.mean()) + math.sqrt(other.mean())) / 2
        return by_row.mean() / (2 * root), error / (2 * root)
    return by_row.mean(), error
