"""What a GPU would be asked for, counted on the CPU, ours beside the peers' code: python benchmarks/launches.py

On a GPU a small network is through in no time: what takes long are the launches of its operations, and the waits for
it. Counted for 512 images of hhccode (variants that take many passes an image: 64; confusion: 4096), after a first run
of each, on a device apart (see fer_tui.testing.apart). The real images and checkpoint are found through
FER_TUI_TEST_DATA.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from cam import captums, ours, torchcams
from captum.attr import GuidedGradCam, IntegratedGradients, NoiseTunnel, Occlusion
from captum.attr import Saliency as CaptumSaliency
from saliency import FER, hhccode

from fer_tui.classifier import TorchClassifier, open_classifier
from fer_tui.contract import Place, Subject
from fer_tui.dataset import open_dataset
from fer_tui.engine import Engine
from fer_tui.testing.apart import APART, device_apart
from fer_tui_plugins.cam_head import find_head
from fer_tui_plugins.saliency import Saliency, SaliencyParameters

CONFUSED, GPU_BATCH = 4096, 2048
FEWER = 64  # images of what takes many passes for each


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--operations", action="store_true", help="also which operations, most frequent first")
    parser.add_argument("--only", default="", help="those whose name has this in it")
    arguments = parser.parse_args()
    shared = Path(os.environ["FER_TUI_TEST_DATA"])
    network, images = hhccode(shared, "cpu")
    with device_apart() as counts:
        classifier = open_classifier(network.module.to(APART), size=(48, 48), classes=FER)
        for name, run in contenders(classifier, images, shared).items():
            if arguments.only not in name:
                continue
            run()
            counts.clear()
            run()
            print(f"{name:32} {counts}")
            if arguments.operations:
                print("  " + ", ".join(f"{count} {each}" for each, count in counts.launches.most_common()))


def contenders(classifier: TorchClassifier, images: np.ndarray, shared: Path) -> dict[str, Callable[[], Any]]:
    targets = [n % 7 for n in range(len(images))]
    head = find_head(classifier)
    assert head is not None
    runs: dict[str, Callable[[], Any]] = {
        "cam: torchcam": torchcams(classifier, images, targets, head.layer),
        "cam: fer-tui": ours(classifier, images, targets, variant="cam"),
        "grad: captum": captums(classifier, images, targets, head.layer),
    }
    for variant in ("grad", "grad++", "xgrad", "hires", "layer", "eigen"):
        runs[f"{variant}: fer-tui"] = ours(classifier, images, targets, variant=variant)
    captum = CaptumSaliency(classifier.module)
    runs["gradient: captum"] = lambda: captum.attribute(classifier.inputs(images), target=targets).cpu().numpy()
    subjects = [Subject(classifier, Place(n, target), images[n]) for n, target in enumerate(targets)]
    for variant in ("gradient", "input-x-gradient", "guided"):
        asked = SaliencyParameters(variant=variant)
        runs[f"{variant}: fer-tui"] = lambda asked=asked: list(Saliency().explain_many(subjects, asked))
    return runs | many_passes(classifier, images[:FEWER], head.layer) | predictions(classifier, shared)


def many_passes(classifier: TorchClassifier, images: np.ndarray, layer: str) -> dict[str, Callable[[], Any]]:
    """Ours, and captum on all images at once."""
    targets = [n % 7 for n in range(len(images))]
    module, together = classifier.module, GPU_BATCH // len(images)
    noisy, window = NoiseTunnel(CaptumSaliency(module)), {"sliding_window_shapes": (1, 8, 8), "strides": (1, 4, 4)}
    guided = GuidedGradCam(module, module.get_submodule(layer))
    peers: dict[str, Callable[..., torch.Tensor]] = {
        "integrated": partial(IntegratedGradients(module).attribute, internal_batch_size=GPU_BATCH),
        "smoothgrad": partial(noisy.attribute, nt_samples=25, nt_samples_batch_size=25, stdevs=0.1),
        "occlusion": partial(Occlusion(module).attribute, perturbations_per_eval=together, **window),
        "guided-grad-cam": guided.attribute,
    }
    runs: dict[str, Callable[[], Any]] = {}
    for variant, peer in peers.items():
        runs[f"{variant}: captum"] = lambda peer=peer: peer(classifier.inputs(images), target=targets).detach().cpu()
    subjects = [Subject(classifier, Place(n, target), images[n]) for n, target in enumerate(targets)]
    for variant in ("integrated", "smoothgrad", "occlusion"):
        asked = SaliencyParameters(variant=variant)
        runs[f"{variant}: fer-tui"] = lambda asked=asked: list(Saliency().explain_many(subjects, asked))
    for variant in ("score", "ablation", "guided-grad-cam"):
        runs[f"{variant}: fer-tui"] = ours(classifier, images, targets, variant=variant)
    return runs


def predictions(classifier: TorchClassifier, shared: Path) -> dict[str, Callable[[], Any]]:
    dataset = open_dataset(shared / "data" / "fer2013_trainval.npz", split="Training", limit=CONFUSED)
    ready = torch.from_numpy(np.asarray(dataset.images(0, len(dataset))).copy())[:, None].float() / 255
    ready = ready.to(APART)
    fast, _ = classifier.folded()

    def bare() -> None:
        with torch.no_grad():
            for start in range(0, len(ready), GPU_BATCH):
                fast.module(ready[start : start + GPU_BATCH]).argmax(1).cpu().numpy()

    return {
        "confusion: bare loop": bare,
        "confusion: fer-tui": lambda: list(Engine(classifier, dataset).explain("confusion", Place())),
    }


if __name__ == "__main__":
    main()
