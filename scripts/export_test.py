#!/usr/bin/env python3
"""Has an exported `model.py` answer what each of kaggle-kit's rules answers, by the table that a test in
Rust holds to be right. Needs torch, timm, safetensors, pillow and numpy.

    python scripts/export_test.py exports/20261124-101500-3fa9
"""

import json
import sys
from pathlib import Path

TABLE = Path(__file__).resolve().parent.parent / "src/commands/export/decisions.json"


def same(a, b):
    if isinstance(b, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    return abs(a - b) < 1e-6 if isinstance(b, float) else a == b


def main(folder):
    sys.path.insert(0, folder)
    import model

    cases = json.loads(TABLE.read_text(encoding="utf-8"))
    for case in cases:
        model.MODEL = case
        answers = model.decide(case["said"])
        assert same(answers, case["answers"]), (case["decision"], answers, case["answers"])
    print(f"{len(cases)} rules answer as they should")


if __name__ == "__main__":
    main(sys.argv[1])
