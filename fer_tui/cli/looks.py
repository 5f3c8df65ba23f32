"""How a heat map is drawn, and what it is measured in: flags that commands share."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING, Any

from fer_tui.contract import nearest

from . import flags

if TYPE_CHECKING:
    from fer_tui.picture import Look

VIEWS = ("overlay", "map", "focus", "outline", "original")
_AMOUNTS, _PARTS = ("quantile", "sigma"), ("chosen", "for")


def add_look(parser: argparse.ArgumentParser) -> None:
    """--view, --focus-rule, --regions."""
    group = parser.add_argument_group("how a heat map is shown")
    group.add_argument("--view", metavar="|".join(VIEWS), type=flags.typed(_view), help="what is drawn of it")
    group.add_argument(
        "--focus-rule",
        metavar="RULE",
        type=flags.typed(_rule),
        help="what is in focus: quantile:.8 (the highest fifth), sigma:1 (above mean + 1 standard deviation); of lime "
        "also chosen (its strongest segments), for (those that speak for the class)",
    )
    add_regions(group)


def add_regions(group: Any, default: str | None = None) -> None:
    """--regions."""
    group.add_argument(
        "--regions",
        metavar="R",
        default=default,
        help="tell the shares of attribution in regions: auto, layout, layout:scaled, samples, or a file of masks",
    )


def look_of(arguments: argparse.Namespace) -> Look:
    """The keywords of `heat_picture` that were given."""
    look: Look = {}
    if arguments.view is not None:
        look["mode"] = arguments.view
    if arguments.focus_rule is not None:
        if arguments.view not in (None, "focus", "outline"):
            raise flags.UsageError(f"error: --focus-rule is for the focus, and --view {arguments.view} is given")
        look["mode"] = arguments.view or "focus"
        look["focus_by"], look["focus"] = arguments.focus_rule
    return look


def _view(given: object) -> str:
    if given not in VIEWS:
        raise ValueError(f"{given!r} is none of {', '.join(VIEWS)}{nearest(str(given), VIEWS)}")
    return str(given)


def _rule(given: object) -> tuple[str, float]:
    """`quantile:.8` or `sigma:1` as name and amount; `chosen` and `for` have none."""
    name, colon, amount = str(given).partition(":")
    if name in _PARTS and not colon:
        return name, 0.0
    try:
        number = float(amount)
    except ValueError:
        number = math.nan
    if name not in _AMOUNTS or not math.isfinite(number) or (name == "quantile" and not 0 <= number <= 1):
        known = (*_AMOUNTS, *_PARTS)
        raise ValueError(
            f"{given!r} is neither quantile:Q, Q from 0 to 1, nor sigma:K, chosen or for{nearest(name, known)}"
        )
    return name, number
