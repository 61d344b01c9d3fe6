#!/usr/bin/env python3
"""What a careful Python user gets: a linear model on frozen features, and LP-FT (Kumar et al. 2022,
https://arxiv.org/abs/2202.10054) with timm. Called by bench.py; prints a line of JSON.

`logistic`: scikit-learn on standardised pooled features of the centre crop, all training images, strength
by five inner folds (ridge regression where numbers are predicted; tags by L-BFGS all at once, each with a
strength of its own); clip and threshold by predictions out of fold. Nothing of it is random, so that seeds
share one row.
`lp-ft`: a linear layer fitted to convergence on the same features, then all layers with AdamW, cosine, a
running mean of the weights, random resized crops and symmetries, channels last. Of four rates the one with
the lowest loss on the held-out fifth, chosen with the first seed of a set and kept for the others; strength
of the layer, clip and threshold by the held-out fifth of each seed.
Both predict with the mean over the centre crop, the whole square, and the symmetries of both.

`train_s` and `cpu_s` are of one training with everything it needs, features among it, whether these were
kept by an earlier row or not; only the trainings with the other three rates are left out.
"""

import argparse
import json
import os
import random
import time
from pathlib import Path

import numpy as np
import timm
import torch
from PIL import Image
from safetensors.torch import load_file
from timm.data import create_transform, resolve_model_data_config
from torch.nn import functional
from torchvision import transforms

from folders import Data

BACKBONE = "tf_efficientnet_lite0"
WEIGHTS = Path.home() / ".cache/kaggle-kit/weights" / (BACKBONE + ".safetensors")
RATES = [3e-5, 1e-4, 3e-4, 1e-3]
EPOCHS, BATCH, DECAY, EMA = 6, 32, 0.01, 0.99
STRENGTHS = np.logspace(2, -4, 13)
CLIPS = [0.001, 0.002, 0.005, 0.01]


def arguments(arms):
    """What bench.py calls an arm with."""
    parser = argparse.ArgumentParser()
    parser.add_argument("arm", choices=arms)
    parser.add_argument("set")
    parser.add_argument("folder", type=Path)
    parser.add_argument("spec", type=Path)
    parser.add_argument("csv", type=Path)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--cache", type=Path, required=True)
    return parser.parse_args()


def main():
    args = arguments(["logistic", "lp-ft"])
    torch.manual_seed(args.seed)
    clock = Clock()
    data = Data(args.folder, args.spec)
    cache = args.cache / f"{args.set}-{args.size}"
    cache.mkdir(parents=True, exist_ok=True)
    answers, found = {"logistic": logistic, "lp-ft": lp_ft}[args.arm](data, Views(data, args.size), cache, clock, args)
    data.write(args.csv, answers, found.pop("threshold", None))
    print(json.dumps({**clock.told(), "submit_s": 0, **found}))


class Clock:
    """Wall and processor seconds of one training: what was kept is added, what is only for a choice is not."""

    def __init__(self):
        # Importing torch is part of the processor's time, as starting the program is.
        self.begun, self.wall, self.cpu = time.monotonic(), 0.0, 0.0

    def kept(self, path, make):
        """`make`'s arrays, from `path` where it was made before, with the time that took then."""
        if path.exists():
            kept = dict(np.load(path))
            self.wall += float(kept["wall"])
            self.cpu += float(kept["cpu"])
            return kept
        begun, cpu = time.monotonic(), time.process_time()
        made = make()
        np.savez(path, wall=time.monotonic() - begun, cpu=time.process_time() - cpu, **made)
        return made

    def without(self, wall, cpu):
        self.wall -= wall
        self.cpu -= cpu

    def told(self):
        return {
            "train_s": time.monotonic() - self.begun + self.wall,
            "cpu_s": time.process_time() + self.cpu,
        }


