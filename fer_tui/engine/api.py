"""Explanations in one call, for scripts and notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fer_tui.contract import Explanation, InputError, Place, nearest, same_name

from .engine import Engine

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fer_tui.classifier import TorchClassifier
    from fer_tui.dataset import MappedDataset

    Image = NDArray[np.uint8]


def explain(
    method: str,
    classifier: TorchClassifier,
    image: Image | None = None,
    *,
    dataset: MappedDataset | None = None,
    target: int | str | None = None,
    layer: str | None = None,
    filter: int | None = None,
    checkpoint: int | None = None,
    action: str = "",
    **parameters: Any,
) -> Explanation:
    """The finished explanation of one place; with `action` what the method's action of that name makes there.

    image: uint8 (h, w) or (h, w, 3), where the method explains one. target: a class by index or name, the predicted
    one where None. dataset: for methods that need one. parameters: the method's own. InputError names what is wrong.
    """
    engine = Engine(classifier, dataset)
    place = Place(None, _index(target, engine), layer, filter, checkpoint)
    last = None
    for result in engine.run(engine.task(method, place, parameters, image, action)):
        last = result.explanation
    if last is None:
        raise InputError(method, "gave no result")
    return last


def judge(
    method: str,
    classifier: TorchClassifier,
    image: Image,
    *,
    dataset: MappedDataset | None = None,
    target: int | str | None = None,
    layer: str | None = None,
    checkpoint: int | None = None,
    **parameters: Any,
) -> Explanation:
    """`explain`, and how far that heat map can be trusted: numbers in meta["trust"], verdicts as notes.

    Asked are deletion and insertion of its pixels (Petsiuk et al. 2018), random weights (Adebayo et al. 2018), another
    seed, and completeness where it is promised. InputError also where the method makes no heat map of a class.
    """
    engine = Engine(classifier, dataset)
    task = engine.task(method, Place(None, _index(target, engine), layer, None, checkpoint), parameters, image)
    *_, last = engine.judge(task)
    return last.explanation


def explain_many(
    method: str,
    classifier: TorchClassifier,
    images: Sequence[Image],
    targets: Sequence[int | str | None] | None = None,
    *,
    layer: str | None = None,
    filter: int | None = None,
    checkpoint: int | None = None,
    **parameters: Any,
) -> list[Explanation]:
    """The numbers of `explain` for many images, in batches; targets: one for each image, None: the predicted class."""
    wanted = targets if targets is not None else [None] * len(images)
    if len(wanted) != len(images):
        raise InputError("targets", f"there are {len(wanted)} for {len(images)} images", "give one for each image")
    engine = Engine(classifier)
    places = [Place(n, _index(target, engine), layer, filter, checkpoint) for n, target in enumerate(wanted)]
    results = engine.explain_many(method, places, parameters, images=images)
    return [result.explanation for result in results]


def _index(target: int | str | None, engine: Engine) -> int | None:
    """A class that may be named, as its index."""
    if not isinstance(target, str):
        return target
    classes = engine.classifier.classes
    found = same_name(target, classes)
    if found is None:
        mend = f"classes are {', '.join(classes[:12])}{', ...' if len(classes) > 12 else ''}"
        raise InputError(f"target {target}", f"there is no such class{nearest(target, classes)}", mend)
    return classes.index(found)
