"""What fastai 2.8 says about schedules and learning-rate curves, for the tests in src/schedule and
src/learn/lr_find.

python make_fastai.py > fastai.json      needs: pip install torch==2.13.0 fastai

fastai is asked in single precision and with all digits of the losses; the file keeps six.
"""
import json, math, warnings, numpy as np

warnings.filterwarnings("ignore")
from fastai.callback.schedule import SchedCos, SchedExp, combined_cos, minimum, slide, steep, valley
from torch import tensor

positions = [i / 10 for i in range(11)]
out = {
    "schedule": {
        "positions": positions,
        "cos 1e-2 -> 0": [float(SchedCos(1e-2, 0)(t)) for t in positions],
        "exp 1e-7 -> 10": [float(SchedExp(1e-7, 10)(t)) for t in positions],
        "one-cycle pct .25: 4e-4 -> 1e-2 -> 1e-7": [
            float(combined_cos(0.25, 1e-2 / 25, 1e-2, 1e-2 / 1e5)(t)) for t in positions
        ],
        # fastai 0.7's CosAnneal by its formula: it no longer runs on today's PyTorch.
        "v0.7 CosAnneal lr 1, 100 batches a cycle (first 5 % at 1/100), batches 0,4,5,6,50,99": [
            0.01,
            0.01,
            *[(1 + math.cos(math.pi * j / 100)) / 2 for j in (5, 6, 50, 99)],
        ],
    },
    "lr_find": [],
}

n = 100
rates = [1e-7 * (10 / 1e-7) ** (i / (n - 1)) for i in range(n)]


def smoothed_losses(seed):
    """A made-up sweep: a slide down, an explosion, noise; smoothed as fastai smooths."""
    g = np.random.default_rng(seed)
    x = np.linspace(0, 1, n)
    height, middle = 1.5 + g.random() * 2, 0.45 + 0.25 * g.random()
    raw = (
        height
        - (height - 0.4) / (1 + np.exp(-18 * (x - middle + 0.15)))
        + np.where(x > middle + 0.1, np.exp(14 * (x - middle - 0.1)) - 1, 0) * 0.02
        + g.normal(0, 0.02, n)
    )
    smoothed, mean = [], 0.0
    for i, loss in enumerate(raw):
        mean = 0.98 * mean + 0.02 * loss
        smoothed.append(mean / (1 - 0.98 ** (i + 1)))
    return smoothed


for seed in range(6):
    losses = smoothed_losses(seed)
    # As `Learner.lr_find` does: without the first tenth and the last five.
    used = tensor(rates[n // 10 : -5]), tensor(losses[n // 10 : -5])
    out["lr_find"].append(
        {
            "smoothed_losses": [round(float(loss), 6) for loss in losses],
            **{rule.__name__: float(rule(*used, n)[0]) for rule in (valley, slide, minimum, steep)},
        }
    )


def written(value, indent=0):
    """JSON with a line for each list of numbers."""
    end, pad = "\n" + " " * indent, "\n" + " " * (indent + 1)
    if isinstance(value, dict):
        items = [f"{json.dumps(k)}: {written(v, indent + 1)}" for k, v in value.items()]
        return "{" + pad + ("," + pad).join(items) + end + "}"
    if isinstance(value, list) and isinstance(value[0], dict):
        return "[" + pad + ("," + pad).join(written(v, indent + 1) for v in value) + end + "]"
    return json.dumps(value)


print(written(out))
