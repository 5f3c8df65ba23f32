"""The explainers that a report is asked for beside its own: --with NAME[:K=V,...], or report-with of fer-tui.toml."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fer_tui.contract import InputError, PluginError

from . import asked, flags
from .settings import guest

if TYPE_CHECKING:
    from fer_tui.engine import Settings
    from fer_tui.report import Guest

NONE = "none"


def add_guests(group: Any) -> None:
    """--with."""
    group.add_argument(
        "--with", dest="guests", metavar="NAME[:K=V,...]", action="append", type=flags.typed(guest),
        help="also a section by this explainer, by name or alias, with its parameters, values with commas in quotes "
        "(again for more; none for none)",
    )  # fmt: skip


def guests_of(given: Sequence[str] | None, settings: Settings) -> tuple[Guest, ...]:
    """Those of the flags, else of the settings. InputError: one is unknown, named twice, or the report's own anyway.

    One that cannot be imported is among them: its section tells why.
    """
    from fer_tui.report import METHODS

    found: list[Guest] = []
    flag = "report-with:" if given is None else "--with"
    for text in settings.report_with if given is None else [each for each in given if each != NONE]:
        try:
            each = _guest(text, settings)
        except InputError as error:
            raise InputError(f"{flag} {text}: {error.where}", error.fault, error.mend) from None
        if str(each) in METHODS:
            mend = f"with parameters it is another one: {each}:name=value"
            raise InputError(f"{flag} {text}", f"the report has a section of {each} anyway", mend)
        if each in found:
            raise InputError(f"{flag} {text}", "is named twice")
        found.append(each)
    return tuple(found)


def _guest(text: str, settings: Settings) -> Guest:
    from fer_tui import plugins
    from fer_tui.report import Guest

    method, pairs = guest(text).partition(":")[0], asked.pairs_of(text.partition(":")[2])
    try:
        description, values = asked.described(method, pairs, settings)
    except PluginError:
        return Guest(method, tuple(pairs.items()))
    meant = plugins.resolve(method)[1]
    infos = description.parameters
    others = {info.name: values[info.name] for info in infos if values[info.name] != info.default}
    return Guest(method, tuple((name, value) for name, value in others.items() if name not in meant))
