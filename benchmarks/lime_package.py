"""LIME beside the lime package, in one process: python benchmarks/lime_package.py [--repeats N] [--samples N]

The real image and checkpoint are found through FER_TUI_TEST_DATA; without it only the network of 224 pixels runs.
Each repeat times every contender once, in an order that changes; a ratio is the package's median time over ours. All
use the same segmentation (slic, made anew each time), samples and seed; the package explains its default five classes,
fer-tui all of them, and its time runs to the last result.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from lime import lime_image
from nets import resnet18

from fer_tui.classifier import TorchClassifier, open_classifier
from fer_tui.contract import FER_CLASSES, Place, Subject
from fer_tui_plugins.lime import Lime, LimeParameters
from fer_tui_plugins.lime_inputs import in_colour
from fer_tui_plugins.lime_segments import segmented

PACKAGE = "lime package"
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=0, help="torch's threads; 0: torch's own choice")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--only", choices=("48", "224"), help="the network of one size only")
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    lime_image.tqdm = lambda rows: rows  # its progress bar takes time, too
    device = torch.cuda.get_device_name() if arguments.device.startswith("cuda") else platform.processor() or "CPU"
    print(f"{platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads, {device}")
    print(f"torch {torch.__version__}, load {os.getloadavg()[0]:.1f}, {arguments.repeats} interleaved repeats\n")
    shared = os.environ.get("FER_TUI_TEST_DATA")
    if shared and arguments.only != "224":
        compare("hhccode, 48 px", *hhccode(Path(shared), arguments.device), arguments)
    if arguments.only != "48":
        compare("ResNet-18-like, RGB of 224 px", *photograph(arguments.device), arguments)


def hhccode(shared: Path, device: str) -> tuple[TorchClassifier, np.ndarray]:
    with np.load(shared / "data" / "fer2013_trainval.npz") as file:
        image = file["images"][file["usage"] == 1][3]
    nets, weights = shared / "models" / "nets.py", shared / "models" / "hhccode_mobilenetv1.pt"
    return open_classifier(f"{nets}:MobileGap3", weights, classes=FER_CLASSES, device=device), image


def photograph(device: str) -> tuple[TorchClassifier, np.ndarray]:
    """A picture of soft blobs, so that slic finds segments as in a photograph."""
    small = torch.from_numpy(np.random.default_rng(0).random((1, 3, 9, 9), np.float32))
    large = torch.nn.functional.interpolate(small, (224, 224), mode="bicubic").clamp(0, 1)
    image = (large[0].permute(1, 2, 0).numpy() * 255).astype(np.uint8)
    network = resnet18().to(device)
    return open_classifier(network, size=(224, 224), classes=FER_CLASSES, mean=MEAN, std=STD, device=device), image


def compare(title: str, classifier: TorchClassifier, image: np.ndarray, arguments: argparse.Namespace) -> None:
    """Time all contenders, compare their coefficients, print medians and ratios."""
    target = int(classifier.predict([image])[0].argmax())
    contenders: dict[str, Callable[[], np.ndarray]] = {
        PACKAGE: lambda: with_package(classifier, image, target, arguments.samples),
        "exact": lambda: ours(classifier, image, target, samples=arguments.samples, exact=True),
        "float32": lambda: ours(classifier, image, target, samples=arguments.samples),
        "bfloat16": lambda: ours(classifier, image, target, samples=arguments.samples, precision="bfloat16"),
    }
    found: dict[str, np.ndarray] = {}
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    order = list(contenders)
    for name in order[2:]:
        ours(classifier, image, target, samples=100, precision=name)  # warm: the faster copy is made once
    for repeat in range(arguments.repeats):
        random.Random(repeat).shuffle(order)
        for name in order:
            began = time.perf_counter()
            found[name] = contenders[name]()
            seconds[name].append(time.perf_counter() - began)
    medians = {name: statistics.median(taken) for name, taken in seconds.items()}
    reference = found[PACKAGE]
    print(f"{title}, {arguments.samples} samples, {len(reference)} segments")
    print("  seconds, times as fast as the package, largest difference as a share of the largest coefficient")
    for name, taken in medians.items():
        gap = np.abs(found[name] - reference).max() / np.abs(reference).max()
        print(f"  {name:14} {taken:8.3f} {medians[PACKAGE] / taken:6.2f} {gap:9.1e}")
    print()


def ours(classifier: TorchClassifier, image: np.ndarray, target: int, **parameters: object) -> np.ndarray:
    subject = Subject(classifier, Place(image=0, target=target, checkpoint=0), image)
    *_, last = Lime().explain(subject, LimeParameters(**parameters))
    return last.explanation.extras["coefficients"][target]


def with_package(classifier: TorchClassifier, image: np.ndarray, target: int, samples: int) -> np.ndarray:
    def function(rgb: np.ndarray) -> np.ndarray:
        planes = rgb[..., :1] if classifier.input_shape[0] == 1 else rgb
        x = torch.empty(len(rgb), *classifier.input_shape).copy_(torch.from_numpy(planes).permute(0, 3, 1, 2))
        if classifier.input_shape[0] == 3:
            x = (x - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)
        with torch.no_grad():
            return classifier.module(x.to(classifier.device)).softmax(1).cpu().numpy()

    explanation = lime_image.LimeImageExplainer(random_state=0).explain_instance(
        in_colour(classifier.shown(image)),
        function,
        num_samples=samples,
        random_seed=0,
        segmentation_fn=lambda rgb: segmented(rgb, "slic", 0),
    )
    weights = dict(explanation.local_exp[target])
    return np.array([weights[segment] for segment in range(len(weights))])


if __name__ == "__main__":
    main()
