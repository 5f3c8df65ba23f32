"""Tables and actions of explainers: the keys, and the popup that shows tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen

from fer_tui.contract import Axis, Explanation, Place, Reply, plain
from fer_tui.terminal.pacing import Over
from fer_tui.tui.asking import Answered
from fer_tui.tui.keys import Command
from fer_tui.tui.table_view import TableView
from fer_tui.tui.widgets.lines import Lines, cursor_of
from fer_tui.tui.widgets.picture_pane import wrapped

from .base import DeskScreen
from .popups import Choice, Details

_MOST_TEXT = 6  # lines above a table; g w has all of them
_AROUND = 4, 4  # columns, lines that the popup has around its lines
_SOON = 0.2  # seconds between two looks at whether there is something better
_NARROWEST = 64  # columns of its lines, where there is room


class Tabling(DeskScreen):
    """A screen whose explanation may have tables."""

    @property
    def tabled(self) -> Answered:
        """What the tables are of."""
        return self.asking.answered

    def do_tables(self, command: Command) -> None:
        answered = self.tabled
        explanation = answered.explanation
        if explanation is None:
            self.say("there is nothing yet")
        elif explanation.tables:
            self.show_tables(explanation, so_far=not answered.final)
        elif answered.final:
            self.say("there are no tables: none came with this explanation")
        else:
            self.say("there are no tables yet: they may come at the end of the work")

    def show_tables(self, explanation: Explanation, *, so_far: bool = False) -> None:
        """Show what an explanation tells in tables, and in words where it has no picture. so_far: a better one may
        follow, and takes its place.
        """
        text = explanation.text if isinstance(explanation, Reply) else ""
        name = str(explanation.meta.get("explainer", ""))
        method = self.desk.project.methods.get(name)
        title = plain(method.title if method is not None else name)
        if explanation.tables:
            classes = self.desk.browser.classes if self.desk.browser is not None else ()
            request = self.tabled.request

            def newest() -> Answered | None:
                return self.tabled if self.tabled.request == request else None

            popup = Tables(title, text, explanation, classes, newest if so_far else None)
            self.app.push_screen(popup, self._linked)
        else:
            self.app.push_screen(Details(title, text))

    def _linked(self, place: Place | None) -> None:
        if place is not None:
            self.go_to_place(place)

    def go_to_place(self, place: Place) -> None:
        """Where a row of a table leads: only the axes that it names are there."""
        raise NotImplementedError

    def wrong(self, place: Place) -> str:
        """Why the user cannot go to a row's place, '' where they can."""
        browser, classifier = self.desk.browser, self.desk.project.classifier
        assert browser is not None and classifier is not None
        layers = {each.name: each.filters for each in classifier.layers}
        layer = place.layer or self.desk.choice.layer
        if place.image is not None and place.image not in browser.listed:
            return f"image {place.image} is not listed: Esc lists all"
        if place.target is not None and place.target >= len(browser.classes):
            return f"there is no class {place.target}"
        if place.checkpoint is not None and place.checkpoint >= len(classifier.checkpoints):
            return f"there is no checkpoint {place.checkpoint}"
        if place.layer is not None and place.layer not in layers:
            return f"there is no layer {place.layer}"
        if place.filter is not None and place.filter >= layers.get(layer or "", 0):
            return f"there is no filter {place.filter} at {layer or 'no layer'}"
        return ""


class Acts(Tabling):
    """A screen on which the method's actions can be done, and the rows of tables lead somewhere."""

    def aimed(self) -> None:
        """Something else is to be explained: ask for it and draw."""
        raise NotImplementedError

    def moved(self) -> None:
        """The cursor is at another image: show it."""
        raise NotImplementedError

    def do_actions(self, command: Command) -> None:
        actions, method = self.desk.acting.actions, self.desk.choice.method
        if not actions or method is None:
            self.say(f"{plain(method.title) if method is not None else 'the method'} has no actions")
            return

        def chosen(number: int | None) -> None:
            if number is not None:
                self.desk.acting.begin(actions[number].name)
                self.aimed()

        def preview(number: int) -> None:
            self.say(actions[number].help)

        names = [each.title for each in actions]
        self.app.push_screen(Choice(f"actions of {plain(method.title)}", names, None, preview=preview), chosen)
        preview(0)

    def show_reply(self) -> None:
        """Show what an action has told, once."""
        reply = self.desk.acting.told(self.asking.answered)
        if reply is not None and self.is_current:
            self.show_tables(reply)

    def go_to_place(self, place: Place) -> None:
        browser, classifier, method = self.desk.browser, self.desk.project.classifier, self.desk.choice.method
        if browser is None or classifier is None or method is None:
            return
        fault = self.wrong(place)
        if fault:
            self.say(fault)
            return
        self.desk.acting.end()
        layer = place.layer or (self.desk.choice.layer if place.filter is not None else None)
        if place.target is not None:
            browser.target = place.target
        if layer is not None:
            browser.layer, browser.filter = layer, place.filter
        if place.checkpoint is not None:
            self.desk.go_to_checkpoint(place.checkpoint)
        if place.image is not None:
            browser.go(place.image)
        if place.filter is not None and Axis.FILTER not in method.axes_for(self.desk.choice.parameters(method)):
            self.go("filters")  # the method does not hang on a filter: that screen does
        elif place.image is not None:
            self.moved()
        else:
            self.aimed()


