#!/usr/bin/env python3
"""Has an exported `model.py` answer what each of kaggle-kit's rules answers, by the table that a test in
Rust holds to be right; and average views and folds as kaggle-kit does. Needs torch, timm, safetensors, pillow and numpy.

    python scripts/export_test.py exports/20261124-101500-3fa9
"""

import json
import sys
from pathlib import Path

TABLE = Path(__file__).resolve().parent.parent / "src/commands/export/decisions.json"


def same(a, b):
    if isinstance(b, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    return abs(a - b) < 1e-6 if isinstance(b, float) else a == b


def main(folder):
    sys.path.insert(0, folder)
    import model

    cases = json.loads(TABLE.read_text(encoding="utf-8"))
    for case in cases:
        model.MODEL = case
        answers = model.decide(case["said"])
        assert same(answers, case["answers"]), (case["decision"], answers, case["answers"])
    views_of_folds(model)
    print(f"{len(cases)} rules answer as they should, and folds see by their own views")


def views_of_folds(model):
    """Each fold's views by its own weights, then the mean over folds; one column of weights is for all."""
    import torch
    from torch import nn

    class Fold(nn.Module):
        def __init__(self, factor):
            super().__init__()
            self.factor = factor

        def forward(self, pixels):
            return pixels.mean((1, 2, 3))[:, None] * torch.tensor([self.factor, 1.0])

    # Two views, one of zeros and one of ones: a view's weight is what is said.
    pixels = torch.stack([torch.zeros(3, 2, 2), torch.ones(3, 2, 2)])
    folds = model.Mean([Fold(2.0), Fold(4.0)])
    own = model.seen(folds, pixels, torch.tensor([[0.75, 0.0], [0.25, 1.0]]))
    assert own.tolist() == [(2 * 0.25 + 4 * 1.0) / 2, (0.25 + 1.0) / 2], own
    alike = model.seen(folds, pixels, torch.tensor([[0.5], [0.5]]))
    assert alike.tolist() == [(2 + 4) / 2 * 0.5, 0.5], alike


if __name__ == "__main__":
    main(sys.argv[1])
