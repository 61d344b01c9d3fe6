"""A network that kaggle-kit trained, in plain timm and PyTorch: pictures in, answers out.

    pip install torch timm safetensors pillow numpy
    python model.py photo.jpg holiday/*.png

or from a program:

    from model import load, predict
    said, answers = predict(load(), ["photo.jpg"])

Beside this file lie `model.json` (what the network is, and how its numbers become answers),
`preprocess.json` (how a picture is seen) and the weights, in timm's names. Nothing here needs kaggle-kit.
"""

import json
import sys
from pathlib import Path

import numpy as np
import timm
import torch
from PIL import Image, ImageOps
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional

HERE = Path(__file__).resolve().parent
# Single precision tells no more of a probability near zero or one.
FLOOR = 1e-7


# The network


class Backbone(nn.Module):
    """A network of timm's without its classifier: pixels in [0, 1], `[n, 3, side, side]`, to pooled
    features, `[n, 2 * width]`, or as timm pools them, `[n, width]`."""

    def __init__(self, settings, size):
        super().__init__()
        options, self.name = {}, settings["name"]
        self.patch = settings.get("patch")
        self.side = size
        if self.patch:
            # A side that patches do not fill is resized to the nearest one that they do.
            self.side = max((size + self.patch // 2) // self.patch, 1) * self.patch
            options["img_size"] = self.side
        self.pooled = settings.get("pooled")
        self.body = self.build(self.pooled, options)
        self.register_buffer("mean", torch.tensor(settings["mean"]).view(1, 3, 1, 1), False)
        self.register_buffer("std", torch.tensor(settings["std"]).view(1, 3, 1, 1), False)
        self.settings = settings

    def build(self, side, options):
        options = {"pretrained": False, "num_classes": 0, **options}
        if side:
            try:
                return timm.create_model(self.name, img_size=side, **options)
            except TypeError:
                # Convolutions need not know it.
                pass
        return timm.create_model(self.name, **options)

    def load(self, state):
        """Takes its own of all weights, by timm's names."""
        prefix, skipped = self.settings["prefix"], ("head.",) if not self.settings["prefix"] else ()
        own = {
            name[len(prefix):]: tensor
            for name, tensor in state.items()
            if name.startswith(prefix) and not name.startswith(skipped)
        }
        if self.patch:
            positions = timm.layers.resample_abs_pos_embed
            grid = [self.side // self.patch] * 2
            own["pos_embed"] = positions(own["pos_embed"], grid, num_prefix_tokens=1)
        absent, unknown = self.body.load_state_dict(own, strict=False)
        # timm counts batches, and keeps parts of a classifier that nothing here uses.
        unused = tuple(f"{layer}." for layer in self.settings["classifier"])
        absent = [n for n in absent if not n.startswith(unused) and "num_batches" not in n]
        if absent or unknown:
            raise SystemExit(f"the weights are not those of {self.settings['name']}: {absent} {unknown}")

    def forward(self, pixels):
        if self.side != pixels.shape[-1]:
            sides = (self.side, self.side)
            pixels = functional.interpolate(pixels, sides, mode="bilinear", antialias=True)
        if self.pooled:
            return self.body((pixels - self.mean) / self.std)
        features = self.body.forward_features((pixels - self.mean) / self.std)
        if self.patch:
            return torch.cat([features[:, 0], features[:, 1:].mean(1)], 1)
        return torch.cat([features.amax((2, 3)), features.mean((2, 3))], 1)


class Block(nn.Module):
    """Norm and linear map: a layer of the head."""

    def __init__(self, inputs, outputs, affine=True):
        super().__init__()
        self.norm = nn.BatchNorm1d(inputs, affine=affine)
        self.linear = nn.Linear(inputs, outputs)

    def forward(self, x):
        return self.linear(self.norm(x))


class Network(nn.Module):
    """Pixels in [0, 1], `[n, 3, size, size]`, to probabilities, levels or numbers, `[n, outputs]`."""

    def __init__(self, backbones, outputs, size, state):
        super().__init__()
        self.backbones = nn.ModuleList(Backbone(one, size) for one in backbones)
        self.head = nn.ModuleDict()
        for name in ("hidden", "output"):
            weight = state.get(f"head.{name}.linear.weight")
            if weight is not None:
                self.head[name] = Block(weight.shape[1], weight.shape[0])
        weight = state.get("head.linear.linear.weight")
        if weight is not None:
            self.head["linear"] = Block(weight.shape[1], weight.shape[0], affine=False)
        for backbone in self.backbones:
            backbone.load(state)
        head = {n[len("head."):]: t for n, t in state.items() if n.startswith("head.")}
        absent, unknown = self.head.load_state_dict(head, strict=False)
        if unknown or any("num_batches" not in name for name in absent):
            raise SystemExit(f"the weights have another head: {absent} {unknown}")
        self.outputs = outputs

    def forward(self, pixels):
        x = torch.cat([backbone(pixels) for backbone in self.backbones], 1)
        linear = self.head["linear"](x) if "linear" in self.head else 0
        if "hidden" in self.head:
            x = functional.relu(self.head["hidden"](x))
        return self.said(self.head["output"](x) + linear)

    def said(self, x):
        """What the last numbers mean."""
        [(kind, of)] = self.outputs.items()
        if kind == "classes":
            return x.softmax(1)
        if kind == "tags":
            return x.sigmoid()
        if kind == "ranged":
            return x.sigmoid() * (of["high"] - of["low"]) + of["low"]
        numbers = x * torch.tensor(of["deviation"]).to(x) + torch.tensor(of["mean"]).to(x)
        return numbers.expm1() if of["logarithm"] else numbers


class Mean(nn.Module):
    """The mean of networks: of cycles, of folds, which may have backbones of their own."""

    def __init__(self, networks):
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, pixels):
        return torch.stack([network(pixels) for network in self.networks]).mean(0)


def settings_of(name):
    return json.loads((HERE / name).read_text(encoding="utf-8"))


MODEL = settings_of("model.json")
PREPROCESS = settings_of("preprocess.json")


def load():
    """The network, or the mean of those of all folds, ready to predict."""

    def one(of):
        states = (load_file(HERE / name) for name in of["weights"])
        built = (of["backbones"], of["outputs"], PREPROCESS["size"])
        return mean([Network(*built, state) for state in states])

    mean = lambda networks: networks[0] if len(networks) == 1 else Mean(networks)
    return mean([one(of) for of in MODEL["networks"]]).eval()


# How a picture is seen


def open_picture(path):
    """A picture upright, as RGB; 16 bits become 8 by their whole range."""
    picture = ImageOps.exif_transpose(Image.open(path))
    if picture.mode.startswith("I"):
        picture = Image.fromarray((np.asarray(picture) / 257.0).round().astype(np.uint8))
    return picture.convert("RGB")


def square(picture, share, size):
    """A square in the middle, cropped and resized in one step: resizing first and cropping then shows other
    pixels, which moves the answers.

    kaggle-kit resizes columns before rows, PIL rows before columns, each rounding to whole levels in between;
    on its side a picture is resized in the other order, and is then the same but for a level here and there."""
    width, height = picture.size
    side = min(width, height) * share
    left, top = (width - side) / 2, (height - side) / 2
    box = (top, left, min(top + side, height), min(left + side, width))
    on_its_side = picture.transpose(Image.Transpose.TRANSPOSE)
    resized = on_its_side.resize((size, size), Image.Resampling.BICUBIC, box=box)
    return resized.transpose(Image.Transpose.TRANSPOSE)


def views(picture, squares=None):
    """All views of a picture that are averaged, `[views, 3, size, size]`, and the weight of each, `[views, 1]`,
    or `[views, networks]` where folds weigh them in their own ways; `squares` has those of its squares that are
    there already, by their share."""
    squares, pixels, weights = dict(squares or {}), [], []
    for view in PREPROCESS["views"]:
        share = view["crop"]
        if share not in squares:
            squares[share] = square(picture, share, PREPROCESS["size"])
        x = torch.from_numpy(np.array(squares[share])).permute(2, 0, 1).float() / 255
        x = x.flip(-1) if view["mirrored"] else x
        # Clockwise, after the mirror.
        pixels.append(torch.rot90(x, -view["quarter_turns"], (-2, -1)))
        weights.append(np.atleast_1d(view["weight"]))
    return torch.stack(pixels), torch.from_numpy(np.stack(weights)).float()


# From what the network says to answers


def calibrated(p, calibration):
    """Probabilities of tags, `[n, tags]`, each by a curve of its own."""
    if not calibration:
        return p
    with_it, without = np.log(np.maximum(p, FLOOR)), np.log(np.maximum(1 - p, FLOOR))
    p = p.copy()
    for tag, curve in enumerate(calibration["curves"]):
        if curve != "identity":
            [of] = curve.values()
            logit = of["slope"] * (with_it[:, tag] - without[:, tag]) + of.get("offset", 0)
            p[:, tag] = 1 / (1 + np.exp(-logit))
    for group in calibration.get("groups", []):
        members = group["members"]
        scores = group["slope"] * with_it[:, members] - group["against"] * without[:, members]
        p[:, members] = softmax(scores + np.array(group["offsets"]))
    return p


def softmax(x):
    x = np.exp(x - x.max(1, keepdims=True))
    return x / x.sum(1, keepdims=True)


def level_of(said):
    """The level that is told, or that of probabilities of classes in order."""
    return said[:, 0] if MODEL["kind"] == "ordinal" else said @ np.arange(said.shape[1])


def largest(row, k):
    return list(np.argsort(-row, kind="stable")[:k])


def has(block, tag):
    return tag in block["tags"] or any(has(below, tag) for below in block["below"])


class Together:
    """Tags that are decided together: by rules about which exclude and imply which, or by the F-beta that is
    expected of them (Dembczynski et al. 2011). Tags are told by their places."""

    def __init__(self, of, n):
        self.n, self.alone, self.groups = n, of["alone"], of["groups"]
        self.implies = [tuple(pair) for pair in of["implies"]]
        self.parent = dict(self.implies)
        grouped = {tag for group in self.groups for tag in group["members"]}
        roots = [t for t in range(n) if t not in grouped | {*self.parent, *self.alone}]
        # Blocks of tags of which at most one is set; those below only where theirs is.
        self.blocks = [self.block([tag], False) for tag in roots]
        for group in self.groups:
            group["others"] = [tag for tag in group["members"] if tag not in self.alone]
            if group["others"]:
                self.blocks.append({"tags": group["others"], "due": group["exactly-one"], "below": []})

    def block(self, tags, due):
        below = [self.block([child], False) for child, parent in self.implies if parent == tags[0]]
        return {"tags": tags, "due": due, "below": below}

    def given(self, row):
        """The probability of each tag where the one that it implies is set; and that no tag stands alone."""
        p = np.clip(row, 0, 1)

        def to_one(tags, fill):
            total = p[tags].sum()
            if total > 1 or (fill and total > 0):
                p[tags] /= total

        for group in self.groups:
            to_one(group["members"], group["exactly-one"])
        to_one(self.alone, False)
        rest = max(1 - p[self.alone].sum(), 0)
        others = [tag for tag in range(self.n) if tag not in self.alone]
        if rest > 0:
            p[others] = np.minimum(p[others] / rest, 1)
        for group in self.groups:
            if group["exactly-one"] and p[group["others"]].sum() == 0:
                p[group["others"]] = 1 / max(len(group["others"]), 1)
            to_one(group["others"], group["exactly-one"])

        def raised(block):
            for below in block["below"]:
                raised(below)
                p[block["tags"][0]] = max(p[block["tags"][0]], p[below["tags"][0]])

        def divided(block):
            above = p[block["tags"][0]]
            for below in block["below"]:
                divided(below)
                p[below["tags"][0]] /= above if above > 0 else np.inf

        for block in self.blocks:
            raised(block)
            divided(block)
        return p, rest

    def sizes(self, blocks, p, tag=None):
        """With which probability how many tags are set; where `tag` is among them, that it is one of those."""
        product = np.ones(1)
        for block in blocks:
            below = self.sizes(block["below"], p, tag)
            if tag in block["tags"]:
                own = np.append(0, p[tag] * below)
            else:
                share = 1 if block["due"] else min(p[block["tags"]].sum(), 1)
                own = np.append(0, share * below)
                if not has(block, tag):
                    own[0] = 1 - share
            product = np.convolve(product, own)
        return product

    def expected(self, row, beta, only_possible):
        """The tags with the largest expected F-beta, one at least."""
        p, rest = self.given(row)
        p_is = np.zeros((self.n, self.n))
        for tag in range(self.n):
            if tag in self.alone:
                p_is[tag, 0] = p[tag]
            else:
                of_size = rest * self.sizes(self.blocks, p, tag)[1:]
                p_is[tag, : len(of_size)] = of_size
        size = np.arange(1, self.n + 1)
        gains = p_is @ ((1 + beta**2) / (beta**2 * size[:, None] + size))
        record, best = -np.inf, []
        for k in size:
            gain = gains[:, k - 1]
            if only_possible:
                found = [(gain[tag], [tag]) for tag in self.alone] if k == 1 else []
                found += [self.sets(self.blocks, gain).get(k, (-np.inf, []))]
            else:
                tags = largest(gain, k)
                found = [(gain[tags].sum(), tags)]
            for worth, tags in found:
                if worth > record:
                    record, best = worth, tags
        return best

    def sets(self, blocks, gain):
        """The most that so many tags are worth which keep the rules, and which they are."""
        best = {0: (0.0, [])}
        for block in blocks:
            tag = max(block["tags"], key=lambda tag: gain[tag])
            own = {} if block["due"] else {0: (0.0, [])}
            for n, (worth, tags) in self.sets(block["below"], gain).items():
                own[n + 1] = (worth + gain[tag], [tag] + tags)
            both = {}
            for n, (worth, tags) in best.items():
                for m, (more, others) in own.items():
                    if worth + more > both.get(n + m, (-np.inf,))[0]:
                        both[n + m] = (worth + more, tags + others)
            best = both
        return best

    def complete(self, tags, row):
        """Adds the most probable of every group that has exactly one, where none is there."""
        for group in self.groups:
            if not group["exactly-one"] or tags & {*group["members"], *self.alone}:
                continue
            fits = [tag for tag in group["members"] if not tags or tag not in self.alone]
            if fits:
                tags.add(max(fits, key=lambda tag: row[tag]))

    def repair(self, tags, row):
        """Takes away and adds what the rules ask for."""
        likeliest = lambda some: max(sorted(some), key=lambda tag: row[tag])
        alone = tags & set(self.alone)
        if len(tags) > 1 and alone:
            of = lambda tag: next((g["members"] for g in self.groups if tag in g["members"]), range(self.n))
            leaders = [tag for tag in alone if likeliest(of(tag)) == tag]
            if leaders or alone == tags:
                tags.intersection_update({likeliest(leaders or alone)})
            else:
                tags -= alone
        for group in self.groups:
            present = tags & {*group["members"]}
            tags -= present - {likeliest(present)} if present else set()
        self.complete(tags, row)
        for tag in list(tags):
            while tag in self.parent:
                tag = self.parent[tag]
                tags.add(tag)


def together(said, of):
    """Tags of every picture, by their places."""
    said = calibrated(said, of["calibration"])
    rules, answers = Together(of, said.shape[1]), []
    [(by, how)] = of["by"].items()
    for row in said:
        if by == "expected-f":
            tags = rules.expected(row, how, of["only-possible"])
        else:
            tags = [tag for tag in range(rules.n) if row[tag] > np.broadcast_to(how, rules.n)[tag]]
        tags = set(tags or largest(row, 1))
        (rules.repair if of["only-possible"] else rules.complete)(tags, row)
        answers.append(sorted(tags))
    return answers


def decide(said):
    """What is answered, a picture each: a list of numbers where those are submitted, of names where classes
    are, or a name with its probability."""
    said = np.asarray(said, dtype=np.float64)
    [(rule, of)] = MODEL["decision"].items()
    names = MODEL["classes"]
    n = len(names)
    named = lambda rows: [[names[int(place)] for place in row] for row in rows]
    above = lambda p, limits: [
        [tag for tag in range(n) if row[tag] > limits[tag]]
        or (largest(row, 1) if of["never-empty"] else [])
        for row in p
    ]
    if rule == "as-they-are":
        return said.tolist()
    if rule == "softened":
        if of["temperature"] != 1:
            said = softmax(np.log(np.maximum(said, FLOOR)) / of["temperature"])
        said = said.clip(of["clip"], 1 - of["clip"])
        return (said / said.sum(1, keepdims=True)).tolist()
    if rule == "clipped":
        return calibrated(said, of.get("calibration")).clip(of["clip"], 1 - of["clip"]).tolist()
    if rule == "around":
        limits = np.arange(n - 1) + 0.5 - level_of(said)[:, None]
        below = 1 / (1 + np.exp(-limits / of["spread"]))
        return np.diff(below, prepend=0, append=1).tolist()
    if rule == "largest" and of.get("unknown") is None:
        return named(largest(row, of["k"]) for row in said)
    if rule == "largest":
        # What is answered where no class is likely stands among them as if it were so likely.
        unknown = MODEL["unknown"]
        own = names.index(unknown) if unknown in names else None
        answers = []
        for row in said:
            likely = max(of["unknown"], row[own] if own is not None else 0)
            order = [place for place in largest(row, of["k"] + 1) if place != own]
            answer = [names[place] for place in order]
            answer.insert(sum(row[place] >= likely for place in order), unknown)
            answers.append(answer[: of["k"]])
        return answers
    if rule == "surest":
        return [[names[int(row.argmax())], float(row.max())] for row in said]
    if rule == "priors":
        weights = np.array(of["shares"]) ** -of["power"]
        return named([(row * weights).argmax()] for row in said)
    if rule == "tags":
        return named(together(said, of))
    if rule == "above" and MODEL["kind"] == "single-label":
        return named([int(row[1] > of["threshold"])] for row in said)
    if rule == "above":
        return named(above(calibrated(said, of.get("calibration")), [of["threshold"]] * n))
    if rule == "above-each":
        return named(above(calibrated(said, of.get("calibration")), of["thresholds"]))
    if rule == "hardened":
        hard = (said > of["threshold"]).astype(float)
        if MODEL["kind"] == "single-label":
            hard[:, 0] = 1 - hard[:, 1]
        return hard.tolist()
    if rule == "cut-points":
        return named([sum(level >= point for point in of["points"])] for level in level_of(said))
    if rule == "within":
        low, high = of.get("range") or (-np.inf, np.inf)
        return said.clip(low, high).tolist()
    raise SystemExit(f"this file does not know the rule {rule}")


def seen(network, pixels, weights):
    """What the network says of a picture, `[outputs]`, by all its views."""
    if weights.shape[1] == 1:
        return (network(pixels) * weights).sum(0)
    folds = zip(network.networks, weights.unbind(1))
    return torch.stack([(of(pixels) * weight[:, None]).sum(0) for of, weight in folds]).mean(0)


def predict(network, paths):
    """What the network says of pictures, `[pictures, outputs]`, and what is answered by that."""
    with torch.inference_mode():
        said = [seen(network, *views(open_picture(path))).numpy() for path in paths]
    said = np.stack(said)
    return said, decide(said)


if __name__ == "__main__":
    for path, answer in zip(sys.argv[1:], predict(load(), sys.argv[1:])[1]):
        print(path, answer, sep="\t")
