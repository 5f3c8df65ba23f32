"""The popup with the contrast of a cell of the confusion: what spoke for the predicted class against the true one."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen

from fer_tui.contract import Heatmap, plain
from fer_tui.terminal import Picture
from fer_tui.terminal.pacing import Over
from fer_tui.tui.desk import Desk
from fer_tui.tui.widgets.lines import Lines
from fer_tui.tui.widgets.picture_pane import wrapped

from .copying import copy

_LINES = 7  # below the picture


class CellContrast(Over, ModalScreen[bool], inherit_bindings=False):
    """Fills while images come in. o: map alone or over the mean picture; Enter: the images; Esc stops, then leaves.

    Gives True where the images are to be listed.
    """

    def __init__(self, desk: Desk, title: str) -> None:
        super().__init__()
        self._desk, self._title = desk, title
        self._is_map = False
        self._drawn: object = None

    def compose(self) -> ComposeResult:
        with Vertical(id="contrast", classes="popup"):
            yield Lines(id="contrast-title")
            yield Picture(id="contrast-picture")
            yield Lines(id="contrast-words")

    def on_mount(self) -> None:
        self.draw()

    def on_resize(self) -> None:
        self.call_after_refresh(self.draw)

    def draw(self) -> None:
        """Draw what has come so far."""
        words, answered = self.query_one("#contrast-words", Lines), self._desk.contrast.answered
        inks, heatmap = words.inks, answered.explanation
        self.query_one("#contrast-title", Lines).show([Text(self._title, inks.title)])
        key = (heatmap, self._is_map)
        if isinstance(heatmap, Heatmap) and key != self._drawn:
            from fer_tui.picture import heat_picture

            self._drawn = key
            mode = "map" if self._is_map else "overlay"
            picture = heat_picture(heatmap, mode=mode, colours=self._desk.look.signed)  # type: ignore[arg-type]
            self.query_one("#contrast-picture", Picture).show(picture)
        words.show(list(self._words())[:_LINES])

    def _words(self) -> Iterator[Text]:
        answered, words = self._desk.contrast.answered, self.query_one("#contrast-words", Lines)
        inks, width, heatmap = words.inks, max(20, words.size.width), answered.explanation
        if answered.fault:
            yield from wrapped(plain(answered.fault), width, 3, inks.fault)
        if isinstance(heatmap, Heatmap):
            from fer_tui.picture import scale_of
            from fer_tui.regions.contrast import contrast_words

            classes, meta = heatmap.meta["classes"], heatmap.meta
            target, against = classes[meta["place"]["target"]], classes[meta["against"]]
            for line in contrast_words(meta.get("regions", ()), target, against) if "regions" in meta else ():
                yield from wrapped(line, width, 2, inks.plain)
            low, high = scale_of(heatmap)
            yield Text(f"{low:.3g} for {plain(against)} … 0 … {high:.3g} for {plain(target)}", inks.accent)
            for note in heatmap.notes:
                yield from wrapped(plain(note), width, 1, inks.muted)
        if self._desk.contrast.is_working:
            yield Text(f"{answered.progress or 0:.0%} …  Esc stops", inks.accent)

    def on_key(self, event: events.Key) -> None:
        event.stop()
        if event.key == "escape" and self._desk.contrast.stop():
            self.draw()
        elif event.key in ("escape", "q", "d"):
            self._desk.contrast.stop()
            self.dismiss(False)
        elif event.key == "enter":
            self._desk.contrast.stop()
            self.dismiss(True)
        elif event.key == "y":
            self._copy()
        elif event.key == "o":
            self._is_map = not self._is_map
            self.draw()

    def _copy(self) -> None:
        """Copy the command that makes this mean again, and show it."""
        from fer_tui.tui.command import command_for

        request, project = self._desk.contrast.answered.request, self._desk.project
        if request is not None and self._desk.browser is not None:
            classes, description = self._desk.browser.classes, project.methods[request.method]
            line = command_for(request, request.place, description, classes, project.settings)
            copy(self, line)

    def on_click(self, event: events.Click) -> None:
        if not self.query_one("#contrast").region.contains(event.screen_x, event.screen_y):
            self._desk.contrast.stop()
            self.dismiss(False)
