"""fer-tui config: the settings, where each comes from, and whether they are right."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fer_tui.contract import FerTuiError, plain
from fer_tui.engine.settings import Default, Settings

from . import flags, layers, streams
from .lines import line_of
from .settings import BUILTIN, SETTINGS, Setting

EXAMPLES = (
    "fer-tui config show                           every setting and its origin",
    "fer-tui config keys                           the explorer's actions by name, with their keys",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action", nargs="?", choices=("show", "path", "check", "keys"), default="show", help="show if absent"
    )
    flags.add_settings(parser)


def run(arguments: argparse.Namespace) -> int:
    if arguments.action == "path":
        return _path(arguments)
    found = flags.settings_of(arguments)
    if arguments.action == "check":
        return _check(found.settings, arguments)
    if arguments.action == "keys":
        return _keys(found.settings, arguments)
    values = found.settings.to_dict()
    if arguments.json:
        told = {s.key: {"value": values[s.name], "origin": found.origins.get(s.name)} for s in SETTINGS}
        if values["others"]:
            told[layers.FURTHER] = {"value": values["others"], "origin": found.origins.get("others")}
        streams.put_json(told)
        return 0
    rows = list(_rows(found, values))
    width = max(len(key) for key, _, _ in rows)
    for key, value, origin in rows:
        streams.put(f"{plain(key):{width}}  {plain(_written(value))}" + (f"  # {plain(origin)}" if origin else ""))
    for number, each in enumerate(found.settings.others, 2):
        changed = {
            s.key: getattr(each, s.name) for s in SETTINGS if getattr(each, s.name) != getattr(Settings(), s.name)
        }
        written = "; ".join(f"{key} {_written(value)}" for key, value in changed.items())
        streams.put(f"{layers.FURTHER} {number}  {plain(written)}  # {plain(found.origins['others'])}")
    return 0


def _rows(found: layers.Layered, values: Mapping[str, Any]) -> Iterator[tuple[str, object, str | None]]:
    """Key, value and origin of every setting; of the explainers' defaults a row for each."""
    for setting in SETTINGS:
        defaults = list(_defaults(setting.key, getattr(found.settings, setting.name)))
        yield from defaults or [(setting.key, values[setting.name], found.origins.get(setting.name))]


def _defaults(key: str, value: object) -> Iterator[tuple[str, object, str | None]]:
    if isinstance(value, Default):
        yield key, value.value, value.origin
    for name, inner in value.items() if isinstance(value, Mapping) else ():
        yield from _defaults(f"{key}.{name}", inner)


def _keys(settings: Settings, arguments: argparse.Namespace) -> int:
    """Every action of the explorer: what [keys] may name."""
    from fer_tui.tui.bindings import remapped

    bindings = remapped(settings.keys)
    if arguments.json:
        streams.put_json({each.id: {"keys": each.keys, "help": each.help} for each in bindings})
        return 0
    width = max(len(each.id) for each in bindings)
    room = max(len(", ".join(each.keys)) for each in bindings)
    for each in bindings:
        streams.put(f"{each.id:{width}}  {', '.join(each.keys) or '-':{room}}  {each.help}")
    return 0


def _files(arguments: argparse.Namespace) -> dict[str, Path]:
    project = layers.project_file(arguments.config)
    return {"project": project or Path(layers.FILE_NAME), "user": layers.own_file()}


def _path(arguments: argparse.Namespace) -> int:
    files = {whose: file.absolute() for whose, file in _files(arguments).items()}
    if arguments.json:
        streams.put_json({whose: {"path": str(file), "exists": file.exists()} for whose, file in files.items()})
        return 0
    for whose, file in files.items():
        streams.put(f"{whose:8} {plain(file)}" + ("" if file.exists() else "  (not there)"))
    return 0


def _check(settings: Settings, arguments: argparse.Namespace) -> int:
    """What can be told without opening anything: the keys, their values, that every file they name is there."""
    files = [file for file in _files(arguments).values() if file.exists()]
    faults = [fault for file in files for fault in missing_files(file)]
    faults += [*(fault for file in files for fault in _wrong_theme(file)), *_wrong_defaults(settings)]
    if arguments.json:
        streams.put_json({"files": [str(file) for file in files], "faults": faults})
    else:
        for fault in faults:
            streams.put(plain(fault))
        for file in files if not faults else ():
            streams.put(f"{plain(file)}: ok")
        if not files:
            streams.put(f"no {layers.FILE_NAME} here and no configuration of your own: the bundled samples are used")
    return 1 if faults else 0


def _wrong_theme(file: Path) -> Iterator[str]:
    """Why the theme that `file` names cannot be worn."""
    name = layers.read(file).get("theme")
    if name is None:
        return
    from fer_tui.tui import theme

    try:
        theme.load(name)
    except FerTuiError as error:
        yield f"{file}{line_of(file.read_text('utf-8'), 'theme')}: {error}"


def _wrong_defaults(settings: Settings) -> list[str]:
    """What is wrong with the explainers' defaults and with a report's explainers, told by those that they name."""
    if not settings.parameters and not settings.colours and not settings.report_with:
        return []
    from fer_tui import plugins
    from fer_tui.engine import defaults

    from . import guests, loading

    names = plugins.names()
    loaded = loading.describe_all([name for name in settings.parameters if name in names])
    faults: list[FerTuiError] = list(defaults.faults(settings, loaded.descriptions, names))
    if not faults:
        try:
            guests.guests_of(None, settings)
        except FerTuiError as error:
            faults.append(error)
    return [*map(str, faults), *map(str, loaded.failed.values())]


def missing_files(file: Path) -> list[str]:
    """Every file that the settings in `file` name and that is not there, in one line each."""
    return [f"{file}: {setting.key}: {named}: there is no such file" for setting, named in absent(layers.read(file))]


def absent(values: Mapping[str, Any]) -> Iterator[tuple[Setting, Path]]:
    """The files that these settings name and that are not there."""
    for setting, each in ((setting, each) for each in (values, *values.get("others", ())) for setting in SETTINGS):
        value = each.get(setting.name)
        if not setting.names or value is None or setting.name in ("cache", "classes"):
            continue
        for text in value if isinstance(value, list | tuple) else (value,):
            before, _, name = text.rpartition(":")
            is_code = before.endswith(".py") and name.isidentifier()
            if not is_code and setting.names == "code":
                continue  # a module or a bundled network, found only by importing it
            if setting.name == "data" and text.startswith(BUILTIN):
                continue
            named = Path(before if is_code else text)
            if not named.exists() and not _is_several(setting.name, named):
                yield setting, named


def _is_several(name: str, path: Path) -> bool:
    """Whether a path that is no file of that name stands for several. What looks loads NumPy, which takes long."""
    if name == "data":
        from fer_tui.dataset import shards_of

        return bool(shards_of(path))
    if name == "weights":
        from fer_tui.classifier.runs import has_files

        return has_files(path)
    return False


def _written(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "-"
    if isinstance(value, dict):
        return ", ".join(f"{key}={item!r}" for key, item in value.items()) or "-"
    return "-" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
