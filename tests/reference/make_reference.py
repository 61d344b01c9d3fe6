"""What scikit-learn says about metrics, for the tests in src/metric.

python make_reference.py > reference.json      needs: pip install scikit-learn
"""
import json, warnings, numpy as np
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    cohen_kappa_score,
    f1_score,
    fbeta_score,
    hamming_loss,
    log_loss,
    matthews_corrcoef,
    mean_absolute_error,
    mean_squared_error,
    precision_recall_fscore_support,
    precision_score,
    r2_score,
    recall_score,
    roc_auc_score,
    roc_curve,
    root_mean_squared_error,
    root_mean_squared_log_error,
    top_k_accuracy_score,
)

warnings.filterwarnings("ignore")
out = {}
g = np.random.default_rng(1)

n, m = 12, 5
y = (g.random((n, m)) < 0.4).astype(int)
y[3] = 0
p = np.clip(y * 0.55 + g.random((n, m)) * 0.5, 0, 1)
q = (p > 0.5).astype(int)
q[5] = 0
out["multilabel"] = {
    "truth": y.tolist(),
    "probabilities": np.round(p, 6).tolist(),
    "predicted": q.tolist(),
    **{
        f"f{b} {avg}": float(fbeta_score(y, q, beta=b, average=avg, zero_division=0))
        for b in (1, 2)
        for avg in ("samples", "micro", "macro")
    },
    "f2 per tag": fbeta_score(y, q, beta=2, average=None, zero_division=0).tolist(),
    "precision per tag": precision_score(y, q, average=None, zero_division=0).tolist(),
    "recall per tag": recall_score(y, q, average=None, zero_division=0).tolist(),
}

c = g.integers(0, 4, 10)
z = g.random((10, 4))
z /= z.sum(1, keepdims=True)
z = np.round(z, 6)
z /= z.sum(1, keepdims=True)
out["multiclass"] = {
    "truth": c.tolist(),
    "probabilities": z.tolist(),
    "log_loss": float(log_loss(c, z, labels=range(4))),
    "accuracy": float(accuracy_score(c, z.argmax(1))),
}

b = g.integers(0, 2, 10)
w = np.round(g.random(10), 6)
out["binary"] = {
    "truth": b.tolist(),
    "probabilities": w.tolist(),
    "log_loss": float(log_loss(b, w)),
    "log_loss clipped [.02,.98]": float(log_loss(b, np.clip(w, 0.02, 0.98))),
}


# Numbers of its own, so that those above stay.
def multilabel_more(seed, n=12, m=7):
    g = np.random.default_rng(seed)
    y = (g.random((n, m)) < 0.35).astype(int)
    q = np.where(g.random((n, m)) < 0.25, 1 - y, y)
    y[[2, 3]] = 0
    q[[3, 5]] = 0
    q[2, 1] = 1
    q[:, 4] = 0
    y[:, 6] = 0
    scores = lambda b, a: precision_recall_fscore_support(y, q, beta=b, average=a, zero_division=0)
    return {
        "truth": y.tolist(),
        "predicted": q.tolist(),
        "betas": {
            str(b): {a: [float(x) for x in scores(b, a)[:3]] for a in ("samples", "micro", "macro")}
            | {"per tag": [x.tolist() for x in scores(b, None)]}
            for b in (0.5, 1, 2, 3)
        },
    }


out["multilabel more"] = [multilabel_more(seed) for seed in (2, 3, 4)]


# Answers with what each metric says of them, each kind with a seed of its own: a new one leaves the
# numbers of the others as they are. `src/metric/reference.rs` reads them.
def lists(rows):
    return [[int(i) for i in row] for row in rows]


def some(n_hot):
    return [np.flatnonzero(row).tolist() for row in n_hot]


def labels(seed, n, m, never_true=None, never_said=None):
    g = np.random.default_rng(seed)
    y = g.integers(0, m, n)
    q = np.where(g.random(n) < 0.6, y, g.integers(0, m, n))
    if never_true is not None:
        y[y == never_true] = (never_true + 1) % m
        q[0] = never_true
    if never_said is not None:
        q[q == never_said] = (never_said + 1) % m
        y[0] = never_said
    return {
        "classes": m,
        "truth": lists(y[:, None]),
        "said": lists(q[:, None]),
        "expected": {
            "accuracy": accuracy_score(y, q),
            "balanced-accuracy": balanced_accuracy_score(y, q),
            "micro-f1": f1_score(y, q, average="micro", zero_division=0),
            "macro-f1": f1_score(y, q, average="macro", zero_division=0),
            "kappa": cohen_kappa_score(y, q, labels=range(m), weights="quadratic"),
            "hamming-loss": hamming_loss(y, q),
            "mcc": matthews_corrcoef(y, q),
        },
    }


