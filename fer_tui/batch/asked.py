"""What a batch is asked for: the product over axes, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from fer_tui.contract import Value

ALL = "all"


@dataclass(frozen=True, slots=True)
class Asked:
    """A method with all its parameters, and what it is asked for on each axis; None: what counts where none is named.

    where: the rows, in the words of the explorer's narrowing; "": all. targets: "predicted", "true", "all", or a class
    index. layers, checkpoints: names and numbers, or "all". filters: channels of each of the layers, or "all".
    half: values of heat maps are kept as float16, where that is good enough.
    """

    method: str
    parameters: Mapping[str, Value] = field(default_factory=dict)
    where: str = ""
    targets: str | int | None = None
    layers: tuple[str, ...] | str | None = None
    filters: tuple[int, ...] | str | None = None
    checkpoints: tuple[int, ...] | str | None = None
    half: bool = False

    def to_dict(self) -> dict[str, Any]:
        """JSON-like data."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        given: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in data.items()
        }
        return cls(**given)
