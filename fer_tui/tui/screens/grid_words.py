"""What the Grid tells in words: of its sides, of a row, of a cell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from fer_tui.contract import plain
from fer_tui.tui.grid import METHODS, WEIGHTS, Cell, Grid, Side, Step, Table
from fer_tui.tui.predictions import probabilities
from fer_tui.tui.widgets.grid_view import NAMES
from fer_tui.tui.widgets.lines import end_of
from fer_tui.tui.widgets.picture_pane import folded, wrapped

if TYPE_CHECKING:
    from fer_tui.tui.desk import Desk
    from fer_tui.tui.widgets.lines import Inks

SIDES: dict[Side, str] = {
    "images": "images",
    "classes": "classes: the one that is explained",
    "methods": "methods",
    "variants": "variants of the method, such as Grad-CAM",
    "layers": "layers",
    "checkpoints": "checkpoints",
    "networks": "networks",
}
_IMAGES = {"best": "best of each class", "listed": "as listed", "marked": "marked"}


def title(
    desk: Desk, grid: Grid, table: Table, inks: Inks, ways: Sequence[str] = "↓→", in_sight: Sequence[range] = ()
) -> Text:
    """What rows and columns are, where all else is locked, and which are in sight where not all are."""
    line = Text(" ")
    for number, (side, way) in enumerate(zip(table.sides, ways, strict=True)):
        told = f"{side} ({_IMAGES[grid.images]})" if side == "images" else str(side)
        if side == "variants":
            told = f"variants of {plain(table.method.description.title)}"
        line.append("  " if number else "").append(f"{told} {way}", inks.strong)
        if in_sight and len(in_sight[number]) < (count := len((table.rows, table.columns)[number])):
            line.append(f" {in_sight[number].start + 1}–{in_sight[number].stop} of {count}", inks.muted)
    for side in table.unused:
        line.append(f"  {plain(table.method.name)} does not hang on {side}: m is another method", inks.wrong)
    locked = [] if any(side in METHODS for side in table.sides) else [plain(table.method.name)]
    browser = desk.browser
    if browser is not None:
        if "images" not in table.sides and table.place.image is not None:
            locked.append(f"image {table.place.image}")
        if "classes" not in table.sides:
            named = isinstance(browser.target, int)
            locked.append(plain(browser.classes[browser.target]) if named else f"{browser.target} class")  # type: ignore[index]
        if "layers" not in table.sides and table.place.layer is not None:
            locked.append(plain(table.place.layer))
    return line.append(f"  of {' · '.join(locked)}" if locked else "", inks.muted)


def name_of(desk: Desk, step: Step, lines: int, is_current: bool, inks: Inks) -> Sequence[Text]:
    """A row's name in several lines; that of an image: class, number, prediction."""
    mark = "▸ " if is_current else "  "
    ink = inks.accent if is_current else inks.plain
    browser = desk.browser
    if step.image is None or browser is None:
        parts = wrapped(step.name, NAMES - len(mark), max(1, lines), ink)
        return [Text("  " if number else mark, ink).append_text(part) for number, part in enumerate(parts)]
    label = int(browser.predictions.labels[step.image])
    name = plain(browser.classes[label]) if label >= 0 else step.name
    marked = browser.marks is not None and bool(browser.marks.marked[step.image])
    told = [Text(f"{mark}{name}", ink), Text(f"  {step.name}{' ●' if marked else ''}", inks.muted)]
    known = predicted(desk, step.image, inks)
    if known is not None:
        told.append(Text("  ").append_text(known))
    return told[: max(1, lines)]


def heading_of(desk: Desk, step: Step, width: int, is_current: bool, inks: Inks) -> Text:
    """A column's name; of a layer's that has no room the end, by which layers differ."""
    name, browser = step.name, desk.browser
    if step.image is not None and browser is not None:
        label = int(browser.predictions.labels[step.image])
        name = f"{plain(browser.classes[label])} {name}" if label >= 0 else name
    if step.layer is not None:
        name = end_of(name, max(2, width - 2))
    return Text(f"▾{name}" if is_current else name, inks.accent if is_current else inks.muted)


def predicted(desk: Desk, row: int, inks: Inks, checkpoint: int | None = None) -> Text | None:
    """The class that an image is predicted as, and how surely; None while that is not known."""
    browser = desk.browser
    if browser is None:
        return None
    known = None
    if checkpoint is not None and desk.has_run:
        known = desk.run.prediction(checkpoint, row)
    elif browser.predictions.is_known(row):
        known = int(browser.predictions.predicted[row]), float(browser.predictions.confidence[row])
    if known is None or known[0] < 0:
        return None
    label = int(browser.predictions.labels[row])
    ink = inks.plain if label < 0 else inks.right if label == known[0] else inks.wrong
    return Text(f"{plain(browser.classes[known[0]])} {known[1]:.0%}", ink)


