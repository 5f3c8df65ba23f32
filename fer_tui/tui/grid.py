"""A grid of explanations: what its rows and its columns are; all else is locked to one place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from fer_tui.contract import Axis, Description, Place, Value

T = TypeVar("T")
Side = Literal["images", "classes", "methods", "variants", "layers", "checkpoints", "networks"]
SIDES: tuple[Side, ...] = ("images", "classes", "methods", "variants", "layers", "checkpoints", "networks")
Images = Literal["best", "listed", "marked"]
IMAGES: tuple[Images, ...] = ("best", "listed", "marked")
Laid = tuple[tuple[Side, Side], Images, tuple[int, int]]  # sides, images, cursor
AXES: Mapping[Side, Axis] = {
    "images": Axis.IMAGE,
    "classes": Axis.TARGET,
    "layers": Axis.LAYER,
    "checkpoints": Axis.CHECKPOINT,
    "networks": Axis.CHECKPOINT,
}
_TALL = 7  # lines of a row that is large enough
_LEAST, _MOST = 4, 12  # lines of a picture, where the user wants no other size
_LEAST_IN_BLOCKS = 8  # lines: a face in fewer blocks is none
_LARGEST = 100  # lines that a cell is larger or smaller than fits best, at most
METHODS: tuple[Side, ...] = ("methods", "variants")
WEIGHTS: tuple[Side, ...] = ("checkpoints", "networks")
ARRANGEMENTS: tuple[tuple[str, Side, Side], ...] = (
    ("class sheet", "images", "methods"),
    ("methods by classes", "methods", "classes"),
    ("checkpoints", "images", "checkpoints"),
    ("networks", "networks", "images"),
)


@dataclass(frozen=True, slots=True)
class Method:
    """An explainer under some parameters. name: its title, or the literature's name for these parameters."""

    name: str
    description: Description
    parameters: Mapping[str, Value]
    alias: str = ""

    def uses(self, side: Side) -> bool:
        """Whether an explanation hangs on what lies along a side."""
        return side not in AXES or AXES[side] in self.description.axes_for(dict(self.parameters)) | {Axis.CHECKPOINT}


@dataclass(frozen=True, slots=True)
class Step:
    """One row or column: its name, and what it changes of the locked place. bare: the images themselves.

    layers: the filters of each layer that a network has, by name, where it is a network.
    """

    name: str
    image: int | None = None
    target: int | None = None
    layer: str | None = None
    checkpoint: int | None = None
    method: Method | None = None
    bare: bool = False
    layers: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """What is in a cell. method: None for the image itself. repeats: the side along which it is the first one again.

    missing: why there is nothing. note: what of the locked place the network has not.
    """

    place: Place
    method: Method | None
    repeats: Side | None = None
    missing: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """What lies along both sides, and the place and the method to which all else is locked.

    class_of: the class that is explained of an image, where it is not chosen by number. unused: a side that is but one
    step long, for the method does not hang on it.
    """

    rows: Sequence[Step]
    columns: Sequence[Step]
    sides: tuple[Side, Side]
    place: Place
    method: Method
    class_of: Callable[[int | None], int | None]
    unused: tuple[Side, ...] = ()

    @property
    def methods(self) -> Sequence[Method]:
        """All that explain here."""
        for side, steps in zip(self.sides, (self.rows, self.columns), strict=True):
            if side in METHODS:
                return [step.method for step in steps if step.method is not None]
        return [self.method]

    def cell(self, row: int, column: int) -> Cell:
        """What is in the cell of that row and column."""
        steps, place = (self.rows[row], self.columns[column]), self.place
        image = _chosen((step.image for step in steps), place.image)
        if any(step.bare for step in steps):
            method = None
        else:
            method = next((step.method for step in steps if step.method is not None), self.method)
        layer = _chosen((step.layer for step in steps), None)
        at, missing, note = _at(layer, place, next((step.layers for step in steps if step.layers is not None), None))
        target = _chosen((step.target for step in steps), place.target)
        found = Place(
            image,
            self.class_of(image) if target is None else target,
            *at,
            _chosen((step.checkpoint for step in steps), place.checkpoint),
        )
        uses = method.uses if method is not None else lambda side: side in ("images", *METHODS)
        numbers = zip(self.sides, (row, column), strict=True)
        repeats = next((side for side, number in numbers if number and not uses(side)), None)
        if method is None:
            return Cell(found.on([Axis.IMAGE]), None, repeats)
        return Cell(found, method, repeats, *((missing, note) if method.uses("layers") else ("", "")))


def _at(
    along: str | None, place: Place, network: Mapping[str, int] | None
) -> tuple[tuple[str | None, int | None], str, str]:
    """Layer and filter of a cell; why there is nothing; what is missing of the locked place.

    along: the layer that lies along a side. network: the layers of the one that lies along a side.
    """
    layer, channel = (place.layer, place.filter) if along is None else (along, None)
    if network is None or layer is None:
        return (layer, channel), "", ""
    if layer not in network:
        return (None, None), f"no layer {layer}" if along is not None else "", f"no layer {layer}: the method's own"
    if channel is not None and channel >= network[layer]:
        return (layer, None), "", f"no filter {channel}: all of them"
    return (layer, channel), "", ""


def _chosen(values: Iterable[T | None], locked: T | None) -> T | None:
    return next((value for value in values if value is not None), locked)


