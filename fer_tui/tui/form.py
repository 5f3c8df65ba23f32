"""The parameters of a method as a form: where the cursor is, what is being typed, what is wrong with it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from fer_tui.contract import Description, FerTuiError, ParameterInfo, Value

PRESET = "preset"


@dataclass(slots=True)
class Form:
    """at: the row of the cursor; the first row is the preset, where the method has any. typed: None: nothing is.

    fault: what is wrong with what was typed, '' where nothing is.
    """

    method: Description
    at: int = 0
    typed: str | None = None
    fault: str = ""

    @property
    def presets(self) -> tuple[str, ...]:
        """The literature's names for the method under some parameters."""
        return self.method.listed_aliases

    @property
    def rows(self) -> tuple[ParameterInfo | None, ...]:
        """None is the preset."""
        return ((None,) if self.presets else ()) + self.method.parameters

    @property
    def info(self) -> ParameterInfo | None:
        """The parameter at the cursor."""
        return self.rows[self.at]

    def move(self, steps: int) -> None:
        self.at = (self.at + steps) % len(self.rows)
        self.typed, self.fault = None, ""

    def preset(self, values: Mapping[str, Value]) -> str | None:
        """The preset that these values are, the one that says most of them."""
        fitting = [name for name in self.presets if self.method.aliases[name].items() <= values.items()]
        return max(fitting, key=lambda name: len(self.method.aliases[name]), default=None)

    def next_preset(self, values: Mapping[str, Value], steps: int) -> str:
        """A neighbouring preset."""
        now = self.preset(values)
        start = self.presets.index(now) if now is not None else (-1 if steps > 0 else 0)
        return self.presets[(start + steps) % len(self.presets)]

    def type(self, text: str) -> None:
        """Add to what is typed."""
        self.typed = (self.typed or "") + text

    def erase(self) -> None:
        """Take the last character away."""
        self.typed = (self.typed or "")[:-1]

    def read(self) -> Value | None:
        """The value that is typed; None, with the fault, where it is none."""
        self.fault = ""
        if self.info is None or self.typed is None:
            return None
        try:
            return self.info.parse(self.typed)
        except FerTuiError as error:
            self.fault = str(error).removeprefix(f"parameter {self.info.name}: ")
            return None


def stepped(info: ParameterInfo, value: Value, steps: int) -> Value:
    """A neighbouring value: the next choice, the other of two, a number by a tenth of its size, within its range."""
    if info.choices:
        return info.choices[(info.choices.index(str(value)) + steps) % len(info.choices)]
    if isinstance(value, bool):
        return not value if steps % 2 else value
    if isinstance(value, str):
        return value
    size = math.floor(math.log10(abs(value))) - 1 if value else -2
    step = max(1, 10**size) if info.type == "int" else 10.0**size
    new = value + steps * step
    new = round(new) if info.type == "int" else round(new, max(0, 2 - size))
    if info.low is not None:
        new = max(new, info.low)
    if info.high is not None:
        new = min(new, info.high)
    return info.parse(new)


def bounds(info: ParameterInfo) -> str:
    """What values there are: the choices, or the range with its unit."""
    if info.choices:
        return ", ".join(info.choices)
    if info.type in ("bool", "str"):
        return {"bool": "yes or no", "str": "text"}[info.type]
    known = [f"{sign} {bound:.10g}" for sign, bound in (("from", info.low), ("to", info.high)) if bound is not None]
    return " ".join([*known, info.unit]).strip() or "any number"
