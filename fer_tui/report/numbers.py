"""A report's numbers as JSON: every one that the page tells, to six digits."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from .findings import agreement, strongest
from .material import Hosted, Material
from .page import Page

_DIGITS = 6


def numbers(material: Material, page: Page, about: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """All of it, as plain data."""
    matrix, known = material.matrix, material.known
    return {
        "about": dict(about),
        "asked": dict(asked),
        "classes": list(material.classes),
        "cam": material.cam,
        "confusion": {
            "counts": matrix.counts.tolist(),
            **{key: value for key, value in matrix.meta.items() if key in _MEASURES},
        },
        "rows": {"all": len(known.labels), "labelled": int((known.labels >= 0).sum())},
        "shown": [_shown(material, number) for number in range(len(material.shown))],
        "focus": {method: table.to_dict() for method, table in material.focus.items()},
        "means": {
            method: [
                {"class": material.classes[index], "right": right, "images": mean.count}
                for (index, right), mean in sorted(means.by_class.items())
            ]
            for method, means in material.means.items()
        },
        "first_layer": _first_layer(material),
        "filters": _filters(material),
        "pairs": [
            {
                "true": material.classes[pair.true],
                "predicted": material.classes[pair.predicted],
                "count": pair.count,
                "share": pair.share,
                "contrast": dict(zip(pair.names, pair.shares.mean(0).tolist(), strict=True))
                if pair.shares is not None
                else None,
            }
            for pair in material.pairs
        ],
        "agreement": [
            {"methods": list(pair), "images": len(found.same), "same": same.value, "beyond": excess.value}
            for pair, found in material.likeness.items()
            if len(found.same) > 1
            for same, excess in [agreement(found, material.seed)]
        ],
        "with": [_guest(host) for host in material.guests],
        "findings": {section.title: [each.to_dict() for each in section.findings] for section in page.sections},
    }


def as_json(value: object) -> str:
    """Strict JSON; floats to six digits, null for what is not finite."""
    return json.dumps(_rounded(value), indent=1, ensure_ascii=True, allow_nan=False) + "\n"


_MEASURES = {"accuracy", "macro_f1", "calibration_error", "confused", "n"}


def _first_layer(material: Material) -> dict[str, Any] | None:
    first = material.first
    if first is None:
        return None
    return {
        "layer": first.layer,
        "strongest": strongest(first, material.classes),
        "images": len(first.labels),
    }


def _filters(material: Material) -> dict[str, Any] | None:
    filters = material.filters
    if filters is None:
        return None
    return {
        "layer": filters.layer,
        "row": filters.shown.row,
        "activations": filters.ascent.scores.tolist(),
        "outputs": filters.outputs.scores.tolist(),
    }


def _guest(host: Hosted) -> dict[str, Any]:
    return {
        **host.guest.to_dict(),
        "name": host.key,
        "title": host.title,
        "version": host.description.version if host.description is not None else None,
        "fault": host.fault,
        "tables": [
            {"number": number, "tables": {name: each.to_dict() for name, each in explanation.tables.items()}}
            for number, explanation in host.made.items()
            if explanation.tables
        ],
    }


def _shown(material: Material, number: int) -> dict[str, Any]:
    each = material.shown[number]
    return {
        "number": each.number,
        "row": each.row,
        "class": material.classes[each.listed] if each.listed >= 0 else None,
        "predicted": material.classes[each.predicted],
        "explained": material.classes[each.target],
        "probability": each.sure,
        "remark": each.remark,
        "trust": {
            method: dict(heatmap.meta["trust"])
            for (of, method), heatmap in sorted(material.maps.items())
            if of == each.number and "trust" in heatmap.meta
        },
        "notes": {
            method: list(heatmap.notes) for (of, method), heatmap in sorted(material.maps.items()) if of == each.number
        },
    }


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    if isinstance(value, bool | int | str) or value is None:
        return value
    if hasattr(value, "tolist"):
        return _rounded(value.tolist())
    number = float(value)
    return float(f"{number:.{_DIGITS}g}") if math.isfinite(number) else None
