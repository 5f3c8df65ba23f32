"""Confusion over FER2013's training rows beside the barest forward loop: python benchmarks/confusion.py [--rows N]

The bare loop runs the fastest form of the network (batch norms folded, channels last) over a tensor that is ready, in
batches of 32 (of 2048 on a GPU, where it lies already), and takes the argmax. The real images and checkpoint are found
through FER_TUI_TEST_DATA.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from saliency import FER

from fer_tui.classifier import open_classifier
from fer_tui.contract import Place
from fer_tui.dataset import open_dataset
from fer_tui.engine import Engine

BATCH, GPU_BATCH = 32, 2048


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=28709)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=0, help="torch's threads; 0: torch's own choice")
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    size = BATCH if arguments.device == "cpu" else GPU_BATCH
    shared = Path(os.environ["FER_TUI_TEST_DATA"])
    models = shared / "models"
    classifier = open_classifier(
        f"{models / 'nets.py'}:MobileGap3", models / "hhccode_mobilenetv1.pt", classes=FER, device=arguments.device
    )
    dataset = open_dataset(shared / "data" / "fer2013_trainval.npz", split="Training", limit=arguments.rows)
    ready = torch.from_numpy(np.asarray(dataset.images(0, len(dataset))).copy())[:, None].float() / 255
    ready = ready.to(classifier.device)
    fast, how = classifier.folded()

    def bare() -> int:
        right = 0
        with torch.no_grad():
            for start in range(0, len(ready), size):
                guess = fast.module(ready[start : start + size]).argmax(1).cpu().numpy()
                right += int((guess == dataset.labels[start : start + size]).sum())
        return right

    def ours() -> int:
        *_, last = Engine(classifier, dataset).explain("confusion", Place())
        return int(last.explanation.counts.trace())

    contenders: dict[str, Callable[[], int]] = {"bare loop": bare, "confusion": ours}
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(arguments.repeats):
        for name, run in contenders.items():
            began = time.perf_counter()
            right = run()
            seconds[name].append(time.perf_counter() - began)
            print(f"  {name:10} {seconds[name][-1]:7.2f} s, {right} right", flush=True)
    medians = {name: statistics.median(taken) for name, taken in seconds.items()}
    print(f"hhccode, {len(dataset)} rows, {how}, {torch.get_num_threads()} threads, load {os.getloadavg()[0]:.1f}")
    print(f"confusion / bare loop {medians['confusion'] / medians['bare loop']:.2f}")


if __name__ == "__main__":
    main()
