"""Finds explainers by entry point, without importing them; imports one; imports all."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import os
import traceback
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from fer_tui.contract import (
    CONTRACT_VERSION,
    Description,
    Explainer,
    InputError,
    PluginError,
    nearest,
)

GROUP = "fer_tui.explainers"
DISABLE = "FER_TUI_DISABLE_PLUGINS"


@dataclass(frozen=True)
class Loaded:
    """What could be imported, and what could not, and why."""

    explainers: dict[str, type[Explainer[Any]]] = field(default_factory=dict)
    failed: dict[str, PluginError] = field(default_factory=dict)


def _found() -> dict[str, EntryPoint]:
    disabled = {name.strip() for name in os.environ.get(DISABLE, "").split(",")}
    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group=GROUP):
        if entry.name not in disabled:
            found.setdefault(entry.name, entry)
    return found


def names() -> tuple[str, ...]:
    """The explainers that are installed, from metadata alone."""
    return tuple(_found())


def load(name: str) -> type[Explainer[Any]]:
    """Import one explainer. InputError where there is none of that name, PluginError where it cannot be imported."""
    found = _found()
    if name not in found:
        raise InputError(f"method {name}", f"there is no such explainer{nearest(name, found)}", ", ".join(found))
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            cls = found[name].load()
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise PluginError(name, f"{type(error).__name__}: {error}", traceback.format_exc()) from error
    if not (isinstance(cls, type) and issubclass(cls, Explainer)):
        raise PluginError(name, f"{found[name].value} is not an Explainer")
    if cls.contract_version != CONTRACT_VERSION:
        raise PluginError(name, f"wants contract {cls.contract_version}, this is {CONTRACT_VERSION}")
    return cls


def load_all() -> Loaded:
    """Import every explainer; failures are data."""
    loaded = Loaded()
    for name in names():
        try:
            loaded.explainers[name] = load(name)
        except PluginError as error:
            loaded.failed[name] = error
    return loaded


def description(cls: type[Explainer[Any]]) -> Description:
    """The explainer as plain data, with the distribution that it came with."""
    entry = _found().get(cls.name)
    name = entry.dist.name if entry is not None and entry.dist is not None else ""
    return dataclasses.replace(cls.describe(), distribution=name)


def remember(descriptions: dict[str, Description]) -> None:
    """Keep descriptions for faces that must not import plugins."""
