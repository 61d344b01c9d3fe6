"""Reads a data set in a layout that kaggle-kit reads as well, and writes its submission.

Layouts: cats and dogs (the class in the file's name), dog breeds (`labels.csv`, a column a class in the
sample), planet (tags), numbers (`labels.csv`, one column in the sample).
"""

import csv
import re
import tomllib
from pathlib import Path

import numpy as np


class Data:
    """`targets` is `[n, classes]` of 0 and 1, or `[n, 1]` of numbers; `kind` as in the spec."""

    def __init__(self, folder, spec):
        spec = tomllib.loads(Path(spec).read_text(encoding="utf-8"))
        self.kind = spec["target"]["kind"]
        self.is_tags, self.is_number = self.kind == "multi-label", self.kind == "number"
        recipe = spec.get("recipe", {})
        self.is_top_down, self.crop = recipe.get("augment") == "top-down", recipe.get("crop")
        solution = read(folder / "solution.csv")
        self.id, self.ids = solution[0][0], [row[0] for row in solution[1:]]
        side = next(name for name in ("train", "train-jpg") if (folder / name).is_dir())
        self.test = found(folder / side.replace("train", "test"), self.ids)
        table = next((folder / name for name in ("labels.csv", "train_v2.csv") if (folder / name).exists()), None)
        if table:
            labelled = read(table)[1:]
            self.train = found(folder / side, [row[0] for row in labelled])
            words = [row[1].split() for row in labelled]
        else:
            self.train = sorted((folder / side).iterdir())
            words = [[path.name.split(".")[0]] for path in self.train]
        self.header = read(next(folder.glob("sample_submission*.csv")))[0]
        if self.is_number:
            self.classes = self.header[1:]
            self.targets = np.array([[float(word) for word in row] for row in words], np.float32)
        else:
            self.classes = sorted({word for row in words for word in row})
            self.targets = np.array([[float(name in row) for name in self.classes] for row in words], np.float32)

        pattern = spec.get("split", {}).get("pattern")
        self.groups = [re.search(pattern, path.stem)[1] for path in self.train] if pattern else None

    def split(self, seed):
        """Indices of four fifths of the training images, and of the held-out fifth; groups stay together."""
        names = np.array(self.groups) if self.groups else np.arange(len(self.train))
        order = np.random.RandomState(seed).permutation(np.unique(names))
        is_held_out = np.isin(names, order[: len(order) // 5])
        return np.flatnonzero(~is_held_out), np.flatnonzero(is_held_out)

    def write(self, path, answers, threshold):
        """`answers`: `[n, classes]` probabilities, or `[n, 1]` numbers."""
        with open(path, "w", newline="", encoding="utf-8") as file:
            out = csv.writer(file)
            out.writerow(self.header)
            for name, row in zip(self.ids, answers):
                if self.is_tags:
                    tags = [tag for tag, p in zip(self.classes, row) if p > threshold]
                    out.writerow([name, " ".join(tags)])
                elif len(self.header) == 2:
                    out.writerow([name, f"{row[-1]:.6f}"])
                else:
                    of = dict(zip(self.classes, row))
                    out.writerow([name] + [f"{of[name]:.6f}" for name in self.header[1:]])


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def found(folder, ids):
    """The images of these ids, whatever their extension."""
    files = {path.stem: path for path in folder.iterdir()}
    return [files[name] for name in ids]
