"""Explainers that are not what they declare."""

import dataclasses
from dataclasses import dataclass

from broken_sound import Sound, SoundParameters

from fer_tui.contract import (
    Axis,
    Description,
    InputError,
    parameter,
)


class NotInstalled(Sound):
    name = "not-installed"


class Elsewhere(Sound):
    """Its entry point leads to another class of its name."""

    name = "elsewhere"


class ElsewhereFound(Sound):
    name = "elsewhere"


class TwoLines(Sound):
    name = "two-lines"
    help = "one\ntwo"


class Restless(Sound):
    name = "restless"
    told = 0

    @classmethod
    def describe(cls):
        cls.told += 1
        return dataclasses.replace(super().describe(), title=f"told {cls.told} times")


class FalseAxesBy(Sound):
    name = "false-axes-by"
    axes_by = ("variant", {"x": frozenset({Axis.IMAGE})})

    @classmethod
    def describe(cls):
        made = super().describe()

        class Lenient(Description):
            def axes_for(self, parameters):
                return self.axes

        return Lenient(**{field.name: getattr(made, field.name) for field in dataclasses.fields(made)})


class Unhelpful(Sound):
    name = "unhelpful"

    @dataclass(frozen=True, kw_only=True)
    class Parameters(SoundParameters):
        power: float = parameter(1.0, "", low=1)


class FalseWhere(Sound):
    name = "false-where"

    @dataclass(frozen=True, kw_only=True)
    class Parameters(SoundParameters):
        power: float = parameter(1.0, "exponent", low=1, where={"how": ("median",)})


class FailsAtItsBound(Sound):
    name = "fails-at-its-bound"

    @dataclass(frozen=True, kw_only=True)
    class Parameters(SoundParameters):
        parts: int = parameter(2, "how many parts", low=0, high=4)

    def values(self, values, subject):
        return values / 1

    def explain(self, subject, parameters):
        assert 1 // parameters.parts >= 0
        yield from super().explain(subject, parameters)


class FailsWithAChoice(Sound):
    name = "fails-with-a-choice"

    def explain(self, subject, parameters):
        if parameters.how == "mean":
            raise InputError("parameter how", "mean is not written yet")
        yield from super().explain(subject, parameters)


class RefusesWithoutName(Sound):
    name = "refuses-without-name"

    @dataclass(frozen=True, kw_only=True)
    class Parameters(SoundParameters):
        power: float = parameter(1.0, "exponent")

    def explain(self, subject, parameters):
        if parameters.power < 0:
            raise InputError("the number", "must not be negative")
        yield from super().explain(subject, parameters)
