"""Curves over the checkpoints of a run, and a frame for each checkpoint that there is room for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message

from fer_tui.terminal import Picture
from fer_tui.terminal.plot import Curve, plot, step_at

from .lines import Lines

_FRAME = 18  # columns of a frame, at least
_FEW = 5  # frames side by side, where they are large
_BESIDE = 3  # lines of a frame that are not its picture
_MOST = 9  # frames


@dataclass(frozen=True, slots=True)
class Curves:
    """What a plot shows. cursor: the step at which the user is."""

    curves: Sequence[Curve] = ()
    steps: Sequence[str] = ()
    cursor: int | None = None


class CurvePlot(Lines):
    """A plot as large as the widget; a click chooses a step."""

    DEFAULT_CSS = "CurvePlot { height: 1fr; width: 1fr; }"

    class Chosen(Message):
        """A step was clicked."""

        def __init__(self, step: int) -> None:
            self.step = step
            super().__init__()

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._shown = Curves()

    def show_curves(self, curves: Curves) -> None:
        self._shown = curves
        self._draw()

    def on_resize(self, event: events.Resize) -> None:
        self._draw()

    def on_click(self, event: events.Click) -> None:
        if self._shown.steps:
            self.post_message(self.Chosen(step_at(event.x, len(self._shown.steps), self.size.width)))

    def _draw(self) -> None:
        width, height = self.size
        if width and height:
            now, inks = self._shown, self.inks
            self.show(
                plot(now.curves, now.steps, width, height, muted=inks.muted, cursor=now.cursor, accent=inks.accent)
            )


@dataclass(frozen=True, slots=True)
class Shot:
    """What a frame shows: a name, a picture, and two lines."""

    name: Text
    picture: object = None
    lines: Sequence[Text] = field(default_factory=tuple)


class Frame(Vertical):
    """One checkpoint: its name, a picture, what it predicts."""

    DEFAULT_CSS = """
    Frame { width: 1fr; height: 1fr; padding: 0 1; }
    Frame > .name { height: 1; }
    Frame > .below { height: 2; }
    """

    class Chosen(Message):
        """A frame was clicked."""

        def __init__(self, number: int) -> None:
            self.number = number
            super().__init__()

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number = number
        self._shot = Shot(Text())

    def compose(self) -> ComposeResult:
        yield Lines(classes="name")
        yield Picture()
        yield Lines(classes="below")

    def show(self, shot: Shot) -> None:
        self._shot = shot
        self.query_one(Picture).show(shot.picture)  # type: ignore[arg-type]
        self._tell()

    def on_resize(self) -> None:
        self._tell()

    def _tell(self) -> None:
        """The words, in the middle: of a frame that is not laid out yet that is not known."""
        width = self.content_region.width
        name, below = self.query(Lines)
        name.show([_centred(self._shot.name, width)])
        below.show([_centred(line, width) for line in self._shot.lines])

    def on_click(self) -> None:
        self.post_message(self.Chosen(self._number))


class Film(Horizontal):
    """Frames side by side: as many as there is room for."""

    DEFAULT_CSS = "Film { height: 1fr; }"

    class Resized(Message):
        """There is room for more or fewer frames."""

    def compose(self) -> ComposeResult:
        for number in range(_MOST):
            yield Frame(number)

    @property
    def room(self) -> int:
        """How many frames there is room for."""
        width, height = self.size
        widest = max(_FRAME, min(2 * (height - _BESIDE), width // _FEW))  # as wide as the height is used by squares
        return max(1, min(_MOST, width // widest))

    def on_resize(self, event: events.Resize) -> None:
        self.post_message(self.Resized())

    def show(self, shots: Sequence[Shot]) -> None:
        for number, frame in enumerate(self.query(Frame)):
            frame.display = number < len(shots)
            if number < len(shots):
                frame.show(shots[number])


def _centred(text: Text, width: int) -> Text:
    return Text(" " * max(0, (width - text.cell_len) // 2)).append_text(text)
