"""Masks of named regions in files: what explainers hide, and what attribution is measured in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import InputError
from .words import nearest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]

_MEND = (
    "give bool arrays (H, W) or (N, H, W) by name in an .npz, a .png whose grey levels number the regions, "
    "or a folder with a .png (or a folder of them, one a row) for each region"
)
_VALUES = "give 0 and 1 as bool or uint8, (H, W) or (N, H, W)"
_INSIDE = 128  # the grey level from which on a pixel of a folder's picture is in the region


def read_masks(path: str | Path, others: str = "") -> dict[str, Mask]:
    """The masks in a file or folder, by name: bool (H, W) for all pictures, or (N, H, W) by the dataset's row.

    .npz: arrays of 0 and 1 by name, or `masks` uint8 (N, R, H, W / 8) packed along the width with `mask_names`
    (R,). .png: each grey level or palette index but 0 is a region. A folder: NAME.png is the region NAME of all
    pictures, a folder NAME holds one .png for each row, in the order of their names; grey from 128 on is inside.
    InputError names what is wrong; others: what may be named instead of a file.
    """
    file = Path(path).expanduser()
    readers: dict[str, Callable[[Path], dict[str, Mask]]] = {".npz": _from_npz, ".png": _from_png}
    reader = _from_folder if file.is_dir() else readers.get(file.suffix.lower())
    if reader is None:
        like = nearest(str(path), others.split(", "))
        raise InputError(path, f"is no file of masks{like}", f"{_MEND}; or {others}" if others else _MEND)
    try:
        masks = reader(file)
    except InputError:
        raise
    except FileNotFoundError:
        raise InputError(path, "there is no such file", _MEND) from None
    except Exception as error:  # zip, NumPy and Pillow raise many kinds
        if "Object arrays" in str(error):
            raise InputError(path, "holds pickled objects, which could run code", _VALUES) from None
        raise InputError(path, f"is no {file.suffix.lower()} that can be read, or is cut off", _MEND) from error
    if not masks:
        raise InputError(path, "has no region", _MEND)
    return masks


def _from_npz(file: Path) -> dict[str, Mask]:
    import numpy as np

    with np.load(file, allow_pickle=False) as stored:
        if {"masks", "mask_names"} <= set(stored.files):
            masks = np.unpackbits(stored["masks"], axis=-1).view(np.bool_)
            return {str(name): masks[:, index] for index, name in enumerate(stored["mask_names"])}
        return {name: _checked(file, name, stored[name]) for name in stored.files}


def _checked(file: Path, name: str, array: NDArray[Any]) -> Mask:
    import numpy as np

    where = f"{file} key {name}"
    if array.ndim not in (2, 3) or array.dtype.kind not in "bui":
        raise InputError(where, f"{name} is {array.dtype} {array.shape}, not a mask", _VALUES)
    if bool(((array != 0) & (array != 1)).any()):
        raise InputError(where, f"has values from {array.min()} to {array.max()}: not a mask", _VALUES)
    return array.astype(np.bool_)


def _from_png(file: Path) -> dict[str, Mask]:
    import numpy as np
    from PIL import Image

    with Image.open(file) as picture:
        labels = np.asarray(picture)
    if labels.ndim != 2:
        raise InputError(file, f"has {labels.shape[-1]} channels", "save the labels as grey levels or with a palette")
    return {f"region {label}": labels == label for label in np.unique(labels).tolist() if label}


def _from_folder(folder: Path) -> dict[str, Mask]:
    import numpy as np

    masks = {file.stem: _inside(file) for file in sorted(folder.glob("*.png"))}
    for inner in sorted(each for each in folder.iterdir() if each.is_dir()):
        rows = [_inside(file) for file in sorted(inner.glob("*.png"))]
        if len({row.shape for row in rows}) > 1:
            raise InputError(inner, "its pictures have several sizes", "give all masks of a region one size")
        if rows:
            masks[inner.name] = np.stack(rows)
    return masks


def _inside(file: Path) -> Mask:
    import numpy as np
    from PIL import Image

    try:
        with Image.open(file) as picture:
            inside: Mask = np.asarray(picture.convert("L")) >= _INSIDE
    except (OSError, ValueError, SyntaxError):
        raise InputError(file, "is no picture that can be read", "get the file again") from None
    return inside
