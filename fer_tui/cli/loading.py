"""Imports explainers for a command: one that hangs is given up, and fails like any other."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

from fer_tui import plugins
from fer_tui.contract import Description, PluginError, Value

LIMIT = 20.0  # seconds that the import of one explainer may take


@dataclass(frozen=True, slots=True)
class Loaded:
    """The explainers that could be imported and described, and what is wrong with the others, by name."""

    descriptions: dict[str, Description] = field(default_factory=dict)
    failed: dict[str, PluginError] = field(default_factory=dict)


def named(name: str) -> tuple[Description, Mapping[str, Value]]:
    """The explainer that a name or an alias means, imported, and the alias's parameters. As `describe` it fails."""
    method, meant = plugins.resolve(name, describe)
    return describe(method), meant


def describe(name: str) -> Description:
    """The explainer of that name, imported. InputError: there is none; PluginError: it fails, or takes too long."""
    with _alarm(LIMIT, f"its import has not ended after {LIMIT:g} s"):
        return plugins.description(plugins.load(name))


def describe_all(names: Iterable[str] | None = None) -> Loaded:
    """These explainers, or every one that is installed, which are then remembered; failures are data."""
    loaded = Loaded()
    for name in plugins.names() if names is None else names:
        try:
            loaded.descriptions[name] = describe(name)
        except PluginError as error:
            loaded.failed[name] = error
    if names is None:
        plugins.remember(loaded.descriptions.values())
    return loaded


@contextmanager
def _alarm(seconds: float, fault: str) -> Iterator[None]:
    """TimeoutError inside after `seconds`, where this thread can be given one; another timer goes on afterwards."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(fault)

    handler = signal.signal(signal.SIGALRM, ring)
    left, every = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if left:
            signal.setitimer(signal.ITIMER_REAL, left, every)
