"""Trains the bundled network on freshly drawn faces: `python -m fer_tui_samples.train`.

The shipped faces are never trained on: their seeds are 0 to 349, those drawn here begin at a million.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from fer_tui.classifier.networks import NETWORKS

from . import faces_path
from .draw import draw_face
from .expressions import CLASSES

NETWORK = "fer-gap"
FIRST_SEED = 1_000_000


def main() -> None:
    parser = argparse.ArgumentParser(prog="fer_tui_samples.train", description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--out", type=Path, default=Path(__file__).with_name(f"{NETWORK}.safetensors"))
    parser.add_argument("--faces", type=int, default=6000, help="how many faces to draw")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0, help="of the initial weights, the order and the augmentation")
    given = parser.parse_args()
    torch.set_num_threads(1)
    begun = time.perf_counter()
    images, labels = draw(given.faces)
    print(f"drawn {given.faces} faces in {time.perf_counter() - begun:.0f} s", flush=True)
    network = train(images, labels, given.epochs, given.seed)
    record = {"faces": given.faces, "first_seed": FIRST_SEED, "epochs": given.epochs, "seed": given.seed}
    export(network, given.out, record)
    recall = evaluate(given.out)
    print("  ".join(f"{name} {share:.3f}" for name, share in recall.items()))
    print(f"accuracy {np.mean(list(recall.values())):.4f} after {time.perf_counter() - begun:.0f} s")
    print(f"{given.out}: {given.out.stat().st_size:,} bytes")


def draw(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Faces that are not shipped: float32 (count, 1, 48, 48) in 0 to 1, and their labels."""
    drawn = [draw_face(index % len(CLASSES), FIRST_SEED + index)[0] for index in range(count)]
    return torch.from_numpy(np.stack(drawn)[:, None]).float() / 255, torch.arange(count) % len(CLASSES)


def train(images: torch.Tensor, labels: torch.Tensor, epochs: int, seed: int) -> nn.Module:
    """A trained network in evaluation mode; AdamW under one cycle of the learning rate."""
    torch.manual_seed(seed)
    network = NETWORKS[NETWORK](classes=len(CLASSES))
    batch, rate = 64, 6e-3
    steps = len(images) // batch
    optimiser = torch.optim.AdamW(network.parameters(), rate, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, epochs * steps)
    judge = nn.CrossEntropyLoss(label_smoothing=0.03)  # keeps the scores from running off: softmax stays readable
    for epoch in range(1, epochs + 1):
        network.train()
        total = 0.0
        for rows in torch.randperm(len(images))[: steps * batch].view(steps, batch):
            optimiser.zero_grad()
            loss = judge(network(augmented(images[rows])), labels[rows])
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch}: loss {total / steps:.3f}", flush=True)
    return network.eval()


def augmented(images: torch.Tensor) -> torch.Tensor:
    """Mirrored or not, shifted by up to two pixels, a little brighter or darker: each image by its own lot."""
    count = len(images)
    images = torch.where(torch.rand(count, 1, 1, 1) < 0.5, images, images.flip(-1))
    down, right = torch.randint(-2, 3, (2,)).tolist()  # one shift for the batch: the faces vary in place by themselves
    images = nn.functional.pad(images, (2, 2, 2, 2), mode="replicate")[
        ..., 2 + down : 50 + down, 2 + right : 50 + right
    ]
    return (images * (0.85 + 0.3 * torch.rand(count, 1, 1, 1)) + 0.1 * torch.rand(count, 1, 1, 1) - 0.05).clamp(0, 1)


def export(network: nn.Module, out: Path, record: dict[str, int]) -> None:
    """Writes the weights in half precision, with what is needed to use them."""
    tensors = {name: t.half() if t.is_floating_point() else t for name, t in network.state_dict().items()}
    settings = {"input_shape": [1, 48, 48], "mean": 0.0, "std": 1.0}
    texts = {"classes": CLASSES, "settings": settings, "training": record}
    metadata = {"format": "pt", "network": NETWORK} | {key: json.dumps(value) for key, value in texts.items()}
    unfinished = out.with_name(out.name + ".part")
    save_file(tensors, unfinished, metadata)
    unfinished.replace(out)


def evaluate(weights: Path) -> dict[str, float]:
    """The recall of each class on the shipped faces, 50 a class, by the weights as they are on disk."""
    network = NETWORKS[NETWORK](classes=len(CLASSES)).eval()
    network.load_state_dict(load_file(weights))
    with np.load(faces_path(), allow_pickle=False) as stored:
        images, labels = stored["images"], stored["labels"]
    with torch.inference_mode():
        predicted = network(torch.from_numpy(images[:, None]).float() / 255).argmax(1).numpy()
    return {name: float(np.mean(predicted[labels == index] == index)) for index, name in enumerate(CLASSES)}


if __name__ == "__main__":
    main()
