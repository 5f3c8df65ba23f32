"""Explanations in files: a picture, all arrays, or numbers as text."""

from __future__ import annotations

import dataclasses
import io
import json
import math
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from fer_tui.contract import Explanation, Gallery, Heatmap, InputError, Matrix, Reply, Table
from fer_tui.writing import write_whole

from .figures import figure
from .heatmaps import Look
from .tables import as_csv, classes_of, table_files

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image

    from .outlines import Labels

_KINDS: dict[str, type[Explanation]] = {cls.kind: cls for cls in (Heatmap, Gallery, Matrix, Reply)}
_EXTRAS = "extras/"


def save(explanation: Explanation, path: str | Path, *, regions: Labels | None = None, **look: Unpack[Look]) -> None:
    """Write `explanation` to `path`, by its suffix; the file is there whole or not at all.

    .png: the figure (`regions`, `look`: see there). .npz: every array under its own name, extras as "extras/NAME", meta
    as JSON text; `load` reads it back. .json: the same as numbers, null where a number is not finite.
    InputError where the suffix is none of these, or the file cannot be written.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    makers: dict[str, Callable[[], bytes]] = {
        ".png": lambda: _png(explanation, regions, look),
        ".npz": lambda: _npz(explanation),
        ".json": lambda: _json(explanation),
    }
    if suffix not in makers:
        fault = f"explanations are not written as {suffix}" if suffix else "the name has no suffix"
        raise InputError(path, fault, f"end it in {', '.join(makers)}")
    _put(path, makers[suffix]())


def save_tables(explanation: Explanation, stem: Path) -> tuple[Path, ...]:
    """Write each table as CSV beside `stem`, a file's path without its suffix; the files. InputError: it cannot be."""
    files = table_files(stem, explanation)
    for file, table in files.items():
        _put(file, as_csv(table, classes_of(explanation)).encode("utf-8", "surrogateescape"))
    return tuple(files)


def save_picture(picture: Image.Image, path: str | Path) -> None:
    """Write a picture as .png; the file is there whole or not at all. InputError where that cannot be."""
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise InputError(
            path, f"pictures are not written as {path.suffix or 'a file without a suffix'}", "end it in .png"
        )
    _put(path, _encoded(picture))


def load(path: str | Path) -> Explanation:
    """The explanation that `save` wrote to a .npz file. InputError where it is none, or damaged."""
    path = Path(path)
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        return _explanation(arrays)
    except FileNotFoundError:
        raise InputError(path, "no such file") from None
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        EOFError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "damaged, or no saved explanation"
        raise InputError(path, reason, "give a .npz file that fer-tui wrote") from error


def _png(explanation: Explanation, regions: Labels | None, look: Look) -> bytes:
    return _encoded(figure(explanation, regions=regions, **look))


def _encoded(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _npz(explanation: Explanation) -> bytes:
    arrays: dict[str, NDArray[Any]] = {"kind": np.array(explanation.kind)}
    for name, value in _fields(explanation).items():
        arrays[name] = np.array(json.dumps(_strict(value))) if isinstance(value, Mapping) else _array(value)
    arrays |= {_EXTRAS + name: np.asarray(array) for name, array in explanation.extras.items()}
    for name, array in arrays.items():
        if array.dtype.kind not in "biufcU":
            raise InputError(name, f"holds {array.dtype}, which has no place in a .npz file", "use arrays of numbers")
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def _array(value: object) -> NDArray[Any]:
    """A field as an array: texts stay texts, also where there is none of them."""
    if isinstance(value, tuple) and not value:
        return np.array([], "<U1")
    return np.asarray(value)


def _explanation(arrays: Mapping[str, NDArray[Any]]) -> Explanation:
    cls = _KINDS[str(arrays["kind"])]
    given: dict[str, Any] = {}
    for field in dataclasses.fields(cls):
        if field.name == "extras":
            given["extras"] = {n.removeprefix(_EXTRAS): a for n, a in arrays.items() if n.startswith(_EXTRAS)}
        elif field.name == "meta":
            given["meta"] = json.loads(str(arrays["meta"]))
        elif field.name == "tables":  # of an older file: none
            found = json.loads(str(arrays.get("tables", "{}")))
            given["tables"] = {name: Table.from_dict(each) for name, each in found.items()}
        elif str(field.type).startswith("tuple"):
            given[field.name] = tuple(arrays[field.name].tolist())
        else:
            array = arrays[field.name]
            given[field.name] = array if array.ndim else array.item()
    return cls(**given)


def _json(explanation: Explanation) -> bytes:
    data = {"kind": explanation.kind, **_fields(explanation), "extras": dict(explanation.extras)}
    return (json.dumps(_strict(data), allow_nan=False, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")


def _fields(explanation: Explanation) -> dict[str, Any]:
    """All fields but the extras."""
    return {f.name: getattr(explanation, f.name) for f in dataclasses.fields(explanation) if f.name != "extras"}


def _strict(value: Any) -> Any:
    """`value` as strict JSON: arrays as lists, None for what is not finite, text for what JSON does not know."""
    if isinstance(value, np.ndarray | np.generic):
        return _numbers(np.asarray(value))
    if isinstance(value, Table):
        return value.to_dict()
    if isinstance(value, Mapping):
        return {str(key): _strict(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_strict(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _numbers(array: NDArray[Any]) -> Any:
    """Nested lists; a float gets the fewest digits that give it back."""
    if array.dtype.kind != "f":
        return array.tolist()
    short = array.astype("U").astype(np.float64) if array.dtype.itemsize < 8 else array
    return np.where(np.isfinite(short), short, None).tolist() if array.size else array.tolist()  # type: ignore[call-overload]


def _put(path: Path, content: bytes) -> None:
    try:
        _check_folder(path)
        write_whole(path, content)
    except (OSError, ValueError) as error:
        told = error.strerror if isinstance(error, OSError) else None
        raise InputError(path, f"cannot be written: {told or error}", "choose another place") from error


def _check_folder(path: Path) -> None:
    if not path.parent.is_dir():
        raise InputError(path, f"there is no folder {path.parent}", "make it first")
    if path.is_dir():
        raise InputError(path, "is a folder", "name a file in it")
