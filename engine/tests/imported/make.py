"""Makes the files beside this one: a network of a few hundred numbers, imported as timm's are.

python make.py        needs torch 2.13 and timm; the same versions make the same numbers

It has what is hard in large ones: a norm with statistics, a table of places that is no weight, numbers that
are made on the device of the pictures, and positions that do not decay.
"""

import io
import json
import runpy
import shutil
import sys
from pathlib import Path

import torch
from timm.models import register_model
from torch import nn

HERE = Path(__file__).resolve().parent
SCRIPT = HERE.parents[2] / "src/commands/models/import/import.py"


class Netling(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 4, 4), nn.BatchNorm2d(8))
        self.pos_embed = nn.Parameter(torch.randn(1, 64, 8))
        self.blocks = nn.ModuleList(nn.Linear(8, 8) for _ in range(2))
        self.norm = nn.LayerNorm(8)
        self.register_buffer("turned", torch.arange(63, -1, -1))
        self.pretrained_cfg = dict(
            tag="made", license="mit", input_size=(3, 32, 32), crop_pct=0.9, interpolation="bilinear",
            mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25), classifier="fc",
        )

    def group_matcher(self, coarse=False):
        return {"stem": r"^stem|pos_embed", "blocks": [(r"^blocks\.(\d+)", None), (r"^norm", (99999,))]}

    def no_weight_decay(self):
        return {"pos_embed"}

    def forward(self, x):
        x = self.stem(x).flatten(2).transpose(1, 2) + self.pos_embed
        slope = torch.arange(x.shape[1], device=x.device, dtype=x.dtype) / x.shape[1]
        x = x[:, self.turned] * slope[None, :, None]
        for block in self.blocks:
            x = x + torch.relu(block(x))
        return self.norm(x.mean(1))


@register_model
def netling(pretrained=False, num_classes=0, **kwargs):
    if kwargs.keys() - {"pretrained_cfg", "pretrained_cfg_overlay", "cache_dir"}:
        raise TypeError(kwargs)
    torch.manual_seed(1)
    return Netling()


wishes = dict(name="netling", folder=str(HERE), python=sys.executable, torch="2.13", checkpoint=None,
              random=True, size=None)
sys.stdin = io.StringIO(json.dumps(wishes))
told, sys.stdout = sys.stdout, io.StringIO()
try:
    runpy.run_path(str(SCRIPT), run_name="__main__")
except SystemExit:
    pass
found = json.loads(sys.stdout.getvalue().splitlines()[-1])
sys.stdout = told
if "error" in found:
    sys.exit(found["error"])
# Only this process knows the network.
found["channels_last"] = True
(HERE / "told.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