class Views:
    """How an image is looked at."""

    def __init__(self, data, size):
        config = resolve_model_data_config(timm.create_model(BACKBONE, num_classes=0))
        config |= {"input_size": (3, size, size)}
        if data.crop:
            config |= {"crop_pct": data.crop}
        self.centre = create_transform(**config, is_training=False)
        square = transforms.Resize((size, size), transforms.InterpolationMode.BICUBIC)
        self.square = transforms.Compose([square, *self.centre.transforms[-2:]])
        symmetries = {"hflip": 0.5, "vflip": 0.5 if data.is_top_down else 0.0}
        self.moving = create_transform(
            **config, is_training=True, scale=(0.35, 1.0), auto_augment=None, color_jitter=0.2, **symmetries
        )
        self.is_top_down = data.is_top_down

    def symmetries(self, batch):
        turned = [torch.rot90(batch, turns, (2, 3)) for turns in range(4)] if self.is_top_down else [batch]
        return turned + [view.flip(3) for view in turned]

    def all(self, paths):
        """Batches of every view of these images, in turn: for predicting."""
        return [view for look in (self.centre, self.square) for view in self.symmetries(pictures(paths, look))]


def pictures(paths, transform):
    images = torch.stack([transform(Image.open(path).convert("RGB")) for path in paths])
    return images.contiguous(memory_format=torch.channels_last)


def network():
    made = timm.create_model(BACKBONE, num_classes=0)
    made.load_state_dict(load_file(WEIGHTS), strict=False)
    return made.to(memory_format=torch.channels_last).eval()


def features(paths, looks):
    """`[n, views, width]`; `looks` gives the batches of a batch's views."""
    backbone, rows = network(), []
    with torch.inference_mode():
        for start in range(0, len(paths), BATCH):
            rows.append(torch.stack([backbone(view) for view in looks(paths[start : start + BATCH])], 1).numpy())
    return {"rows": np.concatenate(rows)}


def logistic(data, views, cache, clock, args):
    train = clock.kept(cache / "train.npz", lambda: features(data.train, lambda paths: [pictures(paths, views.centre)]))
    test = clock.kept(cache / "test.npz", lambda: features(data.test, views.all))
    kept = clock.kept(cache / "logistic.npz", lambda: fit_logistic(data, train["rows"][:, 0], test["rows"]))
    found = {name: float(kept[name]) for name in ("clip", "threshold", "held_out") if name in kept}
    return kept["answers"], found


def fit_logistic(data, train, test):
    from sklearn.linear_model import LogisticRegression, LogisticRegressionCV, Ridge, RidgeCV
    from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold, cross_val_predict

    mean, deviation = train.mean(0), train.std(0) + 1e-6
    own, views = (train - mean) / deviation, [(test[:, i] - mean) / deviation for i in range(test.shape[1])]

    def folds(column):
        kind = GroupKFold(5) if data.groups else KFold(5) if data.is_number else StratifiedKFold(5)
        return list(kind.split(own, column, data.groups))

    if data.is_number:
        outside, test_answers = [], []
        for column in data.targets.T:
            parts = folds(column)
            alpha = RidgeCV(np.logspace(0, 6, 13), cv=parts).fit(own, column).alpha_
            outside.append(cross_val_predict(Ridge(alpha), own, column, cv=parts))
            model = Ridge(alpha).fit(own, column)
            test_answers.append(np.mean([model.predict(view) for view in views], 0))
        tested, outside = within(data, np.stack(test_answers, 1)), within(data, np.stack(outside, 1))
        return {"answers": tested, "held_out": loss_of(data, outside, data.targets)}

    def probabilities(column, parts):
        """Out of fold for all training images, `[n, classes]`, and for the test images."""
        few = dict(max_iter=500, tol=1e-3)
        chosen = LogisticRegressionCV(Cs=np.logspace(-5, 0, 11), cv=parts, scoring="neg_log_loss", **few).fit(own, column)
        strength = float(np.atleast_1d(chosen.C_)[0])
        outside = cross_val_predict(LogisticRegression(C=strength, **few), own, column, cv=parts, method="predict_proba")
        return outside, np.mean([chosen.predict_proba(view) for view in views], 0)

    if data.is_tags:
        # Seventeen regressions at once, each with its own strength.
        outside = np.zeros((len(STRENGTHS), *data.targets.shape), np.float32)
        for part, other in KFold(5).split(own):
            for i, (weight, bias) in enumerate(path(data, own[part], data.targets[part])):
                outside[i, other] = answers(data, torch.tensor(own[other] @ weight + bias), None)
        best = losses_of_tags(outside, data.targets).argmin(0)
        column = np.arange(len(best))
        fitted = [(weight.copy(), bias.copy()) for weight, bias in path(data, own, data.targets)]
        weight = np.stack([fitted[i][0][:, tag] for tag, i in enumerate(best)], 1)
        bias = np.array([fitted[i][1][tag] for tag, i in enumerate(best)])
        tested = np.mean([answers(data, torch.tensor(view @ weight + bias), None) for view in views], 0)
        outside = outside[best, :, column].T
        threshold = best_threshold(outside, data.targets)
        return {"answers": tested, "threshold": threshold, "held_out": loss_of(data, outside, data.targets)}
    column = data.targets.argmax(1)
    outside, tested = probabilities(column, folds(column))
    clip = best_clip(data, outside, data.targets)
    return {
        "answers": np.clip(tested, clip, 1 - clip),
        "clip": clip,
        "held_out": loss_of(data, np.clip(outside, clip, 1 - clip), data.targets),
    }


