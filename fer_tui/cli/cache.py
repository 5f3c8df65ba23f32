"""fer-tui cache: what was stored and parsed, how to be rid of it, and how to take it elsewhere."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fer_tui.amounts import size
from fer_tui.contract import InputError, plain

from . import flags
from .cached import Place, fault_of, known, opened, told
from .progress import Narrator
from .sizes import bytes_of, room

if TYPE_CHECKING:
    from fer_tui.engine import Store
    from fer_tui.engine.entries import Usage

EXAMPLES = (
    "fer-tui cache                                 where it is, how large, by method",
    "fer-tui cache clear --method saliency",
    "fer-tui cache limit none                      evict nothing any more, whoever opens it",
    "fer-tui cache export maps --method cam        arrays as safetensors, and an index of them",
    "fer-tui cache export fear --kind heatmap --class fear --network 3f9c",
    "fer-tui cache merge ../anna/maps              what is in that store and not in this one",
)
_LEAST = 1 << 20  # bytes that a store may be limited to
_KINDS = ("heatmap", "gallery", "matrix", "reply")
_METHODS = ("clear", "export")  # the actions that --method goes with
_NAMES = {"limit": (1, 1), "export": (1, 1), "merge": (1, None)}  # how many names follow, at least and at most


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = ("show", "path", "clear", "verify", "limit", "export", "merge")
    parser.add_argument("action", nargs="?", choices=actions, default="show", help="show if absent")
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="limit: bytes, such as 20G, or none; export: a new folder; merge: stores",
    )
    parser.add_argument("--method", metavar="M", action="append", help="clear, export: only this one (again for more)")
    parser.add_argument("--kind", choices=_KINDS, action="append", help="export: only this one (again for more)")
    parser.add_argument("--class", dest="classes", metavar="C", action="append", help="export: only of this class")
    parser.add_argument(
        "--network", metavar="DIGEST", default="", help="export: only of this network, by its beginning"
    )
    parser.add_argument("--quick", action="store_true", help="verify: only the counts and some of the entries")
    parser.add_argument("--format", choices=("safetensors", "npz"), help="export: of the arrays (safetensors)")
    parser.add_argument("--index", choices=("parquet", "csv"), help="export: of the index (parquet, where pyarrow is)")
    flags.add_settings(parser, "cache", "stores")


def run(arguments: argparse.Namespace) -> int:
    action, names = arguments.action, arguments.names
    _check(arguments)
    settings = flags.settings_of(arguments).settings
    if settings.cache == "none":
        raise InputError("--cache", "none means that nothing is stored", "name a folder, or leave it out")
    from fer_tui.engine.storefile import FILE_NAME
    from fer_tui.engine.stores import folder_of
    from fer_tui.folders import cache_folder

    folder = Path(settings.cache) if settings.cache is not None else cache_folder()
    if folder.exists() and not folder.is_dir():
        raise InputError(folder, "is a file", "name the folder of a store: --cache DIR, or FER_TUI_CACHE")
    place = Place(folder, folder / FILE_NAME, tuple(folder_of(each) / FILE_NAME for each in settings.stores))
    match action:
        case "path":
            return told({"path": str(place.path), "exists": place.path.is_file()}, [plain(place.path)], arguments.json)
        case "clear":
            return _clear(place, arguments.method or (), arguments.json)
        case "verify":
            return _verify(place, arguments)
        case "limit":
            return _limit(place, names[0], arguments.json)
        case "export":
            from .cache_moving import export

            return export(place, Path(names[0]), arguments)
        case "merge":
            from .cache_moving import merge

            return merge(place, [folder_of(each) / FILE_NAME for each in names], arguments.json)
    return _show(place, arguments.json)


def _check(arguments: argparse.Namespace) -> None:
    """UsageError for what does not go with the action."""
    action, count = arguments.action, len(arguments.names)
    least, most = _NAMES.get(action, (0, 0))
    if count < least:
        raise flags.UsageError(f"error: cache {action} needs a name: see fer-tui cache --help")
    if most is not None and count > most:
        raise flags.UsageError(f"error: there is no place for {arguments.names[most]}")
    if arguments.method is not None and action not in _METHODS:
        raise flags.UsageError(f"error: --method belongs to cache {' and '.join(_METHODS)}")
    for name in ("quick", "format", "index", "kind", "classes", "network"):
        owner = "verify" if name == "quick" else "export"
        if getattr(arguments, name) and action != owner:
            raise flags.UsageError(f"error: --{'class' if name == 'classes' else name} belongs to cache {owner}")


def _show(place: Place, as_json: bool) -> int:
    from fer_tui.dataset import parsed_datasets
    from fer_tui.engine import Store

    parsed = parsed_datasets(place.folder)
    facts: dict[str, Any] = {"path": str(place.path), "exists": place.path.is_file(), "entries": 0, "bytes": 0}
    lines = [f"{plain(place.path)}: nothing is stored yet"]
    if place.path.is_file():
        with opened(place.path, read_only=True) as store:
            usage = store.usage()
        facts |= _facts(usage)
        lines = list(_lines(usage))
    further = []
    for path in place.others:
        other = Store.open(path.parent, read_only=True)
        usage = other.usage()
        further.append({"path": str(path), "exists": path.is_file(), **_facts(usage), "fault": other.note})
        lines += [plain(other.note)] if other.note else _lines(usage)
        other.close()
    facts["stores"] = further
    facts["datasets"] = [{"name": each.name, "rows": each.rows, "bytes": each.bytes} for each in parsed]
    lines += [f"parsed data: {plain(each.name)}, {each.rows} rows, {size(each.bytes)}" for each in parsed]
    return told(facts, lines, as_json)


def _facts(usage: Usage) -> dict[str, Any]:
    by_method = {method: {"entries": count, "bytes": size} for method, (count, size) in usage.by_method.items()}
    totals = {"entries": usage.entries, "bytes": usage.bytes, "file_bytes": usage.file_bytes, "limit": usage.limit}
    return {**totals, "by_method": by_method}


def _lines(usage: Usage) -> Iterator[str]:
    yield f"{plain(usage.path)}: {usage.entries} entries, {room(usage)}"
    width = max(map(len, usage.by_method), default=0)
    for method, (count, in_all) in usage.by_method.items():
        yield f"  {plain(method):{width}}  {count:7} entries  {size(in_all):>10}"


def _clear(place: Place, methods: Sequence[str], as_json: bool) -> int:
    from fer_tui.dataset import delete_parsed

    deleted = 0
    if place.path.is_file():
        with opened(place.path) as store:
            known(methods, [store.usage()])
            deleted = sum(store.delete(method) for method in methods or (None,))
            _check_on(store)
    datasets = delete_parsed(place.folder) if not methods else 0
    lines = [f"{plain(place.path)}: {deleted} entries deleted"]
    if datasets:
        lines.append(f"parsed data: {datasets} deleted; the files that they were read from are untouched")
    return told({"path": str(place.path), "deleted": deleted, "datasets": datasets}, lines, as_json)


def _verify(place: Place, arguments: argparse.Namespace) -> int:
    """The own store, which is mended where that can be, and the further ones, which are not."""
    faults: dict[Path, list[str]] = {}
    with Narrator() as tell:
        for path in place.paths:
            faults[path] = []
            if path.is_file():
                with opened(path, read_only=path != place.path, or_only_read=True) as store:
                    faults[path] = store.verify(tell, quick=arguments.quick) + ([] if store.is_on else [store.note])
            elif path != place.path:
                faults[path] = ["there is no store"]
    sound = "every entry that was looked at is sound" if arguments.quick else "every entry is sound"
    lines = [f"{plain(path)}: {plain(fault)}" for path, found in faults.items() for fault in found or [sound]]
    further = [{"path": str(path), "ok": not faults[path], "faults": faults[path]} for path in place.others]
    own, ok = faults[place.path], not any(faults.values())
    told({"path": str(place.path), "ok": ok, "faults": own, "stores": further}, lines, arguments.json)
    return 0 if ok else 1


def _check_on(store: Store) -> None:
    """InputError where what was done to it has turned it off."""
    if not store.is_on:
        raise InputError(store.path, fault_of(store))


def _limit(place: Place, text: str, as_json: bool) -> int:
    try:
        limit = None if text == "none" else bytes_of(text)
        if limit is not None and limit < _LEAST:
            raise ValueError(f"{text!r} is below {size(_LEAST)}: nothing would stay (fer-tui cache clear deletes all)")
    except ValueError as error:
        raise flags.UsageError(f"error: cache limit: {error}") from None
    with opened(place.path) as store:
        before = store.usage().entries
        store.remember_limit(limit)
        _check_on(store)
        usage = store.usage()
    evicted = before - usage.entries
    line = f"{plain(place.path)}: {usage.entries} entries, {room(usage)}" + (f"; {evicted} evicted" if evicted else "")
    return told({"path": str(place.path), "limit": limit, "evicted": evicted}, [line], as_json)
