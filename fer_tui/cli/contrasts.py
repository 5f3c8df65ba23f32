"""fer-tui explain --against: what speaks for one class against another, in one image or in a cell of the confusion."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from fer_tui.contract import Explanation, Heatmap, Place

from . import asked, flags
from .progress import Narrator

if TYPE_CHECKING:
    from fer_tui.contract import Value
    from fer_tui.engine import Session


def check_contrast(arguments: argparse.Namespace) -> None:
    """UsageError where flags do not go together."""
    if arguments.cell is not None and (arguments.against is None or arguments.target is None):
        raise flags.UsageError("error: --cell is of two classes: --against the true one, --target the predicted one")
    if arguments.cell is not None and (arguments.image is not None or arguments.regions is not None):
        raise flags.UsageError("error: --cell takes the images of a cell, with the regions that are known of the data")
    if arguments.against is not None and arguments.trust:
        raise flags.UsageError("error: --trust judges one map, and --against subtracts two")


def of_cell(
    session: Session, arguments: argparse.Namespace, place: Place, parameters: Mapping[str, Value], tell: Narrator
) -> tuple[Explanation, Place]:
    """The mean contrast of a cell's images, and the place without an image."""
    from fer_tui.engine.contrasting import Cell, cell_contrast
    from fer_tui.regions import known_regions, named_regions

    classes = session.classifier.classes
    target = asked.class_of(arguments.target, classes)
    true = asked.class_of(arguments.against, classes, "--against")
    settings = flags.settings_of(arguments).settings
    known = known_regions(settings.data, session.dataset)
    cell = Cell(true, target, arguments.cell or None, int(parameters["seed"]))
    place = replace(place, image=None)
    steps = cell_contrast(
        session.engine(),
        arguments.method,
        cell,
        parameters,
        place,
        named_regions(known) if known is not None else None,
    )
    made: Heatmap | None = None
    with closing(steps):
        for share, found in steps:
            tell(arguments.method, share)
            made = found if found is not None else made
    assert made is not None
    return made, place


def contrast_told(explanation: Explanation, classes: Sequence[str]) -> str:
    """The regions that speak for each of the two classes, '' where they are not known."""
    from fer_tui.regions.contrast import contrast_words

    regions, against = explanation.meta.get("regions"), explanation.meta.get("against")
    if not isinstance(regions, list) or not isinstance(against, int):
        return ""
    target = explanation.meta["place"]["target"]
    return "\n".join(contrast_words(regions, classes[target], classes[against]))
