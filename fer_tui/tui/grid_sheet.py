"""The Grid as one picture, of explanations that lie in files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fer_tui.contract import Heatmap

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fer_tui.picture import Key, Scale

    from .look import Look

SHEET = "sheet.png"
NOT_MADE = "-"  # the name of a file that is not there
_WITH_COLOURS = ("overlay", "map")


@dataclass(frozen=True, slots=True)
class SheetCell:
    """name: of the file with its explanation, '' where the image itself is shown. image: the dataset's row."""

    name: str = ""
    image: int | None = None
    words: str = ""


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
        from fer_tui.picture import Tile, contact_sheet, load, render, save_picture

        there = frozenset(made)
        if self.look.scales.mode == "shared":
            for name in made:
                if isinstance(seen := load(folder / f"{name}.npz"), Heatmap):
                    self.look.scales.see(seen)
        scales: dict[str, set[Scale]] = {}

        def tile(cell: SheetCell) -> Tile:
            explanation = load(folder / f"{cell.name}.npz") if cell.name in there else None
            if explanation is None and (cell.name or cell.image is None):
                return Tile(None, cell.words)
            if isinstance(explanation, Heatmap) and self.look.view in _WITH_COLOURS:
                scales.setdefault(self.look.colours_of(explanation), set()).add(self.look.scales.of(explanation))
            shown = render(explanation) if explanation is not None and cell.image is None else None
            return Tile(shown or self.look.picture(explanation, self.images[cell.image or 0]), cell.words)

        rows = [(lines, [tile(cell) for cell in cells]) for lines, cells in self.rows]
        keys = [_key(colours, found) for colours, found in scales.items()]
        save_picture(contact_sheet(self.title, self.columns, rows, keys), folder / SHEET)


def _key(colours: str, scales: set[Scale]) -> Key:
    """The numbers of the scale where all maps have the same."""
    from fer_tui.picture import Key

    if len(scales) > 1:
        return Key(colours, "each map's lowest", "its highest")
    ((low, high),) = scales
    return Key(colours, f"{low:.3g}", f"{high:.3g}")