@dataclass(slots=True)
class Grid:
    """How the user has laid out the grid, and where in it they are.

    images: which ones lie along a side. larger: lines of a cell more, or fewer, than fit best. top, left: the first
    row and column in sight.
    """

    sides: tuple[Side, Side] = ("images", "methods")
    images: Images = "best"
    cursor: tuple[int, int] = (0, 0)
    larger: int = 0
    top: int = 0
    left: int = 0
    best: tuple[int, ...] = field(default=())

    @property
    def arrangement(self) -> int | None:
        """The number of the arrangement that this is, None for one of the user's own."""
        return next((n for n, (_, *sides) in enumerate(ARRANGEMENTS) if tuple(sides) == self.sides), None)

    @property
    def layout(self) -> Laid:
        """What is in the grid, and where in it the user is."""
        return self.sides, self.images, self.cursor

    def lay(self, layout: Laid) -> None:
        """Be as it was then."""
        if layout != self.layout:
            self.sides, self.images, self.cursor = layout
            self.top, self.left = 0, 0

    def to_dict(self) -> dict[str, object]:
        """How it is laid out, as plain data."""
        return {"sides": list(self.sides), "images": self.images, "cursor": list(self.cursor), "larger": self.larger}

    def restore(self, found: Mapping[str, object]) -> None:
        """Take what `to_dict` gave; what cannot be is left as it is."""
        sides, images, cursor, larger = (found.get(name) for name in ("sides", "images", "cursor", "larger"))
        if isinstance(sides, list) and len(sides) == 2 and sides[0] != sides[1]:
            rows, columns = (next((side for side in SIDES if side == each), None) for each in sides)
            if rows is not None and columns is not None and not _alike(rows, columns):
                self._set(rows, columns)
        self.images = next((each for each in IMAGES if each == images), self.images)
        if isinstance(cursor, list) and len(cursor) == 2 and all(type(each) is int and each >= 0 for each in cursor):
            self.cursor = (cursor[0], cursor[1])
        self.larger = larger if type(larger) is int and abs(larger) <= _LARGEST else self.larger

    def arrange(self, number: int) -> None:
        """One of the arrangements that have a name."""
        _, rows, columns = ARRANGEMENTS[number % len(ARRANGEMENTS)]
        self._set(rows, columns)

    def swap(self) -> None:
        """Rows become columns."""
        rows, columns = self.sides
        self.sides, self.cursor = (columns, rows), self.cursor[::-1]
        self.top, self.left = 0, 0

    def choose(self, which: int, side: Side) -> None:
        """Rows (0) or columns (1) are these from now on; the other side gives way where both cannot be."""
        other = self.sides[1 - which]
        if other == side:  # they change places
            other = self.sides[which]
        elif _alike(other, side):
            other = "images"
        self._set(*((side, other) if which == 0 else (other, side)))

    def show(self, images: Images) -> None:
        """These images lie along a side: along the rows, where none did."""
        self.images = images
        if "images" in self.sides:
            self._set(*self.sides)
        else:
            self.choose(0, "images")

    def _set(self, rows: Side, columns: Side) -> None:
        self.sides = (rows, columns)
        self.cursor, self.top, self.left = (0, 0), 0, 0

    def move(self, down: int, right: int, table: Table) -> None:
        """Move the cursor by cells."""
        self.move_to(self.cursor[0] + down, self.cursor[1] + right, table)

    def move_to(self, row: int, column: int, table: Table) -> None:
        """Be at that cell, or at the nearest one that there is."""
        most = len(table.rows) - 1, len(table.columns) - 1
        self.cursor = max(0, min(row, most[0])), max(0, min(column, most[1]))

    def in_sight(self, room: tuple[int, int], table: Table) -> tuple[range, range]:
        """The rows and columns that are shown, where there is room for so many: with the cursor among them."""
        self.move(0, 0, table)
        self.top = _first(self.top, self.cursor[0], room[0], len(table.rows))
        self.left = _first(self.left, self.cursor[1], room[1], len(table.columns))
        return (
            range(self.top, min(len(table.rows), self.top + room[0])),
            range(self.left, min(len(table.columns), self.left + room[1])),
        )


def _alike(one: Side, other: Side) -> bool:
    """Whether both change the same of the place, so that they cannot be rows and columns."""
    return any(one in both and other in both for both in (METHODS, WEIGHTS))


def outward(rows: range, columns: range, cursor: tuple[int, int]) -> list[tuple[int, int]]:
    """The cells in sight, those that are nearest to the cursor first."""
    cells = [(row, column) for row in rows for column in columns]
    return sorted(cells, key=lambda cell: max(abs(cell[0] - cursor[0]), abs(cell[1] - cursor[1])))


def _first(now: int, cursor: int, room: int, count: int) -> int:
    """The first in sight: as it is, unless the cursor would be out of sight, or room left empty."""
    return max(0, min(max(now, cursor - room + 1), cursor, count - room if count > room else 0))


def tile_size(
    room: tuple[int, int], counts: tuple[int, int], aspect: float, larger: int = 0, *, in_pixels: bool = True
) -> tuple[tuple[int, int], tuple[int, int]]:
    """The size of a cell's picture in (columns, lines), and how many (rows, columns) of the grid there is room for.

    room: columns and lines for all of it, a line for words below each row of pictures included. counts: rows and
    columns of the grid. aspect: a picture's columns for each of its lines, unbent. in_pixels: they are no blocks.
    """
    width, height = room
    least = _LEAST if in_pixels else _LEAST_IN_BLOCKS
    rows = min(counts[0], max(2, height // _TALL), max(1, height // (least + 1))) or 1
    fits = int(width / max(1, counts[1]) / aspect)
    if fits < least:  # not all columns are in sight in any case: those that are shall be seen well
        fits = max(least, _TALL - 1)
    lines = max(least, min(height // rows - 1, fits, _MOST)) + larger
    lines = max(2, min(lines, height - 1, int(width / aspect)))
    columns = max(4, round(lines * aspect))
    return (columns, lines), (max(1, height // (lines + 1)), max(1, width // columns))
