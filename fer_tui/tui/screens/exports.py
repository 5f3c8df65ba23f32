"""The keys that leave files behind: exports of explanations, sheets and tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from fer_tui.contract import Axis, FerTuiError, Place, plain
from fer_tui.naming import file_name
from fer_tui.tui.asking import Request
from fer_tui.tui.exporting import FOLDER, Item, Sheet, free, put
from fer_tui.tui.keys import Command
from fer_tui.tui.tables import listing

from .base import DeskScreen
from .marking import Marking
from .popups import Choice, Question

Offer = tuple[str, Callable[[], None]]


class Exporting(DeskScreen):
    """A screen that can write files: what it shows, and tables of the images."""

    def offers(self) -> Iterator[Offer]:
        """What can be written, and what asks where to."""
        yield from self._tables()

    @property
    def home(self) -> Path:
        """The folder that is proposed."""
        return Path(FOLDER, file_name(self.desk.project.name))

    @property
    def marked_rows(self) -> list[int]:
        browser = self.desk.browser
        return browser.marks.marked.nonzero()[0].tolist() if browser is not None and browser.marks is not None else []

    def _tables(self) -> Iterator[Offer]:
        browser = self.desk.browser
        if marked := self.marked_rows:
            yield "a table of the marked images", lambda: self._ask_table(self.home / "marked.csv", marked)
        if browser is not None and browser.count:
            rows = browser.listed.tolist()
            title = f"a table of the {browser.count:,} images that are listed"
            yield title, lambda: self._ask_table(self.home / "list.csv", rows)

    def do_export(self, command: Command) -> None:
        offers = list(self.offers()) if self.desk.project.dataset is not None else []
        now = self.desk.exports.now
        if not offers:
            self.say("there is nothing to export yet")
        elif now is not None and not now.is_over:
            self.say(f"an export is at work: {now.done} of {now.total}; Esc stops it")
        else:

            def chosen(number: int | None) -> None:
                if number is not None:
                    offers[number][1]()

            self.app.push_screen(Choice("export", [title for title, _ in offers], None), chosen)

    def _ask_table(self, file: Path, rows: list[int]) -> None:
        browser = self.desk.browser
        if browser is not None:
            told = f"{len(rows):,} rows are written"
            self.ask_file(file, lambda path: put(path, listing(rows, browser, self.desk.project)), told)

    def ask_file(self, file: Path, write: Callable[[Path], None], told: str = "written") -> None:
        """Ask for a file's name, and write it."""

        def named(path: Path) -> None:
            try:
                write(path)
            except FerTuiError as error:
                self.say(str(error), fault=True)
            else:
                self.say(f"{told}: {path}")

        self._ask("as the file", free(file), named)

    def ask_folder(self, folder: Path, items: Callable[[], Sequence[Item]], sheet: Sheet | None = None) -> None:
        """Ask for a folder's name, and write explanations there."""

        def named(path: Path) -> None:
            try:
                self.desk.exports.begin(path, items(), self.desk.look.drawn, sheet)
            except FerTuiError as error:
                self.say(str(error), fault=True)
            self.draw_status()

        self._ask("into the folder", free(folder), named)

    def _ask(self, title: str, path: Path, then: Callable[[Path], None]) -> None:
        """Where to write; what is there already is not written over unless that is said."""

        def named(text: str | None) -> None:
            if not text or not text.strip():
                return
            wanted = Path(text.strip()).expanduser()
            if not wanted.exists() or (wanted.is_dir() and not any(wanted.iterdir())):
                then(wanted)
                return
            offers = ("leave it as it is", "write there all the same, over files of the same name")
            asks = Choice(f"{plain(wanted)} is there already", offers, 0)
            self.app.push_screen(asks, lambda number: then(wanted) if number == 1 else None)

        self.app.push_screen(Question(title, str(path), "Enter writes, Esc leaves"), named)

    def item(self, name: str, request: Request, place: Place, **facts: object) -> Item:
        """An explanation to be written, with what the index tells of it."""
        desk, browser = self.desk, self.desk.browser
        assert browser is not None and desk.project.dataset is not None
        found: dict[str, object] = {**facts}
        if (row := place.image) is not None:
            label, predicted = int(browser.predictions.labels[row]), int(browser.predictions.predicted[row])
            found |= {
                "row": row,
                "id": desk.project.dataset.name_of(row),
                "true": browser.classes[label] if label >= 0 else None,
                "predicted": browser.classes[predicted] if predicted >= 0 else None,
                "confidence": round(float(browser.predictions.confidence[row]), 6) if predicted >= 0 else None,
                "note": browser.marks.notes.get(row, "") if browser.marks is not None else "",
            }
        description = desk.project.methods[request.method]
        if Axis.TARGET in description.axes_for(request.parameters):
            found["explained"] = browser.classes[place.target] if place.target is not None else "predicted"
        return Item(
            name, request, {**found, "look": desk.look.to_dict(), "command": desk.command(request, request.place)}
        )


class MarkedExports(Exporting):
    """A screen whose marked images can be written, explained by the current method."""

    def offers(self) -> Iterator[Offer]:
        yield from self._marked()
        yield from super().offers()

    def _marked(self) -> Iterator[Offer]:
        browser, method, marked = self.desk.browser, self.desk.choice.method, self.marked_rows
        if browser is None or method is None or not marked:
            return
        title, name = f"the {len(marked):,} marked images by {method.title}", file_name(method.name, "marked")
        places = [browser.place_of(row) for row in marked]
        yield title, lambda: self.ask_places(name, places)
        if Axis.TARGET in method.axes_for(self.desk.choice.parameters(method)):
            both = [place for each in places for place in self._both_classes(each)]
            yield "the same for the predicted and the true class", lambda: self.ask_places(name, both)

    def _both_classes(self, place: Place) -> list[Place]:
        """The place at the predicted class and at the true one, as far as they are known: one where they agree."""
        browser = self.desk.browser
        assert browser is not None and place.image is not None
        known = browser.predictions
        classes = (int(known.predicted[place.image]), int(known.labels[place.image]))
        return [replace(place, target=each) for each in dict.fromkeys(classes) if each >= 0] or [place]

    def ask_places(self, name: str, places: list[Place]) -> None:
        """Ask for a folder, and write the explanations of these places there."""
        self.ask_folder(self.home / name, lambda: [self._item(place) for place in places])

    def _item(self, place: Place) -> Item:
        desk, browser, method = self.desk, self.desk.browser, self.desk.choice.method
        assert browser is not None and method is not None
        request = desk.project.request(method, desk.choice.parameters(method), place)
        shown = desk.image.answered.request
        if shown is not None and shown.action and place == browser.place:
            request = shown
        target = browser.classes[place.target] if place.target is not None else "predicted"
        return self.item(file_name(place.image, method.name, request.action, target), request, place)


class Exports(MarkedExports, Marking):
    """A screen whose explanation and marked images can be written to files."""

    def offers(self) -> Iterator[Offer]:
        browser, method = self.desk.browser, self.desk.choice.method
        if browser is not None and method is not None and browser.row is not None:
            here = [browser.place_of(browser.row)]
            yield "this explanation", lambda: self.ask_places(file_name(method.name), here)
        yield from super().offers()