def predicted_in(desk: Desk, table: Table, cell: Cell, inks: Inks) -> Text:
    """What the weights of a cell predict of its image; where classes lie along a side, only in that class's cell."""
    row, target = cell.place.image, cell.place.target
    told = predicted(desk, row, inks, cell.place.checkpoint) if row is not None else None
    if told is None or row is None:
        return Text("")
    if "classes" in table.sides and desk.has_run and cell.place.checkpoint is not None:
        known = desk.run.prediction(cell.place.checkpoint, row)
        return told if known is not None and known[0] == target else Text("")
    return told


def under(desk: Desk, table: Table, cell: Cell, key: tuple[int, int], inks: Inks) -> Text:
    """The words under a cell's picture."""
    row = cell.place.image
    if cell.repeats is not None:
        return Text("same", inks.muted)
    if cell.missing:
        return Text(plain(cell.missing), inks.wrong)
    if row is None and "images" in table.sides and "images" not in table.unused:
        return Text("")
    if cell.method is None:
        return (predicted(desk, row, inks) if row is not None else None) or Text("")
    answered = desk.cells.answered(key)
    if answered.fault:
        return Text(f"✗ {plain(answered.fault)}", inks.fault)
    if desk.cells.is_coming(key):
        return Text(f"… {answered.progress:.0%}" if answered.progress else "…", inks.muted)
    if answered.explanation is None:
        return Text("stopped", inks.muted)
    if row is None or not cell.method.uses("images"):
        return Text("")
    if any(side in WEIGHTS for side in table.sides):
        return predicted_in(desk, table, cell, inks)
    if not cell.method.uses("classes"):
        return Text("")
    target = answered.place.target if answered.place.target is not None else cell.place.target
    return _share(desk, row, target, inks, named="classes" not in table.sides)


def _share(desk: Desk, row: int, target: int | None, inks: Inks, *, named: bool) -> Text:
    """The probability of the class that is explained."""
    browser = desk.browser
    if browser is None or target is None:
        return Text("")
    scores = browser.predictions.scores_of(row)
    parts = [plain(browser.classes[target])] if named else []
    parts += [f"{probabilities(scores[None])[0][target]:.0%}"] if scores is not None else []
    return Text(" ".join(parts), inks.plain)


def told_of(desk: Desk, cell: Cell, key: tuple[int, int], width: int, lines: int, inks: Inks) -> Iterator[Text]:
    """The cell at the cursor: its place, score, notes, and the picture in words."""
    browser, dataset = desk.browser, desk.project.dataset
    if browser is None or dataset is None:
        return
    head = Text()
    row, checkpoint = cell.place.image, cell.place.checkpoint
    if row is not None:
        head.append(f"{row}", inks.strong)
        if (label := int(browser.predictions.labels[row])) >= 0:
            head.append("  true ", inks.muted).append(plain(browser.classes[label]), inks.strong)
        known = predicted(desk, row, inks, checkpoint if desk.has_run else None)
        if known is not None:
            head.append("  predicted ", inks.muted).append_text(known)
    if desk.has_run and checkpoint is not None:
        head.append(f"  under {plain(desk.run.names[checkpoint])}", inks.muted)
    yield head
    if cell.method is None:
        return
    name = plain(cell.method.name)
    if cell.repeats is not None:
        yield Text(f"{name} does not hang on {cell.repeats}: the same as in the first of them", inks.muted)
        return
    if cell.missing:
        whose = plain(desk.beside.name_of(checkpoint)) if checkpoint is not None else "the network"
        yield Text(f"{whose} has {plain(cell.missing)}", inks.wrong)
        return
    answered = desk.cells.answered(key)
    if answered.fault:
        yield from wrapped(f"{plain(answered.fault)}  (! shows all of it)", width, lines - 1, inks.fault)
    explanation = answered.explanation
    if explanation is None:
        return
    from fer_tui.picture import words

    target = answered.place.target
    layer = answered.place.layer or explanation.meta.get("layer")
    what = Text(name, inks.accent)
    if target is not None:
        what.append(f" of {plain(browser.classes[target])}", inks.accent)
        scores = browser.predictions.scores_of(row) if row is not None else None
        if scores is not None and checkpoint == browser.checkpoint:
            share = probabilities(scores[None])[0][target]
            what.append(f" · score {float(scores[target]):.2f}, {share:.0%}", inks.plain)
    what.append(f" · at {plain(str(layer))}" if isinstance(layer, str) else "", inks.muted)
    view = desk.look.words(explanation, scale=False)  # the bar tells it
    yield from folded(what.append(f" · {view}" if view else "", inks.muted), width)[:2]
    for note in (*([cell.note] if cell.note else []), *explanation.notes):
        yield from wrapped(f"! {plain(note)}", width, 1, inks.accent)
    yield from wrapped(words(explanation), width, 2, inks.muted)
