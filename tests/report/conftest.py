"""A planted case: a network that reads the mouth and nothing else, and a few pictures with a mouth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

SIDE = 16
MOUTH = np.zeros((SIDE, SIDE), bool)
MOUTH[10:14, 4:12] = True
CLASSES = ("even", "rows", "columns")
NET = """
import torch
from torch import nn


class Mouth(nn.Module):
    def __init__(self):
        super().__init__()
        mask = torch.zeros(1, 1, 16, 16)
        mask[..., 10:14, 4:12] = 1
        self.register_buffer("mask", mask)
        self.conv = nn.Conv2d(1, 4, 3, padding=1)
        self.act = nn.ReLU()
        self.head = nn.Linear(4, 3)

    def forward(self, x):
        return self.head(self.act(self.conv(x * self.mask)).mean((2, 3)))


class Whole(Mouth):
    def forward(self, x):
        return self.head(self.act(self.conv(x)).mean((2, 3)))
"""


@dataclass(frozen=True)
class Planted:
    """folder: net.py, mouth.safetensors, faces.npz (images, labels), masks.npz. flags: they open all of it."""

    folder: Path
    images: np.ndarray
    labels: np.ndarray

    def flags(self, net: str = "Mouth", data: str = "faces.npz") -> list[str]:
        at = self.folder
        words = [str(at / data), "--model", f"{at / 'net.py'}:{net}", "--weights", str(at / f"{net}.safetensors")]
        return [*words, "--classes", ",".join(CLASSES), "--regions", str(at / "masks.npz"), "--device", "cpu"]


def pictures(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Noise, with a mouth that is even (0), has bright rows (1) or bright columns (2)."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    images = rng.integers(0, 256, (count, SIDE, SIDE))
    images[:, 10:14, 4:12] = rng.integers(90, 110, (count, 4, 8))
    images[labels == 1, 10:14:2, 4:12] += 110
    images[labels == 2, 10:14, 4:12:2] += 110
    return images.astype(np.uint8), labels


def mouth_weights() -> dict[str, torch.Tensor]:
    """Filters: brightness, bright rows, bright columns, none; each class by its own."""
    kernels = torch.zeros(4, 1, 3, 3)
    kernels[0] = 1 / 9
    kernels[1, 0] = torch.tensor([[-1.0, -1, -1], [2, 2, 2], [-1, -1, -1]])
    kernels[2, 0] = kernels[1, 0].T
    head = torch.tensor([[20.0, 0, 0, 0], [0, 60, 0, 0], [0, 0, 60, 0]])
    mask = torch.from_numpy(MOUTH).float()[None, None]
    return {
        "mask": mask, "conv.weight": kernels, "conv.bias": torch.zeros(4),
        "head.weight": head, "head.bias": torch.tensor([0.0, -7.8, -7.2]),
    }  # fmt: skip


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    folder = tmp_path_factory.mktemp("planted")
    images, labels = pictures(60, 1)
    for row in (0, 3, 6, 9, 12, 1, 4):  # a few labels are wrong, so that there are mistakes
        labels[row] += 1
    np.savez(folder / "faces.npz", images=images, labels=labels, class_names=np.array(CLASSES))
    np.savez(folder / "masks.npz", mouth=MOUTH)
    (folder / "net.py").write_text(NET)
    save_file(mouth_weights(), folder / "Mouth.safetensors")
    return Planted(folder, images, labels)


@pytest.fixture(scope="session")
def report_cache(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store that the tests of a session share."""
    return str(tmp_path_factory.mktemp("store"))
