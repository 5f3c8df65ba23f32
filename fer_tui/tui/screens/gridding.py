"""The keys of the Grid: the cursor, what the rows and columns are, and the way to a cell's place."""

from __future__ import annotations

from fer_tui.tui.grid import ARRANGEMENTS, IMAGES, SIDES, WEIGHTS, Grid, Images, Side, Table
from fer_tui.tui.keys import Command
from fer_tui.tui.sides import checkpoints_of, networks_of
from fer_tui.tui.widgets.grid_view import GridView

from . import grid_words
from .base import ONE_CHECKPOINT, ONE_NETWORK
from .looking import Looking
from .popups import Choice


class Gridding(Looking):
    """A screen with a grid."""

    @property
    def grid(self) -> Grid:
        return self.desk.grid

    @property
    def table(self) -> Table | None:
        """What lies along the sides; None before anything is open."""
        raise NotImplementedError

    def size_of(self, table: Table) -> tuple[tuple[int, int], tuple[int, int]]:
        """The size of a cell's picture in (columns, lines), and how many (rows, columns) there is room for."""
        raise NotImplementedError

    def in_sight(self, table: Table) -> tuple[range, range]:
        """The rows and columns that are shown."""
        raise NotImplementedError

    def want(self, *, again: bool = False) -> None:
        """Want the cells in sight, and draw them."""
        raise NotImplementedError

    def draw_cells(self) -> None:
        """Draw the cells as they are now."""
        raise NotImplementedError

    # ---- moving ------------------------------------------------------------------------------------------------------

    def _move(self, down: int, right: int) -> None:
        if (table := self.table) is not None:
            self.grid.move(down, right, table)
            self.want()

    def _go_to(self, row: int) -> None:
        if (table := self.table) is not None:
            self.grid.move_to(row, self.grid.cursor[1], table)
            self.want()

    @property
    def _page(self) -> int:
        return len(self.in_sight(table)[0]) if (table := self.table) is not None else 1

    def do_down(self, command: Command) -> None:
        self._move(command.times, 0)

    def do_up(self, command: Command) -> None:
        self._move(-command.times, 0)

    def do_left(self, command: Command) -> None:
        self._move(0, -command.times)

    def do_right(self, command: Command) -> None:
        self._move(0, command.times)

    def do_page_down(self, command: Command) -> None:
        self._move(command.times * self._page, 0)

    def do_page_up(self, command: Command) -> None:
        self._move(-command.times * self._page, 0)

    def do_first(self, command: Command) -> None:
        self._go_to(command.count or 0)

    def do_last(self, command: Command) -> None:
        self._go_to(command.count if command.count is not None else len(table.rows) - 1 if (table := self.table) else 0)

    def on_grid_view_chosen(self, message: GridView.Chosen) -> None:
        if (table := self.table) is None:
            return
        rows, columns = self.in_sight(table)
        if message.row < len(rows) and message.column < len(columns):
            chosen = rows[message.row], columns[message.column]
            if chosen == self.grid.cursor:
                self.open_place()
            else:
                self.grid.move_to(*chosen, table)
                self.want()

    def on_grid_view_scrolled(self, message: GridView.Scrolled) -> None:
        self._move(message.rows, 0)

    # ---- what the grid is --------------------------------------------------------------------------------------------

    def _laid_out(self) -> None:
        """Rows or columns are others: be at what the user was at, where it lies along one of them."""
        browser, grid = self.desk.browser, self.grid
        if browser is not None and (table := self.table) is not None:
            here = {
                "images": browser.position if grid.images == "listed" else 0,
                "classes": browser.target_class or 0,
                **{side: self._here(table, side) for side in WEIGHTS},
            }
            row, column = (here.get(side, 0) for side in grid.sides)
            grid.move_to(row, column, table)
        self.aimed()

    def _here(self, table: Table, side: Side) -> int:
        """Where along a side the user's checkpoint lies."""
        steps = (table.rows, table.columns)[table.sides.index(side)] if side in table.sides else ()
        now = self.desk.browser.checkpoint if self.desk.browser is not None else 0
        return next((number for number, step in enumerate(steps) if step.checkpoint == now), 0)

    def _why_not(self, side: Side) -> str:
        """Why there is but one along a side, '' where there are several."""
        if side == "checkpoints" and len(checkpoints_of(self.desk)) < 2:
            return ONE_CHECKPOINT
        return ONE_NETWORK if side == "networks" and len(networks_of(self.desk)) < 2 else ""

    def do_arrange(self, command: Command) -> None:
        self._to_arrangement(1 if command.count is None else None, command.count)

    def do_arrange_back(self, command: Command) -> None:
        self._to_arrangement(-1, None)

    def _to_arrangement(self, steps: int | None, count: int | None) -> None:
        now = self.grid.arrangement
        number = count - 1 if count is not None else (now if now is not None else -1) + (steps or 0)
        number %= len(ARRANGEMENTS)
        while why := "".join(self._why_not(side) for side in ARRANGEMENTS[number][1:]):  # the first one can always be
            if count is not None:
                self.say(why)
                return
            number = (number + (steps or 1)) % len(ARRANGEMENTS)
        self.grid.arrange(number)
        self._laid_out()
        self.say(ARRANGEMENTS[number][0])

    def do_pick_rows(self, command: Command) -> None:
        self._pick("rows", 0)

    def do_pick_columns(self, command: Command) -> None:
        self._pick("columns", 1)

    def _pick(self, what: str, which: int) -> None:
        def choose(number: int | None) -> None:
            if number is None:
                return
            if why := self._why_not(SIDES[number]):
                self.say(why)
            else:
                self.grid.choose(which, SIDES[number])
                self._laid_out()

        at = SIDES.index(self.grid.sides[which])
        self.app.push_screen(Choice(what, [grid_words.SIDES[side] for side in SIDES], at), choose)

    def do_swap_sides(self, command: Command) -> None:
        self.grid.swap()
        self.aimed()

    def do_which_images(self, command: Command) -> None:
        at = (IMAGES.index(self.grid.images) + command.times) % len(IMAGES)
        self._show_images(IMAGES[at] if IMAGES[at] != "marked" or self._has_marked else IMAGES[0])

    @property
    def _has_marked(self) -> bool:
        return self.desk.browser is not None and self.desk.browser.has_marked

    def do_marked_grid(self, command: Command) -> None:
        if self._has_marked:
            self._show_images("marked")
        else:
            self.say("nothing is marked: Space marks images in Explore")

    def _show_images(self, images: Images) -> None:
        self.grid.show(images)
        self._laid_out()

    def do_more(self, command: Command) -> None:
        self._enlarge(command.times)

    def do_less(self, command: Command) -> None:
        self._enlarge(-command.times)

    def _enlarge(self, steps: int) -> None:
        """Make cells larger; a size that is no other one is not counted."""
        if (table := self.table) is None:
            return
        before, now = self.size_of(table), self.grid.larger
        self.grid.larger += steps
        if self.size_of(table) == before:
            self.grid.larger = now
        self.want()

    # ---- leaving -----------------------------------------------------------------------------------------------------

    def do_open_place(self, command: Command) -> None:
        self.open_place()

    def open_place(self) -> None:
        """Be at the place of the cell at the cursor, in Explore."""
        table, browser, desk = self.table, self.desk.browser, self.desk
        if table is None or browser is None or not table.rows or not table.columns:
            return
        cell, sides = table.cell(*self.grid.cursor), table.sides
        place, method = cell.place, cell.method
        if method is not None:
            desk.choice.choose_under(method.description, method.parameters)
        if place.target is not None and any(side in ("classes", *WEIGHTS) for side in sides):
            browser.target = place.target
        if place.checkpoint is not None:
            desk.go_to_checkpoint(place.checkpoint)
        if "layers" in sides and method is not None and method.uses("layers") and not cell.missing:
            browser.layer, browser.filter = place.layer, None
        if place.image is not None and not browser.go(place.image):
            browser.narrow("")
            browser.go(place.image)
        self.go("explore")

    def do_cancel(self, command: Command) -> None:
        if self.desk.stop():
            self.draw_cells()
        else:
            self.go("explore")