def tags(seed, n=20, m=6):
    g = np.random.default_rng(seed)
    y = (g.random((n, m)) < 0.3).astype(int)
    q = np.where(g.random((n, m)) < 0.2, 1 - y, y)
    y[:, 4] = q[:, 4] = 0
    q[:, 5] = 0
    y[0] = q[1] = 0
    return {
        "classes": m,
        "truth": some(y),
        "said": some(q),
        "expected": {
            "micro-f1": f1_score(y, q, average="micro", zero_division=0),
            "macro-f1": f1_score(y, q, average="macro", zero_division=0),
            "hamming-loss": hamming_loss(y, q),
        },
    }


# Ben Hamner's ml_metrics (average_precision.py), by which Kaggle scored.
def apk(actual, predicted, k):
    predicted = predicted[:k]
    score = hits = 0.0
    for i, p in enumerate(predicted):
        if p in actual and p not in predicted[:i]:
            hits += 1.0
            score += hits / (i + 1.0)
    return score / min(len(actual), k) if actual else 0.0


def mapk(actual, predicted, k):
    return float(np.mean([apk(a, p, k) for a, p in zip(actual, predicted)]))


def rankings(seed, n=25, m=8):
    g = np.random.default_rng(seed)
    y = g.integers(0, m, n)
    p = g.random((n, m)) + 0.5 * np.eye(m)[y]
    q = lists(np.argsort(-p, axis=1))
    truth = lists(y[:, None])
    error = lambda k: 1 - top_k_accuracy_score(y, p, k=k, labels=range(m))
    return {
        "classes": m,
        "truth": truth,
        "said": [row[:5] for row in q],
        "expected": {f"map@{k}": mapk(truth, q, k) for k in (1, 3, 5)}
        | {f"error@{k}": error(k) for k in (1, 2, 3)},
    }


def rankings_of_tags(seed, n=25, m=8):
    g = np.random.default_rng(seed)
    truth = some(g.random((n, m)) < 0.3)
    q = lists(g.integers(0, m, (n, 5)))
    q[0] = []
    expected = {"map@3": mapk(truth, q, 3)}
    return {"classes": m, "truth": truth, "said": q, "expected": expected}


# Google Landmark Recognition: (1 / M) sum P(i) rel(i), M the images with a landmark.
def gap(truth, said):
    rows = [(s[1], s[0] in t) for t, s in zip(truth, said) if s]
    rows.sort(key=lambda row: -row[0])
    right = total = 0.0
    for i, (_, rel) in enumerate(rows):
        right += rel
        total += right / (i + 1) * rel
    return total / sum(1 for t in truth if t)


def scored(seed, n=30, m=5):
    g = np.random.default_rng(seed)
    truth = [[int(c)] if c < m else [] for c in g.integers(0, m + 2, n)]
    said = [[int(g.integers(0, m)), round(float(g.random()), 3)] for _ in truth]
    for row, t in enumerate(truth):
        if t and g.random() < 0.6:
            said[row][0] = t[0]
        if g.random() < 0.1:
            said[row] = None
    return {"classes": m, "truth": truth, "said": said, "expected": {"gap": gap(truth, said)}}


def probabilities(seed, n=40, m=3):
    g = np.random.default_rng(seed)
    y = (g.random((n, m)) < 0.4).astype(int)
    p = np.round(np.clip(0.4 * y + 0.6 * g.random((n, m)), 0, 1), 1)
    c = np.clip(p, 1e-15, 1 - 1e-15)
    cells = -(y * np.log(c) + (1 - y) * np.log(1 - c))
    return {
        "classes": m,
        "truth": some(y),
        "said": p.tolist(),
        "expected": {
            "auc": roc_auc_score(y, p, average="macro"),
            "log-loss": cells.mean(),
            "log-loss, 1 twice": np.average(cells, axis=1, weights=[1, 2, 1]).mean(),
        },
    }


