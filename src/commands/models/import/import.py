"""Run by `kaggle-kit models import`: a network of timm's as a graph, its weights, and what it says of a few
pictures. Wishes come as JSON on standard input; what is known of the network goes out as JSON, the last line."""

import contextlib
import io
import json
import subprocess
import sys
import warnings
from pathlib import Path

# Sides of pictures that networks are mostly asked to be multiples of.
STEP = 32


def end(**found):
    sys.stdout.flush()
    print(json.dumps(found), flush=True)
    sys.exit(0)


def fail(error, hint):
    end(error=error, hint=hint)


wanted = json.load(sys.stdin)
python = wanted["python"]
try:
    import torch
except ImportError as error:
    fail(f"`{python}` has no PyTorch ({error})", f"`{python} -m pip install torch=={wanted['torch']}.* timm`")
if not torch.__version__.startswith(wanted["torch"] + "."):
    # A graph of another version may name operations that the engine's does not have.
    fail(
        f"`{python}` has PyTorch {torch.__version__}, and the engine is made for {wanted['torch']}",
        f"`{python} -m pip install torch=={wanted['torch']}.*`, or another Python by `--python`",
    )
try:
    import timm
    from safetensors.torch import save_file
    from timm.models import group_parameters, load_state_dict
    from torch.utils.flop_counter import FlopCounterMode
except ImportError as error:
    fail(f"`{python}` has no usable timm ({error})", f"`{python} -m pip install timm`")

warnings.filterwarnings("ignore")
torch.manual_seed(0)
name, folder = wanted["name"], Path(wanted["folder"])
if not timm.is_model(name):
    near = timm.list_models(f"*{name}*")[:5] or timm.list_models(f"*{name.split('_')[0]}*")[:5]
    known = "known are such as " + ", ".join(f"`{one}`" for one in near) if near else "names are timm's"
    fail(f"timm {timm.__version__} has no `{name}`", f"{known}; `timm.list_models()` has all")


sided = {}


def build(pretrained):
    """Without its classifier, at the side that is wanted where that is for the network to know."""
    options = {"pretrained": pretrained, "num_classes": 0}
    if wanted["size"]:
        with contextlib.suppress(TypeError):
            made = timm.create_model(name, img_size=wanted["size"], **options)
            sided["img_size"] = wanted["size"]
            return made
    return timm.create_model(name, **options)


kind = "pretrained"
try:
    # timm tells its own log what it downloads.
    with contextlib.redirect_stdout(io.StringIO()):
        model = build(not wanted["random"] and not wanted["checkpoint"])
except Exception as error:
    if wanted["random"] or wanted["checkpoint"]:
        fail(f"timm cannot build `{name}`: {type(error).__name__}: {error}", "choose another network or size")
    fail(
        f"timm cannot get the weights of `{name}`: {type(error).__name__}: {str(error).splitlines()[0]}",
        f"download them elsewhere and name the file with `--checkpoint FILE`; timm's are at "
        f"https://huggingface.co/timm",
    )
config = model.pretrained_cfg
layers = config.get("classifier") or []
classifier = list(layers) if isinstance(layers, (list, tuple)) else [layers]

if wanted["checkpoint"]:
    kind = "a file"
    try:
        state = load_state_dict(wanted["checkpoint"], use_ema=True)
    except Exception as error:
        fail(
            f"`{wanted['checkpoint']}` cannot be read: {type(error).__name__}: {error}",
            "weights are a safetensors file or a dictionary that `torch.save` wrote",
        )
    own = set(model.state_dict())
    module = sys.modules[type(model).__module__]
    renamed = getattr(module, "checkpoint_filter_fn", None)
    if renamed and not own <= set(state):
        # Other libraries' names, and positions for another side.
        with contextlib.suppress(Exception):
            state = renamed(dict(state), model)
            state = state[0] if isinstance(state, tuple) else state
    dropped = tuple(f"{layer}." for layer in classifier)
    state = {n: t for n, t in state.items() if n in own or not n.startswith(dropped)}
    try:
        absent, unknown = model.load_state_dict(state, strict=False)
    except RuntimeError as error:
        absent, unknown = [str(error).splitlines()[-1].strip()], []
    absent = [n for n in absent if not n.endswith(("num_batches_tracked", "_index"))]
    if absent or unknown:
        parts = [f"{len(of)} {what} ({', '.join(of[:3])})" for of, what in
                 ((absent, "missing"), (unknown, "unknown")) if of]
        fail(
            f"`{wanted['checkpoint']}` has not the weights of `{name}`: {'; '.join(parts)}",
            "the file's names and shapes must be those of timm's network of this name",
        )
if wanted["random"]:
    kind = "random"
    # timm starts some layers as nothing, which would hide what is wrong with them.
    with torch.no_grad():
        for n, tensor in model.state_dict().items():
            if tensor.is_floating_point() and n.endswith("running_var"):
                tensor.uniform_(0.5, 1.5)
            elif tensor.is_floating_point() and tensor.dim() <= 1:
                tensor.add_(0.1 * torch.randn(tensor.shape))

model = model.eval().float()
# At half its depth in memory order, as the engine gives pictures.
picture = lambda n, side: torch.randn(n, side, side, 3).permute(0, 3, 1, 2)
size = wanted["size"] or config["input_size"][-1]
try:
    with torch.no_grad():
        features = model(picture(2, size))
except Exception as error:
    fail(f"`{name}` does not take pictures of {size} pixels: {error}", "leave `--size` out for its own")
if not isinstance(features, torch.Tensor) or features.dim() != 2:
    fail(f"`{name}` does not pool its features to one row of numbers a picture", "choose another network")
width = features.shape[1]

