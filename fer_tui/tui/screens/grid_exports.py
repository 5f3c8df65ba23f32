"""The Grid written to files: each cell's explanation, and all of them as one sheet."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from fer_tui.naming import file_name
from fer_tui.tui.asking import Request
from fer_tui.tui.exporting import Item
from fer_tui.tui.grid import WEIGHTS, Cell, Table
from fer_tui.tui.grid_sheet import NOT_MADE, GridSheet, SheetCell

from . import grid_words
from .exports import MarkedExports, Offer
from .gridding import Gridding

_MOST = 600  # cells of a sheet
_WIDEST = 22  # characters of a column's title
_WAYS = ("down,", "across")  # the font of pictures has no arrows and no dot


class GridExports(MarkedExports, Gridding):
    """A grid that can be exported."""

    def request_of(self, cell: Cell) -> Request | None:
        """What makes a cell; None where there is nothing to be made."""
        if cell.method is None or cell.repeats is not None or cell.missing:
            return None
        if cell.place.image is None and cell.method.uses("images"):
            return None
        return self.desk.project.request(cell.method.description, dict(cell.method.parameters), cell.place)

    def offers(self) -> Iterator[Offer]:
        table = self.table
        if table is not None and table.rows and table.columns:
            yield from self._sheets(table)
        yield from super().offers()

    def _sheets(self, table: Table) -> Iterator[Offer]:
        """All rows where they are not too many, else those in sight."""
        rows, columns = range(len(table.rows)), range(len(table.columns))
        told = "the whole sheet"
        if len(rows) * len(columns) > _MOST:
            (rows, columns), told = self.in_sight(table), "the sheet that is in sight"
        cells = {(row, column): table.cell(row, column) for row in rows for column in columns}
        requests = {key: request for key, cell in cells.items() if (request := self.request_of(cell)) is not None}
        made = {key: each for key, each in requests.items() if self.desk.project.look_up(each) is not None}
        folder = self.home / file_name("grid", *table.sides)
        missing = len(requests) - len(made)
        later = f", {missing:,} of them still to be made" if missing else ""
        what = f"{told}: {len(rows)} x {len(columns)} cells{later}"
        yield what, partial(self._ask_sheet, folder, table, cells, requests)
        if missing and made:
            yield (
                f"{told}, of the {len(made):,} cells that are made",
                partial(self._ask_sheet, folder, table, cells, made),
            )

    def _ask_sheet(
        self,
        folder: Path,
        table: Table,
        cells: Mapping[tuple[int, int], Cell],
        requests: Mapping[tuple[int, int], Request],
    ) -> None:
        names = {key: self._file_of(table, key) for key in requests}

        def items() -> list[Item]:
            return [
                self.item(
                    names[key],
                    request,
                    cells[key].place,
                    cell=list(key),
                    titles=[table.rows[key[0]].name, table.columns[key[1]].name],
                )
                for key, request in requests.items()
            ]

        self.ask_folder(folder, items, self._sheet(table, cells, names).write)

    def _file_of(self, table: Table, key: tuple[int, int]) -> str:
        row, column = key
        return file_name(f"{row:02}-{column:02}", table.rows[row].name, table.columns[column].name)

    def _sheet(
        self, table: Table, cells: Mapping[tuple[int, int], Cell], names: Mapping[tuple[int, int], str]
    ) -> GridSheet:
        desk, inks, dataset = self.desk, self.inks, self.desk.project.dataset
        assert dataset is not None
        rows = sorted({row for row, _ in cells})
        columns = sorted({column for _, column in cells})

        def sheet_cell(key: tuple[int, int]) -> SheetCell:
            cell = cells[key]
            image = cell.place.image
            if cell.repeats is not None:
                return SheetCell(words="same")
            if cell.missing:
                return SheetCell(words=cell.missing)
            if cell.method is None:
                return SheetCell(image=image)
            told = ""
            if any(side in WEIGHTS for side in table.sides):
                told = grid_words.predicted_in(desk, table, cell, inks).plain
            return SheetCell(names.get(key, NOT_MADE), image, told, cell.method.name)

        lines = {
            row: [
                line.plain.strip().replace("●", "marked")
                for line in grid_words.name_of(desk, table.rows[row], 3, False, inks)
            ]
            for row in rows
        }
        images = {cell.place.image for cell in cells.values()} - {None}
        return GridSheet(
            f"{desk.project.name}: {grid_words.title(desk, self.grid, table, inks, _WAYS).plain.strip()}",
            [grid_words.heading_of(desk, table.columns[column], _WIDEST, False, inks).plain for column in columns],
            [(lines[row], [sheet_cell((row, column)) for column in columns]) for row in rows],
            {image: dataset.shown(image) for image in images if image is not None},
            copy.deepcopy(desk.look),
        )
