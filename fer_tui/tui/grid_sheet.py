"""The Grid as one picture, of explanations that lie in files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fer_tui.contract import Heatmap

from .scaling import on_a_sheet
from .sheet_keys import keys_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .look import Look

SHEET = "sheet.png"
NOT_MADE = "-"  # the name of a file that is not there


@dataclass(frozen=True, slots=True)
class SheetCell:
    """name: of the file with its explanation, '' where the image itself is shown. image: the dataset's row.

    method: what explains it.
    """

    name: str = ""
    image: int | None = None
    words: str = ""
    method: str = ""


@dataclass(frozen=True, slots=True)
class GridSheet:
    """What is on the sheet. rows: the lines of a row's title, and its cells. images: pictures by row. look: its own."""

    title: str
    columns: Sequence[str]
    rows: Sequence[tuple[Sequence[str], Sequence[SheetCell]]]
    images: Mapping[int, NDArray[np.uint8]]
    look: Look

    def write(self, folder: Path, made: Sequence[str]) -> None:
        """Draw what was `made` into the folder; the places of the others stay empty."""
        from fer_tui.picture import Tile, contact_sheet, load, render, save, save_picture

        there, maps = frozenset(made), on_a_sheet()
        for cell in (each for _, cells in self.rows for each in cells if each.name in there):
            if isinstance(seen := load(folder / f"{cell.name}.npz"), Heatmap):
                maps.see(seen, cell.method)

        def tile(cell: SheetCell) -> Tile:
            explanation = load(folder / f"{cell.name}.npz") if cell.name in there else None
            if explanation is None and (cell.name or cell.image is None):
                return Tile(None, cell.words)
            if explanation is not None and self.look.scales.mode == "shared":  # it is known by now over which maps
                save(explanation, folder / f"{cell.name}.png", **self.look.drawn(explanation, maps))
            shown = render(explanation) if explanation is not None and cell.image is None else None
            return Tile(shown or self.look.picture(explanation, self.images[cell.image or 0], maps), cell.words)

        rows = [(lines, [tile(cell) for cell in cells]) for lines, cells in self.rows]
        save_picture(contact_sheet(self.title, self.columns, rows, keys_of(self.look, maps)), folder / SHEET)
