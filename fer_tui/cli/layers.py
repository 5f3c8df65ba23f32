"""Where settings come from: the user's own configuration, fer-tui.toml, the environment, the flags; the later wins."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fer_tui.contract import InputError, nearest
from fer_tui.engine.settings import NETWORK, Default, Settings
from fer_tui.folders import configuration_folder
from fer_tui.terminal.facts import VARIABLE

from .lines import line_of
from .settings import BUILTIN, BY_NAME, SETTINGS, Setting

FILE_NAME = "fer-tui.toml"
FURTHER = "network"  # the name of the tables with further networks
# What a user's own file may set: nothing that names data or a model.
OWN = ("device", "cache", "stores", "parameters", "colours", "report_with", "graphics", "theme", "keys")
ENVIRONMENT = {"graphics": VARIABLE, "theme": "FER_TUI_THEME", "device": "FER_TUI_DEVICE"}
_DATA = ("split", "limit")  # these belong to the data that they stand beside


@dataclass(frozen=True, slots=True)
class Layered:
    """Settings with the origin of each that was given: a file, a variable of the environment, or "flags"."""

    settings: Settings
    origins: Mapping[str, str] = field(default_factory=dict)


def own_file() -> Path:
    """The user's own configuration file, whether it is there or not."""
    return configuration_folder() / "config.toml"


def project_file(named: str | None) -> Path | None:
    """The file of --config, which must be there, else fer-tui.toml of this folder where there is one."""
    if named is None:
        return Path(FILE_NAME) if Path(FILE_NAME).exists() else None
    file = Path(named)
    if not file.exists():
        raise InputError(file, "there is no such file", "fer-tui init CHECKPOINT writes one")
    return file


def layered(flags: Mapping[str, object], config: str | None = None) -> Layered:
    """All layers as one; `flags` holds values that are read already. InputError names file, line and key."""
    layers: list[tuple[str, Mapping[str, Any]]] = []
    if own_file().exists():
        layers.append((str(own_file()), read(own_file(), OWN)))
    file = project_file(config)
    if file is not None:
        layers.append((str(file), read(file)))
    layers += [
        (variable, {name: _from_environment(name)})
        for name, variable in ENVIRONMENT.items()
        if os.environ.get(variable)
    ]
    layers.append(("flags", flags))

    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for origin, layer in layers:
        if "others" in layer:  # it names its networks in full
            for name in (*NETWORK, "others"):
                values.pop(name, None)
                origins.pop(name, None)
        if "data" in layer:
            for name in _DATA:
                values.pop(name, None)
                origins.pop(name, None)
        for name, value in layer.items():
            values[name] = _over(values.get(name, {}), value, deep=name == "parameters")
            origins[name] = origin
    settings = Settings(**values | {"others": tuple(Settings(**each) for each in values.get("others", ()))})
    if settings.others:
        _check_named(settings, origins["others"])
    return Layered(settings, origins)


def _over(before: Mapping[str, Any], value: Any, *, deep: bool) -> Any:
    """`value`; a table is laid over the one before it. deep: the tables in it, too."""
    if not isinstance(value, Mapping):
        return value
    inner = {key: _over(before.get(key, {}), item, deep=False) for key, item in value.items()} if deep else value
    return {**before, **inner}


def _check_named(settings: Settings, origin: str) -> None:
    """InputError where one of several networks does not say which it is."""
    for number, each in enumerate(settings.networks, 1):
        if each.model is None:
            mend = "of several networks each names its own: fer-res, fer-gap or file.py:Class"
            raise InputError(f"{origin}: network {number}", "has no model", mend)


def _from_environment(name: str) -> object:
    try:
        return BY_NAME[name].read(os.environ[ENVIRONMENT[name]])
    except ValueError as error:
        raise InputError(ENVIRONMENT[name], error) from None


