#!/usr/bin/env python3
"""Runs both notebooks as Kaggle does, on drawn data and a CPU: nbclient, nothing but what is attached.

    python3 scripts/test_notebooks.py ./kaggle-kit

A stand-in draws a competition, and its data are attached as under /kaggle/input. `train.ipynb` links and
trains them, `kaggle-kit pack` packs the run, `submit.ipynb` predicts with the pack alone; both must write
submission.csv, the same one. Then the same with a blend of that run and another. nbclient and a kernel come
from PyPI into a scratch environment.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
COMPETITION, SLUG = "dogs-vs-cats", "dogs-vs-cats-redux-kernels-edition"
RUN = """
import sys, nbformat, nbclient
path, folder, change = sys.argv[1], sys.argv[2], sys.argv[3:]
notebook = nbformat.read(path, 4)
nbformat.validate(notebook)
for line in change:
    old, new = line.split("->")
    assert any(old in cell.source for cell in notebook.cells), old
    for cell in notebook.cells:
        cell.source = cell.source.replace(old, new)
nbclient.NotebookClient(notebook, timeout=1800, resources={"metadata": {"path": folder}}).execute()
for cell in notebook.cells:
    for output in cell.get("outputs", []):
        print(output.get("text", ""), end="")
"""


def run(command, env, folder):
    result = subprocess.run([str(part) for part in command], env=env, cwd=folder,
                            capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit("%s\nerror: `%s` ended with %d"
                 % (result.stdout[-3000:] + result.stderr[-3000:],
                    " ".join(str(part)[:60] for part in command[:4]), result.returncode))
    return result.stdout + result.stderr


def draw(program, env, place):
    """A drawn competition's data, as a folder."""
    server = subprocess.Popen([str(program), "standin", "serve", "--port", "0", "--competition",
                               COMPETITION], env=env, cwd=place,
                              stdout=subprocess.PIPE, text=True)
    try:
        address = re.search(r"http://\S+", server.stdout.readline()).group(0)
        token = dict(env, KAGGLE_API_TOKEN="KGAT_standin")
        run([program, "fetch", COMPETITION, "--endpoint", address], token, place)
    finally:
        server.terminate()
        server.wait()
    return place / "data" / COMPETITION


def main(program):
    program = pathlib.Path(program).absolute()
    with tempfile.TemporaryDirectory(prefix="kaggle-kit-notebooks-") as scratch:
        scratch = pathlib.Path(scratch)
        subprocess.run([sys.executable, "-m", "venv", str(scratch / "venv")], check=True)
        python = scratch / "venv" / "bin" / "python"
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                        "nbclient", "nbformat", "ipykernel"], check=True)
        place, kaggle = scratch / "place", scratch / "kaggle"
        place.mkdir()
        env = {name: value for name, value in os.environ.items() if not name.startswith("KAGGLE_")}
        env["PATH"] = "%s:%s:%s" % (program.parent, scratch / "venv" / "bin", env["PATH"])
        data = draw(program, env, place)
        attached = kaggle / "input" / "competitions" / SLUG
        attached.parent.mkdir(parents=True)
        shutil.move(str(data), str(attached))
        for own in ("fetched.toml", "manifest.csv"):
            (attached / own).unlink()
        env.update(KAGGLE_KIT_INPUT=str(kaggle / "input"), KAGGLE_KERNEL_RUN_TYPE="Batch",
                   KAGGLE_KIT_SCRATCH=str(scratch / "tmp"))

        working = kaggle / "working"
        working.mkdir()
        told = run([python, "-c", RUN, ROOT / "notebooks/train.ipynb", working,
                    'OPTIONS = []->OPTIONS = ["--smoke"]'], env, scratch)
        if "is attached: nothing is downloaded" not in told:
            sys.exit(told[-3000:] + "\nerror: what is attached was not used")
        first = (working / "submission.csv").read_bytes()

        def packed(name, *words):
            """What the notebook of a pack writes where that alone is attached, by its name on Kaggle."""
            pack, place = kaggle / "input" / name, kaggle / name
            run([program, "pack", "--output", pack, *words], env, working)
            place.mkdir()
            run([python, "-c", RUN, pack / "submit.ipynb", place], env, scratch)
            shutil.rmtree(pack)
            return (place / "submission.csv").read_bytes()

        if packed("kaggle-kit-my-pack") != first:
            sys.exit("error: the packed run predicts otherwise")
        run([program, "train", COMPETITION, "--smoke", "--set", "seed=7"], env, working)
        told = run([program, "submit", COMPETITION, "--best", "2"], env, working)
        [blend] = (working / "submissions").glob("*-blend-*.csv")
        if blend.read_bytes() == first:
            sys.exit(told[-3000:] + "\nerror: the blend is the run")
        if packed("kaggle-kit-my-blend", COMPETITION, "--best", "2") != blend.read_bytes():
            sys.exit("error: the packed blend predicts otherwise")
    print("done: both notebooks wrote the same submission.csv (%d bytes), and a blend's the blend"
          % len(first))


if __name__ == "__main__":
    main(*sys.argv[1:] or ["./kaggle-kit"])
