"""fer-tui cache export and merge: what is stored as files for other programs, and others' stores in one."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from fer_tui.amounts import size
from fer_tui.contract import InputError, plain

from .cached import Place, known, opened, told
from .progress import Narrator


def export(place: Place, out: Path, arguments: argparse.Namespace) -> int:
    """Of the own store and the further ones, in the order that they are asked in."""
    from fer_tui.engine.export import Wanted
    from fer_tui.engine.export import export as exported

    with ExitStack() as stack, Narrator() as tell:
        own = [place.path] if place.path.is_file() else []
        stores = [stack.enter_context(opened(path, read_only=True)) for path in (*own, *place.others)]
        methods = arguments.method or ()
        known(methods, [store.usage() for store in stores])
        wanted = Wanted(tuple(methods), tuple(arguments.kind or ()), tuple(arguments.classes or ()), arguments.network)
        made = exported(stores, out, arguments.format or "safetensors", wanted, index=arguments.index, tell=tell)
    line = f"written: {made.entries} explanations, {size(made.bytes)}, in {plain(out)} ({made.index} tells of each)"
    lines = [line]
    if made.before:
        lines.append(f"{made.before} of them were there from a run that was interrupted")
    if made.others:
        lines.append(f"left out: {made.others} entries that are no explanations (scores and the like)")
    if made.damaged:
        lines.append(f"left out: {made.damaged} damaged ones (fer-tui cache verify deletes them)")
    return told({"folder": str(out), **asdict(made)}, lines, arguments.json)


def merge(place: Place, others: Sequence[Path], as_json: bool) -> int:
    from fer_tui.engine.merging import merge as merged

    if (twin := next((each for each in others if each.resolve() == place.path.resolve()), None)) is not None:
        raise InputError(twin, "is the very store that is merged into", "name others; --cache DIR names that one")
    with ExitStack() as stack, Narrator() as tell:
        read = [stack.enter_context(opened(path, read_only=True)) for path in others]
        made = merged(stack.enter_context(opened(place.path)), read, tell)
    line = f"{plain(place.path)}: {made.entries} entries came ({size(made.bytes)}), {made.known} were there already"
    lines = [line, *([f"left out: {made.damaged} damaged ones"] if made.damaged else [])]
    return told({"path": str(place.path), **asdict(made)}, lines, as_json)
