"""fer-tui cache: what was stored and parsed, and how to be rid of it."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fer_tui.amounts import size
from fer_tui.contract import InputError, nearest, plain

from . import flags, streams

if TYPE_CHECKING:
    from fer_tui.engine import Store
    from fer_tui.engine.store import Usage

EXAMPLES = (
    "fer-tui cache                                 where it is, how large, by method",
    "fer-tui cache clear --method saliency",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = ("show", "path", "clear", "verify")
    parser.add_argument("action", nargs="?", choices=actions, default="show", help="show if absent")
    parser.add_argument("--method", metavar="M", help="clear: only the explanations of this method")
    flags.add_settings(parser, "cache")


def run(arguments: argparse.Namespace) -> int:
    if arguments.method is not None and arguments.action != "clear":
        raise flags.UsageError("error: --method belongs to cache clear")
    named = flags.settings_of(arguments).settings.cache
    if named == "none":
        raise InputError("--cache", "none means that nothing is stored", "name a folder, or leave it out")
    from fer_tui.engine.storefile import FILE_NAME
    from fer_tui.folders import cache_folder

    folder = Path(named) if named is not None else cache_folder()
    path = folder / FILE_NAME
    match arguments.action:
        case "path":
            return _told({"path": str(path), "exists": path.is_file()}, [plain(path)], arguments.json)
        case "clear":
            return _clear(folder, path, arguments.method, arguments.json)
        case "verify":
            return _verify(path, arguments.json)
    return _show(folder, path, arguments.json)


def _told(facts: Mapping[str, Any], lines: Iterable[str], as_json: bool) -> int:
    if as_json:
        streams.put_json(facts)
    else:
        for line in lines:
            streams.put(line)
    return 0


@contextmanager
def _opened(path: Path, *, read_only: bool = False) -> Iterator[Store]:
    from fer_tui.engine import Store

    store = Store.open(path.parent, read_only=read_only)
    try:
        if not store.is_on:
            raise InputError(path, store.note.rpartition(": ")[2], "delete the file, or name another folder by --cache")
        yield store
    finally:
        store.close()


def _show(folder: Path, path: Path, as_json: bool) -> int:
    from fer_tui.dataset import parsed_datasets

    parsed = parsed_datasets(folder)
    facts: dict[str, Any] = {"path": str(path), "exists": path.is_file(), "entries": 0, "bytes": 0}
    lines = [f"{plain(path)}: nothing is stored yet"]
    if path.is_file():
        with _opened(path, read_only=True) as store:
            usage = store.usage()
        facts |= {"entries": usage.entries, "bytes": usage.bytes, "file_bytes": usage.file_bytes, "limit": usage.limit}
        facts["by_method"] = {
            method: {"entries": count, "bytes": size} for method, (count, size) in usage.by_method.items()
        }
        lines = [f"{plain(path)}: {usage.entries} entries, {room(usage)}", *_list(usage.by_method)]
    facts["datasets"] = [{"name": each.name, "rows": each.rows, "bytes": each.bytes} for each in parsed]
    lines += [f"parsed data: {plain(each.name)}, {each.rows} rows, {size(each.bytes)}" for each in parsed]
    return _told(facts, lines, as_json)


def _list(by_method: Mapping[str, tuple[int, int]]) -> Iterator[str]:
    width = max(map(len, by_method), default=0)
    for method, (count, in_all) in by_method.items():
        yield f"  {plain(method):{width}}  {count:7} entries  {size(in_all):>10}"


def _clear(folder: Path, path: Path, method: str | None, as_json: bool) -> int:
    from fer_tui.dataset import delete_parsed

    deleted = 0
    if path.is_file():
        with _opened(path) as store:
            known = store.usage().by_method
            if method is not None and method not in known:
                fault = f"nothing of it is stored{nearest(method, known)}"
                raise InputError(f"--method {method}", fault, ", ".join(known))
            deleted = store.delete(method)
            if store.note:
                raise InputError(store.path, store.note.rpartition(": ")[2])
    datasets = delete_parsed(folder) if method is None else 0
    lines = [f"{plain(path)}: {deleted} entries deleted"]
    if datasets:
        lines.append(f"parsed data: {datasets} deleted; the files that they were read from are untouched")
    return _told({"path": str(path), "deleted": deleted, "datasets": datasets}, lines, as_json)


def _verify(path: Path, as_json: bool) -> int:
    faults: list[str] = []
    if path.is_file():
        with _opened(path) as store:
            faults = store.verify() + ([store.note] if store.note else [])
    lines = [f"{plain(path)}: {plain(fault)}" for fault in faults or ["every entry is sound"]]
    _told({"path": str(path), "ok": not faults, "faults": faults}, lines, as_json)
    return 1 if faults else 0


def room(usage: Usage) -> str:
    """The bytes that a store's file takes, and may take."""
    most = f"of at most {size(usage.limit)}" if usage.limit is not None else "without limit"
    return f"{size(usage.file_bytes)} {most}"
