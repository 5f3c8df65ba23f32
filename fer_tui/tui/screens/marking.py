"""The keys that mark images and keep notes on them."""

from __future__ import annotations

from fer_tui.tui.keys import Command

from .moving import Moving
from .popups import Question


class Marking(Moving):
    """A screen on which the image at the cursor can be marked."""

    def marked(self) -> None:
        """Marks have changed: draw them."""
        raise NotImplementedError

    def do_mark(self, command: Command) -> None:
        """Mark the image, or take its mark away, and go on to the next: several in a row are a held key."""
        browser = self.desk.browser
        if browser is None or browser.marks is None or browser.row is None:
            return
        for _ in range(command.times):
            browser.marks.toggle(browser.row)
            last = browser.position + 1 >= browser.count
            browser.move(1)
            if last:
                break
        self.marked()
        self.moved()

    def do_mark_all(self, command: Command) -> None:
        """Mark all that are listed; where they all are marked already, take the marks away."""
        browser = self.desk.browser
        if browser is None or browser.marks is None:
            return
        rows = browser.listed
        on = not browser.marks.marked[rows].all()
        browser.marks.set(rows.tolist(), on)
        self.say(f"{len(rows):,} images are {'marked' if on else 'not marked any more'}")
        self.marked()

    def do_invert_marks(self, command: Command) -> None:
        browser = self.desk.browser
        if browser is None or browser.marks is None:
            return
        browser.marks.invert(browser.listed.tolist())
        self.say(f"{browser.marks.count:,} images are marked now")
        self.marked()

    def do_unmark(self, command: Command) -> None:
        browser = self.desk.browser
        if browser is None or browser.marks is None:
            return
        count = browser.marks.count
        browser.marks.set(browser.marks.marked.nonzero()[0].tolist(), False)
        self.say(f"{count:,} marks are taken away" if count else "nothing is marked")
        self.marked()

    def do_note(self, command: Command) -> None:
        browser = self.desk.browser
        if browser is None or browser.marks is None or (row := browser.row) is None:
            return
        marks = browser.marks

        def keep(text: str | None) -> None:
            if text is not None:
                marks.note(row, text)
                self.marked()

        self.app.push_screen(
            Question(f"note on image {row}", marks.notes.get(row, ""), "Enter keeps it, an empty one takes it away"),
            keep,
        )