try:
    with torch.no_grad():
        # Of batches of two, which stands for any number.
        traced = torch.jit.trace(model, picture(2, size), check_trace=False)
except Exception as error:
    fail(f"`{name}` cannot be traced: {type(error).__name__}: {str(error)[:300]}", "choose another network")


def agrees(side):
    with torch.no_grad():
        x = picture(1, side)
        try:
            expected, found = model(x), traced(x)
        except Exception:
            return False
    return expected.shape == found.shape and (expected - found).abs().max() < 1e-4 * (1 + expected.abs().max())


# Which other sides it takes with the same graph: any, multiples of 32, or none.
above = (size // STEP + 1) * STEP
step = 0
if agrees(above) and agrees(above + STEP):
    step = 1 if agrees(size + 17) and agrees(size + 6) else STEP

# Layers from the pictures on, as timm counts them for layer-wise rates.
parameters = dict(model.named_parameters())
depths = {}
if hasattr(model, "group_matcher"):
    with contextlib.suppress(Exception):
        depths = dict(group_parameters(model, model.group_matcher(coarse=False), reverse=True))
if set(depths) != set(parameters):
    # Without that, a layer is what shares all of its name but the last word, in the order it was made.
    modules = list(dict.fromkeys(n.rpartition(".")[0] for n in parameters))
    depths = {n: modules.index(n.rpartition(".")[0]) for n in parameters}
state = model.state_dict()
statistics = [n for n, t in state.items() if n not in parameters and t.is_floating_point()]
for n in statistics:
    # A norm's statistics are where its weights are; what else there is, with its nearest relation.
    common = lambda other: len([a for a, b in zip(n.split("."), other.split(".")) if a == b])
    depths[n] = depths[max(parameters, key=common)]
skip = set(model.no_weight_decay()) if hasattr(model, "no_weight_decay") else set()
no_decay = [n for n, p in parameters.items() if p.dim() > 1 and n in skip]

with FlopCounterMode(display=False) as counter, torch.no_grad():
    model(picture(1, size))

# What the engine is compared with: another number of pictures than was traced, and the way back.
pixels = picture(3, size).contiguous()
features = model(pixels)
pull = torch.randn(features.shape)
gradients = torch.autograd.grad((features * pull).sum(), list(parameters.values()), allow_unused=True)
norms = [0.0 if g is None else float(g.norm()) for g in gradients]
check = {"pixels": pixels, "features": features.detach(), "pull": pull, "gradients": torch.tensor(norms)}
save_file({n: t.contiguous() for n, t in check.items()}, str(folder / "check.safetensors"))

weights = {n: t.detach().clone().contiguous() for n, t in state.items() if t.is_floating_point()}
save_file(weights, str(folder / "weights.safetensors"), metadata={"format": "pt"})
# The graph is kept without its weights: one number stands for all of a variable.
for n, tensor in [*traced.named_parameters(), *traced.named_buffers()]:
    if n in weights:
        tensor.data = torch.zeros(1).expand(tensor.shape)
traced.save(str(folder / "network.pt"))



def stays():
    """Why the graph cannot leave the CPU. Constants are moved as the engine does it; the device without memory
    refuses what stays behind, as a GPU does."""
    moved = torch.jit.load(str(folder / "network.pt"))
    for part in moved.modules():
        for key, of in [*part.named_parameters(recurse=False), *part.named_buffers(recurse=False)]:
            part._c.setattr(key, torch.empty_like(of, device="meta"))
        for node in graphs(part):
            if node.kind() != "prim::Constant" or not node.hasAttribute("value"):
                continue
            if node.output().type().kind() == "DeviceObjType":
                node.s_("value", "meta")
            elif node.kindOf("value") == "t" and node.t("value").dim() > 0:
                node.t_("value", node.t("value").to("meta"))
    try:
        with torch.no_grad(), torch.jit.optimized_execution(False):
            found = moved(torch.empty(3, 3, size, size, device="meta"))
        return None if found.device.type == "meta" else "its features stay there"
    except Exception as error:
        return str(error).strip().splitlines()[-1]


def is_fast():
    """Whether it survives pictures with their colours side by side; oneDNN writes beyond its memory on the way
    back through some networks, which ends the process. So another one tries."""
    tried = f"""
import torch, timm
model = timm.create_model({name!r}, num_classes=0, **{sided!r}).eval()
pictures = torch.randn(3, {size}, {size}, 3).permute(0, 3, 1, 2)
for _ in range(2):
    model(pictures).sum().backward()
"""
    return subprocess.run([sys.executable, "-c", tried], capture_output=True).returncode == 0


def graphs(part):
    """Every node of what a part does."""
    blocks = [part._c._get_method(method).graph for method in part._c._method_names()]
    while blocks:
        for node in blocks.pop().nodes():
            yield node
            blocks.extend(node.blocks())


end(
    stays=stays(),
    channels_last=is_fast(),
    tag=config.get("tag") or "",
    timm=timm.__version__,
    torch=torch.__version__,
    licence=config.get("license") or "unknown",
    origin=config.get("origin_url") or "",
    weights=kind,
    size=size,
    size_step=step,
    crop=float(config.get("crop_pct") or 1.0),
    interpolation=config.get("interpolation") or "bicubic",
    mean=[float(v) for v in config["mean"]],
    std=[float(v) for v in config["std"]],
    width=width,
    parameters=sum(p.numel() for p in parameters.values()),
    gmacs=counter.get_total_flops() / 2e9,
    early_layers=(max(depths.values()) + 2) // 2,
    classifier=classifier,
    no_decay=no_decay,
    statistics=statistics,
    layers=depths,
    gradients=list(parameters),
)
