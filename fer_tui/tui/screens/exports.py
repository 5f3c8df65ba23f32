"""The keys that leave files behind: exports of explanations and lists."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from fer_tui.contract import Axis, FerTuiError, Place, plain
from fer_tui.tui.exporting import FOLDER, Item, file_name, free, listing, put
from fer_tui.tui.keys import Command

from .marking import Marking
from .popups import Choice, Question


class Exports(Marking):
    """A screen whose explanation, marked images and list can be written to files."""

    def do_export(self, command: Command) -> None:
        browser, method = self.desk.browser, self.desk.choice.method
        if browser is None or method is None or self.desk.project.dataset is None:
            self.say("there is nothing to export yet")
            return
        now = self.desk.exports.now
        if now is not None and not now.is_over:
            self.say(f"an export is at work: {now.done} of {now.total}; Esc stops it")
            return
        marked = browser.marks.marked.nonzero()[0].tolist() if browser.marks is not None else []
        home = Path(FOLDER, file_name(self.desk.project.name))
        offers: list[tuple[str, Callable[[], None]]] = []
        if browser.row is not None:
            places = [browser.place_of(browser.row)]
            offers.append(("this explanation", lambda: self._ask_folder(home / file_name(method.name), places)))
        if marked:
            title = f"the {len(marked):,} marked images by {method.title}"
            folder, chosen_places = home / file_name(method.name, "marked"), [browser.place_of(row) for row in marked]
            offers.append((title, lambda: self._ask_folder(folder, chosen_places)))
            if Axis.TARGET in method.axes_for(self.desk.choice.parameters(method)):
                both = [place for each in chosen_places for place in self._both_classes(each)]
                offers.append(("the same for the predicted and the true class", lambda: self._ask_folder(folder, both)))
            offers.append(("a table of the marked images", lambda: self._ask_file(home / "marked.csv", marked)))
        if browser.count:
            rows = browser.listed.tolist()
            title = f"a table of the {browser.count:,} images that are listed"
            offers.append((title, lambda: self._ask_file(home / "list.csv", rows)))

        def chosen(number: int | None) -> None:
            if number is not None:
                offers[number][1]()

        self.app.push_screen(Choice("export", [title for title, _ in offers], None, first=1), chosen)

    def _both_classes(self, place: Place) -> list[Place]:
        """The place at the predicted class and at the true one, as far as they are known: one where they agree."""
        browser = self.desk.browser
        assert browser is not None and place.image is not None
        known = browser.predictions
        classes = (int(known.predicted[place.image]), int(known.labels[place.image]))
        return [replace(place, target=each) for each in dict.fromkeys(classes) if each >= 0] or [place]

    def _ask_folder(self, folder: Path, places: list[Place]) -> None:
        self._ask("into the folder", free(folder), lambda path: self._export(path, places))

    def _ask_file(self, file: Path, rows: list[int]) -> None:
        self._ask("as the file", file, lambda path: self._write_table(path, rows))

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
            asks = Choice(f"{plain(wanted)} is there already", offers, 0, first=1)
            self.app.push_screen(asks, lambda number: then(wanted) if number == 1 else None)

        self.app.push_screen(Question(title, str(path), "Enter writes, Esc leaves"), named)

    def _write_table(self, path: Path, rows: list[int]) -> None:
        browser = self.desk.browser
        if browser is None:
            return
        try:
            put(path, listing(rows, browser, self.desk.project))
        except FerTuiError as error:
            self.say(str(error), fault=True)
        else:
            self.say(f"{len(rows):,} rows are written: {path}")

    def _export(self, folder: Path, places: list[Place]) -> None:
        try:
            self.desk.exports.begin(folder, [self._item(place) for place in places], self.desk.look.drawn)
        except FerTuiError as error:
            self.say(str(error), fault=True)
        self.draw_status()

    def _item(self, place: Place) -> Item:
        desk, browser, method, row = self.desk, self.desk.browser, self.desk.choice.method, place.image
        assert browser is not None and method is not None and desk.project.dataset is not None and row is not None
        request = desk.project.request(method, desk.choice.parameters(method), place)
        label, predicted = int(browser.predictions.labels[row]), int(browser.predictions.predicted[row])
        target = browser.classes[place.target] if place.target is not None else "predicted"
        facts = {
            "row": row,
            "id": desk.project.dataset.name_of(row),
            "true": browser.classes[label] if label >= 0 else None,
            "predicted": browser.classes[predicted] if predicted >= 0 else None,
            "explained": target,
            "note": browser.marks.notes.get(row, "") if browser.marks is not None else "",
            "look": desk.look.to_dict(),
            "command": desk.command(request, request.place),
        }
        return Item(file_name(row, method.name, target), request, facts)
