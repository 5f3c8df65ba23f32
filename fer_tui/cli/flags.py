"""The flags that commands share, and a parser that says what is wrong in one line."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from fer_tui.contract import FerTuiError, nearest
from fer_tui.engine.settings import NETWORK

from .layers import Layered, layered
from .settings import BY_NAME, SETTINGS, Setting

TITLES = {"data": "what to open", "model": "the network", "run": "how to run"}


class UsageError(FerTuiError):
    """Wrong use of the command line."""


class Parser(argparse.ArgumentParser):
    """argparse without abbreviations; an error is one line, with the nearest right flag."""

    def __init__(self, prog: str, description: str, examples: Sequence[str] = ()) -> None:
        epilog = "examples:\n" + "\n".join(f"  {line}" for line in examples) if examples else None
        super().__init__(
            prog,
            description=description,
            epilog=epilog,
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )

    def parse(self, arguments: Sequence[str]) -> argparse.Namespace:
        """The arguments; UsageError where they are wrong."""
        flags = itertools.takewhile(lambda word: word != "--", arguments)
        known = {option for action in self._actions for option in action.option_strings}
        for name in (word.partition("=")[0] for word in flags if word.startswith("--")):
            if name not in known:  # said first: what follows it would be taken for something else
                self.error(f"there is no flag {name}{nearest(name, known)}")
        found, left = self.parse_known_args(list(arguments))
        if left:
            self.error(f"there is no place for {left[0]}")
        return found

    def error(self, message: str) -> NoReturn:
        missing = message.startswith("the following arguments are required")
        raise UsageError(f"error: {message}" + (f" ({self.prog} --help)" if missing else ""))


def typed(read: Callable[[object], Any]) -> Callable[[str], Any]:
    """A reader of settings as a type of argparse: its fault is shown, not argparse's own words."""

    def convert(text: str) -> Any:
        try:
            return read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return convert


def whole(given: object) -> int:
    """A whole number from 0 on; ValueError else."""
    text = str(given).strip()
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"{given!r} is not a whole number from 0 on")
    return int(text)


def add_settings(parser: argparse.ArgumentParser, *names: str, json: bool = True, screen: bool = False) -> None:
    """The flags of these settings (all, where none is named), in their groups; what is not given is not set.

    screen: those of the explorer, too.
    """
    groups: dict[str, Any] = {}
    for setting in SETTINGS:
        if (not names or setting.name in names) and (screen or not setting.screen) and setting.has_flag:
            if setting.group not in groups:
                groups[setting.group] = parser.add_argument_group(TITLES[setting.group])
            _add(groups[setting.group], setting)
    group = groups.get("run") or parser.add_argument_group(TITLES["run"])
    group.add_argument("--config", metavar="FILE", help="settings (else fer-tui.toml of this folder)")
    add_output(group, json=json)


def add_output(parser: Any, json: bool = True) -> None:
    """--json, where the command has a result, and --debug."""
    if json:
        parser.add_argument("--json", action="store_true", help="the result as JSON on stdout")
    parser.add_argument("--debug", action="store_true", help="show tracebacks")


class _InOrder(argparse.Action):
    """Keeps a flag of a network among the others in their order: what follows a --model belongs to that one."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option: str | None = None
    ) -> None:
        given = not (option or "").startswith("--no-") if self.nargs == 0 else values
        namespace.in_order = [*getattr(namespace, "in_order", ()), (self.dest, given)]


def _add(group: Any, setting: Setting) -> None:
    common: dict[str, Any] = {"dest": setting.name, "default": argparse.SUPPRESS, "help": setting.help}
    if setting.name in NETWORK:
        common["action"] = _InOrder
    if setting.name == "equalise":
        group.add_argument(setting.flag, f"--no-{setting.key}", nargs=0, **common)
        return
    common["metavar"] = setting.metavar
    if setting.name == "stores":
        group.add_argument(setting.flag, action="extend", type=typed(setting.read), **common)
    elif setting.several:
        group.add_argument(setting.flag, nargs="+", **common)
    elif setting.name == "model_args":
        group.add_argument(setting.flag, **common)
    else:
        group.add_argument(setting.flag, type=typed(setting.read), **common)


def add_data(parser: argparse.ArgumentParser) -> None:
    """The positional DATA, which says the same as --data."""
    parser.add_argument("positional_data", nargs="?", metavar="DATA", help="what to open, as --data")


def settings_of(arguments: argparse.Namespace) -> Layered:
    """The settings of all layers, the flags of `arguments` on top."""
    return layered(given_settings(arguments), arguments.config)


def given_settings(arguments: argparse.Namespace) -> dict[str, Any]:
    """The settings that the flags give, and nothing else; further networks as a tuple of such under "others"."""
    given = {name: value for name, value in vars(arguments).items() if name in BY_NAME}
    positional = getattr(arguments, "positional_data", None)
    if positional is not None:
        if "data" in given:
            raise UsageError(f"error: both DATA ({positional}) and --data ({given['data']}) are given")
        given["data"] = positional
    if "stores" in given:
        given["stores"] = tuple(given["stores"])
    first, *others = _networks(getattr(arguments, "in_order", ()))
    return given | first | ({"others": tuple(others)} if others else {})


def _networks(flags: Sequence[tuple[str, Any]]) -> list[dict[str, Any]]:
    """The settings of each network. With one --model all flags are its own, wherever they stand.

    With several, those before the first --model hold for every network; weights must follow their model.
    """
    several = sum(name == "model" for name, _ in flags) > 1
    parts: list[list[tuple[str, Any]]] = [[]]
    for name, value in flags:
        if several and name == "model":
            parts.append([])
        if several and name == "weights" and len(parts) == 1:
            raise UsageError(f"error: with several --model, each one's --weights follow it: {' '.join(value)}")
        parts[-1].append((name, value))
    if not several:
        return [_merged(parts[0])]
    return [_merged([*parts[0], *part]) for part in parts[1:]]


def _merged(flags: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """The last of each flag; of --model-arg and --weights all."""
    found: dict[str, Any] = {}
    for name, value in flags:
        if name == "model_args":
            found[name] = [*found.get(name, ()), value]
        elif name == "weights":
            found[name] = [*found.get(name, ()), *value]
        else:
            found[name] = value
    for name in ("model_args", "weights"):
        if name in found:
            try:
                found[name] = BY_NAME[name].read(found[name])
            except ValueError as error:
                raise UsageError(f"error: argument {BY_NAME[name].flag}: {error}") from None
    return found
