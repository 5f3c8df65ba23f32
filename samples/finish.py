"""Makes the shipped weights of a training's last snapshot: `python -m fer_tui_samples.finish SNAPSHOT DATA RUN ...`.

A network that is unsure predicts the classes that are common and clear, so that fear and disgust are found too seldom.
Biases mend that: with them each class is predicted as often as it comes. They are found on pictures of the training
split that the RUNs held out, by the RUNs' own networks (all on the same pictures); their median goes to SNAPSHOT.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from fer_tui.classifier import open_classifier
from fer_tui.dataset import open_dataset
from fer_tui.training import gather
from fer_tui.training.runs import packed
from fer_tui.writing import write_whole

from . import weights_path

_ROUNDS = 400


def main() -> None:
    parser = argparse.ArgumentParser(prog="fer_tui_samples.finish", description=__doc__.splitlines()[0])
    parser.add_argument("snapshot", type=Path)
    parser.add_argument("data", help="what the runs were trained on, such as fer2013.csv")
    parser.add_argument("runs", type=Path, nargs="+", help="folders of runs that held pictures out")
    parser.add_argument("-o", "--out", type=Path, default=weights_path())
    given = parser.parse_args()
    found = np.array([biases_of(run, given.data) for run in given.runs])
    biases = np.round(np.median(found, axis=0), 3)
    write_whole(given.out, finished(given.snapshot, biases), durable=True)
    print(f"{given.out}: {given.out.stat().st_size:,} bytes, biases {biases.tolist()}")


def biases_of(run: Path, data: str) -> NDArray[np.float64]:
    """The biases of a run's last network on the pictures that the run held out."""
    record = json.loads((run / "run.json").read_text("utf-8"))
    dataset = open_dataset(data, split=record["data"]["split"])
    classifier = open_classifier(None, max(run.glob("epoch-*.safetensors")), device="cpu")
    settings = record["settings"]
    held = gather(dataset, classifier, hold_out=settings["hold_out"], seed=settings["seed"]).validation
    assert held is not None
    biases = matching(classifier.predict(held.pixels), held.labels)
    plain, mended = ((classifier.predict(held.pixels) + each).argmax(1) for each in (0, biases))
    shares = [float(np.mean(each == held.labels)) for each in (plain, mended)]
    print(f"{run.name}: held out {len(held)}, accuracy {shares[0]:.4f}, with biases {shares[1]:.4f}", flush=True)
    return biases


def matching(scores: NDArray[np.floating], labels: NDArray[np.integer]) -> NDArray[np.float64]:
    """Biases (classes,), mean 0, with which `scores` (n, classes) predict each class as often as `labels` have it."""
    classes = scores.shape[1]
    wanted = np.bincount(labels, minlength=classes) + 1
    biases = np.zeros(classes)
    for step in range(_ROUNDS):
        predicted = np.bincount((scores + biases).argmax(1), minlength=classes) + 1
        biases += 0.1 * np.log(wanted / predicted) / (1 + step / 80)
    return biases - biases.mean()


def finished(snapshot: Path, biases: NDArray[np.float64]) -> bytes:
    """The snapshot with these biases added to those of its last layer, as a safetensors file that says so."""
    from safetensors import safe_open

    with safe_open(snapshot, "pt") as stored:
        told = {key: json.loads(text) for key, text in stored.metadata().items() if key not in ("format", "network")}
        network = stored.metadata()["network"]
    module = open_classifier(None, snapshot, device="cpu").module
    with torch.no_grad():
        module.get_parameter("fc.bias").add_(torch.from_numpy(biases))
    told.pop("accuracy", None)  # it was measured without them
    return packed(module, network, {**told, "biases": biases.tolist()})


if __name__ == "__main__":
    main()
