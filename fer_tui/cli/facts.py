"""An explanation's facts as JSON-like data: what it is, of what, and its main numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fer_tui.contract import Explanation, Gallery, Heatmap, Matrix, Place, Reply

if TYPE_CHECKING:
    from numpy.typing import NDArray


def facts(explanation: Explanation, place: Place, classes: Sequence[str]) -> dict[str, Any]:
    """kind, place (with the target's name), shape, summary, notes, tables, meta, digests with that of the numbers.

    Of a reply its text instead of shape and summary.
    """
    where = place.to_dict()
    if place.target is not None:
        where["target_name"] = classes[place.target]
    if isinstance(explanation, Reply):
        return {"kind": "reply", "place": where, "text": explanation.text, **_more(explanation)}
    from fer_tui.engine.agreement import numbers  # brings numpy, which `--help` does without

    array = numbers(explanation)
    more = _more(explanation)
    more["digests"]["values"] = hashlib.blake2b(array.tobytes(), digest_size=16).hexdigest()
    return {
        "kind": explanation.kind,
        "place": where,
        "shape": list(array.shape),
        "summary": _summary(explanation, array),
        **more,
    }


def _more(explanation: Explanation) -> dict[str, Any]:
    """What all kinds have."""
    meta = dict(explanation.meta)
    return {
        "notes": list(explanation.notes),
        "digests": {**meta.pop("digests", {})},
        "extras": {name: list(extra.shape) for name, extra in explanation.extras.items()},
        "tables": {name: table.to_dict() for name, table in explanation.tables.items()},
        "meta": meta,
    }


def _summary(explanation: Explanation, array: NDArray[Any]) -> dict[str, Any]:
    import numpy as np

    finite = array[np.isfinite(array)]
    numbers: dict[str, Any] = {
        "min": finite.min().item() if finite.size else None,
        "max": finite.max().item() if finite.size else None,
        "mean": float(finite.mean(dtype=np.float64)) if finite.size else None,
        "not_finite": int(array.size - finite.size),
    }
    match explanation:
        case Heatmap(signed=signed):
            numbers["max_at"] = _peak(array) if finite.size else None
            numbers["signed"] = signed
        case Gallery(captions=captions, scores=scores, marked=marked):
            numbers |= {"captions": list(captions), "scores": scores.tolist(), "marked": list(marked)}
        case Matrix(counts=counts, classes=classes):
            total = int(counts.sum())
            numbers |= {"n": total, "classes": list(classes), "counts": counts.tolist()}
            numbers["accuracy"] = float(counts.trace()) / total if total else None
    return numbers


def _peak(array: NDArray[Any]) -> list[int]:
    """[row, column] of the greatest value."""
    import numpy as np

    row, column = np.unravel_index(int(np.nanargmax(array)), array.shape)
    return [int(row), int(column)]
