"""Typed parameters of explainers: declared once, then a form, a flag, a check and a part of the store's key."""

from __future__ import annotations

import dataclasses
import math
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from .errors import InputError
from .words import nearest, same_name

Value = bool | int | float | str
PRECISIONS = ("float32", "bfloat16")  # of `Classifier.folded`, for a parameter `precision`
_TRUE, _FALSE = frozenset({"true", "yes", "on", "1"}), frozenset({"false", "no", "off", "0"})


def parameter(
    default: Value,
    help: str,
    *,
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
    where: Mapping[str, tuple[str, ...]] | None = None,
) -> Any:
    """A field of a Parameters class: default, one line of help, unit, inclusive range, choices.

    where: values of other parameters with which this one has an effect, by their names; forms dim it without them.
    """
    metadata = {"help": help, "unit": unit, "low": low, "high": high, "choices": choices, "where": dict(where or {})}
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """The base of every explainer's parameters; fields are declared with `parameter`: bool, int, float or str."""

    seed: int = parameter(0, "seed of whatever is drawn at random", low=0, high=2**32 - 1)


@dataclass(frozen=True, slots=True)
class ParameterInfo:
    """One parameter as plain data. aliases: other names of values, from the literature. where: see `parameter`."""

    name: str
    type: Literal["bool", "int", "float", "str"]
    default: Value
    help: str = ""
    unit: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    aliases: Mapping[str, Value] = dataclasses.field(default_factory=dict)
    where: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)

    def applies(self, values: Mapping[str, Value]) -> bool:
        """Whether this parameter has an effect beside these values of the others."""
        return all(str(values.get(name)) in known for name, known in self.where.items())

    def parse(self, given: object) -> Value:
        """`given` (typed, or text as in `-p key=value`) as this parameter's value; InputError where it is none."""
        value = self._converted(given)
        if self.choices and value not in self.choices:
            value = self.aliases.get(same_name(str(value), self.aliases) or "", value)
        if self.choices and value not in self.choices:
            likely = nearest(str(value), [*self.choices, *self.aliases])
            fault = f"{value!r} is none of {', '.join(self.choices)}{likely}"
            raise InputError(f"parameter {self.name}", fault)
        if isinstance(value, float) and not math.isfinite(value):
            raise InputError(f"parameter {self.name}", f"{value} is not a finite number")
        if not isinstance(value, str | bool) and not (
            (self.low is None or value >= self.low) and (self.high is None or value <= self.high)
        ):
            low, high = ("any" if bound is None else f"{bound:g}" for bound in (self.low, self.high))
            raise InputError(f"parameter {self.name}", f"{value} is outside {low} to {high} {self.unit}".rstrip())
        return value

    def _converted(self, given: object) -> Value:
        text = given.strip() if isinstance(given, str) else given
        try:
            if self.type == "str" and isinstance(text, bool) and "true" in self.choices:
                return str(text).lower()
            if self.type == "str" and isinstance(text, str):
                return text
            if self.type == "bool":
                if isinstance(text, bool):
                    return text
                if str(text).lower() in _TRUE | _FALSE:
                    return str(text).lower() in _TRUE
            elif not isinstance(text, bool) and isinstance(text, int | float | str):
                if self.type == "float":
                    return float(text)
                if self.type == "int" and (isinstance(text, str) or text == int(text)):
                    return int(text)
        except (ValueError, OverflowError):
            pass
        kind = {"bool": "true or false", "int": "a whole number", "float": "a number", "str": "text"}[self.type]
        raise InputError(f"parameter {self.name}", f"{given!r} is not {kind}")

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ParameterInfo:
        where = {name: tuple(values) for name, values in data.get("where", {}).items()}
        aliases = dict(data.get("aliases", {}))
        return cls(**{**data, "choices": tuple(data["choices"]), "aliases": aliases, "where": where})


def parameter_infos(parameters: type[Parameters]) -> tuple[ParameterInfo, ...]:
    """The parameters that a Parameters class declares, its own before the inherited ones."""
    hints = typing.get_type_hints(parameters)
    declared = dataclasses.fields(parameters)
    inherited = {f.name for f in dataclasses.fields(Parameters)}
    ordered = [f for f in declared if f.name not in inherited] + [f for f in declared if f.name in inherited]
    return tuple(ParameterInfo(f.name, hints[f.name].__name__, cast(Value, f.default), **f.metadata) for f in ordered)


def parse_parameters(explainer: str, infos: tuple[ParameterInfo, ...], given: Mapping[str, object]) -> dict[str, Value]:
    """Every parameter's value: `given` checked and converted, defaults for the rest; InputError names the key."""
    known = {info.name: info for info in infos}
    for name in given:
        if name not in known:
            raise InputError(
                f"parameter {name}",
                f"{explainer} has no such parameter{nearest(name, known)}",
                f"known: {', '.join(known)}",
            )
    return {name: info.parse(given.get(name, info.default)) for name, info in known.items()}
