"""Grid: rows and columns of explanations, chosen among images, classes, methods, layers, checkpoints, networks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from rich.style import Style
from rich.text import Text
from textual.app import ComposeResult
from textual.timer import Timer

from fer_tui.contract import Explanation, Heatmap
from fer_tui.tui.asking import Asking, Request
from fer_tui.tui.curving import curves_of
from fer_tui.tui.desk import Change
from fer_tui.tui.grid import WEIGHTS, Cell, Table, outward, tile_size
from fer_tui.tui.scaling import Ranges, on_a_sheet
from fer_tui.tui.sheet_keys import keys_of
from fer_tui.tui.sides import best_of_each_class, checkpoints_of, networks_of, table_of
from fer_tui.tui.widgets.colour_bar import bars_line
from fer_tui.tui.widgets.curves import CurvePlot, Curves
from fer_tui.tui.widgets.grid_view import GridRow, GridView, Layout
from fer_tui.tui.widgets.lines import Lines

from . import grid_words
from .grid_exports import GridExports

if TYPE_CHECKING:
    from PIL.Image import Image

_EVERY = 0.15  # seconds between two looks at new predictions
_SOON = 0.03  # seconds in which answers are drawn together
_WORDS = 5  # lines below the grid
_PIXELS = 160  # of a cell's longer side, at most
_FRAME = 4  # pixels around a picture, on both sides together


class GridScreen(GridExports):
    """The cells in sight, the words of the one at the cursor below, curves above where a side is checkpoints."""

    LETTER = "g"

    def compose_body(self) -> ComposeResult:
        yield CurvePlot(id="grid-curves")
        yield Lines(id="grid-title")
        yield GridView(id="grid")
        yield Lines(id="grid-bar")
        yield Lines(id="grid-words")

    def on_mount(self) -> None:
        self._waits: dict[str, Timer] = {}
        self._pictures: dict[tuple[int, int], tuple[object, Image]] = {}
        self._best_for: object = None
        self._maps = on_a_sheet()  # that are in sight
        self._counted: dict[tuple[int, int], Explanation | None] = {}  # what they were counted of
        super().on_mount()

    @property
    def view(self) -> GridView:
        return self.query_one(GridView)

    @property
    def maps(self) -> Ranges:
        return self._maps

    @property
    def heatmap(self) -> Heatmap | None:
        """The map at the cursor, else the first one in sight."""
        if (here := super().heatmap) is not None or (table := self.table) is None:
            return here
        rows, columns = self.in_sight(table)
        made = (self.desk.cells.answered((row, column)).explanation for row in rows for column in columns)
        return next((each for each in made if isinstance(each, Heatmap)), None)

    @property
    def asking(self) -> Asking:
        return self.desk.cells.asking(self.grid.cursor)

    def on_screen_resume(self) -> None:
        self._update()
        self._keep_best()
        super().on_screen_resume()

    def on_screen_suspend(self) -> None:
        if not self.is_current:  # else a popup is over it
            self.desk.cells.stop()

    # ---- what is wanted ----------------------------------------------------------------------------------------------

    @property
    def table(self) -> Table | None:
        self._keep_best()
        return table_of(self.desk, self.grid)

    def _keep_best(self) -> None:
        """Choose the images of the classes: again only where they are chosen from others, or by all predictions."""
        browser = self.desk.browser
        if browser is not None:
            known = browser.predictions
            chosen_from = (browser, browser.narrowing, browser.checkpoint, known.complete, len(browser.classes))
            if chosen_from != self._best_for:
                self._best_for, self.grid.best = chosen_from, best_of_each_class(browser)

    def aim(self) -> None:
        self.aimed()

    def aimed(self) -> None:
        if any(side in WEIGHTS for side in self.grid.sides):
            self.desk.gather_under(self._weights)
        self.want(again=True)

    @property
    def _weights(self) -> Sequence[int]:
        """The checkpoints that lie along a side."""
        if "checkpoints" in self.grid.sides:
            return checkpoints_of(self.desk)
        of_networks = networks_of(self.desk) if "networks" in self.grid.sides else ()
        return [step.checkpoint for step in of_networks if step.checkpoint is not None]

    def want(self, *, again: bool = False) -> None:
        """Want the cells in sight, those around the cursor first, and draw them."""
        table = self.table
        if table is not None:
            rows, columns = self.in_sight(table)
            wanted: dict[tuple[int, int], Request] = {}
            cells = {key: table.cell(*key) for key in outward(rows, columns, self.grid.cursor)}
            for key in sorted(
                cells, key=lambda key: _is_slow(cells[key])
            ):  # what takes long keeps nothing else waiting
                request = self.request_of(cells[key])
                if request is not None:
                    wanted[key] = request
            self.desk.cells.want(wanted, again=again)
        self._draw_grid()
        self.draw_status()

    def size_of(self, table: Table) -> tuple[tuple[int, int], tuple[int, int]]:
        """The size of a cell's picture, and how many rows and columns there is room for."""
        view = self.view
        width, height = self._pixels(table)
        aspect = view.cell_ratio * (width + _FRAME) / (height + _FRAME)
        counts = len(table.rows), len(table.columns)
        tile, (rows, columns) = tile_size(view.room, counts, aspect, self.grid.larger, in_pixels=view.in_pixels)
        return tile, (min(rows, view.most_rows), columns)

    def _pixels(self, table: Table) -> tuple[int, int]:
        """Width and height of a cell's picture in pixels: the network's input, or less; more for many pictures."""
        classifier = self.desk.project.classifier
        height, width = classifier.input_shape[-2:] if classifier is not None else (48, 48)
        scale = _PIXELS / max(height, width)
        if not any(method.description.kind == "gallery" for method in table.methods):
            scale = min(1.0, scale)
        return max(1, round(width * scale)), max(1, round(height * scale))

    def in_sight(self, table: Table) -> tuple[range, range]:
        return self.grid.in_sight(self.size_of(table)[1], table)

    # ---- drawing -----------------------------------------------------------------------------------------------------

    def draw(self, change: Change) -> None:
        if Change.PREDICTIONS in change:
            if self.is_current:
                self._later("predictions", _EVERY, self._draw_predictions)
            return
        super().draw(change)
        if Change.OPENED in change and self.is_current:
            self.aimed()
        elif Change.EXPLANATION in change:
            self._later("cells", _SOON, self.draw_cells)

    def _later(self, name: str, seconds: float, then: Callable[[], None]) -> None:
        """Do it after a moment, once for all that asks for it meanwhile."""
        if name not in self._waits:

            def run() -> None:
                self._waits.pop(name, None)
                if not self.is_left and self.is_attached:
                    then()

            self._waits[name] = self.set_timer(seconds, run)

    def _draw_predictions(self) -> None:
        if self.is_current:
            self._update()
            self.want()
            self.draw_top()

    def _update(self) -> None:
        """The list may hang on predictions that came unseen."""
        if self.desk.browser is not None:
            self.desk.browser.update()

    def draw_cells(self) -> None:
        self._draw_grid()
        self.draw_status()

    def looked(self) -> None:
        self._draw_grid()

    def on_grid_view_resized(self) -> None:
        if not self.is_left:
            self.want()

    def facts(self) -> Iterable[Text]:
        left = self.desk.cells.left
        if left:
            yield Text(f"{left} cell{'s' if left > 1 else ''} to be made …  Esc stops", self.inks.accent)
            return
        weights = self._weights
        known = self.desk.run.known_of(weights)
        if known < len(weights) and self.desk.has_run:
            what = next(side for side in WEIGHTS if side in self.grid.sides)
            yield Text(f"{known} of {len(weights)} {what} predicted", self.inks.accent)
        yield from super().facts()

    def _draw_grid(self) -> None:
        if self.is_left:
            return
        table, inks, heading = self.table, self.inks, self.query_one("#grid-title", Lines)
        below = self.query_one("#grid-words", Lines)
        self.set_class("checkpoints" in self.grid.sides, "-run")
        if table is None or not table.rows or not table.columns:
            heading.show([Text(" no image is there to be shown: w shows others", inks.muted)] if table else [])
            below.show([])
            self.query_one("#grid-bar", Lines).show([])
            self.view.show([], Layout())
            return
        tile, room = self.size_of(table)
        rows, columns = self.grid.in_sight(room, table)
        self._see(table, rows, columns)
        heading.show([grid_words.title(self.desk, self.grid, table, inks, in_sight=(rows, columns))])
        at = self.grid.cursor
        names = [grid_words.heading_of(self.desk, table.columns[n], tile[0], n == at[1], inks) for n in columns]
        lines = [self._row(table, row, columns, tile[1]) for row in rows]
        self.view.show(lines, Layout(tile, self._pixels(table), names))
        width = self.size.width - 2
        current, look = super().heatmap, self.desk.look
        bar = bars_line(keys_of(look, self._maps, current), width, inks, plain=self.app.no_color)
        self.query_one("#grid-bar", Lines).show([Text(" ").append_text(bar)])
        told = list(grid_words.told_of(self.desk, table.cell(*at), at, width, _WORDS, inks))[:_WORDS]
        below.show([Text(" ").append_text(line) for line in told])
        if "checkpoints" in self.grid.sides:
            self._draw_curves(table)

    def _see(self, table: Table, rows: range, columns: range) -> None:
        """Count the maps in sight for the scale that they share; forget the pictures of the others."""
        cells = [(row, column) for row in rows for column in columns]
        answers = {key: self.desk.cells.answered(key) for key in cells}
        finished = {key: each.explanation for key, each in answers.items() if each.final}
        if finished.keys() != self._counted.keys() or any(self._counted[key] is not finished[key] for key in finished):
            self._counted, self._maps = finished, on_a_sheet()
            for key, explanation in finished.items():
                if isinstance(explanation, Heatmap):
                    method = table.cell(*key).method
                    self._maps.see(explanation, method.name if method is not None else "")
                    self.desk.look.scales.seen.see(explanation)
        for key in self._pictures.keys() - set(cells):
            del self._pictures[key]

    def _row(self, table: Table, row: int, columns: range, lines: int) -> GridRow:
        at, inks = self.grid.cursor, self.inks
        words, pictures = [], []
        for column in columns:
            cell = table.cell(row, column)
            told = grid_words.under(self.desk, table, cell, (row, column), inks)
            if (row, column) == at:
                told = Text(f"▸{told.plain}◂", Style.combine([inks.accent, Style(reverse=True)]))
            words.append(told)
            pictures.append(self._picture(cell, (row, column)))
        return GridRow(grid_words.name_of(self.desk, table.rows[row], lines, row == at[0], inks), pictures, words)

    def _picture(self, cell: Cell, key: tuple[int, int]) -> Image | None:
        """The picture of a cell: the image until its explanation is there."""
        dataset, look = self.desk.project.dataset, self.desk.look
        if cell.repeats is not None or cell.missing or dataset is None:
            return None
        explanation = self.desk.cells.answered(key).explanation if cell.method is not None else None
        row = cell.place.image
        if explanation is None and (row is None or (cell.method is not None and not cell.method.uses("images"))):
            return None
        scale = look.scales.of(explanation, self._maps) if isinstance(explanation, Heatmap) else None
        drawn_of = (explanation, row, look.view, look.opacity, look.colours_of(explanation), look.rule, scale)
        before = self._pictures.get(key)
        if before is None or before[0] != drawn_of:
            self._pictures[key] = before = (drawn_of, look.picture(explanation, dataset.shown(row or 0), self._maps))
        return before[1]

    def _draw_curves(self, table: Table) -> None:
        browser, plot, run = self.desk.browser, self.query_one(CurvePlot), self.desk.run
        numbers = checkpoints_of(self.desk)
        course = run.course(browser.predictions.labels, numbers) if browser is not None else None
        if browser is None or course is None or not course.labelled.any():
            plot.show_curves(Curves())
            return
        place = table.cell(*self.grid.cursor).place
        checkpoint = browser.checkpoint if place.checkpoint is None else place.checkpoint
        names = [run.names[number] for number in numbers]
        plot.show_curves(curves_of(course, names, place.target, numbers.index(checkpoint), self.inks.strong))


def _is_slow(cell: Cell) -> bool:
    return cell.method is not None and cell.method.description.cost == "slow"