def lp_ft(data, views, cache, clock, args):
    centre = clock.kept(cache / "train.npz", lambda: features(data.train, lambda paths: [pictures(paths, views.centre)]))
    part, held_out = data.split(args.seed)
    scale = data.targets[part].mean(0), data.targets[part].std(0)
    goal = (data.targets - scale[0]) / scale[1] if data.is_number else data.targets
    slope, bias = linear_probe(data, centre["rows"][:, 0], goal, part, held_out)
    held = pictures([data.train[i] for i in held_out], views.centre)

    def trained(rate):
        model = fine_tuned(data, goal, part, slope, bias, rate, views.moving, args.seed)
        guessed = answers(data, torch.cat(outputs(model, held.split(BATCH))), scale)
        loss = loss_of(data, guessed, data.targets[held_out])
        print(f"rate {rate:g}: held-out loss {loss:.4f}", flush=True)
        return loss, model, guessed

    chosen = cache / "rate.json"
    if chosen.exists():
        rate = json.loads(chosen.read_text())["rate"]
        loss, model, guessed = trained(rate)
    else:
        tried = {}
        for rate in RATES:
            begun, cpu = time.monotonic(), time.process_time()
            loss, model, guessed = trained(rate)
            tried[rate] = (loss, model, guessed, time.monotonic() - begun, time.process_time() - cpu)
        rate = min(tried, key=lambda rate: tried[rate][0])
        loss, model, guessed = tried[rate][:3]
        for other in RATES:
            if other != rate:
                clock.without(*tried[other][3:])
        losses = {f"{rate:g}": kept[0] for rate, kept in tried.items()}
        chosen.write_text(json.dumps({"rate": rate, "seed": args.seed, "held_out": losses}))
    rows = []
    for start in range(0, len(data.test), BATCH):
        looks = outputs(model, views.all(data.test[start : start + BATCH]))
        rows.append(np.mean([answers(data, look, scale) for look in looks], 0))
    tested, found = np.concatenate(rows), {"held_out": loss, "rate": rate}
    if data.is_tags:
        found["threshold"] = best_threshold(guessed, data.targets[held_out])
    elif not data.is_number:
        found["clip"] = best_clip(data, guessed, data.targets[held_out])
        tested = np.clip(tested, found["clip"], 1 - found["clip"])
    return tested, found


def linear_probe(data, rows, goal, part, held_out):
    """A linear layer on features as they are, `[width, classes]` and `[classes]`: fitted to the part, with the
    strength that has the lowest loss on the held-out images."""
    mean, deviation = rows[part].mean(0), rows[part].std(0) + 1e-6

    def rows_of(side):
        return (rows[side] - mean) / deviation

    best = None
    for strength, (weight, offset) in zip(STRENGTHS, path(data, rows_of(part), goal[part])):
        loss = float(training_loss(data, torch.tensor(rows_of(held_out) @ weight + offset), torch.tensor(goal[held_out])))
        if best is None or loss < best[0]:
            best = (loss, weight.copy(), offset.copy(), strength)
    print(f"linear layer: held-out loss {best[0]:.4f} with strength {best[3]:g}", flush=True)
    slope = best[1] / deviation[:, None]
    return slope, best[2] - mean @ slope


