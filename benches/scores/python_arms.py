#!/usr/bin/env python3
"""What a careful Python user gets: logistic regression on frozen features, LP-FT (Kumar et al. 2022,
https://arxiv.org/abs/2202.10054) with timm. Called by bench.py; prints a line of JSON.

`logistic`: scikit-learn on standardised pooled features of the centre crop, C by five inner folds, then
all images; predictions are the mean of the centre crop and its mirror.
`lp-ft`: that as the last layer, then all layers with AdamW, cosine, a running mean of the weights, random
resized crops and mirrors; the rate is the one of four with the lowest loss on a held-out fifth; the time
is that of one training.
"""

import argparse
import csv
import json
import os
import time
from pathlib import Path

import numpy as np
import timm
import torch
from PIL import Image
from safetensors.torch import load_file
from timm.data import create_transform, resolve_model_data_config
from torch.nn import functional

BACKBONE = "tf_efficientnet_lite0"
WEIGHTS = Path.home() / ".cache/kaggle-kit/weights" / (BACKBONE + ".safetensors")
RATES = [3e-5, 1e-4, 3e-4, 1e-3]
EPOCHS, BATCH, DECAY, EMA = 6, 32, 0.01, 0.99


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("arm", choices=["logistic", "lp-ft"])
    parser.add_argument("set")
    parser.add_argument("folder", type=Path)
    parser.add_argument("csv", type=Path)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--cache", type=Path, required=True)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    data = Data(args.folder)
    network = timm.create_model(BACKBONE, num_classes=0)
    network.load_state_dict(load_file(WEIGHTS), strict=False)
    begun = time.monotonic()
    arm = {"logistic": logistic, "lp-ft": lp_ft}[args.arm]
    probabilities, found = arm(data, network.eval(), args)
    data.write(args.csv, probabilities, found.pop("threshold", None))
    print(json.dumps({"train_s": found.pop("seconds", time.monotonic() - begun), "submit_s": 0, **found}))


class Data:
    """A folder in the layout of cats and dogs, dog breeds or planet."""

    def __init__(self, folder):
        solution = next(csv.reader(open(folder / "solution.csv", newline="")))
        self.is_tags = solution[1] == "tags"
        rows = list(csv.DictReader(open(folder / "solution.csv", newline="")))
        self.id = solution[0]
        self.ids = [row[self.id] for row in rows]
        sides = [name for name in ("train", "train-jpg") if (folder / name).is_dir()]
        train, test = folder / sides[0], folder / sides[0].replace("train", "test")
        self.test = [test / f"{name}.jpg" for name in self.ids]
        table = next((folder / name for name in ("labels.csv", "train_v2.csv") if (folder / name).exists()), None)
        if table:
            labelled = list(csv.reader(open(table, newline="")))[1:]
            self.train = [train / f"{row[0]}.jpg" for row in labelled]
            words = [row[1].split() for row in labelled]
        else:
            self.train = sorted(train.iterdir())
            words = [[path.name.split(".")[0]] for path in self.train]
        self.classes = sorted({word for row in words for word in row})
        self.targets = np.array([[float(name in row) for name in self.classes] for row in words], np.float32)
        self.header = next(csv.reader(open(next(folder.glob("sample_submission*.csv")), newline="")))

    def write(self, path, probabilities, threshold):
        with open(path, "w", newline="") as file:
            out = csv.writer(file)
            out.writerow(self.header)
            for name, row in zip(self.ids, probabilities):
                if self.is_tags:
                    tags = [tag for tag, p in zip(self.classes, row) if p > threshold]
                    out.writerow([name, " ".join(tags)])
                elif len(self.header) == 2:
                    out.writerow([name, f"{row[-1]:.6f}"])
                else:
                    of = dict(zip(self.classes, row))
                    out.writerow([name] + [f"{of[name]:.6f}" for name in self.header[1:]])


def pictures(paths, transform):
    return torch.stack([transform(Image.open(path).convert("RGB")) for path in paths])


def features(network, paths, transform, cache):
    """Of the centre crop and its mirror, `[n, 2, width]`; kept, for they are the same for all seeds."""
    if cache.exists():
        return np.load(cache)
    rows = []
    with torch.inference_mode():
        for start in range(0, len(paths), BATCH):
            batch = pictures(paths[start : start + BATCH], transform)
            rows.append(torch.stack([network(batch), network(batch.flip(3))], 1).numpy())
    cache.parent.mkdir(parents=True, exist_ok=True)
    np.save(cache, np.concatenate(rows))
    return np.load(cache)


def standardised(train, *others):
    mean, deviation = train.mean(0), train.std(0) + 1e-6
    return [(rows - mean) / deviation for rows in (train, *others)]


def fitted(data, rows, targets, seed):
    """The logits' weights `[width + 1, classes]`, C by five folds."""
    from sklearn.linear_model import LogisticRegressionCV

    settings = dict(Cs=np.logspace(-5, 0, 11), cv=5, scoring="neg_log_loss", max_iter=500)
    if data.is_tags:
        columns = []
        for column in targets.T:
            if 5 <= column.sum() <= len(column) - 5:
                model = LogisticRegressionCV(**settings).fit(rows, column)
                columns.append(np.append(model.coef_[0], model.intercept_[0]))
            else:
                # Too few to fit anything: how often it is there.
                p = np.clip(column.mean(), 1e-3, 1 - 1e-3)
                columns.append(np.append(np.zeros(rows.shape[1]), np.log(p / (1 - p))))
        return np.stack(columns, 1).astype(np.float32)
    model = LogisticRegressionCV(**settings).fit(rows, targets.argmax(1))
    weights = np.concatenate([model.coef_.T, model.intercept_[None]]).astype(np.float32)
    return np.concatenate([-weights / 2, weights / 2], 1) if weights.shape[1] == 1 else weights


