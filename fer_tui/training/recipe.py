"""How a network is trained: all settings in one place."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

from fer_tui.contract import InputError

PRECISIONS = ("auto", "float32", "bfloat16")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Settings of a training; InputError where one is out of its range.

    epochs, batch: of pictures; minutes: ends within this time, the schedule then follows the clock (0: no limit).
    rate: the highest learning rate (AdamW); warm_up: share of the steps in which it rises; decay: of the weights.
    average: decay of the running mean of the weights, which is what is measured and kept (0: none).
    smoothing: of the labels; votes: weight of what annotators' votes say of the label; teach: of the teachers' answers.
    balance: 0 lets classes count as often as they come, 1 all alike (logit adjustment).
    flip: mirror half of the pictures; shift, scale: share of the side; rotation: degrees; erasing, mixing: share of
    the pictures of which a rectangle is erased, that are blended with another; light: of brightness and contrast.
    hold_out: share of the pictures kept for validation where no split is named. patience: epochs without a better
    validation accuracy after which it stops (0: never). keep: a snapshot every so many epochs.
    """

    epochs: int = 60
    minutes: float = 0.0
    batch: int = 128
    rate: float = 3e-3
    warm_up: float = 0.05
    decay: float = 0.05
    average: float = 0.999
    smoothing: float = 0.05
    votes: float = 0.5
    balance: float = 0.25
    teach: float = 0.5
    flip: bool = True
    shift: float = 0.08
    rotation: float = 15.0
    scale: float = 0.12
    erasing: float = 0.3
    light: float = 0.25
    mixing: float = 0.3
    hold_out: float = 0.1
    patience: int = 20
    keep: int = 1
    precision: str = "auto"
    graphs: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least, most in _RANGES:
            value = getattr(self, name)
            if not (math.isfinite(value) and least <= value <= most):
                raise InputError(name.replace("_", "-"), f"{value:g} is not within {least:g} to {most:g}")
        if self.precision not in PRECISIONS:
            raise InputError("precision", f"{self.precision!r} is none of {', '.join(PRECISIONS)}")

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


_RANGES: tuple[tuple[str, float, float], ...] = (
    ("epochs", 1, 1e6),
    ("minutes", 0, 1e6),
    ("batch", 2, 1e6),
    ("rate", 1e-8, 10),
    ("warm_up", 0, 0.9),
    ("decay", 0, 1),
    ("average", 0, 0.999999),
    ("smoothing", 0, 0.9),
    ("votes", 0, 1),
    ("balance", 0, 1),
    ("teach", 0, 1),
    ("shift", 0, 0.5),
    ("rotation", 0, 180),
    ("scale", 0, 0.9),
    ("erasing", 0, 1),
    ("light", 0, 0.9),
    ("mixing", 0, 1),
    ("hold_out", 0, 0.9),
    ("patience", 0, 1e6),
    ("keep", 1, 1e6),
    ("seed", 0, 2**63 - 1),
)
