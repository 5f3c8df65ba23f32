"""Sheets of filters as pictures, in the order that they have on the screen, of galleries that lie in files."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fer_tui.contract import Gallery, plain

from .filters import indices_of

if TYPE_CHECKING:
    from fer_tui.picture import Tile


@dataclass(frozen=True, slots=True)
class GallerySheet:
    """One picture. file: its name. tiles: for each the name of the file of its gallery, and the filter's (or class's)
    number; of variants the first is shown."""

    file: str
    title: str
    tiles: Sequence[tuple[str, int]]

    def write(self, folder: Path, made: Sequence[str]) -> None:
        """Draw it into the folder; the places of what was not `made` stay empty."""
        from fer_tui.picture import Tile, contact_sheet, load, save_picture

        loaded = {name: load(folder / f"{name}.npz") for name in {name for name, _ in self.tiles} & set(made)}
        known = {name: (each, indices_of(each)) for name, each in loaded.items() if isinstance(each, Gallery)}
        if not known:
            return
        tiles = [
            _tile(known[name][0], known[name][1][number]) if name in known and number in known[name][1] else Tile(None)
            for name, number in self.tiles
        ]
        across = math.ceil(math.sqrt(len(tiles)))
        rows = [((), tiles[at : at + across]) for at in range(0, len(tiles), across)]
        save_picture(contact_sheet(self.title, [""] * across, rows), folder / self.file)


def _tile(gallery: Gallery, index: int) -> Tile:
    """One picture of a gallery in its frame, with its caption."""
    from fer_tui.picture import Tile, sheet

    alone = Gallery(
        images=gallery.images[index : index + 1],
        captions=(gallery.captions[index],),
        scores=np.asarray(gallery.scores[index : index + 1]),
        marked=(0,) if index in gallery.marked else (),
    )
    return Tile(sheet(alone), plain(gallery.captions[index]))
