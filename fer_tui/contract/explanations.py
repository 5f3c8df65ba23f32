"""What explainers return: heat maps, galleries of pictures, matrices of counts; and what actions tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from .places import Place
from .tables import Table, checked

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Kind = Literal["heatmap", "gallery", "matrix"]  # of what explainers make
MOST_TEXT = 100_000  # letters of a reply


def _expect(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(what)


_FLOAT32, _UINT8, _INT64 = ("f", 4), ("u", 1), ("i", 8)  # as NumPy tells kind and bytes


def _is(array: object, numbers: tuple[str, int]) -> bool:
    """Whether it is an array of NumPy with numbers of that kind; a tensor of torch is none."""
    dtype = getattr(array, "dtype", None)
    return getattr(dtype, "kind", None) == numbers[0] and dtype.itemsize == numbers[1]  # type: ignore[union-attr]


@dataclass(frozen=True, eq=False, kw_only=True)
class Explanation:
    """What all explanations carry.

    meta: explainer, version, parameters, digests, seed, seconds, device, as JSON-like data (filled in by the engine).
    notes: warnings in plain words. extras: arrays that belong to one method. tables: by their names, for people.
    """

    kind: ClassVar[Kind | Literal["reply"]]
    extras: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    meta: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    tables: Mapping[str, Table] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.tables:
            checked(self.tables)

    def save(self, path: str | Path) -> None:
        """Write to `path`, atomically, by its suffix: .png (the picture), .npz (all arrays), .json (numbers)."""
        from fer_tui.picture import save

        save(self, Path(path))


@dataclass(frozen=True, eq=False, kw_only=True)
class Heatmap(Explanation):
    """One value for each pixel of the model's fitted input.

    values: float32 (H, W), raw, unnormalised. signed: negative values mean evidence against the target.
    image: uint8 (H, W) or (H, W, 3), the fitted input as shown.
    """

    kind: ClassVar[Kind] = "heatmap"
    values: NDArray[np.float32]
    image: NDArray[np.uint8]
    signed: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        values, image = self.values, self.image
        _expect(_is(values, _FLOAT32) and values.ndim == 2, "Heatmap.values must be float32 (H, W)")
        _expect(
            _is(image, _UINT8) and (image.shape == values.shape or image.shape == (*values.shape, 3)),
            "Heatmap.image must be uint8 (H, W) or (H, W, 3), of the size of values",
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class Gallery(Explanation):
    """Pictures side by side.

    images: float32 (N, h, w) or (N, h, w, 3); captions: N texts; marked: indices to frame; scores: float32 (N,).
    """

    kind: ClassVar[Kind] = "gallery"
    images: NDArray[np.float32]
    captions: tuple[str, ...]
    scores: NDArray[np.float32]
    marked: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        shape = self.images.shape if _is(self.images, _FLOAT32) else ()
        _expect(
            len(shape) == 3 or (len(shape) == 4 and shape[3] == 3),
            "Gallery.images must be float32 (N, h, w) or (N, h, w, 3)",
        )
        _expect(len(self.captions) == shape[0], "Gallery.captions must be one for each image")
        _expect(
            _is(self.scores, _FLOAT32) and self.scores.shape == shape[:1],
            "Gallery.scores must be float32 (N,)",
        )
        _expect(all(0 <= index < shape[0] for index in self.marked), "Gallery.marked must be indices of images")


@dataclass(frozen=True, eq=False, kw_only=True)
class Matrix(Explanation):
    """Counts by true class (rows) and predicted class (columns): int64 (C, C); `rows` tells a cell's images."""

    kind: ClassVar[Kind] = "matrix"
    counts: NDArray[np.int64]
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        size = len(self.classes)
        _expect(
            _is(self.counts, _INT64) and self.counts.shape == (size, size),
            "Matrix.counts must be int64 (C, C)",
        )

    def rows(self, true: int, predicted: int) -> NDArray[np.int64]:
        """The dataset's rows of one cell, hardest first: those whose true class is least probable.

        KeyError where the matrix does not know its rows: extras labels, predicted and true_probability (N,).
        """
        import numpy as np

        labels, guesses, sure = (self.extras[name] for name in ("labels", "predicted", "true_probability"))
        found = np.flatnonzero((labels == true) & (guesses == predicted))
        ordered: NDArray[np.int64] = found[np.argsort(sure[found], kind="stable")]
        return ordered


@dataclass(frozen=True, eq=False, kw_only=True)
class Reply(Explanation):
    """What an action tells where it shows no picture: text, lines of plain words; and tables, as all may have."""

    kind: ClassVar[Literal["reply"]] = "reply"
    text: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        _expect(len(self.text) <= MOST_TEXT, f"Reply.text has {MOST_TEXT} letters at most, not {len(self.text)}")


@dataclass(frozen=True, eq=False, slots=True)
class Result:
    """One step of an explainer: an explanation for a place. `final` is False while a better one will follow.

    progress: the share of the whole run that is done, 0 to 1, or None where it is not known.
    """

    place: Place
    explanation: Explanation
    final: bool = True
    progress: float | None = None