def answers(data, logits):
    logits = torch.as_tensor(logits)
    p = torch.sigmoid(logits) if data.is_tags else torch.softmax(logits, 1)
    return p.numpy()


def best_threshold(data, probabilities, targets):
    """By the mean F2 of images that were not trained on."""

    def f2(threshold):
        chosen = probabilities > threshold
        hits = (chosen * targets).sum(1)
        return (5 * hits / np.maximum(4 * targets.sum(1) + chosen.sum(1), 1e-9)).mean()

    return max(np.arange(0.05, 0.5, 0.01), key=f2) if data.is_tags else None


def clipped(probabilities):
    """One confident error decides a log loss: .005 is what the lecture clips at."""
    return np.clip(probabilities, 0.005, 0.995)


def split(n, seed):
    order = np.random.RandomState(seed).permutation(n)
    return order[n // 5 :], order[: n // 5]


def logistic(data, network, args):
    transform = create_transform(**resolve_model_data_config(network), is_training=False)
    train = features(network, data.train, transform, args.cache / f"{args.set}-train.npy")
    test = features(network, data.test, transform, args.cache / f"{args.set}-test.npy")
    part, held_out = split(len(train), args.seed)
    # Only for the threshold of tags.
    threshold = None
    if data.is_tags:
        own, other = standardised(train[part, 0], train[held_out, 0])
        weights = fitted(data, own, data.targets[part], args.seed)
        guessed = answers(data, other @ weights[:-1] + weights[-1])
        threshold = best_threshold(data, guessed, data.targets[held_out])
    own, centre, mirror = standardised(train[:, 0], test[:, 0], test[:, 1])
    weights = fitted(data, own, data.targets, args.seed)
    both = [answers(data, rows @ weights[:-1] + weights[-1]) for rows in (centre, mirror)]
    return clipped(sum(both) / 2), {"threshold": threshold}


def lp_ft(data, network, args):
    config = resolve_model_data_config(network)
    still = create_transform(**config, is_training=False)
    moving = create_transform(**config, is_training=True, scale=(0.35, 1.0), auto_augment=None, color_jitter=0.2)
    train = features(network, data.train, still, args.cache / f"{args.set}-train.npy")
    part, held_out = split(len(train), args.seed)
    own, mean, deviation = train[part, 0], train[part, 0].mean(0), train[part, 0].std(0) + 1e-6
    weights = fitted(data, (own - mean) / deviation, data.targets[part], args.seed)
    # On features as they are.
    slope = weights[:-1] / deviation[:, None]
    bias = weights[-1] - mean @ slope
    held = pictures([data.train[i] for i in held_out], still)
    best = None
    for rate in RATES:
        begun = time.monotonic()
        model = fine_tuned(data, part, slope, bias, rate, moving, args.seed)
        guessed = predicted(data, model, held)
        seconds = time.monotonic() - begun
        loss = log_loss(data, guessed, data.targets[held_out])
        print(f"rate {rate:g}: held-out loss {loss:.4f} in {seconds:.0f} s", flush=True)
        if best is None or loss < best[0]:
            best = (loss, rate, seconds, model, guessed)
    loss, rate, seconds, model, guessed = best
    rows = []
    for start in range(0, len(data.test), BATCH):
        batch = pictures(data.test[start : start + BATCH], still)
        rows.append((predicted(data, model, batch) + predicted(data, model, batch.flip(3))) / 2)
    threshold = best_threshold(data, guessed, data.targets[held_out])
    return clipped(np.concatenate(rows)), {"threshold": threshold, "seconds": seconds, "held_out": loss, "rate": rate}


def fine_tuned(data, part, slope, bias, rate, transform, seed):
    """The running mean of the weights."""
    torch.manual_seed(seed)
    backbone = timm.create_model(BACKBONE, num_classes=0)
    backbone.load_state_dict(load_file(WEIGHTS), strict=False)
    head = torch.nn.Linear(*slope.shape)
    head.weight.data, head.bias.data = torch.tensor(slope.T.copy()), torch.tensor(bias)
    model = torch.nn.Sequential(backbone, head).train()
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
            logits = model(pictures([data.train[i] for i in chosen], transform))
            loss = training_loss(data, logits, torch.tensor(data.targets[chosen]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            mean.update_parameters(model)
    return mean.module.eval()


def training_loss(data, logits, targets):
    if data.is_tags:
        return functional.binary_cross_entropy_with_logits(logits, targets)
    return functional.cross_entropy(logits, targets)


def predicted(data, model, images):
    with torch.inference_mode():
        parts = [answers(data, model(images[i : i + BATCH])) for i in range(0, len(images), BATCH)]
    return np.concatenate(parts)


def log_loss(data, probabilities, targets):
    p = np.clip(probabilities, 1e-6, 1 - 1e-6)
    if data.is_tags:
        return float(-(targets * np.log(p) + (1 - targets) * np.log(1 - p)).mean())
    return float(-(targets * np.log(p)).sum(1).mean())


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1)))
    main()
