#!/usr/bin/env python3
"""Makes data sets for bench.py from git directories of public repositories: README.md says which and under
which licence. Images are resized to what they are used at and never committed.

    python3 benches/scores/sets.py solar GIT_DIRECTORY DATA    # writes DATA/solar

Every set is laid out as dog breeds are (train/, test/, labels.csv, sample_submission.csv, solution.csv).
Splits are fixed, and never part what belongs together: a person, a module, a stretch of pictures. An id
begins with its group, which the spec's `[split]` reads.
"""

import argparse
import csv
import hashlib
import io
import subprocess
from pathlib import Path

from PIL import Image


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("set", choices=SETS)
    parser.add_argument("git", type=Path)
    parser.add_argument("data", type=Path)
    args = parser.parse_args()
    find, side, train, test = SETS[args.set]
    groups = {}
    for path, group, label in find(args.git):
        groups.setdefault(group, []).append((path, label))
    # Groups in an order that is random, and the same for everybody.
    order = sorted(groups, key=lambda group: hashlib.sha256(group.encode()).digest())
    rows, sides = [(i, *item) for i, group in enumerate(order) for item in groups[group]], {"test": [], "train": []}
    border = next(i for i, row in enumerate(rows) if i >= test and row[0] != rows[i - 1][0])
    sides["test"] = rows[:border]
    sides["train"] = [row for row in rows[border:] if row[0] <= rows[min(border + train, len(rows)) - 1][0]]
    write(args.git, args.data / args.set, sides, side)


def solar(git):
    """Cells of solar modules: how probably broken, 0 to 1. Neighbours seem to come from one module."""
    lines = text(git, "src/elpv_dataset/data/labels.csv").splitlines()
    for i, line in enumerate(lines):
        name, probability, _ = line.split()
        yield f"src/elpv_dataset/data/{name}", f"{i // 60:02}", f"{float(probability):.4f}"


def signs(git):
    """Hands that show digits; a pupil's ten pictures are numbered one after the other."""
    names = [path for path in listed(git) if path.startswith("Dataset/")]
    names.sort(key=lambda path: Path(path).stem)
    for i, path in enumerate(names):
        yield path, f"{i // 50:02}", path.split("/")[1]


def faces(git):
    """Faces of people in the news: what they show. Those without a name in the file's are left out, as are
    the rarest two expressions (30 pictures)."""
    there = set(listed(git))
    for row in csv.DictReader(io.StringIO(text(git, "data/legend.csv"))):
        label, path = row["emotion"].lower(), f"images/{row['image']}"
        person = Path(path).stem.rpartition("_")[0]
        if path in there and label in EXPRESSIONS and person:
            yield path, person, label


EXPRESSIONS = ("anger", "disgust", "happiness", "neutral", "sadness", "surprise")
# How it is found, the longer side in pixels, how many training and test images at least.
SETS = {"solar": (solar, 160, 1600, 1000), "signs": (signs, 100, 1000, 1000), "faces": (faces, 96, 8000, 2000)}


def listed(git):
    return subprocess.run(
        ["git", f"--git-dir={git}", "ls-tree", "-r", "-z", "--name-only", "HEAD"], capture_output=True, check=True
    ).stdout.decode().split("\0")


def text(git, path):
    done = subprocess.run(["git", f"--git-dir={git}", "show", f"HEAD:{path}"], capture_output=True, check=True)
    return done.stdout.decode()


def write(git, folder, sides, side):
    is_number = all(label.replace(".", "", 1).isdigit() and "." in label for *_, label in sides["train"])
    classes = sorted({label for *_, label in sides["train"]})
    reader = subprocess.Popen(["git", f"--git-dir={git}", "cat-file", "--batch"], stdin=-1, stdout=-1)
    tables = {}
    for name, rows in sides.items():
        (folder / name).mkdir(parents=True)
        tables[name] = []
        for i, (group, path, label) in enumerate(rows):
            reader.stdin.write(f"HEAD:{path}\n".encode())
            reader.stdin.flush()
            length = int(reader.stdout.readline().split()[-1])
            image = Image.open(io.BytesIO(reader.stdout.read(length + 1)[:-1])).convert("RGB")
            image.thumbnail((side, side), Image.Resampling.LANCZOS)
            image_id = f"{group:05}-{i:05}"
            image.save(folder / name / f"{image_id}.png")
            tables[name].append([image_id, label])
    column = "value" if is_number else "label"
    table(folder / "labels.csv", ["id", column], tables["train"])
    table(folder / "solution.csv", ["id", column], tables["test"])
    header = ["id", "value"] if is_number else ["id", *classes]
    guess = ["0.0"] if is_number else [f"{1 / len(classes):.6f}"] * len(classes)
    table(folder / "sample_submission.csv", header, [[row[0], *guess] for row in tables["test"]])
    print({name: len(rows) for name, rows in sides.items()}, classes if not is_number else "")


def table(path, header, rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


if __name__ == "__main__":
    main()
