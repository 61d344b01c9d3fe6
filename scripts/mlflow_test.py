#!/usr/bin/env python3
"""Trains with `--tracker mlflow` against a real MLflow server, and compares what it keeps with the run's own
files; a run that is killed goes on as the same run there.

    python scripts/mlflow_test.py ./kaggle-kit

It wants mlflow (`pip install mlflow`) and says so where there is none.
"""

import csv
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import tomllib

try:
    from mlflow.tracking import MlflowClient
except ImportError:
    print("skipped: no mlflow here (pip install mlflow)")
    sys.exit(0)

TRAIN = ["train", "dogs-vs-cats", "--smoke", "--checkpoint-every", "0", "--tracker", "mlflow"]


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def wait_for(port):
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the server does not answer")


def compare(client, folder, run):
    with open(folder / "steps.csv", newline="") as table:
        steps = {int(step["step"]): float(step["loss"]) for step in csv.DictReader(table)}
    kept = client.get_metric_history(run.info.run_id, "step/loss")
    shown = {one.step: one.value for one in kept}
    assert shown.keys() == steps.keys(), f"{len(shown)} of {len(steps)} steps"
    assert all(abs(shown[n] - loss) < 1e-6 for n, loss in steps.items())
    summary = tomllib.loads((folder / "summary.toml").read_text())
    assert abs(run.data.metrics["score"] - summary["score"]) < 1e-9
    assert run.info.status == "FINISHED", run.info.status
    assert run.data.params["backbone"] == "tf_efficientnet_lite0", run.data.params
    assert run.info.run_name == folder.name
    return len(steps), len(run.data.params)


def work(binary, scratch):
    subprocess.run([binary, "--root", scratch, "demo", "dogs-vs-cats", "--quiet"], check=True,
                   stdout=subprocess.DEVNULL)
    root = scratch / "demo"
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1",
         "--backend-store-uri", f"sqlite:///{scratch}/mlflow.db"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        wait_for(port)
        address = f"http://127.0.0.1:{port}"
        env = dict(os.environ, MLFLOW_TRACKING_URI=address, KAGGLE_KIT_ROOT=str(root))
        killed = subprocess.Popen([binary] + TRAIN, env=env, stderr=subprocess.DEVNULL)
        kept = root / "runs" / "dogs-vs-cats"
        while not list(kept.glob("*/mlflow.toml")) and killed.poll() is None:
            time.sleep(0.02)
        time.sleep(1.5)
        killed.kill()
        killed.wait()
        folder = next(kept.glob("*/mlflow.toml")).parent
        assert not (folder / "summary.toml").exists(), "it was too quick to be killed"
        subprocess.run([binary] + TRAIN, env=env, check=True, stderr=subprocess.DEVNULL)
        client = MlflowClient(address)
        experiment = client.get_experiment_by_name("dogs-vs-cats")
        runs = client.search_runs([experiment.experiment_id])
        assert len(runs) == 1, f"{len(runs)} runs for one that was killed and went on"
        n_steps, n_parameters = compare(client, folder, runs[0])
        print(f"{n_steps} steps and {n_parameters} settings are as the run has them; it was killed once")
    finally:
        os.killpg(server.pid, signal.SIGTERM)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="kaggle-kit-mlflow-") as folder:
        work(str(pathlib.Path(sys.argv[1]).resolve()), pathlib.Path(folder))