def path(data, rows, goal):
    """Linear layers `[width, classes]`, `[classes]`, one a strength: L-BFGS, each from the one before."""
    rows, goal = torch.tensor(rows), torch.tensor(goal)
    weight = torch.zeros(rows.shape[1], goal.shape[1], requires_grad=True)
    bias = torch.zeros(goal.shape[1], requires_grad=True)
    for strength in STRENGTHS:
        solver = torch.optim.LBFGS([weight, bias], max_iter=200, line_search_fn="strong_wolfe")

        def closure():
            solver.zero_grad()
            # The mean over images, of tags the sum over them: each tag a regression of its own.
            loss = training_loss(data, rows @ weight + bias, goal) * (goal.shape[1] if data.is_tags else 1)
            loss = loss + strength / 2 * (weight**2).sum()
            loss.backward()
            return loss

        solver.step(closure)
        yield weight.detach().numpy(), bias.detach().numpy()


def fine_tuned(data, goal, part, slope, bias, rate, transform, seed):
    """The running mean of the weights."""
    torch.manual_seed(seed)
    np.random.seed(seed)
    random.seed(seed)
    head = torch.nn.Linear(*slope.shape)
    head.weight.data, head.bias.data = torch.tensor(slope.T.copy()), torch.tensor(bias)
    model = torch.nn.Sequential(network(), head).train()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eval()
    mean = torch.optim.swa_utils.AveragedModel(model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(EMA))
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=DECAY)
    steps = len(part) // BATCH * EPOCHS
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    order = np.random.RandomState(seed)
    for _ in range(EPOCHS):
        shuffled = order.permutation(part)
        for start in range(0, len(part) // BATCH * BATCH, BATCH):
            chosen = shuffled[start : start + BATCH]
            outcome = model(pictures([data.train[i] for i in chosen], transform))
            loss = training_loss(data, outcome, torch.tensor(goal[chosen]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            mean.update_parameters(model)
    return mean.module.eval()


def training_loss(data, outcome, goal):
    if data.is_number:
        return functional.mse_loss(outcome, goal)
    if data.is_tags:
        return functional.binary_cross_entropy_with_logits(outcome, goal)
    return functional.cross_entropy(outcome, goal)


def outputs(model, batches):
    with torch.inference_mode():
        return [model(batch) for batch in batches]


def answers(data, outcome, scale):
    """Probabilities, or numbers in their own unit."""
    if data.is_number:
        return within(data, outcome.numpy() * scale[1] + scale[0])
    return (torch.sigmoid(outcome) if data.is_tags else torch.softmax(outcome, 1)).numpy()


def within(data, numbers):
    return np.clip(numbers, data.targets.min(0), data.targets.max(0))


def loss_of(data, guessed, targets):
    """Squared error's root, or the log loss."""
    if data.is_number:
        return float(np.sqrt(((guessed - targets) ** 2).mean()))
    p = np.clip(guessed, 1e-6, 1 - 1e-6)
    if data.is_tags:
        return float(losses_of_tags(guessed, targets).mean())
    return float(-(targets * np.log(p / p.sum(1, keepdims=True))).sum(1).mean())


def losses_of_tags(guessed, targets):
    """`[.., n, tags]` to `[.., tags]`."""
    p = np.clip(guessed, 1e-6, 1 - 1e-6)
    return -(targets * np.log(p) + (1 - targets) * np.log(1 - p)).mean(-2)


def best_threshold(probabilities, targets):
    """By the mean F2 of images that were not trained on."""

    def f2(threshold):
        chosen = probabilities > threshold
        hits = (chosen * targets).sum(1)
        return (5 * hits / np.maximum(4 * targets.sum(1) + chosen.sum(1), 1e-9)).mean()

    return max(np.arange(0.05, 0.5, 0.01), key=f2)


def best_clip(data, probabilities, targets):
    return min(CLIPS, key=lambda clip: loss_of(data, np.clip(probabilities, clip, 1 - clip), targets))


def use_threads():
    """As many as it was given."""
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1)))


if __name__ == "__main__":
    use_threads()
    main()
