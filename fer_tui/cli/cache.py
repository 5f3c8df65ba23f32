"""fer-tui cache: what was stored, and how to be rid of it."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from fer_tui.contract import InputError, nearest, plain

from . import flags, streams

if TYPE_CHECKING:
    from fer_tui.engine import Store

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
    folder = flags.settings_of(arguments).settings.cache
    if folder == "none":
        raise InputError("--cache", "none means that nothing is stored", "name a folder, or leave it out")
    from fer_tui.engine.store import FILE_NAME
    from fer_tui.folders import cache_folder

    path = (Path(folder) if folder is not None else cache_folder()) / FILE_NAME
    if arguments.action == "path":
        if arguments.json:
            streams.put_json({"path": str(path), "exists": path.is_file()})
        else:
            streams.put(plain(path))
        return 0
    if not path.is_file():
        if arguments.json:
            streams.put_json({"path": str(path), "exists": False, "entries": 0, "bytes": 0})
        else:
            streams.put(f"{plain(path)}: nothing is stored yet")
        return 0
    return _with_store(arguments, path)


def _with_store(arguments: argparse.Namespace, path: Path) -> int:
    from fer_tui.engine import Store

    store = Store.open(path.parent, read_only=arguments.action == "show")
    try:
        if not store.is_on:
            raise InputError(path, store.note.rpartition(": ")[2], "delete the file, or name another folder by --cache")
        if arguments.action == "clear":
            return _clear(store, arguments.method, arguments.json)
        return _verify(store, arguments.json) if arguments.action == "verify" else _show(store, arguments.json)
    finally:
        store.close()


def _show(store: Store, as_json: bool) -> int:
    usage = store.usage()
    facts = {
        "path": str(usage.path),
        "exists": True,
        "entries": usage.entries,
        "bytes": usage.bytes,
        "file_bytes": usage.file_bytes,
        "limit": usage.limit,
        "by_method": {method: {"entries": count, "bytes": size} for method, (count, size) in usage.by_method.items()},
    }
    if as_json:
        streams.put_json(facts)
        return 0
    streams.put(
        f"{plain(usage.path)}: {usage.entries} entries, {size(usage.file_bytes)} of at most {size(usage.limit)}"
    )
    _list(usage.by_method)
    return 0


def _list(by_method: Mapping[str, tuple[int, int]]) -> None:
    width = max(map(len, by_method), default=0)
    for method, (count, in_all) in by_method.items():
        streams.put(f"  {plain(method):{width}}  {count:7} entries  {size(in_all):>10}")


def _clear(store: Store, method: str | None, as_json: bool) -> int:
    known = store.usage().by_method
    if method is not None and method not in known:
        raise InputError(f"--method {method}", f"nothing of it is stored{nearest(method, known)}", ", ".join(known))
    deleted = store.delete(method)
    if store.note:
        raise InputError(store.path, store.note.rpartition(": ")[2])
    if as_json:
        streams.put_json({"path": str(store.path), "deleted": deleted})
    else:
        streams.put(f"{plain(store.path)}: {deleted} entries deleted")
    return 0


def _verify(store: Store, as_json: bool) -> int:
    faults = store.verify() + ([store.note] if store.note else [])
    if as_json:
        streams.put_json({"path": str(store.path), "ok": not faults, "faults": faults})
    else:
        for fault in faults or ["every entry is sound"]:
            streams.put(f"{plain(store.path)}: {plain(fault)}")
    return 1 if faults else 0


def size(count: int) -> str:
    """Bytes for people."""
    for unit, power in (("GiB", 30), ("MiB", 20), ("KiB", 10)):
        if count >= 1 << power:
            return f"{count / (1 << power):.1f} {unit}"
    return f"{count} B"
