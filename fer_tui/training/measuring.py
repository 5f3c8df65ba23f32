"""Accuracy, recall by class, confusion and loss of a network on pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from .feeding import Feed
from .processes import Processes

_BATCH = 512


@dataclass(frozen=True)
class Measure:
    """loss: mean cross-entropy. confusion: counts, rows = true."""

    loss: float
    confusion: tuple[tuple[int, ...], ...]

    @property
    def accuracy(self) -> float:
        total = sum(map(sum, self.confusion))
        return sum(row[index] for index, row in enumerate(self.confusion)) / total

    @property
    def recall(self) -> list[float | None]:
        return [row[index] / sum(row) if sum(row) else None for index, row in enumerate(self.confusion)]

    def to_dict(self) -> dict[str, Any]:
        return {
            "loss": self.loss,
            "accuracy": self.accuracy,
            "recall": self.recall,
            "confusion": [list(row) for row in self.confusion],
        }


@torch.no_grad()
def measure(module: nn.Module, feed: Feed, classes: int, processes: Processes) -> Measure:
    """What `module`, in evaluation mode, makes of all pictures of `feed`; each process looks at its share."""
    device = feed.labels.device
    sums = torch.zeros(classes * classes + 1, dtype=torch.float64, device=device)
    for rows in torch.arange(len(feed), device=device)[processes.rank :: processes.count].split(_BATCH):  # type: ignore[no-untyped-call]
        labels = feed.labels[rows]
        scores = module(feed.normalised(feed.pictures(rows).float() / 255)).float()
        sums[-1] += F.cross_entropy(scores, labels, reduction="sum")
        sums[:-1] += torch.bincount(labels * classes + scores.argmax(1), minlength=classes * classes)
    processes.add(sums)
    *counts, loss = sums.tolist()
    cells = [int(count) for count in counts]
    rows_ = tuple(tuple(cells[start : start + classes]) for start in range(0, len(cells), classes))
    return Measure(loss / max(1, len(feed)), rows_)
