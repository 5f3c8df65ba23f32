"""fer-tui plugins: the explainers that are installed, and what each of them takes."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from fer_tui import plugins
from fer_tui.contract import Description, ParameterInfo, PluginError, plain

from . import flags, streams

EXAMPLES = (
    "fer-tui plugins                               all of them",
    "fer-tui plugins saliency                      one, with its parameters",
    "fer-tui plugins new my-method                 a package of your own: an explainer that works, with its tests",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", metavar="NAME", help="one explainer, by name or alias, with its parameters")
    parser.add_argument("new", nargs="?", metavar="NEW", help="after `new`: the name of an explainer to be written")
    parser.add_argument("--out", metavar="FOLDER", help="of `new`: the folder to write, fer-tui-NEW if absent")
    flags.add_output(parser)


def run(arguments: argparse.Namespace) -> int:
    from . import loading, plugins_new

    if arguments.name == "new" and arguments.new is not None:
        return plugins_new.write(arguments.new, arguments.out, arguments.json)
    if arguments.name == "new" or arguments.new is not None or arguments.out is not None:
        raise flags.UsageError("error: a package of your own is written by: fer-tui plugins new NAME [--out FOLDER]")
    if arguments.name is not None:
        _show_one(loading.named(arguments.name)[0], arguments.json)
        return 0
    loaded = loading.describe_all()
    described = list(loaded.descriptions.values())
    if arguments.json:
        good = [{**each.to_dict(), "state": "ok", "installed": plugins.source(each.name)} for each in described]
        bad = [{"name": name, "state": "failed", "fault": error.fault} for name, error in loaded.failed.items()]
        streams.put_json(good + [{**each, "installed": plugins.source(each["name"])} for each in bad])
    else:
        _show_all(described, loaded.failed)
    if arguments.debug:
        for error in loaded.failed.values():
            streams.say_lines(error.details)
    return 0


def _show_all(described: Sequence[Description], failed: dict[str, PluginError]) -> None:
    rows: list[Sequence[str]] = [
        (each.name, each.version, plugins.source(each.name), each.kind, _axes(each), "ok") for each in described
    ]
    rows += [(name, "-", plugins.source(name), "-", "-", f"failed: {error.fault}") for name, error in failed.items()]
    _print(("name", "version", "distribution", "kind", "axes", "state"), rows)
    for each in described:
        if each.aliases:
            streams.put(plain(f"aliases of {each.name}: {', '.join(each.aliases)}"))
    if not rows:
        streams.say("no explainer is installed: install fer-tui again, or a distribution that brings some")


def _axes(description: Description) -> str:
    """The axes in the contract's order, and the dataset where it is needed."""
    from fer_tui.contract import Axis

    axes = [axis.value for axis in Axis if axis in description.axes]
    return ", ".join([*axes, "(dataset)"] if description.needs_dataset else axes)


def _show_one(description: Description, as_json: bool) -> None:
    if as_json:
        streams.put_json({**description.to_dict(), "state": "ok", "installed": plugins.source(description.name)})
        return
    streams.put(plain(f"{description.name} {description.version}: {description.title}"))
    streams.put(plain(description.help))
    streams.put(plain(f"{description.kind}; axes: {_axes(description)}; from {plugins.source(description.name)}"))
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
