"""What the second of two checkpoints fixes and breaks, as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.style import Style

from fer_tui.contract import plain
from fer_tui.tui.changes import COLUMNS, NET, Changes

from .cell_table import CellTable, heat
from .lines import inks_of

_P = {"p": 9}  # columns of McNemar's p


class ChangeTable(CellTable):
    """Rows are true classes and all of them, columns what became of their images."""

    WIDEST = 14

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, rates=False)
        self.changes: Changes | None = None
        self._colours = "viridis"
        self._names: tuple[str, ...] = ()

    def show(self, changes: Changes | None, colours: str) -> None:
        """Show these changes, or none; the cursor stays where it is."""
        self.changes, self._colours = changes, colours
        self._names = (*map(plain, changes.classes), "all") if changes is not None else ()
        self.show_anew()

    @property
    def rows(self) -> Sequence[str]:
        return self._names

    @property
    def columns(self) -> Sequence[str]:
        return COLUMNS

    @property
    def sums(self) -> Mapping[str, int]:
        return _P

    def cell(self, row: int, column: int) -> tuple[str, Style]:
        assert self.changes is not None
        count, share, inks = int(self.changes.counts[row, column]), self.changes.share(row, column), inks_of(self.app)
        if column == NET:
            text = f"{share:+.1%}" if self.rates and share == share else f"{count:+d}" if count else "0"
            return text, inks.right if count > 0 else inks.wrong if count < 0 else inks.plain
        return (f"{share:.1%}" if share == share else "–") if self.rates else f"{count}", heat(share, self._colours)

    def told(self, row: int) -> Sequence[str]:
        assert self.changes is not None
        return (f"{self.changes.p_value:.2g}" if row == len(self.changes.classes) else "",)
