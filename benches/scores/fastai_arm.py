#!/usr/bin/env python3
"""What a fastai user types: `vision_learner` and `fine_tune(6)` at its default rate (one epoch of the head,
six of all layers), `aug_transforms`, `Resize` a seventh larger than what is cut out, `tta`. Called by
bench.py as `python_arms.py` is; prints a line of JSON. fastai 2.8, in one process.

The same backbone, weights, size, symmetries, clips and thresholds as the other arms have; views are fastai's.
"""

import json

import timm
import torch
from fastai.vision import all as vision
from safetensors.torch import load_file

from folders import Data
from python_arms import BACKBONE, BATCH, EPOCHS, WEIGHTS, Clock
from python_arms import arguments, best_clip, best_threshold, loss_of, use_threads, within


def main():
    args = arguments(["fine-tune"])
    vision.set_seed(args.seed, reproducible=True)
    clock, data = Clock(), Data(args.folder, args.spec)
    _, held_out = data.split(args.seed)
    learner = trained(data, held_out, args.size)
    with learner.no_bar():
        guessed, _ = learner.get_preds(dl=learner.dls.valid)
        tested, _ = learner.tta(dl=learner.dls.test_dl(data.test))
    guessed, tested, targets = guessed.numpy(), tested.numpy(), data.targets[held_out]
    if data.is_number:
        guessed, tested = within(data, guessed), within(data, tested)
    found = {"held_out": loss_of(data, guessed, targets)}
    if not (data.is_tags or data.is_number):
        clip = best_clip(data, guessed, targets)
        tested = tested.clip(clip, 1 - clip)
    data.write(args.csv, tested, best_threshold(guessed, targets) if data.is_tags else None)
    # Bars that fastai draws all the same leave their line open.
    print("\n" + json.dumps({**clock.told(), "submit_s": 0, **found}))


def trained(data, held_out, size):
    number = {path: i for i, path in enumerate(data.train)}

    def words(path):
        row = data.targets[number[path]]
        if data.is_number:
            return float(row[0])
        chosen = [name for name, is_so in zip(data.classes, row) if is_so]
        return chosen if data.is_tags else chosen[0]

    target = {
        "multi-label": lambda: vision.MultiCategoryBlock(vocab=data.classes),
        "number": lambda: vision.RegressionBlock(n_out=1),
    }.get(data.kind, lambda: vision.CategoryBlock(vocab=data.classes))
    config = timm.create_model(BACKBONE).pretrained_cfg
    block = vision.DataBlock(
        blocks=(vision.ImageBlock, target()),
        get_y=words,
        splitter=vision.IndexSplitter(held_out),
        item_tfms=vision.Resize(int(size * 1.14)),
        batch_tfms=[
            *vision.aug_transforms(size=size, flip_vert=data.is_top_down),
            vision.Normalize.from_stats(config["mean"], config["std"], cuda=False),
        ],
    )
    loaders = block.dataloaders(data.train, bs=BATCH, num_workers=0, device=torch.device("cpu"))
    learner = vision.vision_learner(
        loaders, BACKBONE, pretrained=False, normalize=False, n_out=data.targets.shape[1]
    )
    weights = {name: value for name, value in load_file(WEIGHTS).items() if not name.startswith("classifier")}
    left = learner.model[0].model.load_state_dict(weights, strict=False)
    lacking = [name for name in left.missing_keys if "num_batches" not in name]
    if lacking:
        raise SystemExit(f"{WEIGHTS} lacks {lacking[:3]}")
    learner.freeze()
    with learner.no_bar(), learner.no_logging():
        learner.fine_tune(EPOCHS)
    return learner


if __name__ == "__main__":
    use_threads()
    main()
