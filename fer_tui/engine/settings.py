"""What to open: the settings that flags, fer-tui.toml and the compute process share, as plain data."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that names a dataset and a classifier. None (or empty) means: the bundled one, or found out.

    model, transform, output: `file.py:name` or `pkg.mod:name`; model may also be the name of a bundled network.
    weights: one file, or the snapshots of a training run in order (the checkpoint axis).
    size: (height, width) of the network's input. classes: names in the order of the network's outputs.
    cache: folder of store and parsed datasets; None is the user's cache folder, "none" turns the store off.
    Of the explorer: graphics, how pictures are drawn, one of `fer_tui.terminal.WAYS`; theme, by its name; keys, other
    ones for the actions that are named.
    """

    data: str | None = None
    split: str | None = None
    limit: int | None = None
    model: str | None = None
    model_args: Mapping[str, Any] = field(default_factory=dict)
    weights: tuple[str, ...] = ()
    weights_key: str | None = None
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    equalise: bool = False
    transform: str | None = None
    fit: str = "stretch"
    size: tuple[int, int] | None = None
    output: str | None = None
    classes: tuple[str, ...] = ()
    device: str = "auto"
    cache: str | None = None
    graphics: str = "auto"
    theme: str | None = None
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """JSON-like data: lists, not tuples."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in dataclasses.asdict(self).items()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Settings:
        lists = {f.name for f in dataclasses.fields(cls)} & {"weights", "mean", "std", "size", "classes"}
        given: dict[str, Any] = {k: tuple(v) if k in lists and v is not None else v for k, v in data.items()}
        return cls(**given)
