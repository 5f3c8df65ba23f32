"""Writes fer-tui.toml: settings as TOML, each with a word on why it is so."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from fer_tui.contract import InputError, plain
from fer_tui.engine.settings import Settings
from fer_tui.writing import write_whole

from .settings import BUILTIN, SETTINGS, Setting


def toml(settings: Settings, folder: Path, reasons: Mapping[str, str]) -> str:
    """The settings that differ from the defaults or have a reason; names of files relative to `folder`.

    reasons: setting -> why it is so, as a comment above it.
    """
    default = Settings()
    plain_keys, tables = [], []
    for setting in SETTINGS:
        value = getattr(settings, setting.name)
        if value == getattr(default, setting.name) and setting.name not in reasons:
            continue
        why = [f"# {plain(reasons[setting.name])}"] if setting.name in reasons else []
        if value in (None, (), {}):
            plain_keys += [*why, f"# {setting.key} ="]
        elif isinstance(value, Mapping):
            pairs = [f"{_quoted(key)} = {_value(item)}" for key, item in value.items()]
            tables += ["", *why, f"[{setting.key}]", *pairs]
        else:
            plain_keys += [*why, f"{setting.key} = {_value(_relative(setting, value, folder))}"]
    head = "# Settings of fer-tui in this folder; a flag of the same name wins. Relative names start from here."
    return "\n".join([head, "", *plain_keys, *tables, ""])


def write(file: Path, text: str) -> None:
    """Write `text`, whole or not at all."""
    try:
        content = text.encode("utf-8")
    except UnicodeEncodeError:
        raise InputError(file, "cannot hold a file name that is not UTF-8", "rename that file") from None
    try:
        write_whole(file, content)
    except OSError as error:
        raise InputError(file, f"cannot be written: {error.strerror}") from error


def _relative(setting: Setting, value: object, folder: Path) -> object:
    """`value` with each name of a file told from `folder`, where it lies below it."""
    if isinstance(value, tuple) and setting.name == "weights":
        return tuple(_relative(setting, item, folder) for item in value)
    if not setting.names or not isinstance(value, str) or value == "none" or value.startswith(BUILTIN):
        return value
    before, _, name = value.rpartition(":")
    if setting.names == "code" and not before.endswith(".py"):
        return value
    path, suffix = (before, f":{name}") if before.endswith(".py") else (value, "")
    full = Path(path).expanduser().absolute()
    base = folder.absolute()
    return (str(full.relative_to(base)) if full.is_relative_to(base) else str(full)) + suffix


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, tuple) and len(value) == 1:
        return _value(value[0])  # one number for all channels, one weights file
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_quoted(str(key))} = {_value(item)}' for key, item in value.items())}}}"
    if isinstance(value, str):
        return _quoted(value)
    raise InputError(f"value {value!r}", "has no form in TOML", "give it as a flag when you run fer-tui")


def _quoted(text: str) -> str:
    """A basic string of TOML: JSON's escapes serve, but for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
