"""fer-tui plugins: the explainers that are installed, and what each of them takes."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fer_tui import plugins
from fer_tui.contract import Description, InputError, ParameterInfo, nearest, plain
from fer_tui.oversight import Fault, Faults, Origin

from . import flags, streams

if TYPE_CHECKING:
    from .loading import Loaded

AUTHORS_CODE = "its author's code, with all your rights"
EXAMPLES = (
    "fer-tui plugins                               all of them, and what went wrong with them",
    "fer-tui plugins saliency                      one, with its parameters",
    "fer-tui plugins --forget badkit               what went wrong is forgotten, and it is tried again",
    "fer-tui plugins new my-method                 a package of your own: an explainer that works, with its tests",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", metavar="NAME", help="one explainer, by name or alias, with its parameters")
    parser.add_argument(
        "--forget",
        metavar="NAME",
        nargs="?",
        const="",
        help="forget what went wrong at work with the explainer NAME (all of them, if no NAME)",
    )
    parser.add_argument("new", nargs="?", metavar="NEW", help="after `new`: the name of an explainer to be written")
    parser.add_argument("--out", metavar="FOLDER", help="of `new`: the folder to write, fer-tui-NEW if absent")
    flags.add_output(parser)


def run(arguments: argparse.Namespace) -> int:
    from . import loading, plugins_new

    faults = Faults.open()
    if arguments.forget is not None:
        return _forget(faults, arguments.forget)
    if arguments.name == "new" and arguments.new is not None:
        return plugins_new.write(arguments.new, arguments.out, arguments.json)
    if arguments.name == "new" or arguments.new is not None or arguments.out is not None:
        raise flags.UsageError("error: a package of your own is written by: fer-tui plugins new NAME [--out FOLDER]")
    if arguments.name is not None:
        description = loading.known(arguments.name)
        _show_one(description, faults.of(plugins.origin(description.name)), arguments.json)
        return 0
    loaded = loading.known_all()
    known = {each.name: faults.of(each) for each in plugins.origins()}
    if arguments.json:
        streams.put_json([*_plain(loaded, known)])
    else:
        _show_all(loaded, known)
    if arguments.debug:
        for error in loaded.failed.values():
            streams.say_lines(error.details)
    return 0


def _forget(faults: Faults, name: str) -> int:
    known = plugins.names()
    if name and not faults.knows(name) and name not in known:
        raise InputError(f"--forget {name}", f"there is no such explainer{nearest(name, known)}")
    gone = faults.forget([name] if name else None)
    streams.say(f"forgotten: what went wrong with {', '.join(gone)}" if gone else "there is nothing to forget")
    return 0


def _plain(loaded: Loaded, known: Mapping[str, Sequence[Fault]]) -> Iterator[dict[str, Any]]:
    """Every installed explainer as plain data. faults: what went wrong at work, as the state faulty says, too."""
    for each in loaded.descriptions.values():
        told = _told(plugins.origin(each.name), known.get(each.name, ()))
        yield {**each.to_dict(), "state": "faulty" if told["faults"] else "ok", **told}
    for name, error in loaded.failed.items():
        told = _told(plugins.origin(name), known.get(name, ()))
        yield {"name": name, "state": "failed", "fault": error.fault, **told}
    for whose, why in plugins.set_aside().items():
        yield {"name": whose.name, "state": "unused", "fault": why, **_told(whose, ())}


def _told(whose: Origin, faults: Sequence[Fault]) -> dict[str, Any]:
    known = [fault.to_dict() for fault in faults]
    return {"installed": whose.source, "own": plugins.is_own(whose), "faults": known}


def _show_all(loaded: Loaded, known: Mapping[str, Sequence[Fault]]) -> None:
    described = list(loaded.descriptions.values())
    rows: list[Sequence[str]] = [
        (each.name, each.version, plugins.source(each.name), each.kind, _axes(each), _state(known.get(each.name, ())))
        for each in described
    ]
    rows += [
        (name, "-", plugins.source(name), "-", "-", f"failed: {error.fault}") for name, error in loaded.failed.items()
    ]
    rows += [(whose.name, "-", whose.source, "-", "-", why) for whose, why in plugins.set_aside().items()]
    _print(("name", "version", "distribution", "kind", "axes", "state"), rows)
    for each in described:
        if each.aliases:
            streams.put(plain(f"aliases of {each.name}: {', '.join(each.aliases)}"))
    for source, found in plugins.others().items():
        streams.put(
            plain(f"{source} is not of fer-tui: {', '.join(found)} run{'s' * (len(found) == 1)} {AUTHORS_CODE}")
        )
    if not rows:
        streams.say("no explainer is installed: install fer-tui again, or a distribution that brings some")


def _state(faults: Sequence[Fault]) -> str:
    """ok, and what went wrong at work: the last, and how much else."""
    if not faults:
        return "ok"
    others = f", and {len(faults) - 1} other faults" if len(faults) > 2 else ", and 1 other fault"
    return f"faulty: {faults[-1]}{others if len(faults) > 1 else ''}"


def _axes(description: Description) -> str:
    """The axes in the contract's order, and the dataset where it is needed."""
    from fer_tui.contract import Axis

    axes = [axis.value for axis in Axis if axis in description.axes]
    return ", ".join([*axes, "(dataset)"] if description.needs_dataset else axes)


def _show_one(description: Description, faults: Sequence[Fault], as_json: bool) -> None:
    whose = plugins.origin(description.name)
    if as_json:
        streams.put_json({**description.to_dict(), "state": "faulty" if faults else "ok", **_told(whose, faults)})
        return
    streams.put(plain(f"{description.name} {description.version}: {description.title}"))
    streams.put(plain(description.help))
    streams.put(plain(f"{description.kind}; axes: {_axes(description)}; from {whose.source}"))
    if not plugins.is_own(whose):
        streams.put(plain(f"{whose.source} is not of fer-tui: it runs {AUTHORS_CODE}"))
    for fault in faults:
        streams.put(plain(f"faulty: {fault}"))
    rows = [(each.name, _default(each), _range(each), each.help) for each in description.parameters]
    _print(("parameter", "default", "values", "what it is"), rows)
    if description.aliases:
        streams.put()
        named = [(name, ", ".join(f"{k}={v}" for k, v in meant.items())) for name, meant in description.aliases.items()]
        _print(("also known as", "is"), named)
    if description.actions:
        streams.put()
        told = [(each.name, ", ".join(sorted(each.axes)), f"{each.title}: {each.help}") for each in description.actions]
        _print(("action (explain --action)", "axes", "what it does"), told)


def _default(info: ParameterInfo) -> str:
    return str(info.default).lower() if isinstance(info.default, bool) else str(info.default)


def _range(info: ParameterInfo) -> str:
    if info.choices:
        return ", ".join(info.choices)
    bounds = ["" if bound is None else f"{bound:.12g}" for bound in (info.low, info.high)]
    text = f"{info.type} {bounds[0]}..{bounds[1]}" if any(bounds) else info.type
    return f"{text} {info.unit}".rstrip()


def _print(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    options: dict[str, Any] = {"overflow": "fold"}
    for heading in headings:
        table.add_column(heading, **options)
    for row in rows:
        table.add_row(*(Text(plain(cell)) for cell in row))
    streams.console().print(table)
