"""How each class's focus moves along the checkpoints: the same images, measured under each of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fer_tui.contract import Place, PluginError, plain
from fer_tui.timeline import short_names

from .progress import Narrator

if TYPE_CHECKING:
    from rich.table import Table

    from fer_tui.engine import Engine
    from fer_tui.engine.focusing import Choice
    from fer_tui.regions import Estimate, FocusTable, RegionFocus, Regions

    from .through_time import Asked

_MOST_MOVES = 6  # regions that are told of


@dataclass(frozen=True, slots=True)
class FocusCourse:
    """A table of focus for each checkpoint, of the same images. regions: where they come from, in words."""

    names: tuple[str, ...]
    tables: tuple[FocusTable, ...]
    regions: str
    method: str

    def to_dict(self) -> dict[str, Any]:
        """JSON-like data."""
        tables = [{"name": name, **table.to_dict()} for name, table in zip(self.names, self.tables, strict=True)]
        return {"method": self.method, "regions": self.regions, "checkpoints": tables}

    def facts(self) -> Iterator[str]:
        """The regions whose share moved from the first checkpoint to the last, by more than their intervals allow."""
        first, last = short_names(self.names)[0], short_names(self.names)[-1]
        moves = []
        for then, now in zip(self.tables[0].classes, self.tables[-1].classes, strict=True):
            if then.every is None or now.every is None:
                continue
            for before, after in zip(then.every.regions, now.every.regions, strict=True):
                if _apart(before.absolute, after.absolute):
                    moves.append((now.name, before, after))
        moves.sort(key=lambda move: -abs(move[2].absolute.value - move[1].absolute.value))
        if not moves:
            yield (
                f"no class's share in a region moved beyond its interval from {plain(first)} to {plain(last)} "
                "(the images are the same ones, so a smaller move may be real)"
            )
        for name, before, after in moves[:_MOST_MOVES]:
            yield (
                f"{plain(name)}: {plain(after.name)} {before.absolute.told()} % at {plain(first)}, "
                f"{after.absolute.told()} % at {plain(last)}, of {after.area:.1%} of the picture"
            )


def focus_course(engine: Engine, asked: Asked, regions: Regions, choice: Choice, tell: Narrator) -> FocusCourse:
    """The focus under every checkpoint, of the images that `choice` names."""
    from fer_tui.engine.focusing import focus_table

    names = engine.classifier.checkpoints
    tables = []
    for number in range(len(names)):
        table = None
        place = Place(layer=asked.layer, checkpoint=number)
        with closing(focus_table(engine, asked.method, regions, choice, asked.parameters, place)) as steps:
            for share, so_far in steps:
                tell(f"focus of {asked.method}", (number + share) / len(names))
                table = so_far
        if table is None:
            raise PluginError(asked.method, "ended without a result")
        tables.append(table)
    return FocusCourse(names, tuple(tables), regions.where, asked.method)


def table_of(course: FocusCourse) -> Table:
    """The share inside the face by checkpoint and class, in per cent, with its interval below."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    made.add_column("inside the face, %")
    for each in course.tables[-1].classes:
        made.add_column(Text(plain(each.name)), justify="right")
    for name, table in zip(course.names, course.tables, strict=True):
        inside: Sequence[RegionFocus | None] = [each.every.inside if each.every else None for each in table.classes]
        made.add_row(Text(plain(name)), *(Text(_told(each)) for each in inside))
    return made


def _told(inside: RegionFocus | None) -> str:
    if inside is None:
        return "-"
    head, _, interval = inside.absolute.told().partition(" ")
    return f"{head}\n{interval}" if interval else head


def _apart(before: Estimate, after: Estimate) -> bool:
    """Whether the two intervals have nothing in common."""
    if before.low is None or before.high is None or after.low is None or after.high is None:
        return False
    return after.low > before.high or after.high < before.low
