"""Several networks evaluated on the same rows: each by itself, then the first beside each of the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fer_tui.comparison import OUTCOMES, Comparison
from fer_tui.contract import plain

from . import streams

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .evaluate import Evaluation

_MOST_COLUMNS = 12  # classes up to which the difference of the confusions is shown as a table


def show(
    names: Sequence[str], evaluations: Sequence[Evaluation], labels: NDArray[np.integer], *, json: bool = False
) -> None:
    """On stdout, for people or as JSON."""
    first = evaluations[0]
    pairs = [Comparison(np.asarray(labels), first.guesses, other.guesses) for other in evaluations[1:]]
    if json:
        networks = [{"name": n, **each.to_dict()} for n, each in zip(names, evaluations, strict=True)]
        told = [facts(names[0], n, pair, first.classes) for n, pair in zip(names[1:], pairs, strict=True)]
        streams.put_json({"networks": networks, "comparisons": told})
        return
    from rich.text import Text

    console = streams.console()
    for name, each in zip(names, evaluations, strict=True):
        said = f"{each.rows} images without labels" if each.accuracy is None else f"{each.labelled} images"
        accuracy = "" if each.accuracy is None else f"accuracy {each.accuracy:.4f} of "
        console.print(Text(f"{plain(name)}: {accuracy}{said}"))
    for name, pair in zip(names[1:], pairs, strict=True):
        _show_pair(names[0], name, pair, first.classes)


def facts(first: str, second: str, pair: Comparison, classes: Sequence[str]) -> dict[str, Any]:
    """JSON-like data. confusion_difference: counts of the second minus the first, rows = true.

    by_class: for each true class how many of its images have which of comparison.OUTCOMES.
    """
    labelled = bool(pair.counted.any())
    return {
        "first": first,
        "second": second,
        "n": int(pair.counted.sum()),
        **{name: int(getattr(pair, name).sum()) for name in (*OUTCOMES, "disagree")},
        "mcnemar_p": pair.p_value() if labelled else None,
        "confusion_difference": _difference(pair, len(classes)).tolist() if labelled else None,
        "by_class": [
            {"class": name, **dict(zip(OUTCOMES, counts, strict=True))}
            for name, counts in zip(classes, pair.by_class(len(classes)).tolist(), strict=True)
        ],
        "classes": list(classes),
    }


def _difference(pair: Comparison, classes: int) -> NDArray[np.int64]:
    return pair.confusion(True, classes) - pair.confusion(False, classes)


def _show_pair(first: str, second: str, pair: Comparison, classes: Sequence[str]) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    console = streams.console()
    disagree = int(pair.disagree.sum())
    console.print(Text(f"\n{plain(first)} → {plain(second)}", "bold"))
    if not pair.counted.any():
        console.print(Text(f"they disagree on {disagree} of {int(pair.both.sum())} images"))
        return
    if len(classes) <= _MOST_COLUMNS:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        table.add_column("true \\ predicted, change")
        for name in classes:
            table.add_column(Text(plain(name)), justify="right")
        for at, (name, row) in enumerate(zip(classes, _difference(pair, len(classes)).tolist(), strict=True)):
            cells = [Text(f"{count:+d}" if count else "0", "bold" if n == at else "") for n, count in enumerate(row)]
            table.add_row(Text(plain(name)), *cells)
        console.print(table)
    fixed, broken, wrong = (int(mask.sum()) for mask in (pair.fixed, pair.broken, pair.both_wrong))
    console.print(Text(f"fixed {fixed}, broken {broken}, both wrong {wrong}, disagreeing {disagree}"))
    p = pair.p_value()
    console.print(Text(f"McNemar's exact test: p = {p:.3g} ({fixed} against {broken} of {fixed + broken} changed)"))
