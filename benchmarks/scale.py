"""ImageNet on paper, from measured rates: python benchmarks/scale.py [--measure]

1.28 million pictures explained by saliency, CAM and LIME (1000 samples, about 50 segments) of a ResNet-18-like network
at 224 px, on 1, 8 and 64 GPUs with one worker each: hours, bytes, and what is full first. A worker decodes and packs
on its core, and waits for its GPU, one after the other; workers, link and writer work at the same time, so the slowest
of them is the time. --measure takes what can be measured on this machine again, in CPU time of one core (decoding and
preparing, what the engine does around the network, bytes of a map, the store's writer); what needs a GPU is from
RESULTS.md ("On a GPU") or scaled from it, as each line says.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

IMAGES = 1_281_167  # ImageNet-1k's training images
SIZES = (1, 8, 64)
FORWARD = 64 / 0.00258  # forward passes a second, H200: 64 pictures in a pass through the folded network
LINK = 1.25e9  # bytes a second: 10 Gbit Ethernet into the driver's machine


@dataclass(frozen=True, slots=True)
class Method:
    """gpu: maps a second of one GPU, from which rate `how` tells. bytes, half: of a map as float32 and as float16.
    core, core_half: CPU seconds of a map beside decoding: task, keys, packing, the pipe.
    """

    name: str
    gpu: float
    how: str
    bytes: float
    half: float
    core: float
    core_half: float


# Measured on 27 November 2026 on x86_64, 2 shared cores with other work on them, by --measure: medians of CPU time.
DECODE, PREPARE = 0.00096, 0.0017  # seconds: a JPEG of 500 x 375 and 100 kB; it brought to 224 px, twice
WRITE = {"bytes": 3.46e8, "entries": 18_800}  # of the store's only writer, a second
METHODS = (
    Method("predictions", FORWARD, "measured: a forward pass", 4_000, 4_000, 0, 0),
    Method("saliency", 16 / 0.0081, "measured: 16 maps, folded", 959_891, 558_586, 0.00022, 0.00143),
    Method("CAM", FORWARD, "measured: a forward pass", 357_864, 257_569, 0.00020, 0.00058),
    Method("LIME", 1 / 0.203, "measured", 1_203_578, 752_039, 0.00031, 0.00104),
)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--measure", action="store_true")
    if parser.parse_args().measure:
        measure()
        return
    print("| method | GPUs | kept as | bytes | hours | full first | the GPU | its core | link | writer |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for method in METHODS:
        for gpus in SIZES:
            for half in (False, True) if method.core else (False,):
                print(row(method, gpus, half=half))


def row(method: Method, gpus: int, *, half: bool) -> str:
    """One line of the table: hours that each takes by itself, and the longest of them."""
    size = method.half if half else method.bytes
    core = DECODE + PREPARE + (method.core_half if half else method.core)
    parts = {"the GPU": 1 / method.gpu / gpus, "its core": core / gpus}
    others = {
        "link": size / LINK if gpus > 8 else 0.0,  # one machine has no link to itself
        "writer": max(size / WRITE["bytes"], 1 / WRITE["entries"]),
    }
    slowest = {max(parts, key=lambda name: parts[name]): sum(parts.values()), **others}
    first = max(slowest, key=lambda name: slowest[name])
    each = " | ".join(f"{IMAGES * value / 3600:.2g}" if value else "–" for value in (parts | others).values())
    total = f"{IMAGES * size / 1e12:.2f} TB | **{IMAGES * slowest[first] / 3600:.2g}** | {first}"
    return f"| {method.name} | {gpus} | {'float16' if half else 'float32'} | {total} | {each} |"


def measure() -> None:
    """What this machine tells, a line each."""
    import torch
    from nets import resnet18
    from PIL import Image

    from fer_tui.classifier import open_classifier
    from fer_tui.contract import Place
    from fer_tui.dataset import open_dataset
    from fer_tui.engine import Engine, codec

    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 256, (24, 32, 3), np.uint8))
    picture = np.asarray(coarse.resize((500, 375), Image.Resampling.BICUBIC)).astype(np.int16)
    picture = np.clip(picture + rng.integers(-12, 12, picture.shape), 0, 255).astype(np.uint8)
    jpeg = io.BytesIO()
    Image.fromarray(picture).save(jpeg, "JPEG", quality=95)
    print(f"decode: {median(lambda: np.asarray(Image.open(jpeg).convert('RGB')), 50):.5f} s, {jpeg.tell():,} bytes")
    names = [str(number) for number in range(1000)]
    network = open_classifier(resnet18(classes=1000), size=(224, 224), classes=names, device="cpu")
    prepared = median(lambda: (network.inputs([picture]), network.shown(picture)), 50)
    print(f"prepare: {prepared:.5f} s, to 224 px, for the network and to be shown")
    with tempfile.TemporaryDirectory() as folder:
        dataset = open_dataset({"images": np.stack([picture] * 4), "labels": np.zeros(4, int)}, cache=folder)
        engine, place = Engine(network, dataset), Place(0, 7)
        given = {"saliency": {}, "cam": {"variant": "grad"}, "lime": {"segments": 50, "samples": 50}}
        for method, parameters in given.items():
            *_, last = engine.explain(method, place, parameters)
            explanation = last.explanation
            whole, half = codec.pack(explanation), codec.pack(explanation, half=True)
            task = median(partial(engine.task, method, place, parameters), 30)
            packed = median(partial(codec.pack, explanation), 30)
            smaller = median(partial(codec.smaller, whole), 30)
            cost = f"core {task + packed:.5f} s, as float16 {task + packed + smaller:.5f} s"
            print(f"{method}: {len(whole):,} bytes, as float16 {len(half):,}; {cost}")
        for size in (12_000, 350_000):
            print(f"writer, entries of {size:,} bytes: {writer(Path(folder), size) / 1e6:.0f} MB/s")


def writer(folder: Path, size: int) -> float:
    """Bytes a second that `put_many` takes, 16 MB at a time."""
    from fer_tui.engine import Store

    store = Store.open(folder / str(size), limit_bytes=None)
    rng, count = np.random.default_rng(1), max(1, (16 << 20) // size)
    taken = []
    for _ in range(12):
        rows = [(rng.bytes(16).hex(), rng.bytes(size), "saliency", "heatmap") for _ in range(count)]
        began = time.perf_counter()
        store.put_many(rows)
        taken.append(time.perf_counter() - began)
    store.close()
    return count * size / float(np.median(taken))


def median(run: Callable[[], object], times: int) -> float:
    """CPU seconds."""
    taken = []
    for _ in range(times):
        began = time.process_time()
        run()
        taken.append(time.process_time() - began)
    return float(np.median(taken))


if __name__ == "__main__":
    sys.exit(main())
