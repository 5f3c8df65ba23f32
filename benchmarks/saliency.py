"""Saliency beside captum's, in one process: python benchmarks/saliency.py [--repeats N] [--threads N] [--device D]

The real images and checkpoint are found through FER_TUI_TEST_DATA; without it only the network of 224 pixels runs.
Each repeat times every contender once, in an order that changes; a ratio is captum's median time over ours.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from captum.attr import Saliency as CaptumSaliency
from nets import resnet18

from fer_tui.classifier import TorchClassifier, open_classifier
from fer_tui.contract import Place, Subject
from fer_tui_plugins.saliency import Saliency, SaliencyParameters

Images = np.ndarray
Maps = list[np.ndarray]
FER = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=0, help="torch's threads; 0: torch's own choice")
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    device = torch.cuda.get_device_name() if arguments.device.startswith("cuda") else platform.processor() or "CPU"
    print(f"{platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads, {device}")
    print(f"torch {torch.__version__}, load {os.getloadavg()[0]:.1f}, {arguments.repeats} interleaved repeats\n")
    shared = os.environ.get("FER_TUI_TEST_DATA")
    if shared:
        compare("hhccode, 512 PublicTest images of 48 px", *hhccode(Path(shared), arguments.device), arguments.repeats)
    compare("ResNet-18-like, 16 RGB images of 224 px", *photographs(arguments.device), arguments.repeats)


def hhccode(shared: Path, device: str) -> tuple[TorchClassifier, Images]:
    with np.load(shared / "data" / "fer2013_trainval.npz") as file:
        images = file["images"][file["usage"] == 1][:512]
    nets, weights = shared / "models" / "nets.py", shared / "models" / "hhccode_mobilenetv1.pt"
    return open_classifier(f"{nets}:MobileGap3", weights, classes=FER, device=device), images


def photographs(device: str) -> tuple[TorchClassifier, Images]:
    images = np.random.default_rng(0).integers(0, 256, (16, 224, 224, 3), dtype=np.uint8)
    network = resnet18().to(device)
    return open_classifier(network, size=(224, 224), classes=FER, device=device), images


def compare(title: str, classifier: TorchClassifier, images: Images, repeats: int) -> None:
    """Time all contenders, check that they agree, print medians and ratios."""
    contenders = dict(all_contenders(classifier, images))
    maps = {name: run() for name, run in contenders.items()}  # also warms up
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    order = list(contenders)
    for repeat in range(repeats):
        random.Random(repeat).shuffle(order)
        for name in order:
            began = time.perf_counter()
            contenders[name]()
            seconds[name].append(time.perf_counter() - began)
    medians = {name: statistics.median(taken) for name, taken in seconds.items()}
    reference = maps["captum, one by one"]
    print(f"{title}: seconds, milliseconds an image, largest difference as a share of the map's maximum")
    for name, taken in medians.items():
        gap = max(np.abs(a - b).max() / b.max() for a, b in zip(maps[name], reference, strict=True))
        print(f"  {name:24} {taken:8.3f} {1000 * taken / len(images):8.2f} {gap:10.1e}")
    best = min(taken for name, taken in medians.items() if name.startswith("captum,") and "one by one" not in name)
    print(f"  ratio, one by one     {medians['captum, one by one'] / medians['fer-tui, one by one']:6.2f}")
    print(f"  ratio, batches        {best / medians['fer-tui, batches']:6.2f}  (against captum's best batch)\n")


def all_contenders(classifier: TorchClassifier, images: Images) -> Iterator[tuple[str, Callable[[], Maps]]]:
    """Each from uint8 images to maps as arrays."""
    targets = classifier.predict(images).argmax(1).tolist()
    subjects = [
        Subject(classifier, Place(row, target), image)
        for row, (image, target) in enumerate(zip(images, targets, strict=True))
    ]
    explainer, parameters, captum = Saliency(), SaliencyParameters(), CaptumSaliency(classifier.module)

    def with_captum(size: int) -> Maps:
        maps: Maps = []
        for start in range(0, len(images), size):
            x = classifier.inputs(images[start : start + size]).requires_grad_()
            made = captum.attribute(x, target=targets[start : start + size])
            maps += [each.sum(0) for each in made.detach().cpu().numpy()]
        return maps

    yield "captum, one by one", lambda: with_captum(1)
    yield "captum, batches of 4", lambda: with_captum(4)
    yield "captum, batches of 16", lambda: with_captum(16)
    yield "captum, batches of 64", lambda: with_captum(64)
    yield "captum, a single batch", lambda: with_captum(len(images))
    yield (
        "fer-tui, one by one",
        lambda: [next(explainer.explain(each, parameters)).explanation.values for each in subjects],
    )
    yield (
        "fer-tui, batches",
        lambda: [result.explanation.values for result in explainer.explain_many(subjects, parameters)],
    )


if __name__ == "__main__":
    main()