def distributions(seed, n=20, m=4):
    g = np.random.default_rng(seed)
    y = g.integers(0, m, n)
    p = g.random((n, m)) + np.eye(m)[y]
    p /= p.sum(1, keepdims=True)
    w = np.where(y == 1, 2.0, 1.0)
    return {
        "classes": m,
        "truth": lists(y[:, None]),
        "said": p.tolist(),
        "expected": {
            "log-loss": log_loss(y, p, labels=range(m)),
            "log-loss, 1 twice": log_loss(y, p, labels=range(m), sample_weight=w),
        },
    }


# The areas between the curve and each band's lower edge (ALASKA2's evaluation page), the curve
# broken where it enters and leaves a band.
def bands(y, p, tpr, weights):
    x, t, _ = roc_curve(y, p, drop_intermediate=False)
    total = most = 0.0
    for low, high, weight in zip(tpr, tpr[1:], weights):
        xs, ts = list(x), list(t)
        for edge in (low, high):
            for i in range(len(t) - 1):
                if t[i] < edge < t[i + 1]:
                    share = (edge - t[i]) / (t[i + 1] - t[i])
                    xs.append(x[i] + share * (x[i + 1] - x[i]))
                    ts.append(edge)
        order = np.lexsort((ts, xs))
        xs, ts = np.array(xs)[order], np.clip(np.array(ts)[order], low, high) - low
        total += weight * np.trapezoid(ts, xs)
        most += weight * (high - low)
    return total / most


# ISIC 2024's own lines: scikit-learn's partial area of the curve turned round, unscaled.
def isic(y, p, min_tpr=0.8):
    max_fpr = abs(1 - min_tpr)
    scaled = roc_auc_score(np.abs(y - 1), -p, max_fpr=max_fpr)
    return 0.5 * max_fpr**2 + (max_fpr - 0.5 * max_fpr**2) / (1.0 - 0.5) * (scaled - 0.5)


# RSNA Breast Cancer Detection's evaluation page, beta 1.
def pf1(y, p):
    precision, recall = (p * y).sum() / p.sum(), (p * y).sum() / y.sum()
    return 2 * precision * recall / (precision + recall)


def probability(seed, n, digits):
    g = np.random.default_rng(seed)
    y = (g.random(n) < 0.4).astype(int)
    p = np.round(0.4 * y + 0.6 * g.random(n), digits)
    return {
        "classes": 1,
        "truth": [[0] if is_one else [] for is_one in y],
        "said": p[:, None].tolist(),
        "expected": {
            "auc": roc_auc_score(y, p),
            "auc alaska": bands(y, p, [0, 0.4, 1], [2, 1]),
            "auc isic": isic(y, p),
            "pf1": pf1(y, p),
        },
    }


def numbers(seed, n, m):
    g = np.random.default_rng(seed)
    y = np.round(g.random((n, m)) * [10.0**i for i in range(m)], 3)
    q = np.round(y * (0.5 + g.random((n, m))), 3)
    return {
        "classes": m,
        "truth": y.tolist(),
        "said": q.tolist(),
        "expected": {
            "mse": mean_squared_error(y.ravel(), q.ravel()),
            "rmse": root_mean_squared_error(y.ravel(), q.ravel()),
            "mae": mean_absolute_error(y.ravel(), q.ravel()),
            "rmsle": root_mean_squared_log_error(y.ravel(), q.ravel()),
            "r2": r2_score(y, q),
            "mean-rmse": root_mean_squared_error(y, q),
        },
    }


out["cases"] = {
    "labels": [
        labels(5, 30, 4),
        labels(6, 40, 5, never_true=2, never_said=3),
        labels(7, 25, 2),
    ],
    "tags": [tags(8), tags(9)],
    "rankings": [rankings(10), rankings(11)],
    "rankings of tags": [rankings_of_tags(12)],
    "scored": [scored(13), scored(14)],
    "probabilities": [probabilities(15), probabilities(16)],
    "distributions": [distributions(17)],
    "probability": [probability(18, 60, 2), probability(19, 60, 6), probability(20, 31, 1)],
    "numbers": [numbers(21, 30, 1), numbers(22, 20, 3)],
}
print(json.dumps(out, default=float))
