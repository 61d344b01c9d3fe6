#!/usr/bin/env python3
"""Reads the event files of a run with the official tensorboard package, and compares them with what the run
itself wrote down.

    python scripts/tensorboard_test.py runs/dog-breed/20261124-101500-3fa9
"""

import csv
import json
import sys
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator


def main(run):
    events = EventAccumulator(str(run), size_guidance={"scalars": 0})
    events.Reload()
    tags = events.Tags()["scalars"]
    with open(run / "steps.csv", newline="") as table:
        steps = list(csv.DictReader(table))
    for tag, column in [("step/loss", "loss"), ("step/rate", "rate"), ("step/momentum", "momentum")]:
        shown = {one.step: one.value for one in events.Scalars(tag)}
        expected = {int(step["step"]): float(step[column]) for step in steps}
        assert shown.keys() == expected.keys(), f"{tag}: {len(shown)} of {len(expected)} steps"
        for step, number in expected.items():
            assert abs(shown[step] - number) <= 1e-6 * max(1, abs(number)), f"{tag}, step {step}"
    lines = (run / "events.jsonl").read_text().splitlines()
    epochs = [line for line in map(json.loads, lines) if line["event"] == "epoch"]
    losses = [one.value for one in events.Scalars("epoch/valid-loss")]
    assert len(losses) == len(epochs), f"{len(losses)} of {len(epochs)} epochs"
    for shown, epoch in zip(losses, epochs):
        assert abs(shown - epoch["score"]["loss"]) < 1e-5, epoch
    print(f"{len(steps)} steps and {len(epochs)} epochs are as the run has them; {len(tags)} curves: {', '.join(tags)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
