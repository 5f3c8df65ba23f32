"""A network whose modules do not work in place."""

from __future__ import annotations

import copy
from typing import Any

from fer_tui.contract import Classifier


def settled(classifier: Classifier, *, always: bool = False) -> Classifier:
    """The same network and weights with no module in place: what captum keeps of a layer is not overwritten.

    The classifier itself where it cannot be copied, or (but for `always`) where none works in place.
    """
    module = classifier.module
    if not always and not any(getattr(each, "inplace", False) is True for each in module.modules()):
        return classifier
    shared = {id(each): each for each in (*module.parameters(), *module.buffers())}
    try:
        twin = copy.deepcopy(module, shared)
    except (RuntimeError, TypeError):
        return classifier
    for each in twin.modules():
        not_in_place(each)
    return classifier.around(twin)


def not_in_place(module: Any) -> None:
    """Let a module write its output to a tensor of its own."""
    if getattr(module, "inplace", False) is True:
        module.inplace = False
