"""The right pane: class scores as bars, methods by number, the current parameters, the notes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.message import Message

from fer_tui.contract import Description, Value, plain

from .lines import Inks, Lines, cut, filled

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_NUMBERS = 14  # cells of score and probability


@dataclass(frozen=True, slots=True)
class ClassScores:
    """What the bars show. scores, shares: (classes,), None while they are unknown."""

    classes: Sequence[str]
    scores: NDArray[np.float32] | None
    shares: NDArray[np.float32] | None
    target: int | None
    label: int


class ScoreBars(Lines):
    """A bar for each class; the target is marked, the true class too. The most probable ones where there is no room."""

    class Chosen(Message):
        """A class was clicked."""

        def __init__(self, number: int) -> None:
            self.number = number
            super().__init__()

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._shown: ClassScores | None = None
        self._order: list[int] = []

    def show_scores(self, scores: ClassScores, room: int) -> None:
        """Show the scores in at most `room` lines."""
        self._shown = scores
        self._order = _chosen(scores, max(1, room))
        self._draw()

    def on_resize(self, event: events.Resize) -> None:
        self._draw()

    def on_click(self, event: events.Click) -> None:
        if event.y < len(self._order):
            self.post_message(self.Chosen(self._order[event.y]))

    def _draw(self) -> None:
        if self._shown is not None:
            inks, width = self.inks, self.size.width
            self.show([_bar(self._shown, number, width, inks) for number in self._order])


def _chosen(scores: ClassScores, room: int) -> list[int]:
    """All classes in their order, or the most probable ones, the target and the true class always among them."""
    count = len(scores.classes)
    if count <= room:
        return list(range(count))
    if scores.shares is None:
        return list(range(room))
    order: list[int] = (-scores.shares).argsort(kind="stable").tolist()
    wanted = [number for number in (scores.target, scores.label) if number is not None and number >= 0]
    rest = [number for number in order if number not in wanted][: max(0, room - len(set(wanted)))]
    return sorted({*wanted, *rest}, key=order.index)


def _bar(scores: ClassScores, number: int, width: int, inks: Inks) -> Text:
    is_target, is_true = number == scores.target, number == scores.label
    ink = inks.accent if is_target else inks.plain
    names = max((cell_len(plain(name)) for name in scores.classes), default=0)
    room = max(4, min(names, width - _NUMBERS - 14))
    head = Text.assemble(
        ("▸" if is_target else " ", inks.accent),
        (f"{number:>{len(str(len(scores.classes) - 1))}} ", inks.muted),
        (cut(plain(scores.classes[number]), room), ink),
        (" ✓ " if is_true else "   ", inks.right),
    )
    if scores.scores is None or scores.shares is None:
        return head
    bar = max(0, width - head.cell_len - _NUMBERS)
    share = float(scores.shares[number])
    head.append(filled(share, bar), inks.accent if is_target else inks.bar)
    head.append(f"{_number(float(scores.scores[number])):>8}", inks.plain)
    head.append(f"{share:6.0%}" if share == share else "     –", inks.muted)
    return head


def _number(value: float) -> str:
    return f"{value:.2f}" if abs(value) < 10000 else f"{value:.1e}"


class Methods(Lines):
    """The explainers by number; those that could not be loaded, with the reason."""

    class Chosen(Message):
        """A method was clicked."""

        def __init__(self, number: int) -> None:
            self.number = number
            super().__init__()

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._count = 0

    def show_methods(
        self, methods: Sequence[Description], current: Description | None, failed: Mapping[str, str]
    ) -> None:
        inks = self.inks
        self._count = len(methods)
        lines = [
            Text.assemble(
                ("▸" if method == current else " ", inks.accent),
                (f"{number} ", inks.muted),
                (plain(method.title), inks.accent if method == current else inks.plain),
            )
            for number, method in enumerate(methods, 1)
        ]
        lines += [
            Text.assemble(" ✗ ", (plain(name), inks.wrong), (f" {plain(reason)}", inks.muted))
            for name, reason in failed.items()
        ]
        self.show(lines or [Text(" not known yet", inks.muted)])

    def on_click(self, event: events.Click) -> None:
        if event.y < self._count:
            self.post_message(self.Chosen(event.y))


def shown(value: Value) -> str:
    """A parameter's value, for people."""
    return ("yes" if value else "no") if isinstance(value, bool) else plain(value) or "–"


def parameter_lines(
    method: Description, values: Mapping[str, Value], usual: Mapping[str, Value], inks: Inks
) -> Iterator[Text]:
    """One line for each parameter, with its unit; what is not as usual stands out."""
    room = max((len(info.name) for info in method.parameters), default=0)
    for info in method.parameters:
        value = values[info.name]
        yield Text.assemble(
            f" {cut(plain(info.name), room)}  ",
            (shown(value), inks.plain if value == usual[info.name] else inks.accent),
            (f" {plain(info.unit)}" if info.unit else "", inks.muted),
            style=inks.muted,
        )
