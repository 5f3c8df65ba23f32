"""NumPy archives and arrays: images with labels, splits and class names under the usual keys."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fer_tui.contract import InputError, nearest, plain

from .arrays import are_fractions, as_images, as_labels, check_any, shape_of
from .layout import Elsewhere, Rows, Tell, Writer
from .sources import Source
from .stored import Stored, stored

if TYPE_CHECKING:
    from numpy.typing import NDArray

_IMAGES = ("images", "image", "x", "X", "data", "pixels", "imgs")
_LABELS = ("labels", "label", "y", "Y", "targets", "target", "emotion")
_SPLITS = ("usage", "split", "splits")
_NAMES = ("class_names", "classes", "label_names", "names")
_USAGES = ("Training", "PublicTest", "PrivateTest")  # FER2013's, where an archive has numbers for them
# x_train, y_train as Keras has them; train_images, train_labels as MedMNIST has them
_PART = re.compile(r"(?:x|images)_(?P<after>\w+)|(?P<before>\w+)_(?:x|images)", re.IGNORECASE)
_SWAPPED = re.compile(r"^(?:x|images)(?=_)|(?<=_)(?:x|images)$", re.IGNORECASE)
_BLOCK = 4096  # rows converted at a time


def parse(path: Path, writer: Writer, tell: Tell) -> Rows:
    """The images of a .npz or .npy file: where they lie, if they are bytes that lie there as they are, else written.

    Pickled objects are refused: reading them could run code.
    """
    tell(f"reading {path.name}", None)
    with _loading(path):
        found = stored(path)
    if isinstance(found, Stored):
        return _whole(found, None, None, None, path, writer, tell)
    return _rows(found, path, writer, tell)


def _rows(arrays: Mapping[str, Stored | None], path: Path, writer: Writer, tell: Tell) -> Rows:
    key = _first_of(_IMAGES, arrays)
    if key is not None:
        told, usage, names = (_read(arrays, _first_of(keys, arrays), path) for keys in (_LABELS, _SPLITS, _NAMES))
        (numbers,), names = _by_number([told], names, str(path))
        return _whole(_array(arrays, key, path), numbers, usage, names, path, writer, tell)
    parts = {match["after"] or match["before"]: key for key in arrays if (match := _PART.fullmatch(key))}
    if not parts:
        close = "".join(nearest(key, _IMAGES) for key in list(arrays)[:3])
        shown = ", ".join(plain(key) for key in list(arrays)[:8])
        raise InputError(path, f"has no images: its keys are {shown or 'none'}{close}", "name the images 'images'")
    keys = [_labels_of(key) for key in parts.values()]
    names = _read(arrays, _first_of(_NAMES, arrays), path)
    given, names = _by_number([_read(arrays, key if key in arrays else None, path) for key in keys], names, str(path))
    labels, codes = [], []
    pictures = [_array(arrays, key, path) for key in parts.values()]
    for number, (key, found, images) in enumerate(zip(keys, given, pictures, strict=True)):
        _check_count(images)
        labels.append(
            as_labels(found, len(images), f"{path} key {key}")
            if found is not None
            else np.full(len(images), -1, np.int64)
        )
        codes.append(np.full(len(images), number, np.uint8))
    elsewhere = _take(pictures, writer, tell)
    return _described(np.concatenate(labels), names, tuple(parts), np.concatenate(codes), str(path), elsewhere)


def _labels_of(images: str) -> str:
    """The key of the labels of the images under that key: y_train of x_train."""
    return _SWAPPED.sub(lambda match: "y" if len(match[0]) == 1 else "labels", images)


def _by_number(
    labels: Sequence[NDArray[Any] | None], names: NDArray[Any] | None, where: str
) -> tuple[list[NDArray[Any] | None], NDArray[Any] | None]:
    """Labels that are names as numbers, and the names that these count: the archive's, else all labels in order.

    An empty text is no label.
    """
    texts = [
        np.char.decode(each, "utf-8", "replace") if each is not None and each.dtype.kind == "S" else each
        for each in labels
    ]
    words = {str(word) for each in texts if each is not None and each.dtype.kind == "U" for word in each.flat} - {""}
    if not words:
        return texts, names
    known = (
        [each.decode("utf-8", "replace") if isinstance(each, bytes) else str(each) for each in names.flat]
        if names is not None
        else sorted(words)
    )
    numbers = {"": -1} | {name: number for number, name in enumerate(known)}
    if strange := sorted(words - set(numbers)):
        fault = f"there is a label {plain(strange[0])!r}, and no such class name{nearest(strange[0], known)}"
        raise InputError(f"{where} labels", fault, f"they are {', '.join(map(plain, known[:12]))}")
    counted = [
        np.array([numbers[str(word)] for word in each.flat], np.int64).reshape(each.shape)
        if each is not None and each.dtype.kind == "U"
        else each
        for each in texts
    ]
    return counted, names if names is not None else np.array(known)


def _first_of(keys: Sequence[str], arrays: Mapping[str, Stored | None]) -> str | None:
    return next((key for key in keys if key in arrays), None)


def _array(arrays: Mapping[str, Stored | None], key: str, path: Path) -> Stored:
    found = arrays[key]
    if found is None:
        raise InputError(f"{path} key {key}", "is no array", "save it by np.savez")
    return found


def _read(arrays: Mapping[str, Stored | None], key: str | None, path: Path) -> NDArray[Any] | None:
    """A small array of the archive, read now."""
    if key is None:
        return None
    array = _array(arrays, key, path)
    with _loading(path, f" key {key}"):
        return array.read()


def _check_count(images: Stored) -> None:
    if images.dtype.hasobject:
        raise _pickled(images.where)
    check_any(images.shape, images.where)
    if len(images.shape) < 2 or 0 in images.shape:
        fault = f"images of shape {images.shape} are not understood"
        raise InputError(images.where, fault, "give (n, h, w) or (n, h, w, 3)")


def _whole(
    images: Stored,
    given: NDArray[Any] | None,
    usage: NDArray[Any] | None,
    names: NDArray[Any] | None,
    path: Path,
    writer: Writer,
    tell: Tell,
) -> Rows:
    _check_count(images)
    where, count = str(path), len(images)
    labels = as_labels(given, count, f"{where} labels") if given is not None else np.full(count, -1, np.int64)
    splits, codes = _split_codes(usage, count, where) if usage is not None else ((), None)
    elsewhere = _take([images], writer, tell)
    return _described(labels, names, splits, codes, where, elsewhere)


def _take(arrays: Sequence[Stored], writer: Writer, tell: Tell) -> Elsewhere | None:
    """See to the images: None where they had to be written, for one array or more is no plain bytes."""
    segments, first = [], 0
    for array in arrays:
        shape = shape_of(array.shape)
        if array.offset is None or array.is_fortran or array.dtype != np.uint8 or shape is None:
            for each in arrays:
                _write(each, writer, tell)
            return None
        segments.append((0, first, array.offset, shape))
        first += len(array)
    source = Source.of(arrays[0].path)
    for array, (_, _, _, shape) in zip(arrays, segments, strict=True):
        done = 0
        with _loading(array.path):
            for block in array.blocks(_BLOCK):
                writer.see(block.data.cast("B"), shape, len(block))
                done += len(block)
                tell("looking at the images", done / len(array))
    shapes = {shape for _, _, _, shape in segments}
    kept = {"kind": "inside", "sources": [source], "segments": segments}
    return Elsewhere(kept, shape=shapes.pop() if len(shapes) == 1 else None)


def _write(array: Stored, writer: Writer, tell: Tell) -> None:
    where, start = array.where, 0
    with _loading(array.path):
        # Fractions are told from whole numbers by the whole array, not by a block that happens to be dark.
        fractions = array.dtype.kind == "f" and all(are_fractions(block) for block in array.blocks(_BLOCK))
        blocks = array.blocks(_BLOCK)
    while True:
        with _loading(array.path):
            block = next(blocks, None)
        if block is None:
            return
        try:
            writer.add(as_images(block, where, fractions=fractions))
        except InputError as error:
            row = re.fullmatch(re.escape(where) + r" row (\d+)", error.where)
            if row is None or not start:
                raise
            raise InputError(f"{where} row {start + int(row[1])}", error.fault, error.mend) from None
        start += len(block)
        tell("parsing images", start / len(array))


def _described(
    labels: NDArray[np.int64],
    names: NDArray[Any] | None,
    splits: tuple[str, ...],
    codes: NDArray[np.uint8] | None,
    where: str,
    elsewhere: Elsewhere | None,
) -> Rows:
    most = int(labels.max(initial=-1))
    classes = tuple(str(number) for number in range(most + 1))
    if names is not None:
        if names.ndim != 1 or names.dtype.kind not in "US":
            raise InputError(where, "class names are no list of texts", "save them as np.array([...], dtype=str)")
        classes = tuple(each.decode("utf-8", "replace") if isinstance(each, bytes) else str(each) for each in names)
        if most >= len(classes):
            row = int(np.flatnonzero(labels >= len(classes))[0])
            fault = f"has the label {labels[row]}, and there are {len(classes)} class names"
            raise InputError(f"{where} row {row}", fault, "labels count from 0")
    notes = () if most >= 0 else ("the images have no labels",)
    return Rows("arrays", classes, labels, splits, codes, notes=notes, elsewhere=elsewhere)


def _split_codes(values: NDArray[Any], count: int, where: str) -> tuple[tuple[str, ...], NDArray[np.uint8]]:
    if values.shape != (count,):
        raise InputError(where, f"there are {count} images, and splits of shape {values.shape}", "one for each image")
    found, first, codes = np.unique(values, return_index=True, return_inverse=True)
    if len(found) > 255:
        raise InputError(where, f"has {len(found)} splits", "is this the array that names them?")
    order = np.argsort(first, kind="stable")
    rank = np.empty(len(order), np.uint8)
    rank[order] = np.arange(len(order), dtype=np.uint8)
    names = [each.decode("utf-8", "replace") if isinstance(each, bytes) else str(each) for each in found[order]]
    if values.dtype.kind in "iu" and set(found.tolist()) <= {0, 1, 2}:
        names = [_USAGES[int(number)] for number in found[order]]
    return tuple(names), rank[codes]


@contextlib.contextmanager
def _loading(path: Path, key: str = "") -> Iterator[None]:
    """What NumPy, zipfile and zlib trip over in a spoiled file is of many kinds, and becomes one line."""
    try:
        yield
    except InputError:
        raise
    except PermissionError:
        raise InputError(path, "cannot be read: no permission", "see its mode and its owner") from None
    except MemoryError:
        raise InputError(f"{path}{key}", "does not fit into memory", "save it as .npy: that is read in parts") from None
    except Exception as error:
        # of any file that it does not know, NumPy says that it is pickled
        if "Object arrays" in str(error) or "Python objects" in str(error) or _is_pickle(path):
            raise _pickled(f"{path}{key}") from None
        raise InputError(path, "is no NumPy archive, or is cut off", "get the file again") from None


def _pickled(where: str) -> InputError:
    return InputError(where, "holds pickled objects, which could run code", "save numbers and text: np.savez")


def _is_pickle(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(1) == b"\x80"
