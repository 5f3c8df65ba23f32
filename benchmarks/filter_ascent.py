"""Filter ascent beside the usual loop: python benchmarks/filter_ascent.py [--repeats N] [--threads N] [--steps N]

The loop climbs one filter at a time through the whole network, with the same starts, steps and optimiser. A ratio is
the loop's median time over ours, for all filters of a layer. The real network is found through FER_TUI_TEST_DATA;
without it a network of two convolutions stands in.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from saliency import FER
from torch import nn

from fer_tui.classifier import TorchClassifier, open_classifier
from fer_tui.contract import Gallery, Place, Subject
from fer_tui_plugins.filter_ascent import FilterAscent, FilterAscentParameters

RATE = 0.05
LAYERS = {
    "first": "input_layer.0",
    "second": "input_layer.3",
    "middle": "conv_layer.7.conv.0",
    "later": "conv_layer.13.conv.0",
    "last": "conv_layer.15.conv.0",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=0, help="torch's threads; 0: torch's own choice")
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--layers", nargs="*", default=["first", "middle"], help=f"of {', '.join(LAYERS)}, or names")
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    device = torch.cuda.get_device_name() if arguments.device.startswith("cuda") else "CPU"
    print(f"{platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads, torch {torch.__version__}")
    print(
        f"{device}, load {os.getloadavg()[0]:.1f}, {arguments.repeats} interleaved repeats, {arguments.steps} steps\n"
    )
    shared = os.environ.get("FER_TUI_TEST_DATA")
    classifier = hhccode(Path(shared), arguments.device) if shared else small(arguments.device)
    for name in arguments.layers if shared else ["0", "2"]:
        compare(classifier, LAYERS.get(name, name), arguments.steps, arguments.repeats)


def hhccode(shared: Path, device: str) -> TorchClassifier:
    nets, weights = shared / "models" / "nets.py", shared / "models" / "hhccode_mobilenetv1.pt"
    return open_classifier(f"{nets}:MobileGap3", weights, classes=FER, device=device)


def small(device: str) -> TorchClassifier:
    torch.manual_seed(0)
    body = [nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 32, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return open_classifier(nn.Sequential(*body, nn.Linear(32, 7)), size=(48, 48), classes=FER, device=device)


def compare(classifier: TorchClassifier, layer: str, steps: int, repeats: int) -> None:
    starts = climb(classifier, layer, 0)
    contenders: dict[str, Callable[[], tuple[np.ndarray, np.ndarray]]] = {
        "one filter at a time": lambda: loop(classifier, layer, starts.images, steps),
        "fer-tui": lambda: climbed(classifier, layer, steps),
        "fer-tui, bfloat16": lambda: climbed(classifier, layer, steps, precision="bfloat16"),
        "fer-tui, its defaults": lambda: climbed(classifier, layer, steps, jitter=2, blur=0.5),
    }
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    made: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    climb(classifier, layer, 1), climb(classifier, layer, 1, precision="bfloat16")  # makes the faster copies
    for _ in range(repeats):
        for name, run in contenders.items():
            began = time.perf_counter()
            made[name] = run()
            seconds[name].append(time.perf_counter() - began)
    medians = {name: statistics.median(taken) for name, taken in seconds.items()}
    slow = medians["one filter at a time"]
    print(f"{layer}, {len(starts.images)} filters: seconds, ratio, mean of the final activations")
    for name, taken in medians.items():
        print(f"  {name:22} {taken:8.3f} {slow / taken:6.2f}x {made[name][1].mean():8.4f}")
    agree(classifier, layer, starts.images, steps, made["one filter at a time"], made["fer-tui"])


def agree(
    classifier: TorchClassifier,
    layer: str,
    starts: np.ndarray,
    steps: int,
    theirs: tuple[np.ndarray, np.ndarray],
    ours: tuple[np.ndarray, np.ndarray],
) -> None:
    """How far the pictures and activations agree: rounding makes some filters part ways at a rectifier's kink."""
    for count in (1, 5):
        images, _ = loop(classifier, layer, starts, count)
        gaps = np.abs(climb(classifier, layer, count).images - images).max((1, 2))
        print(f"  after {count} steps: {np.mean(gaps < 1e-4):.0%} of the pictures equal to 1e-4 at every pixel")
    gaps = np.abs(ours[0] - theirs[0]).max((1, 2))
    apart = np.abs(ours[1] - theirs[1]) / np.maximum(np.abs(theirs[1]), 1e-3)
    correlation = np.corrcoef(ours[1], theirs[1])[0, 1]
    print(f"  after {steps} steps: {np.mean(gaps < 1e-4):.0%}; activations differ by {np.median(apart):.1e} (median), ")
    print(f"  {apart.max():.1e} (largest), their correlation is {correlation:.6f}\n")


def climb(classifier: TorchClassifier, layer: str, steps: int, **parameters: object) -> Gallery:
    how = {"rate": RATE, "jitter": 0, "blur": 0.0, "steps": steps, **parameters}
    subject = Subject(classifier, Place(layer=layer))
    *_, last = FilterAscent().explain(subject, FilterAscentParameters(**how))
    assert isinstance(last.explanation, Gallery)
    return last.explanation


def climbed(classifier: TorchClassifier, layer: str, steps: int, **parameters: object) -> tuple[np.ndarray, np.ndarray]:
    gallery = climb(classifier, layer, steps, **parameters)
    return gallery.images, gallery.scores


def loop(classifier: TorchClassifier, layer: str, starts: np.ndarray, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Pictures and final mean activations, the way it is usually written."""
    seen: list[torch.Tensor] = []
    hook = classifier.module.get_submodule(layer).register_forward_hook(lambda m, i, out: seen.append(out))
    images, scores = [], []
    for filter, start in enumerate(starts):
        x = torch.tensor(start, device=classifier.device)[None, None].requires_grad_()
        adam = torch.optim.Adam([x], lr=RATE, maximize=True, eps=1e-12)
        for _ in range(steps):
            classifier.scores(x)
            (x.grad,) = torch.autograd.grad(seen.pop()[0, filter].mean(), x)
            adam.step()
            with torch.no_grad():
                x.clamp_(0, 1)
        with torch.no_grad():
            classifier.scores(x)
        images.append(x.detach()[0, 0].cpu().numpy())
        scores.append(seen.pop()[0, filter].mean().item())
    hook.remove()
    return np.stack(images), np.array(scores)


if __name__ == "__main__":
    main()