def read(file: Path, allowed: tuple[str, ...] = tuple(BY_NAME)) -> dict[str, Any]:
    """The settings of a TOML file, checked, with its relative paths made relative to this folder."""
    try:
        text = file.read_text(encoding="utf-8-sig")
        table = tomllib.loads(text)
    except UnicodeDecodeError:
        raise InputError(file, "is not a text file in UTF-8", "save it in UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(file, f"is not TOML: {error}") from None
    except OSError as error:
        raise InputError(file, error.strerror or error) from None
    others = table.pop(FURTHER, []) if allowed == tuple(BY_NAME) else []
    found = _read_table(file, text, table, allowed)
    if not isinstance(others, list) or not all(isinstance(each, dict) for each in others):
        raise InputError(f"{file}{line_of(text, FURTHER)}: {FURTHER}", "is no list of tables", f"write [[{FURTHER}]]")
    networks = tuple(_read_table(file, text, each, NETWORK, f"{FURTHER} {n}: ") for n, each in enumerate(others, 2))
    return found | ({"others": networks} if networks else {})


def _read_table(
    file: Path, text: str, table: Mapping[str, object], allowed: tuple[str, ...], inside: str = ""
) -> dict[str, Any]:
    """The settings of one table of `file`. inside: which, where it is not the top."""
    found = {}
    for key, value in table.items():
        where = f"{file}{'' if inside else line_of(text, key)}: {inside}{key}"
        name = key.replace("-", "_")
        if name not in allowed:
            raise _stranger(where, key, name, allowed)
        setting = BY_NAME[name]
        try:
            found[name] = setting.read(_anchored(setting, value, file.parent))
        except ValueError as error:
            inner = _guilty(setting, value) if isinstance(value, dict) else None
            where = where if inner is None else f"{file}{line_of(text, key, inner)}: [{key}] {inner}"
            raise InputError(where, error, setting.help) from None
        if name in ("parameters", "colours"):
            found[name] = _located(file, text, found[name], name)
    return found


def _located(file: Path, text: str, table: Mapping[str, Any], *path: str) -> dict[str, Any]:
    """The values of a table with the line of each: they are checked later, by the explainers' own descriptions."""
    return {
        key: _located(file, text, value, *path, key)
        if isinstance(value, Mapping)
        else Default(value, f"{file}{line_of(text, *path, key)}")
        for key, value in table.items()
    }


def _guilty(setting: Setting, table: Mapping[str, object]) -> str | None:
    """The key of a table that is wrong by itself."""
    for key, value in table.items():
        try:
            setting.read({key: value})
        except ValueError:
            return key
    return None


def _stranger(where: str, key: str, name: str, allowed: tuple[str, ...]) -> InputError:
    if name in BY_NAME and allowed == NETWORK:
        return InputError(where, "is the same for all networks", "write it above them")
    keys = [BY_NAME[each].key for each in allowed]
    if name in BY_NAME:
        return InputError(where, f"belongs in {FILE_NAME}", f"here only {', '.join(keys)}")
    return InputError(where, f"there is no such key{nearest(key, keys)}", f"known: {', '.join(keys)}")


def anchored(settings: Settings, folder: Path) -> Settings:
    """The same, with each relative file name in them following `folder`."""

    def placed(setting: Setting, value: object) -> object:
        if not isinstance(value, tuple):
            return _anchored(setting, value, folder)
        if setting.name == "classes" and len(value) > 1:
            return value
        return tuple(_anchored(setting, each, folder) for each in value)

    named = {each.name: placed(each, getattr(settings, each.name)) for each in SETTINGS if each.names}
    others = tuple(anchored(each, folder) for each in settings.others)
    return replace(settings, **named, others=others)  # type: ignore[arg-type]


def _anchored(setting: Setting, value: object, folder: Path) -> object:
    """`value` with each relative file name in it following `folder`."""
    if isinstance(value, list) and setting.names and setting.name != "classes":
        return [_anchored(setting, item, folder) for item in value]
    if not isinstance(value, str) or not value.strip() or not setting.names:
        return value
    if (setting.name == "cache" and value == "none") or (setting.name == "data" and value.startswith(BUILTIN)):
        return value
    file = Path(value).expanduser()
    if setting.names == "code" and not value.rpartition(":")[0].endswith(".py"):
        return value
    if setting.name == "classes" and not (folder / file).is_file():
        return value
    return str(folder / file)
