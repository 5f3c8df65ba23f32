"""CAM and Grad-CAM beside torchcam's and captum's, in one process: python benchmarks/cam.py [--repeats N] [--device D]

The real images and checkpoint are found through FER_TUI_TEST_DATA. Each repeat times every contender once, in an order
that changes; a ratio is the peer's median time over ours. The peers
run in their fastest batches: of 16, on a GPU all at once.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from captum.attr import LayerGradCam
from saliency import hhccode
from torchcam.methods import CAM

from fer_tui.classifier import TorchClassifier
from fer_tui.contract import Place, Subject
from fer_tui_plugins.cam import Cam, CamParameters
from fer_tui_plugins.cam_head import find_head

Maps = list[np.ndarray]


def ours(classifier: TorchClassifier, images: np.ndarray, targets: list[int], **parameters: str) -> Callable[[], Maps]:
    subjects = [
        Subject(classifier, Place(image=n, target=target, checkpoint=0), image)
        for n, (image, target) in enumerate(zip(images, targets, strict=True))
    ]

    def run() -> Maps:
        found = Cam().explain_many(subjects, CamParameters(**parameters))
        return [result.explanation.extras["map"] for result in found]

    return run


def torchcams(classifier: TorchClassifier, images: np.ndarray, targets: list[int], layer: str) -> Callable[[], Maps]:
    size = batch_of(classifier)

    def run() -> Maps:
        maps: Maps = []
        with CAM(classifier.module, target_layer=layer, fc_layer=last_linear(classifier)) as extractor:
            for start in range(0, len(images), size):
                with torch.no_grad():
                    scores = classifier.module(classifier.inputs(images[start : start + size]))
                maps += list(extractor(targets[start : start + size], scores, normalized=False)[0].cpu().numpy())
        return maps

    return run


def captums(classifier: TorchClassifier, images: np.ndarray, targets: list[int], layer: str) -> Callable[[], Maps]:
    size = batch_of(classifier)
    peer = LayerGradCam(classifier.module, classifier.module.get_submodule(layer))

    def run() -> Maps:
        maps: Maps = []
        for start in range(0, len(images), size):
            x = classifier.inputs(images[start : start + size])
            maps += list(peer.attribute(x, target=targets[start : start + size])[:, 0].detach().cpu().numpy())
        return maps

    return run


def batch_of(classifier: TorchClassifier) -> int:
    """The batch that is the peers' best: 16 images on a CPU, all on a GPU."""
    return 16 if classifier.device.type == "cpu" else 512


def last_linear(classifier: TorchClassifier) -> str:
    return [name for name, each in classifier.module.named_modules() if isinstance(each, torch.nn.Linear)][-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    classifier, images = hhccode(Path(os.environ["FER_TUI_TEST_DATA"]), arguments.device)
    targets = [n % 7 for n in range(len(images))]
    head = find_head(classifier)
    assert head is not None
    contenders: dict[str, Callable[[], Maps]] = {
        "cam: torchcam": torchcams(classifier, images, targets, head.layer),
        "cam: fer-tui, folded": ours(classifier, images, targets, variant="cam"),
        "cam: fer-tui, bfloat16": ours(classifier, images, targets, variant="cam", precision="bfloat16"),
        "grad: captum": captums(classifier, images, targets, head.layer),
        "grad: fer-tui, folded": ours(classifier, images, targets, variant="grad"),
    }
    maps = {name: run() for name, run in contenders.items()}
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    order = list(contenders)
    for repeat in range(arguments.repeats):
        random.Random(repeat).shuffle(order)
        for name in order:
            began = time.perf_counter()
            contenders[name]()
            seconds[name].append(time.perf_counter() - began)
    medians = {name: statistics.median(taken) for name, taken in seconds.items()}
    device = (
        torch.cuda.get_device_name() if arguments.device.startswith("cuda") else f"{torch.get_num_threads()} threads"
    )
    print(f"hhccode, {len(images)} images, {device}, load {os.getloadavg()[0]:.1f}")
    for name, taken in medians.items():
        peer = "cam: torchcam" if name.startswith("cam") else "grad: captum"
        gap = max(np.abs(a - b).max() / np.abs(b).max() for a, b in zip(maps[name], maps[peer], strict=True))
        print(
            f"  {name:24} {taken:7.3f} s  {medians[peer] / taken:5.2f} x  largest difference {gap:.1e} of the maximum"
        )


if __name__ == "__main__":
    main()
