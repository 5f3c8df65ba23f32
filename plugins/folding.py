"""A faster copy of a network, for many images."""

from __future__ import annotations

from collections.abc import Collection

from fer_tui.contract import Classifier

PRECISIONS = ("float32", "bfloat16")


def folded(classifier: Classifier, precision: str = "float32", hooked: Collection[str] = ()) -> tuple[Classifier, str]:
    """`classifier.folded`."""
    return classifier.folded(precision, hooked)
