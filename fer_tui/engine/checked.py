"""What an explainer yields, looked at before it crosses a pipe, fills the store or is shown."""

from __future__ import annotations

import dataclasses
import json
import math
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np

from fer_tui.contract import Axis, Explanation, Gallery, Heatmap, Matrix, Place, PluginError, Result
from fer_tui.oversight import tell, tell_failure

from .codec import KINDS, as_json

if TYPE_CHECKING:
    from .tasks import Task

LARGEST, LARGEST_GALLERY = 256 << 20, 2 << 30  # bytes of all arrays of one explanation
LARGEST_META = 1 << 20  # characters of meta, notes and captions
_WHOLE = 1.0001  # a share may be rounded


def checked(result: object, task: Task) -> Result:
    """`result`, with a note where some of its numbers are not finite; PluginError where it breaks the contract."""
    fault = _fault(result, task)
    if not fault:
        assert isinstance(result, Result)
        result, fault = _noted(_plain(result), task)
    if fault:
        tell_failure(task.origin, fault)
        raise PluginError(str(task.origin), fault)
    assert isinstance(result, Result)
    return result


def _fault(result: object, task: Task) -> str:
    """What is wrong with it, '' where nothing is."""
    if not isinstance(result, Result) or not task.suits(result):
        what = type(result.explanation if isinstance(result, Result) else result).__name__
        wanted = "an explanation" if task.action else f"a {KINDS[task.description.kind].__name__}"
        return f"it yielded a {what}, no Result with {wanted}"
    if not isinstance(result.place, Place) or not isinstance(result.final, bool | np.bool_):
        return "it yielded a Result whose place is no Place, or whose final is no bool"
    for axis, value in result.place.to_dict().items():
        if not isinstance(value, str if axis == Axis.LAYER.value else Integral):
            return f"the {axis} of its Result's place is a {type(value).__name__}"
    share = result.progress
    if share is not None and not (isinstance(share, Real) and 0 <= float(share) <= _WHOLE):
        return f"its progress is {str(share)[:40]}, neither None nor 0 to 1"
    explanation = result.explanation
    return _size_fault(explanation) or _shape_fault(explanation, task) or _data_fault(explanation)


def _size_fault(explanation: Explanation) -> str:
    own = vars(explanation).values()
    arrays = [each for each in (*own, *explanation.extras.values()) if isinstance(each, np.ndarray)]
    size, most = sum(each.nbytes for each in arrays), LARGEST
    if isinstance(explanation, Gallery):
        most = LARGEST_GALLERY
    if size > most:
        return f"its {explanation.kind} has {_bytes(size)} of arrays, at most {_bytes(most)} may be"
    return ""


def _shape_fault(explanation: Explanation, task: Task) -> str:
    classifier = task.subject.classifier
    if isinstance(explanation, Heatmap):
        shape, wanted = explanation.values.shape, classifier.input_shape[1:]
        return "" if shape == wanted else f"its map is {_by(shape)} where the network's input is {_by(wanted)}"
    if isinstance(explanation, Matrix) and tuple(explanation.classes) != tuple(classifier.classes):
        return f"its matrix is of {len(explanation.classes)} classes, not of the network's {len(classifier.classes)}"
    return ""


def _data_fault(explanation: Explanation) -> str:
    """Extras must be numbers, and meta, notes and captions plain data."""
    for name, array in explanation.extras.items():
        try:
            is_numbers = np.asarray(array).dtype.kind in "biuf"
        except Exception:  # whatever it is, it cannot be made one
            is_numbers = False
        if not is_numbers:
            return f"extras[{str(name)[:40]!r}] is no array of numbers"
    texts = (*explanation.notes, *(explanation.captions if isinstance(explanation, Gallery) else ()))
    if not all(isinstance(each, str) for each in texts):
        return "a note or caption is no text"
    try:
        size = len(json.dumps([dict(explanation.meta), texts], allow_nan=False, default=as_json))
    except (TypeError, ValueError, RecursionError) as error:
        return f"its meta is no plain data: {error}"
    if size > LARGEST_META:
        return f"its meta and notes have {size:,} characters, at most {LARGEST_META:,} may be"
    return ""


def _plain(result: Result) -> Result:
    """The same with Python's own numbers, where NumPy's were given."""
    place: dict[str, Any] = result.place.to_dict()
    place = {axis: value if isinstance(value, str) else int(value) for axis, value in place.items()}
    share = float(result.progress) if result.progress is not None else None
    return Result(Place(**place), result.explanation, bool(result.final), share)


def _noted(result: Result, task: Task) -> tuple[Result, str]:
    """The same, with a note where some of its numbers are not finite; the fault where none is."""
    explanation = result.explanation
    if not isinstance(explanation, Heatmap | Gallery):
        return result, ""
    values = explanation.values if isinstance(explanation, Heatmap) else explanation.images
    # the sum of finite float32 values is finite in float64, and one pass over them
    broken = 0 if math.isfinite(float(values.sum(dtype=np.float64))) else int((~np.isfinite(values)).sum())
    if not broken:
        return result, ""
    told = f"{broken:,} of its {values.size:,} values are not finite"
    if broken == values.size:
        return result, f"none of its {values.size:,} values is finite"
    tell(task.origin, told)
    noted = dataclasses.replace(explanation, notes=(*explanation.notes, told))
    return dataclasses.replace(result, explanation=noted), ""


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _bytes(count: int) -> str:
    return f"{count / 2**30:.3g} GiB" if count >= 2**30 else f"{count / 2**20:.4g} MiB"
