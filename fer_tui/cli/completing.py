"""What may stand at the cursor of a command line: commands, flags, methods, parameters, values.

No explainer is loaded for it: what is known of one is what was remembered when it was loaded last.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from fer_tui.contract import plain
from fer_tui.terminal.facts import WAYS

from .settings import BUILTIN, FITS

if TYPE_CHECKING:
    from fer_tui.contract import Description

Word = tuple[str, str]  # what may stand there, and what it means
FILES: Word = ("", "files")  # the shell lists files by itself

_VALUES = {
    "device": ("auto", "cpu", "cuda:0", "mps"),
    "fit": FITS,
    "graphics": WAYS,
    "cache": ("none",),
    "target": ("predicted", "true"),
    "targets": ("predicted", "true", "all"),
    "layers": ("all",),
    "filters": ("all",),
    "checkpoints": ("all",),
    "regions": ("auto", "layout", "layout:scaled", "samples"),
    "view": ("overlay", "map", "focus", "outline", "original"),
}
_METHODS = {"method", "methods", "name", "guests"}  # destinations that take a method
_FILES = {"config", "out", "verify", "model", "transform", "output", "image"}


def words_for(typed: Sequence[str]) -> list[Word]:
    """What may stand in place of the last word of `typed`, which are those after `fer-tui`; FILES where files may."""
    from .main import ALIASES, COMMANDS

    *before, now = typed or [""]
    if not before and not now.startswith("-"):
        known = {**{name: summary for name, (_, summary) in COMMANDS.items()}, **dict.fromkeys(ALIASES, "")}
        return _begun(now, known.items())
    name = before.pop(0) if before and not before[0].startswith("-") else "open"
    name = ALIASES.get(name, name)
    return _of_command(name, before, now) if name in COMMANDS else []


def _of_command(name: str, before: Sequence[str], now: str) -> list[Word]:
    from .main import COMMANDS

    command = importlib.import_module(f"fer_tui.cli.{COMMANDS[name][0]}")
    parser = argparse.ArgumentParser(allow_abbrev=False)
    command.add_arguments(parser)
    options = {text: action for action in parser._actions for text in action.option_strings}
    positional = [action for action in parser._actions if not action.option_strings]
    free, asked = _taken(before, options)
    if asked is None and now.startswith("-"):
        return _begun(now, ((text, _help(action)) for text, action in options.items() if text not in before))
    if asked is None or (asked.nargs == "+" and not now.startswith("-")):
        asked = positional[len(free)] if asked is None and len(free) < len(positional) else asked
    if asked is None:
        return [FILES] if positional and positional[-1].nargs in ("*", "+") else []
    return _values(asked, free[0] if free and positional[0].dest == "method" else "", now)


def _taken(before: Sequence[str], options: dict[str, argparse.Action]) -> tuple[list[str], argparse.Action | None]:
    """The words that are no flags and no flag's, and the flag that the next word belongs to."""
    free: list[str] = []
    asked: argparse.Action | None = None
    for word in before:
        if word in options:
            asked = options[word] if options[word].nargs != 0 else None
        elif asked is None:
            free.append(word)
        elif asked.nargs != "+":
            asked = None
    return free, asked


def _values(action: argparse.Action, method: str, now: str) -> list[Word]:
    """The values that a flag, or a word without one, may have."""
    from fer_tui import plugins

    if action.choices is not None:
        return _begun(now, ((str(choice), "") for choice in action.choices))
    if action.dest == "p":
        return _parameters(plugins.remembered(), method, now)
    if action.dest == "guests" and ":" in now:
        name, _, pairs = now.partition(":")
        first, comma, last = pairs.rpartition(",")
        return [(f"{name}:{first}{comma}{text}", told) for text, told in _parameters(plugins.remembered(), name, last)]
    if action.dest in _METHODS:
        first, comma, last = now.rpartition(",")
        return [(f"{first}{comma}{text}", told) for text, told in _begun(last, _methods(plugins.remembered()))]
    if action.dest == "theme":
        from fer_tui.tui import theme

        return _begun(now, ((name, "") for name in theme.names()))
    found = _begun(now, ((value, "") for value in _VALUES.get(action.dest, ())))
    if action.dest in ("data", "positional_data", "weights"):
        bundled = ("faces", "samples") if action.dest != "weights" else ("run",)
        found += _begun(now, ((f"{BUILTIN}{each}", "comes with fer-tui") for each in bundled))
    takes_file = action.type is not None and getattr(action.type, "__name__", "") == "Path"
    if takes_file or action.dest in (
        _FILES | {"data", "positional_data", "weights", "cache", "stores", "classes", "regions"}
    ):
        found.append(FILES)
    return found


def _methods(known: dict[str, Description]) -> Iterable[Word]:
    from fer_tui import plugins

    yield from ((name, plain(known[name].title) if name in known else "") for name in plugins.names())
    for each in known.values():
        yield from ((alias, f"{each.name}") for alias in each.listed_aliases)


def _parameters(known: dict[str, Description], method: str, now: str) -> list[Word]:
    """`key=` of the parameters of a method; after it, the values where there is a choice."""
    from fer_tui import plugins
    from fer_tui.contract import FerTuiError

    try:
        name = plugins.resolve(method, lambda each: known[each])[0] if method else ""
    except (FerTuiError, KeyError):
        return []
    infos = known[name].parameters if name in known else ()
    key, sign, value = now.partition("=")
    if not sign:
        return _begun(key, ((f"{info.name}=", plain(info.help)) for info in infos))
    info = next((each for each in infos if each.name == key), None)
    choices = tuple(dict.fromkeys((*info.choices, *info.aliases))) if info is not None else ()
    if info is not None and info.type == "bool":
        choices = ("true", "false")
    return [(f"{key}={choice}", told) for choice, told in _begun(value, ((each, "") for each in choices))]


def _begun(now: str, words: Iterable[Word]) -> list[Word]:
    return [(word, told) for word, told in words if word.startswith(now)]


def _help(action: argparse.Action) -> str:
    return action.help or ""
