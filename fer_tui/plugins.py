"""Explainers by entry point: their names from metadata alone, one imported, all imported.

Their descriptions are kept from one run to the next, so that a face has them before anything is imported.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import os
import secrets
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from fer_tui.contract import (
    CONTRACT_VERSION,
    Description,
    Explainer,
    InputError,
    PluginError,
    Value,
    nearest,
    same_name,
)
from fer_tui.folders import cache_folder

GROUP = "fer_tui.explainers"
DISABLE = "FER_TUI_DISABLE_PLUGINS"
_MEMORY = "explainers.json"
_FORMAT = "3"  # of what is remembered


@dataclass(frozen=True, slots=True)
class Loaded:
    """The explainers that could be imported, and what stopped the others; by name."""

    explainers: dict[str, type[Explainer[Any]]] = field(default_factory=dict)
    failed: dict[str, PluginError] = field(default_factory=dict)


def names() -> tuple[str, ...]:
    """The explainers that are installed and not named by FER_TUI_DISABLE_PLUGINS; nothing is imported."""
    return tuple(_entries())


def disabled() -> frozenset[str]:
    """The explainers that FER_TUI_DISABLE_PLUGINS names."""
    return frozenset(name.strip() for name in os.environ.get(DISABLE, "").split(",") if name.strip())


def source(name: str) -> str:
    """The distribution that an explainer comes from, with its version; '' where it is not known."""
    entry = _entries().get(name)
    return f"{entry.dist.name} {entry.dist.version}" if entry is not None and entry.dist is not None else ""


def load(name: str) -> type[Explainer[Any]]:
    """Import one explainer. InputError where none has that name; PluginError, with a traceback, for whatever it does.

    What its module prints while it is imported is swallowed: stdout is for data. An import that hangs is not broken
    off here: who must not hang imports in another process.
    """
    entries = _entries()
    if name not in entries:
        raise _unknown(name, remembered())
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            found = entries[name].load()
            _check(name, found)
            found.describe()
    except (KeyboardInterrupt, PluginError):
        raise
    except BaseException as error:  # SystemExit too: a plugin must not end the house
        raise PluginError(_told(name), f"{type(error).__name__}: {error}", traceback.format_exc()) from error
    return found  # type: ignore[no-any-return]


def resolve(name: str, describe: Callable[[str], Description] | None = None) -> tuple[str, Mapping[str, Value]]:
    """The explainer that a name or an alias means, with the alias's parameters. InputError where there is none.

    Those whose descriptions are not remembered are imported to learn their aliases, by `describe` (`load` and
    `description` where None); a broken one has none.
    """
    installed = names()
    if name in installed:
        return name, {}
    if (found := same_name(name, installed)) is not None:
        return found, {}
    known = remembered()
    if (meant := _meant(name, known)) is not None:
        return meant
    if missing := [each for each in installed if each not in known]:
        for each in missing:
            with contextlib.suppress(PluginError):
                known[each] = describe(each) if describe is not None else description(load(each))
        remember(known.values())
    if (meant := _meant(name, known)) is not None:
        return meant
    raise _unknown(name, known)


def with_alias(
    name: str, description: Description, meant: Mapping[str, Value], given: Mapping[str, object]
) -> dict[str, object]:
    """The parameters of `given` and those that the alias `name` stands for; InputError where they contradict."""
    infos = {info.name: info for info in description.parameters}
    for key, value in meant.items():
        if key in given and infos[key].parse(given[key]) != value:
            fault = f"{name} is {description.name} with {key}={value}, and {key}={given[key]} is given"
            raise InputError(f"parameter {key}", fault, f"name {description.name}")
    return {**given, **meant}


def _meant(alias: str, described: Mapping[str, Description]) -> tuple[str, Mapping[str, Value]] | None:
    for method, each in described.items():
        if (found := same_name(alias, each.aliases)) is not None:
            return method, each.aliases[found]
    return None


def _unknown(name: str, described: Mapping[str, Description]) -> InputError:
    entries = _entries()
    likely = nearest(name, [*entries, *(alias for each in described.values() for alias in each.aliases)])
    known = ", ".join(entries) or "none is installed"
    return InputError(f"method {name}", f"there is no such explainer{likely}", f"known: {known}")


def load_all() -> Loaded:
    """Import every explainer; failures are data."""
    loaded = Loaded()
    for name in names():
        try:
            loaded.explainers[name] = load(name)
        except PluginError as error:
            loaded.failed[name] = error
    return loaded


def description(explainer: type[Explainer[Any]]) -> Description:
    """An explainer as plain data, with the distribution that it comes from."""
    entry = _entries().get(explainer.name)
    distribution = entry.dist.name if entry is not None and entry.dist is not None else ""
    return dataclasses.replace(explainer.describe(), distribution=distribution)


def remembered(folder: Path | None = None) -> dict[str, Description]:
    """Descriptions of the installed explainers as `remember` kept them; nothing is imported."""
    try:
        kept = json.loads(((folder or cache_folder()) / _MEMORY).read_text("utf-8"))
        return {
            name: Description.from_dict(kept[name]["description"])
            for name, entry in _entries().items()
            if name in kept and kept[name]["of"] == _identity(entry)
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def remember(descriptions: Iterable[Description], folder: Path | None = None) -> None:
    """Keep descriptions for the next run, by distribution and version; a folder that cannot be written is no fault."""
    entries = _entries()
    kept = {
        each.name: {"of": _identity(entries[each.name]), "description": each.to_dict()}
        for each in descriptions
        if each.name in entries
    }
    path = (folder or cache_folder()) / _MEMORY
    beside = path.with_name(f".{_MEMORY}.{secrets.token_hex(4)}")
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(json.dumps(kept), "utf-8")
        beside.replace(path)


def _entries() -> dict[str, EntryPoint]:
    """Entry points by name. Of two with one name the first counts, in the order of their distributions' names."""
    unwanted = disabled()
    found: dict[str, EntryPoint] = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.dist.name.lower() if entry.dist else ""):
        if entry.name not in unwanted:
            found.setdefault(entry.name, entry)
    return found


def _identity(entry: EntryPoint) -> list[str]:
    dist = entry.dist
    known = [dist.name, dist.version] if dist is not None else []
    return [*known, entry.value, str(CONTRACT_VERSION), _FORMAT]


def _told(name: str) -> str:
    """An explainer's name for a message, with the distribution to look at."""
    origin = source(name)
    return f"{name} ({origin})" if origin else name


def _check(name: str, found: object) -> None:
    """PluginError where `found` is no explainer of this contract and name."""
    if not (isinstance(found, type) and issubclass(found, Explainer)):
        raise PluginError(_told(name), f"its entry point names {found!r}, which is no subclass of Explainer")
    if found.contract_version != CONTRACT_VERSION:
        mend = "fer-tui" if found.contract_version > CONTRACT_VERSION else "the explainer"
        fault = f"it wants contract {found.contract_version}, this fer-tui has {CONTRACT_VERSION}: upgrade {mend}"
        raise PluginError(_told(name), fault)
    if found.name != name:
        raise PluginError(_told(name), f"it calls itself {found.name}: entry point and name must agree")
