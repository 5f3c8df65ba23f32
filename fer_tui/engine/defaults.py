"""Defaults of explainers' parameters that the user's files give, checked by the explainers' own descriptions."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

from fer_tui import plugins
from fer_tui.contract import InputError, nearest

from .settings import Default

if TYPE_CHECKING:
    from fer_tui.contract import Description, ParameterInfo, Value

    from .settings import Settings


def checked(
    description: Description, given: Mapping[str, Default]
) -> tuple[dict[str, Default], tuple[InputError, ...]]:
    """Those defaults that are values of the explainer's parameters, converted; what is wrong with the others."""
    infos = {info.name: info for info in description.parameters}
    good: dict[str, Default] = {}
    faults = []
    for name, default in given.items():
        where = f"{default.origin}: [parameters.{description.name}] {name}"
        if name not in infos:
            fault = f"{description.name} has no such parameter{nearest(name, infos)}"
            faults.append(InputError(where, fault, f"known: {', '.join(infos)}"))
            continue
        try:
            good[name] = Default(infos[name].parse(default.value), default.origin)
        except InputError as error:
            faults.append(InputError(where, error.fault, error.mend))
    return good, tuple(faults)


def faults(settings: Settings, described: Mapping[str, Description], names: Collection[str]) -> Iterator[InputError]:
    """What is wrong with the defaults of these explainers, and what is said of some that are none of `names`.

    Of those that are installed and not described, or disabled, nothing can be told.
    """
    tables = [(f"parameters.{method}", method, given) for method, given in settings.parameters.items()]
    tables += [("colours", method, {method: given}) for method, given in settings.colours.items()]
    for table, method, given in tables:
        if method not in names and method not in plugins.disabled():
            where = "".join(f"{each.origin}: " for each in list(given.values())[:1])
            fault = f"{method}: there is no such explainer{nearest(method, names)}"
            yield InputError(f"{where}[{table}]", fault, f"known: {', '.join(names)}")
        elif method in described and table != "colours":
            yield from checked(described[method], given)[1]


def of(info: ParameterInfo, defaults: Mapping[str, Default]) -> Value:
    """The default of a parameter: the file's, else the explainer's own."""
    return defaults[info.name].value if info.name in defaults else info.default
