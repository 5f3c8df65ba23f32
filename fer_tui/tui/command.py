"""The command that makes an explanation again."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fer_tui.contract import Description, Place, Value
from fer_tui.engine import defaults
from fer_tui.engine.settings import NETWORK

from .asking import Request

if TYPE_CHECKING:
    from fer_tui.engine import Settings

_NO_FLAGS = ("graphics", "theme", "keys", "parameters", "colours", "report_with")  # `explain` has none for them
_SPELLED = {"weights_key": "weights-key"}


def command_for(
    request: Request, place: Place, description: Description, classes: Sequence[str], settings: Settings | None
) -> str:
    """A line for a shell; where live objects are explored (no settings), the flags that name them are left out.

    It names each parameter that is another than the explainer's own default, and than the configuration's, so that it
    makes the same under any configuration that changes none of the others.
    """
    words = ["fer-tui", "explain", request.method]
    for axis, value in place.to_dict().items():
        if axis != "checkpoint" or value or (settings is not None and is_run(settings)):
            words += flagged(f"--{axis}", classes[value] if axis == "target" else str(value))
    words += parameter_flags(description, request.parameters, settings)
    if request.against is not None:
        words += flagged("--against", classes[request.against])
    if request.cell is not None:
        words += ["--cell", str(request.cell)] if request.cell else ["--cell"]
    if request.action:
        words += ["--action", request.action]
    if request.judged:
        words.append("--trust")
    if settings is not None:
        words += flags_of(settings)
    return shlex.join(words)


def parameter_flags(description: Description, values: Mapping[str, Value], settings: Settings | None) -> Iterator[str]:
    """The flags for every parameter that is another than the explainer's own default, or the configuration's."""
    given = settings.parameters.get(description.name, {}) if settings is not None else {}
    own = defaults.checked(description, given)[0]
    for info in description.parameters:
        value = values[info.name]
        if value != info.default or value != defaults.of(info, own):
            yield from ("-p", f"{info.name}={_text(value)}")


def is_run(settings: Settings) -> bool:
    """Whether several checkpoints may be open."""
    from fer_tui.classifier.runs import is_open

    return bool(settings.others) or len(settings.weights) > 1 or any(is_open(Path(each)) for each in settings.weights)


def flagged(flag: str, value: str) -> list[str]:
    """A flag and its value; in one word where the value would be taken for a flag."""
    return [f"{flag}={value}"] if value.startswith("-") else [flag, value]


def _text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def flags_of(settings: Settings) -> Iterator[str]:
    """The flags for every setting that is not the default; of several networks, each one's after its --model."""
    names = [field.name for field in dataclasses.fields(settings) if field.name not in ("others", *_NO_FLAGS)]
    if not settings.others:
        yield from _flags(settings, names)
        return
    yield from _flags(settings, [name for name in names if name not in NETWORK])
    for each in settings.networks:
        yield from _flags(each, NETWORK)


def _flags(settings: Settings, names: Sequence[str]) -> Iterator[str]:
    default = type(settings)()
    for name in names:
        value, flag = getattr(settings, name), f"--{_SPELLED.get(name, name)}"
        if value == getattr(default, name):
            continue
        match name, value:
            case _, None | () | {}:
                continue
            case "model_args", _:
                for key, argument in value.items():
                    yield from flagged("--model-arg", f"{key}={argument}")
            case "equalise", _:
                yield flag
            case "stores", _:
                for each in value:
                    yield from flagged("--store", each)
            case "weights", _:
                yield from (flag, *value)
            case "size", (height, width):
                yield from (flag, f"{height}x{width}")
            case (("mean" | "std"), _):
                yield f"{flag}={','.join(f'{number:g}' for number in value)}"
            case "classes", _:
                yield from flagged(flag, ",".join(value))
            case _:
                yield from flagged(flag, str(value))
