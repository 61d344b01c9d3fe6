"""What scikit-learn says about metrics, for the tests in src/metric.

python make_reference.py > reference.json      needs: pip install scikit-learn
"""
import json, warnings, numpy as np
from sklearn.metrics import (
    accuracy_score,
    fbeta_score,
    log_loss,
    precision_recall_fscore_support,
    precision_score,
    recall_score,
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
print(json.dumps(out))
