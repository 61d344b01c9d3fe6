"""What `kaggle-kit export` has Python do with the folder it wrote: `model.pt`, `model.onnx` (where folds weigh
views in their own ways, `fold-0.pt`, `fold-0.onnx`, .. in their place), and a look whether all of them say what the run said. The folder is the argument; on stdin is, as JSON, what the run
said of some pictures; the last line on stdout is, as JSON, what came of it."""

import importlib
import json
import platform
import sys
import warnings
from pathlib import Path

warnings.filterwarnings("ignore")
folder = Path(sys.argv[1])
wanted = json.load(sys.stdin)
found = {"made": [], "left_out": [], "checks": [], "python": platform.python_version()}


def end():
    print(json.dumps(found))
    raise SystemExit


try:
    for name in ("numpy", "PIL", "torch", "timm", "safetensors"):
        module = importlib.import_module(name)
        found[name] = getattr(module, "__version__", "")
except ImportError as error:
    found["left_out"] = [["model.pt", str(error)], ["model.onnx", str(error)]]
    end()

import numpy as np
import torch

sys.dont_write_bytecode = True
sys.path.insert(0, str(folder))
import model

network = model.load()
size = model.PREPROCESS["size"]
squares = [
    {share: model.open_picture(path) for share, path in one["squares"]} for one in wanted["pictures"]
]
seen = [model.views(None, of_one) for of_one in squares]
# A run is a network; each is compared with what it said itself.
folds = list(network.networks) if len(model.MODEL["networks"]) > 1 else [network]
is_shared = not isinstance(model.PREPROCESS["views"][0]["weight"], list)


def torched(module):
    def run(pixels):
        with torch.inference_mode():
            return module(pixels).numpy()

    return run


def of_fold(one, run, pixels, weights):
    """What the fold that has held a picture out says of it, by all views."""
    weights = weights[:, one["network"] if weights.shape[1] > 1 else 0].numpy()
    return (np.asarray(run(pixels)) * weights[:, None]).sum(0)


def check(name, run=None, pictures=seen, fold=None):
    """How far what is said of the pictures is from what the run said; `run` is the whole model, which of
    several folds is compared with their mean, or one `fold`, compared by the pictures that it held out."""
    worst, whose = 0.0, None
    for (pixels, weights), one in zip(pictures, wanted["pictures"]):
        expected = np.array(one["said"])
        if fold is not None and one["network"] != fold:
            continue
        if run is None or fold is not None:
            said = of_fold(one, run or torched(folds[one["network"]]), pixels, weights)
        else:
            said = (np.asarray(run(pixels)) * weights.numpy()).sum(0)
            if len(folds) > 1:
                with torch.inference_mode():
                    expected = model.seen(network, pixels, weights).numpy()
        # Numbers are of any size; probabilities are compared as they are.
        scale = np.maximum(np.abs(expected), 1) if wanted["relative"] else 1
        off = float(np.abs((said - expected) / scale).max())
        if not off <= worst:
            worst, whose = off, one["id"]
    found["checks"].append({"file": name, "worst": worst, "picture": whose})


check("model.py")
# The same pixels resized here: more than a rounding is another resize.
levels = lambda a, b: int(np.abs(np.asarray(a, dtype=int) - np.asarray(b, dtype=int)).max())
for one, of_one in zip(wanted["pictures"], squares):
    picture = model.open_picture(one["decoded"])
    for share, square in of_one.items():
        off = levels(model.square(picture, share, size), square)
        found["levels"] = max(found.get("levels", 0), off)
if wanted["pictures"] and all(one["path"] for one in wanted["pictures"]):
    # As the files are: JPEGs are decoded a little differently by every library.
    files = [model.views(model.open_picture(one["path"])) for one in wanted["pictures"]]
    check("files", None, files)
    found["of_files"] = found["checks"].pop()
if wanted["pictures"]:
    # The decision by itself: what the run answered, by what the run said.
    answers = model.decide([one["said"] for one in wanted["pictures"]])
    same = lambda a, b: a == b or (
        len(a) == len(b) and all(x == y or abs(float(x) - float(y)) < 1e-5 for x, y in zip(a, b))
    )
    agreeing = sum(same(a, one["answer"]) for a, one in zip(answers, wanted["pictures"]))
    found["answers"] = {"same": agreeing, "of": len(answers)}



def write(stem, network, fold=None):
    """TorchScript and ONNX of the whole model, or of one of its folds."""
    traces, graph = f"{stem}.pt", f"{stem}.onnx"
    try:
        with torch.inference_mode():
            traced = torch.jit.trace(network, example)
        traced.save(str(folder / traces))
        found["made"].append(traces)
        check(traces, torched(torch.jit.load(str(folder / traces))), fold=fold)
    except Exception as error:
        found["left_out"].append([traces, f"{type(error).__name__}: {error}"])

    try:
        importlib.import_module("onnx")
        torch.onnx.export(
            network,
            (example,),
            str(folder / graph),
            dynamo=False,
            opset_version=18,
            input_names=["pixels"],
            output_names=["said"],
            dynamic_axes={"pixels": {0: "n"}, "said": {0: "n"}},
        )
        found["made"].append(graph)
        try:
            session = importlib.import_module("onnxruntime").InferenceSession(str(folder / graph))
            check(graph, lambda pixels: session.run(None, {"pixels": pixels.numpy()})[0], fold=fold)
        except ImportError as error:
            found["unchecked"] = [[graph, str(error)]]
    except Exception as error:
        (folder / graph).unlink(missing_ok=True)
        found["left_out"].append([graph, f"{type(error).__name__}: {error}"])


example = torch.rand(2, 3, size, size)
if is_shared:
    write("model", network)
else:
    # One graph knows no views, which these folds weigh in their own ways.
    for fold, of in enumerate(folds):
        write(f"fold-{fold}", of, fold)
end()
