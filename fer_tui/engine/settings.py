"""What to open: the settings that flags, fer-tui.toml and the compute process share, as plain data."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fer_tui.contract import Value

NETWORK = (  # the settings that each network has for itself
    "model", "model_args", "weights", "weights_key", "mean", "std", "equalise", "transform", "fit", "size", "output",
    "classes",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Default:
    """A default that a file gives. origin: the file, with the line where it is known."""

    value: Value
    origin: str


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that names a dataset and a classifier. None (or empty) means: the bundled one, or found out.

    model, transform, output: `file.py:name` or `pkg.mod:name`; model may also be the name of a bundled network.
    weights: one file, or the snapshots of a training run in order (the checkpoint axis).
    size: (height, width) of the network's input. classes: names in the order of the network's outputs.
    cache: folder of store and parsed datasets; None is the user's cache folder, "none" turns the store off.
    stores: folders of further stores, which are only read.
    parameters: defaults of the explainers' parameters, by explainer and parameter. colours: colour maps, by explainer.
    report_with: explainers that a report has sections of, as `fer-tui report --with` has them.
    Of the explorer: graphics, how pictures are drawn, one of `fer_tui.terminal.WAYS`; theme, by its name; keys, other
    ones for the actions that are named.
    others: further networks, to be compared with the first: of each only what NETWORK lists counts.
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
    stores: tuple[str, ...] = ()
    parameters: Mapping[str, Mapping[str, Default]] = field(default_factory=dict)
    colours: Mapping[str, Default] = field(default_factory=dict)
    report_with: tuple[str, ...] = ()
    graphics: str = "auto"
    theme: str | None = None
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    others: tuple[Settings, ...] = ()

    @property
    def networks(self) -> tuple[Settings, ...]:
        """The settings of each network: data, device and cache are those of all."""
        first = dataclasses.replace(self, others=())
        named = ({name: getattr(each, name) for name in NETWORK} for each in self.others)
        return (first, *(dataclasses.replace(first, **each) for each in named))

    def to_dict(self) -> dict[str, Any]:
        """JSON-like data: lists, not tuples."""
        plain = {k: list(v) if isinstance(v, tuple) else v for k, v in dataclasses.asdict(self).items()}
        return plain | {"others": [each.to_dict() for each in self.others]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Settings:
        several = {"weights", "mean", "std", "size", "classes", "stores", "report_with"}
        lists = {f.name for f in dataclasses.fields(cls)} & several
        given: dict[str, Any] = {k: tuple(v) if k in lists and v is not None else v for k, v in data.items()}
        given["parameters"] = {
            method: {name: Default(**each) for name, each in defaults.items()}
            for method, defaults in data.get("parameters", {}).items()
        }
        given["colours"] = {method: Default(**each) for method, each in data.get("colours", {}).items()}
        given["others"] = tuple(cls.from_dict(each) for each in data.get("others", ()))
        return cls(**given)
