"""The confusion matrix as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.style import Style

from fer_tui.contract import plain

from .cell_table import CellTable, heat

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fer_tui.contract import Matrix

_SUMS = {"recall": 8, "images": 8}  # columns of what is told of a class
_INSIDE = {"in face": 9}  # the same, where the focus is known


class ConfusionTable(CellTable):
    """Rows are true classes, columns predicted ones; beside them each class's recall and number of images.

    Where the focus was measured, the share of attribution inside the face stands beside them.
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._matrix: Matrix | None = None
        self._shares: NDArray[np.float64] | None = None
        self._colours = "viridis"
        self._inside: Sequence[str] = ()
        self._names: tuple[str, ...] = ()

    def show(self, matrix: Matrix, colours: str, inside: Sequence[str] = ()) -> None:
        """Show this matrix; the cursor stays where it is. inside: each class's share inside the face, if known."""
        from fer_tui.picture import row_shares

        self._matrix, self._shares, self._colours, self._inside = matrix, row_shares(matrix), colours, inside
        self._names = tuple(map(plain, matrix.classes))
        self.show_anew()

    @property
    def rows(self) -> Sequence[str]:
        return self._names

    @property
    def columns(self) -> Sequence[str]:
        return self._names

    @property
    def sums(self) -> Mapping[str, int]:
        return {**_SUMS, **_INSIDE} if self._inside else _SUMS

    def cell(self, row: int, column: int) -> tuple[str, Style]:
        assert self._matrix is not None and self._shares is not None
        count, share = int(self._matrix.counts[row, column]), float(self._shares[row, column])
        return self._text(count, share), heat(share, self._colours)

    def told(self, row: int) -> Sequence[str]:
        assert self._matrix is not None
        counts = self._matrix.counts[row]
        total = int(counts.sum())
        recall = f"{counts[row] / total:.0%}" if total else "–"
        return recall, f"{total}", *self._inside[row : row + 1]

    def _text(self, count: int, share: float) -> str:
        if not self.rates:
            return str(count)
        if share != share:
            return "–"
        return f"{share:.0%}" if count else "·"