class Tables(Over, ModalScreen[Place | None], inherit_bindings=False):
    """One table at a time: arrows move, s sorts, Tab goes to the next, Enter where the row leads, Esc leaves.

    newest: what there is by now of an explanation that still gets better, None where something else is asked for.
    """

    def __init__(
        self,
        title: str,
        text: str,
        explanation: Explanation,
        classes: Sequence[str],
        newest: Callable[[], Answered | None] | None = None,
    ) -> None:
        super().__init__()
        self._title, self._text, self._names, self._newest = title, text, classes, newest
        self._explanation = explanation
        self._views = [TableView(name, table, classes) for name, table in explanation.tables.items()]
        self._at = 0

    @property
    def view(self) -> TableView:
        return self._views[self._at]

    def compose(self) -> ComposeResult:
        with Vertical(classes="popup", id="tables"):
            yield Lines(id="tables-title")
            yield Lines(id="tables-rows")
            yield Lines(id="tables-hint")

    def on_mount(self) -> None:
        self._draw()
        if self._newest is not None:
            self.set_interval(_SOON, self._renew)

    def on_resize(self) -> None:
        self._draw()

    def _renew(self) -> None:
        """Show what is better by now: cursor and order stay."""
        answered = self._newest() if self._newest is not None else None
        if answered is None or answered.explanation is None or not (answered.final or answered.explanation.tables):
            return
        if answered.final:
            self._newest = None
        elif answered.explanation is self._explanation:
            return
        self._explanation, now = answered.explanation, self.view.name
        known = {each.name: each for each in self._views}
        views = [
            known[plain(name)].renewed(table) if plain(name) in known else TableView(name, table, self._names)
            for name, table in answered.explanation.tables.items()
        ]
        self._views = views or self._views
        self._at = next((number for number, each in enumerate(self._views) if each.name == now), 0)
        self._draw()

    def _draw(self) -> None:
        title, rows, hint = (self.query_one(f"#tables-{name}", Lines) for name in ("title", "rows", "hint"))
        inks, view = title.inks, self.view
        columns, height = (int(0.9 * size) - around for size, around in zip(self.app.size, _AROUND, strict=True))
        width = min(columns, max(_NARROWEST, *(each.width for each in self._views)))
        self.query_one("#tables").styles.width = width + _AROUND[0]
        heading = Text(f"{self._title}{', so far' if self._newest is not None else ''}", inks.title)
        for number, each in enumerate(self._views):
            heading.append(f"  {each.name}", inks.accent if number == self._at else inks.muted)
        told = [part for line in self._text.splitlines() for part in wrapped(plain(line), width, 2, inks.plain)]
        caption = wrapped(plain(view.table.caption), width, 2, inks.muted) if view.table.caption else []
        head = [heading, *told[:_MOST_TEXT], *caption]
        title.show(head)
        rows.show(list(view.lines(width, height - len(head), inks, cursor_of(self.app))))
        keys = ["s sorts", *(["Tab next table"] if len(self._views) > 1 else [])]
        keys += ["Enter goes there"] if view.link is not None else []
        hint.show(wrapped("   ".join([view.where, *keys, "Esc leaves"]), width, 1, inks.muted))

    def on_key(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
        key = event.character if event.is_printable and event.character else event.key
        page, last = max(1, self.query_one("#tables-rows", Lines).size.height - 2), len(self.view.table.rows)
        moves = {
            "j": (1, 0),
            "down": (1, 0),
            "k": (-1, 0),
            "up": (-1, 0),
            "l": (0, 1),
            "right": (0, 1),
            "h": (0, -1),
            "left": (0, -1),
            "pagedown": (page, 0),
            "ctrl+d": (page, 0),
            "pageup": (-page, 0),
            "ctrl+u": (-page, 0),
            "g": (-last, 0),
            "home": (-last, 0),
            "G": (last, 0),
            "end": (last, 0),
        }
        others: dict[str, Callable[[], None]] = {
            "s": self.view.sort,
            "tab": lambda: self._turn(1),
            "shift+tab": lambda: self._turn(-1),
        }
        if key in ("escape", "q", "w"):
            self.dismiss(None)
        elif key == "enter":
            self._leave()
        elif key in moves:
            self.view.move(*moves[key])
            self._draw()
        elif key in others:
            others[key]()
            self._draw()

    def _turn(self, steps: int) -> None:
        self._at = (self._at + steps) % len(self._views)

    def _leave(self) -> None:
        if self.view.link is not None:
            self.dismiss(self.view.link)

    def on_mouse_scroll_down(self) -> None:
        self.view.move(1)
        self._draw()

    def on_mouse_scroll_up(self) -> None:
        self.view.move(-1)
        self._draw()

    def on_click(self, event: events.Click) -> None:
        """A row: the cursor goes there; the row at the cursor: Enter; outside: leave."""
        rows, before = self.query_one("#tables-rows", Lines), self.view.row
        if not self.query_one("#tables").region.contains(event.screen_x, event.screen_y):
            self.dismiss(None)
        elif rows.region.contains(event.screen_x, event.screen_y) and self.view.point(event.screen_y - rows.region.y):
            if self.view.row == before:
                self._leave()
            self._draw()
