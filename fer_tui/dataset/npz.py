"""NumPy archives and arrays: images with labels, splits and class names under the usual keys."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fer_tui.contract import InputError, nearest, plain

from .arrays import are_fractions, as_images, as_labels
from .layout import Rows, Tell, Writer

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
    """Write the images of a .npz or .npy file. Pickled objects are refused: reading them could run code."""
    tell(f"reading {path.name}", None)
    with _loading(path):
        loaded = np.load(path, allow_pickle=False, mmap_mode="r" if path.suffix == ".npy" else None)
    if isinstance(loaded, np.ndarray):
        return _whole({"images": loaded}, str(path), writer, tell)
    with loaded as archive:
        return _rows(archive, path, writer, tell)


def _rows(stored: Mapping[str, NDArray[Any]], path: Path, writer: Writer, tell: Tell) -> Rows:
    key = next((key for key in _IMAGES if key in stored), None)
    if key is not None:
        arrays = {"images": _read(stored, key, path)}
        for name, keys in (("labels", _LABELS), ("splits", _SPLITS), ("names", _NAMES)):
            found = next((key for key in keys if key in stored), None)
            if found is not None:
                arrays[name] = _read(stored, found, path)
        return _whole(arrays, str(path), writer, tell)
    parts = {match["after"] or match["before"]: key for key in stored if (match := _PART.fullmatch(key))}
    if not parts:
        close = "".join(nearest(key, _IMAGES) for key in list(stored)[:3])
        shown = ", ".join(plain(key) for key in list(stored)[:8])
        raise InputError(path, f"has no images: its keys are {shown or 'none'}{close}", "name the images 'images'")
    labels, codes = [], []
    for number, key in enumerate(parts.values()):
        images = _counted(_read(stored, key, path), f"{path} key {key}")
        other = _SWAPPED.sub(lambda match: "y" if len(match[0]) == 1 else "labels", key)
        labels.append(
            as_labels(_read(stored, other, path), len(images), f"{path} key {other}")
            if other in stored
            else np.full(len(images), -1, np.int64)
        )
        codes.append(np.full(len(images), number, np.uint8))
        _write(images, f"{path} key {key}", writer, tell)
    names = next((_read(stored, key, path) for key in _NAMES if key in stored), None)
    return _described(np.concatenate(labels), names, tuple(parts), np.concatenate(codes), str(path))


def _read(stored: Mapping[str, NDArray[Any]], key: str, path: Path) -> NDArray[Any]:
    """An array of the archive, read now."""
    with _loading(path, f" key {key}"):
        found = stored[key]
    if not isinstance(found, np.ndarray):
        raise InputError(f"{path} key {key}", "is no array", "save it by np.savez")
    return found


def _counted(images: NDArray[Any], where: str) -> NDArray[Any]:
    if images.ndim < 2 or not len(images):
        raise InputError(where, f"images of shape {images.shape} are not understood", "give (n, h, w) or (n, h, w, 3)")
    return images


def _whole(arrays: Mapping[str, NDArray[Any]], where: str, writer: Writer, tell: Tell) -> Rows:
    images = _counted(arrays["images"], where)
    labels = np.full(len(images), -1, np.int64)
    if "labels" in arrays:
        labels = as_labels(arrays["labels"], len(images), f"{where} labels")
    splits: tuple[str, ...] = ()
    codes = None
    if "splits" in arrays:
        splits, codes = _split_codes(arrays["splits"], len(images), where)
    _write(images, where, writer, tell)
    return _described(labels, arrays.get("names"), splits, codes, where)


def _described(
    labels: NDArray[np.int64],
    names: NDArray[Any] | None,
    splits: tuple[str, ...],
    codes: NDArray[np.uint8] | None,
    where: str,
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
    return Rows("arrays", classes, labels, splits, codes, notes=notes)


def _write(images: NDArray[Any], where: str, writer: Writer, tell: Tell) -> None:
    # Fractions are told from whole numbers by the whole array, not by a block that happens to be dark.
    fractions = are_fractions(images)
    for start in range(0, len(images), _BLOCK):
        block = images[start : start + _BLOCK]
        try:
            writer.add(as_images(block, where, fractions=fractions))
        except InputError as error:
            row = re.fullmatch(re.escape(where) + r" row (\d+)", error.where)
            if row is None or not start:
                raise
            raise InputError(f"{where} row {start + int(row[1])}", error.fault, error.mend) from None
        tell("parsing images", min(1.0, (start + _BLOCK) / len(images)))


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
    except PermissionError:
        raise InputError(path, "cannot be read: no permission", "see its mode and its owner") from None
    except MemoryError:
        raise InputError(f"{path}{key}", "does not fit into memory", "save it as .npy: that is read in parts") from None
    except Exception as error:
        # of any file that it does not know, NumPy says that it is pickled
        if "Object arrays" in str(error) or "Python objects" in str(error) or _is_pickle(path):
            fault, mend = "holds pickled objects, which could run code", "save numbers and text: np.savez"
            raise InputError(f"{path}{key}", fault, mend) from None
        raise InputError(path, "is no NumPy archive, or is cut off", "get the file again") from None


def _is_pickle(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(1) == b"\x80"
