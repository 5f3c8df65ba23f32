"""Live objects as datasets: arrays, torch datasets, and whatever else can be indexed row by row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from fer_tui.contract import InputError
from fer_tui.specs import user_code

from .arrays import are_fractions, as_array, as_image, as_images, as_labels, check_any
from .layout import Rows, Tell, Writer

if TYPE_CHECKING:
    from numpy.typing import NDArray

_IMAGES, _LABELS = ("image", "images", "img", "x", "pixel_values"), ("label", "labels", "y", "target")
_GIVE = "give a torch dataset, arrays (images, labels), or a mapping of images and labels"


def parse(source: Any, where: str, limit: int | None, writer: Writer, tell: Tell) -> Rows:
    """Write the images of `source`, at most `limit` of them; its code may raise what it likes."""
    with user_code(where):
        if isinstance(source, np.ndarray) or hasattr(source, "detach"):
            return _arrays(source, None, where, limit, writer)
        if isinstance(source, Mapping):
            images = next((source[key] for key in _IMAGES if key in source), None)
            if images is None:
                raise InputError(where, f"has no images: its keys are {', '.join(map(str, source))}", _GIVE)
            return _arrays(images, next((source[key] for key in _LABELS if key in source), None), where, limit, writer)
        if isinstance(source, tuple | list) and len(source) == 2 and _are_images(source[0]):
            return _arrays(source[0], source[1], where, limit, writer)
        if not (hasattr(source, "__getitem__") and hasattr(source, "__len__")):
            raise InputError(where, f"{type(source).__name__} cannot be indexed and counted", _GIVE)
        return _rows(source, where, limit, writer, tell)


def _are_images(value: Any) -> bool:
    try:
        return as_array(value).ndim >= 3
    except ValueError:  # a row: an image and its label
        return False


def _arrays(images: Any, labels: Any, where: str, limit: int | None, writer: Writer) -> Rows:
    array = as_array(images)
    check_any(array.shape, where)
    if array.ndim < 3:
        raise InputError(where, f"images of shape {array.shape} are not understood", "give (n, h, w) or (n, h, w, 3)")
    given = None if labels is None else as_labels(labels, len(array), where)[:limit]
    writer.add(as_images(array[:limit], where, fractions=are_fractions(array)))
    if given is None:
        given = np.full(len(array[:limit]), -1, np.int64)
    return _described(given, (), "arrays")


def _rows(source: Any, where: str, limit: int | None, writer: Writer, tell: Tell) -> Rows:
    count = min(len(source), limit or len(source))
    if not count:
        raise InputError(where, "has no rows")
    labels = np.full(count, -1, np.int64)
    for row in range(count):
        image, label = _pair(source[row])
        fault_at = f"{where} row {row}"
        if image is None:
            raise InputError(fault_at, f"is {type(source[row]).__name__}, not an image and a label", _GIVE)
        try:
            writer.add(as_image(image, fault_at)[None])
            if label is not None:
                given = as_array(label)
                labels[row] = as_labels(np.reshape(given, (1,) if given.size == 1 else (1, -1)), 1, fault_at)[0]
        except InputError as error:
            raise InputError(fault_at, error.fault, error.mend) from None  # not row 0 of this one
        if not row % 64:
            tell("reading the dataset", row / count)
    return _described(labels, _names_of(source), "torch dataset")


def _pair(row: Any) -> tuple[Any, Any]:
    """Image and label of a row: a pair, a mapping, or an image alone."""
    if isinstance(row, Mapping):
        return (next((row[key] for key in keys if key in row), None) for keys in (_IMAGES, _LABELS))  # type: ignore[return-value]
    if isinstance(row, tuple | list):
        return (row[0], row[1] if len(row) > 1 else None) if row else (None, None)
    return (row, None) if hasattr(row, "shape") or hasattr(row, "convert") else (None, None)


def _names_of(source: Any) -> tuple[str, ...]:
    """Class names that a dataset, or the one that it is a part of, tells."""
    while True:
        index = getattr(source, "class_to_idx", None)
        if isinstance(index, Mapping) and sorted(index.values()) == list(range(len(index))):
            return tuple(sorted(map(str, index), key=lambda name: index[name]))
        names = getattr(source, "classes", None)
        if isinstance(names, tuple | list) and names:
            return tuple(map(str, names))
        features = getattr(source, "features", None)  # of a Hugging Face dataset
        if isinstance(features, Mapping):
            names = next((getattr(features[key], "names", None) for key in _LABELS if key in features), None)
            if names:
                return tuple(map(str, names))
        if not hasattr(source, "dataset"):
            return ()
        source = source.dataset  # of a Subset


def _described(labels: NDArray[np.int64], names: tuple[str, ...], kind: str) -> Rows:
    most = int(labels.max(initial=-1))
    notes: list[str] = []
    if names and most >= len(names):
        notes.append(f"labels go up to {most}, and there are {len(names)} class names: the names are left out")
        names = ()
    if most < 0:
        notes.append("the images have no labels")
    return Rows(kind, names or tuple(str(number) for number in range(most + 1)), labels, notes=tuple(notes))
