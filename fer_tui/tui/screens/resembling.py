"""The popup with the most similar images, and the key that opens it."""

from __future__ import annotations

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen

from fer_tui.contract import plain
from fer_tui.engine.messages import Neighbour
from fer_tui.terminal.pacing import Over
from fer_tui.tui.desk import Desk
from fer_tui.tui.keys import Command
from fer_tui.tui.widgets.curves import Film, Frame, Shot
from fer_tui.tui.widgets.lines import Lines
from fer_tui.tui.widgets.picture_pane import wrapped

from .moving import Moving


class Resembling(Moving):
    """A screen on which the most similar images to the one at the cursor can be looked at."""

    def do_similar(self, command: Command) -> None:
        browser = self.desk.browser
        if browser is None or browser.row is None or self.desk.project.classifier is None or self.desk.lost:
            self.say("there is no network to ask yet")
            return
        self.desk.similar.want(browser.row, browser.checkpoint)
        self.app.push_screen(SimilarPopup(self.desk), self._go_to_similar)

    def _go_to_similar(self, found: Neighbour | None) -> None:
        browser, dataset, split = self.desk.browser, self.desk.project.dataset, self.desk.similar.dataset
        if found is None or browser is None or dataset is None:
            return
        here = (dataset.source_rows == found.source).nonzero()[0]
        if not len(here):
            where = f" {plain(split.split)}" if split is not None and split.split else ""
            self.say(f"image {found.row} of the split{where} is not among those that are open")
        elif found.source not in dataset.source_rows[browser.listed]:
            self.say(f"image {int(here[0])} is not listed: Esc lists all")
        else:
            self.go_to(int(here[0]), 0)


class SimilarPopup(Over, ModalScreen[Neighbour | None], inherit_bindings=False):
    """The images side by side, the nearest first: arrows or h and l choose, Enter goes there, Esc leaves."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk, self._at, self._first = desk, 0, 0
        self._drawn: object = None  # what is on the screen

    def compose(self) -> ComposeResult:
        with Vertical(classes="popup", id="similar"):
            yield Lines(id="similar-title")
            yield Film()
            yield Lines(id="similar-words")

    def on_mount(self) -> None:
        self.set_interval(0.1, self._draw)
        self.call_after_refresh(self._draw)

    def on_film_resized(self) -> None:
        self._drawn = None
        self._draw()

    def _draw(self) -> None:
        similar = self._desk.similar
        now = similar.progress, similar.fault, similar.found, self._at
        if now == self._drawn:
            return
        self._drawn = now
        title, words = self.query_one("#similar-title", Lines), self.query_one("#similar-words", Lines)
        inks, film = title.inks, self.query_one(Film)
        heading = Text.assemble((f"most similar to image {similar.row}", inks.title))
        if similar.dataset is not None and similar.dataset.split:
            heading.append(f"  in {plain(similar.dataset.split)}", inks.muted)
        title.show([heading])
        if similar.found is None:
            left = self._desk.pace.left("features", similar.progress)
            told = similar.fault or f"reading the features of the images {similar.progress:.0%}{left} …  Esc stops"
            words.show([Text(plain(told), inks.wrong if similar.fault else inks.accent)])
            film.show([])
            return
        room = film.room
        self._first = min(max(self._first, self._at - room + 1), self._at)
        film.show([self._shot(n) for n in range(self._first, min(len(similar.found), self._first + room))])
        hint = "distance: 1 - cosine of what the last layer is given   ← → choose   Enter goes there   Esc leaves"
        words.show(wrapped(hint, words.size.width, 2, inks.muted))

    def _shot(self, number: int) -> Shot:
        from PIL import Image

        similar, inks = self._desk.similar, self.query_one("#similar-title", Lines).inks
        assert similar.found is not None and similar.dataset is not None
        each, classes = similar.found[number], similar.dataset.classes
        names = plain(classes[each.label]) if each.label >= 0 else "–"
        ink = inks.muted if each.label < 0 else inks.right if each.label == each.predicted else inks.wrong
        if each.predicted != each.label:
            names = f"{names} → {plain(classes[each.predicted])}"
        is_current = number == self._at
        name = Text(f"▸ {each.row}" if is_current else f"{each.row}", inks.accent if is_current else inks.muted)
        picture = Image.fromarray(similar.dataset.shown(each.row))
        return Shot(name, picture, [Text(names, ink), Text(f"{each.distance:.3f}", inks.muted)])

    def on_key(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
        found = self._desk.similar.found or ()
        steps = {"l": 1, "right": 1, "j": 1, "down": 1, "h": -1, "left": -1, "k": -1, "up": -1}.get(event.key)
        if event.key in ("escape", "q", "s"):
            self._leave(None)
        elif event.key == "enter" and found:
            self._leave(found[self._at])
        elif steps is not None:
            self._at = min(max(0, self._at + steps), max(0, len(found) - 1))
            self._draw()

    def on_frame_chosen(self, message: Frame.Chosen) -> None:
        found = self._desk.similar.found or ()
        if self._first + message.number < len(found):
            self._leave(found[self._first + message.number])

    def _leave(self, found: Neighbour | None) -> None:
        self._desk.similar.stop()
        self.dismiss(found)
