"""Regions: disjoint, named, and together the whole picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fer_tui.classifier.fitting import Fit, fitted
from fer_tui.contract import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Weights = NDArray[np.float64]

OUTSIDE = "outside"
FACE, REST = "face", "rest of the face"
_OF_FACES = frozenset({"eyes", "brows", "nose", "mouth", FACE, REST})


@dataclass(frozen=True, eq=False, slots=True)
class Regions:
    """Disjoint regions that cover every picture.

    names: of the regions; the last is `outside`, what no mask covers. masks: bool, of all but `outside`, (R - 1, H, W)
    for all pictures or (R - 1, N, H, W) by the dataset's row. where: what they came from, for messages.
    of_other_sizes: what becomes of pictures that have another size than the masks. fitted: the masks are taken to be of
    the network's input, if they have its size; refused: InputError; scaled: the masks are stretched to the picture.
    """

    names: tuple[str, ...]
    masks: NDArray[np.bool_]
    where: str
    of_other_sizes: Literal["fitted", "refused", "scaled"] = "fitted"

    @property
    def rows(self) -> int | None:
        """How many pictures have masks of their own, None where one set is for all."""
        return self.masks.shape[1] if self.masks.ndim == 4 else None

    @property
    def whole(self) -> str:
        """What the regions of `inside` are together."""
        return "face" if _OF_FACES & set(self.names) else "inside"

    @property
    def inside(self) -> tuple[int, ...]:
        """Those within the face; where no name is of a face, all but `outside`."""
        of_faces = [n for n, name in enumerate(self.names) if name in _OF_FACES]
        return tuple(of_faces) or tuple(range(len(self.names) - 1))

    def weights(
        self,
        size: tuple[int, int],
        *,
        row: int | None = None,
        picture: tuple[int, int] | None = None,
        fit: Fit = "stretch",
    ) -> Weights:
        """How much of each pixel of the network's input lies in each region: float64 (R, H, W), 1 in all at a pixel.

        size: (H, W) of the input. picture: (h, w) of the dataset's picture, which was fitted to it by `fit`; the masks
        are fitted alike. Where it is None, masks of another size than the input's are taken to be of the picture's.
        InputError where the masks are of another size, or the row has none.
        """
        masks = self._of(row)
        shape = masks.shape[1:]
        parts = masks.astype(np.float32)
        if picture is not None and shape != picture:
            if self.of_other_sizes == "scaled":
                parts = np.stack([fitted(part, picture, "stretch") for part in parts])
            elif shape != size or self.of_other_sizes == "refused":
                raise self._misfit(shape, picture, size)
        if parts.shape[1:] != size:
            parts = np.stack([fitted(part, size, fit) for part in parts])
        inner = parts.astype(np.float64)
        whole = np.concatenate([inner, np.maximum(1 - inner.sum(0, keepdims=True), 0)])
        weights: Weights = whole / whole.sum(0)
        return weights

    def check_rows(self, rows: int, *, limited: bool) -> None:
        """InputError where masks by row are not those of a dataset of so many rows (its first ones, where limited)."""
        if self.rows is not None and (self.rows < rows or (self.rows > rows and not limited)):
            fault = f"has masks for {self.rows} rows, and the data have {rows}"
            raise InputError(self.where, fault, "give one mask for each row of what is open, or one for all")

    def _of(self, row: int | None) -> NDArray[np.bool_]:
        if self.rows is None:
            return self.masks
        if row is None or not 0 <= row < self.rows:
            fault = f"has masks for rows 0 to {self.rows - 1}, and the picture is {_told(row)}"
            raise InputError(self.where, fault, "explain a row of the data, or give one mask for all")
        of_row: NDArray[np.bool_] = self.masks[:, row]
        return of_row

    def _misfit(self, shape: tuple[int, ...], picture: tuple[int, int], size: tuple[int, int]) -> InputError:
        there, wanted, network = (" x ".join(map(str, each)) for each in (shape, picture, size))
        fault = f"its masks are {there}, the picture is {wanted} and the network's input {network}"
        mend = "masks have the size of one of them" if self.of_other_sizes == "fitted" else "layout:scaled stretches it"
        return InputError(self.where, fault, mend)


def regions_of(masks: Mapping[str, NDArray[Any]], where: str = "regions") -> Regions:
    """Regions from masks by name: arrays of 0 and 1, (H, W) for all pictures or (N, H, W) by row.

    Where masks overlap, a pixel is of the smaller one (by its mean area over all rows); what is left of `face` is then
    the rest of the face. InputError where they do not fit together.
    """
    arrays = {str(name): _mask(where, str(name), array) for name, array in masks.items()}
    if not arrays:
        raise InputError(where, "has no region", "give masks by name")
    if OUTSIDE in arrays:
        raise InputError(where, f"names a region {OUTSIDE}", "leave it out: it is what no mask covers")
    sizes = {array.shape[-2:] for array in arrays.values()}
    counts = {len(array) for array in arrays.values() if array.ndim == 3}
    if len(sizes) > 1 or len(counts) > 1:
        told = ", ".join(f"{name} {' x '.join(map(str, array.shape))}" for name, array in arrays.items())
        raise InputError(where, f"its masks have several shapes: {told}", "give all masks one size and as many rows")
    shape = (*counts, *next(iter(sizes)))
    disjoint = np.empty((len(arrays), *shape), np.bool_)
    taken = np.zeros(shape, np.bool_)
    names = list(arrays)
    overlapped = False
    for index in np.argsort([array.mean() for array in arrays.values()], kind="stable").tolist():
        whole = np.broadcast_to(arrays[names[index]], shape)
        disjoint[index] = whole & ~taken
        if names[index] == FACE:
            overlapped = bool((whole & taken).any())
        taken |= whole
    told_names = [REST if name == FACE and overlapped else name for name in names]
    return Regions((*told_names, OUTSIDE), disjoint, where)


def _mask(where: str, name: str, array: NDArray[Any]) -> NDArray[np.bool_]:
    array = np.asarray(array)
    if array.ndim not in (2, 3) or 0 in array.shape or array.dtype.kind not in "bui" or bool((array > 1).any()):
        raise InputError(
            where, f"{name} is {array.dtype} {array.shape}, not a mask", "give 0 and 1, (H, W) or (N, H, W)"
        )
    return array.astype(np.bool_)


def _told(row: int | None) -> str:
    return "no row of the data" if row is None else f"row {row}"
