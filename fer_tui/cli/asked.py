"""What a command asks of an explainer: method, parameters, class."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fer_tui.contract import InputError, nearest, plain

from . import flags
from .settings import key_value

# What lies between two commas; those of a value in quotes are its own.
_PARTS = re.compile(r'([^,=]*=(?:"(?:[^"]|"")*"(?=,|$)|[^,]*)|[^,]+)(?:,|$)')

if TYPE_CHECKING:
    from fer_tui.contract import Description, Value
    from fer_tui.engine import Settings


def add_parameters(group: Any) -> None:
    """--seed and -p."""
    group.add_argument("--seed", metavar="S", help="seed of whatever is drawn at random")
    group.add_argument(
        "-p",
        metavar="K=V",
        action="append",
        default=[],
        type=flags.typed(_pair),
        help="a parameter of the method (again for more; fer-tui plugins METHOD lists them)",
    )


def parameters_of(arguments: argparse.Namespace) -> dict[str, str]:
    """What -p and --seed give."""
    given: dict[str, str] = {}
    for key, value in arguments.p:
        if key in given:
            raise flags.UsageError(f"error: parameter {key} is given twice")
        given[key] = value
    if arguments.seed is not None:
        if "seed" in given:
            raise flags.UsageError("error: both --seed and -p seed= are given")
        given["seed"] = arguments.seed
    return given


def pairs_of(text: str) -> dict[str, str]:
    """The parameters in `k=v,k="v,v"`; ValueError where that is none, or one is given twice.

    In a quoted value a comma is a comma, and a doubled quote is one.
    """
    found: dict[str, str] = {}
    for match in _PARTS.finditer(text):
        if not match[1].strip():
            continue
        key, value = key_value(match[1])
        if len(value) > 1 and value[0] == value[-1] == '"':
            value = value[1:-1].replace('""', '"')
        if key in found:
            raise ValueError(f"{text!r}: {key} is given twice")
        found[key] = value
    return found


def described(method: str, given: dict[str, str], settings: Settings) -> tuple[Description, dict[str, Value]]:
    """An explainer, and all its parameters: what is given, what its alias means, else the defaults of `settings`.

    A wrong name, parameter or default is told before anything slow is opened.
    """
    from fer_tui import plugins
    from fer_tui.contract import parse_parameters
    from fer_tui.engine import defaults

    from . import loading

    description, meant = loading.named(method)
    own, faults = defaults.checked(description, settings.parameters.get(description.name, {}))
    for fault in faults:
        raise fault
    asked = plugins.with_alias(method, description, meant, given)
    asked = {name: default.value for name, default in own.items()} | asked
    return description, parse_parameters(description.name, description.parameters, asked)


def class_of(text: str, classes: Sequence[str], flag: str = "--target", words: Sequence[str] = ()) -> int:
    """A class by its name (also in other letters' case), else by its index. words: what else the flag takes."""
    if text in classes:
        return list(classes).index(text)
    folded = [name.casefold() for name in classes]
    if folded.count(text.casefold()) == 1:
        return folded.index(text.casefold())
    if text.isascii() and text.isdigit() and int(text) < len(classes):
        return int(text)
    known = ", ".join(map(plain, classes[:20])) + (", ..." if len(classes) > 20 else "")
    mend = "".join(f"{word}, " for word in words) + f"0 to {len(classes) - 1}: {known}"
    raise InputError(f"{flag} {text}", f"there is no such class{nearest(text, [*words, *classes])}", mend)


def _pair(given: object) -> tuple[str, str]:
    return key_value(str(given))
