"""What the colours of a sheet of maps mean: a bar for each scale that is on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fer_tui.contract import plain

if TYPE_CHECKING:
    from fer_tui.contract import Heatmap
    from fer_tui.picture import Key, Scale

    from .look import Look
    from .scaling import Range, Ranges

_WITH_COLOURS = ("overlay", "map")


def keys_of(look: Look, maps: Ranges, current: Heatmap | None = None) -> list[Key]:
    """The bars, none where a view without colours is looked at. current: the map whose scale comes first, if any."""
    from fer_tui.picture import Key, scale_of

    if look.view not in _WITH_COLOURS:
        return []
    if look.scales.mode == "shared":
        first = maps.range_of(current) if current is not None else None
        found = sorted(maps.all, key=lambda each: each is not first)
        return [_key(look, each.like, (each.low, each.high), _shared(each)) for each in found]
    if look.scales.mode == "own" and current is not None:
        return [_key(look, current, scale_of(current), "this map's own scale")]
    kinds = {(look.colours_of(each.like), each.like.signed): each.like for each in maps.all}
    if look.scales.mode == "fixed":
        return [_key(look, each, look.scales.of(each), "fixed for all maps") for each in kinds.values()]
    colours = dict.fromkeys(each for each, _ in kinds)
    return [Key(each, "each map's lowest", "its highest", "own scales") for each in colours]


def _key(look: Look, heatmap: Heatmap, scale: Scale, told: str) -> Key:
    from fer_tui.picture import Key

    low, high = scale
    return Key(look.colours_of(heatmap), f"{low:.3g}", f"{high:.3g}", told)


def _shared(found: Range) -> str:
    count = len(found.places)
    whose = f" of {plain(found.name)}" if found.name else ""
    return f"shared by the {count} maps{whose}" if count > 1 else f"the one map{whose}"
