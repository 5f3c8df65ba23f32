"""Two checkpoints abreast: what stands above and below the map of each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.text import Text

from fer_tui.contract import plain
from fer_tui.tui.asking import Answered
from fer_tui.tui.predictions import probabilities
from fer_tui.tui.widgets.lines import Inks, end_of
from fer_tui.tui.widgets.picture_pane import wrapped

from .choosing import Choosing
from .pairing import Pairing

if TYPE_CHECKING:
    from fer_tui.tui.browser import Browser
    from fer_tui.tui.desk import Desk
    from fer_tui.tui.predictions import Predictions


class Abreast(Pairing, Choosing):
    """A screen that can show another checkpoint's map beside the current one."""

    @property
    def pair_shown(self) -> bool:
        return self.desk.beside.shown

    def show_pair(self, shown: bool) -> None:
        self.desk.beside.shown = shown
        self.desk.beside_changed()
        self.aimed()
        self.draw_top()


def counts(desk: Desk) -> str:
    """How many images the second checkpoint fixes, breaks, and on how many the two disagree; '' where none is known."""
    pair, order = desk.beside.pair(), desk.beside.order
    if pair is None or order is None or not pair.both.any():
        return ""
    fixed, broken, disagree = (int(mask.sum()) for mask in (pair.fixed, pair.broken, pair.disagree))
    known, total = int(pair.both.sum()), len(pair.labels)
    so_far = "" if known == total else f" of {known:,} so far"
    return f"fixed {fixed:,} · broken {broken:,} · disagree {disagree:,}{so_far}"


def pair_lines(desk: Desk, width: int, inks: Inks) -> list[Text]:
    """What stands above both: the image and its true class; what the second does to the first one's images."""
    browser, order = desk.browser, desk.beside.order
    if browser is None or browser.row is None or order is None:
        return [Text("")]
    line = Text.assemble((f"{browser.row}", inks.strong))
    if browser.label >= 0:
        line.append("  true ", inks.muted).append(plain(browser.classes[browser.label]), inks.strong)
    target = browser.target_class
    if target is not None:
        line.append("  explained ", inks.muted).append(plain(browser.classes[target]), inks.accent)
    first, second = map(desk.beside.name_of, order)
    counted = counts(desk)
    names = f"{first} → {second}" if len(first) + len(second) + len(counted) + 5 <= width else second
    return [line, Text.assemble((names, inks.muted), (f": {counted}" if counted else "", inks.plain))]


def side_title(desk: Desk, checkpoint: int, predictions: Predictions | None, width: int, inks: Inks) -> Text:
    """Which checkpoint it is, and what it predicts; how surely, where there is room for that.

    Of a name without room the end is told, by which the checkpoints of a run differ.
    """
    browser = desk.browser
    name = desk.beside.name_of(checkpoint)
    title = Text(name, inks.strong)
    if browser is None or browser.row is None or predictions is None:
        return title
    predicted, label = int(predictions.predicted[browser.row]), browser.label
    if predicted >= 0:
        ink = inks.strong if label < 0 else inks.right if label == predicted else inks.wrong
        mark = "" if label < 0 else "✓ " if label == predicted else "✗ "
        told, share = f"{mark}{plain(browser.classes[predicted])} ", f"{predictions.confidence[browser.row]:.0%} "
        has_room = len(told) + len(share) + title.cell_len <= width
        title = Text.assemble((told + (share if has_room else ""), ink), (end_of(name, width - len(told)), inks.strong))
    return title


def side_caption(
    desk: Desk, answered: Answered, predictions: Predictions | None, note: str, width: int, inks: Inks
) -> Iterator[Text]:
    """The scores of the likeliest classes and of the explained one, the layer, what is wrong."""
    browser = desk.browser
    if browser is None or browser.row is None:
        return
    if answered.fault:
        yield from wrapped(f"{plain(answered.fault)}  (! shows all of it)", width, 3, inks.fault)
        return
    yield from _scores(browser, predictions, inks)
    explanation = answered.explanation
    layer = answered.place.layer or (explanation.meta.get("layer") if explanation is not None else None)
    if note:
        yield from wrapped(note + (f": at {plain(layer)}" if isinstance(layer, str) else ""), width, 2, inks.accent)
    elif isinstance(layer, str):
        where = "" if answered.place.filter is None else f", filter {answered.place.filter}"
        yield Text(f"at {plain(layer)}{where}", inks.muted)
    for said in explanation.notes if explanation is not None else ():
        yield from wrapped(f"! {plain(said)}", width, 1, inks.accent)


def _scores(browser: Browser, predictions: Predictions | None, inks: Inks) -> Iterator[Text]:
    """Score and probability of the two likeliest classes; the explained one always among them."""
    scores = predictions.scores_of(browser.row) if predictions is not None and browser.row is not None else None
    if scores is None:
        return
    shares = probabilities(scores[None])[0]
    target, likely = browser.target_class, (-shares).argsort(kind="stable")[:2].tolist()
    if target is not None and target not in likely:
        likely[1:] = [target]
    for number in likely:
        yield Text.assemble(
            ("▸" if number == target else " ", inks.accent),
            (plain(browser.classes[number]), inks.accent if number == target else inks.plain),
            (f" {float(scores[number]):.2f}", inks.plain),
            (f" {float(shares[number]):.0%}", inks.muted),
        )
