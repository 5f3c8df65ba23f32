"""Imports explainers for a command: what is wrong with one is data, and the others are there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from fer_tui import plugins
from fer_tui.contract import Description, PluginError, Value


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
    """The explainer of that name, imported. InputError: there is none; PluginError: it fails."""
    import torch  # noqa: F401  # here, for the time that this takes is not the explainer's

    return plugins.description(plugins.load(name))


def known_all() -> Loaded:
    """Every one that is installed, as `describe_all`; where all are fer-tui's own, as they are remembered.

    Then nothing is imported: what they are is known as long as their files are the same.
    """
    if all(map(plugins.is_own, plugins.origins())):
        known, names = plugins.remembered(), plugins.names()
        if known.keys() >= set(names):
            return Loaded({name: known[name] for name in names})
    return describe_all()


def known(name: str) -> Description:
    """The explainer that a name or an alias means, as `named`; one of fer-tui's own as it is remembered."""
    method = plugins.resolve(name, describe)[0]
    if plugins.is_own(plugins.origin(method)) and (found := plugins.remembered().get(method)) is not None:
        return found
    return describe(method)


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
