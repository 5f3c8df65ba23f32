"""What a class declares of itself: found, told, and every value of its parameters good for a result."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import re
from collections.abc import Iterator, Mapping
from importlib.metadata import entry_points

from fer_tui import plugins
from fer_tui.contract import (
    CONTRACT_VERSION,
    Axis,
    Description,
    FerTuiError,
    InputError,
    ParameterInfo,
    Parameters,
    Result,
    Value,
    plain,
)
from fer_tui.testing.bench import Bench, leave
from fer_tui.testing.broken import Broken, expect, told

from .promise import Promise

_KINDS, _COSTS = ("heatmap", "gallery", "matrix"), ("cheap", "slow")
_FAR = 1000  # tried where no upper bound is declared
_NO_WORD = "no such thing"


def _is_found(bench: Bench) -> None:
    name = bench.explainer.name
    line = (
        f'[project.entry-points."{plugins.GROUP}"]  {name} = "{bench.explainer.__module__}:{bench.explainer.__name__}"'
    )
    installed = {entry.name for entry in entry_points(group=plugins.GROUP)}
    expect(
        name in installed,
        f"no installed package has an explainer of the name {name}",
        f"write into pyproject.toml: {line}; then pip install -e .",
    )
    try:
        found = plugins.load(name)
    except FerTuiError as error:
        raise Broken(
            f"the entry point {name} cannot be loaded: {error}", f"write into pyproject.toml: {line}"
        ) from None
    expect(
        found is bench.explainer,
        f"the entry point {name} leads to {found.__module__}:{found.__qualname__}, another class",
        f"write into pyproject.toml: {line}; then pip install -e .",
    )


def _describes_itself(bench: Bench) -> None:
    made = bench.description
    for word in ("name", "title", "help", "version"):
        text = getattr(made, word)
        expect(
            isinstance(text, str) and bool(text.strip()) and plain(text) == text,
            f"its {word} is {text!r}",
            f"give {word} as one line of text",
        )
    expect(
        re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", made.name) is not None,
        f"its name {made.name!r} is hard to type",
        "use lower-case words with hyphens between them, such as my-method",
    )
    expect(made.kind in _KINDS, f"its kind is {made.kind!r}", f"choose one of {', '.join(_KINDS)}")
    expect(made.cost in _COSTS, f"its cost is {made.cost!r}", f"choose one of {', '.join(_COSTS)}")
    version = bench.explainer.contract_version
    expect(version == CONTRACT_VERSION, f"it wants contract {version}", f"write it for contract {CONTRACT_VERSION}")
    axes = [made.axes, *(made.axes_by[1].values() if made.axes_by else ())]
    expect(
        all(isinstance(axis, Axis) for some in axes for axis in some),
        f"its axes are {[set(some) for some in axes]}",
        "name members of fer_tui.contract.Axis",
    )
    for word, by in (("axes_by", made.axes_by), ("needs_dataset_by", made.needs_dataset_by)):
        _known(made, word, {by[0]: tuple(by[1])} if by else {})
    with told("when its description was written as JSON", "describe() may hold plain data only"):
        again = Description.from_dict(json.loads(json.dumps(made.to_dict(), allow_nan=False)))
    mend = "describe() may hold texts, numbers, lists and tables only, and nothing that changes"
    expect(again == made, "its description is another one after a way through JSON", mend)
    expect(bench.explainer.describe() == made, "describe() tells something else the second time", mend)


def _declares_parameters(bench: Bench) -> None:
    declared = bench.explainer.Parameters
    expect(
        isinstance(declared, type) and issubclass(declared, Parameters),
        f"its Parameters is {declared!r}",
        "subclass fer_tui.contract.Parameters",
    )
    expect(
        bool(declared.__dataclass_params__.frozen),  # type: ignore[attr-defined]
        "its Parameters can be changed",
        "decorate it with @dataclass(frozen=True, kw_only=True)",
    )
    infos = {info.name: info for info in bench.description.parameters}
    missing = {field.name for field in dataclasses.fields(declared)} - infos.keys()
    expect(not missing, f"describe() leaves out {', '.join(missing)}", "leave describe() as it is")
    for name, info in infos.items():
        expect(bool(info.help.strip()), f"parameter {name} has no help", "say in one line what it does")
        expect(info.type in ("bool", "int", "float", "str"), f"parameter {name} is a {info.type}",
               "a parameter is a bool, an int, a float or a str")  # fmt: skip
        if info.low is not None and info.high is not None:
            expect(info.low <= info.high, f"parameter {name} runs from {info.low} to {info.high}", "swap low and high")
        expect(
            not info.choices or info.type == "str",
            f"parameter {name} has choices, and is a {info.type}",
            "give choices as text, and the parameter as str",
        )
        try:
            same = info.parse(info.default) == info.default
        except InputError as error:
            raise Broken(
                f"the default of parameter {name} is refused: {error}", "let default and range agree"
            ) from None
        expect(same, f"the default of parameter {name} is of another type: {info.default!r}", f"make it a {info.type}")
        for bad in _outside(info):
            _refused(info, bad)
        _known(bench.description, f"parameter {name}: where", info.where)
    for alias, values in bench.description.aliases.items():
        _known(bench.description, f"alias {alias}", {key: (str(value),) for key, value in values.items()})


def _known(made: Description, what: str, values: Mapping[str, tuple[str, ...]]) -> None:
    """Broken where these are no parameters, or no values of theirs."""
    infos = {info.name: info for info in made.parameters}
    for name, some in values.items():
        expect(name in infos, f"{what} names {name}, which is no parameter", f"name one of {', '.join(infos)}")
        for value in some:
            try:
                infos[name].parse(value)
            except InputError as error:
                raise Broken(f"{what}: {error}", "name a value of that parameter") from None


def _outside(info: ParameterInfo) -> Iterator[Value]:
    """Values that must be refused: just outside of each bound, none of the choices, nothing of that type."""
    step = 1 if info.type == "int" else 1e-6
    if info.low is not None:
        yield info.low - step * max(1, abs(info.low) if info.type == "float" else 1)
    if info.high is not None:
        yield info.high + step * max(1, abs(info.high) if info.type == "float" else 1)
    if info.choices or info.type != "str":
        yield _NO_WORD
    if info.type == "float":
        yield math.nan


def _refused(info: ParameterInfo, bad: Value) -> None:
    try:
        info.parse(bad)
    except InputError as error:
        expect(info.name in str(error), f"{bad!r} is refused without the name of {info.name}", "name it in the message")
        return
    raise Broken(f"parameter {info.name} takes {bad!r}, outside of what it declares", "declare low, high or choices")


def _every_value_works(bench: Bench) -> None:
    engine = bench.engine()
    for info in bench.description.parameters:
        beside = _with_effect(bench, info)
        for value, must in _legal(info):
            said = f"{info.name}={value}"
            mend = f"let it work, narrow the range of {info.name}, or raise InputError('parameter {info.name}', ...)"
            with told(f"with {said}", mend):
                task = bench.task(engine, parameters={**beside, info.name: value})
                results = bench.bare(task)
                try:
                    first = next(results, None)
                except InputError as error:
                    expect(not must, f"{said} is a declared value, and it is refused: {error}", mend)
                    named = info.name in str(error) or (info.type == "str" and str(value) in str(error))
                    expect(named, f"{said} is refused without the parameter's name: {error}", mend)
                    continue
                finally:
                    leave(results)
            expect(isinstance(first, Result), f"with {said} it yields no result", mend)


def _legal(info: ParameterInfo) -> Iterator[tuple[Value, bool]]:
    """(value, whether it must work): all choices; numbers, which may be too large for an input, at and near bounds."""
    if info.choices or info.type == "bool":
        yield from ((choice, True) for choice in info.choices or (False, True))
    elif info.type == "str":
        yield _NO_WORD, False
    else:
        as_declared = int if info.type == "int" else float
        low = [info.low] if info.low is not None else [0, -1]
        high = [info.high] if info.high is not None else [_FAR]
        yield from ((as_declared(value), False) for value in [*low, *high])


def _with_effect(bench: Bench, info: ParameterInfo) -> dict[str, object]:
    """The values of other parameters with which this one has an effect."""
    infos = {each.name: each for each in bench.description.parameters}
    beside: dict[str, object] = {}
    for name, values in info.where.items():
        if str(bench.values.get(name)) not in values:
            with contextlib.suppress(InputError, KeyError):  # "parameters are declared" tells it
                beside[name] = infos[name].parse(values[0])
    return beside


PROMISES = (
    Promise("it is found", "The entry point is how every face finds an explainer.", _is_found, once=True),
    Promise(
        "it describes itself",
        "Forms, help and lists are made from the description, before the explainer is imported.",
        _describes_itself,
        once=True,
    ),
    Promise(
        "parameters are declared",
        "From a declaration come the form, `-p`, the check of what a user types, and a part of the store's key.",
        _declares_parameters,
        once=True,
    ),
    Promise(
        "every value works",
        "What the form lets through must give a result, or one line that names the parameter.",
        _every_value_works,
        once=True,
    ),
)
