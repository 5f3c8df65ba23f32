"""fer-tui layers: the network's modules, their outputs and parameters, and which can be explained."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from fer_tui.contract import plain

from . import flags, streams
from .progress import Narrator

if TYPE_CHECKING:
    from rich.table import Table

    from fer_tui.contract import Layer

EXAMPLES = (
    "fer-tui layers                                of the bundled network, or fer-tui.toml of this folder",
    "fer-tui layers conv --model nets.py:Net --weights net.pt --json",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("words", metavar="WORD", nargs="*", help="only modules with all these in name, class or shape")
    flags.add_settings(parser)


def run(arguments: argparse.Namespace) -> int:
    settings = flags.settings_of(arguments).settings
    with Narrator() as tell:
        from fer_tui.engine.session import open_data, open_network

        # Without data of their own the bundled samples say nothing of the network.
        dataset = open_data(settings, tell) if settings.data is not None else None
        classifier = open_network(settings, dataset, tell)
    from fer_tui.tui.structure import branches

    modules = classifier.modules
    found = branches(modules, " ".join(arguments.words))
    for note in classifier.notes:
        streams.say(note)
    if arguments.json:
        streams.put_json(
            {
                "input": list(classifier.input_shape),
                "parameters": sum(weights.numel() for weights in classifier.module.parameters()),
                "modules": [_plain(each.module) for each in found if each.found],
            }
        )
        return 0
    streams.console().print(_table([each.module for each in found]))
    streams.say(f"{len(modules)} modules; --layer takes those with filters")
    return 0


def _plain(module: Layer) -> dict[str, object]:
    return {
        "name": module.name,
        "class": module.kind,
        "output": list(module.shape),
        "filters": module.filters,
        "parameters": module.parameters,
    }


def _table(modules: list[Layer]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from fer_tui.tui.structure import shape_of

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in ("module", "class", "output"):
        table.add_column(name)
    for name in ("filters", "parameters"):
        table.add_column(name, justify="right")
    for each in modules:
        told = Text("  " * each.name.count(".") + plain(each.name), "bold" if each.filters else "")
        filters = str(each.filters) if each.filters else ""
        table.add_row(told, Text(plain(each.kind)), shape_of(each), filters, f"{each.parameters:,}")
    return table
